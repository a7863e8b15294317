"""Number the unique rows of a matrix."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ._unique_codes import UniqueCodes

# So few rows are sorted in less time than loading compiled loops takes.
_FEW = 4096


def number_rows(rows: NDArray[np.uint64]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Give equal rows of a matrix one number, in the order of first appearance.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_columns), dtype uint64
        Any rows.

    Returns
    -------
    numbers : ndarray of shape (n_rows,), dtype intp
        The number of each row, from 0 on.
    firsts : ndarray of shape (n_different,), dtype intp
        The first row of each number.

    Examples
    --------
    >>> import numpy as np
    >>> from hashfeatures.hamming._unique import number_rows
    >>> number_rows(np.array([[7, 1], [3, 1], [7, 1]], dtype=np.uint64))
    (array([0, 1, 0]), array([0, 1]))
    """
    if len(rows) > _FEW:
        unique = UniqueCodes(np.ascontiguousarray(rows), np.arange(len(rows)))
        return unique.numbers.astype(np.intp), unique.firsts.astype(np.intp)
    order = np.lexsort(rows.T)
    ordered = rows[order]
    is_new = np.ones(len(rows), dtype=bool)
    is_new[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    first_of_run = order[is_new]  # the sort is stable: the first of equal rows comes first
    number_of_run = np.empty(len(first_of_run), dtype=np.intp)
    number_of_run[np.argsort(first_of_run)] = np.arange(len(first_of_run))
    numbers = np.empty(len(rows), dtype=np.intp)
    numbers[order] = number_of_run[np.cumsum(is_new) - 1]
    return numbers, np.sort(first_of_run)
