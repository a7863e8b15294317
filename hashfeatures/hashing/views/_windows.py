"""The views of an image: whole, turned and mirrored, cropped, without its borders.

A copy matches its original if some view of one resembles some view of the other. All views of each
image are compared with the few base views of the others.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._planes import Pixels
from ._borders import Box, find_picture


class Window(NamedTuple):
    """A part of an image.

    Parameters
    ----------
    name : str
        The name of the window in descriptions of matches.
    left, top, right, bottom : float
        The shares of the width and of the height to cut off.
    degrees : float
        The rotation of the part in the image, clockwise.
    inner : bool
        Whether to cut off borders and captions first.
    """

    name: str
    left: float = 0.0
    top: float = 0.0
    right: float = 0.0
    bottom: float = 0.0
    degrees: float = 0.0
    inner: bool = False


class Orientation(NamedTuple):
    """One of eight orientations: exchange rows and columns, then reverse each, or not."""

    name: str
    transposed: bool
    rows_reversed: bool
    columns_reversed: bool


ORIENTATIONS = (
    Orientation("", False, False, False),
    Orientation("mirrored", False, False, True),
    Orientation("flipped", False, True, False),
    Orientation("turned by 180°", False, True, True),
    Orientation("turned by 90°", True, True, False),
    Orientation("turned by 270°", True, False, True),
    Orientation("transposed", True, False, False),
    Orientation("transposed and turned by 180°", True, True, True),
)


def orient(values: NDArray[Any], orientation: Orientation) -> NDArray[Any]:
    """Reorient matrices in the last two axes."""
    if orientation.transposed:
        values = values.swapaxes(-1, -2)
    rows = slice(None, None, -1 if orientation.rows_reversed else 1)
    columns = slice(None, None, -1 if orientation.columns_reversed else 1)
    return values[..., rows, columns]


@dataclass(frozen=True)
class ViewSet:
    """A set of views by which images are compared.

    Parameters
    ----------
    windows : tuple of Window
        The parts of the image. The first is the whole image.
    n_bases : int
        The number of windows, from the first on, that are base views.
    n_orientations : int
        The number of `ORIENTATIONS`, from the first on, of each window.
    """

    windows: tuple[Window, ...]
    n_bases: int
    n_orientations: int

    @property
    def n_views(self) -> int:
        """The number of views of an image: each window in each orientation."""
        return len(self.windows) * self.n_orientations

    @property
    def base_views(self) -> NDArray[np.intp]:
        """The base views among the views: windows in their original orientation."""
        return np.arange(self.n_bases) * self.n_orientations

    def name_view(self, view: int) -> str:
        """Return the name of a view."""
        window, orientation = divmod(view, self.n_orientations)
        names = [self.windows[window].name, ORIENTATIONS[orientation].name]
        return ", ".join(filter(None, names)) or "as it is"


def _crop(share: float) -> Window:
    return Window(f"cropped by {share:.0%} a side", share, share, share, share)


def _rotate(degrees: float) -> Window:
    side = "left" if degrees < 0 else "right"
    name = f"rotated by {abs(degrees):.0f}° to the {side}"
    return _crop(0.05)._replace(name=name, degrees=degrees)


_WHOLE = Window("")

# Chosen by the edited copies and the false matches that each window adds (benchmarks/quality.py).
_ROBUST = (
    _WHOLE,
    _crop(0.05),
    Window("without borders and captions", inner=True),
    _crop(0.08),
    Window("cut by 6% at the left", left=0.06),
    Window("cut by 6% at the top", top=0.06),
    Window("cut by 6% at the right", right=0.06),
    Window("cut by 6% at the bottom", bottom=0.06),
    Window("cut by 12% at the top", top=0.12),
    Window("cut by 12% at the bottom", bottom=0.12),
    _rotate(-3),
    _rotate(3),
)

VIEW_SETS = {
    "identity": ViewSet((_WHOLE,), n_bases=1, n_orientations=1),
    "flips": ViewSet((_WHOLE,), n_bases=1, n_orientations=2),
    "dihedral": ViewSet((_WHOLE,), n_bases=1, n_orientations=8),
    "robust": ViewSet(_ROBUST, n_bases=3, n_orientations=8),
}


def map_windows(windows: tuple[Window, ...], luma: Pixels) -> NDArray[np.float32]:
    """Return the affine maps of windows in an image, as `_kernels.sample_views` takes them.

    Parameters
    ----------
    windows : tuple of Window
        The parts.
    luma : ndarray of shape (height, width), dtype uint8
        The image.

    Returns
    -------
    ndarray of shape (n_windows, 6), dtype float32
        Affine maps from a window to the image, where the sides of both have length 1.
    """
    height, width = luma.shape
    whole = Box(0, 0, width, height)
    inner = _cut_borders_and_captions(luma)
    maps = [
        _map_window(window, inner if window.inner else whole, width, height) for window in windows
    ]
    return np.array(maps, dtype=np.float32)


def _cut_borders_and_captions(luma: Pixels) -> Box:
    box = find_picture(luma, with_text=True)
    # Once more, for a caption inside a frame.
    inner = find_picture(luma[box.top : box.bottom, box.left : box.right], with_text=True)
    return Box(
        *(box.left + inner.left, box.top + inner.top),
        *(box.left + inner.right, box.top + inner.bottom),
    )


def _map_window(window: Window, box: Box, width: int, height: int) -> tuple[float, ...]:
    box_width, box_height = box.right - box.left, box.bottom - box.top
    across = (1 - window.left - window.right) * box_width
    down = (1 - window.top - window.bottom) * box_height
    # The center of the window. Rotation is about the center of the box.
    x = (window.left - window.right) / 2 * box_width
    y = (window.top - window.bottom) / 2 * box_height
    angle = math.radians(window.degrees)
    cosine, sine = math.cos(angle), math.sin(angle)
    a, b = cosine * across, -sine * down
    d, e = sine * across, cosine * down
    c = (box.left + box.right) / 2 + cosine * x - sine * y - (a + b) / 2
    f = (box.top + box.bottom) / 2 + sine * x + cosine * y - (d + e) / 2
    return a / width, b / width, c / width, d / height, e / height, f / height
