"""Image sources: their kinds and names, and containers of images as lists of them."""

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

from .._utils.descriptions import describe_value, shorten
from .._utils.frames import (
    column_names,
    holds_numbers,
    is_dataset,
    is_frame,
    is_table_stream,
    list_column,
    list_values,
)
from ._arrays import conversion_code, is_ambiguous, is_single, is_tensor
from ._references import ImageReference

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+(::.*)?://")  # one letter is a drive of Windows
_FILE_URL = re.compile(r"file:[/\\]", re.IGNORECASE)
_DATA_URI = re.compile(r"data:([\w.+-]+/[\w.+-]+)?(;[^,;/\\]*)*,", re.IGNORECASE)
IMAGE_COLUMNS = ("image", "path", "url", "file", "filename")

# Suffixes of files that hold many images, or name them.
_DATA_SETS = (
    *(".zip", ".tar", ".tgz", ".tar.gz", ".yaml", ".yml"),
    *(".json", ".csv", ".parquet"),
)

_EXPECTED = "a list, tuple, 1-D array, Series or DataFrame of images"


def is_url(source: object) -> bool:
    """Return whether `source` is a string that begins with a protocol."""
    return isinstance(source, str) and "://" in source and _URL.match(source) is not None


def is_data_uri(source: object) -> bool:
    """Return whether `source` is a ``data:`` URI, which holds an encoded image itself."""
    return isinstance(source, str) and _DATA_URI.match(source) is not None


def is_remote(source: object) -> bool:
    """Return whether `source` is a URL other than those of local files and ``data:`` URIs."""
    if isinstance(source, Mapping):
        return source.get("bytes") is None and is_remote(source.get("path"))
    return is_url(source) and not is_data_uri(source) and local_path(source) is None


