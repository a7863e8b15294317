"""The thumbnails of images, which stay where they are until some are looked at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..._utils.large_arrays import allocate_zeros
from ...hashing._thumbnail import THUMBNAIL
from ._base import Words, digest

_BLOCK = 4096  # thumbnails that are read at a time


class Thumbnails:
    """The thumbnails of images, one row per image.

    The records may be mapped from files and exceed memory. So a selection of rows copies none of
    them.

    Parameters
    ----------
    parts : sequence of ndarray of dtype THUMBNAIL
        The records.
    rows : ndarray of shape (n_images,), dtype intp
        The record of each image, counted over all parts.
    digests : ndarray of shape (n_images, 2), dtype uint64
        Two words for each image that are equal where the records are.
    """

    def __init__(
        self, parts: Sequence[NDArray[np.void]], rows: NDArray[np.intp], digests: Words
    ) -> None:
        self.digests = digests
        self._parts = tuple(parts)
        self._rows = rows
        self._starts = np.cumsum([0, *map(len, parts)])

    @classmethod
    def of(cls, records: NDArray[np.void], digests: Words | None = None) -> Thumbnails:
        """Return the thumbnails of images from their records, in order."""
        if digests is None:
            blocks = range(0, len(records), _BLOCK)
            parts = [
                digest([record.tobytes() for record in records[start : start + _BLOCK]])
                for start in blocks
            ]
            digests = np.concatenate([np.empty((0, 2), dtype=np.uint64), *parts])
        return cls([records], np.arange(len(records)), digests)

    @classmethod
    def join(cls, parts: Sequence[Thumbnails]) -> Thumbnails:
        """Return the thumbnails of several collections as those of one."""
        records: list[NDArray[np.void]] = []
        rows: list[NDArray[np.intp]] = []
        n_records = 0
        for part in parts:
            records += part._parts
            rows.append(n_records + part._rows)
            n_records += int(part._starts[-1])
        digests = np.concatenate([part.digests for part in parts])
        return cls(records, np.concatenate(rows), digests)

    def __len__(self) -> int:
        return len(self._rows)

    def take(self, rows: Any) -> Thumbnails:
        """Return the thumbnails of some images."""
        return Thumbnails(self._parts, self._rows[rows], self.digests[rows])

    def read(self, rows: Any = slice(None)) -> NDArray[np.void]:
        """Return the records of some images, of dtype `THUMBNAIL`."""
        wanted = self._rows[rows]
        records: NDArray[np.void]
        if len(self._parts) == 1:
            records = self._parts[0][wanted]
            return records
        records = np.empty(len(wanted), dtype=THUMBNAIL)
        part_of = np.searchsorted(self._starts, wanted, side="right") - 1
        for number in np.unique(part_of):
            here = part_of == number
            records[here] = self._parts[number][wanted[here] - self._starts[number]]
        return records

    def as_bytes(self) -> NDArray[np.uint8]:
        """Return the bytes of the records, shape (n_images, n_bytes), block by block."""
        content: NDArray[np.uint8] = allocate_zeros((len(self), THUMBNAIL.itemsize), np.uint8)
        for start in range(0, len(self), _BLOCK):
            block = slice(start, start + _BLOCK)
            content[block].view(THUMBNAIL)[:, 0] = self.read(block)
        return content

    def __getstate__(self) -> dict[str, Any]:
        """Keep the records of these images alone."""
        records = self.read()
        return Thumbnails([records], np.arange(len(records)), self.digests).__dict__
