"""The rows of hash parts: images numbered through, and the words that they are compared by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..hamming._packing import words_from_bits
from ..hashing._hex import unpack_bits
from ..hashing._spec import HashSpec
from ._stages import Stage

MOST_ROWS = 2**32 - 1


@dataclass(frozen=True)
class Rows:
    """What images are compared by.

    Parameters
    ----------
    words : ndarray of shape (n_rows, n_words), dtype uint64
        The bits of the hashes, packed; zeros where there are none.
    hashed : ndarray of shape (n_rows,), dtype bool
        Which images are compared by their hashes.
    plain : ndarray of shape (n_plain,), dtype intp
        The images that have too little detail for that.
    digests : list of bytes
        The digest of the pixels of each of these.
    """

    words: NDArray[np.uint64]
    hashed: NDArray[np.bool_]
    plain: NDArray[np.intp]
    digests: list[bytes]


def read_rows(stage: Stage, names: Sequence[str], n_rows: int, specs: Sequence[HashSpec]) -> Rows:
    """Read the images of parts, one part after the other."""
    n_bits = sum(spec.n_bits for spec in specs)
    words = np.zeros((n_rows, -(-n_bits // 64)), dtype=np.uint64)
    hashed = np.zeros(n_rows, dtype=bool)
    plain, digests = [], []
    first = 0
    for name in names:
        table = stage.read(name, ["codes", "digest"])
        is_plain = table.column("digest").is_valid().to_numpy()
        is_read = table.column("codes").is_valid().to_numpy()
        place = slice(first, first + len(table))
        if is_read.any():
            words[place][is_read] = _words_of(table.column("codes").drop_null(), specs)
        hashed[place] = is_read & ~is_plain
        plain.append(first + np.flatnonzero(is_plain))
        digests += table.column("digest").drop_null().to_pylist()
        first += len(table)
    none = np.zeros(0, dtype=np.intp)
    return Rows(words, hashed, np.concatenate([none, *plain]), digests)


def _words_of(codes: Any, specs: Sequence[HashSpec]) -> NDArray[np.uint64]:
    n_bytes = [-(-spec.n_bits // 8) for spec in specs]
    joined = codes.combine_chunks()
    start = joined.offset * sum(n_bytes)
    size = len(joined) * sum(n_bytes)
    packed = np.frombuffer(joined.buffers()[1], dtype=np.uint8)[start : start + size]
    packed = packed.reshape(len(joined), -1)
    ends = np.cumsum(n_bytes)
    parts = [
        unpack_bits(packed[:, end - width : end], spec.n_bits)
        for spec, end, width in zip(specs, ends, n_bytes, strict=True)
    ]
    return words_from_bits(np.hstack(parts))[0]
