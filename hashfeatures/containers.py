"""Containers of images and of what belongs to them: their rows, lengths and columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import issparse, vstack
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import _num_samples


def take_rows(container: Any, rows: NDArray[np.intp]) -> Any:
    """Return the given rows of a container, in a container of its kind.

    Parameters
    ----------
    container : list, tuple, ndarray, sparse matrix, Series or DataFrame
        Anything that scikit-learn can index.
    rows : ndarray of shape (n_rows,), dtype intp
        Row numbers.

    Returns
    -------
    container
        Of the kind of `container`; a pandas index is kept.
    """
    taken = _safe_indexing(container, rows)
    return tuple(taken) if type(container) is tuple else taken


def join_rows(pieces: Sequence[Any]) -> Any:
    """Put the rows of containers of one kind below each other.

    Parameters
    ----------
    pieces : sequence of lists, tuples, ndarrays, sparse matrices, Series or DataFrames
        The containers; empty ones count for nothing, but for the first.

    Returns
    -------
    container
        Of the kind of the first; a pandas index is kept.

    Raises
    ------
    TypeError
        If they are of different kinds, or tables of different columns.
    """
    first, *others = pieces
    others = [piece for piece in others if _num_samples(piece)]
    if not others:
        return first
    kinds = [_kind(piece) for piece in (first, *others)]
    if len(set(map(str, kinds))) > 1:
        raise TypeError(
            f"Rows can be moved only between containers of one kind, and tables with the same "
            f"columns. Got {' and '.join(dict.fromkeys(map(str, kinds)))}."
        )
    if isinstance(first, list | tuple):
        return sum(others, start=first)
    if isinstance(first, pd.Series | pd.DataFrame):
        return pd.concat([first, *others] if len(first) else others)
    if issparse(first):
        return type(first)(vstack([first, *others]))
    if isinstance(first, np.ndarray):
        return np.concatenate([first, *others])
    joined = first  # polars
    for other in others:
        joined = joined.vstack(other) if hasattr(joined, "vstack") else joined.append(other)
    return joined


def _kind(piece: Any) -> str:
    columns = f" of columns {list(piece.columns)}" if hasattr(piece, "columns") else ""
    return f"{type(piece).__module__.partition('.')[0]} {type(piece).__name__}{columns}"


def check_length(name: str, values: Any, n_images: int) -> None:
    """Raise unless there are as many values as images."""
    if _num_samples(values) != n_images:
        raise ValueError(
            f"Found input variables with inconsistent numbers of samples: {n_images} images, and "
            f"{name} of length {_num_samples(values)}."
        )


def as_column(sources: Sequence[Any]) -> pd.Series[Any]:
    """Return image sources as a column of a table: of strings, or of whatever objects they are."""
    if all(isinstance(source, str) for source in sources):
        try:
            return pd.Series(sources, dtype=None if sources else object)
        except UnicodeEncodeError:  # the name of a file may be no UTF-8, a string of Arrow must be
            return pd.Series(sources, dtype=object)
    column = np.empty(len(sources), dtype=object)
    for row, source in enumerate(sources):  # one by one: numpy would unpack arrays
        column[row] = source
    return pd.Series(column)
