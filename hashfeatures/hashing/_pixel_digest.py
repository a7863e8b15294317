"""A digest of all that an image shows: images that share it show the same, in any container."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..images._flatten import find_range

_BAND_PIXELS = 2**18  # that are unpacked at a time, so that a large image is not copied whole

# Modes whose values are not those of red, green and blue: they are compared as they are.
_AS_THEY_ARE = ("CMYK", "YCbCr", "LAB", "HSV")


def digest_pixels(image: Image.Image, content: bytes = b"") -> bytes:
    """Return a digest that images share which show the same, and in practice no others.

    Parameters
    ----------
    image : PIL.Image.Image
        The image as it was decoded: neither laid on a background nor reduced or scaled.
    content : bytes
        What else is to be equal.

    Returns
    -------
    bytes
        16 of them, of the size, the colors, and the transparency if anything is not opaque. The
        mode is of no account where the colors are the same: a palette is looked up, gray is red,
        green and blue that are equal, and 16 bits are 8 where they show no more. What lies
        under full transparency is not seen. A color profile counts, unless it is that of sRGB,
        for which images without one are taken.
    """
    kind, parts = _parts_of(image)
    digest = hashlib.blake2b(f"{kind} {image.size}".encode(), digest_size=16)
    for part in parts:
        digest.update(part)
    digest.update(_profile_of(image))
    digest.update(content)
    return digest.digest()


def _profile_of(image: Image.Image) -> bytes:
    """Return what says which colors the numbers of an image are, if they are not those of sRGB."""
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
    """Return the parts of an image of 16 or 32 bits or floats: of 8 if it shows no more."""
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
    """Return the bytes of pixels without the colors that are not seen."""
    pixels[pixels[..., 3] == 0] = 0
    return pixels.tobytes()


def _bands(image: Image.Image) -> Iterator[Image.Image]:
    height = max(1, _BAND_PIXELS // image.width)
    for top in range(0, image.height, height):
        yield image.crop((0, top, image.width, min(top + height, image.height)))
