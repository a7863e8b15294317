"""Compare few codes by brute force with numpy, faster than loading compiled loops takes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._bands import Words
from ._packing import hamming_distances
from ._pairs import Bits, Pairs, Rows

_BLOCK_ROWS = 32
_BLOCK_COLUMNS = 8192


def scan_within(queries: Words, codes: Words, radius: int) -> Pairs:
    """Return every code within `radius` bits of each query, sorted by query, then code."""
    blocks = []
    for row in range(0, len(queries), _BLOCK_ROWS):
        found = []
        for column in range(0, len(codes), _BLOCK_COLUMNS):
            distances = _all_distances(
                queries[row : row + _BLOCK_ROWS], codes[column : column + _BLOCK_COLUMNS]
            )
            left, right = np.nonzero(distances <= radius)
            found.append(
                Pairs(left + row, right + column, distances[left, right].astype(np.int64))
            )
        blocks.append(Pairs.concatenate(found).in_order())
    return Pairs.concatenate(blocks)


def scan_nearest(queries: Words, codes: Words, k: int, own: Rows) -> tuple[Bits, Rows]:
    """Return the `k` nearest codes of each query, without its own; -1 where there are fewer."""
    nobody = np.iinfo(np.int64).max
    n_codes = len(codes)
    best = np.full((len(queries), k), nobody)
    for row in range(0, len(queries), _BLOCK_ROWS):
        rows = slice(row, row + _BLOCK_ROWS)
        for column in range(0, n_codes, _BLOCK_COLUMNS):
            block = _all_distances(queries[rows], codes[column : column + _BLOCK_COLUMNS])
            width = block.shape[1]
            # Sorting these integers sorts by distance, then code.
            keys = block.astype(np.int64) * n_codes + np.arange(column, column + width)
            places = own[rows]
            inside = (places >= column) & (places < column + width)
            keys[np.flatnonzero(inside), places[inside] - column] = nobody
            best[rows] = np.partition(np.hstack([best[rows], keys]), k - 1, axis=1)[:, :k]
    best.sort(axis=1)
    found = best != nobody
    distances, numbers = np.full(best.shape, -1), np.full(best.shape, -1, dtype=np.intp)
    distances[found], numbers[found] = np.divmod(best[found], max(n_codes, 1))
    return distances, numbers


def _all_distances(left: Words, right: Words) -> NDArray[np.unsignedinteger[Any]]:
    """Return the distance of every row of `left` to every row of `right`."""
    fits = 64 * left.shape[1] <= np.iinfo(np.uint16).max
    return hamming_distances(left[:, None], right, np.uint16 if fits else np.uint32)
