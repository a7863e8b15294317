"""Exact Hamming neighbors among packed codes: the k nearest, within a radius, and all pairs.

Equal codes are searched once. Multi-index hashing is used where the plan predicts that it is
cheaper than comparing all codes. Both return the same neighbors.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from .._utils.kernels import has_loaded_kernels, load_kernels
from .._utils.progress import progress_bar
from ._bands import Words
from ._costs import nearest_cost
from ._distances import uniform_distances
from ._join import Block, join, nearest, self_join
from ._multi_index import MultiIndex
from ._pairs import MAX_PAIRS, Bits, Pairs, Rows
from ._plan import Plan, plan_scan, plan_self_join
from ._scan import scan_nearest, scan_within
from ._unique_codes import UniqueCodes

__all__ = ["HammingIndex", "Pairs"]

_SMALL = 2048  # numpy compares so few codes in less time than loading compiled loops takes
_FEW = 1 << 14  # numpy makes so few comparisons faster than loops that are loaded
_QUERY_BLOCK = 1 << 14
_HELD_PAIRS = 1 << 23
_KNN_SHARE = 0.2  # of the time of a scan may be spent on finding near neighbors first

_NO_ARRAYS = (
    "use a smaller radius, read the pairs block by block with HammingNeighbors.iter_pairs, group "
    "the rows with DuplicateGroups, which stores no pairs, or raise the limit"
)


class HammingIndex:
    """Index of packed codes for exact searches by Hamming distance.

    Parameters
    ----------
    words : ndarray of shape (n_codes, n_words), dtype uint64
        The packed bits of each code.
    present : ndarray of shape (n_codes,), dtype bool
        False for a missing code, which is not a neighbor of any other.
    n_bits : int
        The number of bits of a code.
    n_jobs : int, optional
        The number of threads.
    algorithm : {"auto", "brute", "multi_index"}, default="auto"
        "brute" compares all codes, "multi_index" searches bands, "auto" does what is cheaper.

    Attributes
    ----------
    n_candidates_ : int
        The number of comparisons in the last search for pairs; -1 before the first.
    """

    def __init__(
        self,
        words: Words,
        present: NDArray[np.bool_],
        n_bits: int,
        n_jobs: int | None = None,
        algorithm: str = "auto",
    ) -> None:
        self._n_rows = len(words)
        self._rows = np.flatnonzero(present)
        whole = len(self._rows) == len(words)
        self._words = np.ascontiguousarray(words if whole else words[self._rows])
        self._n_bits = n_bits
        self._n_jobs = n_jobs
        self._algorithm = algorithm
        self._plans: dict[int, Plan] = {}
        self.n_candidates_ = -1

    def kneighbors(self, words: Words, k: int, own: Rows | None = None) -> tuple[Bits, Rows]:
        """Find the `k` nearest codes to each query.

        Parameters
        ----------
        words : ndarray of shape (n_queries, n_words), dtype uint64
            The queries.
        k : int
            The number of neighbors.
        own : ndarray of shape (n_queries,), dtype intp, optional
            The row of each query itself, which is not its neighbor.

        Returns
        -------
        distances : ndarray of shape (n_queries, k), dtype int64
            The distances in bits, ascending, ties by row; ``n_bits + 1`` after the last neighbor.
        rows : ndarray of shape (n_queries, k), dtype intp
            The rows of the neighbors; -1 after the last.
        """
        words = np.ascontiguousarray(words)
        own = np.full(len(words), -1, dtype=np.intp) if own is None else own
        if self._is_small(len(words)):
            distances, places = scan_nearest(words, self._words, k, self._places_of(own))
            rows = np.where(places < 0, -1, self._rows[places] if len(self._rows) else -1)
            distances[places < 0] = self._n_bits + 1
            return distances, rows
        distances = np.full((len(words), k), self._n_bits + 1, dtype=np.int64)
        rows = np.full((len(words), k), -1, dtype=np.intp)
        step = int(np.clip(_HELD_PAIRS // (k + 1), 1, _QUERY_BLOCK))
        for start in range(0, len(words), step):
            block = slice(start, start + step)
            near = self._expand(self._nearest_codes(words[block], k + 1), k + 1)
            near = near.take(near.right != own[block][near.left])
            ranks = _ranks(near)
            near, ranks = near.take(ranks < k), ranks[ranks < k]
            distances[start + near.left, ranks] = near.distance
            rows[start + near.left, ranks] = near.right
        return distances, rows

    def radius(
        self, words: Words, radius: int, own: Rows | None = None, limit: int | None = MAX_PAIRS
    ) -> Pairs:
        """Find every code within `radius` bits of each query.

        Parameters
        ----------
        words : ndarray of shape (n_queries, n_words), dtype uint64
            The queries.
        radius : int
            The greatest distance in bits.
        own : ndarray of shape (n_queries,), dtype intp, optional
            The row of each query itself, which is not its neighbor.
        limit : int, optional
            The greatest number of pairs to return.

        Returns
        -------
        Pairs
            `left` is the query and `right` the row of the code, sorted by query, then row.

        Raises
        ------
        TooManyPairsError
            If there are more than `limit` pairs.
        """
        found = self._matches(np.ascontiguousarray(words), radius, own)
        return Pairs.concatenate(found, limit).in_order()

    def pairs(self, radius: int, progress: bool = False) -> Iterator[Pairs]:
        """Find all pairs of codes within `radius` bits of each other.

        Parameters
        ----------
        radius : int
            The greatest distance in bits.
        progress : bool, default=False
            Whether to show a progress bar.

        Yields
        ------
        Pairs
            A block of pairs with ``left < right``, each pair once, in no particular order.
        """
        if self._is_small(len(self._words)):
            found = scan_within(self._words, self._words, radius)
            found = found.take(found.left < found.right)
            yield Pairs(self._rows[found.left], self._rows[found.right], found.distance)
            return
        for block in self._near_codes(radius, progress):
            if len(block.left):
                yield from self._unique.pairs_of(block)
        yield from self._unique.equal_pairs()

    def all_pairs(
        self, radius: int, limit: int | None = MAX_PAIRS, progress: bool = False
    ) -> Pairs:
        """Return all blocks of `pairs` as one, sorted by left, then right.

        Raises
        ------
        TooManyPairsError
            If there are more than `limit` pairs.
        """
        found = self.pairs(radius, progress)
        return Pairs.sorted_from(found, self._n_rows, self._n_bits, limit, _NO_ARRAYS)

    def components(self, radius: int, progress: bool = False) -> Rows:
        """Label the connected components of codes within a radius, without storing pairs.

        Parameters
        ----------
        radius : int
            The greatest distance in bits of two connected codes.
        progress : bool, default=False
            Whether to show a progress bar.

        Returns
        -------
        ndarray of shape (n_codes,), dtype intp
            Labels from 0 on, in the order in which components first appear. A missing code has a
            label of its own.
        """
        heads = np.arange(self._n_rows)
        if self._is_small(len(self._words)):
            near = Pairs.concatenate(self.pairs(radius))
            edges = coo_array((near.left >= 0, (near.left, near.right)), (self._n_rows,) * 2)
            labels = connected_components(edges, directed=False)[1]
            heads = np.unique(labels, return_index=True)[1][labels]
        else:
            parents = np.arange(len(self._unique.codes), dtype=np.uint32)
            for block in self._near_codes(radius, progress):
                load_kernels("hamming").unite(parents, block.left, block.right)
            load_kernels("hamming").flatten(parents)
            roots = parents[self._unique.numbers]
            heads[self._rows] = self._rows[self._unique.firsts[roots]]
        numbers: Rows = np.cumsum(heads == np.arange(self._n_rows)) - 1
        return numbers[heads]

    @cached_property
    def _unique(self) -> UniqueCodes:
        return UniqueCodes(self._words, self._rows)

    @cached_property
    def _multi_index(self) -> MultiIndex:
        return MultiIndex(self._unique.codes, self._n_bits, self._algorithm)

    def _is_small(self, n_queries: int) -> bool:
        """Return whether numpy is to search, without compiled loops."""
        n_codes = len(self._words)
        if not n_codes or self._algorithm == "multi_index":
            return not n_codes
        if has_loaded_kernels("hamming") and n_queries * n_codes > _FEW:
            return False
        return max(n_codes, n_queries) <= _SMALL

    def _near_codes(self, radius: int, progress: bool) -> Iterator[Block]:
        self.n_candidates_ = 0
        if radius == 0:  # unique codes are never at distance 0
            return
        codes = self._unique.codes
        radius = min(radius, self._n_bits)
        plan = self._plan_pairs(radius)
        with progress_bar(
            progress,
            total=100,
            desc="Searching pairs",
            bar_format="{desc}: {percentage:3.0f}%|{bar}| {elapsed}<{remaining}",
        ) as bar:
            for block in self_join(codes, plan, radius, self._n_jobs):
                self.n_candidates_ += block.n_candidates
                yield block
                bar.update(100 * block.share)

    def _plan_pairs(self, radius: int) -> Plan:
        codes = self._unique.codes
        if self._algorithm == "brute":
            return plan_scan(codes, uniform_distances(self._n_bits), radius)
        if radius not in self._plans:
            forced = self._algorithm == "multi_index"
            self._plans[radius] = plan_self_join(codes, self._n_bits, radius, forced)
        return self._plans[radius]

    def _matches(self, words: Words, radius: int, own: Rows | None) -> Iterator[Pairs]:
        if self._is_small(len(words)):
            found = scan_within(words, self._words, radius)
            blocks = iter([found._replace(right=self._rows[found.right])])
        else:
            near = self._join(words, radius)
            blocks = (pairs for block in near for pairs in self._unique.matches_of(block))
        for pairs in blocks:
            yield pairs if own is None else pairs.take(pairs.right != own[pairs.left])

    def _join(self, words: Words, radius: int, plan: Plan | None = None) -> Iterator[Block]:
        tables, radius = self._multi_index, min(radius, self._n_bits)
        plan = tables.plan(len(words), radius) if plan is None else plan
        return join(words, tables.codes, plan, tables.buckets, radius, self._n_jobs)

    def _nearest_codes(self, words: Words, k: int) -> Pairs:
        """Return at least the `k` nearest codes of each query, or all if there are fewer."""
        codes = self._unique.codes
        n_codes, n_words = codes.shape
        found, left = [], np.arange(len(words))
        budget = _KNN_SHARE * nearest_cost(n_codes, n_words)
        for step in range(1, self._n_bits):
            n_bands = self._multi_index.n_bands
            radius = step * n_bands - 1
            plan = self._multi_index.plan(len(left), radius, n_bands)
            if not len(left) or not plan.bands or plan.cost > budget * len(left):
                break
            near = self._nearest_within(words[left], radius, k, plan)
            counts = np.bincount(
                near.left,
                np.minimum(self._unique.n_copies(near.right.astype(np.uint32)), k),
                minlength=len(left),
            )
            done = counts >= k
            near = near.take(done[near.left])
            found.append(near._replace(left=left[near.left]))
            left = left[~done]
        if len(left):
            width = min(k, n_codes)
            distances, numbers = nearest(words[left], codes, width, self._n_bits, self._n_jobs)
            found.append(
                Pairs(
                    left.repeat(width),
                    numbers.ravel().astype(np.intp),
                    distances.ravel().astype(np.int64),
                )
            )
        return Pairs.concatenate(found)

    def _nearest_within(self, words: Words, radius: int, k: int, plan: Plan) -> Pairs:
        """Return the codes within `radius` bits of each query, or the `k` nearest of many."""
        held = Pairs.concatenate([])
        for block in self._join(words, radius, plan):
            if len(block.left):
                more = Pairs(
                    block.left.astype(np.intp),
                    block.right.astype(np.intp),
                    block.distance.astype(np.int64),
                )
                held = Pairs.concatenate([held, more])
            if len(held.left) > _HELD_PAIRS:
                held = held.by_distance()
                held = held.take(_ranks(held) < k)
        return held

    def _expand(self, near: Pairs, k: int) -> Pairs:
        """Expand codes to at most `k` rows each, sorted by query, distance and row."""
        numbers = near.right.astype(np.uint32)
        n_copies = np.minimum(self._unique.n_copies(numbers), k)
        place = np.repeat(np.arange(len(numbers)), n_copies)
        rank = np.arange(len(place)) - np.repeat(np.cumsum(n_copies) - n_copies, n_copies)
        rows = self._unique.row(numbers[place], rank)
        return Pairs(near.left[place], rows, near.distance[place]).by_distance()

    def _places_of(self, own: Rows) -> Rows:
        """Return the places of rows among the present codes; -1 for missing ones."""
        if not len(self._rows):
            return np.full(len(own), -1, dtype=np.intp)
        places = np.searchsorted(self._rows, own).clip(max=len(self._rows) - 1)
        return np.where(self._rows[places] == own, places, -1)


def _ranks(pairs: Pairs) -> Rows:
    """Return the number of earlier pairs with the same left, for pairs sorted by left."""
    starts = np.flatnonzero(np.diff(pairs.left, prepend=-1))
    lengths = np.diff(starts, append=len(pairs.left))
    return np.arange(len(pairs.left)) - np.repeat(starts, lengths)
