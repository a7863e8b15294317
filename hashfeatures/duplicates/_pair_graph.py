"""The graph of near images, in which equal images share a node.

Equal images are near the same images, so a million copies are one node and no million squared
edges. The graph keeps what its edges lead to: components, nearest distances, the number of pairs.
It holds the edges themselves as long as they are few. Otherwise it searches them again, block by
block, so that memory grows with the number of images.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._utils.kernels import load_kernels
from ..exceptions import TooManyPairsError
from ..hamming._pairs import Bits, Pairs
from ._components import Labels, label_components, renumber
from ._pair_search import HeldPairs, PairSearch, find_neighbors

# Pairs of images that are written out at most: three numbers each, 2.4 GB in all.
MOST_PAIRS = 100_000_000

# Edges that are held at most: so many, or so many a node.
_MOST_HELD = 2**20
_MOST_HELD_EACH = 8

# Pairs that are expanded from nodes to images at a time.
_STEP = 2**18

_FAR = np.iinfo(np.int64).max


@dataclass(frozen=True)
class PairGraph:
    """The near pairs of images; made by `survey`.

    Parameters
    ----------
    node_of_image : ndarray of shape (n_images,), dtype intp
        The node of each image, from 0 on, which it shares with its equals; -1 for an image that
        cannot be compared.
    n_nodes : int
        The number of nodes.
    search : PairSearch
        What finds the edges, the near pairs of nodes.
    held : HeldPairs or None
        The same edges, if they are few.
    components : ndarray of shape (n_nodes,), dtype intp
        The component of each node, known by its least member.
    nearest_of_node : ndarray of shape (n_nodes,), dtype int64
        The distance of each node to the nearest other one within the radius; a number beyond all
        distances where there is none.
    n_pairs : int
        The number of near pairs of images, equal ones included.
    """

    node_of_image: Labels
    n_nodes: int
    search: PairSearch
    held: HeldPairs | None
    components: Labels
    nearest_of_node: Bits
    n_pairs: int

    @property
    def edges(self) -> PairSearch:
        """What yields the near pairs of nodes in the least time."""
        return self.search if self.held is None else self.held

    @classmethod
    def survey(cls, node_of_image: Labels, n_nodes: int, search: PairSearch) -> PairGraph:
        """Go through the edges once, and hold them if they are few."""
        n_of_node = _count(node_of_image, n_nodes)
        tally = _Tally(np.arange(n_nodes), np.full(n_nodes, _FAR))
        n_pairs = int((n_of_node * (n_of_node - 1) // 2).sum())
        all_differ = n_of_node.max(initial=1) == 1
        for block in search.blocks():
            tally.add(block)
            left, right, _ = block
            n_across = len(left) if all_differ else (n_of_node[left] * n_of_node[right]).sum()
            n_pairs += int(n_across)
        return cls(node_of_image, n_nodes, search, *tally.finish(), n_pairs)

    @classmethod
    def of_labels(cls, labels: Labels) -> PairGraph:
        """Return the graph in which the members of each group are equal; -1 is in no group."""
        n_nodes = int(labels.max(initial=-1)) + 1
        return cls.survey(labels, n_nodes, HeldPairs(Pairs.concatenate([]), n_nodes))

    def extended(self, more: Labels, n_nodes: int, search: PairSearch) -> PairGraph:
        """Add images; only what is near them is searched.

        Parameters
        ----------
        more : ndarray of shape (n_added,), dtype intp
            The nodes of the images to add. New nodes are numbered on from those before.
        n_nodes : int
            The number of nodes afterwards.
        search : PairSearch
            What finds the near pairs of all nodes.

        Returns
        -------
        PairGraph
            The graph of all images; this one is left as it is.
        """
        before, added = _count(self.node_of_image, n_nodes), _count(more, n_nodes)
        n_new = n_nodes - self.n_nodes
        tally = _Tally(
            np.concatenate([self.components, np.arange(self.n_nodes, n_nodes)]),
            np.concatenate([self.nearest_of_node, np.full(n_new, _FAR)]),
            None if self.held is None else [self.held.pairs],
        )
        twice = int((added * (2 * before + added - 1)).sum())
        for asked, found in find_neighbors(search, np.flatnonzero(added)):
            left, right = asked[found.left], found.right
            twice += int((added[left] * (2 * before[right] + added[right])).sum())
            # Pairs of two old nodes are known; pairs of two new ones are found from both sides.
            new = (left >= self.n_nodes) & (right < left)
            tally.add(Pairs(right[new], left[new], found.distance[new]))
        nodes = np.concatenate([self.node_of_image, more])
        return PairGraph(nodes, n_nodes, search, *tally.finish(), self.n_pairs + twice // 2)

    def labels(self) -> Labels:
        """Label the connected components, in order of first appearance."""
        alone = np.flatnonzero(self.node_of_image < 0)
        none = np.zeros(len(self.node_of_image), dtype=np.intp)
        labels = self.components[self.node_of_image] if self.n_nodes else none
        labels[alone] = self.n_nodes + alone
        return renumber(labels)

    def n_of_node(self) -> NDArray[np.int64]:
        """Return the number of images of each node."""
        return _count(self.node_of_image, self.n_nodes)

    def rows_with_duplicates(self) -> Labels:
        """Return the rows of the images that have a near duplicate, in ascending order."""
        return np.flatnonzero(self.nearest() >= 0)

    def nearest(self) -> NDArray[np.int64]:
        """Return the distance of each image to its nearest near duplicate; -1 without one."""
        nearest = np.where(self.n_of_node() > 1, 0, self.nearest_of_node)
        of_image = np.full(len(self.node_of_image), -1, dtype=np.int64)
        known = np.flatnonzero(self.node_of_image >= 0)
        of_image[known] = nearest[self.node_of_image[known]]
        of_image[of_image == _FAR] = -1
        return of_image

    def images_of(self, matches: Pairs) -> Pairs:
        """Expand matches, left anything and right a node, to the images on the right.

        They are ordered by left, then right.
        """
        check_room(int(self._members.of(matches.right)[2].sum()))
        rows = Members(np.arange(int(matches.left.max(initial=-1)) + 1))
        return Pairs.concatenate(expand(matches, rows, self._members)).in_order()

    def pairs(self) -> Pairs:
        """Write out every two images that are near each other.

        Returns
        -------
        Pairs
            With ``left < right``, ordered by left, then right.

        Raises
        ------
        TooManyPairsError
            If there are more than `MOST_PAIRS`.
        """
        check_room(self.n_pairs)
        return Pairs.sorted_from(self._image_blocks(), len(self.node_of_image))

    def firsts(self) -> Labels:
        """Return the first image of each node."""
        known = np.flatnonzero(self.node_of_image >= 0)
        firsts = np.zeros(self.n_nodes, dtype=np.intp)
        firsts[self.node_of_image[known[::-1]]] = known[::-1]
        return firsts

    def pairs_of_firsts(self) -> Iterator[Pairs]:
        """Yield each image with the first of its equals, and the near pairs of these firsts.

        So all images are covered, and many equal ones take no more pairs than there are images.
        In each pair, ``left < right``.
        """
        firsts = self.firsts()
        known = np.flatnonzero(self.node_of_image >= 0)
        first = firsts[self.node_of_image[known]]
        later = np.flatnonzero(first < known)
        yield Pairs(first[later], known[later], np.zeros(len(later), dtype=np.int64))
        for block in self.edges.blocks():
            left, right = firsts[block.left], firsts[block.right]
            yield Pairs(np.minimum(left, right), np.maximum(left, right), block.distance)

    @cached_property
    def _members(self) -> Members:
        return Members(self.node_of_image)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_members"}

    def _image_blocks(self) -> Iterator[Pairs]:
        """Yield the pairs of images, each once, in no order."""
        for block in self.edges.blocks():
            for found in expand(block, self._members):
                # Either of two nodes may have the earlier images.
                left, right = found.left, found.right
                yield Pairs(np.minimum(left, right), np.maximum(left, right), found.distance)
        equal = np.flatnonzero(self.n_of_node() > 1)
        itself = Pairs(equal, equal, np.zeros(len(equal), dtype=np.int64))
        for found in expand(itself, self._members):
            # An image is not a pair with itself, and equal ones are found from both sides.
            yield found.take(found.left < found.right)


class _Tally:
    """What edges lead to, counted as they come.

    Parameters
    ----------
    components : ndarray of shape (n_nodes,), dtype intp
        The least member of each node's component.
    nearest : ndarray of shape (n_nodes,), dtype int64
        The nearest distances so far; changed in place.
    held : list of Pairs, optional
        The edges that are held already; None holds none.
    """

    def __init__(
        self, components: Labels, nearest: Bits, held: Sequence[Pairs] | None = ()
    ) -> None:
        self._components = components
        self._nearest = nearest
        self._held = None if held is None else list(held)
        self._n_held = sum(len(pairs.left) for pairs in held or ())
        self._most_held = max(_MOST_HELD, _MOST_HELD_EACH * len(components))
        self._waiting: list[Pairs] = []
        self._n_waiting = 0
        self._parents: NDArray[np.uint32] | None = None

    def add(self, pairs: Pairs) -> None:
        """Count edges, and hold them as long as they are few."""
        self._waiting.append(pairs)
        self._n_waiting += len(pairs.left)
        if self._held is not None:
            self._held.append(pairs)
            self._n_held += len(pairs.left)
            if self._n_held > self._most_held:
                self._held = None
        if self._held is None and self._n_waiting > _STEP:
            self._unite()

    def finish(self) -> tuple[HeldPairs | None, Labels, Bits]:
        """Return the edges if they are few, the components, and the nearest distances."""
        if self._parents is not None:
            self._unite()
            load_kernels("hamming").flatten(self._parents)
            self._components = self._parents.astype(np.intp)
        elif self._n_waiting:  # so few that they are joined before a loop is even loaded
            links = Pairs.concatenate(self._waiting)
            for side in (links.left, links.right):
                np.minimum.at(self._nearest, side, links.distance)
            self._components = _join(self._components, links)
        held = None
        if self._held is not None:
            held = HeldPairs(Pairs.concatenate(self._held), len(self._components))
        return held, self._components, self._nearest

    def _unite(self) -> None:
        if self._parents is None:
            self._parents = self._components.astype(np.uint32)
        for pairs in self._waiting:
            load_kernels("duplicates").note_pairs(self._parents, self._nearest, *pairs)
        self._waiting, self._n_waiting = [], 0


def _join(components: Labels, links: Pairs) -> Labels:
    """Join the components that edges connect; each is known by its least member."""
    ends = np.concatenate([components[links.left], components[links.right]])
    heads, place = np.unique(ends, return_inverse=True)
    left, right = np.split(place, 2)
    joined = label_components(len(heads), Pairs(left, right, links.distance))
    new_heads = np.arange(len(components))
    new_heads[heads] = heads[np.unique(joined, return_index=True)[1]][joined]
    return new_heads[components]


def check_room(n_pairs: int) -> None:
    """Raise if so many pairs cannot be written out."""
    if n_pairs > MOST_PAIRS:
        raise TooManyPairsError(
            f"There are {n_pairs} near pairs of images, more than the {MOST_PAIRS} that can be "
            f"written out. The groups and their sizes are available without them. A smaller "
            f"radius, or drop_duplicates beforehand, leaves fewer pairs."
        )


def expand(near: Pairs, left: Members, right: Members | None = None) -> Iterator[Pairs]:
    """Expand pairs of nodes to pairs of their images, block by block.

    Parameters
    ----------
    near : Pairs
        Pairs of nodes.
    left, right : Members
        The images of the nodes on the left, and on the right if they differ.

    Yields
    ------
    Pairs
        The rows of images on the left and on the right.
    """
    left_rows, left_starts, n_left = left.of(near.left)
    right_rows, right_starts, n_right = (right or left).of(near.right)
    ends = np.cumsum(n_left * n_right)
    n_pairs = int(ends[-1]) if len(ends) else 0
    for start in range(0, n_pairs, _STEP):
        place = np.arange(start, min(start + _STEP, n_pairs))
        which = np.searchsorted(ends, place, side="right")
        row, column = np.divmod(place - (ends - n_left * n_right)[which], n_right[which])
        yield Pairs(
            left_rows[left_starts[which] + row],
            right_rows[right_starts[which] + column],
            near.distance[which],
        )


class Members:
    """The images of each node.

    Parameters
    ----------
    node_of_image : ndarray of shape (n_images,), dtype intp
        The node of each image; -1 for none.
    """

    def __init__(self, node_of_image: Labels) -> None:
        self._rows = np.argsort(node_of_image, kind="stable")
        self._ordered = node_of_image[self._rows]

    def of(self, nodes: Labels) -> tuple[Labels, Labels, Labels]:
        """Return rows ordered by node, the start of each given node's rows, and their number."""
        starts = np.searchsorted(self._ordered, nodes)
        return self._rows, starts, np.searchsorted(self._ordered, nodes, side="right") - starts


def _count(node_of_image: Labels, n_nodes: int) -> NDArray[np.int64]:
    return np.bincount(node_of_image[node_of_image >= 0], minlength=n_nodes)
