"""A digest of the visible pixels of an image, independent of its file format."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..images._flatten import find_range

_BAND_PIXELS = 2**18  # pixels unpacked at a time, so that a large image is not copied whole

# Modes other than red, green and blue, which are compared without conversion.
_AS_THEY_ARE = ("CMYK", "YCbCr", "LAB", "HSV")


def digest_pixels(image: Image.Image, content: bytes = b"") -> bytes:
    """Return a digest that is equal for images that show the same, and in practice for no others.

    Parameters
    ----------
    image : PIL.Image.Image
        The image as decoded, without a background, reduction or scaling.
    content : bytes
        Further content that must be equal.

    Returns
    -------
    bytes
        A digest of 16 bytes over the size, the colors, and the transparency unless all is opaque.
        Modes with the same colors have the same digest: palettes are resolved, gray equals RGB
        with equal channels, and 16 bits equal 8 if they show no more. Colors under full
        transparency are ignored. A color profile counts unless it is sRGB, which is assumed for
        images without one.
    """
    kind, parts = _parts_of(image)
    digest = hashlib.blake2b(f"{kind} {image.size}".encode(), digest_size=16)
    for part in parts:
        digest.update(part)
    digest.update(_profile_of(image))
    digest.update(content)
    return digest.digest()


def _profile_of(image: Image.Image) -> bytes:
    """Return the color profile of an image, or empty bytes for sRGB."""
    profile = image.info.get("icc_profile")
    if not isinstance(profile, bytes):
        return b""
    is_srgb = any("sRGB".encode(encoding) in profile for encoding in ("ascii", "utf-16-be"))
    return b"" if is_srgb else profile


def _parts_of(image: Image.Image) -> tuple[str, Iterator[bytes]]:
    if image.mode.startswith("I") or image.mode == "F":
        return _parts_of_numbers(np.asarray(image), image)
    if image.mode in _AS_THEY_ARE:
        return image.mode, (part.tobytes() for part in _bands(image))
    if image.mode == "La":
        image = image.convert("LA")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        if image.getchannel("A").getextrema()[0] != 255:
            return "RGBA", (_hide(np.array(part)) for part in _bands(image))
    return "RGB", (part.convert("RGB").tobytes() for part in _bands(image))


def _parts_of_numbers(values: NDArray[Any], image: Image.Image) -> tuple[str, Iterator[bytes]]:
    """Return the parts of an image of 16 or 32 bits or floats, as 8 bits if it shows no more."""
    low, high = find_range(image, values)
    levels = (values.astype(np.float64) - low) * (65535 / (high - low if high > low else 1))
    if low != 0 or high not in (1, 255, 65535) or (levels != np.rint(levels)).any():
        return "numbers", iter([values.astype("<f8").tobytes()])
    clear = image.info.get("transparency")
    alpha = np.where(values == clear, 0, 255) if clear is not None else np.full(values.shape, 255)
    is_wide = (levels % 257).any()
    gray = np.where(alpha, levels if is_wide else levels / 257, 0).astype("<u2")
    is_opaque = bool(alpha.all())
    if is_wide:
        return "16 bits", iter([gray.tobytes(), b"" if is_opaque else alpha.tobytes()])
    if is_opaque:
        return "RGB", iter([np.stack([gray] * 3, axis=-1).astype(np.uint8).tobytes()])
    return "RGBA", iter([_hide(np.stack([gray] * 3 + [alpha], axis=-1).astype(np.uint8))])


def _hide(pixels: NDArray[np.uint8]) -> bytes:
    """Return the bytes of pixels with invisible colors set to zero."""
    pixels[pixels[..., 3] == 0] = 0
    return pixels.tobytes()


def _bands(image: Image.Image) -> Iterator[Image.Image]:
    height = max(1, _BAND_PIXELS // image.width)
    for top in range(0, image.height, height):
        yield image.crop((0, top, image.width, min(top + height, image.height)))
