"""Equal codes, searched once and spread out at the end."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import numpy as np

from .._utils.kernels import load_kernels
from ._bands import Numbers, Words
from ._join import Block
from ._pairs import Pairs, Rows

_STEP = 1 << 18  # pairs that are spread out at a time


class Copies:
    """The codes of rows, each once.

    Parameters
    ----------
    words : ndarray of shape (n_codes, n_words), dtype uint64
        The codes.
    rows : ndarray of shape (n_codes,), dtype intp
        The row of each, ascending.

    Attributes
    ----------
    codes : ndarray of shape (n_unique, n_words), dtype uint64
        The codes that differ, in the order of the first row of each.
    firsts : ndarray of shape (n_unique,), dtype uint32
        Where each appears first in `words`.
    numbers : ndarray of shape (n_codes,), dtype uint32
        Which code of `codes` each of `words` is.
    """

    def __init__(self, words: Words, rows: Rows) -> None:
        n_codes = len(words)
        numbers = np.empty(n_codes, dtype=np.uint32)
        firsts = np.empty(n_codes, dtype=np.uint32)
        table = np.zeros(1 << (2 * n_codes + 1).bit_length(), dtype=np.uint32)
        seed = np.uint64(secrets.randbits(64))
        n_unique = load_kernels("hamming").collapse(words, seed, numbers, firsts, table)
        self.numbers = numbers
        self.firsts = firsts[:n_unique]
        self.codes = words if n_unique == n_codes else np.take(words, self.firsts, axis=0)
        self._rows = rows
        self._starts = np.zeros(n_unique + 2, dtype=np.uint32)
        self._order = np.empty(n_codes, dtype=np.uint32)
        if n_unique < n_codes:
            load_kernels("hamming").group(numbers, self._starts, self._order)
            self._starts = self._starts[:-1]
        self.any = n_unique < n_codes

    def n_copies(self, numbers: Numbers) -> Rows:
        """Return how many rows have each code."""
        if not self.any:
            return np.ones(len(numbers), dtype=np.intp)
        places = numbers.astype(np.intp)
        return (self._starts[places + 1] - self._starts[places]).astype(np.intp)

    def row(self, numbers: Numbers, ranks: Rows) -> Rows:
        """Return the rows of codes: the `ranks`-th of each."""
        if not self.any:
            return self._rows[numbers]
        rows: Rows = self._rows[self._order[self._starts[numbers].astype(np.intp) + ranks]]
        return rows

    def pairs_of(self, block: Block) -> Iterator[Pairs]:
        """Spread pairs of codes out to pairs of rows, the lower one left."""
        for left, right, distance in self._products(block, True, True):
            swapped = left > right
            yield Pairs(np.where(swapped, right, left), np.where(swapped, left, right), distance)

    def matches_of(self, block: Block) -> Iterator[Pairs]:
        """Spread codes that queries found out to rows; queries stay."""
        yield from self._products(block, False, True)

    def equal_pairs(self) -> Iterator[Pairs]:
        """Return the pairs of rows that are equal."""
        if not self.any:
            return
        sizes = np.bincount(self.numbers)
        several = np.flatnonzero(sizes > 1).astype(np.uint32)
        none = np.zeros(len(several), dtype=np.int32)
        for left, right, distance in self._products(Block(several, several, none), True, True):
            keep = left < right
            yield Pairs(left[keep], right[keep], distance[keep])

    def _products(self, block: Block, spread_left: bool, spread_right: bool) -> Iterator[Pairs]:
        if not self.any:
            left = self._rows[block.left] if spread_left else block.left.astype(np.intp)
            yield Pairs(left, self._rows[block.right], block.distance.astype(np.int64))
            return
        ones = np.ones(len(block.left), dtype=np.intp)
        n_left = self.n_copies(block.left) if spread_left else ones
        n_right = self.n_copies(block.right)
        ends = np.cumsum(n_left * n_right)
        total = int(ends[-1]) if len(ends) else 0
        for start in range(0, total, _STEP):
            flat = np.arange(start, min(start + _STEP, total))
            pair = np.searchsorted(ends, flat, side="right")
            within = flat - (ends[pair] - n_left[pair] * n_right[pair])
            left_rank, right_rank = np.divmod(within, n_right[pair])
            asked = block.left[pair]
            yield Pairs(
                self.row(asked, left_rank) if spread_left else asked.astype(np.intp),
                self.row(block.right[pair], right_rank),
                block.distance[pair].astype(np.int64),
            )
