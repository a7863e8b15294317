"""What images are compared by: the bits of hashes, and of plain images the pixels themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .bits import hex_to_bits, words_from_bits
from .compact import CompactPairs, in_order
from .hamming.distinct import number_rows
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

    def near(
        self, radius: int, n_jobs: int | None, known: CompactPairs | None = None
    ) -> CompactPairs:
        """Find every two images that are near each other.

        Parameters
        ----------
        radius : int
            The greatest distance of two hashes, in bits.
        n_jobs : int or None
            How many threads search.
        known : CompactPairs, optional
            The near pairs of the first images, which are not searched again.

        Returns
        -------
        CompactPairs
            The pairs of all.
        """
        n_known = 0 if known is None else len(known.codes)
        codes = np.full(len(self.hashed), -1, dtype=np.intp)
        codes[self.hashed], firsts = number_rows(self.words[self.hashed])
        firsts = np.flatnonzero(self.hashed)[firsts]
        codes[self.plain], pixels = number_rows(self.pixels[self.plain])
        codes[self.plain] += len(firsts)
        n_codes = len(firsts) + len(pixels)
        words = self.words[firsts]
        index = HammingIndex(words, np.ones(len(words), dtype=bool), self.n_bits, n_jobs)
        # Different pixels are never near, and equal ones have one code: hashes are searched alone.
        if known is None:
            return CompactPairs(codes, Pairs.concatenate(index.pairs(radius)), n_codes)
        code_before = np.zeros(known.n_codes, dtype=np.intp)
        code_before[known.codes[known.codes >= 0]] = codes[:n_known][known.codes >= 0]
        old = Pairs(code_before[known.near.left], code_before[known.near.right], known.near[2])
        new_codes = np.flatnonzero(firsts >= n_known)
        found = index.radius(words[new_codes], radius, own=new_codes)
        left, right = new_codes[found.left], found.right
        # A new code is greater than every old one; two new ones are found from both sides.
        keep = right < left
        new = Pairs(right[keep], left[keep], found.distance[keep])
        return CompactPairs(codes, Pairs.concatenate([old, new]), n_codes)

    def shown_words(self) -> NDArray[np.uint64]:
        """Return the words of the images that are compared by them, and zeros for the others."""
        return np.where(self.hashed[:, None], self.words, np.uint64(0))

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
        return in_order(Pairs.concatenate(found))

    @classmethod
    def join(cls, parts: Sequence[Signatures]) -> Signatures:
        """Return the signatures of several collections as those of one."""
        names = ("words", "hashed", "pixels", "plain")
        joined = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
        return cls(**joined, n_bits=parts[0].n_bits)

    def _indexes(self, n_jobs: int | None) -> tuple[HammingIndex, HammingIndex]:
        return (
            HammingIndex(self.words, self.hashed, self.n_bits, n_jobs),
            HammingIndex(self.pixels, self.plain, 128, n_jobs),
        )
