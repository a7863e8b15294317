"""Baseline JPEGs without the detours of opening a file with Pillow.

simplejpeg decodes them to arrays where it is installed. Its pixels are those of Pillow, as both
decode with libjpeg-turbo. It cannot decode luma with chroma, which Pillow's decoder does here
without its reader. Whatever is unusual about a file, and whatever fails, is left to the reader.
"""

from __future__ import annotations

import io
import logging
import os
import stat
import struct
import threading
from contextlib import suppress
from functools import cache, lru_cache
from importlib import import_module
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, JpegImagePlugin

from ._decoding import Decoding, Reduction
from ._pillow_state import load_plugins
from ._sources import is_data_uri, is_url

_LOGGER = logging.getLogger(__name__)

# Bytes of a file, and of decoded pixels, whose memory a thread keeps for its next image.
_KEPT_BYTES = 2**22

# Bytes that are read first, which hold the header of nearly all files.
_HEAD = 2**18

_BASELINE, _SCAN = 0xC0, 0xDA
_ORIENTATION, _RESOLUTION = 0x0112, (0x011A, 0x0128)
_EXIF, _MULTIPLE, _ADOBE = 0xE1, 0xE2, 0xEE
_TABLES = {0xC4, 0xDB, 0xDD, 0xFE}  # and comments
_APPLICATIONS = range(0xE0, 0xF0)

# Pillow writes the color images of these samplings, so that they can be compared.
_SAMPLINGS = {b"\x11\x11\x11": "4:4:4", b"\x21\x11\x11": "4:2:2", b"\x22\x11\x11": "4:2:0"}


class _Memory(threading.local):
    """The memory of a thread for files and pixels. Fresh memory for each would take longer."""

    def __init__(self) -> None:
        self._kept: dict[str, memoryview] = {}

    def memory_for(self, purpose: str, n_bytes: int) -> memoryview:
        """Return so much memory, which was the purpose's before if it is of ordinary size."""
        if n_bytes > _KEPT_BYTES:
            return memoryview(bytearray(n_bytes))
        if purpose not in self._kept:
            self._kept[purpose] = memoryview(bytearray(_KEPT_BYTES))
        return self._kept[purpose][:n_bytes]


_own = _Memory()


class JpegPixels(NamedTuple):
    """The pixels of a JPEG.

    Parameters
    ----------
    pixels : ndarray of dtype uint8, or PIL.Image.Image
        Luma, shape (height, width), or red, green, blue and an unused byte, shape (height, width,
        4), valid until the thread decodes another image. Luma and chroma are an image.
    width, height : int
        The size of the image before any reduction.
    """

    pixels: NDArray[np.uint8] | Image.Image
    width: int
    height: int

    @property
    def least_side(self) -> int:
        """The width or the height of the pixels, whichever is less."""
        pixels = self.pixels
        return int(min(pixels.size if isinstance(pixels, Image.Image) else pixels.shape[:2]))


def decode_baseline(source: Any, decoding: Decoding, reduction: Reduction) -> JpegPixels | None:
    """Decode a local file or bytes, if the pixels are certain to be those of Pillow's reader.

    Parameters
    ----------
    source : image source
        See `hashfeatures.images._read.read_image`.
    decoding : Decoding
        The settings of the run.
    reduction : Reduction
        With ``decode="reduced"``: how much of a JPEG must be decoded.

    Returns
    -------
    JpegPixels or None
        None where simplejpeg is needed and not installed, for all other kinds of sources and of
        files, and wherever anything fails.
    """
    with_chroma = decoding.decode == "reduced" and reduction.chroma
    if with_chroma and reduction.color:
        return None
    if not with_chroma and load_simplejpeg() is None:
        return None
    with suppress(Exception):  # Pillow reports what is wrong with the file
        content = _find_content(source)
        found = None if content is None else _read(content, decoding.orient)
        if found is not None and _pillow_would_read_it():
            return _decode(*found, decoding, reduction)
    return None


