"""The base class of comparisons by several hashes per image: of all views, or of segments."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import chain
from typing import Any, ClassVar, Generic, NamedTuple, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from ...exceptions import TooManyPairsError
from ...hamming._join import in_threads
from ...hamming._pairs import Pairs, Rows

Words = NDArray[np.uint64]

# Near codes that a block of queries may have. A block that has more is looked up in halves, until
# it takes no longer to measure its images against all others, in so many words.
_MOST_NEAR = 2**22
_MOST_MEASURED = 2**30


class Codes(ABC):
    """Several codes for each image.

    Attributes
    ----------
    words : ndarray of shape (n_images, n_codes, n_words), dtype uint64
        The bits of each code, packed.
    """

    # Whether a search from an image finds all that finds the image.
    is_symmetric: ClassVar[bool] = False

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
    def index_codes(self) -> Words:
        """Return the codes that an index of these images holds, shape (n_codes, n_words)."""

    @abstractmethod
    def query_codes(self) -> Words:
        """Return the codes that are looked up for these images, shape (n_codes, n_words)."""

    @abstractmethod
    def index(self, n_jobs: int | None = None) -> CodeIndex[Self]:
        """Return the index of these images, which others are looked up in."""

    @abstractmethod
    def towards(
        self, others: Self, rows: Rows, other_rows: Rows, n_jobs: int | None = None
    ) -> NDArray[np.int64]:
        """Return the distances of images to others, as a search from these images finds them."""

    def blocks(self, radius: int, n_jobs: int | None = None) -> Iterator[Pairs]:
        """Yield every two images that are near, each pair once, with ``left < right``."""
        for near in self.index(n_jobs).look_up(self, radius):
            left, right, distance = near.once(near.pairs.left < near.pairs.right)
            yield Pairs(np.minimum(left, right), np.maximum(left, right), distance)

    def pairs(self, radius: int, n_jobs: int | None = None) -> Pairs:
        """Return what `blocks` yields, ordered by left, then right."""
        return Pairs.concatenate(self.blocks(radius, n_jobs)).in_order()

    def matches(
        self, queries: Self, radius: int, n_jobs: int | None = None, limit: int | None = None
    ) -> Pairs:
        """Return every image near a query: left the query, right the image.

        The pairs are ordered by left, then right. Raises `TooManyPairsError` if there are more
        than `limit`.
        """
        found = (near.pairs for near in self.index(n_jobs).look_up(queries, radius))
        if self.is_symmetric:
            return Pairs.concatenate(found, limit).in_order()
        others = (near.once(False) for near in queries.index(n_jobs).look_up(self, radius))
        back = (Pairs(other.right, other.left, other.distance) for other in others)
        return Pairs.concatenate(chain(found, back), limit).in_order()

    @abstractmethod
    def distances(self, others: Self) -> NDArray[np.int64]:
        """Return the distance of each image to the one in the same row of `others`."""

    @abstractmethod
    def between(self, rows: Rows, other_rows: Rows) -> NDArray[np.int64]:
        """Return the distances of images to others of these."""


class Near(NamedTuple):
    """Images that queries found.

    Parameters
    ----------
    pairs : Pairs
        Left the query, right the image, and their exact distance. Each two occur once.
    is_mutual : ndarray of shape (n_pairs,), dtype bool
        Whether a search from the image finds the query too.
    """

    pairs: Pairs
    is_mutual: NDArray[np.bool_]

    def once(self, is_first: NDArray[np.bool_] | bool) -> Pairs:
        """Return the pairs to keep if the images search for the queries too.

        A pair that both searches find is kept by the one for which `is_first` is true.
        """
        return self.pairs.take(~self.is_mutual | is_first)


AnyCodes = TypeVar("AnyCodes", bound=Codes)


class CodeIndex(ABC, Generic[AnyCodes]):
    """Finds the images that queries are near to.

    Parameters
    ----------
    codes : Codes
        The images.
    n_jobs : int or None
        The number of threads.

    Attributes
    ----------
    block_size : int
        The number of queries that are looked up at a time.
    """

    block_size: ClassVar[int]

    def __init__(self, codes: AnyCodes, n_jobs: int | None) -> None:
        self._codes = codes
        self._n_jobs = n_jobs

    def look_up(self, queries: AnyCodes, radius: int) -> Iterator[Near]:
        """Yield, block by block, the images that queries find within a radius.

        Where codes are not symmetric, images that are near are found from one of them at least.
        """
        for found in self._look_up(queries, radius):
            if self._codes.is_symmetric:
                yield Near(found, np.ones(len(found.left), dtype=bool))
                continue
            back = self._codes.towards(queries, found.right, found.left, self._n_jobs)
            nearest = found._replace(distance=np.minimum(found.distance, back))
            yield Near(nearest, back <= radius)

    def _look_up(self, queries: AnyCodes, radius: int) -> Iterator[Pairs]:
        """Yield, block by block, the images that queries find, at their distances `towards`."""
        n_queries, n_codes = queries.words.shape[:2]
        starts = range(0, n_queries, self.block_size)
        blocks = [range(at, min(at + self.block_size, n_queries)) for at in reversed(starts)]
        while blocks:
            rows = blocks.pop()
            try:
                found = self._find(queries, rows, radius, _MOST_NEAR)
            except TooManyPairsError:
                size = len(rows) * n_codes * self._codes.words.size
                if len(rows) > 1 and size > _MOST_MEASURED:
                    half = len(rows) // 2
                    blocks += [rows[half:], rows[:half]]
                else:
                    yield from self._compare(queries, rows, radius)
                continue
            yield found

    @abstractmethod
    def _find(self, queries: AnyCodes, rows: range, radius: int, limit: int) -> Pairs:
        """Return the images that some queries find.

        Raises `TooManyPairsError` if they have more than `limit` near codes.
        """

    def _compare(self, queries: AnyCodes, rows: range, radius: int) -> Iterator[Pairs]:
        """Yield the images that some queries find, by comparing them with all images."""
        everyone = np.arange(len(self._codes.words))

        def compare(row: int) -> Pairs:
            itself = np.full(len(everyone), row)
            found = Pairs(itself, everyone, queries.towards(self._codes, itself, everyone))
            return found.take(found.distance <= radius)

        yield from in_threads((partial(compare, row) for row in rows), self._n_jobs)


def digest(rows: Sequence[bytes]) -> Words:
    """Return two words for each row, which are equal for equal rows."""
    digests = [hashlib.blake2b(row, digest_size=16).digest() for row in rows]
    return np.frombuffer(b"".join(digests), dtype=np.uint64).reshape(-1, 2)
