"""0/1 matrices as 64-bit words, the form in which codes are searched."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

# Rows that are checked and packed at a time, so that a matrix of floats is never copied whole.
_BLOCK_ROWS = 65_536


def words_from_bits(bits: NDArray[Any]) -> tuple[NDArray[np.uint64], NDArray[np.bool_]]:
    """Pack a 0/1 matrix into 64-bit words, and tell the rows that are missing.

    Parameters
    ----------
    bits : ndarray of shape (n_images, n_bits)
        Zeros and ones of any numeric or boolean dtype. A row that holds a NaN stands for an image
        without a hash.

    Returns
    -------
    words : ndarray of shape (n_images, ceil(n_bits / 64)), dtype uint64
        The bits of each row; zeros where the row is missing.
    present : ndarray of shape (n_images,), dtype bool
        False where the row is missing.

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
