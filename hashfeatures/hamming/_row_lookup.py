"""Look up the rows of a matrix by their content."""

from __future__ import annotations

import secrets

import numpy as np
from numpy.typing import NDArray

from .._utils.mixing import mix_words


class RowLookup:
    """Unique rows that can be looked up by their content.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_columns), dtype uint64
        The rows.

    Examples
    --------
    >>> import numpy as np
    >>> from hashfeatures.hamming._row_lookup import RowLookup
    >>> lookup = RowLookup(np.array([[7, 1], [3, 1]], dtype=np.uint64))
    >>> lookup.find(np.array([[3, 1], [3, 2]], dtype=np.uint64))
    array([ 1, -1])
    """

    def __init__(self, rows: NDArray[np.uint64]) -> None:
        self._rows = rows
        self._seed = np.uint64(secrets.randbits(64))
        mixed = _mix(rows, self._seed)
        self._order = np.argsort(mixed, kind="stable")
        self._mixed = mixed[self._order]

    def find(self, others: NDArray[np.uint64]) -> NDArray[np.intp]:
        """Return the row that equals each of the others; -1 where there is none."""
        mixed = _mix(others, self._seed)
        found = np.full(len(others), -1, dtype=np.intp)
        place = np.searchsorted(self._mixed, mixed)
        left = np.arange(len(others))
        while len(left):  # rows that differ and are mixed alike stand side by side
            left = left[place[left] < len(self._mixed)]
            left = left[self._mixed[place[left]] == mixed[left]]
            rows = self._order[place[left]]
            equal = (self._rows[rows] == others[left]).all(axis=1)
            found[left[equal]] = rows[equal]
            left = left[~equal]
            place[left] += 1
        return found

    def extended(self, rows: NDArray[np.uint64]) -> RowLookup:
        """Return the lookup of these rows followed by others."""
        if not len(rows):
            return self
        larger = RowLookup.__new__(RowLookup)
        larger._seed = self._seed
        mixed = _mix(rows, self._seed)
        order = np.argsort(mixed, kind="stable")
        place = np.searchsorted(self._mixed, mixed[order], side="right")
        larger._rows = np.concatenate([self._rows, rows])
        larger._mixed = np.insert(self._mixed, place, mixed[order])
        larger._order = np.insert(self._order, place, len(self._rows) + order)
        return larger


def _mix(rows: NDArray[np.uint64], seed: np.uint64) -> NDArray[np.uint64]:
    """Hash each row to one word; a secret seed keeps others from making up rows that collide."""
    mixed = np.full(len(rows), seed, dtype=np.uint64)
    for column in rows.T:
        mixed = mix_words(mixed ^ column)
    return mixed
