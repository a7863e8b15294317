"""Strata of images, which a stratified split shares out among its parts in proportion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, issparse
from sklearn.utils.multiclass import type_of_target

from ..._utils.frames import column_names
from ..._utils.labels import Classes, read_labels

# A continuous target is cut into at most so many quantiles, of at least so many images each.
_MOST_BINS = 10
_LEAST_BIN = 5

# Whole numbers are classes if there are so few of them, or so many images of each on average.
_FEW_CLASSES = 20
_IMAGES_A_CLASS = 10


@dataclass(frozen=True)
class Strata:
    """Membership of images in strata.

    Parameters
    ----------
    members : csr_matrix of shape (n_images, n_strata), dtype int64
        How many times each image counts in each stratum: once, or once for each of its objects.
    names : list of str
        The names of the strata.
    is_partition : bool
        Whether each image counts once, in exactly one stratum.
    """

    members: csr_matrix
    names: list[str]
    is_partition: bool

    @property
    def counts_objects(self) -> bool:
        """Whether an image may count more than once in a stratum."""
        return not self.is_partition and bool(self.members.nnz) and self.members.data.max() > 1


def find_strata(y: Any, n_images: int) -> Strata:
    """Make strata of labels.

    Parameters
    ----------
    y : array-like of shape (n_images,) or (n_images, n_labels)
        Classes, several columns of classes, multilabel indicators, counts of objects, or a
        continuous target. Each distinct row of several columns is one class. Indicators are zeros
        and ones with one column for each label. Counts are whole numbers with one column for each
        class of objects, see `are_counts`. A continuous target is cut into ten quantiles, or into
        fewer of at least five images. Whole numbers are classes, except where `is_continuous`.
    n_images : int
        The number of images.

    Returns
    -------
    Strata
        One stratum for each class, label or quantile.

    Raises
    ------
    ValueError
        If labels are missing, have another length than the images, or are of another kind.
    TypeError
        If `y` is a single string, such as the name of a column.
    """
    labels = read_labels(y, n_images)
    if isinstance(labels, Classes):
        return _partition(labels.codes, labels.names)
    if issparse(labels) or (labels.ndim == 2 and are_counts(labels)):
        return _counted(labels, column_names(y))
    measured = labels.ndim == 1 and is_continuous(labels)
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
        return _counted(labels, column_names(y))
    if kind.endswith("multioutput"):  # as by scikit-learn, each distinct row is a class
        classes = Classes.of_rows(list(labels.T))
        if kind.startswith("multiclass") or np.bincount(classes.codes).min() > 1:
            return _partition(classes.codes, classes.names)
    raise ValueError(
        f"Supported target types for stratification are: ('binary', 'multiclass', "
        f"'multilabel-indicator', 'continuous', counts in whole numbers). Got {kind!r} instead."
    )


def is_continuous(numbers: NDArray[Any]) -> bool:
    """Return whether whole numbers are a continuous target, such as prices, and not classes.

    Up to 20 distinct values are classes. More are a continuous target if they are more than half
    as many as the images, where scikit-learn too assumes a regression. They are also a continuous
    target if each occurs fewer than 10 times on average, unless they look like class codes. Class
    codes start at 0 or 1 and use at least half of the numbers up to the largest.

    Parameters
    ----------
    numbers : ndarray of shape (n_images,)
        Numbers of any type.

    Returns
    -------
    bool
        Always False for numbers that are not whole.

    Examples
    --------
    >>> import numpy as np
    >>> from hashfeatures.model_selection.allocation._strata import is_continuous
    >>> prices, codes = np.arange(500, 900) * 100, np.arange(400) % 150
    >>> is_continuous(prices), is_continuous(codes)
    (True, False)
    """
    values = np.unique(numbers)
    if len(values) <= _FEW_CLASSES or (values != np.rint(values)).any():
        return False
    if len(numbers) < 2 * len(values):
        return True
    are_codes = values[0] in (0, 1) and values[-1] < 2 * len(values)
    return not are_codes and len(numbers) < _IMAGES_A_CLASS * len(values)


def are_counts(matrix: NDArray[Any]) -> bool:
    """Return whether a matrix holds counts of objects, and not columns of classes.

    Counts are whole numbers from 0 on. A matrix whose rows all repeat holds classes, because
    scikit-learn too takes each distinct row for a class and requires two images of each.

    Parameters
    ----------
    matrix : ndarray of shape (n_images, n_columns)
        Numbers of any type.

    Returns
    -------
    bool
        Whether the numbers are counts.

    Examples
    --------
    >>> import numpy as np
    >>> from hashfeatures.model_selection.allocation._strata import are_counts
    >>> are_counts(np.array([[3, 0], [1, 2], [0, 4]])), are_counts(np.array([[3, 0], [3, 0]]))
    (True, False)
    """
    if not matrix.size or matrix.min() < 0 or (matrix != np.rint(matrix)).any():
        return False
    return bool(np.unique(matrix, axis=0, return_counts=True)[1].min() == 1)


def _counted(counts: Any, columns: list[Any]) -> Strata:
    members = csr_matrix(counts)
    numbers = members.data
    if not members.shape[1] or (numbers < 0).any() or (numbers != np.rint(numbers)).any():
        raise ValueError(
            f"Expected counts of objects in whole numbers from 0 on, one column for each class. "
            f"Got a matrix of shape {members.shape}"
            + (f" with the value {numbers.min():g}." if (numbers < 0).any() else ".")
        )
    members = members.astype(np.int64)
    members.eliminate_zeros()
    names = [str(name) for name in columns or map("label {}".format, range(members.shape[1]))]
    return Strata(members, names, is_partition=False)


def _partition(codes: NDArray[np.intp], names: list[str]) -> Strata:
    n_images = len(codes)
    members = csr_matrix(
        (np.ones(n_images, dtype=np.int64), codes, np.arange(n_images + 1)),
        shape=(n_images, len(names)),
    )
    return Strata(members, names, is_partition=True)
