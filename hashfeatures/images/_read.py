"""Any source of an image as one upright, opaque Pillow image.

The route is the same for every source: find the bytes, decode the first frame, turn it as its
EXIF orientation says, then bring the pixels into a form that Pillow can turn into luma without
losing anything that a person would see (`flatten`).
"""

from __future__ import annotations

import hashlib
import io
import logging
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, UnidentifiedImageError

from .._utils.descriptions import describe_value
from .._utils.frames import is_missing
from .._utils.regular_files import name_kind, open_regular
from ..exceptions import ImageReadError, MissingExtraError
from ._arrays import conversion_code, is_tensor
from ._decoding import Decoding
from ._errors import CONVERSION_ERRORS, as_read_error, release_frames
from ._files import HEAD, describe_content
from ._flatten import flatten
from ._pillow_state import load_plugins, missing_readers
from ._quiet import quiet_decoding, quiet_libtiff
from ._remote import read_url
from ._sources import (
    describe_source,
    is_data_uri,
    is_url,
    local_path,
    read_data_uri,
)

# What Pillow logs of a broken file is printed if nobody handles it; the error says as much.
logging.getLogger("PIL").addHandler(logging.NullHandler())

_ORIENTATION_TAG = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True)
class DecodedImage:
    """One image and what its file said of it.

    Parameters
    ----------
    image : PIL.Image.Image
        The pixels, upright and opaque.
    width, height : int
        The size in pixels of the image as it is seen, before any reduction.
    format : str or None
        Pillow's name of the file format; None for an image that came from memory.
    shown : PIL.Image.Image or None
        The same pixels, upright, with all that the file shows: transparency and more than 8 bits.
        None if fewer were decoded.
    file : str, BytesIO or None
        Where it was decoded from; None for an image that came from memory.
    """

    image: Image.Image
    width: int
    height: int
    format: str | None
    shown: Image.Image | None = None
    file: str | io.BytesIO | None = None

    @property
    def name(self) -> str:
        """What the image is called in messages."""
        return describe_source(self.image)


def read_image(source: Any, decoding: Decoding = Decoding()) -> DecodedImage:
    """Open any source of an image.

    Parameters
    ----------
    source : str, PathLike, bytes, file object, PIL.Image, ndarray, mapping or DecodedImage
        A path, a URL, an encoded image, an open file, an image in memory (uint8 arrays of shape
        (height, width), (height, width, 3) or (height, width, 4)), or a mapping with the keys
        ``"bytes"`` and ``"path"``, as a Hugging Face data set holds it. Of an animation the first
        frame is read; a PIL image is taken at the frame it stands at. A file object is read
        from its beginning and left open, where it was.
    decoding : Decoding
        The settings of the run.

    Returns
    -------
    DecodedImage
        The image and its size and format.

    Raises
    ------
    ImageReadError
        Whatever is wrong with the source.
    MissingExtraError
        If the source is a URL and the extra ``remote`` is not installed.

    Examples
    --------
    >>> import numpy as np
    >>> from hashfeatures.images._read import read_image
    >>> decoded = read_image(np.zeros((3, 4), dtype="uint8"))
    >>> decoded.image.mode, decoded.width, decoded.height
    ('L', 4, 3)
    """
    if isinstance(source, DecodedImage):
        return source
    with quiet_decoding(decoding.max_pixels):
        try:
            found = _decode(source, decoding)
        except (ImageReadError, MissingExtraError):
            raise
        except Exception as error:  # Pillow's plugins raise whatever a broken file leads them to
            raise as_read_error(source, error) from error
        try:
            return _finish(found, decoding)
        except CONVERSION_ERRORS as error:
            raise as_read_error(source, error) from error


class _Found(NamedTuple):
    """An image as its file holds it."""

    image: Image.Image
    size: tuple[int, int]  # before any reduction
    format: str | None = None
    is_whole: bool = True
    file: str | io.BytesIO | None = None


def _decode(source: Any, decoding: Decoding) -> _Found:
    if isinstance(source, Image.Image):
        load_image(source)
        return _Found(source, source.size)
    if isinstance(source, np.ndarray):
        image = _image_from_array(source)
        return _Found(image, image.size)
    file = _find_file(source)
    with _open_file(file, source, decoding.max_pixels) as image:
        drafted = None
        if decoding.decode == "reduced":
            whole = image.size
            side = decoding.reduced_side
            drafted = image.draft(None if decoding.color else "L", (side, side))
        with quiet_libtiff(image):
            image.load()
        _check_size(image, decoding.max_pixels)  # of icons, it is known only now
        size = whole if drafted else image.size
        return _Found(image, size, image.format, not drafted, file)


