"""The settings by which files become pixels."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from typing import Any

from PIL import ImageColor

from .._utils.validation import check_bool, check_choice, check_int, refuse
from ._pillow_state import max_image_pixels


@dataclass(frozen=True)
class Decoding:
    """How files become pixels, as the user set it for all images of a run.

    Parameters
    ----------
    decode : {"full", "reduced"}
        Whether to decode a JPEG at its full size or at an eighth, a quarter or a half of it.
    orient : bool
        Whether to apply the EXIF orientation.
    background : str, tuple of int or None
        The color under transparent pixels, as `PIL.ImageColor.getrgb` reads it or as red, green
        and blue. None leaves the pixels as Pillow decodes them, which is what ImageHash sees.
    max_pixels : int or None
        The most pixels that an image may have. None means Pillow's own limit.
    trim_borders : bool
        Whether to cut off uniform borders before hashing.
    """

    decode: str = "full"
    orient: bool = True
    background: Any = "white"
    max_pixels: int | None = None
    trim_borders: bool = False

    def with_limit(self) -> Decoding:
        """Return these settings with Pillow's limit of pixels if `max_pixels` is None."""
        if self.max_pixels is not None:
            return self
        limit = max_image_pixels()  # Pillow refuses images over twice this size
        return replace(self, max_pixels=sys.maxsize if limit is None else 2 * limit)

    def check(self, caller: str) -> Decoding:
        """Return self, or raise `ParameterError` in the name of `caller`."""
        check_choice(caller, "decode", self.decode, {"full", "reduced"})
        check_bool(caller, "orient", self.orient)
        check_bool(caller, "trim_borders", self.trim_borders)
        if self.max_pixels is not None:
            check_int(caller, "max_pixels", self.max_pixels, 1)
        if self.background is not None:
            try:
                as_rgb(self.background)
            except (ValueError, TypeError) as error:
                expected = (
                    "a color that PIL.ImageColor.getrgb reads, three ints from 0 to 255, or None"
                )
                raise refuse(caller, "background", expected, self.background) from error
        return self


@dataclass(frozen=True)
class Reduction:
    """How much of a JPEG must be decoded with ``decode="reduced"``, as a run derives it.

    Parameters
    ----------
    min_side : int
        The least number of pixels to which either side is decoded.
    color : bool
        Whether the hashes need red, green and blue. False decodes the luma.
    chroma : bool
        Whether to decode the chroma beside the luma. The luma is the same with it and without.
    """

    min_side: int = 256
    color: bool = True
    chroma: bool = False

    @property
    def mode(self) -> str | None:
        """The mode that Pillow decodes a color JPEG to; None for that of the file."""
        if self.color:
            return None
        return "YCbCr" if self.chroma else "L"


def as_rgb(background: Any) -> tuple[int, int, int]:
    """Return a color as red, green and blue, or raise `ValueError` or `TypeError`."""
    if isinstance(background, str):
        return ImageColor.getrgb(background)[:3]
    red, green, blue = background
    for value in (red, green, blue):
        if not 0 <= value <= 255:
            raise ValueError(f"{value} is out of the range 0 to 255")
    return int(red), int(green), int(blue)
