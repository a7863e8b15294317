"""The search for the edges of a graph of near pairs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..exceptions import TooManyPairsError
from ..hamming._pairs import Bits, Pairs
from ._components import Labels

# Edges that one search for neighbors returns at most, and nodes that the first one asks for.
_MOST_FOUND = 2**22
_ASKED = 64


class PairSearch(Protocol):
    """Finds the near pairs of nodes, as often as it is called."""

    def blocks(self) -> Iterator[Pairs]:
        """Yield every two nodes that are near, each pair once, with ``left < right``."""

    def neighbors(self, asked: Labels, limit: int | None) -> Pairs:
        """Return what is near some nodes: left the place in `asked`, right the other node.

        Raises `TooManyPairsError` if there are more pairs than `limit`.
        """


class HeldPairs:
    """Near pairs of nodes that are in memory; a `PairSearch`.

    Parameters
    ----------
    pairs : Pairs
        The pairs.
    n_nodes : int
        The number of nodes.
    """

    def __init__(self, pairs: Pairs, n_nodes: int) -> None:
        self.pairs = pairs
        self._n_nodes = n_nodes

    def blocks(self) -> Iterator[Pairs]:
        """Yield the pairs."""
        yield self.pairs

    def neighbors(self, asked: Labels, limit: int | None = None) -> Pairs:
        """Return what is near some nodes, however much it is: it is in memory already."""
        starts, right, distance = self._neighbors
        n_found = starts[asked + 1] - starts[asked]
        left = np.repeat(np.arange(len(asked)), n_found)
        place = np.arange(len(left)) + np.repeat(
            starts[asked] - np.cumsum(n_found) + n_found, n_found
        )
        return Pairs(left, right[place], distance[place])

    @cached_property
    def _neighbors(self) -> tuple[Labels, Labels, Bits]:
        """Where the neighbors of each node start, the neighbors, and their distances."""
        left, right, distance = self.pairs
        both = np.concatenate([left, right])
        order = np.argsort(both, kind="stable")
        starts = np.zeros(self._n_nodes + 1, dtype=np.intp)
        np.cumsum(np.bincount(both, minlength=self._n_nodes), out=starts[1:])
        others, apart = np.concatenate([right, left]), np.concatenate([distance, distance])
        return starts, others[order], apart[order]


def find_neighbors(
    search: PairSearch,
    nodes: Labels,
    is_wanted: Callable[[Labels], NDArray[np.bool_]] | None = None,
) -> Iterator[tuple[Labels, Pairs]]:
    """Find what is near some nodes, as many of them at a time as have a bounded number of edges.

    Parameters
    ----------
    search : PairSearch
        The search.
    nodes : ndarray of shape (n_nodes,), dtype intp
        The nodes, which are looked up in this order.
    is_wanted : callable, optional
        Returns which of some nodes are still to be looked up, just before that is done.

    Yields
    ------
    asked : ndarray, dtype intp
        The next nodes.
    found : Pairs
        What is near them, as `PairSearch.neighbors` returns it, ordered by left.
    """
    start, step = 0, _ASKED
    while start < len(nodes):
        asked = nodes[start : start + step]
        if is_wanted is not None:
            asked = asked[is_wanted(asked)]
        try:
            found = search.neighbors(asked, _MOST_FOUND if len(asked) > 1 else None)
        except TooManyPairsError:
            step = max(1, step // 4)
            continue
        yield asked, found
        start += step
        if len(found.left) < _MOST_FOUND // 4:
            step *= 2
