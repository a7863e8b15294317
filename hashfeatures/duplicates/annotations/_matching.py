"""Whether the objects of two images of the same scene agree, and which do not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ._shapes import (
    WHOLE,
    Boxes,
    Matrix,
    clip_boxes,
    intersect,
    map_boxes,
    map_points,
    measure_areas,
    overlay_masks,
)

CLASS_DIFFERS = "class differs"
BOX_DIFFERS = "box differs"
MASK_DIFFERS = "mask differs"
MISSING_IN_RIGHT = "missing in right"
MISSING_IN_LEFT = "missing in left"
KINDS = (CLASS_DIFFERS, BOX_DIFFERS, MASK_DIFFERS, MISSING_IN_RIGHT, MISSING_IN_LEFT)

# Two objects of one class that overlap by less are not one object in different boxes.
_LEAST_OVERLAP = 0.1
# An object of which less lies in the frame of a copy need not be annotated there, and one of
# which more lies in a crowd is part of the crowd, as COCO counts them.
_HALF = 0.5
# An object narrower than so many tolerances is too small for its mask to say more than its box.
_SMALL = 4.0
# Breaks ties between boxes in one place in favor of the same class.
_SAME_CLASS = 0.1


class Disagreement(NamedTuple):
    """An object on which two images disagree.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
    left, right : int
        The place of the object in each image; -1 where it is missing.
    iou : float
        The intersection over union of its shapes; NaN where it is missing.
    """

    kind: str
    left: int
    right: int
    iou: float


@dataclass(frozen=True)
class ImageObjects:
    """The annotated objects of an image.

    Parameters
    ----------
    classes : ndarray of shape (n_objects,), dtype intp
        The class of each; -1 where it is not known.
    boxes : ndarray of shape (n_objects, 4)
        Left, top, right and bottom, in shares of the sides of the image.
    polygons : ndarray of shape (n_objects,), dtype object
        The polygons of each mask, as lists of arrays of shape (n_points, 2); None without a mask.
    crowd : ndarray of shape (n_objects,), dtype bool
        Whether a box holds a crowd of objects, not all of which are annotated.
    """

    classes: NDArray[np.intp]
    boxes: Boxes
    polygons: NDArray[Any]
    crowd: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.classes)

    def mapped(self, matrix: Matrix) -> ImageObjects:
        """Return the objects as they are in another image."""
        polygons = self.polygons.copy()
        for place, parts in enumerate(self.polygons):
            if parts is not None:
                polygons[place] = [map_points(np.reshape(part, (-1, 2)), matrix) for part in parts]
        return ImageObjects(self.classes, map_boxes(self.boxes, matrix), polygons, self.crowd)


def compare_objects(
    left: ImageObjects,
    right: ImageObjects,
    matrix: Matrix,
    min_iou: float,
    tolerance: float = 0.0,
) -> list[Disagreement]:
    """List the objects on which two images disagree.

    Parameters
    ----------
    left, right : ImageObjects
        The objects of each image.
    matrix : ndarray of shape (3, 3)
        The map of the points of the left image to those of the right one.
    min_iou : float
        The least intersection over union, 0 to 1, of one object in both.
    tolerance : float, default=0.0
        Boxes also agree if each of their sides is within this share of the right image, as the
        map is no more exact than that.

    Returns
    -------
    list of Disagreement
        Those of both images first, then the objects that are missing in one.
    """
    mapped = left.mapped(matrix)
    # What both images show, as a box in the right one.
    frame = clip_boxes(map_boxes(WHOLE[None], matrix), WHOLE)[0]
    overlay = _Overlay(mapped, right, frame)
    agrees = (overlay.iou >= min_iou) | overlay.are_close(tolerance)
    single = ~left.crowd[:, None] & ~right.crowd
    weight = np.where(agrees & single, overlay.iou + _SAME_CLASS * overlay.same + 1e-3, 0.0)
    found = []
    left_over, right_over = ~left.crowd, ~right.crowd
    for one, other in _assign(weight):
        left_over[one] = right_over[other] = False
        if not overlay.same[one, other] and overlay.both_in_frame[one, other]:
            found.append(Disagreement(CLASS_DIFFERS, one, other, overlay.iou[one, other]))
    overlaps = np.maximum(overlay.iou, overlay.box_iou) >= _LEAST_OVERLAP
    loose = overlaps & overlay.same & left_over[:, None] & right_over
    for one, other in _assign(np.where(loose, overlay.iou + 1e-3, 0.0)):
        left_over[one] = right_over[other] = False
        if overlay.both_in_frame[one, other]:
            has_masks = overlay.has_masks[one, other] and overlay.box_iou[one, other] >= min_iou
            kind = MASK_DIFFERS if has_masks else BOX_DIFFERS
            found.append(Disagreement(kind, one, other, overlay.iou[one, other]))
    in_crowd = overlay.are_in_crowds()
    for side, (is_over, kind) in enumerate(
        [(left_over, MISSING_IN_RIGHT), (right_over, MISSING_IN_LEFT)]
    ):
        for place in np.flatnonzero(is_over & overlay.in_frame[side] & ~in_crowd[side]).tolist():
            one, other = (place, -1) if side == 0 else (-1, place)
            found.append(Disagreement(kind, one, other, float("nan")))
    return found


class _Overlay:
    """The objects of two images in one frame.

    Parameters
    ----------
    left, right : ImageObjects
        The objects, with places in one image.
    frame : ndarray of shape (4,)
        What both images show.
    """

    def __init__(self, left: ImageObjects, right: ImageObjects, frame: Boxes) -> None:
        self._frame = frame
        self._sides = left, right
        self._clipped = [clip_boxes(side.boxes, frame) for side in (left, right)]
        self._areas = [measure_areas(boxes) for boxes in self._clipped]
        self.in_frame = [self._are_in_frame(number) for number in (0, 1)]
        known = (left.classes[:, None] >= 0) & (right.classes >= 0)
        self.same = (left.classes[:, None] == right.classes) | ~known
        self._shared = intersect(*self._clipped)
        union = self._areas[0][:, None] + self._areas[1] - self._shared
        self.box_iou = np.divide(self._shared, union, out=np.zeros_like(union), where=union > 0)
        has_mask = [np.array([parts is not None for parts in side.polygons], dtype=bool)
                    for side in (left, right)]  # fmt: skip
        self.has_masks = has_mask[0][:, None] & has_mask[1]
        self.both_in_frame = self.in_frame[0][:, None] & self.in_frame[1]
        self.iou = self.box_iou.copy()
        for one, other in np.argwhere(self.has_masks & (self.box_iou >= _LEAST_OVERLAP)).tolist():
            area, other_area, shared = self._overlay_masks(one, other)
            self.iou[one, other] = shared / max(area + other_area - shared, 1.0)

    def are_close(self, tolerance: float) -> NDArray[np.bool_]:
        """Return which boxes have their sides in nearly one place: (n_left, n_right).

        Of two masks in boxes of one place that says nothing, unless these are small.
        """
        left, right = self._clipped
        far = np.abs(left[:, None] - right[None]).max(axis=2, initial=0)
        is_small = (left[:, 2:] - left[:, :2]).min(axis=1, initial=1) <= _SMALL * tolerance
        near: NDArray[np.bool_] = (far <= tolerance) & (~self.has_masks | is_small[:, None])
        return near & self.both_in_frame

    def are_in_crowds(self) -> list[NDArray[np.bool_]]:
        """Return which objects of each side lie in a crowd of their class on the other."""
        left, right = self._sides
        inside = []
        for number, crowd in enumerate(
            (right.crowd[None] & self.same, left.crowd[None] & self.same.T)
        ):
            shared = self._shared if number == 0 else self._shared.T
            covered = shared >= _HALF * self._areas[number][:, None]
            has_masks = self.has_masks if number == 0 else self.has_masks.T
            for one, other in np.argwhere(crowd & covered & has_masks).tolist():
                pair = (one, other) if number == 0 else (other, one)
                *areas, both = self._overlay_masks(*pair)
                covered[one, other] = both >= _HALF * areas[number]
            inside.append((crowd & covered).any(axis=1))
        return inside

    def _overlay_masks(self, one: int, other: int) -> tuple[float, float, float]:
        left, right = self._sides
        boxes = np.stack([left.boxes[one], right.boxes[other]])
        around = np.concatenate([boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)])
        return overlay_masks(left.polygons[one], right.polygons[other], around, self._frame)

    def _are_in_frame(self, number: int) -> NDArray[np.bool_]:
        """Return which objects lie in the frame for the greater part."""
        boxes, clipped = self._sides[number].boxes, self._clipped[number]
        # By sides, as a box may be a line.
        sides, inside = (each[:, 2:] - each[:, :2] for each in (boxes, clipped))
        share = np.divide(inside, sides, out=np.ones_like(sides), where=sides > 0).prod(axis=1)
        middle = (boxes[:, :2] + boxes[:, 2:]) / 2
        is_near = ((middle >= self._frame[:2]) & (middle <= self._frame[2:])).all(axis=1)
        is_in: NDArray[np.bool_] = (share >= _HALF) & is_near
        return is_in


def _assign(weight: NDArray[np.float64]) -> Iterator[tuple[int, int]]:
    """Yield the pairs of rows and columns of the greatest sum; those of weight 0 are not pairs."""
    if not weight.any():
        return
    from scipy.optimize import linear_sum_assignment  # here, as it is slow to import

    for row, column in zip(*linear_sum_assignment(weight, maximize=True), strict=True):
        if weight[row, column] > 0:
            yield int(row), int(column)
