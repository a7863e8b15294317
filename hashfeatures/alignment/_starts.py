"""Maps at which alignments start: where a copy may lie in its original."""

from __future__ import annotations

from functools import cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

from ._align import ORIENTATION_MAPS

Maps = NDArray[np.float32]

# Shares of the width and of the height that are cut off at the left, top, right and bottom.
# Alignments find crops of less on their own.
_BORDERS = (
    *((0.0, 0.12, 0.0, 0.0), (0.0, 0.0, 0.0, 0.12), (0.0, 0.2, 0.0, 0.0), (0.0, 0.0, 0.0, 0.2)),
    *((0.1, 0.0, 0.1, 0.0), (0.0, 0.1, 0.0, 0.1), (0.06, 0.06, 0.06, 0.06)),
)
# The sides of windows, in sides of the picture, and their places from one end to the other.
_SIDES = (1.0, 0.75, 0.55)
_PLACES = (0.0, 0.5, 1.0)


@cache
def orientations(n_orientations: int) -> Maps:
    """Return the maps to a picture in its first orientations, shape (n_orientations, 6)."""
    return np.array(ORIENTATION_MAPS[:n_orientations], dtype=np.float32)


@cache
def bordered_orientations(n_orientations: int) -> Maps:
    """Return the maps to a picture in its first orientations, with and without borders.

    Borders, bars and captions are of a tenth to a fifth of a side.
    """
    windows = [_window(0, 0, 0, 0), *(_window(*border) for border in _BORDERS)]
    turns = [_as_matrix(turn) for turn in ORIENTATION_MAPS[:n_orientations]]
    return np.array(
        [(window @ turn)[:2].ravel() for turn, window in product(turns, windows)],
        dtype=np.float32,
    )


@cache
def large_crops() -> Maps:
    """Return the maps to a picture and to crops that leave from 55 to 100 % of each side."""
    spans = {
        (place * (1 - side), (1 - place) * (1 - side)) for side, place in product(_SIDES, _PLACES)
    }
    windows = [
        _window(left, top, right, bottom)
        for (left, right), (top, bottom) in product(sorted(spans), repeat=2)
    ]
    return np.array([window[:2].ravel() for window in windows], dtype=np.float32)


def _window(left: float, top: float, right: float, bottom: float) -> NDArray[np.float64]:
    """Return the map from a picture to a part of it, whose sides have length 1 too."""
    width, height = 1 - left - right, 1 - top - bottom
    return _as_matrix((1 / width, 0, -left / width, 0, 1 / height, -top / height))


def _as_matrix(affine: tuple[float, ...]) -> NDArray[np.float64]:
    return np.array([affine[:3], affine[3:], (0, 0, 1)], dtype=np.float64)
