"""Conversion of images of any mode to opaque 8-bit pixels that look the same."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from ._decoding import as_rgb
from ._errors import CONVERSION_ERRORS, as_read_error


def convert(image: Image.Image, mode: str) -> Image.Image:
    """Return an image in another mode, or raise `ImageReadError` if Pillow cannot convert it."""
    try:
        return image.convert(mode)
    except CONVERSION_ERRORS as error:
        raise as_read_error(image, error) from error


def flatten(image: Image.Image, background: Any = "white") -> Image.Image:
    """Convert an image to an opaque 8-bit form that looks the same.

    Parameters
    ----------
    image : PIL.Image.Image
        An image of any mode.
    background : str or tuple of int
        The color under transparent pixels. If the image is blank on it, a light background is
        replaced by black and a dark one by white, if that shows more.

    Returns
    -------
    PIL.Image.Image
        The image itself if it is opaque and of 8 bits, else a new one of mode L or RGB.
        Transparency is composed onto the background, and LAB is converted to sRGB. Integers of 16
        bits are scaled to 8. Integers of 32 bits and floats keep their values if they lie within
        0 to 255, and are scaled like 16 bits if they lie within 0 to 65535. Floats within 0 to 1
        are fractions of white. All others are stretched from their least to their greatest value.

    Raises
    ------
    ValueError
        If a float image holds NaN or infinity.
    """
    if image.mode == "La":
        image = image.convert("LA")
    if _is_deep(image):
        gray, opaque = _scale_to_8_bits(image), _find_opaque(image)
        return gray if opaque is None else _compose(gray.convert("RGB"), opaque, background)
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        return _compose(rgba, None, background)
    if image.mode == "LAB":
        return ImageCms.applyTransform(image, _lab_to_srgb()) or image
    return image


def find_opacity(image: Image.Image) -> Image.Image | None:
    """Return the opacity of each pixel of an image, of mode L; None if all are opaque."""
    opacity: Image.Image | None
    if _is_deep(image):
        opaque = _find_opaque(image)
        opacity = None if opaque is None else opaque.convert("L")
    elif image.mode == "La" or image.has_transparency_data:
        opacity = image.convert("LA" if image.mode == "La" else "RGBA").getchannel("A")
    else:
        opacity = None
    return None if opacity is None or opacity.getextrema()[0] == 255 else opacity


def _is_deep(image: Image.Image) -> bool:
    """Return whether an image has one channel of more than 8 bits."""
    return image.mode.startswith("I;16") or image.mode in ("I", "F")


def _find_opaque(image: Image.Image) -> Image.Image | None:
    """Return which pixels of a deep image are opaque, of mode 1; None if all are."""
    clear = image.info.get("transparency")
    return None if clear is None else Image.fromarray(np.asarray(image) != clear)


# An image whose luma has no greater range than this, of 255, looks blank.
_BLANK_RANGE = 25


def _compose(image: Image.Image, opaque: Image.Image | None, background: Any) -> Image.Image:
    """Compose an image onto a background, or onto black or white if it would be blank."""
    rgb = as_rgb(background)
    composed = _compose_onto(image, opaque, rgb)
    contrast = _luma_range(composed)
    if contrast > _BLANK_RANGE:
        return composed
    is_light = Image.new("RGB", (1, 1), rgb).convert("L").getpixel((0, 0)) >= 128  # type: ignore[operator]
    other = _compose_onto(image, opaque, (0, 0, 0) if is_light else (255, 255, 255))
    return other if _luma_range(other) > contrast else composed


def _compose_onto(
    image: Image.Image, opaque: Image.Image | None, rgb: tuple[int, int, int]
) -> Image.Image:
    if opaque is not None:
        return Image.composite(image, Image.new("RGB", image.size, rgb), opaque)
    below = Image.new("RGBA", image.size, rgb)
    return Image.alpha_composite(below, image).convert("RGB")


def _luma_range(image: Image.Image) -> int:
    """Return the difference between the greatest and the least luma of an image."""
    low, high = image.convert("L").getextrema()
    return int(high) - int(low)  # type: ignore[arg-type]


def _scale_to_8_bits(image: Image.Image) -> Image.Image:
    values = np.asarray(image)
    low, high = find_range(image, values)
    if not np.isfinite([low, high]).all():
        raise ValueError(
            "the image holds NaN or infinite values. Replace them with numpy.nan_to_num(array)"
        )
    scaled = (values.astype(np.float64) - low) * (255.0 / (high - low if high > low else 1.0))
    return Image.fromarray(np.rint(scaled).astype(np.uint8))


def find_range(image: Image.Image, values: NDArray[Any]) -> tuple[float, float]:
    """Return the values of black and white in an image of 16 bits, 32 bits or floats."""
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
