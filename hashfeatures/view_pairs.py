"""Near duplicates over views: the nearest two views of every two images that have near ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .hamming.index import HammingIndex, Pairs
from .hashing.views import ViewSet

# Images whose views are looked up at a time: their matches with themselves are many.
_BLOCK = 1024


class ViewPairs(NamedTuple):
    """Pairs of images, the distance of each, and the views in which they are so near.

    Parameters
    ----------
    left, right : ndarray of shape (n_pairs,), dtype intp
        The rows.
    distance : ndarray of shape (n_pairs,), dtype int64
        The least Hamming distance in bits between a view of the one and a view of the other.
    left_view, right_view : ndarray of shape (n_pairs,), dtype object
        What was looked at: "as it is", "mirrored", "cropped by 5% a side, turned by 90°".
    """

    left: NDArray[np.intp]
    right: NDArray[np.intp]
    distance: NDArray[np.int64]
    left_view: NDArray[Any]
    right_view: NDArray[Any]


class _Found(NamedTuple):
    """Matches of views, by their numbers."""

    left: NDArray[np.intp]
    right: NDArray[np.intp]
    distance: NDArray[np.int64]
    left_view: NDArray[np.intp]
    right_view: NDArray[np.intp]

    @classmethod
    def concatenate(cls, blocks: Iterable[_Found]) -> _Found:
        nothing = np.empty(0, dtype=np.intp)
        empty = cls(nothing, nothing, nothing.astype(np.int64), nothing, nothing)
        return cls(*(np.concatenate(arrays) for arrays in zip(empty, *blocks, strict=True)))

    def take(self, rows: Any) -> _Found:
        return _Found(*(column[rows] for column in self))

    def swap(self) -> _Found:
        return _Found(self.right, self.left, self.distance, self.right_view, self.left_view)

    def nearest(self) -> _Found:
        """Keep of every two images the nearest views; of equally near ones the plainest."""
        order = np.lexsort((self.left_view, self.right_view, self.distance, self.right, self.left))
        found = self.take(order)
        if not len(order):
            return found
        is_new = (np.diff(found.left) != 0) | (np.diff(found.right) != 0)
        return found.take(np.concatenate([[True], is_new]))


@dataclass(frozen=True)
class ViewCodes:
    """The codes of the views of images.

    Parameters
    ----------
    words : ndarray of shape (n_images, n_views, n_words), dtype uint64
        The bits of each view, packed.
    present : ndarray of shape (n_images,), dtype bool
        Which images are compared at all.
    views : ViewSet
        What the views are.
    """

    words: NDArray[np.uint64]
    present: NDArray[np.bool_]
    views: ViewSet

    def pairs(self, radius: int, n_jobs: int | None) -> ViewPairs:
        """Return every two images of which two views are within `radius` bits, left < right."""
        index = self._index_bases(n_jobs)
        blocks = []
        for found in self._look_up(index, self, radius):
            apart = found.take(found.left != found.right)
            is_ordered = apart.left < apart.right
            ordered = [apart.take(is_ordered), apart.take(~is_ordered).swap()]
            blocks.append(_Found.concatenate(ordered).nearest())
        return self._name(_Found.concatenate(blocks).nearest())

    def matches(self, queries: ViewCodes, radius: int, n_jobs: int | None) -> ViewPairs:
        """Return every image near a query: left the query, right the image."""
        blocks = [
            found.nearest() for found in self._look_up(self._index_bases(n_jobs), queries, radius)
        ]
        # The other way round too: what was cut off an image cannot be cut off its query.
        blocks += [
            found.swap().nearest()
            for found in self._look_up(queries._index_bases(n_jobs), self, radius)
        ]
        return self._name(_Found.concatenate(blocks).nearest())

    def _index_bases(self, n_jobs: int | None) -> HammingIndex:
        bases = self.words[:, self.views.base_views]
        n_words = bases.shape[2]
        present = np.repeat(self.present, bases.shape[1])
        return HammingIndex(bases.reshape(-1, n_words), present, 64 * n_words, n_jobs)

    def _look_up(self, index: HammingIndex, queries: ViewCodes, radius: int) -> Iterator[_Found]:
        """Yield, block by block, which base views are near which views of the queries."""
        rows = np.flatnonzero(queries.present)
        n_views, n_words = queries.words.shape[1:]
        for start in range(0, len(rows), _BLOCK):
            block = rows[start : start + _BLOCK]
            near = index.radius(queries.words[block].reshape(-1, n_words), radius)
            place, view = np.divmod(near.left, n_views)
            right, base = np.divmod(near.right, self.views.n_bases)
            yield _Found(block[place], right, near.distance, view, self.views.base_views[base])

    def _name(self, found: _Found) -> ViewPairs:
        views = range(self.views.n_views)
        names = np.array([self.views.name_view(view) for view in views], dtype=object)
        named = found._replace(
            left_view=names[found.left_view], right_view=names[found.right_view]
        )
        return ViewPairs(*named)


def plain_pairs(pairs: Pairs) -> ViewPairs:
    """Return pairs of images that are near as they are."""
    names = np.full(len(pairs.left), "as it is", dtype=object)
    return ViewPairs(*pairs, names, names)


def join_view_pairs(blocks: list[ViewPairs]) -> ViewPairs:
    """Join pairs into one table, ordered by left, then right."""
    joined = [np.concatenate(columns) for columns in zip(*blocks, strict=True)]
    order = np.lexsort((joined[1], joined[0]))
    return ViewPairs(*(column[order] for column in joined))