def _find_content(source: Any) -> str | bytes | None:
    """Return the path of a local file, or its bytes, or None for any other source."""
    if isinstance(source, dict) and source.get("bytes") is not None:  # a row of a data set
        source = source["bytes"]
    if isinstance(source, bytes):
        return source
    if isinstance(source, str):
        return None if ":" in source and (is_url(source) or is_data_uri(source)) else source
    return os.fsdecode(source) if isinstance(source, os.PathLike) else None


@cache
def load_simplejpeg() -> ModuleType | None:
    """Import simplejpeg, or return None if it is not installed or cannot be loaded."""
    try:
        return import_module("simplejpeg")
    except Exception as error:  # a build for another system may raise anything
        _LOGGER.debug("JPEGs are decoded by Pillow: %s", error)
        return None


def _pillow_would_read_it() -> bool:
    """Return whether Pillow itself would decode a JPEG, and no plugin of another package."""
    load_plugins()
    return _is_pillow_first(tuple(Image.ID), Image.OPEN["JPEG"][0], "jpeg" in Image.DECODERS)


@lru_cache(maxsize=16)
def _is_pillow_first(order: tuple[str, ...], reader: Any, has_decoder: bool) -> bool:
    before = order[: order.index("JPEG")]
    homes = [getattr(Image.OPEN[name][0], "__module__", "") for name in before]
    are_known = all(home.startswith(("PIL.", "pillow_")) for home in homes)
    return are_known and reader is JpegImagePlugin.jpeg_factory and not has_decoder


class _Header(NamedTuple):
    width: int
    height: int
    sampling: str | None  # None for gray


def _read(content: str | bytes, orient: bool) -> tuple[memoryview, _Header] | None:
    """Return the content of a plain baseline JPEG and its header, or None for any other file."""
    if isinstance(content, bytes):
        data = memoryview(content)
        header = _read_header(data, orient)
    else:
        status = os.stat(content)  # first, as opening a named pipe would wait for a writer
        if not stat.S_ISREG(status.st_mode):
            return None
        data = _own.memory_for("file", status.st_size)
        with open(content, "rb", buffering=0) as file:
            n_read = file.readinto(data[:_HEAD])
            header = _read_header(data[:n_read], orient)
            while header is not None and n_read < len(data):
                n_more = file.readinto(data[n_read:])
                if not n_more:  # the file has changed
                    return None
                n_read += n_more
    return None if header is None else (data, header)


def _read_header(data: memoryview, orient: bool) -> _Header | None:
    """Return what the header of a plain baseline JPEG says, or None for any other."""
    if len(data) < 4 or bytes(data[:2]) != b"\xff\xd8":
        return None
    frame = None
    place = 2
    while data[place] == 0xFF:
        marker = data[place + 1]
        if marker == _SCAN:
            return frame
        start, place = place + 4, place + 2 + (data[place + 2] << 8) + data[place + 3]
        if marker in _TABLES:
            continue
        segment = bytes(data[start:place])
        if marker == _BASELINE:
            frame = _read_frame(segment)
            if frame is None:
                return None
        elif (
            marker not in _APPLICATIONS
            or (marker == _EXIF and not _is_upright(segment) and orient)
            or (marker == _MULTIPLE and segment[:4] == b"MPF\0")
            or (marker == _ADOBE and segment[:5] == b"Adobe" and segment[11] != 1)
            or _is_cut_off(segment)
        ):
            return None
    return None


def _is_cut_off(segment: bytes) -> bool:
    """Return whether a segment of metadata may be too short for Pillow, which then fails."""
    return (
        (segment[:4] == b"JFIF" and len(segment) < 7)
        or (segment[:12] == b"ICC_PROFILE\0" and len(segment) < 14)
        or (segment[:14] == b"Photoshop 3.0\0" and segment[-6:-2] == b"8BIM")
    )


def _read_frame(segment: bytes) -> _Header | None:
    bits, height, width, n_components = struct.unpack_from(">BHHB", segment)
    components = [segment[start : start + 3] for start in range(6, len(segment), 3)]
    samplings = bytes([component[1] for component in components])
    if bits != 8 or not width or not height or len(components) != n_components:
        return None
    if n_components == 1:
        return _Header(width, height, None) if samplings == b"\x11" else None
    names = bytes([component[0] for component in components])
    if names != b"\1\2\3" or samplings not in _SAMPLINGS:
        return None
    return _Header(width, height, _SAMPLINGS[samplings])


