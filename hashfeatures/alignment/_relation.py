"""What was done to one picture to get another, in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._geometry import Geometry
from ._tones import Light, name_colors

Rows = NDArray[np.intp]

_DESCRIBED = 512  # pairs at a time, whose samples stay in the processor's cache


def describe_relations(
    maps: NDArray[np.float32],
    luma: NDArray[np.uint8],
    chroma: NDArray[np.uint8],
    sizes: NDArray[Any],
    n_pixels: NDArray[np.int64],
    left: Rows,
    right: Rows,
) -> list[str]:
    """Describe what was done to the pictures on the left to get those on the right.

    Parameters
    ----------
    maps : ndarray of shape (n_pairs, 6), dtype float32
        The affine maps from left to right, see `align_pairs`.
    luma : ndarray of shape (n_pictures, side, side), dtype uint8
        The luma of each picture, squeezed to a square.
    chroma : ndarray of shape (n_pictures, 3, 3, 2), dtype uint8
        The mean Cb and Cr of nine cells.
    sizes : ndarray of shape (n_pictures, 2)
        The width and the height of what the thumbnail shows, which a decoder may have halved.
    n_pixels : ndarray of shape (n_pictures,), dtype int64
        The number of pixels of the image; 0 where it is not known.
    left, right : ndarray of shape (n_pairs,), dtype intp
        The pictures of each pair.

    Returns
    -------
    list of str
        A text for each pair, such as "mirrored, cropped by 6 % at the left and darker". Shares
        are of the sides of the left picture. "recompressed" where no change can be seen.

    Examples
    --------
    >>> import numpy as np
    >>> from hashfeatures.alignment._relation import describe_relations
    >>> luma = np.arange(2 * 64 * 64).reshape(2, 64, 64).astype(np.uint8)
    >>> gray = np.full((2, 3, 3, 2), 128, dtype=np.uint8)
    >>> sizes, n_pixels = np.array([[400, 300], [360, 300]]), np.array([120_000, 108_000])
    >>> cut = np.array([[1 / 0.9, 0, -0.1 / 0.9, 0, 1, 0]], dtype=np.float32)
    >>> one, other = np.array([0]), np.array([0])
    >>> describe_relations(cut, luma, gray, sizes, n_pixels, one, other + 1)[0].split(" and")[0]
    'cropped by 10 % at the left'
    """
    texts: list[str] = []
    for start in range(0, len(left), _DESCRIBED):
        block = slice(start, start + _DESCRIBED)
        texts += _describe_block(
            maps[block], luma, chroma, sizes, n_pixels, left[block], right[block]
        )
    return texts


def _describe_block(
    maps: NDArray[np.float32],
    luma: NDArray[np.uint8],
    chroma: NDArray[np.uint8],
    sizes: NDArray[Any],
    n_pixels: NDArray[np.int64],
    left: Rows,
    right: Rows,
) -> list[str]:
    geometry = Geometry(maps, sizes, n_pixels, left, right)
    light = Light(maps, luma, left, right)
    colors = name_colors(chroma, left, right, geometry, light)
    is_recolored = np.array([text == "in other colors" for text in colors])
    shapes = [
        geometry.name_turns(),
        geometry.name_rotations(),
        *geometry.name_frames(luma, right),
        geometry.name_stretches(),
        geometry.name_sizes(),
    ]
    looks = [
        light.name_brightness(is_recolored),
        light.name_contrasts(),
        light.name_retouched(geometry.is_reframed | is_recolored),
        colors,
    ]
    shapes_of_pairs, looks_of_pairs = (zip(*texts, strict=True) for texts in (shapes, looks))
    return [
        _join(shape, look) for shape, look in zip(shapes_of_pairs, looks_of_pairs, strict=True)
    ]


def _join(shapes: Sequence[str], looks: Sequence[str]) -> str:
    """Return a text of what is named of the shape and of the look of a pair."""
    *others, last = [text for text in (*shapes, *looks) if text] or ["recompressed"]
    if not others:
        return last
    start = ", ".join(others)
    if not any(looks):
        return f"{start}, {last}"
    # A pair of sides has an "and" of its own.
    return f"{start}, and {last}" if " and " in start else f"{start} and {last}"
