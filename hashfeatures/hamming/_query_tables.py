"""Tables of rows by the bits of bands, for one query at a time.

They hold row numbers only, so they are small and built quickly. One set of tables serves all radii
and searches for the nearest: a search takes as many steps of one schedule as it needs. A step
looks up the buckets of a band that differ from the query in a number of bits.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import cache
from math import comb
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from .._utils.kernels import load_kernels
from .._utils.progress import COMPILING, busy
from ._bands import MAX_WIDTH, Band, Numbers, Words, cut_bands, flips

_MAX_LEVEL = 6
_SHARE = 24  # looking up a row takes so many times as long as comparing it in a scan
_NEAREST_SHARE = 192  # so a search for the nearest is given up before it has cost much


@cache
def query_kernels() -> ModuleType:
    """Import the compiled loops on first use, as numba takes a second to import."""
    with busy(COMPILING):
        from . import _query_kernels

        return _query_kernels


@dataclass(frozen=True, eq=False)
class QueryTables:
    """Tables of a range of rows.

    Parameters
    ----------
    first, last : int
        The first row, and the row behind the last.
    version : int
        The version of the rows.
    starts : ndarray of shape (n_bands, n_keys + 2), dtype uint32
        Where the rows of each key start in `entries`.
    entries : ndarray of shape (n_bands, n_rows), dtype uint64
        The rows, sorted by their keys. The upper half holds 32 bits of the next bands, which show
        that most rows are too far without reading their codes.
    masks : ndarray of shape (n_bands, n_words), dtype uint64
        The bits of each band.
    places : ndarray of shape (n_bands, width), dtype uint64
        Where the bits of a key are in a code: 64 times the word, plus the shift.
    schedule : ndarray of shape (n_steps, 2), dtype int64
        The band of each step, and in how many bits its buckets differ from the query.
    flips : ndarray of shape (n_flips,), dtype uint32
        Keys, those with fewest ones first.
    levels : ndarray of shape (n_levels + 1,), dtype int64
        Where the keys with each number of ones start.
    """

    first: int
    last: int
    version: int
    starts: NDArray[np.uint32]
    entries: NDArray[np.uint64]
    masks: Words
    places: NDArray[np.uint64]
    schedule: NDArray[np.int64]
    flips: Numbers
    levels: NDArray[np.int64]

    @classmethod
    def of(
        cls,
        words: Words,
        present: NDArray[np.bool_],
        n_bits: int,
        span: tuple[int, int],
        version: int,
    ) -> QueryTables:
        """Group the present rows of a span by the bits of bands."""
        first, last = span
        inside = np.flatnonzero(present[first:last])
        codes = words[first:last]
        if len(inside) < last - first:
            codes = np.take(codes, inside, axis=0)
        bands = _query_bands(len(inside), n_bits)
        width = bands[0].width
        starts = np.zeros((len(bands), (1 << width) + 2), dtype=np.uint32)
        entries = np.empty((len(bands), len(inside)), dtype=np.uint64)
        keys = [band.keys(codes) for band in bands]
        order = np.empty(len(inside), dtype=np.uint32)
        rows = (inside + first).astype(np.uint64)
        for band in range(len(bands)):
            load_kernels("hamming").group(keys[band], starts[band], order)
            beside = keys[(band + 1) % len(bands)]
            if len(bands) > 1:  # no bit may count twice
                beside = beside | keys[(band + 2) % len(bands)] << np.uint32(width)
            np.take(beside.astype(np.uint64) << np.uint64(32) | rows, order, out=entries[band])
        schedule = _schedule([_mates(each) for each in starts], width, len(inside))
        levels = np.cumsum([0, *(comb(width, ones) for ones in range(_n_levels(width)))])
        return cls(
            first,
            last,
            version,
            starts,
            entries,
            np.array([band.mask for band in bands]),
            np.array([_places(band) for band in bands]),
            schedule,
            flips(width, _n_levels(width) - 1),
            levels.astype(np.int64),
        )

    def look_up(
        self,
        query: Words,
        words: Words,
        present: NDArray[np.bool_],
        radius: int,
        k: int,
        found: NDArray[np.int64],
        n_found: int,
    ) -> int:
        """Look up a query; -1 if comparing all rows is cheaper. See the compiled loop."""
        is_within_reach = radius < len(self.schedule)
        if not (k or is_within_reach):
            return -1
        budget = self.entries.shape[1] // (_SHARE if is_within_reach else _NEAREST_SHARE) + 64
        n_found = query_kernels().look_up_of(len(query))(
            query, words, present, self.starts, self.entries, self.masks, self.places,
            self.schedule, self.flips, self.levels, budget, radius, k, found, n_found,
        )  # fmt: skip
        return int(n_found)


@cache
def greatest_radius(n_rows: int, n_bits: int) -> int:
    """Return the greatest radius for which tables of uniform codes are worth their time."""
    bands = _query_bands(n_rows, n_bits)
    width = bands[0].width
    return len(_schedule([n_rows / 2**width] * len(bands), width, n_rows)) - 1


def _query_bands(n_rows: int, n_bits: int) -> list[Band]:
    width = max(4, int(np.log2(max(n_rows, 1))) - 1)  # a bucket holds a few rows
    width = min(width, MAX_WIDTH, n_bits)
    return cut_bands(n_bits, [width] * (n_bits // width))


def _n_levels(width: int) -> int:
    return min(_MAX_LEVEL, width // 2) + 1


def _mates(starts: NDArray[np.uint32]) -> float:
    """Return how many rows are in the bucket of a row, on average."""
    sizes = np.diff(starts[:-1]).astype(np.float64)
    return float(sizes @ sizes / max(sizes.sum(), 1.0))


def _schedule(mates: list[float], width: int, n_rows: int) -> NDArray[np.int64]:
    """Order the steps by their cost, up to where comparing all rows is cheaper."""
    steps = sorted(
        (comb(width, level) * (1 + held), level, band)
        for band, held in enumerate(mates)
        for level in range(_n_levels(width))
    )
    costs = np.cumsum([cost for cost, _, _ in steps])
    n_steps = max(1, int(np.searchsorted(costs, n_rows / _SHARE, side="right")))
    return np.array([(band, level) for _, level, band in steps[:n_steps]], dtype=np.int64)


def _places(band: Band) -> NDArray[np.uint64]:
    positions = band.positions
    if sys.byteorder == "little":
        positions = positions // 8 * 8 + 7 - positions % 8
    else:
        positions = positions // 64 * 64 + 63 - positions % 64
    return positions.astype(np.uint64)
