"""Bands of bits, and buckets of the codes that agree in a band.

Two codes that differ in few bits differ in even fewer within some band. So all candidates are in a
few buckets of that band. Norouzi et al. call a band a substring.

References
----------
M. Norouzi, A. Punjani, D. J. Fleet, "Fast Exact Search in Hamming Space with Multi-Index Hashing",
2014.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
from numpy.typing import NDArray

from .._utils.kernels import load_kernels
from .._utils.mixing import GAMMA, multiply_and_shift

Words = NDArray[np.uint64]
Numbers = NDArray[np.uint32]

MAX_WIDTH = 24


@dataclass(frozen=True, eq=False)
class Band:
    """A subset of the bits of a code.

    Parameters
    ----------
    positions : ndarray of shape (width,), dtype int64
        The bits, at most 32.
    n_words : int
        The number of words of a code.
    """

    positions: NDArray[np.int64]
    n_words: int

    @property
    def width(self) -> int:
        """The number of bits of the band."""
        return len(self.positions)

    @cached_property
    def mask(self) -> Words:
        """The bits of the band, shape (n_words,)."""
        bits = np.zeros(64 * self.n_words, dtype=np.uint8)
        bits[self.positions] = 1
        return np.packbits(bits).view(np.uint64)

    @cached_property
    def _table(self) -> tuple[NDArray[np.int64], Numbers]:
        """Return the bytes with bits of the band, and the part of the key for each value."""
        places: NDArray[np.int64] = np.unique(self.positions // 8)
        table = np.zeros((len(places), 256), dtype=np.uint32)
        values = np.arange(256)
        for rank, position in enumerate(self.positions.tolist()):
            ones = (values >> (7 - position % 8)) & 1
            table[np.searchsorted(places, position // 8)] |= (ones << rank).astype(np.uint32)
        return places, table

    def keys(self, codes: Words) -> Numbers:
        """Return the bits of the band of each code, as a number."""
        places, table = self._table
        keys = np.empty(len(codes), dtype=np.uint32)
        octets = np.ascontiguousarray(codes).view(np.uint8).reshape(len(codes), 8 * self.n_words)
        load_kernels("hamming").band_keys(octets, places, table, keys)
        return keys


def cut_bands(n_bits: int, widths: Sequence[int]) -> list[Band]:
    """Distribute the bits of codes among bands.

    Adjacent bits of a hash are correlated, so each band takes bits from all over the code. The
    choice is fixed, the same for all codes and releases.
    """
    mixed = multiply_and_shift(np.arange(1, n_bits + 1, dtype=np.uint64) * np.uint64(GAMMA))
    order = np.argsort(mixed, kind="stable")
    ends = np.cumsum(widths)
    n_words = -(-n_bits // 64)
    return [
        Band(np.sort(order[end - width : end]), n_words)
        for end, width in zip(ends, widths, strict=True)
    ]


@dataclass(frozen=True, eq=False)
class Buckets:
    """Codes sorted by their keys, the bits of a band.

    Parameters
    ----------
    codes : ndarray of shape (n_codes, n_words), dtype uint64
        The codes.
    keys : ndarray of shape (n_codes,), dtype uint32
        Their keys, ascending.
    numbers : ndarray of shape (n_codes,), dtype uint32
        The place of each code before sorting.
    starts : ndarray of shape (n_keys + 1,), dtype uint32
        Where the codes of each key start; empty for queries.
    """

    codes: Words
    keys: Numbers
    numbers: Numbers
    starts: Numbers

    @classmethod
    def of(cls, codes: Words, band: Band) -> Buckets:
        """Group codes by the bits of a band."""
        keys = band.keys(codes)
        starts = np.zeros((1 << band.width) + 2, dtype=np.uint32)
        order = np.empty(len(codes), dtype=np.uint32)
        load_kernels("hamming").group(keys, starts, order)
        return cls(np.take(codes, order, axis=0), keys[order], order, starts[:-1])

    @classmethod
    def of_queries(cls, codes: Words, band: Band) -> Buckets:
        """Sort queries by the bits of a band."""
        keys = band.keys(codes)
        order = np.argsort(keys, kind="stable").astype(np.uint32)
        return cls(np.take(codes, order, axis=0), keys[order], order, order[:0])

    @classmethod
    def of_one(cls, codes: Words) -> Buckets:
        """Put all codes into one bucket."""
        numbers = np.arange(len(codes), dtype=np.uint32)
        starts = np.array([0, len(codes)], dtype=np.uint32)
        return cls(codes, np.zeros(len(codes), dtype=np.uint32), numbers, starts)


@cache
def flips(width: int, n_flips: int) -> Numbers:
    """Return every word of `width` bits with at most `n_flips` ones, fewest ones first."""
    levels = [np.zeros(1, dtype=np.uint32)]
    for _ in range(min(n_flips, width)):
        fewer = levels[-1]
        levels.append(
            np.concatenate([fewer[fewer < 1 << bit] | np.uint32(1 << bit) for bit in range(width)])
        )
    return np.concatenate(levels)
