"""Any container of images as a list of image sources, and what a source is called."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from PIL import Image

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*(::.*)?://")
IMAGE_COLUMNS = ("image", "path", "url", "file", "filename")

_EXPECTED = "a list, tuple, 1-D array, Series or one-column DataFrame of images"


def is_url(source: object) -> bool:
    """Tell whether `source` is a string that names a protocol."""
    return isinstance(source, str) and "://" in source and _URL.match(source) is not None


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
    if isinstance(source, str):
        return source
    if isinstance(source, os.PathLike):
        return os.fsdecode(source)
    if isinstance(source, Mapping):
        path = source.get("path")
        return str(path) if path else "<mapping>"
    if isinstance(source, bytes | bytearray | memoryview):
        return f"<{memoryview(source).nbytes} bytes>"
    if isinstance(source, Image.Image):
        size = f"{source.width}x{source.height}"
        return str(getattr(source, "filename", "")) or f"<{source.mode} image of {size}>"
    if isinstance(source, np.ndarray):
        return f"<{source.dtype} array of shape {source.shape}>"
    name = getattr(source, "name", None)
    return name if isinstance(name, str) else repr(source)


def name_sources(sources: Iterable[Any]) -> np.ndarray[Any, Any]:
    """Return the path or URL of each image source, dtype object; None where there is none."""
    names = []
    for source in sources:
        if isinstance(source, Mapping):
            source = source.get("path")
        is_name = isinstance(source, str | os.PathLike)
        names.append(os.fsdecode(source) if is_name else None)
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
    try:
        is_path = isinstance(source, str | os.PathLike) and not is_url(source)
        return os.path.getsize(source) if is_path else None  # type: ignore[arg-type]
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
