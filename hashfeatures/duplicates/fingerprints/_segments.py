"""Near pairs by segments: two images are near if a part of the one is a part of the other.

Two segments that agree say more than one: strangers share a shape now and then, and seldom two. So
the distance of two images is that of the second nearest of their segments (each counted with one
of the other image), or twice that of the nearest, whichever is less: where a single segment
agrees, it has to agree twice as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..._utils.kernels import load_kernels
from ...exceptions import TooManyPairsError
from ...hamming._index import HammingIndex
from ...hamming._join import in_threads
from ...hamming._pairs import Pairs
from ._base import Codes, Words, digest

# Images whose segments are looked up at a time.
_BLOCK = 1024
# Near segments that a block may have: one that has more is looked up in halves, until it takes no
# longer to measure its images against all others, in so many words.
_MOST_NEAR = 2**22
_MOST_MEASURED = 2**30

Rows = NDArray[np.intp]


@dataclass(frozen=True)
class SegmentCodes(Codes):
    """The codes of the segments of images.

    Parameters
    ----------
    words : ndarray of shape (n_images, n_segments, n_words), dtype uint64
        The bits of each segment, packed; zeros where an image has no more segments. Every image
        has a first one, whatever its bits; see `SegmentsSpec`.
    """

    words: Words

    @classmethod
    def fit(cls, words: Words) -> SegmentCodes:
        """Return the codes without the last columns, which no image fills."""
        used = np.flatnonzero(words.any(axis=(0, 2)))
        n_used = int(used[-1]) + 1 if len(used) else 1
        return cls(np.ascontiguousarray(words[:, :n_used]))

    @classmethod
    def join(cls, parts: Sequence[SegmentCodes]) -> SegmentCodes:
        """Return the codes of several collections as those of one."""
        width = max(part.words.shape[1] for part in parts)
        return cls(
            np.concatenate(
                [
                    np.pad(part.words, ((0, 0), (0, width - part.words.shape[1]), (0, 0)))
                    for part in parts
                ]
            )
        )

    def digests(self) -> Words:
        """Return two words for each image that are equal where all its segments are."""
        # Whatever the number of columns: those that are not filled stand last.
        return digest([row.tobytes().rstrip(b"\0") for row in self.words])

    def take(self, rows: Any) -> SegmentCodes:
        """Return the codes of some images."""
        return SegmentCodes(self.words[rows])

    def blocks(self, radius: int, n_jobs: int | None = None) -> Iterator[Pairs]:
        """Yield every two images that are near, each pair once, with ``left < right``."""
        for found in self._look_up(self, radius, n_jobs):
            yield found.take(found.left < found.right)

    def matches(
        self,
        queries: SegmentCodes,
        radius: int,
        n_jobs: int | None = None,
        limit: int | None = None,
    ) -> Pairs:
        """Return every image near a query: left the query, right the image."""
        return Pairs.concatenate(self._look_up(queries, radius, n_jobs), limit)

    def distances(self, others: SegmentCodes) -> NDArray[np.int64]:
        """Return the distance of each image to the one in the same row of `others`."""
        rows = np.arange(len(self.words))
        return self._measure(others, rows, rows)

    def between(self, rows: Rows, other_rows: Rows) -> NDArray[np.int64]:
        """Return the distances of images to others of these."""
        return self._measure(self, rows, other_rows)

    def _look_up(self, queries: SegmentCodes, radius: int, n_jobs: int | None) -> Iterator[Pairs]:
        """Yield, block by block, the images near queries: left the query, right the image."""
        codes, images, segments = self._flatten()
        index = HammingIndex(codes, np.ones(len(codes), dtype=bool), self.n_bits, n_jobs)
        n_queries = len(queries.words)
        starts = range(0, n_queries, _BLOCK)
        blocks = [range(start, min(start + _BLOCK, n_queries)) for start in reversed(starts)]
        while blocks:
            rows = blocks.pop()
            some = np.arange(rows.start, rows.stop)
            asked, askers, parts = queries.take(some)._flatten()
            try:
                near = index.radius(asked, radius, limit=_MOST_NEAR)
            except TooManyPairsError:
                size = len(rows) * self.words.size * queries.words.shape[1]
                if len(rows) > 1 and size > _MOST_MEASURED:
                    half = len(rows) // 2
                    blocks += [rows[half:], rows[:half]]
                else:
                    yield from queries._compare(self, some, radius, n_jobs)
                continue
            agreeing = Pairs(rows.start + askers[near.left], images[near.right], near.distance)
            found = _agree(agreeing, parts[near.left], segments[near.right], self.n_bits)
            yield found.take(found.distance <= radius)

    def _compare(
        self, others: SegmentCodes, rows: Rows, radius: int, n_jobs: int | None
    ) -> Iterator[Pairs]:
        """Yield the images near some, which are compared with all `others`."""
        everyone = np.arange(len(others.words))

        def compare(row: int) -> Pairs:
            itself = np.full(len(everyone), row)
            found = Pairs(itself, everyone, self._measure(others, itself, everyone))
            return found.take(found.distance <= radius)

        yield from in_threads((partial(compare, row) for row in rows), n_jobs)

    def _measure(self, others: SegmentCodes, rows: Rows, other_rows: Rows) -> NDArray[np.int64]:
        """Return the distances of images to others."""
        least = np.empty(len(rows), dtype=np.int64)
        load_kernels("duplicates.fingerprints").second_distances(
            *self._whole, rows, *others._whole, other_rows, least
        )
        return least

    @cached_property
    def _whole(self) -> tuple[Words, NDArray[np.bool_]]:
        """The words as one contiguous array, and which of them belong to a segment."""
        return np.ascontiguousarray(self.words), _shown(self.words)

    def _flatten(self) -> tuple[Words, Rows, Rows]:
        """Return the codes of all segments, with the image and the number of each."""
        images, segments = np.nonzero(_shown(self.words))
        return self.words[images, segments], images, segments


def _shown(words: Words) -> NDArray[np.bool_]:
    """Return which codes belong to a segment, shape (n_images, n_segments)."""
    shown = np.asarray(words.any(axis=2))
    shown[:, 0] = True
    return shown


def _agree(near: Pairs, of_left: Rows, of_right: Rows, n_bits: int) -> Pairs:
    """Return the distances of images, from those of their segments.

    Parameters
    ----------
    near : Pairs
        The images that near segments belong to, and the distance of the segments.
    of_left, of_right : ndarray of shape (n_pairs,), dtype intp
        Which of their segments these are.
    n_bits : int
        The greatest distance.

    Returns
    -------
    Pairs
        Each two images once, ordered by left, then right.
    """
    order = np.lexsort((near.distance, near.right, near.left))
    left, right, distance = near.take(order)
    of_left, of_right = of_left[order], of_right[order]
    is_first = np.ones(len(order), dtype=bool)
    is_first[1:] = (np.diff(left) != 0) | (np.diff(right) != 0)
    first = np.flatnonzero(is_first)
    if len(first) == 0:
        return Pairs(left, right, distance)
    group = np.cumsum(is_first) - 1
    # Two segments of each agree within the least distance at which neither segment of the nearest
    # pair is needed for all: then, by König's theorem, two pairs share none.
    second = np.zeros(len(first), dtype=np.int64)
    for segments in (of_left, of_right):
        is_other = segments != segments[first][group]
        others = np.where(is_other, distance, n_bits)
        second = np.maximum(second, np.minimum.reduceat(others, first))
    least = np.minimum(np.minimum(2 * distance[first], second), n_bits)
    return Pairs(left[first], right[first], least)
