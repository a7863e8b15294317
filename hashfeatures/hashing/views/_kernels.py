"""The loops of borders and views, compiled by numba."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types

from ..._utils.compiling import compile_loop, inline

# The share of pixels in the outermost line of a border that differ from its color by at most
# `_ROUNDING`.
_PLAIN = 0.98
_ROUNDING = 2


@compile_loop(
    types.int64(types.Array(types.uint8, 1, "A", readonly=True), types.int64, types.int64),
)
def _count_near(line: Any, color: Any, near: Any) -> Any:  # pragma: no cover (compiled)
    n_near = 0
    for pixel in line:
        n_near += abs(np.int64(pixel) - color) <= near
    return n_near


@inline
def _median(levels: Any) -> Any:  # pragma: no cover (compiled)
    """Return the median, rounded down. That of numpy makes numba import its linear algebra."""
    counts = np.zeros(256, np.int64)
    for level in levels:
        counts[level] += 1
    n_passed, level = counts[0], 0
    while 2 * n_passed < len(levels):
        level += 1
        n_passed += counts[level]
    upper = level
    while 2 * n_passed == len(levels) and upper < 255:
        upper += 1
        if counts[upper]:
            break
    return (level + upper) // 2


@compile_loop(
    types.int64(types.Array(types.uint8, 2, "A", readonly=True), types.int64, types.float64),
)
def count_border_lines(lines: Any, near: Any, share: Any) -> Any:  # pragma: no cover (compiled)
    """Count the first lines in which at least `share` of the pixels have the border's color.

    Parameters
    ----------
    lines : ndarray of shape (n_lines, n_pixels), dtype uint8
        The lines from the edge inwards. The color is the median of the first line. If that line
        is not of one color but for rounding, there is no border, as in skies and at night.
    near : int
        The greatest difference of a pixel from the color. It allows for JPEG noise.
    share : float
        The least share of such pixels in a line.

    Returns
    -------
    int
        The number of lines before the first that does not belong to the border.
    """
    n_lines, n_pixels = lines.shape
    color = _median(lines[0])
    if _count_near(lines[0], color, _ROUNDING) < _PLAIN * n_pixels:
        return 0
    for line in range(n_lines):
        if _count_near(lines[line], color, near) < share * n_pixels:
            return line
    return n_lines


@compile_loop(
    types.Array(types.float32, 3, "C")(
        types.Array(types.uint8, 2, "C", readonly=True),
        types.Array(types.float32, 2, "C", readonly=True),
        types.int64,
    ),
    fastmath=True,
)
def sample_views(square: Any, maps: Any, side: Any) -> Any:  # pragma: no cover (compiled)
    """Sample square views of an image, each through an affine map.

    Parameters
    ----------
    square : ndarray of shape (n, n), dtype uint8
        The image, resized to a square.
    maps : ndarray of shape (n_views, 6), dtype float32
        For each view: x and y in the square, from 0 to 1, are ``a * x + b * y + c`` and
        ``d * x + e * y + f`` of x and y in the view, from 0 to 1.
    side : int
        The number of pixels a side of the views. Each is the sum of four bilinear samples.

    Returns
    -------
    ndarray of shape (n_views, side, side), dtype float32
        The views. Points outside of the square take the value of its nearest pixel.
    """
    n = len(square)
    nothing = np.float32(0)
    last = np.float32(n - 1)
    step = np.float32(1.0 / (2 * side))
    half = np.float32(0.5)
    views = np.zeros((len(maps), side, side), np.float32)
    for view in range(len(maps)):
        a, b, c, d, e, f = maps[view] * np.float32(n)
        for row in range(2 * side):
            y = (np.float32(row) + half) * step
            across = b * y + c - half
            down = e * y + f - half
            line = views[view, row // 2]
            for column in range(2 * side):
                x = (np.float32(column) + half) * step
                right = np.minimum(np.maximum(a * x + across, nothing), last)
                below = np.minimum(np.maximum(d * x + down, nothing), last)
                i = np.minimum(np.int64(below), n - 2)
                j = np.minimum(np.int64(right), n - 2)
                v = below - np.float32(i)
                u = right - np.float32(j)
                upper = square[i, j] + (np.float32(square[i, j + 1]) - square[i, j]) * u
                lower = (
                    square[i + 1, j] + (np.float32(square[i + 1, j + 1]) - square[i + 1, j]) * u
                )
                line[column // 2] += upper + (lower - upper) * v
    return views