def _is_upright(segment: bytes) -> bool:
    """Return whether a segment of metadata certainly leaves the image as it is."""
    if segment[:6] != b"Exif\0\0":
        return b"Orientation" not in segment
    exif = Image.Exif()
    exif.load(segment)
    for tag in _RESOLUTION:  # Pillow may read it, and fails if it is damaged
        exif.get(tag)
    return bool(exif.get(_ORIENTATION, 1) == 1)


def _decode(
    data: memoryview, header: _Header, decoding: Decoding, reduction: Reduction
) -> JpegPixels | None:
    width, height, sampling = header
    if decoding.max_pixels is None or width * height > decoding.max_pixels:
        return None
    is_reduced = decoding.decode == "reduced"
    scale = 1
    if is_reduced:  # as in Pillow's `draft`
        least = min(width, height) // reduction.min_side
        scale = next((scale for scale in (8, 4, 2) if least >= scale), 1)
    in_color = sampling is not None and not (is_reduced and not reduction.color)
    if is_reduced and reduction.chroma and sampling is not None:
        # What Pillow's reader passes to the decoder after `draft`.
        size, mode = (-(-width // scale), -(-height // scale)), "YCbCr"
        image = Image.frombytes(mode, size, data, "jpeg", mode, "", scale, 0)
        return JpegPixels(image, width, height)
    if load_simplejpeg() is None or not _agrees_with_pillow(sampling, in_color, scale):
        return None
    return JpegPixels(_decode_scaled(data, width, height, in_color, scale), width, height)


def _decode_scaled(
    data: bytes | memoryview, width: int, height: int, in_color: bool, scale: int
) -> NDArray[np.uint8]:
    width, height = -(-width // scale), -(-height // scale)
    simplejpeg: Any = load_simplejpeg()
    shape = (height, width, 4 if in_color else 1)
    pixels: NDArray[np.uint8] = simplejpeg.decode_jpeg(
        data,
        "RGBX" if in_color else "GRAY",
        min_height=height if scale > 1 else 0,
        min_width=width if scale > 1 else 0,
        buffer=_own.memory_for("pixels", width * height * shape[2]),
    )
    if pixels.shape != shape:
        raise ValueError(f"expected pixels of shape {shape}, got {pixels.shape}")
    return pixels if in_color else pixels[..., 0]


@cache
def _agrees_with_pillow(sampling: str | None, in_color: bool, scale: int) -> bool:
    """Return whether simplejpeg decodes small probes of a kind to the pixels of Pillow."""
    rng = np.random.default_rng(0)
    for width, height in ((67, 45), (64, 48), (17, 90)):
        steps = np.add.outer(np.arange(height), np.arange(width))[..., None] * (3, 5, 7) % 256
        noise = rng.integers(0, 256, (height, width, 3))
        for values, quality in ((steps, 90), (noise, 75), ((steps + noise) // 2, 95)):
            image = Image.fromarray(values.astype(np.uint8))
            options = {} if sampling is None else {"subsampling": sampling}
            file = io.BytesIO()
            (image.convert("L") if sampling is None else image).save(
                file, "JPEG", quality=quality, **options
            )
            if not _decodes_alike(file, in_color, scale):
                _LOGGER.debug("Pillow decodes JPEGs: simplejpeg's pixels differ (%s)", sampling)
                return False
    return True


def _decodes_alike(file: io.BytesIO, in_color: bool, scale: int) -> bool:
    with Image.open(file) as image:
        width, height = image.size
        image.draft("RGB" if in_color else "L", (width // scale, height // scale))
        theirs = np.asarray(image)
    try:
        ours = _decode_scaled(file.getvalue(), width, height, in_color, scale)
    except ValueError:
        return False
    return np.array_equal(ours[..., :3] if in_color else ours, theirs)
