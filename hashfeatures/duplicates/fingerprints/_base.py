"""The base class of comparisons by several hashes per image: of all views, or of segments."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ...hamming._pairs import Pairs, Rows

Words = NDArray[np.uint64]


class Codes(ABC):
    """Several codes for each image.

    Attributes
    ----------
    words : ndarray of shape (n_images, n_codes, n_words), dtype uint64
        The bits of each code, packed.
    """

    words: Words

    @property
    def n_bits(self) -> int:
        """The number of bits of a code, rounded up to whole words."""
        n_words: int = self.words.shape[2]
        return 64 * n_words

    def digests(self) -> Words:
        """Return two words for each image that are equal where all its codes are."""
        return digest([row.tobytes() for row in self.words])

    @classmethod
    @abstractmethod
    def join(cls, parts: Sequence[Self]) -> Self:
        """Return the codes of several collections as those of one."""

    @abstractmethod
    def take(self, rows: Any) -> Self:
        """Return the codes of some images."""

    @abstractmethod
    def blocks(self, radius: int, n_jobs: int | None = None) -> Iterator[Pairs]:
        """Yield every two images that are near, each pair once, with ``left < right``."""

    def pairs(self, radius: int, n_jobs: int | None = None) -> Pairs:
        """Return what `blocks` yields, ordered by left, then right."""
        return Pairs.concatenate(self.blocks(radius, n_jobs)).in_order()

    @abstractmethod
    def matches(
        self, queries: Self, radius: int, n_jobs: int | None = None, limit: int | None = None
    ) -> Pairs:
        """Return every image near a query: left the query, right the image.

        Raises `TooManyPairsError` if there are more than `limit`.
        """

    @abstractmethod
    def distances(self, others: Self) -> NDArray[np.int64]:
        """Return the distance of each image to the one in the same row of `others`."""

    @abstractmethod
    def between(self, rows: Rows, other_rows: Rows) -> NDArray[np.int64]:
        """Return the distances of images to others of these."""


def digest(rows: Sequence[bytes]) -> Words:
    """Return two words for each row, which are equal for equal rows."""
    digests = [hashlib.blake2b(row, digest_size=16).digest() for row in rows]
    return np.frombuffer(b"".join(digests), dtype=np.uint64).reshape(-1, 2)