def load_image(image: Image.Image) -> None:
    """Load the pixels of an image in memory, or raise `ValueError` if it was closed."""
    try:
        image.load()
    except (AssertionError, AttributeError, ValueError) as error:
        file = getattr(image, "fp", None)
        if (file is None or file.closed) and getattr(
            image, "_im", getattr(image, "im", None)
        ) is None:
            raise ValueError(
                "the image was closed before its pixels were loaded: call its load() before it "
                "is closed, or pass the path of its file"
            ) from error
        raise


@contextmanager
def open_image(source: Any, max_pixels: int | None = None) -> Iterator[Image.Image]:
    """Open the file of an image, whose pixels are not decoded yet.

    Parameters
    ----------
    source : str, PathLike, bytes, file object or mapping
        See `read_image`.
    max_pixels : int, optional
        The most pixels that the image may have; None leaves it to Pillow's own limit.

    Yields
    ------
    PIL.Image.Image
        The image, which is closed at the end.
    """
    with _open_file(_find_file(source), source, max_pixels) as image:
        yield image


@contextmanager
def _open_file(
    file: str | io.BytesIO, source: Any, max_pixels: int | None
) -> Iterator[Image.Image]:
    load_plugins()
    try:
        image = Image.open(file)
    except UnidentifiedImageError as error:
        release_frames(error)
        raise ImageReadError(
            describe_source(source), _say_unidentified(file), lasting=False
        ) from error
    except Image.DecompressionBombError as error:
        raise Image.DecompressionBombError(f"{error} {_MORE_PIXELS}") from error
    with image:
        _check_size(image, max_pixels)
        yield image


_MORE_PIXELS = "If you trust the file, allow more with max_pixels (in commands, --max-pixels)."


def _check_size(image: Image.Image, max_pixels: int | None) -> None:
    """Refuse an image that is too large, in whichever thread it is opened."""
    n_pixels = image.width * image.height
    if max_pixels is not None and n_pixels > max_pixels:
        raise Image.DecompressionBombError(
            f"the image has {n_pixels} pixels, more than the limit of {max_pixels}. {_MORE_PIXELS}"
        )


def _find_file(source: Any) -> str | io.BytesIO:
    """Return what `PIL.Image.open` can open and will close."""
    if isinstance(source, Mapping):
        if not {"bytes", "path"} & set(source):
            raise TypeError(
                f"a mapping needs 'bytes' or 'path'; it has {describe_value(list(source))}"
            )
        data = source.get("bytes")
        return _find_file(source.get("path") if data is None else data)
    if is_missing(source):
        raise ValueError(f"missing value {source!r}: there is no image")
    if isinstance(source, bytes | bytearray | memoryview):
        return io.BytesIO(source)
    if is_data_uri(source):
        return io.BytesIO(read_data_uri(source))
    path = local_path(source)
    if path is None and is_url(source):
        return io.BytesIO(read_url(source))
    if path is not None:
        return _check_path(path)
    if hasattr(source, "read"):
        return io.BytesIO(read_whole(source))
    if is_tensor(source):
        text = conversion_code(source, "image", is_batch=False)
        raise TypeError(f"{describe_value(source)} is no image source: write {text}")
    raise TypeError(
        f"{type(source).__name__} is no image source; expected a path, a URL, bytes, an open "
        f"file, a PIL image, a uint8 array or a mapping with 'bytes' and 'path'"
    )


def _check_path(path: str) -> str:
    """Return the path of a regular file that holds something, or raise."""
    if not path:
        raise FileNotFoundError("the path is empty")
    if "\0" in path:
        raise ValueError("the path holds a NUL character, which no file's name has")
    status = os.stat(path)
    kind = name_kind(status)
    if kind == "a directory":
        raise IsADirectoryError("is a directory, not an image file")
    if kind is not None:
        raise OSError(f"is {kind}, not an image file")
    if not status.st_size:  # or one of /proc, which might wait
        raise ValueError("the file is empty")
    return path


