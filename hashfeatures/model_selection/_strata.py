"""The strata of images that the parts of a split are to hold in the same shares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.utils.multiclass import type_of_target

from .._utils.labels import Classes, read_labels

# A continuous target is cut into so many quantiles, or fewer, of so many images at the least.
_MOST_BINS = 10
_LEAST_BIN = 5

# Whole numbers are classes if they are so few, or if each has so many images on average.
_FEW_CLASSES = 20
_IMAGES_A_CLASS = 10


@dataclass(frozen=True)
class Strata:
    """Which images are in which strata.

    Parameters
    ----------
    members : csr_matrix of shape (n_images, n_strata), dtype int64
        Ones where an image is in a stratum.
    names : list of str
        What the strata are called.
    is_partition : bool
        Whether each image is in exactly one stratum.
    """

    members: csr_matrix
    names: list[str]
    is_partition: bool


def find_strata(y: Any, n_images: int) -> Strata:
    """Make strata of labels.

    Parameters
    ----------
    y : array-like of shape (n_images,) or (n_images, n_labels)
        Classes; or a matrix of zeros and ones, a column a label (multilabel); or the values of a
        continuous target, which are cut into ten quantiles, or fewer of five images or more. Of
        several columns of classes, each row that occurs is a class. Whole numbers are classes, but
        for those that `are_measured`.
    n_images : int
        How many images there are.

    Returns
    -------
    Strata
        One stratum a class, a label or a quantile.

    Raises
    ------
    ValueError
        If labels are missing, are not as many as the images, or are of another kind.
    TypeError
        If they are a single string, such as the name of a column.
    """
    labels = read_labels(y, n_images)
    if isinstance(labels, Classes):
        return _partition(labels.codes, labels.names)
    is_column = getattr(labels, "ndim", 2) == 1
    measured = is_column and are_measured(labels)
    kind = "continuous" if measured else type_of_target(labels, input_name="y")
    if kind in ("binary", "multiclass"):
        classes = Classes.of(labels)
        return _partition(classes.codes, classes.names)
    if kind == "continuous":
        n_bins = max(1, min(_MOST_BINS, n_images // _LEAST_BIN))
        values = labels
        edges = np.unique(np.quantile(values, np.linspace(0, 1, n_bins + 1)[1:-1]))
        codes = pd.factorize(np.searchsorted(edges, values), sort=True)[0]
        spans = pd.Series(values).groupby(codes).agg(["min", "max"])
        return _partition(codes, [f"{low:.4g} to {high:.4g}" for low, high in spans.to_numpy()])
    if kind == "multilabel-indicator":
        members = csr_matrix(labels).astype(np.int64)
        names = [f"label {column}" for column in range(members.shape[1])]
        return Strata(members, names, is_partition=False)
    if kind.endswith("multioutput"):  # as scikit-learn: a class for each row that occurs
        classes = Classes.of_rows(list(labels.T))
        if kind.startswith("multiclass") or np.bincount(classes.codes).min() > 1:
            return _partition(classes.codes, classes.names)
    raise ValueError(
        f"Supported target types for stratification are: ('binary', 'multiclass', "
        f"'multilabel-indicator', 'continuous'). Got {kind!r} instead."
    )


def are_measured(numbers: NDArray[Any]) -> bool:
    """Tell whether whole numbers are values of a continuous target, such as prices, not classes.

    They are if more than 20 values occur, and these are more than half as many as the images (from
    where on scikit-learn takes a target for one of regression) or occur fewer than 10 times on
    average. Codes of classes, which begin at 0 or 1 and use half of all numbers up to the greatest
    at least, are classes for all that; but not beyond one for every two images.

    Parameters
    ----------
    numbers : ndarray of shape (n_images,)
        Numbers of any kind.

    Returns
    -------
    bool
        False as well for numbers that are not whole.

    Examples
    --------
    >>> import numpy as np
    >>> from hashfeatures.model_selection._strata import are_measured
    >>> prices, codes = np.arange(500, 900) * 100, np.arange(400) % 150
    >>> are_measured(prices), are_measured(codes)
    (True, False)
    """
    values = np.unique(numbers)
    if len(values) <= _FEW_CLASSES or (values != np.rint(values)).any():
        return False
    if len(numbers) < 2 * len(values):
        return True
    are_codes = values[0] in (0, 1) and values[-1] < 2 * len(values)
    return not are_codes and len(numbers) < _IMAGES_A_CLASS * len(values)


def _partition(codes: NDArray[np.intp], names: list[str]) -> Strata:
    n_images = len(codes)
    members = csr_matrix(
        (np.ones(n_images, dtype=np.int64), codes, np.arange(n_images + 1)),
        shape=(n_images, len(names)),
    )
    return Strata(members, names, is_partition=True)
