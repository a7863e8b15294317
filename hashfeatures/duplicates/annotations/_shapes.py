"""Boxes and masks of objects: mapped from one image to another, clipped, and overlaid."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Boxes = NDArray[np.float64]
Matrix = NDArray[np.float64]
Polygons = Sequence[NDArray[np.float64]]

WHOLE = np.array([0.0, 0.0, 1.0, 1.0])
"""The box of a whole image. Boxes are left, top, right and bottom, in shares of its sides."""

# The longer side of what two masks are drawn into, in pixels. Their box fills it, so that small
# objects are as exact as large ones.
_SIDE = 128


def as_matrix(affine: NDArray[np.float32]) -> Matrix:
    """Return an affine map (a, b, c, d, e, f), see `align_pairs`, as a matrix of shape (3, 3)."""
    return np.vstack([np.reshape(affine, (2, 3)).astype(np.float64), [0.0, 0.0, 1.0]])


def map_points(points: NDArray[np.float64], matrix: Matrix) -> NDArray[np.float64]:
    """Map points of shape (..., 2)."""
    mapped: NDArray[np.float64] = points @ matrix[:2, :2].T + matrix[:2, 2]
    return mapped


def map_boxes(boxes: Boxes, matrix: Matrix) -> Boxes:
    """Map boxes, and return the upright boxes that enclose the results.

    Parameters
    ----------
    boxes : ndarray of shape (n_boxes, 4)
        Left, top, right and bottom.
    matrix : ndarray of shape (3, 3)
        The map.

    Returns
    -------
    ndarray of shape (n_boxes, 4)
        The boxes around the mapped corners.

    Examples
    --------
    >>> import numpy as np
    >>> from hashfeatures.duplicates.annotations._shapes import map_boxes
    >>> mirrored = np.array([[-1.0, 0, 1], [0, 1, 0], [0, 0, 1]])
    >>> map_boxes(np.array([[0.25, 0, 0.5, 1]]), mirrored).tolist()
    [[0.5, 0.0, 0.75, 1.0]]
    """
    corners = map_points(boxes[:, [[0, 1], [2, 1], [0, 3], [2, 3]]], matrix)
    return np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1)


def clip_boxes(boxes: Boxes, frame: Boxes) -> Boxes:
    """Cut boxes to a frame. Those outside become empty, at its edge."""
    return np.clip(boxes, frame[[0, 1, 0, 1]], frame[[2, 3, 2, 3]])


def measure_areas(boxes: Boxes) -> NDArray[np.float64]:
    """Return the areas of boxes of shape (..., 4); 0 where they are empty."""
    sides = np.maximum(boxes[..., 2:] - boxes[..., :2], 0)
    areas: NDArray[np.float64] = sides[..., 0] * sides[..., 1]
    return areas


def intersect(left: Boxes, right: Boxes) -> NDArray[np.float64]:
    """Return the areas that boxes share: (n_left, n_right)."""
    low = np.maximum(left[:, None, :2], right[None, :, :2])
    high = np.minimum(left[:, None, 2:], right[None, :, 2:])
    return measure_areas(np.concatenate([low, high], axis=2))


def overlay_masks(
    mask: Polygons, other: Polygons, box: Boxes, frame: Boxes
) -> tuple[float, float, float]:
    """Measure two masks, and what they share, in a part of an image.

    Parameters
    ----------
    mask, other : sequence of ndarray of shape (n_points, 2)
        The polygons of each mask, which may overlap.
    box : ndarray of shape (4,)
        A box around both masks.
    frame : ndarray of shape (4,)
        What lies outside is ignored.

    Returns
    -------
    tuple of float
        The areas of the first mask, of the other, and of what they share, in one unit.
    """
    low, high = np.maximum(box[:2], frame[:2]), np.minimum(box[2:], frame[2:])
    sides = high - low
    if sides.min() <= 0:
        return 0.0, 0.0, 0.0
    width, height = np.maximum(np.round(_SIDE * sides / sides.max()), 1).astype(int).tolist()
    scale = np.array([width, height]) / sides
    drawn = [_draw(polygons, low, scale, (width, height)) for polygons in (mask, other)]
    shared = drawn[0] & drawn[1]
    return float(drawn[0].sum()), float(drawn[1].sum()), float(shared.sum())


def _draw(
    polygons: Polygons,
    origin: NDArray[np.float64],
    scale: NDArray[np.float64],
    size: tuple[int, int],
) -> NDArray[np.bool_]:
    from PIL import Image, ImageDraw

    picture = Image.new("1", size)
    draw = ImageDraw.Draw(picture)
    for polygon in polygons:
        # Pillow fills the pixels whose places a polygon touches: their centers, half a pixel off.
        places = (np.reshape(polygon, (-1, 2)) - origin) * scale - 0.5
        if len(places) >= 3:
            draw.polygon([(float(x), float(y)) for x, y in places], fill=1)
    return np.asarray(picture, dtype=bool)
