"""Containers of images and of what belongs to them: their rows, lengths and columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
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
        return pd.Series(sources, dtype=None if sources else object)
    column = np.empty(len(sources), dtype=object)
    for row, source in enumerate(sources):  # one by one: numpy would unpack arrays
        column[row] = source
    return pd.Series(column)
