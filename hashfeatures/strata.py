"""Labels of images, and the strata that the parts of a split are to hold in the same shares."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, issparse
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import column_or_1d

from .containers import check_length
from .descriptions import describe_value, shorten
from .sources import is_frame

# A continuous target is cut into so many quantiles, or fewer, of so many images at the least.
_MOST_BINS = 10
_LEAST_BIN = 5


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
        continuous target, which are cut into ten quantiles, or fewer of five images or more.
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
    if isinstance(y, str):
        raise TypeError(
            f"The labels to stratify by must be an array, one an image. "
            f"Got the str {shorten(y)!r}: for a column of a frame, give frame[{shorten(y)!r}]."
        )
    check_length("y", y, n_images)
    if not issparse(y):
        y = _as_labels(y)
        _check_known(y)
    kind = type_of_target(y, input_name="y")
    if kind in ("binary", "multiclass"):
        codes, classes = pd.factorize(column_or_1d(y))
        return _partition(codes, [str(name) for name in classes])
    if kind == "continuous":
        n_bins = max(1, min(_MOST_BINS, n_images // _LEAST_BIN))
        values = column_or_1d(y)
        edges = np.unique(np.quantile(values, np.linspace(0, 1, n_bins + 1)[1:-1]))
        codes = pd.factorize(np.searchsorted(edges, values), sort=True)[0]
        spans = pd.Series(values).groupby(codes).agg(["min", "max"])
        return _partition(codes, [f"{low:.4g} to {high:.4g}" for low, high in spans.to_numpy()])
    if kind == "multilabel-indicator":
        members = csr_matrix(y).astype(np.int64)
        names = [f"label {column}" for column in range(members.shape[1])]
        return Strata(members, names, is_partition=False)
    raise ValueError(
        f"Supported target types for stratification are: ('binary', 'multiclass', "
        f"'multilabel-indicator', 'continuous'). Got {kind!r} instead."
    )


def list_labels(y: Any, n_images: int) -> NDArray[np.object_]:
    """Return labels as one column of objects that can be compared.

    Parameters
    ----------
    y : array-like of shape (n_images,)
        Any hashable labels; missing ones stay missing.
    n_images : int
        How many images there are.

    Returns
    -------
    ndarray of shape (n_images,), dtype object
        The labels.

    Raises
    ------
    ValueError
        If there are not as many labels as images.
    TypeError
        If a label is a list or the like.
    """
    if is_frame(y):
        if len(y.columns) != 1:
            raise ValueError(
                f"The labels must be one column. Got a table of {len(y.columns)} columns, "
                f"{list(y.columns)[:10]}: select one, frame[column]."
            )
        y = y[y.columns[0]]
    check_length("y", y, n_images)
    column = np.empty(n_images, dtype=object)
    for row, label in enumerate(y):
        if isinstance(label, np.ndarray) or not isinstance(label, Hashable):
            raise TypeError(
                f"The labels must be numbers, strings or other hashable values, one an image. "
                f"That of row {row} is {describe_value(label)}, of type {type(label).__name__}."
            )
        column[row] = label
    return column


def _as_labels(y: Any) -> NDArray[Any]:
    """Return labels as an array, numbers among objects as numbers; missing ones stay missing."""
    if isinstance(y, list | tuple) and not any(np.ndim(label) for label in y):
        y = np.fromiter(y, dtype=object, count=len(y))  # numpy would spell NaN beside strings
    y = np.asarray(y)
    return pd.Series(y).infer_objects().to_numpy() if y.dtype == object and y.ndim == 1 else y


def _partition(codes: NDArray[np.intp], names: list[str]) -> Strata:
    n_images = len(codes)
    members = csr_matrix(
        (np.ones(n_images, dtype=np.int64), codes, np.arange(n_images + 1)),
        shape=(n_images, len(names)),
    )
    return Strata(members, names, is_partition=True)


def _check_known(y: NDArray[Any]) -> None:
    missing = np.flatnonzero(pd.isna(y).reshape(len(y), -1).any(axis=1))
    if len(missing):
        raise ValueError(
            f"Input y contains NaN: the labels of {len(missing)} images are missing, the first "
            f"in row {missing[0]}. To split by labels, leave these images out or give them a "
            f"label of their own."
        )
