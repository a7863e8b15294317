"""Read the label files of YOLO: one line per object, a class and shares of width and height."""

from __future__ import annotations

import math
import os
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..._utils.path_text import encoding_of, show_path
from ..._utils.regular_files import open_regular
from ...exceptions import LayoutError

# Class codes above this are taken for damage: they would be columns of the counts.
MOST_CLASSES = 100_000
# How far coordinates may lie outside of the image, as rounding moves them. Ultralytics' limit.
_TOLERANCE = 0.01
_N_BOX = 5


class YoloObject(NamedTuple):
    """One object of a label file; coordinates are shares of width and height, from 0 to 1."""

    class_id: int
    box: tuple[float, float, float, float]  # left, top, right, bottom
    polygon: NDArray[np.float64] | None  # of shape (n_points, 2)


def label_path(image: str) -> str:
    """Return the path of an image's labels: the last folder "images" becomes "labels".

    Examples
    --------
    >>> from hashfeatures.layouts.yolo._labels import label_path
    >>> label_path("/data/images/train/cat.jpg"), label_path("/data/cat.jpg")
    ('/data/labels/train/cat.txt', '/data/cat.txt')
    """
    above, folder, below = image.rpartition(f"{os.sep}images{os.sep}")
    place = f"{above}{os.sep}labels{os.sep}{below}" if folder else image
    return os.path.splitext(place)[0] + ".txt"


def read_objects(
    path: str, n_classes: int | None, keypoints: tuple[int, int] | None = None
) -> list[YoloObject] | None:
    """Return the objects in a label file.

    Parameters
    ----------
    path : str
        The file.
    n_classes : int or None
        The number of classes; None if unknown.
    keypoints : (int, int) or None
        The number of keypoints of an object, and of values for each.

    Returns
    -------
    list of YoloObject or None
        One for each line that is not blank; None if there is no such file.

    Raises
    ------
    LayoutError
        If the file cannot be read, or a line is not an object.
    """
    try:
        with open_regular(path) as file:
            data = file.read()
        text = data.decode(encoding_of(data))
    except FileNotFoundError:
        if not os.path.lexists(path):
            return None
        raise LayoutError(f"{show_path(path)} is a link to a file that does not exist.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise LayoutError(f"{show_path(path)} cannot be read as text: {error}.") from error
    objects = []
    for number, line in enumerate(text.splitlines(), 1):
        if words := line.split():
            try:
                objects.append(_parse(words, n_classes, keypoints))
            except ValueError as error:
                raise LayoutError(f"{show_path(path)}, line {number}: {error}.") from None
    return objects


def _parse(
    words: list[str], n_classes: int | None, keypoints: tuple[int, int] | None
) -> YoloObject:
    """Return the object of a line; raise ValueError with the reason if it is none."""
    numbers = list(map(_number, words))
    class_id = _check_class(numbers[0], words[0], n_classes)
    if keypoints is not None:
        n_points, n_values = keypoints
        expected = _N_BOX + n_points * n_values
        if len(numbers) != expected:
            raise ValueError(
                f"{len(numbers)} columns, but 'kpt_shape: [{n_points}, {n_values}]' needs "
                f"{expected}"
            )
        _check_inside(numbers[1:_N_BOX])
        for start in range(_N_BOX, expected, n_values):
            _check_inside(numbers[start : start + 2])
        return YoloObject(class_id, _box_around(numbers[1:_N_BOX]), None)
    _check_inside(numbers[1:])
    if len(numbers) == _N_BOX:
        return YoloObject(class_id, _box_around(numbers[1:]), None)
    if len(numbers) < 7 or len(numbers) % 2 == 0:
        raise ValueError(
            f"{len(numbers)} columns. A box has 5, 'class x y width height'. A polygon has a "
            f"class and at least three points, 'class x1 y1 x2 y2 x3 y3'"
        )
    polygon = np.clip(np.array(numbers[1:]).reshape(-1, 2), 0.0, 1.0)
    left, top = polygon.min(axis=0).tolist()
    right, bottom = polygon.max(axis=0).tolist()
    return YoloObject(class_id, (left, top, right, bottom), polygon)


def _number(word: str) -> float:
    try:
        number = float(word)
    except ValueError:
        raise ValueError(f"{word[:60]!r} is not a number") from None
    if not math.isfinite(number):
        raise ValueError(f"{word[:60]!r} is not a finite number")
    return number


def _check_class(number: float, word: str, n_classes: int | None) -> int:
    if not number.is_integer() or number < 0:
        raise ValueError(f"the class {word[:60]!r} is not a whole number from 0 on")
    if n_classes is not None and number >= n_classes:
        raise ValueError(
            f"class {int(number)}, but there are {n_classes} classes, from 0 to {n_classes - 1}"
        )
    if number >= MOST_CLASSES:
        raise ValueError(f"the class {word[:60]!r} is above the limit of {MOST_CLASSES:,} classes")
    return int(number)


def _check_inside(coordinates: list[float]) -> None:
    for coordinate in coordinates:
        if not -_TOLERANCE <= coordinate <= 1 + _TOLERANCE:
            raise ValueError(
                f"the coordinate {coordinate:g} is outside of the image. Coordinates are shares "
                f"of its width and height, from 0 to 1"
            )


def _box_around(center_and_size: list[float]) -> tuple[float, float, float, float]:
    x, y, width, height = center_and_size
    edges = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
    left, top, right, bottom = (min(max(edge, 0.0), 1.0) for edge in edges)
    return left, top, right, bottom
