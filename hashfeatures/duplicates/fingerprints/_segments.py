"""Near pairs by segments: two images are near if a part of the one is a part of the other.

Two segments that agree say more than one: strangers share a shape now and then, and seldom two. So
the distance of two images is that of the second nearest of their segments (each counted with one
of the other image), or twice that of the nearest, whichever is less: where a single segment
agrees, it has to agree twice as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..._utils.kernels import load_kernels
from ...hamming._index import HammingIndex
from ...hamming._pairs import Pairs, Rows
from ._base import CodeIndex, Codes, Words, digest


@dataclass(frozen=True)
class SegmentCodes(Codes):
    """The codes of the segments of images.

    Parameters
    ----------
    words : ndarray of shape (n_images, n_segments, n_words), dtype uint64
        The bits of each segment, packed; zeros where an image has no more segments. Every image
        has a first one, whatever its bits; see `SegmentsSpec`.
    """

    is_symmetric = True

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

    def index_codes(self) -> Words:
        """Return the codes of all segments."""
        return self.flatten()[0]

    query_codes = index_codes

    def index(self, n_jobs: int | None = None) -> SegmentIndex:
        """Return the index of the segments of these images."""
        return SegmentIndex(self, n_jobs)

    def towards(
        self, others: SegmentCodes, rows: Rows, other_rows: Rows, n_jobs: int | None = None
    ) -> NDArray[np.int64]:
        """Return the distances of images to others."""
        least = np.empty(len(rows), dtype=np.int64)
        load_kernels("duplicates.fingerprints").second_distances(
            *self._whole, rows, *others._whole, other_rows, least
        )
        return least

    def distances(self, others: SegmentCodes) -> NDArray[np.int64]:
        """Return the distance of each image to the one in the same row of `others`."""
        rows = np.arange(len(self.words))
        return self.towards(others, rows, rows)

    def between(self, rows: Rows, other_rows: Rows) -> NDArray[np.int64]:
        """Return the distances of images to others of these."""
        return self.towards(self, rows, other_rows)

    @cached_property
    def _whole(self) -> tuple[Words, NDArray[np.bool_]]:
        """The words as one contiguous array, and which of them belong to a segment."""
        return np.ascontiguousarray(self.words), _shown(self.words)

    def flatten(self) -> tuple[Words, Rows, Rows]:
        """Return the codes of all segments, with the image and the number of each."""
        images, segments = np.nonzero(_shown(self.words))
        return self.words[images, segments], images, segments


class SegmentIndex(CodeIndex[SegmentCodes]):
    """Finds the images whose segments are near segments of queries.

    Parameters
    ----------
    codes : SegmentCodes
        The images.
    n_jobs : int or None
        The number of threads.
    """

    block_size = 1024

    def __init__(self, codes: SegmentCodes, n_jobs: int | None = None) -> None:
        super().__init__(codes, n_jobs)
        words, self._images, self._segments = codes.flatten()
        self._index = HammingIndex(words, np.ones(len(words), dtype=bool), codes.n_bits, n_jobs)

    def _find(self, queries: SegmentCodes, rows: range, radius: int, limit: int) -> Pairs:
        words, images, segments = queries.take(slice(rows.start, rows.stop)).flatten()
        near = self._index.radius(words, radius, limit=limit)
        agreeing = Pairs(rows.start + images[near.left], self._images[near.right], near.distance)
        found = _agree(agreeing, segments[near.left], self._segments[near.right], queries.n_bits)
        return found.take(found.distance <= radius)


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
