"""Any container of images as a list of image sources, and what a source is called."""

from __future__ import annotations

import base64
import binascii
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote, unquote_to_bytes

import numpy as np
from PIL import Image

from .descriptions import describe_value, shorten

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*(::.*)?://")
_FILE_URL = re.compile(r"file:[/\\]", re.IGNORECASE)
_DATA_URI = re.compile(r"data:([\w.+-]+/[\w.+-]+)?(;[^,;/\\]*)*,", re.IGNORECASE)
IMAGE_COLUMNS = ("image", "path", "url", "file", "filename")

_EXPECTED = "a list, tuple, 1-D array, Series or one-column DataFrame of images"


def is_url(source: object) -> bool:
    """Tell whether `source` is a string that names a protocol."""
    return isinstance(source, str) and "://" in source and _URL.match(source) is not None


def is_data_uri(source: object) -> bool:
    """Tell whether `source` is a string that holds an encoded image itself, ``data:...``."""
    return isinstance(source, str) and _DATA_URI.match(source) is not None


def is_far(source: object) -> bool:
    """Tell whether `source` is read through the network, or whatever stands behind a URL."""
    if isinstance(source, Mapping):
        return source.get("bytes") is None and is_far(source.get("path"))
    return is_url(source) and not is_data_uri(source) and local_path(source) is None


def local_path(source: object) -> str | None:
    """Return the path of the file that `source` names, if it is a path or a ``file:`` URL.

    Examples
    --------
    >>> from hashfeatures.sources import local_path
    >>> local_path("file:///photos/my%20cat.png"), local_path("my%20cat.png")
    ('/photos/my cat.png', 'my%20cat.png')
    >>> local_path("https://example.org/my%20cat.png") is None
    True
    """
    if isinstance(source, os.PathLike):
        return os.fsdecode(source)
    if not isinstance(source, str):
        return None
    if _FILE_URL.match(source):
        return _path_in(source)
    return None if is_url(source) or is_data_uri(source) else source


def _path_in(url: str) -> str:
    """Return the path in a ``file:`` URL; the opposite of `pathlib.Path.as_uri`."""
    path = url.partition(":")[2]
    host = ""
    if path.startswith("//"):
        host, slash, path = path[2:].partition("/")
        host, path = "" if host.lower() == "localhost" else host, slash + path
    path = unquote(path, errors="surrogateescape")  # bytes that are no UTF-8, as Python has them
    if os.name != "nt":
        return unquote(host, errors="surrogateescape") + path  # as fsspec: of here, not of a host
    if re.fullmatch("[A-Za-z]:", host):
        return host + path
    if host:
        return f"//{host}{path}"
    return path[1:] if re.match(r"/[A-Za-z]:", path) else path


def read_data_uri(uri: str) -> bytes:
    r"""Return the content of a ``data:`` URI.

    Raises
    ------
    ValueError
        If its base64 is damaged.

    Examples
    --------
    >>> from hashfeatures.sources import read_data_uri
    >>> read_data_uri("data:image/png;base64,iVBORw=="), read_data_uri("DATA:,%89PNG")
    (b'\\x89PNG', b'\\x89PNG')
    """
    header, _, body = uri.partition(",")
    data = unquote_to_bytes(body)
    if not header.lower().rstrip().endswith(";base64"):
        return data
    letters = b"".join(data.split()).translate(bytes.maketrans(b"-_", b"+/")).rstrip(b"=")
    try:
        return base64.b64decode(letters + b"=" * (-len(letters) % 4), validate=True)
    except binascii.Error as error:
        raise ValueError("the base64 of the data: URI is damaged") from error


def is_missing(source: object) -> bool:
    """Tell whether `source` is None, NaN, NaT or ``pandas.NA``."""
    if source is None or type(source).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(source, float | np.floating) and source != source


def describe_source(source: object) -> str:
    r"""Say in a few words which image `source` is, for messages.

    Examples
    --------
    >>> from hashfeatures.sources import describe_source
    >>> describe_source("photos/cat.jpg")
    'photos/cat.jpg'
    >>> describe_source(b"\x89PNG")
    '<4 bytes>'
    """
    if is_data_uri(source):
        kind, _, _ = str(source)[:80].partition(",")
        return f"<{kind}, of {len(str(source))} characters>"
    if isinstance(source, str | os.PathLike):
        return shorten(os.fsdecode(source))
    if isinstance(source, Mapping):
        path = source.get("path")
        return describe_source(path) if path else "<mapping>"
    if isinstance(source, Image.Image):
        size = f"{source.width}x{source.height}"
        file = shorten(str(getattr(source, "filename", "")))
        return file or f"<{source.mode} image of {size}>"
    name = getattr(source, "name", None)
    is_named = isinstance(name, str) and not hasattr(source, "shape")
    return shorten(str(name)) if is_named else describe_value(source)


def name_source(source: object) -> str | None:
    """Return the path or URL of an image source; None where there is none."""
    if isinstance(source, Mapping):
        source = source.get("path")
    is_name = isinstance(source, str | os.PathLike) and not is_data_uri(source)
    return os.fsdecode(source) if is_name else None  # type: ignore[arg-type]


