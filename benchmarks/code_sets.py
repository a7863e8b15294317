"""Make the codes for the benchmark of search: uniform, skewed as those of images, or real."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint64]

N_NEAR = 5  # neighbors that each query of the kind "near" has


@dataclass(frozen=True)
class Case:
    """A set of codes and a search among them, which another process can make again."""

    kind: str
    n_codes: int
    n_bits: int
    radius: int
    n_queries: int = 0
    stored: str = ""

    @property
    def name(self) -> str:
        """The name of the case in the table."""
        return f"{self.n_codes:,} {self.kind} codes of {self.n_bits} bits, radius {self.radius}"

    def codes(self) -> Words:
        """Return the codes, shape (n_codes, n_words)."""
        if self.stored:
            codes: Words = np.load(self.stored)[:, : self.n_bits // 64].copy()
            return codes
        make = {"skewed": make_skewed, "crowded": make_crowded}.get(self.kind, make_uniform)
        return make(self.n_codes, self.n_bits // 64)

    def queries(self) -> Words:
        """Return queries: fitted codes, codes with near neighbors, or random codes."""
        rng = np.random.default_rng(1)
        if self.kind == "unrelated":
            return rng.integers(0, 2**64, (self.n_queries, self.n_bits // 64), dtype=np.uint64)
        codes = self.codes()
        return codes[np.sort(rng.choice(len(codes), self.n_queries, replace=False))]


def make_uniform(n_codes: int, n_words: int) -> Words:
    """Return random codes, a tenth of them within 4 bits of another."""
    rng = np.random.default_rng(0)
    words = rng.integers(0, 2**64, (n_codes, n_words), dtype=np.uint64)
    copies = rng.permutation(n_codes)[: n_codes // 10]
    words[copies] = words[rng.integers(0, n_codes, len(copies))]
    return flip_bits(words, copies, 4, rng)


def make_crowded(n_codes: int, n_words: int) -> Words:
    """Return random codes in groups of six, each within 2 bits of the first."""
    rng = np.random.default_rng(0)
    firsts = rng.integers(0, 2**64, (-(-n_codes // (N_NEAR + 1)), n_words), dtype=np.uint64)
    words = np.repeat(firsts, N_NEAR + 1, axis=0)[:n_codes]
    return flip_bits(words, np.arange(n_codes), 2, rng)


def flip_bits(
    words: Words, rows: NDArray[np.intp], n_bits: int, rng: np.random.Generator
) -> Words:
    """Change up to `n_bits` bits of some rows."""
    for _ in range(n_bits):
        bits = np.uint64(1) << rng.integers(0, 64, len(rows), dtype=np.uint64)
        words[rows, rng.integers(0, words.shape[1], len(rows))] ^= bits
    return words


def make_skewed(n_codes: int, n_words: int, side: int = 8) -> Words:
    """Return difference hashes of images of 1/f noise on gradients, with flat ones and repeats.

    Hashes of `side` differences a row have up to ``2 * side**2`` bits.
    """
    rng = np.random.default_rng(0)
    blocks = []
    size = side + 1
    rows, columns = np.fft.fftfreq(size)[:, None], np.fft.fftfreq(size)[None]
    fall = 1 / np.maximum(np.hypot(rows, columns), 1 / size)
    at_once = 6_400_000 // side**2
    for start in range(0, n_codes, at_once):
        n_images = min(at_once, n_codes - start)
        noise = rng.standard_normal((n_images, size, size))
        images = np.fft.ifft2(np.fft.fft2(noise) * fall).real
        slopes = rng.standard_normal((n_images, 2)) * rng.exponential(0.4, (n_images, 1))
        images += slopes[:, :1, None] * np.arange(size)[None, :, None]
        images += slopes[:, 1:, None] * np.arange(size)[None, None, :]
        images[rng.random(n_images) < 0.01] = 0
        across = (images[:, :side, 1:] > images[:, :side, :-1]).reshape(n_images, side**2)
        down = (images[:, 1:, :side] > images[:, :-1, :side]).reshape(n_images, side**2)
        bits = np.hstack([across, down])[:, : 64 * n_words]
        blocks.append(np.packbits(bits, axis=1).view(np.uint64))
    words = np.concatenate(blocks)
    copies = rng.permutation(n_codes)[: n_codes // 20]
    words[copies] = words[rng.integers(0, n_codes, len(copies))]
    return words


def hash_photos(folders: Sequence[str], hashes: Sequence[str] = ("phash",)) -> Words:
    """Return the hashes of every image in some folders that can be read."""
    from hashfeatures import ImageHashFeaturizer

    files = sorted(
        path for folder in folders for path in Path(folder).rglob("*") if path.is_file()
    )
    hasher = ImageHashFeaturizer(hashes, decode="reduced", errors="coerce", n_jobs=-1)
    bits = hasher.transform(files)
    known = bits[~np.isnan(bits).any(axis=1)].astype(np.uint8)
    return np.packbits(known, axis=1).view(np.uint64)