def local_path(source: object) -> str | None:
    """Return the path of a local file if `source` is a path or a ``file:`` URL, else None.

    Examples
    --------
    >>> from hashfeatures.images._sources import local_path
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
    """Return the path in a ``file:`` URL, the inverse of `pathlib.Path.as_uri`."""
    path = url.partition(":")[2]
    host = ""
    if path.startswith("//"):
        host, slash, path = path[2:].partition("/")
        host, path = "" if host.lower() == "localhost" else host, slash + path
    path = unquote(path, errors="surrogateescape")  # keeps bytes that are not UTF-8
    if os.name != "nt":
        # As in fsspec, this is a local path, not one on another host.
        return unquote(host, errors="surrogateescape") + path
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
    >>> from hashfeatures.images._sources import read_data_uri
    >>> read_data_uri("data:image/png;base64,iVBORw=="), read_data_uri("DATA:,%89PNG")
    (b'\x89PNG', b'\x89PNG')
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


def describe_source(source: object) -> str:
    r"""Return a short description of an image source for messages.

    Examples
    --------
    >>> from hashfeatures.images._sources import describe_source
    >>> describe_source("photos/cat.jpg")
    'photos/cat.jpg'
    >>> describe_source(b"\x89PNG")
    '<4 bytes>'
    """
    if isinstance(source, ImageReference):
        return shorten(source.name)
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
    """Return the path, URL or other name of an image source, or None if it has none."""
    if isinstance(source, ImageReference):
        return source.name
    if isinstance(source, Mapping):
        source = source.get("path")
    is_name = isinstance(source, str | os.PathLike) and not is_data_uri(source)
    return os.fsdecode(source) if is_name else None  # type: ignore[arg-type]


def name_sources(sources: Iterable[Any]) -> np.ndarray[Any, Any]:
    """Return the name of each image source as `name_source` does, dtype object."""
    names = [name_source(source) for source in sources]
    column = np.empty(len(names), dtype=object)
    column[:] = names
    return column


def count_bytes(source: object) -> int | None:
    r"""Return the size in bytes of an image file or an encoded image, or None.

    Examples
    --------
    >>> from hashfeatures.images._sources import count_bytes
    >>> count_bytes(b"\x89PNG"), count_bytes("no such file.png")
    (4, None)
    """
    if isinstance(source, Mapping):
        data = source.get("bytes")
        return count_bytes(source.get("path") if data is None else data)
    if isinstance(source, ImageReference):
        return source.count_bytes()
    if isinstance(source, bytes | bytearray | memoryview):
        return memoryview(source).nbytes
    path = local_path(source)
    try:
        if is_data_uri(source):
            return len(read_data_uri(str(source)))
        return None if path is None else os.path.getsize(path)
    except (OSError, ValueError):
        return None


def list_sources(images: Any, caller: str) -> list[Any]:
    """Return the image sources in a container, in its order.

    Parameters
    ----------
    images : list, tuple, array, Series or DataFrame
        Tables may be of pandas, polars, Arrow, or Hugging Face. Their images are in the column
        that `pick_image_column` returns. An array of uint8 of shape (n_images, height, width) or
        (n_images, height, width, channels) counts as a list of images.
    caller : str
        The name of the caller for messages.

    Returns
    -------
    list
        One source per image.

    Raises
    ------
    TypeError
        If `images` is a single image or not a container.
    ValueError
        If `images` is a table without a column of images, or with more than one.
    """
    check_container(images, caller)
    got = f"{caller} expects {_EXPECTED}. Got"
    if is_frame(images):
        return list_column(images, pick_image_column(images, caller))
    if isinstance(images, np.ndarray) or is_tensor(images):
        return _list_array(images, got)
    if not isinstance(images, Iterable):  # it has an index only, and an item may be costly
        _check_items([images[0]] if len(images) else [], images, got)
        return [images[place] for place in range(len(images))]
    sources = list_values(images)
    _check_items(sources[:5], images, got)
    return sources


def check_container(images: Any, caller: str) -> None:
    """Raise with advice unless `images` can be a container of images."""
    if advice := _advice_for(images):
        raise TypeError(f"{caller} expects {_EXPECTED}. Got {advice}.")


def _check_items(items: list[Any], images: Any, got: str) -> None:
    """Raise if the items of a container cannot be images."""
    if items and all(isinstance(item, tuple) for item in items):
        raise TypeError(
            f"{got} a {type(images).__name__} of tuples: for the images alone, write "
            f"[item[{position_of_image(items[0])}] for item in images]."
        )
    if items and all(map(is_frame, items)):
        raise TypeError(
            f"{got} a {type(images).__name__} of tables, such as {describe_value(items[0])}: join "
            f"them into one table."
        )
    rows = [item for item in items if isinstance(item, Mapping)]
    named = [name for name in IMAGE_COLUMNS if all(name in row for row in rows)]
    if rows and len(rows) == len(items) and named and not _are_encoded(rows):
        raise TypeError(
            f"{got} a {type(images).__name__} of rows: for the images alone, write "
            f"[row[{named[0]!r}] for row in images]."
        )
    if items and all(map(is_tensor, items)):
        raise TypeError(
            f"{got} a {type(images).__name__} of {type(items[0]).__name__}: write "
            f"[{conversion_code(items[0], 'image', is_batch=False)} for image in images]."
        )


def _advice_for(images: Any) -> str | None:
    """Return what `images` is and what to write instead, or None for a container of images."""
    kind = type(images).__name__
    package = type(images).__module__.partition(".")[0]
    if any(base.__module__.startswith("pandas.") for base in type(images).__mro__):
        return None  # whatever the names of its columns
    if isinstance(images, Mapping) and not {"bytes", "path"} & set(images):
        return _advice_for_mapping(images)
    if hasattr(images, "namelist"):  # a zip file
        return f"a {kind}: write [images.open(name) for name in images.namelist()]"
    single = (str, bytes, bytearray, memoryview, os.PathLike, Mapping, Image.Image, ImageReference)
    if isinstance(images, single) or hasattr(images, "read"):
        return f"the single {kind} {describe_source(images)!r}: {_advice_for_single(images)}"
    if isinstance(images, zip | enumerate):
        return f"{kind}, which gives tuples: write the list of the images alone"
    if is_table_stream(images) and isinstance(images, Iterator):
        return f"a {kind}, which can be read only once: write images.read_all()"
    if isinstance(images, Iterator):
        return f"{kind}, which can be read only once: make it a list, list(images)"
    if isinstance(images, set | frozenset):
        return f"{kind}, which has no order: make it a list, sorted(images)"
    if package in ("dask", "dask_expr", "dask_array") or hasattr(images, "dask"):
        return f"{kind} of dask, which is not computed yet: write images.compute()"
    if kind == "DuckDBPyRelation" or type(images).__module__ == "pyarrow._dataset":
        return f"a {kind}, which holds no rows yet: write read_collection(images)"
    if package == "polars" and hasattr(images, "collect"):
        return f"a {kind}, which holds no rows yet: write images.collect()"
    if package == "datasets" and not hasattr(images, "__len__"):
        return f"a {kind}, which is a stream: write read_collection(images)"
    if hasattr(images, "as_numpy_iterator"):  # of TensorFlow
        return f"a {kind}: write [image for image, _ in images.as_numpy_iterator()]"
    if hasattr(images, "toPandas"):  # of Spark
        return f"a {kind} of Spark: write images.toPandas()"
    if hasattr(images, "samples") and hasattr(images, "__getitem__"):  # of torchvision
        return f"a {kind}, whose images come with classes: write read_collection(images)"
    if package == "torch" and hasattr(images, "dataset"):
        if hasattr(images, "indices"):
            return f"a {kind}: write read_collection(images)"
        return f"a {kind}, which gives batches: write read_collection(images.dataset)"
    is_indexed = hasattr(images, "__getitem__") and hasattr(images, "__len__")
    if not isinstance(images, Iterable) and not is_indexed and not is_frame(images):
        return kind
    return None


def _advice_for_mapping(images: Mapping[Any, Any]) -> str:
    kind, names = type(images).__name__, list(images)
    named = [name for name in IMAGE_COLUMNS if name in images]
    if named and not isinstance(images[named[0]], str | os.PathLike):
        return f"a {kind} of columns: write images[{named[0]!r}]"
    if names and is_frame(images[names[0]]):
        return f"a {kind} of {describe_value(names)}: write images[{names[0]!r}], say"
    return f"a {kind}: write list(images.values())"


def _advice_for_single(images: Any) -> str:
    path = local_path(images)
    if path is not None and path.lower().endswith(_DATA_SETS):
        return f"for the images of a data set, write read_collection({path[-60:]!r})"
    return "for one image, wrap it in a list"


def _are_encoded(rows: list[Mapping[Any, Any]]) -> bool:
    """Return whether rows are encoded images of Hugging Face, not rows that contain them."""
    return all({"bytes", "path"} & row.keys() for row in rows)


def position_of_image(item: tuple[Any, ...]) -> int:
    """Return the likely position of the image in a tuple, without reading it."""
    for is_image in (_looks_like_file, _looks_like_image):
        for place, value in enumerate(item):
            if is_image(value):
                return place
    return 0


def _looks_like_file(value: Any) -> bool:
    name = name_source(value)
    return name is not None and (is_url(name) or os.path.splitext(name)[1] != "")


def _looks_like_image(value: Any) -> bool:
    kinds = (bytes, os.PathLike, Mapping, Image.Image, np.ndarray, ImageReference)
    return isinstance(value, kinds) or is_tensor(value)


def _list_array(images: Any, got: str) -> list[Any]:
    shape = tuple(images.shape)
    if len(shape) == 1 and isinstance(images, np.ndarray):
        return list(images)
    if len(shape) == 2 and isinstance(images, np.ndarray) and images.dtype.kind in "OUT":
        if shape[1] == 1:
            return list(images[:, 0])
        raise ValueError(
            f"{got} an array of {shape[1]} columns: select the column that holds the images."
        )
    what = describe_value(images)
    if is_ambiguous(shape):
        one, many = (
            conversion_code(images, "images", False),
            conversion_code(images, "images", True),
        )
        raise TypeError(
            f"{got} {what}, which may be one image with its colors first, [{one}], or "
            f"{shape[0]} gray ones, list({many}): write which."
        )
    if is_single(shape):
        wrapped = f"[{conversion_code(images, 'images', is_batch=False)}]"
        raise TypeError(f"{got} {what}: for one image, wrap it in a list, {wrapped}.")
    if len(shape) not in (3, 4):
        raise TypeError(f"{got} {what}, which is not a batch of images.")
    text = conversion_code(images, "images", is_batch=True)
    if text != "images":
        raise TypeError(f"{got} {what}: write {text}.")
    return list(images)


def pick_image_column(frame: Any, caller: str) -> Any:
    """Return the name of the column of a table that holds the images.

    Parameters
    ----------
    frame : table of pandas, polars, Arrow or Hugging Face
        A table of one column, or with a column named as in `IMAGE_COLUMNS`. A Dataset of Hugging
        Face may have a column of type ``Image`` instead.
    caller : str
        The name of the caller for the message.

    Returns
    -------
    label
        The name of the column.

    Raises
    ------
    ValueError
        If no column, or more than one, has such a name.
    """
    columns = column_names(frame)
    named = columns if len(columns) == 1 else [name for name in IMAGE_COLUMNS if name in columns]
    named = [name for name in named if not holds_numbers(frame, name)] or named
    if is_dataset(frame):
        features = frame.features.items()
        named = [name for name, kind in features if type(kind).__name__ == "Image"] or named
    if len(named) == 1 or (named and named[0] == IMAGE_COLUMNS[0]):
        return named[0]
    found = f"several: {named}" if named else "none"
    raise ValueError(
        f"{caller} looks for the images in a column named {', '.join(map(repr, IMAGE_COLUMNS))}, "
        f"and found {found}. Got a table of {len(columns)} columns, "
        f"{describe_value(columns[:10])}: select one, or rename the one that holds the images to "
        f"'image'."
    )


def image_column(images: Any, caller: str) -> Any:
    """Return the column of a table that holds the images, or `images` if it is not a table."""
    if not is_frame(images) or _advice_for(images):
        return images
    name = pick_image_column(images, caller)
    return list_column(images, name) if is_dataset(images) else images[name]
