"""Read a data set in whatever layout it is."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from .._utils.descriptions import describe_value, shorten
from .._utils.frames import is_table_stream
from .._utils.path_text import show_path
from .._utils.validation import check_choice
from ..exceptions import LayoutError, SkippedFilesWarning, warn_user
from ..images._files import holds_image
from ..images._sources import is_data_uri, is_url
from ._collection import Collection
from ._layout import Layout

# The module and the class of each layout.
_LAYOUTS = {
    "yolo": ("yolo._yolo", "YoloLayout"),
    "coco": ("coco._coco", "CocoLayout"),
    "voc": ("voc._voc", "VocLayout"),
    "webdataset": ("archives._webdataset", "WebDatasetLayout"),
    "zip": ("archives._zip", "ZipLayout"),
    "hugging-face": ("frameworks._hugging_face", "HuggingFaceLayout"),
    "torch": ("frameworks._torch", "TorchLayout"),
    "table": ("tables._tables", "TableLayout"),
    "image-masks": ("folders._segmentation_folders", "SegmentationFoldersLayout"),
    "class-folders": ("folders._class_folders", "ClassFoldersLayout"),
    "folder": ("folders._class_folders", "FolderLayout"),
    "list": ("folders._image_list", "ImageListLayout"),
}
# What a folder or a list is if it is nothing more specific, in this order.
_GENERAL = ("class-folders", "list", "folder")


def read_collection(
    source: Any, layout: str = "auto", *, root: str | os.PathLike[str] | None = None
) -> Collection:
    """Read the images of a data set, with their parts, labels and annotations, as a table.

    Read more in the :doc:`User Guide </user-guide/collections>`.

    Parameters
    ----------
    source : path, glob, list of paths, or object
        A file or a folder that holds the data set, several of them, or an object such as a
        DataFrame or a Dataset of Hugging Face.
    layout : str, default="auto"
        The layout: "yolo", "coco", "voc", "webdataset", "zip", "hugging-face", "torch", "table",
        "image-masks", "class-folders", "folder" or "list". "auto" recognizes it by what the source
        holds.
    root : path-like, default=None
        The folder that the names of images are relative to. By default, the layout determines it.

    Returns
    -------
    Collection
        One row per image. No image is opened.

    Raises
    ------
    LayoutError
        If the source is in no layout or could be in several, or if it is broken. The message
        names the file and, where it is known, the line or the key.
    MissingExtraError
        If the layout needs a package that is not installed.

    Warns
    -----
    SkippedFilesWarning
        If the source holds files that are not images of the data set.

    See Also
    --------
    Collection.write_split : Writes a split in the layout of the source.
    train_test_split : Splits a collection.

    Examples
    --------
    >>> import pandas as pd
    >>> from hashfeatures import read_collection
    >>> table = pd.DataFrame({"image": ["1.png", "2.png"], "label": ["cat", "dog"]})
    >>> collection = read_collection(table)
    >>> collection.labels.tolist()
    ['cat', 'dog']
    """
    check_choice("read_collection", "layout", layout, ("auto", *_LAYOUTS))
    given = _normalize(source)
    chosen = _recognize(given) if layout == "auto" else _load(layout)
    try:
        collection = chosen.read(given, None if root is None else Path(root))
    except OSError as error:
        raise LayoutError(f"{_describe(given)} cannot be read: {error}.") from error
    if layout == "auto" and collection.layout.lost:
        raise LayoutError(
            f"{_describe(given)} holds {collection.layout.lost}, which are read from a folder "
            f"alone. Unpack it and read the folder, or pass layout={chosen.name!r} to read the "
            f"images without them."
        )
    if collection.skipped:
        warn_user(f"{_describe(given)}: {collection.skipped}.", SkippedFilesWarning)
    return collection


def _load(name: str) -> type[Layout]:
    module, kind = _LAYOUTS[name]
    found: type[Layout] = getattr(import_module(f".{module}", __package__), kind)
    return found


def _normalize(source: Any) -> Any:
    """Return paths as `Path`, globs and iterators of paths as lists of them."""
    if isinstance(source, Iterator) and not is_table_stream(source):
        source = list(source)
    if _is_path(source):
        if not os.fspath(source):
            raise LayoutError("The path of the data set is empty. Name a file or a folder.")
        path = Path(source)
        if os.path.lexists(path) or not glob.has_magic(str(path)):
            return path
        matches = sorted(glob.glob(str(path), recursive=True))
        if not matches:
            raise LayoutError(f"No file matches {shorten(str(path))!r}.")
        source = matches
    is_list = isinstance(source, list | tuple) and bool(source)
    if is_list and all(map(_is_path, source)):
        paths = [Path(item) for item in source]
        # One image in a list is a list of images, and one data.yaml is a data set.
        return paths[0] if len(paths) == 1 and not holds_image(str(paths[0])) else paths
    return source


def _is_path(item: Any) -> bool:
    return isinstance(item, os.PathLike) or (
        isinstance(item, str) and not is_url(item) and not is_data_uri(item)
    )


def recognize_layouts(source: Any) -> dict[str, str]:
    """Return the layouts that a source can be in, apart from plain folders, and why.

    Parameters
    ----------
    source : path, glob, list of paths, or object
        As in `read_collection`.

    Returns
    -------
    dict of str to str
        A clause for messages by the name of the layout.
    """
    given = _normalize(source)
    reasons: dict[str, str] = {}
    for name in _LAYOUTS:
        if name == "image-masks" and reasons:
            continue  # data sets of other layouts may hold masks as well
        if name not in _GENERAL:
            with suppress(OSError):  # what is unreadable is reported later
                reason = _load(name).recognize(given)
                if reason is not None:
                    reasons[name] = reason
    return reasons


def _recognize(source: Any) -> type[Layout]:
    """Return the only layout that a source can be in, or raise."""
    reasons = recognize_layouts(source)
    if not reasons:
        for name in _GENERAL:
            if _load(name).recognize(source) is not None:
                return _load(name)
        raise LayoutError(_explain_unknown(source))
    if len(reasons) > 1:
        listed = " and ".join(f"{name!r} ({reason})" for name, reason in reasons.items())
        first = next(iter(reasons))
        raise LayoutError(
            f"{_describe(source)} could be in the layouts {listed}. Choose one, as by "
            f"layout={first!r}."
        )
    return _load(*reasons)


def _explain_unknown(source: Any) -> str:
    if isinstance(source, Path) and not source.exists():
        return f"{_describe(source)} does not exist."
    if isinstance(source, Path) and holds_image(str(source)):
        return f"{_describe(source)} is one image. Pass a list of images: [{str(source)!r}]."
    return (
        f"{_describe(source)} is in no layout that read_collection recognizes. Expected a folder, "
        f"data.yaml of YOLO, JSON of COCO, tar shards, a table with a column of images, or a "
        f"Dataset. Name the layout, as by layout='coco', to see what is missing."
    )


def _describe(source: Any) -> str:
    if isinstance(source, Path):
        return shorten(show_path(str(source)))
    if isinstance(source, list) and source and isinstance(source[0], Path):
        more = "" if len(source) == 1 else f" and {len(source) - 1} more"
        return shorten(show_path(str(source[0]))) + more
    return describe_value(source)
