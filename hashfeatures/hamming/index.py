"""Exact Hamming neighbours among packed codes: k nearest, within a radius, and all pairs.

Distances are counted in blocks of a fixed size, so memory does not grow with the number of codes
squared. Neighbours at the same distance come in the order of their rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray

Words = NDArray[np.uint64]
Rows = NDArray[np.intp]
Bits = NDArray[np.int64]  # distances

# Distances that are held at a time by each thread, and how they are cut into rows and columns.
_BLOCK_ROWS = 32
_BLOCK_COLUMNS = 8192

_NOBODY = np.iinfo(np.int64).max


class Pairs(NamedTuple):
    """Pairs of rows and the distance of each.

    Parameters
    ----------
    left, right : ndarray of shape (n_pairs,), dtype intp
        The rows.
    distance : ndarray of shape (n_pairs,), dtype int64
        The Hamming distance in bits.
    """

    left: Rows
    right: Rows
    distance: Bits

    @classmethod
    def concatenate(cls, blocks: Iterable[Pairs]) -> Pairs:
        """Join blocks of pairs into one."""
        empty = cls(np.empty(0, np.intp), np.empty(0, np.intp), np.empty(0, np.int64))
        return cls(*(np.concatenate(arrays) for arrays in zip(empty, *blocks, strict=True)))


class HammingIndex:
    """Codes that can be searched.

    Parameters
    ----------
    words : ndarray of shape (n_codes, n_words), dtype uint64
        The bits of each code, packed.
    present : ndarray of shape (n_codes,), dtype bool
        False for a code that is nobody's neighbour.
    n_bits : int
        How many bits a code has.
    n_jobs : int, optional
        How many threads search.
    """

    def __init__(
        self, words: Words, present: NDArray[np.bool_], n_bits: int, n_jobs: int | None = None
    ) -> None:
        self._rows = np.flatnonzero(present)
        self._words = np.ascontiguousarray(words[self._rows])
        self._n_bits = n_bits
        self._n_jobs = n_jobs

    def kneighbors(self, words: Words, k: int, own: Rows | None = None) -> tuple[Bits, Rows]:
        """Find the `k` nearest codes to each query.

        Parameters
        ----------
        words : ndarray of shape (n_queries, n_words), dtype uint64
            The queries.
        k : int
            How many neighbours.
        own : ndarray of shape (n_queries,), dtype intp, optional
            For each query, a row that is not its neighbour: itself.

        Returns
        -------
        distances : ndarray of shape (n_queries, k), dtype int64
            In bits, ascending; ``n_bits + 1`` behind the last neighbour.
        rows : ndarray of shape (n_queries, k), dtype intp
            The rows of the neighbours; -1 behind the last.
        """
        n_codes = len(self._rows)
        own_place = self._places_of(own, len(words))

        def search(start: int) -> NDArray[np.int64]:
            queries = words[start : start + _BLOCK_ROWS]
            places = own_place[start : start + _BLOCK_ROWS]
            best = np.full((len(queries), k), _NOBODY)
            for column in range(0, n_codes, _BLOCK_COLUMNS):
                block = _distances(queries, self._words[column : column + _BLOCK_COLUMNS])
                width = block.shape[1]
                # One integer orders by distance, then by row.
                keys = block.astype(np.int64) * n_codes + np.arange(column, column + width)
                inside = (places >= column) & (places < column + width)
                keys[np.flatnonzero(inside), places[inside] - column] = _NOBODY
                best = np.partition(np.hstack([best, keys]), k - 1, axis=1)[:, :k]
            return np.sort(best, axis=1)

        none = np.empty((0, k), dtype=np.int64)
        keys = np.concatenate([none, *self._run(search, len(words))])
        found = keys != _NOBODY
        distances = np.full(keys.shape, self._n_bits + 1)
        rows = np.full(keys.shape, -1, dtype=np.intp)
        distances[found], places = np.divmod(keys[found], max(n_codes, 1))
        rows[found] = self._rows[places]
        return distances, rows

    def radius(self, words: Words, radius: int, own: Rows | None = None) -> Pairs:
        """Find every code within `radius` bits of each query.

        Parameters
        ----------
        words : ndarray of shape (n_queries, n_words), dtype uint64
            The queries.
        radius : int
            The greatest distance, in bits.
        own : ndarray of shape (n_queries,), dtype intp, optional
            For each query, a row that is not its neighbour: itself.

        Returns
        -------
        Pairs
            `left` is the query, `right` the row of the code; ordered by query, then by row.
        """
        own_place = self._places_of(own, len(words))

        def search(start: int) -> Pairs:
            queries = words[start : start + _BLOCK_ROWS]
            found = _within(queries, self._words, 0, radius)
            keep = found.right != own_place[start + found.left]
            return Pairs(
                found.left[keep] + start, self._rows[found.right[keep]], found.distance[keep]
            )

        return Pairs.concatenate(self._run(search, len(words)))

    def pairs(self, radius: int) -> Iterator[Pairs]:
        """Find every two codes within `radius` bits of each other.

        Parameters
        ----------
        radius : int
            The greatest distance, in bits.

        Yields
        ------
        Pairs
            A block of pairs with ``left < right``, each pair once; ordered by left, then right,
            within a block and from block to block.
        """

        def search(start: int) -> Pairs:
            stop = min(start + _BLOCK_ROWS, len(self._words))
            found = _within(self._words[start:stop], self._words, start, radius)
            keep = found.right > found.left + start
            return Pairs(
                self._rows[found.left[keep] + start],
                self._rows[found.right[keep]],
                found.distance[keep],
            )

        yield from self._run(search, len(self._words))

    def _places_of(self, own: Rows | None, n_queries: int) -> Rows:
        """Turn rows into places among the present codes; -1 where there is none."""
        if own is None or not len(self._rows):
            return np.full(n_queries, -1, dtype=np.intp)
        places = np.searchsorted(self._rows, own).clip(max=len(self._rows) - 1)
        return np.where(self._rows[places] == own, places, -1)

    def _run(self, search: Callable[[int], Any], n_rows: int) -> Iterator[Any]:
        starts = range(0, n_rows, _BLOCK_ROWS)
        # numpy releases the interpreter while it counts, and threads share the codes.
        pool = Parallel(n_jobs=self._n_jobs, require="sharedmem", return_as="generator")
        yield from pool(delayed(search)(start) for start in starts)


def _distances(left: Words, right: Words) -> NDArray[np.unsignedinteger[Any]]:
    """Return the distance of every row of `left` to every row of `right`."""
    fits = 64 * left.shape[1] <= np.iinfo(np.uint16).max
    total = np.zeros((len(left), len(right)), dtype=np.uint16 if fits else np.uint32)
    for word in range(left.shape[1]):
        total += np.bitwise_count(left[:, word, None] ^ right[None, :, word])
    return total


def _within(left: Words, right: Words, first: int, radius: int) -> Pairs:
    """Return the places of codes of `right`, from `first` on, near each of `left`."""
    blocks = []
    for column in range(first, len(right), _BLOCK_COLUMNS):
        distances = _distances(left, right[column : column + _BLOCK_COLUMNS])
        rows, columns = np.nonzero(distances <= radius)
        blocks.append(Pairs(rows, columns + column, distances[rows, columns].astype(np.int64)))
    found = Pairs.concatenate(blocks)
    order = np.argsort(found.left, kind="stable")
    return Pairs(found.left[order], found.right[order], found.distance[order])
