"""Near pairs over views: two images are as near as the nearest two of their views.

All views of an image are compared with the base views of the others, from both sides: what was
cut off a copy can be cut off its original, but not the other way round.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..._utils.display import rows_as_html, rows_as_text
from ..._utils.kernels import load_kernels
from ...exceptions import TooManyPairsError
from ...hamming._index import HammingIndex
from ...hamming._join import in_threads
from ...hamming._pairs import Pairs, Rows, count_pairs
from ...hashing.views._windows import ViewSet
from ._base import Codes, Words

# Images whose views are looked up at a time, and near views that such a block may have: one that
# has more is looked up in halves.
_LOOKED_UP = 4096
_MOST_NEAR = 2**22
# Pairs of images that are measured by a thread at a time.
_MEASURED = 2**14
# Plainer views are named if they are farther apart by no more than this share of the bits. That
# names the true edit of a copy most often: a larger share names crops as whole images, and the
# nearest views alone name noise.
_NEARLY = 6 / 128


class ViewPairs(NamedTuple):
    """Pairs of images, the distance of each, and the views in which they are near.

    Parameters
    ----------
    left, right : ndarray of shape (n_pairs,), dtype intp
        The rows.
    distance : ndarray of shape (n_pairs,), dtype int64
        The smallest Hamming distance, in bits, between a view of one and a view of the other.
    left_view, right_view : ndarray of shape (n_pairs,), dtype object
        The views that are near: "as it is", "mirrored", "cropped by 5% a side, turned by 90°".
        Among views that are at most 6 of 128 bits farther than the nearest, these are the
        plainest: whole images come before parts of them.
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
            near = _nearest(found.take(found.left != found.right))
            # By the views of the other image they may be nearer, and are found from there too.
            back = self._towards(self, near.right, near.left, n_jobs)
            near = near._replace(distance=np.minimum(near.distance, back))
            left, right, distance = near.take((near.left < near.right) | (back > radius))
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
        return self._measure(others, rows, rows)

    def between(self, rows: Rows, other_rows: Rows) -> NDArray[np.int64]:
        """Return the distances of images to others of these."""
        return self._measure(self, rows, other_rows)

    def name(self, others: ViewCodes, pairs: Pairs) -> ViewPairs:
        """Name the views in which images on the left are near `others` on the right."""
        chosen = np.zeros((len(pairs.left), 3), dtype=np.int64)
        load_kernels("duplicates.fingerprints").choose_views(
            np.ascontiguousarray(self.words),
            pairs.left,
            np.ascontiguousarray(others.words),
            pairs.right,
            np.asarray(self.views.base_views, dtype=np.int64),
            _rank(self.views),
            round(_NEARLY * self.n_bits),
            chosen,
        )
        distance, left, right = np.ascontiguousarray(chosen.T)
        names = np.array(
            [self.views.name_view(view) for view in range(self.views.n_views)], dtype=object
        )
        return ViewPairs(pairs.left, pairs.right, distance, names[left], names[right])

    def _measure(self, others: ViewCodes, rows: Rows, other_rows: Rows) -> NDArray[np.int64]:
        """Return the distances of images to others."""
        return np.minimum(
            self._towards(others, rows, other_rows, None),
            others._towards(self, other_rows, rows, None),
        )

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
            load_kernels("duplicates.fingerprints").least_distances(
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
    pairs = pairs.take(order)
    is_new = np.ones(len(order), dtype=bool)
    is_new[1:] = (np.diff(pairs.left) != 0) | (np.diff(pairs.right) != 0)
    return pairs.take(is_new)


@cache
def _rank(views: ViewSet) -> NDArray[np.int64]:
    """Rank the pairs of views of two images, the plainest first.

    Returns
    -------
    ndarray of shape (2, n_views, n_bases), dtype int64
        A view of the left image beside a base view of the right one, and the other way round:
        those with fewer parts of images come first, then those whose windows do, and their turns.
    """
    shape = (2, views.n_views, views.n_bases)
    way, view, base = np.indices(shape).reshape(3, -1)
    window, turn = np.divmod(view, views.n_orientations)
    n_parts = (window > 0).astype(np.intp) + (base > 0)
    order = np.lexsort((way, base, turn, window + base, n_parts))
    ranks = np.empty(len(order), dtype=np.int64)
    ranks[order] = np.arange(len(order))
    return ranks.reshape(shape)
