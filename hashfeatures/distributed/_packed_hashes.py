"""The packed hashes of all images of a stage, in the order of its parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..hamming._packing import words_from_bits
from ..hashing._spec import HashSpec
from ._stages import Stage

MAX_ROWS = 2**32 - 1


@dataclass(frozen=True)
class PackedHashes:
    """Hashes and pixel digests by which images are compared.

    Parameters
    ----------
    words : ndarray of shape (n_rows, n_words), dtype uint64
        The bits of the hashes, packed. Rows without hashes are zero.
    comparable : ndarray of shape (n_rows,), dtype bool
        Which images are compared by their hashes.
    low_detail : ndarray of shape (n_low_detail,), dtype intp
        The images with too little detail for their hashes.
    pixel_digests : list of bytes
        The pixel digest of each image in `low_detail`.
    """

    words: NDArray[np.uint64]
    comparable: NDArray[np.bool_]
    low_detail: NDArray[np.intp]
    pixel_digests: list[bytes]

    def equal_pixels(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Pair each image of low detail with the first image of the same pixels."""
        first_of: dict[bytes, int] = {}
        left = [
            first_of.setdefault(digest, row)
            for row, digest in zip(self.low_detail.tolist(), self.pixel_digests, strict=True)
        ]
        return np.array(left, dtype=np.intp), self.low_detail


def read_packed_hashes(
    stage: Stage, names: Sequence[str], n_rows: int, specs: Sequence[HashSpec]
) -> PackedHashes:
    """Read the hashes of parts, one part after the other."""
    n_bits = sum(spec.n_bits for spec in specs)
    words = np.zeros((n_rows, -(-n_bits // 64)), dtype=np.uint64)
    comparable = np.zeros(n_rows, dtype=bool)
    low_detail, digests = [np.zeros(0, dtype=np.intp)], []
    first = 0
    for name in names:
        table = stage.read(name, ["codes", "digest"])
        has_digest = table.column("digest").is_valid().to_numpy()
        has_hashes = table.column("codes").is_valid().to_numpy()
        rows = slice(first, first + len(table))
        if has_hashes.any():
            words[rows][has_hashes] = _words_of(table.column("codes").drop_null(), specs)
        comparable[rows] = has_hashes & ~has_digest
        low_detail.append(first + np.flatnonzero(has_digest))
        digests += table.column("digest").drop_null().to_pylist()
        first += len(table)
    return PackedHashes(words, comparable, np.concatenate(low_detail), digests)


def _words_of(codes: Any, specs: Sequence[HashSpec]) -> NDArray[np.uint64]:
    n_bytes = [-(-spec.n_bits // 8) for spec in specs]
    joined = codes.combine_chunks()
    start = joined.offset * sum(n_bytes)
    size = len(joined) * sum(n_bytes)
    packed = np.frombuffer(joined.buffers()[1], dtype=np.uint8)[start : start + size]
    packed = packed.reshape(len(joined), -1)
    ends = np.cumsum(n_bytes)
    parts = [
        np.unpackbits(packed[:, end - width : end], axis=1, count=spec.n_bits)
        for spec, end, width in zip(specs, ends, n_bytes, strict=True)
    ]
    return words_from_bits(np.hstack(parts))[0]
