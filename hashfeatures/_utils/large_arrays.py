"""Arrays that are too large for memory, in temporary files."""

from __future__ import annotations

import math
import tempfile
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

# Bytes up to which an array is in memory.
MOST_IN_MEMORY = 2**28


def allocate_zeros(shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    """Allocate an array of zeros, in memory if it is small.

    An array of more than 256 MB is mapped from a temporary file, which has no name where the
    system allows that, and is gone with the array.

    Parameters
    ----------
    shape : tuple of int
        The shape.
    dtype : dtype
        The type of the elements.

    Returns
    -------
    ndarray
        The array, which can be written.

    Raises
    ------
    OSError
        If there is no room for the file.

    Examples
    --------
    >>> from hashfeatures._utils.large_arrays import allocate_zeros
    >>> allocate_zeros((2, 3), "uint8")
    array([[0, 0, 0],
           [0, 0, 0]], dtype=uint8)
    """
    dtype = np.dtype(dtype)
    if math.prod(shape) * dtype.itemsize <= MOST_IN_MEMORY:
        return np.zeros(shape, dtype=dtype)
    with tempfile.TemporaryFile(prefix="hashfeatures-") as file:
        mapped = np.memmap(file, dtype=dtype, mode="w+", shape=shape)
    return mapped.view(np.ndarray)
