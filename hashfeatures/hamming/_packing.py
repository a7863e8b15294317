"""Pack rows of bits into 64-bit words, and measure distances between packed codes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

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
