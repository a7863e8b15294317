"""Containers of images and of what belongs to them: their rows, lengths and columns."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.extensions import ExtensionArray
from pandas.api.types import union_categoricals
from scipy.sparse import issparse, vstack

from .descriptions import describe_value
from .frames import column_names, is_dataset, is_frame
from .sklearn_internals import count_samples, take_indexed
from .validation import refuse


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
    if issparse(container):
        return container.tocsr()[rows].asformat(container.format)
    if isinstance(container, pd.Index | ExtensionArray):
        return container.take(rows)
    if is_dataset(container):
        return container.select(rows)
    if type(container).__module__.partition(".")[0] == "pyarrow":
        return container.take(rows)
    taken = take_indexed(container, rows)
    return tuple(taken) if type(container) is tuple else taken


def join_rows(pieces: Sequence[Any]) -> Any:
    """Put the rows of containers of one kind below each other.

    Parameters
    ----------
    pieces : sequence of containers
        Anything that `take_rows` gives; empty ones count for nothing, but for the first.

    Returns
    -------
    container
        Of the kind of the first; a pandas index is kept. Categories that differ are united.

    Raises
    ------
    TypeError
        If they are of different kinds, or tables of different columns.

    Examples
    --------
    >>> import pandas as pd
    >>> from hashfeatures._utils.containers import join_rows
    >>> join_rows([pd.Categorical(["a"]), pd.Categorical(["b", "a"])]).tolist()
    ['a', 'b', 'a']
    """
    first, *others = pieces
    others = [piece for piece in others if count_samples(piece)]
    if not others:
        return first
    kinds = [_kind(piece) for piece in (first, *others)]
    if len(set(kinds)) > 1:
        raise TypeError(
            f"Rows can be moved only between containers of one kind, and tables with the same "
            f"columns. Got {' and '.join(dict.fromkeys(kinds))}."
        )
    all_pieces = [first, *others] if count_samples(first) else others
    if isinstance(first, list | tuple):
        return sum(others, start=first)
    if isinstance(first, pd.Series | pd.DataFrame):
        return _join_pandas(all_pieces)
    if isinstance(first, pd.CategoricalIndex):
        return pd.Index(join_rows([piece.array for piece in all_pieces]), name=first.name)
    if isinstance(first, pd.Index):
        return all_pieces[0].append(all_pieces[1:])
    if isinstance(first, ExtensionArray):
        return _join_pandas([pd.Series(piece) for piece in all_pieces]).array
    if issparse(first):
        return vstack([first, *others]).asformat(first.format)
    if isinstance(first, np.ndarray):
        is_masked = any(isinstance(piece, np.ma.MaskedArray) for piece in all_pieces)
        return (np.ma.concatenate if is_masked else np.concatenate)(all_pieces)
    return _join_others(all_pieces)


def _join_pandas(pieces: Sequence[Any]) -> Any:
    with warnings.catch_warnings():
        # Of columns without a value in one piece, whose types are no matter: before pandas 3.
        warnings.simplefilter("ignore", FutureWarning)
        if isinstance(pieces[0], pd.Series):
            return pd.concat(_unite_categories(pieces))
        columns = [
            _unite_categories([piece.iloc[:, place] for piece in pieces])
            for place in range(pieces[0].shape[1])
        ]
        if columns:
            pieces = [pd.concat(parts, axis=1) for parts in zip(*columns, strict=True)]
        return pd.concat(pieces)


def _unite_categories(pieces: Sequence[pd.Series[Any]]) -> list[pd.Series[Any]]:
    """Give columns of unordered categories all categories of all of them."""
    kinds = [piece.dtype for piece in pieces]
    is_open = all(isinstance(kind, pd.CategoricalDtype) and not kind.ordered for kind in kinds)
    if not is_open or all(kind == kinds[0] for kind in kinds):
        return list(pieces)
    united = union_categoricals(list(pieces)).dtype
    return [piece.astype(united) for piece in pieces]


def _join_others(pieces: Sequence[Any]) -> Any:
    """Join containers of packages that are imported already, since these are theirs."""
    first = pieces[0]
    name = type(first).__module__.partition(".")[0]
    package = sys.modules[name]
    if name == "polars":
        if not hasattr(first, "columns"):
            return _join_others([piece.rename("").to_frame() for piece in pieces]).to_series()
        return package.concat(pieces, how="vertical_relaxed")
    if name == "pyarrow":
        if isinstance(first, package.RecordBatch):
            joined = package.Table.from_batches(pieces).combine_chunks()
            return joined.to_batches()[0]
        if hasattr(first, "columns"):
            return package.concat_tables(pieces, promote_options="permissive")
        if hasattr(first, "chunks"):
            return package.chunked_array([chunk for piece in pieces for chunk in piece.chunks])
        return package.concat_arrays(pieces)
    for function in (
        "concatenate_datasets",
        "concat",
        "concatenate",
        "cat",
    ):  # the last three are of the array API, and before it
        if hasattr(package, function):
            return getattr(package, function)(list(pieces))
    raise TypeError(f"Rows of {_kind(first)} cannot be moved: give a list or an array.")


def _kind(piece: Any) -> str:
    for base, name in ((np.ndarray, "numpy ndarray"), (pd.Index, "pandas Index")):
        if isinstance(piece, base):
            return name
    if issparse(piece):
        return "scipy sparse array"
    columns = ""
    if is_frame(piece):
        columns = f" of columns {describe_value(column_names(piece))}"
    return f"{type(piece).__module__.partition('.')[0]} {type(piece).__name__}{columns}"


def column_of(values: Any, images: Any, caller: str, name: str) -> Any:
    """Return values of images; those of a column, if a table of images is there and it is named.

    Raises
    ------
    ParameterError
        If a single string names no column of the images.

    Examples
    --------
    >>> import pandas as pd
    >>> from hashfeatures._utils.containers import column_of
    >>> frame = pd.DataFrame({"image": ["a.png", "b.png"], "label": ["cat", "dog"]})
    >>> column_of("label", frame, "train_test_split", "stratify").tolist()
    ['cat', 'dog']
    """
    if not isinstance(values, str):
        return values
    columns = column_names(images)
    if values in columns:
        return images[values]
    known = (
        f"the table has the columns {describe_value(columns)}" if columns else "there is no table"
    )
    expected = f"an array with one value an image, or a column of the table of images: {known}"
    raise refuse(caller, name, expected, values)


def check_length(name: str, values: Any, n_images: int) -> None:
    """Raise unless there are as many values as images; a single string is no container of them."""
    if isinstance(values, str | bytes):
        raise TypeError(
            f"{name} must be an array with one value an image. Got the single "
            f"{type(values).__name__} {describe_value(values)}: for a column of a table, give "
            f"table[{describe_value(values)}]."
        )
    if count_samples(values) != n_images:
        raise ValueError(
            f"Found input variables with inconsistent numbers of samples: {n_images} images, and "
            f"{name} of length {count_samples(values)}."
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
