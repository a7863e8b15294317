"""How sure shares and rates are that were counted in a sample of images.

Pairs of one sample are not independent, and neither are the copies of one image: an image that
looks like many others is in many pairs. So the uncertainty is that of drawing images, not pairs.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from scipy.optimize import brentq

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

# Fewer false matches than this in the sample say little of their rate: the model says more.
LEAST_COUNT = 10
# The model is fitted to about so many of the nearest pairs.
_TAIL = 1000
# No growth is steeper: by e to the so many times from bit to bit.
_STEEPEST = 50.0
# What lies below and above an interval.
_TAILS = (0.025, 0.975)


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


def estimate_shares(found: NDArray[np.bool_]) -> Estimate:
    """Estimate the share of copies that are found at each radius, from copies of some images.

    The interval is Wilson's, for as many independent copies as would vary as much as the means of
    the images do: the copies of one image are found or missed together, and some edits hide all
    images. Where images vary less than they would if each edit were found by chance, half an image
    more and less than counted, that is taken. If all copies are found, or none, the interval is
    that of as many copies as there are images.

    Parameters
    ----------
    found : ndarray of shape (n_radii, n_images, n_edits), dtype bool
        Which copies are found, at radii that grow.

    Returns
    -------
    Estimate
        At each radius; no end falls where the radius grows.

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
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return _level(Estimate(share, middle - half, middle + half))


class NearCounts(NamedTuple):
    """How many pairs of different pictures are within each radius, and how sure that is.

    Parameters
    ----------
    within : ndarray of shape (n_radii,), dtype int64
        How many pairs are within each radius, from 0 on.
    variance : ndarray of shape (n_radii,), dtype float64
        By how much that varies from one sample of pictures to the next.
    n_pairs : int
        How many pairs of different pictures there are, at whatever distance.
    """

    within: Counts
    variance: Floats
    n_pairs: int


def count_near(
    left: ArrayLike, right: ArrayLike, distance: ArrayLike, sizes: ArrayLike, n_radii: int
) -> NearCounts:
    """Count pairs of images within each radius, and estimate the variance of the counts.

    The share of pairs that are near is a U-statistic. Its variance is estimated by the jackknife
    that leaves out one picture at a time, less the bias of that: each pair is left out twice, once
    with either picture.

    Parameters
    ----------
    left, right : array-like of int
        The pictures of two images that are near each other, numbered from 0 on; never the same.
    distance : array-like of int
        The distance of the images in bits.
    sizes : array-like of int
        How many images show each picture.
    n_radii : int
        The radii that are asked for: all below this.

    Returns
    -------
    NearCounts
        At each radius.

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
    # Pictures that keep apart would vary less than pairs that are drawn one by one; they are few,
    # and the count of them is not trusted so far.
    return NearCounts(within, np.maximum(squares[0] - squares[1], within), n_pairs)


def estimate_rates(near: NearCounts) -> tuple[Estimate, NDArray[np.bool_]]:
    """Estimate the share of pairs of different pictures that are within each radius.

    Where at least 10 pairs are within a radius, it is their share, with the interval of Fay and
    Feuer: that of a Poisson rate if each pair varies by itself, and as much wider as pairs that
    share pictures make it. Where there are fewer, only the upper end is claimed, and the lower one
    is 0: it rests on what was counted alone, and takes these few pairs for as clustered as the
    first ten. The value itself is then extrapolated, if the counts allow: the number of pairs at a
    distance is taken to grow exponentially with the distance. Some populations have more pairs at
    the lowest distances, and then the value is too low.

    Parameters
    ----------
    near : NearCounts
        The pairs of a sample.

    Returns
    -------
    rates : Estimate
        The rates at each radius, from 0 on; NaN where nothing can be said. Neither they nor their
        ends fall where the radius grows.
    extrapolated : ndarray of shape (n_radii,), dtype bool
        Where they are extrapolated.

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
    # How many times as much as pairs that are drawn one by one the count varies.
    effect = np.divide(near.variance, within, out=np.ones(len(within)), where=within > 0)
    anchor = enough[0] if len(enough) else len(within) - 1
    effect = np.where(counted, effect, max(1.0, float(effect[anchor])))
    n, n_more = within / effect, within / effect + 1
    low = np.where(counted, effect / 2 * stats.chi2.ppf(_TAILS[0], 2 * n), 0)
    high = effect / 2 * stats.chi2.ppf(_TAILS[1], 2 * n_more)
    value = within.copy()
    growth = _fit_growth(np.diff(near.within, prepend=0)) if len(enough) else None
    extrapolated = ~counted if growth is not None else np.zeros(len(within), dtype=bool)
    if growth is not None:
        steps = anchor - np.flatnonzero(extrapolated)
        value[extrapolated] = within[anchor] * np.exp(-growth * steps)
    value = np.minimum(value, high)
    rates = Estimate(*(part / near.n_pairs for part in (value, low, high)))
    return _level(rates), extrapolated


def _level(estimate: Estimate) -> Estimate:
    """Let no end fall where the radius grows: what holds at one radius holds beyond it, too."""
    high = np.minimum.accumulate(estimate.high[::-1])[::-1]
    return Estimate(estimate.value, np.maximum.accumulate(estimate.low), high)


def _fit_growth(counts: Counts) -> float | None:
    """Fit the factor by which the number of pairs grows from distance to distance.

    Returns
    -------
    float or None
        Its logarithm, by maximum likelihood of Poisson counts. None if the counts do not grow, or
        are all at one distance.
    """
    within = np.cumsum(counts)
    end = int(np.searchsorted(within, min(_TAIL, within[-1]))) + 1
    tail = counts[:end].astype(np.float64)
    if (tail > 0).sum() < 2:
        return None
    distances = np.arange(end) - end + 1.0
    mean = (tail * distances).sum() / tail.sum()

    def excess(slope: float) -> float:
        """By how much the mean distance under the model exceeds the one that was found."""
        return float(np.average(distances, weights=np.exp(slope * distances)) - mean)

    if excess(0.0) >= 0:
        return None
    return float(brentq(excess, 0.0, _STEEPEST))
