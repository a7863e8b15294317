"""Uniform borders around a picture: letterbox and pillarbox bars, frames, captions."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from PIL import Image

from ..._utils.kernels import load_kernels
from ...images._flatten import convert
from .._planes import Pixels

# The greatest difference, of 255, of border pixels from its color. It allows for JPEG noise.
_NEAR = 16
# The least share of such pixels in a line of the border.
_UNIFORM = 0.9
# The same for borders with text.
_WRITTEN = 0.6
# The least share of each side that the picture takes up. Otherwise the image has no border.
_LEAST = 0.2


class Box(NamedTuple):
    """A rectangle in an image, in pixels, as Pillow counts them."""

    left: int
    top: int
    right: int
    bottom: int


def find_picture(luma: Pixels, *, with_text: bool = False) -> Box:
    """Find the picture inside uniform borders.

    A border consists of whole lines. All but a few of their pixels have nearly the color of the
    outermost line. So bars are also found in JPEG files, and a dark corner is not a border.

    Parameters
    ----------
    luma : ndarray of shape (height, width), dtype uint8
        The image.
    with_text : bool, default=False
        Whether lines with text belong to a border too, as in bands with a caption.

    Returns
    -------
    Box
        The picture, or the whole image if it has no border or consists of border only.

    Examples
    --------
    >>> import numpy as np
    >>> from hashfeatures.hashing.views._borders import find_picture
    >>> luma = np.zeros((100, 80), dtype=np.uint8)
    >>> luma[10:90] = np.indices((80, 80)).sum(axis=0) % 10 * 25
    >>> find_picture(luma)
    Box(left=0, top=10, right=80, bottom=90)
    """
    share = _WRITTEN if with_text else _UNIFORM
    height, width = luma.shape
    left, top, right, bottom = 0, 0, width, height
    # Bars at the sides may hide those at the top and bottom, and vice versa. Each direction is cut
    # at most once, as repeated cuts would remove a soft gradient line by line.
    for _ in range(2):
        first, last = _count_lines(luma[:, left:right], share)
        if top == 0 and bottom == height and last - first >= _LEAST * height:
            top, bottom = first, last
        first, last = _count_lines(luma[top:bottom].T, share)
        if left == 0 and right == width and last - first >= _LEAST * width:
            left, right = first, last
    return Box(left, top, right, bottom)


def find_inside(image: Image.Image) -> Box:
    """Find the part of an image inside uniform borders, see `find_picture`."""
    return find_picture(np.asarray(convert(image, "L")))


def _count_lines(lines: Pixels, share: float) -> tuple[int, int]:
    """Return the first line of the picture, and the one after its last."""
    count = load_kernels("hashing.views").count_border_lines
    return count(lines, _NEAR, share), len(lines) - count(lines[::-1], _NEAR, share)
