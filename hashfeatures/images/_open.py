"""Any source of an encoded image as an open file, with its size checked before it is decoded."""

from __future__ import annotations

import io
import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from PIL import Image, UnidentifiedImageError

from .._utils.descriptions import describe_value
from .._utils.frames import is_missing
from .._utils.regular_files import name_kind
from ..exceptions import ImageReadError
from ._arrays import conversion_code, is_tensor
from ._errors import release_frames
from ._files import HEAD, describe_content
from ._pillow_state import load_plugins, missing_readers
from ._references import ImageReference
from ._remote import read_url
from ._sources import (
    describe_source,
    is_data_uri,
    is_url,
    local_path,
    read_data_uri,
)

# Without a handler, Python prints what Pillow logs about a broken file. The error says the same.
logging.getLogger("PIL").addHandler(logging.NullHandler())

_ORIENTATION_TAG = 0x0112

_MORE_PIXELS = "If you trust the file, allow more with max_pixels (in commands, --max-pixels)."


@contextmanager
def open_image(source: Any, max_pixels: int | None = None) -> Iterator[Image.Image]:
    """Open the file of an image without decoding its pixels.

    Parameters
    ----------
    source : str, PathLike, bytes, file object, mapping or ImageReference
        See `read_image`.
    max_pixels : int, optional
        The most pixels that the image may have. None means Pillow's own limit.

    Yields
    ------
    PIL.Image.Image
        The image. It is closed at the end.
    """
    with open_file(find_file(source), source, max_pixels) as image:
        yield image


@contextmanager
def open_file(
    file: str | io.BytesIO, source: Any, max_pixels: int | None
) -> Iterator[Image.Image]:
    """Open a file that `find_file` returned for `source`."""
    load_plugins()
    try:
        image = Image.open(file)
    except UnidentifiedImageError as error:
        release_frames(error)
        raise ImageReadError(
            describe_source(source), _describe_unidentified(file), lasting=False
        ) from error
    except Image.DecompressionBombError as error:
        raise Image.DecompressionBombError(f"{error} {_MORE_PIXELS}") from error
    with image:
        check_size(image, max_pixels)
        yield image


def check_size(image: Image.Image, max_pixels: int | None) -> None:
    """Raise if an image has too many pixels. Pillow's own limit is shared by all threads."""
    n_pixels = image.width * image.height
    if max_pixels is not None and n_pixels > max_pixels:
        raise Image.DecompressionBombError(
            f"the image has {n_pixels} pixels, more than the limit of {max_pixels}. {_MORE_PIXELS}"
        )


def find_file(source: Any) -> str | io.BytesIO:
    """Return a path or a buffer that `PIL.Image.open` can open and will close."""
    if isinstance(source, ImageReference):
        return find_file(source.resolve())
    if isinstance(source, Mapping):
        if not {"bytes", "path"} & set(source):
            raise TypeError(
                f"a mapping needs the key 'bytes' or 'path'. Got the keys "
                f"{describe_value(list(source))}"
            )
        data = source.get("bytes")
        return find_file(source.get("path") if data is None else data)
    if is_missing(source):
        raise ValueError(f"missing value {source!r}: there is no image")
    if isinstance(source, bytes | bytearray | memoryview):
        return io.BytesIO(source)
    if is_data_uri(source):
        return io.BytesIO(read_data_uri(source))
    url = find_address(source)
    if url is not None:
        return io.BytesIO(read_url(url))
    path = local_path(source)
    if path is not None:
        return _check_path(path)
    if hasattr(source, "read"):
        return io.BytesIO(read_whole(source))
    if is_tensor(source):
        text = conversion_code(source, "image", is_batch=False)
        raise TypeError(f"{describe_value(source)} is not an image source. Write {text}")
    raise TypeError(
        f"{type(source).__name__} is not an image source. Expected a path, a URL, bytes, an open "
        f"file, a PIL image, a uint8 array or a mapping with 'bytes' and 'path'"
    )


def find_address(source: Any) -> str | None:
    """Return the URL that a source is, or that a mapping holds, unless its file is here."""
    if isinstance(source, Mapping):
        return find_address(source.get("path")) if source.get("bytes") is None else None
    if is_data_uri(source) or local_path(source) is not None or not is_url(source):
        return None
    return str(source)


def _check_path(path: str) -> str:
    """Return the path, or raise unless it names a regular file that is not empty."""
    if not path:
        raise FileNotFoundError("the path is empty")
    if "\0" in path:
        raise ValueError("the path holds a NUL character")
    status = os.stat(path)
    kind = name_kind(status)
    if kind == "a directory":
        raise IsADirectoryError("is a directory, not an image file")
    if kind is not None:
        raise OSError(f"is {kind}, not an image file")
    if not status.st_size:  # files in /proc have size 0 too, and reading them might block
        raise ValueError("the file is empty")
    return path


def read_whole(file: Any) -> bytes:
    """Read an open file from its beginning, and restore its position."""
    seekable = getattr(file, "seekable", lambda: False)()
    if not seekable:
        data = file.read()
    else:
        position = file.tell()
        file.seek(0)
        data = file.read()
        file.seek(position)
    if not isinstance(data, bytes):
        raise TypeError(f"reading the file returns {type(data).__name__}. Open it in binary mode")
    return data


def _describe_unidentified(file: str | io.BytesIO) -> str:
    if isinstance(file, io.BytesIO):
        start = file.getvalue()[:HEAD]
    else:
        with open(file, "rb") as opened:
            start = opened.read(HEAD)
    if not start:
        return "the file is empty"
    suffix = os.path.splitext(file)[1] if isinstance(file, str) else ""
    return describe_content(start, suffix) + missing_readers()


def read_orientation(image: Image.Image) -> int:
    """Return the EXIF orientation of an image, 1 to 8, or 1 if it has none."""
    try:
        return int(image.getexif().get(_ORIENTATION_TAG, 1))
    except Exception:  # the pixels are whole even if the EXIF block is damaged
        return 1
