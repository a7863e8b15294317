"""Estimate error rates from a sample of images, with confidence intervals.

The pairs of a sample are not independent, and neither are the copies of one image: an image that
resembles many others is in many pairs. So the intervals account for sampling images, not pairs.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from scipy.optimize import brentq

from ..._utils.intervals import wilson_interval

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

# With fewer false matches in the sample, a model estimates their rate better than the count.
LEAST_COUNT = 10
# The model is fitted to about this many of the nearest pairs.
_TAIL = 1000
# The steepest growth that the model fits: by a factor of exp(50) from bit to bit.
_STEEPEST = 50.0
# The quantiles at the ends of an interval.
_TAILS = (0.025, 0.975)


class Estimate(NamedTuple):
    """Estimates with 95 % confidence intervals.

    Parameters
    ----------
    value, low, high : ndarray of float64
        The estimates and the ends of the intervals.
    """

    value: Floats
    low: Floats
    high: Floats


def estimate_shares(found: NDArray[np.bool_]) -> Estimate:
    """Estimate the share of copies that are found at each radius, from copies of some images.

    The interval is Wilson's, with an effective number of independent copies. That number gives the
    variance that is observed between images, as the copies of one image are often found or missed
    together. The variance is at least that of finding each edit by chance, estimated with half an
    image added to both counts. If all copies are found, or none, the effective number is the
    number of images.

    Parameters
    ----------
    found : ndarray of shape (n_radii, n_images, n_edits), dtype bool
        Whether each copy is found, at increasing radii.

    Returns
    -------
    Estimate
        The share at each radius. The ends of the intervals never decrease with the radius.

    References
    ----------
    Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", 1927; Korn and
    Graubard, "Confidence Intervals for Proportions with Small Expected Number of Positive Counts
    Estimated from Survey Data", 1998, for the number of independent copies.

    Examples
    --------
    >>> import numpy as np
    >>> from hashfeatures.duplicates.calibration._error_rates import estimate_shares
    >>> found = np.ones((1, 50, 4), dtype=bool)
    >>> found[0, :10, 0] = False  # one edit hides a fifth of the images
    >>> [part.round(3).tolist() for part in estimate_shares(found)]
    [[0.95], [0.909], [0.973]]
    """
    n_images, n_edits = found.shape[1:]
    by_image, share = found.mean(axis=2), found.mean(axis=(1, 2))
    by_edit = (found.sum(axis=1) + 0.5) / (n_images + 1)
    by_chance = (by_edit * (1 - by_edit)).sum(axis=1) / n_edits**2
    variance = np.maximum(by_image.var(axis=1, ddof=min(1, n_images - 1)), by_chance) / n_images
    varies = (share > 0) & (share < 1)
    n = np.where(varies, share * (1 - share) / variance, n_images)
    # The variance is itself estimated, from few images.
    z = np.where(varies, stats.t.ppf(_TAILS[1], max(1, n_images - 1)), stats.norm.ppf(_TAILS[1]))
    return make_monotonic(Estimate(share, *wilson_interval(share, n, z)))


class NearCounts(NamedTuple):
    """The number of pairs of different pictures within each radius, and its variance.

    Parameters
    ----------
    within : ndarray of shape (n_radii,), dtype int64
        The number of pairs within each radius, from 0 on.
    variance : ndarray of shape (n_radii,), dtype float64
        The variance of that number between samples of pictures.
    n_pairs : int
        The number of all pairs of different pictures.
    """

    within: Counts
    variance: Floats
    n_pairs: int


def count_near(
    left: ArrayLike, right: ArrayLike, distance: ArrayLike, sizes: ArrayLike, n_radii: int
) -> NearCounts:
    """Count pairs of images within each radius, and estimate the variance of the counts.

    The share of near pairs is a U-statistic. Its variance is estimated by the jackknife that
    leaves out one picture at a time. The estimate is corrected for its bias, as each pair is left
    out twice, once with either picture.

    Parameters
    ----------
    left, right : array-like of int
        The pictures that the two images of each near pair show, numbered from 0 on, never equal.
    distance : array-like of int
        The distance of the images in bits.
    sizes : array-like of int
        The number of images that show each picture.
    n_radii : int
        The number of radii, which begin at 0.

    Returns
    -------
    NearCounts
        The counts at each radius.

    References
    ----------
    Arvesen, "Jackknifing U-Statistics", 1969; Efron and Stein, "The Jackknife Estimate of
    Variance", 1981, for the bias.

    Examples
    --------
    >>> from hashfeatures.duplicates.calibration._error_rates import count_near
    >>> hub = count_near([0, 0, 0, 0], [1, 2, 3, 4], [0, 0, 1, 1], [1] * 100, 2)
    >>> apart = count_near([0, 2, 4, 6], [1, 3, 5, 7], [0, 0, 1, 1], [1] * 100, 2)
    >>> hub.within, apart.within
    (array([2, 4]), array([2, 4]))
    >>> hub.variance.round(1), apart.variance.round(1)
    (array([ 3.8, 15.4]), array([2., 4.]))
    """
    left, right, distance = (np.asarray(part, dtype=np.intp) for part in (left, right, distance))
    sizes = np.asarray(sizes, dtype=np.int64)
    n_pictures, n_images = len(sizes), int(sizes.sum())
    pairs_of = sizes * (n_images - sizes)
    n_pairs = int(pairs_of.sum()) // 2
    low, high = np.minimum(left, right), np.maximum(left, right)
    both, number = np.unique(low * n_pictures + high, return_inverse=True)
    squares, order = np.zeros((2, n_radii)), np.argsort(distance, kind="stable")
    of_picture = np.zeros(n_pictures)
    of_both = np.zeros(len(both))
    within = np.cumsum(np.bincount(distance, minlength=n_radii)[:n_radii])
    starts = np.concatenate([[0], within])
    for radius in range(n_radii):
        new = order[starts[radius] : starts[radius + 1]]
        for side in (left, right):
            of_picture += np.bincount(side[new], minlength=n_pictures)
        of_both += np.bincount(number[new], minlength=len(both))
        rate = within[radius] / max(1, n_pairs)
        squares[:, radius] = ((of_picture - rate * pairs_of) ** 2).sum(), (of_both**2).sum()
    # A variance below that of independent pairs is not trusted: too few pictures determine it.
    return NearCounts(within, np.maximum(squares[0] - squares[1], within), n_pairs)


def estimate_rates(
    near: NearCounts, shape: Counts | None = None
) -> tuple[Estimate, NDArray[np.bool_]]:
    """Estimate the share of pairs of different pictures that are within each radius.

    If at least 10 pairs are within a radius, the estimate is their share, with the interval of Fay
    and Feuer. For independent pairs that is the interval of a Poisson rate; pairs that share
    pictures widen it.

    If there are fewer pairs, the lower end is 0. The upper end follows from the count, which is
    assumed to be as clustered as the first ten pairs. The estimate is extrapolated if the counts
    allow it: the number of pairs is assumed to grow exponentially with the distance. In some
    populations more pairs have the lowest distances, and then the estimate is too low.

    Parameters
    ----------
    near : NearCounts
        The pairs of a sample.
    shape : ndarray of shape (n_radii,), dtype int64, optional
        The number of pairs within each radius that the exponential growth is fitted to, if the
        pairs within the first radius were set aside, so that none is left. More pairs of a wider
        search show the growth better. None means the pairs of `near`, down to the smallest
        distances.

    Returns
    -------
    rates : Estimate
        The rates at each radius, from 0 on; NaN if there are no pairs. Neither the estimates nor
        the ends of their intervals decrease with the radius.
    extrapolated : ndarray of shape (n_radii,), dtype bool
        Whether each estimate is extrapolated.

    References
    ----------
    Fay and Feuer, "Confidence Intervals for Directly Standardized Rates: A Method Based on the
    Gamma Distribution", 1997; Garwood, "Fiducial Limits for the Poisson Distribution", 1936.

    Examples
    --------
    >>> import numpy as np
    >>> from hashfeatures.duplicates.calibration._error_rates import NearCounts, estimate_rates
    >>> within = np.cumsum([0, 1, 2, 8, 16, 32, 64])
    >>> rates, extrapolated = estimate_rates(NearCounts(within, 2.0 * within, 10**6))
    >>> extrapolated
    array([ True,  True,  True, False, False, False, False])
    >>> (1e6 * rates.value).round(1)
    array([  1.1,   2.3,   5.1,  11. ,  27. ,  59. , 123. ])
    >>> (1e6 * rates.low).round(1)[2:5], (1e6 * rates.high).round(1)[2:5]
    (array([ 0. ,  3.8, 14.6]), array([12.8, 24.7, 45.7]))
    """
    within = near.within.astype(np.float64)
    if near.n_pairs == 0:
        nothing = np.full(len(within), np.nan)
        return Estimate(nothing, nothing, nothing), np.zeros(len(within), dtype=bool)
    enough = np.flatnonzero(near.within >= LEAST_COUNT)
    counted = within >= LEAST_COUNT
    # The variance of the count, relative to that of independent pairs.
    effect = np.divide(near.variance, within, out=np.ones(len(within)), where=within > 0)
    anchor = enough[0] if len(enough) else len(within) - 1
    effect = np.where(counted, effect, max(1.0, float(effect[anchor])))
    n, n_more = within / effect, within / effect + 1
    low = np.where(counted, effect / 2 * stats.chi2.ppf(_TAILS[0], 2 * n), 0)
    high = effect / 2 * stats.chi2.ppf(_TAILS[1], 2 * n_more)
    value = within.copy()
    growth = None
    if shape is not None:
        growth = _fit_growth(np.diff(shape))
    elif len(enough):
        growth = _fit_growth(np.diff(near.within, prepend=0))
    extrapolated = ~counted if growth is not None else np.zeros(len(within), dtype=bool)
    if growth is not None:
        places = np.flatnonzero(extrapolated)
        fall = np.exp(growth * (places - anchor))
        if shape is not None:
            fall *= np.expm1(-growth * places) / np.expm1(-growth * anchor)
        value[extrapolated] = within[anchor] * fall
    value = np.minimum(value, high)
    rates = Estimate(*(part / near.n_pairs for part in (value, low, high)))
    return make_monotonic(rates), extrapolated


def make_monotonic(estimate: Estimate, axis: int = 0) -> Estimate:
    """Make the ends of intervals monotonic along an axis on which the limits widen.

    A bound at one radius bounds all smaller or all greater radii too.
    """
    high = np.flip(np.minimum.accumulate(np.flip(estimate.high, axis), axis), axis)
    return Estimate(estimate.value, np.maximum.accumulate(estimate.low, axis), high)


def _fit_growth(counts: Counts) -> float | None:
    """Fit the rate at which the number of pairs grows exponentially with the distance.

    Returns
    -------
    float or None
        The logarithm of the growth per bit, by maximum likelihood of Poisson counts. None if the
        counts do not grow, or are all at one distance.
    """
    within = np.cumsum(counts)
    end = int(np.searchsorted(within, min(_TAIL, within[-1]))) + 1
    tail = counts[:end].astype(np.float64)
    if (tail > 0).sum() < 2:
        return None
    distances = np.arange(end) - end + 1.0
    mean = (tail * distances).sum() / tail.sum()

    def excess(slope: float) -> float:
        """Return the mean distance under the model minus the observed one."""
        return float(np.average(distances, weights=np.exp(slope * distances)) - mean)

    if excess(0.0) >= 0:
        return None
    return float(brentq(excess, 0.0, _STEEPEST))
