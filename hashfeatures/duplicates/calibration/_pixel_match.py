"""Correlate the pixels of pairs of images, to judge matches independently of their hashes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...exceptions import ImageReadError
from ...hashing._planes import ImagePlanes
from ...hashing.views._windows import ORIENTATIONS, orient
from ...images._decoding import Decoding
from ...images._read import read_image

_SIDE = 32
_BLOCK = 4096  # pairs that are compared at a time


def make_thumbnail(source: Any, decoding: Decoding) -> NDArray[np.float32]:
    """Return the luma of an image at 32 by 32 pixels, with mean 0 and norm 1.

    It is NaN if the image is flat, or if the source cannot be read again, such as a stream.
    """
    try:
        planes = ImagePlanes(read_image(source, decoding).image)
        pixels = planes.lanczos(_SIDE, _SIDE).astype(np.float32)
    except ImageReadError:
        return np.full((_SIDE, _SIDE), np.nan, dtype=np.float32)
    pixels -= pixels.mean()
    length = float(np.linalg.norm(pixels))
    return pixels / length if length else np.full_like(pixels, np.nan)


def correlate(
    thumbnails: Sequence[NDArray[np.float32]],
    left: NDArray[np.intp],
    right: NDArray[np.intp],
    n_orientations: int,
) -> NDArray[np.float64]:
    """Return the correlations of the pixels of pairs of thumbnails.

    Parameters
    ----------
    thumbnails : sequence of ndarray of shape (32, 32)
        The results of `make_thumbnail`.
    left, right : ndarray of shape (n_pairs,), dtype intp
        The thumbnails of each pair.
    n_orientations : int
        The number of orientations of the left thumbnails to try. The greatest correlation counts.

    Returns
    -------
    ndarray of shape (n_pairs,), dtype float64
        The correlations, from -1 to 1; NaN if a thumbnail is NaN.
    """
    correlations = np.empty(len(left))
    if not len(left):
        return correlations
    squares = np.stack(thumbnails)
    for start in range(0, len(left), _BLOCK):
        block = slice(start, start + _BLOCK)
        one, other = squares[left[block]], squares[right[block]]
        ways = [
            np.einsum("nij,nij->n", orient(one, way), other)
            for way in ORIENTATIONS[:n_orientations]
        ]
        correlations[block] = np.max(ways, axis=0)
    return correlations
