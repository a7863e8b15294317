"""Pack rows of bits into 64-bit words, and measure distances between packed codes."""

from __future__ import annotations

from string import hexdigits
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from .._utils.descriptions import describe_value

# Rows are checked and packed in blocks, so that a matrix of floats is never copied whole.
_BLOCK_ROWS = 65_536


def hamming_distances(
    left: NDArray[np.unsignedinteger[Any]],
    right: NDArray[np.unsignedinteger[Any]],
    dtype: DTypeLike = np.int64,
) -> NDArray[Any]:
    """Count the bits in which packed codes differ.

    Parameters
    ----------
    left, right : ndarray of shape (..., n_words), of an unsigned dtype
        The codes. All axes but the last are broadcast.
    dtype : dtype, default=int64
        The dtype of the distances.

    Returns
    -------
    ndarray of shape (...)
        The distances in bits.

    Examples
    --------
    >>> import numpy as np
    >>> from hashfeatures.hamming._packing import hamming_distances
    >>> codes = np.array([[0b0000], [0b0111]], dtype=np.uint64)
    >>> hamming_distances(codes[:, None], codes)
    array([[0, 3],
           [3, 0]])
    """
    # Word by word: numpy sums over a short last axis slowly.
    distances = np.zeros(np.broadcast_shapes(left.shape[:-1], right.shape[:-1]), dtype)
    for word in range(left.shape[-1]):
        distances += np.bitwise_count(left[..., word] ^ right[..., word])
    return distances


def words_from_bits(bits: NDArray[Any]) -> tuple[NDArray[np.uint64], NDArray[np.bool_]]:
    """Pack a matrix of zeros and ones into 64-bit words, and find the missing rows.

    Parameters
    ----------
    bits : ndarray of shape (n_images, n_bits)
        Zeros and ones of any numeric or boolean dtype. A row that holds a NaN is missing.

    Returns
    -------
    words : ndarray of shape (n_images, ceil(n_bits / 64)), dtype uint64
        The bits of each row; zeros for a missing row.
    present : ndarray of shape (n_images,), dtype bool
        False for a missing row.

    Raises
    ------
    ValueError
        If a value is not 0, 1 or NaN.
    """
    n_rows, n_bits = bits.shape
    n_words = -(-n_bits // 64)
    packed = np.zeros((n_rows, 8 * n_words), dtype=np.uint8)
    present = np.ones(n_rows, dtype=bool)
    for start in range(0, n_rows, _BLOCK_ROWS):
        block = bits[start : start + _BLOCK_ROWS]
        ones = block == 1
        known = ones | (block == 0)
        if not known.all():
            is_nan = block != block
            wrong = ~known & ~is_nan
            if wrong.any():
                row, column = np.argwhere(wrong)[0]
                negative = "Negative values in data. " if block[row, column] < 0 else ""
                raise ValueError(
                    f"{negative}Expected bits, a matrix of 0 and 1 (and NaN for a missing row). "
                    f"Got {block[row, column]} in row {start + row}, column {column}. "
                    f"ImageHashFeaturizer makes bits from images."
                )
            missing = is_nan.any(axis=1)
            present[start : start + _BLOCK_ROWS] = ~missing
            ones[missing] = False
        packed[start : start + _BLOCK_ROWS, : -(-n_bits // 8)] = np.packbits(ones, axis=1)
    return packed.view(np.uint64), present


def words_from_query(query: Any, n_bits: int) -> NDArray[np.uint64] | None:
    """Pack one query, given as bits, packed bits or hex.

    Parameters
    ----------
    query : array-like of shape (n_bits,) or (1, n_bits), ndarray, bytes or str
        Zeros and ones; or ``numpy.packbits`` of them, as uint8, as its view of uint64 or as bytes;
        or a hex string of ``ceil(n_bits / 4)`` digits.
    n_bits : int
        The number of bits of a code.

    Returns
    -------
    ndarray of shape (n_words,), dtype uint64, or None
        The packed bits. None for a query with a NaN, which is missing.

    Raises
    ------
    ValueError
        If the query is none of these.

    Examples
    --------
    >>> import numpy as np
    >>> from hashfeatures.hamming._packing import words_from_query
    >>> bits = np.array([1, 1, 1, 1, 0, 0, 0, 1])
    >>> forms = bits, np.packbits(bits), np.packbits(bits).tobytes(), "f1"
    >>> len({words_from_query(form, 8).tobytes() for form in forms})
    1
    """
    n_words, n_bytes = -(-n_bits // 64), -(-n_bits // 8)
    if isinstance(query, str):
        query = _bytes_from_hex(query, n_bits)
    if isinstance(query, bytes | bytearray):
        if len(query) != n_bytes:
            raise _wrong_query(n_bits, f"{len(query)} bytes")
        return _words_from_octets(np.frombuffer(query, dtype=np.uint8), n_bits)
    array = np.asarray(query)
    if n_bits > 1:  # an array with a single number holds a bit
        if array.dtype == np.uint64 and array.shape == (n_words,):
            return _without_spare(np.ascontiguousarray(array), n_bits)
        if array.dtype == np.uint8 and array.shape == (n_bytes,):
            return _words_from_octets(array, n_bits)
    if array.dtype.kind not in "biuf" or array.shape not in ((n_bits,), (1, n_bits)):
        raise _wrong_query(n_bits, f"an array of shape {array.shape} and dtype {array.dtype}")
    ones = array == 1
    if n_bits % 64 == 0 and (ones | (array == 0)).all():
        return np.packbits(ones).view(np.uint64)
    words, present = words_from_bits(array.reshape(1, n_bits))
    return words[0] if present[0] else None


def _bytes_from_hex(text: str, n_bits: int) -> bytes:
    n_digits = -(-n_bits // 4)
    is_hex = len(text) == n_digits and set(text) <= set(hexdigits)
    value = int(text, 16) if is_hex else -1
    if not 0 <= value < 1 << n_bits:
        raise _wrong_query(n_bits, describe_value(text))
    return (value << -n_bits % 8).to_bytes(-(-n_bits // 8), "big")


def _words_from_octets(packed: NDArray[np.uint8], n_bits: int) -> NDArray[np.uint64]:
    octets = np.zeros(8 * -(-n_bits // 64), dtype=np.uint8)
    octets[: len(packed)] = packed
    return _without_spare(octets.view(np.uint64), n_bits)


def _without_spare(words: NDArray[np.uint64], n_bits: int) -> NDArray[np.uint64]:
    """Return words; raise if a bit behind the last one of the code is set."""
    if n_bits % 64 and np.unpackbits(words[-1:].view(np.uint8))[n_bits % 64 :].any():
        raise _wrong_query(n_bits, f"words with ones behind bit {n_bits}")
    return words


def _wrong_query(n_bits: int, got: str) -> ValueError:
    return ValueError(
        f"Expected one query of {n_bits} bits: an array of {n_bits} zeros and ones, their "
        f"numpy.packbits as uint8 or bytes ({-(-n_bits // 8)} bytes) or viewed as uint64 "
        f"({-(-n_bits // 64)} words), or a str of {-(-n_bits // 4)} hex digits. Got {got}."
    )
