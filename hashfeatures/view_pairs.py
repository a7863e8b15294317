"""Near pairs over views: two images are as near as the nearest two of their views.

All views of an image are compared with the base views of the others, from both sides: what was
cut off a copy can be cut off its original, but not the other way round.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .codes import Codes, Words
from .exceptions import TooManyPairsError
from .hamming.bands import kernels
from .hamming.index import HammingIndex
from .hamming.join import in_threads
from .hamming.pairs import Pairs, Rows, count_pairs
from .hashing.views import ViewSet
from .showing import rows_as_html, rows_as_text

# Images whose views are looked up at a time, and near views that such a block may have: one that
# has more is looked up in halves.
_LOOKED_UP = 4096
_MOST_NEAR = 2**22
# Pairs of images that are measured by a thread at a time.
_MEASURED = 2**14
# Pairs of images that are looked at, at a time.
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

    def __repr__(self) -> str:
        return rows_as_text(count_pairs(self), self._asdict())

    def _repr_html_(self) -> str:
        return rows_as_html(count_pairs(self), self._asdict())


@dataclass(frozen=True)
class ViewCodes(Codes):
    """The codes of the views of images.

    Parameters
    ----------
    words : ndarray of shape (n_images, n_views, n_words), dtype uint64
        The bits of each view, packed.
    views : ViewSet
        What the views are.
    """

    words: Words
    views: ViewSet

    @classmethod
    def join(cls, parts: Sequence[ViewCodes]) -> ViewCodes:
        """Return the codes of several collections as those of one."""
        return cls(np.concatenate([part.words for part in parts]), parts[0].views)

    def take(self, rows: Any) -> ViewCodes:
        """Return the codes of some images."""
        return ViewCodes(self.words[rows], self.views)

    def blocks(self, radius: int, n_jobs: int | None = None) -> Iterator[Pairs]:
        """Yield every two images of which two views are near, once, with ``left < right``."""
        for found in self._look_up(self, radius, n_jobs):
            near = _nearest(found.where(found.left != found.right))
            # By the views of the other image they may be nearer, and are found from there too.
            back = self._towards(self, near.right, near.left, n_jobs)
            near = near._replace(distance=np.minimum(near.distance, back))
            left, right, distance = near.where((near.left < near.right) | (back > radius))
            yield Pairs(np.minimum(left, right), np.maximum(left, right), distance)

    def matches(
        self, queries: ViewCodes, radius: int, n_jobs: int | None = None, limit: int | None = None
    ) -> Pairs:
        """Return every image near a query: left the query, right the image."""
        there = (_nearest(found) for found in self._look_up(queries, radius, n_jobs))
        back = (
            _nearest(Pairs(found.right, found.left, found.distance))
            for found in queries._look_up(self, radius, n_jobs)
        )
        return _nearest(Pairs.concatenate(chain(there, back), limit))

    def distances(self, others: ViewCodes) -> NDArray[np.int64]:
        """Return the distance of each image to the one in the same row of `others`."""
        rows = np.arange(len(self.words))
        return self.name(others, Pairs(rows, rows, np.zeros(len(rows), dtype=np.int64))).distance

    def name(self, others: ViewCodes, pairs: Pairs) -> ViewPairs:
        """Tell in which views images on the left are nearest to `others` on the right."""
        names = np.array(
            [self.views.name_view(view) for view in range(self.views.n_views)], dtype=object
        )
        bases = self.views.base_views
        shape = (self.views.n_views, self.views.n_bases)
        distance = np.zeros(len(pairs.left), dtype=np.int64)
        views = np.zeros((2, len(pairs.left)), dtype=np.intp)
        for start in range(0, len(pairs.left), _BLOCK):
            block = slice(start, start + _BLOCK)
            left, right = self.words[pairs.left[block]], others.words[pairs.right[block]]
            ways = np.stack(
                [_least(left, right[:, bases], shape), _least(right, left[:, bases], shape)]
            )
            # Of equally near views the plainest.
            way = (ways[:, 0] * 2 * len(names) + ways[:, 1] + ways[:, 2]).argmin(axis=0)
            chosen = ways[way, :, np.arange(len(way))]
            distance[block] = chosen[:, 0]
            whole, base = chosen[:, 1], bases[chosen[:, 2]]
            views[0, block] = np.where(way == 0, whole, base)
            views[1, block] = np.where(way == 0, base, whole)
        return ViewPairs(pairs.left, pairs.right, distance, names[views[0]], names[views[1]])

    def _towards(
        self, others: ViewCodes, rows: Rows, other_rows: Rows, n_jobs: int | None
    ) -> NDArray[np.int64]:
        """Return the least distances of the views of images to the base views of others."""
        least = np.empty(len(rows), dtype=np.int64)
        if not len(rows):
            return least
        words, theirs = np.ascontiguousarray(self.words), np.ascontiguousarray(others.words)
        bases = np.asarray(self.views.base_views, dtype=np.int64)

        def measure(start: int) -> None:
            part = slice(start, start + _MEASURED)
            kernels().least_distances(
                words, rows[part], theirs, other_rows[part], bases, least[part]
            )

        for _ in in_threads(
            (partial(measure, at) for at in range(0, len(rows), _MEASURED)), n_jobs
        ):
            pass
        return least

    def _look_up(self, queries: ViewCodes, radius: int, n_jobs: int | None) -> Iterator[Pairs]:
        """Yield, block by block, which views of queries are near base views of which images."""
        bases = self.words[:, self.views.base_views]
        n_words = bases.shape[2]
        flat = bases.reshape(-1, n_words)
        index = HammingIndex(flat, np.ones(len(flat), dtype=bool), 64 * n_words, n_jobs)
        starts = range(0, len(queries.words), _LOOKED_UP)
        blocks = [range(start, min(start + _LOOKED_UP, len(queries.words))) for start in starts]
        while blocks:
            rows = blocks.pop()
            views = queries.words[rows.start : rows.stop].reshape(-1, n_words)
            try:
                near = index.radius(views, radius, limit=_MOST_NEAR if len(rows) > 1 else None)
            except TooManyPairsError:
                half = len(rows) // 2
                blocks += [rows[:half], rows[half:]]
                continue
            left = rows.start + near.left // queries.words.shape[1]
            yield Pairs(left, near.right // self.views.n_bases, near.distance)


def _nearest(pairs: Pairs) -> Pairs:
    """Keep each pair once, at its least distance, ordered by left, then right."""
    order = np.lexsort((pairs.distance, pairs.right, pairs.left))
    left, right = pairs.left[order], pairs.right[order]
    is_new = np.ones(len(order), dtype=bool)
    is_new[1:] = (np.diff(left) != 0) | (np.diff(right) != 0)
    return Pairs(left[is_new], right[is_new], pairs.distance[order][is_new])


def _least(views: Words, bases: Words, shape: tuple[int, int]) -> NDArray[np.intp]:
    """Return the least distances of views to base views, and which these are, shape (3, n)."""
    distances = _count(views[:, :, None] ^ bases[:, None]).reshape(len(views), -1)
    place = distances.argmin(axis=1)
    view, base = np.unravel_index(place, shape)
    return np.stack([distances[np.arange(len(place)), place], view, base])


def _count(words: Words) -> NDArray[np.int64]:
    counts: NDArray[np.int64] = np.bitwise_count(words).sum(axis=-1, dtype=np.int64)
    return counts
