"""Take, join and check the rows of containers of images and of values that belong to them."""

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
from .frames import column_names, is_collection, is_dataset, is_frame
from .sklearn_internals import count_samples, take_indexed
from .validation import refuse


def take_rows(container: Any, rows: NDArray[np.intp]) -> Any:
    """Return the given rows of a container, in a container of its kind.

    Parameters
    ----------
    container : list, tuple, ndarray, sparse matrix, Series or DataFrame
        Any container that scikit-learn can index.
    rows : ndarray of shape (n_rows,), dtype intp
        Row numbers.

    Returns
    -------
    container
        A container of the same kind; a pandas index is kept.
    """
    if issparse(container):
        return container.tocsr()[rows].asformat(container.format)
    if isinstance(container, pd.Index | ExtensionArray):
        return container.take(rows)
    if is_dataset(container) or is_collection(container):
        return container.select(rows)
    if type(container).__module__.partition(".")[0] == "pyarrow":
        return container.take(rows)
    taken = take_indexed(container, rows)
    return tuple(taken) if type(container) is tuple else taken


def join_rows(pieces: Sequence[Any]) -> Any:
    """Concatenate the rows of containers of one kind.

    Parameters
    ----------
    pieces : sequence of containers
        Results of `take_rows`. Empty ones are ignored, but the first.

    Returns
    -------
    container
        A container of the kind of the first; a pandas index is kept. Different categories are
        united.

    Raises
    ------
    TypeError
        If the containers are of different kinds, or tables with different columns.

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
            f"Expected containers of one kind, or tables with the same columns, to move rows "
            f"between. Got {' and '.join(dict.fromkeys(kinds))}."
        )
    all_pieces = [first, *others] if count_samples(first) else others
    if is_collection(first):
        return first.append(others)
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
        # Before pandas 3, it warns of columns that are empty in one piece.
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
    """Give all columns of unordered categories the union of their categories."""
    kinds = [piece.dtype for piece in pieces]
    is_open = all(isinstance(kind, pd.CategoricalDtype) and not kind.ordered for kind in kinds)
    if not is_open or all(kind == kinds[0] for kind in kinds):
        return list(pieces)
    united = union_categoricals(list(pieces)).dtype
    return [piece.astype(united) for piece in pieces]


def _join_others(pieces: Sequence[Any]) -> Any:
    """Join containers of other packages, which are imported already."""
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
    ):  # the last three are of array libraries
        if hasattr(package, function):
            return getattr(package, function)(list(pieces))
    raise TypeError(
        f"Expected a container whose rows can be joined, such as a list or an array. Got "
        f"{_kind(first)}."
    )


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
    """Return values of images, which may be given as the name of a column.

    Raises
    ------
    ParameterError
        If a string is not the name of a column.

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
    known = describe_value(columns) if columns else "images without columns"
    expected = f"an array with one value per image, or the name of a column of {known}"
    raise refuse(caller, name, expected, values)


def check_length(name: str, values: Any, n_images: int) -> None:
    """Raise if the number of values is not that of the images, or they are a single string."""
    if isinstance(values, str | bytes):
        raise TypeError(
            f"{name} must be an array with one value per image. Got the "
            f"{type(values).__name__} {describe_value(values)}. To use a column of a table, pass "
            f"table[{describe_value(values)}]."
        )
    if count_samples(values) != n_images:
        raise ValueError(
            f"Found input variables with inconsistent numbers of samples: {n_images} images, and "
            f"{name} of length {count_samples(values)}."
        )


def as_column(sources: Sequence[Any]) -> pd.Series[Any]:
    """Return image sources as a column of strings, or of objects if they are not strings."""
    if all(isinstance(source, str) for source in sources):
        try:
            return pd.Series(sources, dtype=None if sources else object)
        except UnicodeEncodeError:  # a file name may not be UTF-8, as strings of Arrow must be
            return pd.Series(sources, dtype=object)
    column = np.empty(len(sources), dtype=object)
    for row, source in enumerate(sources):  # one by one, as numpy would unpack arrays
        column[row] = source
    return pd.Series(column)