def read_whole(file: Any) -> bytes:
    """Read an open file from its beginning, and leave it where it was."""
    seekable = getattr(file, "seekable", lambda: False)()
    if not seekable:
        data = file.read()
    else:
        position = file.tell()
        file.seek(0)
        data = file.read()
        file.seek(position)
    if not isinstance(data, bytes):
        raise TypeError(f"the file gives {type(data).__name__}; open it in binary mode")
    return data


def _say_unidentified(file: str | io.BytesIO) -> str:
    if isinstance(file, io.BytesIO):
        start = file.getvalue()[:HEAD]
    else:
        with open(file, "rb") as opened:
            start = opened.read(HEAD)
    if not start:
        return "the file is empty"
    return describe_content(start) + missing_readers()


def _image_from_array(array: np.ndarray[Any, Any]) -> Image.Image:
    shape = array.shape
    if array.dtype != np.uint8:
        raise TypeError(
            f"expected an array of dtype uint8 (0 to 255), got {array.dtype}: write "
            f"{conversion_code(array, 'array', is_batch=False)}"
        )
    if array.ndim == 3 and shape[2] == 1:
        array = array[:, :, 0]
    elif not (array.ndim == 2 or (array.ndim == 3 and shape[2] in (3, 4))):
        raise ValueError(
            f"expected an array of shape (height, width), (height, width, 3) or "
            f"(height, width, 4), got {shape}{_say_turned(array)}"
        )
    return Image.fromarray(np.ascontiguousarray(array))


def _say_turned(array: np.ndarray[Any, Any]) -> str:
    text = conversion_code(array, "array", is_batch=False)
    return "" if text == "array" else f", whose channels come first: write {text}"


def _finish(found: _Found, decoding: Decoding) -> DecodedImage:
    image, size = found.image, found.size
    if 0 in image.size:
        raise ValueError(f"the image has no pixels: {image.width}x{image.height}")
    if decoding.orient:
        turn = _UPRIGHT.get(read_orientation(image))
        if turn is not None:
            image = image.transpose(turn)
            if turn not in (
                Image.Transpose.FLIP_LEFT_RIGHT,
                Image.Transpose.FLIP_TOP_BOTTOM,
                Image.Transpose.ROTATE_180,
            ):
                size = size[::-1]
    shown = image if found.is_whole else None
    if decoding.background is not None:
        image = flatten(image, decoding.background)
    return DecodedImage(image, *size, found.format, shown, found.file)


def digest_undecoded(file: str | io.BytesIO) -> bytes:
    """Return the digest of a file if it may show more than what is decoded of it, else nothing.

    Of an animation one frame is decoded, and of some formats 8 of 16 bits: such files show the
    same for certain only if they are the same.
    """
    try:
        with open_image(file) as image:
            if not _shows_more(image):
                return b""
        return _digest_content(file)
    except ImageReadError:
        raise
    except Exception as error:  # the file may be another by now
        raise as_read_error(file, error) from error


def _digest_content(file: str | io.BytesIO) -> bytes:
    content = hashlib.sha256()
    with open_regular(file) if isinstance(file, str) else io.BytesIO(file.getvalue()) as opened:
        while block := opened.read(_READ):
            content.update(block)
    return content.digest()


_READ = 2**20  # bytes at a time


def holds_further_pictures(file: str) -> bool:
    """Tell whether a file holds frames, pages or layers beside the one that is decoded of it.

    What phones put beside a photo (MPO: a preview, a map of its brightness) is not counted. Pixels
    are not decoded, so an image of any size is looked at.
    """
    try:
        with quiet_decoding(sys.maxsize), open_image(file) as image:
            return image.format != "MPO" and bool(getattr(image, "is_animated", False))
    except Exception:  # the further frames of a broken file
        return True


# Formats of which Pillow does not say with how many bits they were written.
_OF_ANY_DEPTH = {"JPEG2000", "AVIF", "HEIF"}


def _shows_more(image: Image.Image) -> bool:
    try:
        is_animated = getattr(image, "is_animated", False)
    except Exception:  # the further frames of a broken file
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


def read_orientation(image: Image.Image) -> int:
    """Return the EXIF orientation of an image, 1 to 8; 1 if it has none."""
    try:
        return int(image.getexif().get(_ORIENTATION_TAG, 1))
    except Exception:  # a damaged EXIF block says nothing of the pixels, which are whole
        return 1
