"""Near pairs by segments: two images are near if a part of the one is a part of the other.

Two segments that agree say more than one: strangers share a shape now and then, and seldom two. So
the distance of two images is that of the second nearest of their segments (each counted with one
of the other image), or twice that of the nearest, whichever is less: where a single segment
agrees, it has to agree twice as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .codes import Codes, Words
from .hamming.index import HammingIndex
from .hamming.pairs import Pairs

# Images whose segments are looked up at a time, and segments that are compared at a time.
_BLOCK = 1024
_MOST_COMPARED = 2**19

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

    def take(self, rows: Any) -> SegmentCodes:
        """Return the codes of some images."""
        return SegmentCodes(self.words[rows])

    def pairs(self, radius: int, n_jobs: int | None = None) -> Pairs:
        """Return every two images that are near, with ``left < right``."""
        found = self.matches(self, radius, n_jobs)
        once = found.left < found.right
        return Pairs(*(column[once] for column in found))

    def matches(self, queries: SegmentCodes, radius: int, n_jobs: int | None = None) -> Pairs:
        """Return every image near a query: left the query, right the image."""
        codes, images, segments = self._flatten()
        index = HammingIndex(codes, np.ones(len(codes), dtype=bool), self.n_bits, n_jobs)
        blocks = []
        for start in range(0, len(queries.words), _BLOCK):
            asked, askers, parts = queries.take(slice(start, start + _BLOCK))._flatten()
            near = index.radius(asked, radius)
            agreeing = Pairs(start + askers[near.left], images[near.right], near.distance)
            found = _agree(agreeing, parts[near.left], segments[near.right], self.n_bits)
            close = found.distance <= radius
            blocks.append(Pairs(*(column[close] for column in found)))
        return Pairs.concatenate(blocks)

    def distances(self, others: SegmentCodes) -> NDArray[np.int64]:
        """Return the distance of each image to the one in the same row of `others`."""
        distances = np.full(len(self.words), self.n_bits, dtype=np.int64)
        step = max(1, _MOST_COMPARED // (self.words.shape[1] * others.words.shape[1]))
        for start in range(0, len(self.words), step):
            left, right = (codes.words[start : start + step] for codes in (self, others))
            shown_left, shown_right = _shown(left), _shown(right)
            both = shown_left[:, :, None] & shown_right[:, None]
            rows, of_left, of_right = np.nonzero(both)
            differing = np.bitwise_count(left[rows, of_left] ^ right[rows, of_right])
            every = Pairs(rows, rows, differing.sum(axis=1, dtype=np.int64))
            found = _agree(every, of_left, of_right, self.n_bits)
            distances[start + found.left] = found.distance
        return distances

    def _flatten(self) -> tuple[Words, Rows, Rows]:
        """Return the codes of all segments, whose they are, and which."""
        images, segments = np.nonzero(_shown(self.words))
        return self.words[images, segments], images, segments


def _shown(words: Words) -> NDArray[np.bool_]:
    """Tell which codes are those of a segment, shape (n_images, n_segments)."""
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
    left, right, distance = (column[order] for column in near)
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
