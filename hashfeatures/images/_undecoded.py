"""What a file holds beyond the pixels that are decoded from it: frames, layers, more bits."""

from __future__ import annotations

import hashlib
import io
import sys

from PIL import Image

from .._utils.regular_files import open_regular
from ..exceptions import ImageReadError
from ._errors import as_read_error
from ._open import open_image
from ._quiet import quiet_decoding

_BLOCK = 2**20  # bytes read at a time

# Formats for which Pillow does not report the number of bits.
_OF_ANY_DEPTH = {"JPEG2000", "AVIF", "HEIF"}


def digest_undecoded(file: str | io.BytesIO) -> bytes:
    """Return the digest of a file that may show more than its decoded pixels, else empty bytes.

    Only one frame of an animation is decoded, and only 8 of the 16 bits of some formats. Such
    files show the same for certain only if their contents are equal.
    """
    try:
        with open_image(file) as image:
            if not _shows_more(image):
                return b""
        return _digest_content(file)
    except ImageReadError:
        raise
    except Exception as error:  # the file may have changed
        raise as_read_error(file, error) from error


def _digest_content(file: str | io.BytesIO) -> bytes:
    """Return the SHA-256 digest of the whole file."""
    content = hashlib.sha256()
    with open_regular(file) if isinstance(file, str) else io.BytesIO(file.getvalue()) as opened:
        while block := opened.read(_BLOCK):
            content.update(block)
    return content.digest()


def holds_further_pictures(file: str) -> bool:
    """Return whether a file holds frames, pages or layers beside the one that is decoded.

    The images that phones store beside a photo (MPO: a preview, a gain map) do not count. The
    function decodes no pixels, so it accepts images of any size.
    """
    try:
        with quiet_decoding(sys.maxsize), open_image(file) as image:
            return image.format != "MPO" and bool(getattr(image, "is_animated", False))
    except Exception:  # the file is broken beyond its first frame
        return True


def _shows_more(image: Image.Image) -> bool:
    """Return whether an image may have more frames or more bits than are decoded."""
    try:
        is_animated = getattr(image, "is_animated", False)
    except Exception:  # the file is broken beyond its first frame
        return True
    if is_animated or image.format in _OF_ANY_DEPTH:
        return True
    if image.mode.startswith("I") or image.mode == "F":
        return False
    for tile in getattr(image, "tile", ()):
        arguments = tile[3] if isinstance(tile[3], tuple) else (tile[3],)
        words = [tile[0], *arguments]
        if any("16" in word for word in words if isinstance(word, str)):
            return True
        if tile[0].startswith("ppm") and isinstance(arguments[-1], int) and arguments[-1] > 255:
            return True
    return False
