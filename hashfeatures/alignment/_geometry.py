"""Words for how one picture lies in another, by the affine map between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._align import ORIENTATION_MAPS

Floats = NDArray[np.float64]
Rows = NDArray[np.intp]
Marks = NDArray[np.bool_]

_SIDES = ("left", "top", "right", "bottom")
# In the order of `ORIENTATION_MAPS`.
_TURNS = (
    *("", "mirrored", "flipped", "turned by 180°", "turned by 90° to the left"),
    *("turned by 90° to the right", "mirrored and turned by 90° to the left"),
    "mirrored and turned by 90° to the right",
)

# The least changes that are named. Alignments are off by less.
_LEAST_DEGREES = 0.6
_LEAST_SHARE = 0.006  # of a side that is cut off or added
_LEAST_SHARE_ROTATED = 0.01  # the frame of a rotated picture is less certain
_LEAST_STRETCH = 0.03
_LEAST_RESIZE = 0.02

_CUT_PER_DEGREE = 0.02

# Borders are sampled along lines at these shares of their width, clear of most captions.
_BORDER_LINES = (0.8, 0.95)
_POINTS_OF_LINE = 16
_THIN = 1.5  # pixels of a thumbnail: such a border mixes with the picture beside it
_NEAR = 6  # of 255, from the color of a border
_UNIFORM = 0.6  # of the points of a border
_DULL = 0.75  # times the spread of the picture beside a thin border


class Geometry:
    """How the frames of pairs lie to each other, in the pixels of the files."""

    def __init__(
        self,
        maps: NDArray[np.float32],
        sizes: NDArray[Any],
        n_pixels: NDArray[np.int64],
        left: Rows,
        right: Rows,
    ) -> None:
        whole = _as_matrices(maps.astype(np.float64))
        sizes = np.maximum(sizes, 1).astype(np.float64)  # an image that failed has none
        area = sizes.prod(axis=1)
        # A decoder reduces an image to a half, a quarter or an eighth.
        reduction = 2.0 ** np.floor(np.log2(np.sqrt(np.maximum(n_pixels, area) / area)) + 0.1)
        self._has_sizes = (n_pixels[left] > 0) & (n_pixels[right] > 0)
        pixels = sizes * reduction[:, None]
        inside = whole[:, :2, :2] * pixels[right][:, :, None] / pixels[left][:, None, :]
        turns = _as_matrices(np.array(ORIENTATION_MAPS, dtype=np.float64))
        self.turn = np.einsum("nij,kij->nk", inside, turns[:, :2, :2]).argmax(axis=1)
        turn = turns[self.turn]
        # What is left of the map behind the turn.
        straight = inside @ np.swapaxes(turn[:, :2, :2], 1, 2)
        self._angle = np.degrees(
            np.arctan2(
                straight[:, 1, 0] - straight[:, 0, 1], straight[:, 0, 0] + straight[:, 1, 1]
            )
        )
        radians = np.radians(self._angle)
        cosine, sine = np.cos(radians), np.sin(radians)
        back = np.stack([cosine, sine, -sine, cosine], axis=1).reshape(-1, 2, 2)
        scale = back @ straight
        self._across = np.maximum(np.abs(scale[:, 0, 0]), 1e-6)
        self._down = np.maximum(np.abs(scale[:, 1, 1]), 1e-6)
        self._straight_map = whole @ np.linalg.inv(turn)
        is_upright = (np.abs(turn[:, 0, 0]) > 0.5)[:, None]
        ours = np.where(is_upright, pixels[left], pixels[left][:, ::-1])
        self._cuts = _find_cuts(
            self._straight_map,
            pixels[right] / np.stack([self._across, self._down], axis=1) / ours,
        )
        self._is_rotated = np.abs(self._angle) >= _LEAST_DEGREES
        least = np.where(self._is_rotated, _LEAST_SHARE_ROTATED, _LEAST_SHARE)
        self._cuts[np.abs(self._cuts) < least[:, None]] = 0
        most_cut = np.abs(self._cuts).max(axis=1)
        # How far apart the cells of both pictures lie, as a share of a side.
        self.displacement = most_cut + _CUT_PER_DEGREE * np.abs(self._angle) * self._is_rotated
        self._ratio = self._across / self._down
        is_stretched = np.maximum(self._ratio, 1 / self._ratio) - 1 >= _LEAST_STRETCH
        self.is_reframed = self._is_rotated | is_stretched | (most_cut > 0)

    def name_turns(self) -> list[str]:
        """Name mirrored images and those turned by quarters."""
        return [_TURNS[turn] for turn in self.turn]

    def name_rotations(self) -> list[str]:
        """Name rotations by a few degrees."""
        return [
            f"rotated by {abs(round(angle))}° to the {'right' if angle > 0 else 'left'}"
            if abs(angle) >= _LEAST_DEGREES
            else ""
            for angle in self._angle.tolist()
        ]

    def name_frames(
        self, luma: NDArray[np.uint8], right: Rows
    ) -> tuple[list[str], list[str], list[str]]:
        """Name what is cut off at the sides, the uniform borders, and what is new beside them."""
        is_added = self._cuts < 0
        is_border = np.zeros((len(right), 1), dtype=bool)
        extended = np.flatnonzero(is_added.any(axis=1))
        is_uniform = _are_uniform(
            luma, right[extended], self._straight_map[extended], -self._cuts[extended]
        )
        is_border[extended, 0] = (is_uniform | ~is_added[extended]).all(axis=1)
        parts = (
            ("cropped by", np.where(is_added, 0, self._cuts)),
            ("with a border of", np.where(is_added & is_border, -self._cuts, 0)),
            ("extended by", np.where(is_added & ~is_border, -self._cuts, 0)),
        )
        cropped, bordered, new = (
            [_name_sides(doing, sides) if any(sides) else "" for sides in shares.tolist()]
            for doing, shares in parts
        )
        return cropped, bordered, new

    def name_stretches(self) -> list[str]:
        """Name changes of the proportions of what is shown."""
        texts = []
        for ratio in self._ratio.tolist():
            more = max(ratio, 1 / ratio) - 1
            side = "width" if ratio > 1 else "height"
            texts.append(f"stretched by {more:.0%} in {side}" if more >= _LEAST_STRETCH else "")
        return [_space_percent(text) for text in texts]

    def name_sizes(self) -> list[str]:
        """Name changes of the size of what is shown."""
        scale = np.sqrt(self._across * self._down)
        named = self._has_sizes & (np.abs(scale - 1) >= _LEAST_RESIZE)
        return [
            _space_percent(f"resized to {share:.0%}") if is_named else ""
            for share, is_named in zip(scale.tolist(), named.tolist(), strict=True)
        ]


def _as_matrices(maps: Floats) -> Floats:
    matrices = np.zeros((len(maps), 3, 3))
    matrices[:, :2] = maps.reshape(-1, 2, 3)
    matrices[:, 2, 2] = 1
    return matrices


def _find_cuts(maps: Floats, extents: Floats) -> Floats:
    """Return the shares that are cut off at the left, top, right and bottom; negative if added.

    The frame of the right picture has its center and its width and height, `extents`, in the left
    one. Its rotation does not matter.
    """
    center = np.linalg.solve(maps[:, :2, :2], (0.5 - maps[:, :2, 2])[:, :, None])[:, :, 0]
    return np.concatenate([center - extents / 2, 1 - center - extents / 2], axis=1)


def _are_uniform(luma: NDArray[np.uint8], rows: Rows, maps: Floats, widths: Floats) -> Marks:
    """Return which sides have a border of one color, shape (n_pairs, 4).

    `maps` take points of the left picture, in the orientation of the right one, to the right one.
    A line of writing leaves most of a border in its color.
    """
    side = luma.shape[1]
    along = np.linspace(0.04, 0.96, _POINTS_OF_LINE)
    marks = np.empty(widths.shape, dtype=bool)
    for number in range(len(_SIDES)):
        width = widths[:, number, None]
        lines = []
        # The last line lies in the picture, two pixels from its edge.
        for depth in (*(share * width for share in _BORDER_LINES), -2 / side):
            across = np.broadcast_to(-depth if number < 2 else 1 + depth, (len(rows), len(along)))
            x, y = (across, along) if number % 2 == 0 else (along, across)
            places = [
                maps[:, row, :1] * x + maps[:, row, 1:2] * y + maps[:, row, 2:] for row in (0, 1)
            ]
            columns, lows = (np.clip((place * side).astype(int), 0, side - 1) for place in places)
            lines.append(luma[rows[:, None], lows, columns].astype(np.float64))
        border = np.concatenate(lines[:-1], axis=1)
        is_near = np.abs(border - np.median(border, axis=1, keepdims=True)) <= _NEAR
        is_dull = lines[-2].std(axis=1) <= _DULL * lines[-1].std(axis=1)
        is_thin = width[:, 0] * side < _THIN
        marks[:, number] = (is_near.mean(axis=1) >= _UNIFORM) | (is_thin & is_dull)
    return marks


def _name_sides(doing: str, shares: Sequence[float]) -> str:
    """Name the sides and their shares, equal ones together."""
    named = [
        (side, max(1, round(100 * share)))
        for side, share in zip(_SIDES, shares, strict=True)
        if share
    ]
    percents = [percent for _, percent in named]
    if max(percents) - min(percents) <= 1:
        mean = max(1, round(100 * sum(shares) / len(named)))
        if len(named) == len(_SIDES):
            return f"{doing} {mean} % at each side"
        return f"{doing} {mean} % at the {_enumerate([side for side, _ in named])}"
    return f"{doing} {_enumerate([f'{percent} % at the {side}' for side, percent in named])}"


def _enumerate(texts: Sequence[str]) -> str:
    return " and ".join([", ".join(texts[:-1]), texts[-1]] if len(texts) > 1 else texts)


def _space_percent(text: str) -> str:
    return text.replace("%", " %")
