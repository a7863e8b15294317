"""What was done to one picture to get another, in words.

The geometry comes from the affine map between them, the tones from their aligned thumbnails.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._align import ORIENTATION_MAPS

Floats = NDArray[np.float64]
Rows = NDArray[np.intp]

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
_MOST_CUT = 0.08  # of a side, so that nine cells show nearly the same
_LEAST_STRETCH = 0.03
_LEAST_RESIZE = 0.02
_LEAST_BRIGHTNESS = 5.0  # of 255
_LEAST_CONTRAST = 1.13  # times
_LEAST_SATURATION = 1.25  # times
_LEAST_RECOLORING = 2.0  # of 255, in the mean over the cells
_GRAY, _COLORED = 1.0, 2.5  # the mean distance of a color from gray, of 255
_LEAST_RETOUCH = 14.0  # of 255, in the mean over a block
_LEAST_CONTRADICTION = 6.0  # times the change of the median block

_SAMPLED = 32  # points a side at which aligned pictures are compared
_BLOCKS = 8
_FULL_BLOCK = 8  # points


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
    if not len(left):
        return []
    geometry = _Geometry(maps, sizes, n_pixels, left, right)
    lines = [
        geometry.name_turns(),
        geometry.name_rotations(),
        *geometry.name_borders(),
        geometry.name_stretches(),
        geometry.name_sizes(),
    ]
    is_moved = [any(texts) for texts in zip(*lines, strict=True)]
    light = _Light(maps, luma, left, right)
    tones = [
        light.light,
        light.depth,
        light.name_retouched(np.array(is_moved, dtype=bool)),
        _name_colors(chroma, left, right, geometry, light.contrast),
    ]
    texts = []
    for shapes, looks in zip(zip(*lines, strict=True), zip(*tones, strict=True), strict=True):
        words = [text for text in (*shapes, *looks) if text]
        has_look = any(looks) and len(words) > 1
        text = ", ".join(words[:-1]) + " and " + words[-1] if has_look else ", ".join(words)
        texts.append(text or "recompressed")
    return texts


class _Geometry:
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
        self._cuts = _find_cuts(whole @ np.linalg.inv(turn))
        self.is_framed_alike = np.abs(self._cuts).max(axis=1) <= _MOST_CUT

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

    def name_borders(self) -> tuple[list[str], list[str]]:
        """Name what is cut off at the sides, and what is added."""
        cuts = self._cuts.tolist()
        cropped = [_name_sides("cropped by", sides) for sides in cuts]
        added = [_name_sides("with a border of", [-side for side in sides]) for sides in cuts]
        return cropped, added

    def name_stretches(self) -> list[str]:
        """Name changes of the proportions of what is shown."""
        texts = []
        for ratio in (self._across / self._down).tolist():
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


def _find_cuts(maps: Floats) -> Floats:
    """Return the shares that are cut off at the left, top, right and bottom; negative if added.

    They are where the middles of the sides of the right picture lie in the left one.
    """
    back = np.linalg.inv(maps)
    middles = np.array([[0, 0.5, 1], [0.5, 0, 1], [1, 0.5, 1], [0.5, 1, 1]])
    places = np.einsum("nij,kj->nki", back, middles)
    cuts: Floats = np.stack(
        [places[:, 0, 0], places[:, 1, 1], 1 - places[:, 2, 0], 1 - places[:, 3, 1]], axis=1
    )
    return cuts


def _name_sides(doing: str, shares: Sequence[float]) -> str:
    """Name the sides and their shares, equal ones together."""
    percents = [round(100 * share) if share >= _LEAST_SHARE else 0 for share in shares]
    named = [(side, percent) for side, percent in zip(_SIDES, percents, strict=True) if percent]
    if not named:
        return ""
    numbers = [percent for _, percent in named]
    if len(named) == len(_SIDES) and max(numbers) - min(numbers) <= 1:
        return f"{doing} {round(25 * sum(shares))} % at each side"
    if len(named) == 2 and max(numbers) - min(numbers) <= 1:
        (one, _), (other, _) = named
        return f"{doing} {max(numbers)} % at the {one} and the {other}"
    places = [f"{percent} % at the {side}" for side, percent in named]
    return (
        f"{doing} {places[0]}"
        if len(places) == 1
        else (f"{doing} {', '.join(places[:-1])} and {places[-1]}")
    )


def _space_percent(text: str) -> str:
    return text.replace("%", " %")


class _Light:
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
        brighter = mean_theirs - mean
        self.contrast: Floats = spread_theirs / spread
        # A darker picture has less contrast, too: what counts is what goes beyond that.
        beyond = self.contrast * (mean + 8) / (mean_theirs + 8)
        has_more = np.minimum(self.contrast, beyond) >= _LEAST_CONTRAST
        has_less = np.maximum(self.contrast, beyond) <= 1 / _LEAST_CONTRAST
        self._is_toned = has_more | has_less | (np.abs(brighter) >= 2 * _LEAST_BRIGHTNESS)
        is_brighter, is_darker = brighter >= _LEAST_BRIGHTNESS, brighter <= -_LEAST_BRIGHTNESS
        self.light = np.select([is_brighter, is_darker], ["brighter", "darker"], "").tolist()
        depths = ["with more contrast", "with less contrast"]
        self.depth = np.select([has_more, has_less], depths, "").tolist()

    def name_retouched(self, is_moved: NDArray[np.bool_]) -> list[str]:
        """Name pictures that differ in a part, such as by a watermark or a badge."""
        apart = np.abs(self._theirs - self.contrast[:, None] * self._ours) * self._inside
        n_in_block = _block_sums(self._inside.astype(np.float64))
        in_block = _block_sums(apart) / np.maximum(n_in_block, 1)
        worst = np.where(n_in_block >= _FULL_BLOCK, in_block, 0).max(axis=1)
        # Beside a retouched part, most of the picture is as it was.
        usual = np.median(in_block, axis=1)
        is_retouched = (worst >= _LEAST_RETOUCH) & (worst >= _LEAST_CONTRADICTION * usual)
        is_retouched &= ~is_moved & ~self._is_toned
        return ["retouched" if is_named else "" for is_named in is_retouched]


def _sample(
    maps: NDArray[np.float32], luma: NDArray[np.uint8], left: Rows, right: Rows
) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Sample pairs at the same points, shape (n_pairs, n_points), and return which are in both."""
    side = luma.shape[1]
    # The centers of pixels, which a map that is a little off does not leave.
    grid = (np.arange(_SAMPLED) * (side // _SAMPLED) + 0.5) / side
    y, x = (part.ravel() for part in np.meshgrid(grid, grid, indexing="ij"))
    a, b, c, d, e, f = maps.astype(np.float64).T[:, :, None]
    across, down = a * x + b * y + c, d * x + e * y + f
    inside = (across > 0.02) & (across < 0.98) & (down > 0.02) & (down < 0.98)
    columns = np.clip((across * side).astype(np.intp), 0, side - 1)
    rows = np.clip((down * side).astype(np.intp), 0, side - 1)
    ours = luma[left[:, None], (y * side).astype(np.intp), (x * side).astype(np.intp)]
    theirs = luma[right[:, None], rows, columns]
    return ours.astype(np.float64), theirs.astype(np.float64), inside


def _block_sums(values: Floats) -> Floats:
    """Return the sums over square blocks of points, shape (n_pairs, n_blocks)."""
    step = _SAMPLED // _BLOCKS
    blocks = values.reshape(-1, _BLOCKS, step, _BLOCKS, step)
    sums: Floats = blocks.sum(axis=(2, 4)).reshape(len(values), -1)
    return sums


def _name_colors(
    chroma: NDArray[np.uint8], left: Rows, right: Rows, geometry: _Geometry, contrast: Floats
) -> list[str]:
    """Name changes of color, as far as the cells of both pictures show the same."""
    turn = geometry.turn
    centered = chroma.astype(np.float64) - 128
    ours, theirs = centered[left], centered[right]
    for number in range(1, len(ORIENTATION_MAPS)):
        turned = np.flatnonzero(turn == number)
        ours[turned] = _turn_cells(ours[turned], number)
    strength, strength_theirs = (
        np.sqrt((part**2).sum(axis=-1)).mean(axis=(1, 2)) for part in (ours, theirs)
    )
    ours, theirs = ours.reshape(len(left), -1), theirs.reshape(len(left), -1)
    factor = (ours * theirs).sum(axis=1) / np.maximum((ours**2).sum(axis=1), 1e-6)
    unexplained = np.abs(theirs - np.clip(factor, 0, None)[:, None] * ours).mean(axis=1)
    is_colored, is_colored_theirs = strength >= _COLORED, strength_theirs >= _COLORED
    both = is_colored & is_colored_theirs
    limit = np.maximum(_LEAST_RECOLORING, 0.2 * np.minimum(strength, strength_theirs))
    # Where contrast grows, so do all colors.
    saturation = np.where(
        (factor > 1) == (contrast > 1), factor / np.maximum(contrast, 1e-6), factor
    )
    named = np.select(
        [
            is_colored & (strength_theirs <= _GRAY),
            is_colored_theirs & (strength <= _GRAY),
            geometry.is_framed_alike & both & (unexplained >= limit),
            geometry.is_framed_alike & both & (saturation >= _LEAST_SATURATION),
            geometry.is_framed_alike & is_colored & (saturation <= 1 / _LEAST_SATURATION),
        ],
        ["gray", "in color", "in other colors", "more saturated", "less saturated"],
        "",
    )
    return [str(text) for text in named]


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
