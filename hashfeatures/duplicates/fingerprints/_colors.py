"""The distance of the colors of two images, in any of the ways that an image may be turned."""

from __future__ import annotations

from collections.abc import Sequence
from math import isqrt

import numpy as np
from numpy.typing import NDArray

from ...hamming._packing import hamming_distances
from ...hashing.views._windows import Orientation, orient

# Pairs that are compared at a time.
_BLOCK = 65_536
_CELL_BITS = 32


def measure_colors(
    left: NDArray[np.uint8], right: NDArray[np.uint8], turns: Sequence[Orientation]
) -> NDArray[np.int64]:
    """Return the distances of the colors of images, row by row.

    Parameters
    ----------
    left, right : ndarray of shape (n_pairs, n_bytes), dtype uint8
        The packed bits of ``colorgrid``.
    turns : sequence of Orientation
        The ways in which the images on the left may be turned; the least distance counts.

    Returns
    -------
    ndarray of shape (n_pairs,), dtype int64
        In bits, each of which is a step of 8 in the mean of a cell's Cb or Cr.
    """
    distances = np.empty(len(left), dtype=np.int64)
    side = isqrt(8 * left.shape[1] // _CELL_BITS)
    for start in range(0, len(left), _BLOCK):
        block = slice(start, start + _BLOCK)
        one, other = (
            np.ascontiguousarray(part[block]).view(np.uint32).reshape(-1, side, side)
            for part in (left, right)
        )
        ways = [
            hamming_distances(
                orient(one, way).reshape(len(one), -1), other.reshape(len(other), -1)
            )
            for way in turns
        ]
        distances[block] = np.min(ways, axis=0)
    return distances
