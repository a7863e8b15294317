"""How sure shares and rates are that were counted in a sample."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

# Fewer false matches than this in the sample say little of their rate: the model says more.
LEAST_COUNT = 10
# The model is fitted to about so many of the nearest pairs.
_TAIL = 1000


class Estimate(NamedTuple):
    """Numbers and the interval that each is in with a confidence of 95 %.

    Parameters
    ----------
    value, low, high : ndarray of float64
        The estimates and the ends of the intervals.
    """

    value: Floats
    low: Floats
    high: Floats


def estimate_share(found: NDArray[np.bool_]) -> Estimate:
    """Estimate the shares of copies that are found, from copies of some images.

    The interval is Wilson's; for the mean over several edits it counts images, not copies, since
    the copies of one image are found or missed together.

    Parameters
    ----------
    found : ndarray of shape (n_images, n_edits), dtype bool
        Which copies are found.

    Returns
    -------
    Estimate
        Scalars in arrays of shape ().

    References
    ----------
    Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", 1927.
    """
    by_image = found.mean(axis=1)
    n = len(by_image)
    share = by_image.mean()
    z = stats.norm.ppf(0.975)
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return Estimate(*(np.asarray(part) for part in (share, middle - half, middle + half)))


def estimate_rates(counts: Counts, n_pairs: int) -> tuple[Estimate, NDArray[np.bool_]]:
    """Estimate the share of pairs of different images that are within each radius.

    Where at least 10 pairs are within a radius, it is their share, with the exact interval of a
    Poisson rate. Where there are fewer, the rate is extrapolated: the number of pairs at a
    distance is taken to grow exponentially with the distance, as it does in the lower tail of a
    distribution of distances, or faster; then the true rate is lower than the extrapolated one.
    The pairs share images, so the intervals are somewhat too narrow.

    Parameters
    ----------
    counts : ndarray of shape (n_distances,), dtype int64
        How many pairs of different images are at each distance, from 0 on.
    n_pairs : int
        How many pairs of different images there are, those at greater distances included.

    Returns
    -------
    rates : Estimate
        The rates at each radius, from 0 on; NaN where nothing can be said.
    extrapolated : ndarray of shape (n_distances,), dtype bool
        Where they are extrapolated.

    References
    ----------
    Garwood, "Fiducial Limits for the Poisson Distribution", 1936.

    Examples
    --------
    >>> import numpy as np
    >>> from hashfeatures.error_rates import estimate_rates
    >>> counts = np.array([0, 1, 2, 8, 16, 32, 64])
    >>> rates, extrapolated = estimate_rates(counts, 10**6)
    >>> extrapolated
    array([ True,  True,  True, False, False, False, False])
    >>> (1e6 * rates.value).round(1)
    array([  1.1,   2.3,   5.1,  11. ,  27. ,  59. , 123. ])
    """
    within = np.cumsum(counts)
    if n_pairs == 0:
        nothing = np.full(len(counts), np.nan)
        return Estimate(nothing, nothing, nothing), np.zeros(len(counts), dtype=bool)
    low = np.where(within > 0, stats.chi2.ppf(0.025, 2 * np.maximum(within, 1)) / 2, 0)
    high = stats.chi2.ppf(0.975, 2 * within + 2) / 2
    value = within.astype(np.float64)
    enough = np.flatnonzero(within >= LEAST_COUNT)
    extrapolated = within < LEAST_COUNT
    growth = _fit_growth(counts) if len(enough) else None
    if growth is None:
        extrapolated = np.zeros(len(counts), dtype=bool)
    else:
        slope, error = growth
        anchor = enough[0]
        steps = anchor - np.flatnonzero(extrapolated)
        value[extrapolated] = within[anchor] * np.exp(-slope * steps)
        z = stats.norm.ppf(0.975)
        spread = np.exp(z * np.sqrt(1 / within[anchor] + (steps * error) ** 2))
        low[extrapolated] = value[extrapolated] / spread
        high[extrapolated] = value[extrapolated] * spread
    return Estimate(value / n_pairs, low / n_pairs, high / n_pairs), extrapolated


def _fit_growth(counts: Counts) -> tuple[float, float] | None:
    """Fit the factor by which the number of pairs grows from distance to distance.

    Returns
    -------
    tuple of float or None
        Its logarithm, by maximum likelihood of Poisson counts, and the standard error of that.
        None if the counts do not grow, or are all at one distance.
    """
    within = np.cumsum(counts)
    end = int(np.searchsorted(within, min(_TAIL, within[-1]))) + 1
    tail = counts[:end].astype(np.float64)
    if (tail > 0).sum() < 2:
        return None
    distances = np.arange(end) - end + 1.0
    total, moment = tail.sum(), (tail * distances).sum()
    slope = 0.5
    for _ in range(100):
        weights = np.exp(slope * distances)
        weights /= weights.sum()
        mean = (weights * distances).sum()
        variance = (weights * distances**2).sum() - mean**2
        step = (moment / total - mean) / max(variance, 1e-9)
        slope += float(np.clip(step, -0.5, 0.5))
        if abs(step) < 1e-9:
            break
    return (slope, float(1 / np.sqrt(total * variance))) if slope > 0 else None
