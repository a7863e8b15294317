"""What images are compared by: the bits of hashes, and of plain images the pixels themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .bits import hex_to_bits, words_from_bits
from .hamming.index import HammingIndex, Pairs
from .hashes import Hashes
from .hashing.spec import HashSpec


@dataclass(frozen=True)
class Signatures:
    """What images are compared by.

    Parameters
    ----------
    words : ndarray of shape (n_images, n_words), dtype uint64
        The bits of the hashes, packed.
    hashed : ndarray of shape (n_images,), dtype bool
        Which images are compared by their hashes.
    pixels : ndarray of shape (n_images, 2), dtype uint64
        Digests of the decoded pixels.
    plain : ndarray of shape (n_images,), dtype bool
        Which images have too little detail for that, and are compared by their pixels.
    n_bits : int
        How many bits the hashes have.
    """

    words: NDArray[np.uint64]
    hashed: NDArray[np.bool_]
    pixels: NDArray[np.uint64]
    plain: NDArray[np.bool_]
    n_bits: int

    @classmethod
    def from_hashes(cls, hashes: Hashes, min_detail: int) -> Signatures:
        """Sign images that were hashed with ``digest_below=min_detail``."""
        bits = hashes.bits()
        plain = np.zeros(hashes.n_images, dtype=bool)
        plain[list(hashes.digests)] = True
        hashed = ~plain
        hashed[list(hashes.errors)] = False
        pixels = np.zeros((hashes.n_images, 2), dtype=np.uint64)
        for row, digest in hashes.digests.items():
            pixels[row] = np.frombuffer(digest, dtype=np.uint64)
        return cls(words_from_bits(bits)[0], hashed, pixels, plain, bits.shape[1])

    @classmethod
    def from_table(
        cls, table: pd.DataFrame, specs: Sequence[HashSpec], min_detail: int
    ) -> Signatures:
        """Sign images from the hex columns of a table; those of low detail have no signature."""
        missing = [str(spec) for spec in specs if str(spec) not in table.columns]
        if missing:
            named = ", ".join(repr(str(spec)) for spec in specs)
            raise ValueError(
                f"The images are compared by {named}, and the table has no column "
                f"{', '.join(map(repr, missing))}: make it by hash_images(images, [{named}]), or "
                f"pass finder=NearDuplicateFinder(hashes=..., radius=...) for the hashes it has."
            )
        hashed = table[[str(spec) for spec in specs]].notna().all(axis=1).to_numpy()
        if "detail" in table.columns:
            hashed = hashed & (table["detail"].fillna(-1) >= min_detail).to_numpy(dtype=bool)
        bits = np.zeros((len(table), sum(spec.n_bits for spec in specs)), dtype=np.uint8)
        bits[hashed] = np.hstack(
            [hex_to_bits(table.loc[hashed, str(spec)], spec.n_bits) for spec in specs]
        )
        nothing = np.zeros(len(table), dtype=bool)
        pixels = np.zeros((len(table), 2), dtype=np.uint64)
        return cls(words_from_bits(bits)[0], hashed, pixels, nothing, bits.shape[1])

    def pairs(self, radius: int, n_jobs: int | None) -> Pairs:
        """Return every two images that are near each other."""
        by_hash, by_pixels = self._indexes(n_jobs)
        return _in_order([*by_hash.pairs(radius), *by_pixels.pairs(0)])

    def matches(self, queries: Signatures, radius: int, n_jobs: int | None) -> Pairs:
        """Return every image that is near a query: left the query, right the image."""
        found = []
        for index, words, asked, reach in zip(
            self._indexes(n_jobs),
            (queries.words, queries.pixels),
            (queries.hashed, queries.plain),
            (radius, 0),
            strict=True,
        ):
            rows = np.flatnonzero(asked)
            near = index.radius(words[rows], reach)
            found.append(near._replace(left=rows[near.left]))
        return _in_order(found)

    def _indexes(self, n_jobs: int | None) -> tuple[HammingIndex, HammingIndex]:
        return (
            HammingIndex(self.words, self.hashed, self.n_bits, n_jobs),
            HammingIndex(self.pixels, self.plain, 128, n_jobs),
        )


def _in_order(blocks: list[Pairs]) -> Pairs:
    pairs = Pairs.concatenate(blocks)
    order = np.lexsort((pairs.right, pairs.left))
    return Pairs(*(column[order] for column in pairs))
