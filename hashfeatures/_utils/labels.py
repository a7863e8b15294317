"""Read labels of images from any container that scikit-learn stratifies by.

Columns of numbers stay numbers: they may be a continuous target, or several labels per image. All
other labels become classes.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import issparse

from ..exceptions import ParameterError
from .containers import check_length
from .descriptions import describe_value, shorten
from .frames import column_names, is_frame, list_column


@dataclass(frozen=True)
class Classes:
    """The class of each image.

    Parameters
    ----------
    codes : ndarray of shape (n_images,), dtype intp
        The number of each image's class, from 0 on in order of first appearance.
    names : list of str
        The names of the classes.
    """

    codes: NDArray[np.intp]
    names: list[str]

    @classmethod
    def of(cls, values: Any) -> Classes:
        """Return the classes of one column without missing values."""
        codes, classes = pd.factorize(values)
        return cls(codes, [str(name) for name in classes])

    @classmethod
    def of_rows(cls, columns: Sequence[Any]) -> Classes:
        """Return a class for each distinct row of several columns."""
        joined = cls.of(columns[0])
        for column in columns[1:]:
            other = cls.of(column)
            n_others = max(len(other.names), 1)
            codes, cells = pd.factorize(joined.codes * n_others + other.codes)
            one_by_one = (divmod(int(cell), n_others) for cell in cells)
            names = [f"{joined.names[left]}, {other.names[right]}" for left, right in one_by_one]
            joined = cls(codes, names)
        return joined


def read_labels(y: Any, n_images: int) -> Any:
    """Return labels as numbers if all are numbers, and as classes otherwise.

    Parameters
    ----------
    y : array-like of shape (n_images,) or (n_images, n_columns)
        Hashable labels of any kind: strings, numbers, dates, paths, categories, nullable columns,
        or a mixture. Several columns that are not all of numbers make a class of each distinct
        row.
    n_images : int
        The number of images.

    Returns
    -------
    Classes, ndarray of numbers of shape (n_images,) or (n_images, n_columns), or sparse matrix
        The labels.

    Raises
    ------
    ValueError
        If labels are missing, or their number is not that of the images.
    TypeError
        If `y` is a single string, or a label is not hashable.
    """
    _refuse_name(y)
    check_length("y", y, n_images)
    if issparse(y):
        return y
    columns = _columns_of(y)
    missing = np.any([pd.isna(column) for column in columns], axis=0)
    if missing.any():
        raise ValueError(
            f"Input y contains NaN: the labels of {missing.sum()} images are missing, the first "
            f"in row {missing.argmax()}. To split by labels, remove these images or give them a "
            f"label of their own."
        )
    numbers = [_numbers_of(column) for column in columns]
    known = [column for column in numbers if column is not None]
    if len(known) == len(columns):
        return known[0] if len(known) == 1 else np.column_stack(known)
    for column in columns:
        _check_hashable(column)
    return Classes.of(columns[0]) if len(columns) == 1 else Classes.of_rows(columns)


def list_labels(y: Any, n_images: int) -> NDArray[np.object_]:
    """Return labels as one column of hashable objects.

    Parameters
    ----------
    y : array-like of shape (n_images,) or (n_images, n_columns)
        Hashable labels; missing labels stay missing. With several columns, which must not all be
        of numbers, the label of a row is its tuple, or missing if any cell is.
    n_images : int
        The number of images.

    Returns
    -------
    ndarray of shape (n_images,), dtype object
        The labels.

    Raises
    ------
    ValueError
        If the number of labels is not that of the images.
    TypeError
        If `y` is a single string or a matrix of numbers, or a label is not hashable.
    """
    _refuse_name(y)
    check_length("y", y, n_images)
    read = _columns_of(y)
    if len(read) > 1 and all(_numbers_of(column) is not None for column in read):
        raise ParameterError(
            f"The labels must be a 1d array or one column. Got a table of {len(read)} columns of "
            f"numbers{_list_columns(y)}. Select one of them, table[column]."
        )
    columns = [_objects_of(column) for column in read]
    for column in columns:
        _check_hashable(column)
    if len(columns) == 1:
        return columns[0]
    labels = np.empty(n_images, dtype=object)
    labels[:] = list(zip(*columns, strict=True))
    labels[np.any([pd.isna(column) for column in columns], axis=0)] = None
    return labels


def _refuse_name(y: Any) -> None:
    if isinstance(y, str):
        raise TypeError(
            f"The labels must be an array with one label per image. Got the str {shorten(y)!r}. "
            f"To use a column of a DataFrame, pass frame[{shorten(y)!r}]."
        )


def _list_columns(table: Any) -> str:
    return f", {describe_value(column_names(table)[:10])}" if is_frame(table) else ""


def _columns_of(y: Any) -> list[pd.Series[Any]]:
    """Return the columns of labels: one, or all columns of a table or matrix."""
    if isinstance(y, pd.DataFrame):
        return [column.reset_index(drop=True) for _, column in y.items()]
    if is_frame(y):
        return [_column_of(list_column(y, name)) for name in column_names(y)]
    if isinstance(y, pd.MultiIndex):
        return _columns_of(y.to_frame())
    if isinstance(y, pd.Series | pd.Index | pd.api.extensions.ExtensionArray):
        return [pd.Series(y).reset_index(drop=True)]
    if isinstance(y, list | tuple) and not any(np.ndim(label) for label in y):
        return [_column_of(y)]  # numpy would turn numbers and NaN beside strings into text
    array = y if isinstance(y, np.ndarray) else None
    if array is None:
        try:
            array = np.asarray(_listed(y))
        except ValueError:  # rows of different lengths
            return [_column_of(y)]
    if array.ndim == 2 and not array.shape[1]:
        raise ParameterError(
            f"The labels must be a 1d array, or a table with at least one column. Got an array of "
            f"shape {array.shape}."
        )
    if array.dtype.names:
        return [_column_of(array[name]) for name in array.dtype.names]
    if array.ndim == 2:
        return [_column_of(array[:, place]) for place in range(array.shape[1])]
    return [_column_of(array)]


def _listed(y: Any) -> Any:
    for method in ("to_list", "to_pylist"):  # polars; arrow
        if hasattr(y, method):
            return getattr(y, method)()
    return y if hasattr(y, "__array__") or isinstance(y, list | tuple) else list(y)


def _column_of(values: Any) -> pd.Series[Any]:
    """Return values as a column; objects that are all numbers become numbers."""
    values = _listed(values) if not isinstance(values, np.ndarray) else values
    if not isinstance(values, np.ndarray):
        objects = np.empty(len(values), dtype=object)
        objects[:] = list(values)
        values = objects
    if values.dtype.kind in "OUS":
        return pd.Series(values.astype(object), dtype=object).infer_objects()
    return pd.Series(values)


def _numbers_of(column: pd.Series[Any]) -> NDArray[Any] | None:
    """Return a column as a numeric array; None if it is not numeric, or categorical."""
    kind = column.dtype
    if isinstance(kind, pd.CategoricalDtype) or not pd.api.types.is_numeric_dtype(kind):
        return None
    values = column.to_numpy()
    if values.dtype == object:  # a nullable column without missing values
        values = column.to_numpy(dtype=getattr(kind, "numpy_dtype", float))
    return values if values.dtype.kind in "biuf" else None


def _objects_of(column: pd.Series[Any]) -> NDArray[np.object_]:
    objects = np.empty(len(column), dtype=object)
    objects[:] = list(column)
    return objects


def _check_hashable(column: Any) -> None:
    if column.dtype != object:
        return
    for row, label in enumerate(column):
        if isinstance(label, np.ndarray) or not _is_hashable(label):
            raise TypeError(
                f"The labels must be numbers, strings or other hashable values, one per image. "
                f"Got {describe_value(label)} of type {type(label).__name__} in row {row}."
            )


def _is_hashable(label: Any) -> bool:
    if not isinstance(label, Hashable):
        return False
    try:
        hash(label)
    except TypeError:  # a tuple of lists
        return False
    return True
