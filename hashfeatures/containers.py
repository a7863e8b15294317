"""Rows of any container, in a container of its kind."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import _safe_indexing


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
