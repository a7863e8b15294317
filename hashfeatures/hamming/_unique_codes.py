"""Unique codes, which are searched once, and the rows that have each of them."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import numpy as np

from .._utils.kernels import load_kernels
from ._bands import Numbers, Words
from ._join import Block
from ._pairs import Pairs, Rows

_STEP = 1 << 18  # pairs that are expanded at a time


class UniqueCodes:
    """The unique codes of rows.

    Parameters
    ----------
    words : ndarray of shape (n_codes, n_words), dtype uint64
        The codes.
    rows : ndarray of shape (n_codes,), dtype intp
        The row of each code, ascending.

    Attributes
    ----------
    codes : ndarray of shape (n_unique, n_words), dtype uint64
        The unique codes, in the order of their first appearance.
    firsts : ndarray of shape (n_unique,), dtype uint32
        Where each appears first in `words`.
    numbers : ndarray of shape (n_codes,), dtype uint32
        The place in `codes` of each code in `words`.
    has_copies : bool
        Whether two rows have the same code.
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
        self.has_copies = n_unique < n_codes

    def n_copies(self, numbers: Numbers) -> Rows:
        """Return the number of rows that have each code."""
        if not self.has_copies:
            return np.ones(len(numbers), dtype=np.intp)
        places = numbers.astype(np.intp)
        return (self._starts[places + 1] - self._starts[places]).astype(np.intp)

    def row(self, numbers: Numbers, ranks: Rows) -> Rows:
        """Return the `ranks`-th row of each code."""
        if not self.has_copies:
            return self._rows[numbers]
        rows: Rows = self._rows[self._order[self._starts[numbers].astype(np.intp) + ranks]]
        return rows

    def pairs_of(self, block: Block) -> Iterator[Pairs]:
        """Expand pairs of codes to pairs of rows, with ``left < right``."""
        for left, right, distance in self._products(block, True, True):
            swapped = left > right
            yield Pairs(np.where(swapped, right, left), np.where(swapped, left, right), distance)

    def matches_of(self, block: Block) -> Iterator[Pairs]:
        """Expand codes on the right to rows; queries stay on the left."""
        yield from self._products(block, False, True)

    def equal_pairs(self) -> Iterator[Pairs]:
        """Yield the pairs of rows that have the same code."""
        if not self.has_copies:
            return
        sizes = np.bincount(self.numbers)
        several = np.flatnonzero(sizes > 1).astype(np.uint32)
        none = np.zeros(len(several), dtype=np.int32)
        for left, right, distance in self._products(Block(several, several, none), True, True):
            keep = left < right
            yield Pairs(left[keep], right[keep], distance[keep])

    def _products(self, block: Block, expand_left: bool, expand_right: bool) -> Iterator[Pairs]:
        if not self.has_copies:
            left = self._rows[block.left] if expand_left else block.left.astype(np.intp)
            yield Pairs(left, self._rows[block.right], block.distance.astype(np.int64))
            return
        ones = np.ones(len(block.left), dtype=np.intp)
        n_left = self.n_copies(block.left) if expand_left else ones
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
                self.row(asked, left_rank) if expand_left else asked.astype(np.intp),
                self.row(block.right[pair], right_rank),
                block.distance[pair].astype(np.int64),
            )
