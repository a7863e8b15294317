"""The hashes of many images, in arrays with one row per image."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .._utils.large_arrays import allocate_zeros
from ..exceptions import ImageReadError
from ._record import ImageRecord
from ._spec import HashSpec


class HashArrays:
    """The hashes and facts of many images, where row i is image i.

    Parameters
    ----------
    specs : tuple of HashSpec
        The hashes.
    n_images : int
        The number of images to allocate room for. `extend` allocates more if needed.

    Attributes
    ----------
    names : set-like of str
        The names of the hashes, in order.
    codes : ndarray of shape (n_images, n_bytes), dtype uint8
        Hash after hash, packed eight bits to a byte; zeros where an image failed. Beyond 256 MB
        they are mapped from a temporary file without a name, and take no memory.
    detail, width, height : ndarray of shape (n_images,)
        The facts of the images. Zeros where an image failed, and in `detail` where it was not
        measured.
    formats : dict of int to str
        Pillow's names of the file formats by row. Images in memory have none.
    digests : dict of int to bytes
        Digests of the pixels of images of low detail, by row.
    errors : dict of int to ImageReadError
        The errors of the images that failed, by row.
    """

    def __init__(self, specs: tuple[HashSpec, ...], n_images: int = 0) -> None:
        self.specs = specs
        self.n_images = 0
        self.names = dict.fromkeys(map(str, specs)).keys()
        n_bytes = sum(-(-spec.n_bits // 8) for spec in specs)
        self.codes = allocate_zeros((n_images, n_bytes), np.uint8)
        self.detail = np.zeros(n_images, dtype=np.uint8)
        self.width = np.zeros(n_images, dtype=np.int32)
        self.height = np.zeros(n_images, dtype=np.int32)
        self.formats: dict[int, str] = {}
        self.digests: dict[int, bytes] = {}
        self.errors: dict[int, ImageReadError] = {}

    def extend(self, n_rows: int) -> int:
        """Add `n_rows` more images, allocate room for them, and return the row of the first."""
        first = self.n_images
        self.n_images += n_rows
        if self.n_images > len(self.codes):
            room = 2 * self.n_images
            for name in ("codes", "detail", "width", "height"):
                old = getattr(self, name)
                new = allocate_zeros((room, *old.shape[1:]), old.dtype)
                new[: len(old)] = old
                setattr(self, name, new)
        return first

    def store(self, rows: Sequence[int], outcomes: Sequence[ImageRecord | ImageReadError]) -> None:
        """Store the records or the errors of some images."""
        read, codes, facts = [], [], []
        for row, outcome in zip(rows, outcomes, strict=True):
            if isinstance(outcome, ImageReadError):
                self.errors[row] = ImageReadError(outcome.source, outcome.cause, row)
                continue
            read.append(row)
            codes += [outcome.hashes[name] for name in self.names]
            facts.append((outcome.detail, outcome.width, outcome.height))
            if outcome.format is not None:
                self.formats[row] = outcome.format
            if outcome.digest is not None:
                self.digests[row] = outcome.digest
        if read:
            self.codes[read] = np.frombuffer(b"".join(codes), np.uint8).reshape(len(read), -1)
            self.detail[read], self.width[read], self.height[read] = np.transpose(facts)

    def repeat(self, row: int, of: int) -> None:
        """Copy the row of an earlier image, which is the same, to an image."""
        for array in (self.codes, self.detail, self.width, self.height):
            array[row] = array[of]
        if of in self.formats:
            self.formats[row] = self.formats[of]
        if of in self.digests:
            self.digests[row] = self.digests[of]
        if of in self.errors:
            self.store([row], [self.errors[of]])

    def close(self) -> HashArrays:
        """Release the room that was not needed, and return self."""
        for name in ("codes", "detail", "width", "height"):
            setattr(self, name, getattr(self, name)[: self.n_images])
        self.errors = dict(sorted(self.errors.items()))
        return self

    def n_pixels(self) -> NDArray[np.int64]:
        """Return width times height, shape (n_images,); 0 where an image failed."""
        return self.width.astype(np.int64) * self.height

    def packed(self, place: int) -> NDArray[np.uint8]:
        """Return the columns of `codes` that hold the hash at a place in `specs`."""
        ends = np.cumsum([-(-spec.n_bits // 8) for spec in self.specs])
        start = ends[place - 1] if place else 0
        return self.codes[:, start : ends[place]]

    def bits(self) -> NDArray[np.uint8]:
        """Return zeros and ones, shape (n_images, n_bits)."""
        ends = np.cumsum([spec.n_bits for spec in self.specs])
        bits = np.empty((self.n_images, ends[-1]), dtype=np.uint8)
        for place, spec in enumerate(self.specs):  # one by one, to save memory
            columns = slice(ends[place] - spec.n_bits, ends[place])
            bits[:, columns] = np.unpackbits(self.packed(place), axis=1, count=spec.n_bits)
        return bits

    def matrix(self) -> NDArray[np.float32]:
        """Return the bits as float32, with rows of NaN where images failed."""
        matrix = self.bits().astype(np.float32)
        matrix[list(self.errors)] = np.nan
        return matrix
