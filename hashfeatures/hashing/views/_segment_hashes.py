"""The hashes of the segments of an image, combined into one hash."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .._algorithms import Algorithm, Bits
from .._planes import ImagePlanes, measure_detail
from .._spec import HashSpec
from ._segments import MOST_SEGMENTS, check_luma, cut_segments

_WORD = 64

# Segments of less detail, such as skies and walls, are alike in unrelated images.
_LEAST_DETAIL = 10
# Segments of one image that differ in at most this share of their bits count as one.
_SAME = 0.1


@dataclass(frozen=True)
class SegmentsSpec(HashSpec):
    """The hashes of the segments of an image.

    Its bits are those of the informative segments, one after the other, each padded with zeros to
    whole words of 64 bits. Zeros follow up to the greatest possible number of segments. A segment
    is informative if it has structure and differs enough from those before it. If none is, the
    whole image is the only segment. A segment whose bits are all zero comes first, so that
    all-zero rows after the first stand for no segment.

    Parameters
    ----------
    name : str
        "segments".
    size : int
        The greatest size of the hashes.
    hashes : tuple of HashSpec
        The hashes of each segment.
    min_detail : int
        The least detail of a segment, 0 to 100, see `measure_detail`.

    Examples
    --------
    >>> from hashfeatures.hashing.views._segment_hashes import SegmentsSpec
    >>> from hashfeatures.hashing._spec import parse_hashes
    >>> spec = SegmentsSpec.of(parse_hashes(["phash", "dhash"]))
    >>> str(spec), spec.shape
    ('segments of detail 10 by phash, dhash', (179, 128))
    """

    hashes: tuple[HashSpec, ...] = ()
    min_detail: int = _LEAST_DETAIL

    @classmethod
    def of(cls, hashes: tuple[HashSpec, ...], min_detail: int = 0) -> SegmentsSpec:
        """Return the spec of `hashes` of segments, or raise if one needs colors."""
        for spec in hashes:
            check_luma(spec)
        min_detail = max(min_detail, _LEAST_DETAIL)
        return cls("segments", max(spec.size for spec in hashes), hashes, min_detail)

    @cached_property
    def _text(self) -> str:
        return f"{self.name} of detail {self.min_detail} by {', '.join(map(str, self.hashes))}"

    @property
    def n_words(self) -> int:
        """The number of words of 64 bits for the hashes of one segment."""
        return -(-sum(spec.n_bits for spec in self.hashes) // _WORD)

    @property
    def shape(self) -> tuple[int, int]:
        """The greatest number of segments, and the number of bits of each."""
        return MOST_SEGMENTS, _WORD * self.n_words

    @property
    def algorithm(self) -> Algorithm:
        """The algorithm with its requirements."""
        # A reduced decode keeps twice the 300 pixels a side that are segmented.
        return Algorithm(self._compute, reduced_side=lambda size: max(600, 128 * size))

    def _compute(self, planes: ImagePlanes, size: int) -> Bits:
        bits = np.zeros(self.shape, dtype=bool)
        n_kept = 0
        parts = dict.fromkeys(cut_segments(planes))
        for part in [part for part in parts if measure_detail(part) >= self.min_detail] or [
            planes
        ]:
            code = np.concatenate(
                [spec.algorithm.compute(part, spec.size).ravel() for spec in self.hashes]
            )
            differing = (bits[:n_kept, : len(code)] != code).sum(axis=1)
            if (differing > _SAME * len(code)).all():
                bits[n_kept, : len(code)] = code
                n_kept += 1
        kept = bits[:n_kept]
        kept[:] = kept[np.argsort(kept.any(axis=1), kind="stable")]
        return bits
