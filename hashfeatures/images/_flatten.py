"""Pixels of any mode as opaque 8-bit pixels, without losing what a person sees."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from ._decoding import as_rgb
from ._errors import CONVERSION_ERRORS, as_read_error


def convert(image: Image.Image, mode: str) -> Image.Image:
    """Return an image in another mode, or raise `ImageReadError` if Pillow cannot do that."""
    try:
        return image.convert(mode)
    except CONVERSION_ERRORS as error:
        raise as_read_error(image, error) from error


def flatten(image: Image.Image, background: Any = "white") -> Image.Image:
    """Bring an image into an opaque 8-bit form without losing what is seen.

    Parameters
    ----------
    image : PIL.Image.Image
        An image of any mode.
    background : str or tuple of int
        The color under transparent pixels. An image that is blank on it is laid on black if it
        is a light one, on white if it is a dark one, if more is seen there.

    Returns
    -------
    PIL.Image.Image
        The image itself where it is opaque and of 8 bits; else a new one of mode L or RGB.
        Transparency is composed onto the background. Integers of 16 bits are scaled to 8.
        Integers of 32 bits and floats are taken as they are within 0 to 255, as 16-bit within
        0 to 65535, floats within 0 to 1 as fractions of white, and stretched from their least to
        their greatest value otherwise. LAB is converted to sRGB.

    Raises
    ------
    ValueError
        If a float image holds NaN or infinity.
    """
    if image.mode == "La":
        image = image.convert("LA")
    if image.mode.startswith("I;16") or image.mode in ("I", "F"):
        gray = _scale_to_8_bits(image)
        clear = image.info.get("transparency")
        if clear is None:
            return gray
        opaque = Image.fromarray(np.asarray(image) != clear)
        return _lay(gray.convert("RGB"), opaque, background)
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        return _lay(rgba, None, background)
    if image.mode == "LAB":
        return ImageCms.applyTransform(image, _lab_to_srgb()) or image
    return image


# Of an image whose luma spans no more than this, of 255, hardly anything is seen.
_BLANK = 25


def _lay(image: Image.Image, opaque: Image.Image | None, background: Any) -> Image.Image:
    """Lay an image on a background, or where it is blank on that one, on black or white."""
    rgb = as_rgb(background)
    laid = _lay_on(image, opaque, rgb)
    span = _span(laid)
    if span > _BLANK:
        return laid
    is_light = Image.new("RGB", (1, 1), rgb).convert("L").getpixel((0, 0)) >= 128  # type: ignore[operator]
    other = _lay_on(image, opaque, (0, 0, 0) if is_light else (255, 255, 255))
    return other if _span(other) > span else laid


def _lay_on(
    image: Image.Image, opaque: Image.Image | None, rgb: tuple[int, int, int]
) -> Image.Image:
    if opaque is not None:
        return Image.composite(image, Image.new("RGB", image.size, rgb), opaque)
    below = Image.new("RGBA", image.size, rgb)
    return Image.alpha_composite(below, image).convert("RGB")


def _span(image: Image.Image) -> int:
    """Return how far the luma of an image spans."""
    low, high = image.convert("L").getextrema()
    return int(high) - int(low)  # type: ignore[arg-type]


def _scale_to_8_bits(image: Image.Image) -> Image.Image:
    values = np.asarray(image)
    low, high = find_range(image, values)
    if not np.isfinite([low, high]).all():
        raise ValueError(
            "the image holds NaN or infinite values: numpy.nan_to_num(array) replaces them"
        )
    scaled = (values.astype(np.float64) - low) * (255.0 / (high - low if high > low else 1.0))
    return Image.fromarray(np.rint(scaled).astype(np.uint8))


def find_range(image: Image.Image, values: NDArray[Any]) -> tuple[float, float]:
    """Return which values of an image of 16 bits, 32 bits or floats are black and white."""
    if image.mode.startswith("I;16"):
        return 0.0, 65535.0
    low, high = float(values.min()), float(values.max())
    if low >= 0:
        known = [255.0, 65535.0] if image.mode == "I" else [1.0, 255.0, 65535.0]
        return 0.0, next((top for top in known if high <= top), high)
    return low, high


@cache
def _lab_to_srgb() -> ImageCms.ImageCmsTransform:
    lab = ImageCms.createProfile("LAB")
    return ImageCms.buildTransform(lab, ImageCms.createProfile("sRGB"), "LAB", "RGB")
