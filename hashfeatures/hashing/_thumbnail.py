"""The thumbnail of an image, by whose pixels matches are confirmed, in the form of a hash.

As a hash, it takes the same way as all others: through workers, batches and the cache.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ._algorithms import Algorithm, Bits
from ._planes import ImagePlanes, Sizes
from ._spec import HashSpec

# The luma of the whole image, squeezed to a square.
LUMA_SIDE = 64
_CHROMA_SIDE = 3
_OPACITY_SIDE = 16

_SIZE = struct.Struct("<II")

# What is kept of each image.
THUMBNAIL = np.dtype(
    [
        ("luma", np.uint8, (LUMA_SIDE, LUMA_SIDE)),
        ("chroma", np.uint8, (_CHROMA_SIDE, _CHROMA_SIDE, 2)),
        ("opacity", np.uint8, (_OPACITY_SIDE, _OPACITY_SIDE)),
        ("size", "<u4", (2,)),
    ]
)

# Incremented whenever a byte of a thumbnail changes, so that caches compute it again.
THUMBNAIL_VERSION = 1


@dataclass(frozen=True)
class ThumbnailSpec(HashSpec):
    """The thumbnail of an image as a hash, whose bits are the bytes of a `THUMBNAIL`.

    It holds the luma of the whole image at 64 by 64 pixels, the mean Cb and Cr of nine cells, the
    mean opacity of 256 cells, and the width and the height of what it shows.

    Examples
    --------
    >>> from hashfeatures.hashing._thumbnail import ThumbnailSpec
    >>> spec = ThumbnailSpec()
    >>> str(spec), spec.n_bits // 8
    ('thumbnail 1', 4378)
    """

    name: str = "thumbnail"
    size: int = LUMA_SIDE

    @cached_property
    def _text(self) -> str:
        return f"{self.name} {THUMBNAIL_VERSION}"

    @property
    def shape(self) -> tuple[int, int]:
        """One row of bits."""
        return 1, 8 * THUMBNAIL.itemsize

    @property
    def needs_chroma(self) -> bool:
        """True."""
        return True

    @property
    def algorithm(self) -> Algorithm:
        """The algorithm with its requirements."""
        return Algorithm(self._compute, reduced_side=lambda size: 4 * size)

    def luma_sizes(self, side: int) -> Sizes:
        """Return the size of the thumbnail."""
        return ((self.size, self.size),)

    def measure(self, planes: ImagePlanes) -> bytes:
        """Return the bytes of the thumbnail, field by field."""
        return b"".join(
            (
                planes.lanczos(self.size, self.size).tobytes(),
                planes.mean_chroma(_CHROMA_SIDE).tobytes(),
                planes.mean_opacity(_OPACITY_SIDE).tobytes(),
                _SIZE.pack(*planes.size),
            )
        )

    def pack_all(self, measured: Sequence[bytes]) -> list[bytes]:
        """Return the bytes as they are."""
        return list(measured)

    def _compute(self, planes: ImagePlanes, size: int) -> Bits:
        return np.unpackbits(np.frombuffer(self.measure(planes), dtype=np.uint8)).astype(bool)


def read_thumbnails(packed: NDArray[np.uint8]) -> NDArray[np.void]:
    """Return packed bits of `ThumbnailSpec`, shape (n_images, n_bytes), as a record an image."""
    records: NDArray[np.void] = packed.view(THUMBNAIL)[:, 0]
    return records
