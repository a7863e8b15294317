"""Confidence intervals of shares."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

# The quantile of the normal distribution at the ends of a 95 % interval.
Z_95 = 1.959963984540054


def wilson_interval(
    share: ArrayLike, n: ArrayLike, z: ArrayLike = Z_95
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the ends of Wilson's confidence interval of a share.

    Parameters
    ----------
    share : float or ndarray
        The observed share, from 0 to 1.
    n : float or ndarray
        The number of independent observations, above 0. It need not be a whole number.
    z : float or ndarray, default=1.96
        The quantile of the normal distribution; the default gives 95 %.

    Returns
    -------
    low, high : ndarray of float64
        The ends, within 0 and 1.

    References
    ----------
    Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", 1927.

    Examples
    --------
    >>> from hashfeatures._utils.intervals import wilson_interval
    >>> [float(end.round(3)) for end in wilson_interval(0.1, 50)]
    [0.043, 0.214]
    """
    share, n, z = (np.asarray(value, dtype=np.float64) for value in (share, n, z))
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return np.maximum(middle - half, 0), np.minimum(middle + half, 1)


def independent_count(clusters: NDArray[Any]) -> float:
    """Return how many independent observations clustered ones are worth, at least.

    The members of a cluster count as one observation that is made several times over.

    Parameters
    ----------
    clusters : ndarray of shape (n,), dtype intp
        The cluster of each observation.

    Returns
    -------
    float
        The square of the number of observations, by the sum of the squares of the cluster sizes.

    References
    ----------
    Kish, "Survey Sampling", 1965.

    Examples
    --------
    >>> import numpy as np
    >>> from hashfeatures._utils.intervals import independent_count
    >>> independent_count(np.array([0, 1, 2, 2]))
    2.6666666666666665
    """
    sizes = np.unique(clusters, return_counts=True)[1].astype(np.float64)
    return float(sizes.sum() ** 2 / (sizes**2).sum()) if len(sizes) else 0.0
