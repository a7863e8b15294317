"""0/1 matrices, packed words and ImageHash's hex strings: three spellings of the same bits.

A matrix of bits has one row an image and one column a bit. Words hold the same bits 64 to a
``uint64``, in an order that is of no importance to Hamming distances. Hex strings are exactly
those that ``str(imagehash.ImageHash)`` prints.
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


def pack_bits(bits: ArrayLike) -> NDArray[np.uint8]:
    """Pack a 0/1 matrix eight bits to a byte.

    Parameters
    ----------
    bits : array-like of shape (n_images, n_bits)
        Zeros and ones, of any numeric or boolean dtype.

    Returns
    -------
    ndarray of shape (n_images, ceil(n_bits / 8)), dtype uint8
        The first bit is the highest of the first byte; the last byte is filled up with zeros.

    Examples
    --------
    >>> from hashfeatures.hashing._hex import pack_bits
    >>> pack_bits([[1, 0, 0, 0, 0, 0, 0, 1, 1, 1]])
    array([[129, 192]], dtype=uint8)
    """
    return np.packbits(np.asarray(bits).astype(bool), axis=1)


def unpack_bits(packed: NDArray[np.uint8], n_bits: int) -> NDArray[np.uint8]:
    """Undo `pack_bits`.

    Parameters
    ----------
    packed : ndarray of shape (n_images, ceil(n_bits / 8)), dtype uint8
        Packed bits.
    n_bits : int
        How many bits a row has.

    Returns
    -------
    ndarray of shape (n_images, n_bits), dtype uint8
        Zeros and ones.
    """
    return np.unpackbits(packed, axis=1, count=n_bits)


def bits_to_hex(bits: ArrayLike) -> NDArray[np.object_]:
    """Spell each row of bits as ImageHash prints it.

    Parameters
    ----------
    bits : array-like of shape (n_images, n_bits)
        Zeros and ones.

    Returns
    -------
    ndarray of shape (n_images,), dtype object
        Strings of ``ceil(n_bits / 4)`` lower-case hex digits. Where `n_bits` is no multiple of
        four, the zeros that fill it up stand in front.

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
    """Read the strings that ImageHash prints.

    Parameters
    ----------
    hashes : iterable of str or imagehash.ImageHash
        Hashes of `n_bits` bits each.
    n_bits : int
        How many bits a hash has: 64 for the usual hashes of 8 by 8, 42 for ``colorhash``.

    Returns
    -------
    ndarray of shape (n_images, n_bits), dtype uint8
        Zeros and ones.

    Raises
    ------
    ValueError
        If a string is too long, too short, or no hex number of `n_bits` bits.

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
    """Read the strings that ImageHash prints into words whose bits differ where theirs do.

    Parameters
    ----------
    hashes : iterable of str or imagehash.ImageHash
        Hashes of `n_bits` bits each.
    n_bits : int
        How many bits a hash has.

    Returns
    -------
    ndarray of shape (n_images, ceil(n_bits / 64)), dtype uint64
        16 digits to a word, each four neighboring bits of it; zeros stand for digits before the
        first.

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
    """Read hashes into whole groups of `of` bytes, filled up with zeros in front."""
    n_digits = -(-n_bits // 4)
    strings = [str(item) for item in hashes]
    for row, string in enumerate(strings):
        if len(string) != n_digits or not _HEX_DIGITS.issuperset(string):
            raise ValueError(
                f"Row {row} is no hash of {n_bits} bits: expected {n_digits} hex digits, "
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
            f"Row {row} is no hash of {n_bits} bits: {strings[row]!r} needs "
            f"{int(strings[row], 16).bit_length()} bits."
        )
    return octets


@dataclass(frozen=True)
class BitLayout:
    """Which columns of a matrix of bits belong to which hash.

    Parameters
    ----------
    names : sequence of str
        The hashes in the order of their columns, as bit columns are named after them.
    widths : sequence of int
        How many bits each has.

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
        """How many bits a row has."""
        return sum(self.widths)

    def slices(self) -> list[slice]:
        """Return the columns of each hash."""
        ends = np.cumsum([0, *self.widths]).tolist()
        return [slice(start, end) for start, end in pairwise(ends)]

    def column_names(self) -> NDArray[np.object_]:
        """Return one name a bit: the hash's name and the number of the bit, zero-padded."""
        return np.array(
            [
                f"{name}_{bit:0{len(str(width - 1))}d}"
                for name, width in zip(self.names, self.widths, strict=True)
                for bit in range(width)
            ],
            dtype=object,
        )
