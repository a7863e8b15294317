"""Words for how the light and the colors of two aligned pictures differ."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ._align import ORIENTATION_MAPS
from ._geometry import Geometry

Floats = NDArray[np.float64]
Rows = NDArray[np.intp]
Marks = NDArray[np.bool_]

# The least changes that are named.
_LEAST_BRIGHTNESS = 5.0  # of 255
_LEAST_CONTRAST = 1.13  # times
_LEAST_SATURATION = 1.25  # times
_LEAST_RECOLORING = 2.5  # of 255, in a third of the cells
_LEAST_TINT = 5.0  # of 255
_MOST_UNTINTED = 0.7  # of what a change of saturation leaves unexplained
_LEAST_RECOLORED = 0.35  # of the strength of the colors
_PER_TONE = 0.5  # what light and contrast change in the colors by themselves
# Cells of other frames show different parts of the picture.
_PER_CUT = 5.0
_MOST_CUT = 0.08
_NO_COLOR, _GRAY, _FAINT, _COLORED = 0.5, 1.0, 1.5, 2.5  # mean distances from gray, of 255
_LEAST_RETOUCH = 14.0  # of 255, in the mean over a block
_LEAST_CONTRADICTION = 6.0  # times the change of the median block

_SAMPLED = 32  # points a side at which aligned pictures are compared
_BLOCKS = 8
_FULL_BLOCK = 8  # points


class Light:
    """How the luma of pairs differs where both pictures show the same."""

    def __init__(
        self, maps: NDArray[np.float32], luma: NDArray[np.uint8], left: Rows, right: Rows
    ) -> None:
        ours, theirs, self._inside = _sample(maps, luma, left, right)
        n_inside = np.maximum(self._inside.sum(axis=1), 1)
        mean, mean_theirs = (
            (part * self._inside).sum(axis=1) / n_inside for part in (ours, theirs)
        )
        self._ours = (ours - mean[:, None]) * self._inside
        self._theirs = (theirs - mean_theirs[:, None]) * self._inside
        spread, spread_theirs = (
            np.sqrt((part**2).sum(axis=1) / n_inside) + 1 for part in (self._ours, self._theirs)
        )
        self._brighter = mean_theirs - mean
        self.contrast: Floats = spread_theirs / spread
        # A darker picture has less contrast, too: what counts is what goes beyond that.
        brightness = (mean_theirs + 8) / (mean + 8)
        beyond = self.contrast / brightness
        # The greater change of brightness and contrast, times.
        self.change = np.exp(np.maximum(np.abs(np.log(brightness)), np.abs(np.log(self.contrast))))
        self._has_more = np.minimum(self.contrast, beyond) >= _LEAST_CONTRAST
        self._has_less = np.maximum(self.contrast, beyond) <= 1 / _LEAST_CONTRAST
        self._is_rescaled = self._has_more | self._has_less

    def name_brightness(self, is_recolored: Marks) -> list[str]:
        """Name brighter and darker pictures. Other colors are somewhat brighter or darker."""
        least = np.where(is_recolored, 2, 1) * _LEAST_BRIGHTNESS
        is_brighter, is_darker = self._brighter >= least, self._brighter <= -least
        texts: list[str] = np.select([is_brighter, is_darker], ["brighter", "darker"], "").tolist()
        return texts

    def name_contrasts(self) -> list[str]:
        """Name pictures of more and of less contrast."""
        depths = ["with more contrast", "with less contrast"]
        texts: list[str] = np.select([self._has_more, self._has_less], depths, "").tolist()
        return texts

    def name_retouched(self, is_explained: Marks) -> list[str]:
        """Name pictures that differ in a part, such as by a watermark or a badge."""
        apart = np.abs(self._theirs - self.contrast[:, None] * self._ours) * self._inside
        n_in_block = _block_sums(self._inside.astype(np.float32))
        in_block = _block_sums(apart) / np.maximum(n_in_block, 1)
        worst = np.where(n_in_block >= _FULL_BLOCK, in_block, 0).max(axis=1)
        # Beside a retouched part, most of the picture is as it was.
        usual = np.median(in_block, axis=1)
        is_retouched = (worst >= _LEAST_RETOUCH) & (worst >= _LEAST_CONTRADICTION * usual)
        is_retouched &= ~is_explained & ~self._is_rescaled
        is_retouched &= np.abs(self._brighter) < 2 * _LEAST_BRIGHTNESS
        return ["retouched" if is_named else "" for is_named in is_retouched]


def _sample(
    maps: NDArray[np.float32], luma: NDArray[np.uint8], left: Rows, right: Rows
) -> tuple[NDArray[np.float32], NDArray[np.float32], Marks]:
    """Sample pairs at the same points, shape (n_pairs, n_points), and return which are in both."""
    side = luma.shape[1]
    # The centers of pixels, which a map that is a little off does not leave.
    grid = (np.arange(_SAMPLED) * (side // _SAMPLED) + 0.5) / side
    y, x = (part.ravel().astype(np.float32) for part in np.meshgrid(grid, grid, indexing="ij"))
    a, b, c, d, e, f = maps.astype(np.float32).T[:, :, None]
    across, down = a * x + b * y + c, d * x + e * y + f
    inside = (across > 0.02) & (across < 0.98) & (down > 0.02) & (down < 0.98)
    for part in (across, down):
        np.clip(part * side, 0, side - 1, out=part)
    flat = luma.reshape(-1)
    pixels = (y * side).astype(np.intp) * side + (x * side).astype(np.intp)
    pixels_theirs = down.astype(np.intp) * side + across.astype(np.intp)
    ours = flat[left[:, None] * side**2 + pixels]
    theirs = flat[right[:, None] * side**2 + pixels_theirs]
    return ours.astype(np.float32), theirs.astype(np.float32), inside


def _block_sums(values: NDArray[np.float32]) -> Floats:
    """Return the sums over square blocks of points, shape (n_pairs, n_blocks)."""
    step = _SAMPLED // _BLOCKS
    blocks = values.reshape(-1, _BLOCKS, step, _BLOCKS, step)
    sums: Floats = blocks.sum(axis=(2, 4)).reshape(len(values), -1)
    return sums


def name_colors(
    chroma: NDArray[np.uint8], left: Rows, right: Rows, geometry: Geometry, light: Light
) -> list[str]:
    """Name changes of color, as far as the cells of both pictures show the same."""
    centered = chroma.astype(np.float64) - 128
    ours, theirs = centered[left], centered[right]
    for number in range(1, len(ORIENTATION_MAPS)):
        turned = np.flatnonzero(geometry.turn == number)
        ours[turned] = _turn_cells(ours[turned], number)
    ours, theirs = (part.reshape(len(left), -1, 2) for part in (ours, theirs))
    strengths, strengths_theirs = (np.sqrt((part**2).sum(axis=-1)) for part in (ours, theirs))
    strength, strength_theirs = strengths.mean(axis=1), strengths_theirs.mean(axis=1)
    factor, unexplained = _fit_saturation(ours, theirs)
    # Where light and contrast change, so do all colors.
    least = _LEAST_RECOLORED + _PER_TONE * np.log(light.change) + _PER_CUT * geometry.displacement
    weaker = np.maximum(np.minimum(strength, strength_theirs), _GRAY)
    is_recolored = unexplained >= np.maximum(_LEAST_RECOLORING, least * weaker)
    # A tint shifts all cells alike, where more saturation moves them apart.
    shift = np.median(theirs - ours, axis=1)
    apart = _third_largest(np.sqrt(((theirs - ours - shift[:, None]) ** 2).sum(axis=2)))
    is_tinted = np.sqrt((shift**2).sum(axis=1)) >= np.maximum(
        _LEAST_TINT * light.change**2, 2 * apart
    )
    is_tinted &= apart <= _MOST_UNTINTED * unexplained
    is_recolored |= is_tinted & (geometry.displacement <= _MOST_CUT)
    is_recolored &= np.maximum(strength, strength_theirs) >= _COLORED
    change = _LEAST_SATURATION * light.change + _PER_CUT * geometry.displacement
    is_comparable = (geometry.displacement <= _MOST_CUT) & (strength >= _COLORED)
    named = np.select(
        [
            _has_lost_color(strengths, strength_theirs),
            _has_lost_color(strengths_theirs, strength),
            is_recolored,
            is_comparable & (factor >= change),
            is_comparable & (factor <= 1 / change),
        ],
        ["gray", "in color", "in other colors", "more saturated", "less saturated"],
        "",
    )
    return [str(text) for text in named]


def _fit_saturation(ours: Floats, theirs: Floats) -> tuple[Floats, Floats]:
    """Return the factor between the colors of cells, and how much else changed in a third of them.

    Neither depends on one or two cells, over which something may be drawn.
    """
    weights = np.ones(ours.shape[:2])
    for _ in range(2):
        factor = (weights * (ours * theirs).sum(axis=2)).sum(axis=1)
        factor /= np.maximum((weights * (ours**2).sum(axis=2)).sum(axis=1), 1e-6)
        factor = np.clip(factor, 0, None)
        unexplained = np.sqrt(((theirs - factor[:, None, None] * ours) ** 2).sum(axis=2))
        limit = _third_largest(unexplained)
        weights = (unexplained <= limit[:, None]).astype(np.float64)
    return factor, limit


def _has_lost_color(before: Floats, after: Floats) -> Marks:
    """Return where cells of these strengths of color became gray."""
    mean = before.mean(axis=1)
    marks: Marks = ((mean >= _COLORED) & (after <= _GRAY)) | (
        (mean >= _FAINT) & (after <= _NO_COLOR)
    )
    return marks & (_third_largest(before) >= _GRAY)


def _third_largest(values: Floats) -> Floats:
    largest: Floats = np.partition(values, -3, axis=1)[:, -3]
    return largest


def _turn_cells(cells: Floats, number: int) -> Floats:
    """Return the cells of pictures in another orientation."""
    a, b, c, d, e, f = ORIENTATION_MAPS[number]
    side = cells.shape[1]
    turned = np.empty_like(cells)
    for row in range(side):
        for column in range(side):
            x, y = (column + 0.5) / side, (row + 0.5) / side
            turned[:, int((d * x + e * y + f) * side), int((a * x + b * y + c) * side)] = cells[
                :, row, column
            ]
    return turned
