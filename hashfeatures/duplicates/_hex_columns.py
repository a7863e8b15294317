"""Columns of hex strings as packed words, cached as long as a table is unchanged."""

from __future__ import annotations

import weakref
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .._utils.stored_columns import read_hashes
from ..hamming._packing import hamming_distances
from ..hashing._hex import hex_to_words

# Columns of fewer rows are read again in no time.
_LEAST_KEPT = 4096

# One bit of each hex digit.
_LOWEST_OF_DIGIT = np.uint64(0x1111111111111111)


class HexColumn(NamedTuple):
    """The hashes of a column.

    Parameters
    ----------
    rows : ndarray of shape (n_hashes,), dtype intp
        The rows that have a hash.
    words : ndarray of shape (n_hashes, n_words), dtype uint64
        Their hashes, as `hex_to_words` packs them.
    """

    rows: NDArray[np.intp]
    words: NDArray[np.uint64]

    @classmethod
    def read(cls, column: pd.Series[Any], n_bits: int) -> HexColumn:
        """Read hex strings of `n_bits` bits; raise ValueError if one is malformed."""
        hashes = read_hashes(column)
        rows = np.flatnonzero(hashes.notna())
        return cls(rows, hex_to_words(hashes.to_numpy(dtype=object)[rows], n_bits))

    def distances(self, query: NDArray[np.uint64], unit: str) -> NDArray[np.int64]:
        """Count the bits, or digits (``unit="hex"``), in which each differs from a query."""
        if unit == "bits":
            return hamming_distances(self.words, query)
        differing = self.words ^ query
        differing |= differing >> np.uint64(2)
        differing |= differing >> np.uint64(1)
        differing &= _LOWEST_OF_DIGIT
        return hamming_distances(differing, np.zeros_like(query))


class _Kept(NamedTuple):
    """The columns that were read from a table, as they were, and their hashes."""

    owner: weakref.ref[Any]
    columns: dict[tuple[Any, int], tuple[pd.Series[Any], HexColumn]]


_KEPT: dict[int, _Kept] = {}


def read_column(owner: Any, column: pd.Series[Any], n_bits: int) -> HexColumn:
    """Read a column of a table, unless it was read before and has not changed.

    What was read is kept as long as the table lives. A column that was changed, in place or not,
    is read again: the strings themselves are compared with those that were read.

    Parameters
    ----------
    owner : object
        The table.
    column : Series
        A column of it, of hex strings; missing ones are left out.
    n_bits : int
        How many bits a hash has.

    Returns
    -------
    HexColumn
        The hashes.

    Raises
    ------
    ValueError
        If a string is not a hash of so many bits.
    """
    key = (column.name, n_bits)
    kept = _KEPT.get(id(owner))
    if kept is not None and kept.owner() is owner and key in kept.columns:
        as_read, hashes = kept.columns[key]
        if column.equals(as_read):
            return hashes
    hashes = HexColumn.read(column, n_bits)
    if len(column) >= _LEAST_KEPT and _holds_strings(column):
        if kept is None or kept.owner() is not owner:
            number = id(owner)
            forget = weakref.ref(owner, lambda _: _KEPT.pop(number, None))
            kept = _KEPT[number] = _Kept(forget, {})
        kept.columns[key] = column.copy(), hashes
    return hashes


def _holds_strings(column: pd.Series[Any]) -> bool:
    """Return whether all values are strings, which cannot change in place."""
    return pd.api.types.infer_dtype(column, skipna=True) == "string"
