"""Pairs of near duplicates in different parts of a split, counted without listing them.

Many images may be equal, so that a graph has few nodes and its images have many pairs. A cell is
the images of one node in one part. Pairs are counted, and the nearest ones found, from pairs of
cells.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import chain, combinations, permutations

import numpy as np
from numpy.typing import NDArray

from ..duplicates._pair_graph import Members, check_room, expand
from ..hamming._pairs import Pairs
from ._parts import ComparedParts


class CrossPairs:
    """The pairs of near duplicates in different parts.

    Parameters
    ----------
    parts : ComparedParts
        The parts, and the graph of near duplicates in all of them.
    """

    def __init__(self, parts: ComparedParts) -> None:
        self._part = parts.part
        self._n_parts = len(parts.sizes)
        self._graph = parts.graph
        self._known_counts = parts.count(parts.graph.node_of_image)

    @property
    def n_pairs(self) -> int:
        """The number of pairs."""
        return self._edges_and_count[1]

    @cached_property
    def reaches(self) -> NDArray[np.bool_]:
        """Whether each image has a near duplicate in each other part: (n_images, n_parts)."""
        reaches = self._near_any.copy()
        reaches[np.arange(len(self._part)), self._part] = False
        return reaches

    @cached_property
    def has_near_in_part(self) -> NDArray[np.bool_]:
        """Whether each image has a near duplicate in its own part: (n_images,)."""
        return self._near_any[np.arange(len(self._part)), self._part]

    def pairs(self) -> Pairs:
        """Return all pairs of images.

        Raises
        ------
        TooManyPairsError
            If there are too many to list.
        """
        check_room(self.n_pairs)
        blocks = _expand(self._cell_pairs(), self._cells)
        return Pairs.sorted_from(blocks, len(self._cells))

    def nearest(self, n: int) -> Pairs:
        """Return the `n` nearest pairs of images, without listing all."""
        cells = self._cells.copy()
        order = np.argsort(cells, kind="stable")
        ranks = np.arange(len(cells)) - np.searchsorted(cells[order], cells[order])
        # The n nearest pairs are among the first n images of each cell, and among the n pairs of
        # cells that are nearest and whose first images come first.
        cells[order[ranks >= n]] = -1
        nearest = nearest_of(self._cell_pairs(), n, self._firsts)
        return nearest_of(_expand([nearest], cells), n)

    def nearest_different(self, n: int) -> Pairs:
        """Return the `n` nearest pairs of images, but of equal images only the first in a part."""
        nearest = nearest_of(self._cell_pairs(), n, self._firsts)
        return Pairs(self._firsts[nearest.left], self._firsts[nearest.right], nearest.distance)

    @cached_property
    def _near_any(self) -> NDArray[np.bool_]:
        """Whether each image has a near duplicate in each part: (n_images, n_parts)."""
        nodes = self._graph.node_of_image
        known = np.flatnonzero(nodes >= 0)
        n_equal = self._counts[nodes[known]]
        n_equal[np.arange(len(known)), self._part[known]] -= 1  # an image is none of its own
        near = np.zeros((len(nodes), self._n_parts), dtype=bool)
        near[known] = self._edges_and_count[0][nodes[known]] | (n_equal > 0)
        return near

    @cached_property
    def _counts(self) -> NDArray[np.int64]:
        """The number of images of each node in each part."""
        counts = np.zeros((self._graph.n_nodes, self._n_parts), dtype=np.int64)
        counts[: len(self._known_counts)] = self._known_counts
        return counts

    @cached_property
    def _edges_and_count(self) -> tuple[NDArray[np.bool_], int]:
        """Which parts each node has near nodes in, and the number of pairs across parts."""
        counts, totals = self._counts, self._counts.sum(axis=1)
        has = counts > 0
        in_reach = np.zeros_like(has)
        n_pairs = int((totals**2 - (counts**2).sum(axis=1)).sum()) // 2
        for left, right, _ in self._graph.edges.blocks():
            n_pairs += int((totals[left] * totals[right]).sum())
            for part in range(self._n_parts):
                of_part = counts[:, part]
                n_pairs -= int((of_part[left] * of_part[right]).sum())
                in_reach[left[has[right, part]], part] = True
                in_reach[right[has[left, part]], part] = True
        return in_reach, n_pairs

    @cached_property
    def _cells(self) -> NDArray[np.intp]:
        """The cell of each image: its node and its part in one number; -1 without a node."""
        nodes = self._graph.node_of_image
        return np.where(nodes < 0, -1, nodes * self._n_parts + self._part)

    @cached_property
    def _firsts(self) -> NDArray[np.intp]:
        """The first image of each cell."""
        firsts = np.zeros(self._counts.size, dtype=np.intp)
        known = np.flatnonzero(self._cells >= 0)[::-1]
        firsts[self._cells[known]] = known
        return firsts

    def _cell_pairs(self) -> Iterator[Pairs]:
        """Yield the pairs of cells in different parts whose images are near duplicates."""
        has, n_parts = self._counts > 0, self._n_parts
        equal = np.flatnonzero(has.sum(axis=1) > 1)
        same = Pairs(equal, equal, np.zeros(len(equal), dtype=np.int64))
        for place, (left, right, distance) in enumerate(chain([same], self._graph.edges.blocks())):
            # A pair of two nodes has cells in both orders of parts, a node with itself in one.
            orders = permutations if place else combinations
            for one, other in orders(range(n_parts), 2):
                found = has[left, one] & has[right, other]
                cells = (left[found] * n_parts + one, right[found] * n_parts + other)
                yield Pairs(*(cells if one < other else cells[::-1]), distance[found])


def _expand(cell_pairs: Iterable[Pairs], cells: NDArray[np.intp]) -> Iterator[Pairs]:
    """Yield the pairs of images of pairs of cells."""
    members = Members(cells)
    for block in cell_pairs:
        yield from expand(block, members)


def nearest_of(blocks: Iterable[Pairs], n: int, order: NDArray[np.intp] | None = None) -> Pairs:
    """Return the `n` nearest pairs; ties by left, then right, as ranked by `order`."""
    held = Pairs.concatenate([])
    for block in blocks:
        if len(held.left) >= n > 0:
            block = block.take(block.distance <= held.distance[-1])
        if len(block.left):
            held = Pairs.concatenate([held, block])
            left, right = (rows if order is None else order[rows] for rows in held[:2])
            chosen = np.lexsort((right, left, held.distance))[:n]
            held = held.take(chosen)
    return held
