"""From arrays of hashes to fingerprints."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...hamming._packing import words_from_bits
from ...hashing._hash_arrays import HashArrays
from ...hashing._spec import HashSpec
from ...hashing._thumbnail import read_thumbnails
from ...hashing.views._segment_hashes import SegmentsSpec
from ...hashing.views._view_hashes import ViewsSpec
from ...hashing.views._windows import VIEW_SETS
from ._base import Codes, Words
from ._computed import ComputedHashes
from ._fingerprints import Fingerprints
from ._segments import SegmentCodes
from ._thumbnails import Thumbnails
from ._views import ViewCodes


def read_fingerprints(computed: ComputedHashes, hashes: HashArrays) -> Fingerprints:
    """Turn the arrays of what was computed into fingerprints; row i is image i."""
    compared = computed.compared
    views = _read_views(compared[0], hashes)
    if views is None:
        bits = np.hstack(
            [
                np.unpackbits(hashes.packed(place), axis=1, count=spec.n_bits)
                for place, spec in enumerate(compared)
            ]
        )
        words = words_from_bits(bits)[0]
    else:
        words = views.words[:, 0]
    low_detail = np.zeros(hashes.n_images, dtype=bool)
    low_detail[list(hashes.digests)] = True
    comparable = ~low_detail
    comparable[list(hashes.errors)] = False
    digests = np.zeros((hashes.n_images, 2), dtype=np.uint64)
    for row, digest in hashes.digests.items():
        digests[row] = np.frombuffer(digest, dtype=np.uint64)
    packed = iter(range(len(compared), len(hashes.specs)))
    colors = hashes.packed(next(packed)) if computed.has_colors else None
    thumbnails = None
    if computed.has_thumbnails:
        thumbnails = Thumbnails.of(read_thumbnails(hashes.packed(next(packed))))
    return Fingerprints(
        words, comparable, digests, low_detail, computed.n_bits, views, colors, thumbnails
    )


def codes_of(words: Words, views: str) -> Codes:
    """Return the codes of the views of that name, or of segments, that have these words."""
    if views in VIEW_SETS:
        return ViewCodes(words, VIEW_SETS[views])
    return SegmentCodes(words)


def _read_views(spec: HashSpec, hashes: HashArrays) -> Codes | None:
    """Return the hashes of all views or segments; None if images are compared as they are."""
    if not isinstance(spec, ViewsSpec | SegmentsSpec):
        return None
    packed: NDArray[np.uint64] = np.ascontiguousarray(hashes.packed(0)).view(np.uint64)
    codes = packed.reshape(-1, spec.shape[0], spec.n_words)
    if isinstance(spec, ViewsSpec):
        return ViewCodes(codes, spec.views)
    return SegmentCodes.fit(codes)
