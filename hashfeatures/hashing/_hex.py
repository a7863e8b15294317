"""Conversion between bits and ImageHash's hex strings.

A matrix of bits has one row per image and one column per bit. Words hold the same bits 64 to a
``uint64``, in an order that does not affect Hamming distances. Hex strings are exactly those that
``str(imagehash.ImageHash)`` returns.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from string import hexdigits

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._utils.descriptions import shorten

_HEX_DIGITS = set(hexdigits)


def bits_to_hex(bits: ArrayLike) -> NDArray[np.object_]:
    """Convert each row of bits to the hex string that ImageHash prints.

    Parameters
    ----------
    bits : array-like of shape (n_images, n_bits)
        Zeros and ones.

    Returns
    -------
    ndarray of shape (n_images,), dtype object
        Strings of ``ceil(n_bits / 4)`` lower-case hex digits. Where `n_bits` is not a multiple of
        four, leading zeros fill the first digit.

    Examples
    --------
    >>> from hashfeatures.hashing._hex import bits_to_hex
    >>> bits_to_hex([[1, 1, 1, 1, 0, 0, 0, 1], [0, 0, 0, 0, 1, 0, 1, 0]])
    array(['f1', '0a'], dtype=object)
    """
    rows = np.asarray(bits).astype(bool)
    n_rows, n_bits = rows.shape
    n_digits = -(-n_bits // 4)
    if not n_rows:
        return np.empty(0, dtype=object)
    whole_bytes = np.pad(rows, ((0, 0), (-n_bits % 8, 0)))
    text = np.packbits(whole_bytes, axis=1).tobytes().hex().encode("ascii")
    digits = np.frombuffer(text, dtype="S1").reshape(n_rows, -1)[:, -n_digits:]
    return np.ascontiguousarray(digits).view(f"S{n_digits}")[:, 0].astype(str).astype(object)


def hex_to_bits(hashes: Iterable[object], n_bits: int) -> NDArray[np.uint8]:
    """Convert the strings that ImageHash prints to bits.

    Parameters
    ----------
    hashes : iterable of str or imagehash.ImageHash
        Hashes of `n_bits` bits each.
    n_bits : int
        The number of bits of a hash: 64 for the usual hashes of 8 by 8, 42 for ``colorhash``.

    Returns
    -------
    ndarray of shape (n_images, n_bits), dtype uint8
        Zeros and ones.

    Raises
    ------
    ValueError
        If a string is too long, too short, or not a hex number of `n_bits` bits.

    Examples
    --------
    >>> from hashfeatures.hashing._hex import hex_to_bits
    >>> hex_to_bits(["f1", "0A"], n_bits=8)
    array([[1, 1, 1, 1, 0, 0, 0, 1],
           [0, 0, 0, 0, 1, 0, 1, 0]], dtype=uint8)
    """
    octets = _hex_to_octets(hashes, n_bits)
    bits = np.unpackbits(octets, axis=1)
    return np.ascontiguousarray(bits[:, bits.shape[1] - n_bits :])


def hex_to_words(hashes: Iterable[object], n_bits: int) -> NDArray[np.uint64]:
    """Convert the strings that ImageHash prints to words with the same Hamming distances.

    Parameters
    ----------
    hashes : iterable of str or imagehash.ImageHash
        Hashes of `n_bits` bits each.
    n_bits : int
        The number of bits of a hash.

    Returns
    -------
    ndarray of shape (n_images, ceil(n_bits / 64)), dtype uint64
        16 digits to a word, each as four adjacent bits. Leading zeros fill the first word.

    Raises
    ------
    ValueError
        As `hex_to_bits` does.

    Examples
    --------
    >>> from hashfeatures.hashing._hex import hex_to_words
    >>> one, other = hex_to_words(["f1", "0A"], n_bits=8)[:, 0]
    >>> (one ^ other).bit_count()
    7
    """
    return _hex_to_octets(hashes, n_bits, of=8).view(np.uint64)


def _hex_to_octets(hashes: Iterable[object], n_bits: int, of: int = 1) -> NDArray[np.uint8]:
    """Convert hashes to whole groups of `of` bytes, with leading zeros."""
    n_digits = -(-n_bits // 4)
    strings = [str(item) for item in hashes]
    for row, string in enumerate(strings):
        if len(string) != n_digits or not _HEX_DIGITS.issuperset(string):
            raise ValueError(
                f"Row {row} is not a hash of {n_bits} bits: expected {n_digits} hex digits, "
                f"got {shorten(string)!r}."
            )
    n_bytes = of * -(-n_digits // (2 * of))
    joined = "".join([string.rjust(2 * n_bytes, "0") for string in strings])
    octets = np.frombuffer(bytes.fromhex(joined), dtype=np.uint8).reshape(-1, n_bytes)
    n_spare = 8 * n_bytes - n_bits
    spare = octets[:, : -(-n_spare // 8)].copy()
    if n_spare % 8:
        spare[:, -1] >>= 8 - n_spare % 8
    if spare.any():
        row = int(spare.any(axis=1).argmax())
        raise ValueError(
            f"Row {row} is not a hash of {n_bits} bits: {strings[row]!r} needs "
            f"{int(strings[row], 16).bit_length()} bits."
        )
    return octets


@dataclass(frozen=True)
class BitLayout:
    """The columns of a matrix of bits that belong to each hash.

    Parameters
    ----------
    names : sequence of str
        The hashes in the order of their columns, spelled as in the names of the columns.
    widths : sequence of int
        The number of bits of each.

    Examples
    --------
    >>> from hashfeatures.hashing._hex import BitLayout
    >>> layout = BitLayout(["phash", "dhash16"], [64, 256])
    >>> layout.n_bits
    320
    >>> layout.column_names()[[0, 63, 64]]
    array(['phash_00', 'phash_63', 'dhash16_000'], dtype=object)
    """

    names: Sequence[str]
    widths: Sequence[int]

    @property
    def n_bits(self) -> int:
        """The number of bits of a row."""
        return sum(self.widths)

    def slices(self) -> list[slice]:
        """Return the columns of each hash."""
        ends = np.cumsum([0, *self.widths]).tolist()
        return [slice(start, end) for start, end in pairwise(ends)]

    def column_names(self) -> NDArray[np.object_]:
        """Return one name per bit: the name of the hash and the zero-padded number of the bit."""
        return np.array(
            [
                f"{name}_{bit:0{len(str(width - 1))}d}"
                for name, width in zip(self.names, self.widths, strict=True)
                for bit in range(width)
            ],
            dtype=object,
        )