def name_sources(sources: Iterable[Any]) -> np.ndarray[Any, Any]:
    """Return the path or URL of each image source, dtype object; None where there is none."""
    names = [name_source(source) for source in sources]
    column = np.empty(len(names), dtype=object)
    column[:] = names
    return column


def count_bytes(source: object) -> int | None:
    r"""Return the size of an encoded image: of its file, or in memory; None where neither is.

    Examples
    --------
    >>> from hashfeatures.sources import count_bytes
    >>> count_bytes(b"\x89PNG"), count_bytes("no such file.png")
    (4, None)
    """
    if isinstance(source, Mapping):
        data = source.get("bytes")
        return count_bytes(source.get("path") if data is None else data)
    if isinstance(source, bytes | bytearray | memoryview):
        return memoryview(source).nbytes
    path = local_path(source)
    try:
        if is_data_uri(source):
            return len(read_data_uri(str(source)))
        return None if path is None else os.path.getsize(path)
    except (OSError, ValueError):
        return None


def list_sources(images: Any, owner: str) -> list[Any]:
    """Return the image sources that a container holds, in its order.

    Parameters
    ----------
    images : list, tuple, 1-D ndarray, Series or one-column DataFrame
        pandas or polars; an array of shape (n_images, height, width, channels) counts as a list
        of images.
    owner : str
        Who asks, for the messages.

    Returns
    -------
    list
        One source an image.

    Raises
    ------
    TypeError
        If `images` is a single image, or no container.
    ValueError
        If `images` is a table of more than one column.
    """
    single = (str, bytes, bytearray, memoryview, os.PathLike, Mapping, Image.Image)
    if isinstance(images, single) or hasattr(images, "read"):
        cure = "for one image, wrap it in a list"
        if isinstance(images, str | os.PathLike) and os.path.isdir(images):
            cure = (
                "for the images in a folder, list them, as by sorted(Path(folder).rglob('*.jpg'))"
            )
        raise TypeError(
            f"{owner} expects {_EXPECTED}. Got the single {type(images).__name__} "
            f"{describe_source(images)!r}: {cure}."
        )
    if isinstance(images, np.ndarray):
        return _list_array(images, owner)
    if is_frame(images):
        return _list_frame(images, owner)
    for method in ("to_list", "to_pylist"):  # pandas and polars; arrow
        if hasattr(images, method):
            return list(getattr(images, method)())
    got = f"{owner} expects {_EXPECTED}. Got {type(images).__name__}"
    if isinstance(images, Iterator):
        raise TypeError(f"{got}, which can be read only once: make it a list.")
    if isinstance(images, set | frozenset):
        raise TypeError(f"{got}, which has no order: make it a list.")
    if not isinstance(images, Iterable):
        raise TypeError(f"{got}.")
    return list(images)


def _list_array(images: np.ndarray[Any, Any], owner: str) -> list[Any]:
    if images.ndim == 1:
        return list(images)
    if images.ndim == 2 and images.dtype.kind in "OUT":
        if images.shape[1] == 1:
            return list(images[:, 0])
        raise ValueError(
            f"{owner} expects {_EXPECTED}. Got an array of {images.shape[1]} columns: "
            f"select the column that holds the images."
        )
    if images.ndim == 4:
        return list(images)
    raise TypeError(
        f"{owner} expects {_EXPECTED}. Got {describe_source(images)}: for one image, wrap it in "
        f"a list."
    )


def _list_frame(frame: Any, owner: str) -> list[Any]:
    columns = list(frame.columns)
    if len(columns) != 1:
        raise ValueError(
            f"{owner} expects {_EXPECTED}. Got a table of {len(columns)} columns, "
            f"{columns[:10]}: select the one that holds the images, X[column]."
        )
    column = frame[columns[0]]
    return list(column.to_list())


def is_frame(images: Any) -> bool:
    """Tell whether `images` is a table of named columns, of pandas or polars."""
    return hasattr(images, "columns") and hasattr(images, "shape")


def pick_image_column(frame: Any, owner: str) -> Any:
    """Return the name of the column of a table that holds the images.

    Parameters
    ----------
    frame : pandas or polars DataFrame
        A table of one column, or with one that is called as `IMAGE_COLUMNS` says.
    owner : str
        Who asks, for the message.

    Returns
    -------
    label
        The name of the column.

    Raises
    ------
    ValueError
        If no column, or more than one, has such a name.
    """
    columns = list(frame.columns)
    named = columns if len(columns) == 1 else [name for name in IMAGE_COLUMNS if name in columns]
    if len(named) == 1 or (named and named[0] == IMAGE_COLUMNS[0]):
        return named[0]
    found = f"several: {named}" if named else "none"
    raise ValueError(
        f"{owner} looks for the images in a column named {', '.join(map(repr, IMAGE_COLUMNS))}. "
        f"The table has {found} among its columns {columns[:10]}: rename the one that holds the "
        f"images to 'image'."
    )
