"""Folders of images: one for each class, as torchvision's ImageFolder reads, or any."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .._utils.containers import as_column
from .._utils.descriptions import shorten
from .._utils.part_names import order_parts, role_of
from .._utils.path_text import show_path, write_path
from .._utils.quantities import count
from ..exceptions import LayoutError
from ..images._files import holds_image
from ..images._folders import FolderImages, walk_folder
from ..images._gather import describe_left_out
from ._collection import Collection
from ._layout import Layout
from ._plan import Plan
from ._unique_names import name_files

# Files of a folder that are looked at to see whether it holds images.
_MOST_SEARCHED = 50
# Folders that hold annotations, or all images beside them, and are not named after a class.
NO_CLASSES = frozenset(
    {"images", "image", "imgs", "img", "labels", "label", "annotations", "annotation", "masks"}
    | {"mask", "jpegimages", "imagesets", "segmentationclass", "segmentationobject"}
)


class FolderLayout(Layout):
    """All images in a folder and below it, without labels.

    Folders with the usual names of parts, such as train and test, are parts.
    """

    name = "folder"
    title = "folder"
    takes_all_files = True

    @classmethod
    def recognize(cls, source: Any) -> str | None:
        """Return why a source is a folder, or None."""
        return "it is a folder" if isinstance(source, Path) and source.is_dir() else None

    @classmethod
    def read(cls, source: Any, root: Path | None = None) -> Collection:
        """Read all images in a folder."""
        folder = _check_folder(source, root)
        parts = find_parts(folder)
        found, names = _search(folder)
        frame = pd.DataFrame({"image": as_column(found.paths), "key": as_column(names)})
        if parts:
            above = [name.partition("/")[0] for name in names]
            named = [name if name in parts else None for name in above]
            frame["part"] = pd.Series(named, dtype=object)
        return Collection(frame, cls(), root=Path(folder), skipped=describe_left_out(found))

    def plan_split(
        self, collection: Collection, parts: Mapping[str, NDArray[np.intp]], how: str, out: Path
    ) -> Plan:
        """Return a list or a table of each part, or its folder.

        Lists are text files without labels, and CSV files with the columns "image" and "label"
        otherwise. The commands of this package read both.
        """
        images = [os.path.abspath(path) for path in collection.frame["image"]]
        labels = None if collection.labels is None else collection.labels.tolist()
        if how == "lists":
            contents = {}
            for part, rows in parts.items():
                listed = [images[row] for row in rows]
                if labels is None:
                    contents[f"{part}.txt"] = write_list(listed)
                else:
                    contents[f"{part}.csv"] = write_table(listed, [labels[row] for row in rows])
            return Plan(contents)
        keys = collection.frame["key"].tolist()
        old = [None] * len(keys) if collection.parts is None else collection.parts.tolist()
        moved = [
            Move(part, keys[row], images[row], old[row], None if labels is None else labels[row])
            for part, rows in parts.items()
            for row in rows.tolist()
        ]
        return Plan(files=name_files(moved, [Move.name_shortly, Move.name_fully]))


class ClassFoldersLayout(FolderLayout):
    """One folder for each class, and with or without folders of parts above them."""

    name = "class-folders"
    title = "class folders"

    @classmethod
    def recognize(cls, source: Any) -> str | None:
        """Return why a source consists of class folders, or None."""
        if not isinstance(source, Path) or not source.is_dir():
            return None
        try:
            parts = find_parts(str(source))
            if parts and _holds_images(str(source), deep=False):
                return None
            classes = set()
            for top in [os.path.join(source, part) for part in parts] or [str(source)]:
                found = _find_classes(top)
                if not found or _holds_images(top, deep=False):
                    return None
                classes |= found
        except OSError:
            return None
        if len(classes) < 2 or any(name.lower() in NO_CLASSES for name in classes):
            return None
        first, second = sorted(classes)[:2]
        return (
            f"it holds a folder for each class, such as {show_path(first)} and {show_path(second)}"
        )

    @classmethod
    def read(cls, source: Any, root: Path | None = None) -> Collection:
        """Read the images in the class folders of a folder."""
        folder = _check_folder(source, root)
        parts = find_parts(folder)
        found, names = _search(folder)
        n_above = 2 if parts else 1  # the folders of the part and of the class
        split = [name.split("/") for name in names]
        kept = [
            row
            for row, words in enumerate(split)
            if len(words) > n_above and (not parts or words[0] in parts)
        ]
        notes = [describe_left_out(found)]
        if len(kept) < len(names):
            outside = sorted(set(range(len(names))).difference(kept))
            n_outside = count(len(outside), "image")
            first = shorten(show_path(names[outside[0]]))
            notes.append(f"skipped {n_outside} outside of class folders, such as {first}")
        if not kept:
            raise LayoutError(
                f"{show_path(folder)} holds no images in class folders. Expected a folder for "
                f"each class, with its images."
            )
        frame = pd.DataFrame(
            {
                "image": as_column([found.paths[row] for row in kept]),
                "key": as_column([names[row] for row in kept]),
            }
        )
        if parts:
            frame["part"] = as_column([split[row][0] for row in kept])
        frame["label"] = as_column([split[row][n_above - 1] for row in kept])
        return Collection(
            frame,
            cls(),
            root=Path(folder),
            class_names=sorted(frame["label"].unique().tolist()),
            skipped="; ".join(filter(None, notes)),
        )


class Move:
    """An image on its way into a part.

    Parameters
    ----------
    part : str
        The new part.
    key : str
        The name of the image, with the folders of its old part and its class.
    image : str
        The file.
    old : str or None
        The old part.
    label : str or None
        The class.
    """

    def __init__(self, part: str, key: str, image: str, old: Any, label: Any) -> None:
        self._image = image
        folders = key.split("/")
        below = folders if old is None else folders[1:]
        self._short = f"{part}/{'/'.join(below)}"
        # The class stays on top, where ImageFolder looks for it.
        n_classes = 0 if label is None else 1
        above = [] if old is None else [str(old)]
        self._full = "/".join([part, *below[:n_classes], *above, *below[n_classes:]])

    def name_shortly(self) -> Iterator[tuple[str, str]]:
        """Yield the name below the folder of the new part."""
        yield self._short, self._image

    def name_fully(self) -> Iterator[tuple[str, str]]:
        """Yield the name with the folder of the old part."""
        yield self._full, self._image


def find_parts(folder: str) -> list[str]:
    """Return the folders with the usual names of parts, if at least two have different roles.

    Examples
    --------
    >>> import os, tempfile
    >>> from hashfeatures.layouts._class_folders import find_parts
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name in ["test", "train", "notes"]:
    ...         os.mkdir(f"{folder}/{name}")
    ...     find_parts(folder)
    ['train', 'test']
    """
    names = [name for name in _folders_in(folder) if role_of(name) is not None]
    return order_parts(names) if len({role_of(name) for name in names}) > 1 else []


def _folders_in(folder: str) -> list[str]:
    with os.scandir(folder) as entries:
        return sorted(
            entry.name for entry in entries if not entry.name.startswith(".") and entry.is_dir()
        )


def _find_classes(folder: str) -> set[str]:
    """Return the folders in a folder that hold images, or have such folders below them."""
    return {
        name
        for name in _folders_in(folder)
        if _holds_images(os.path.join(folder, name), deep=True)
    }


def _holds_images(folder: str, *, deep: bool) -> bool:
    """Return whether one of the first files in a folder is an image."""
    walk = os.walk(folder) if deep else islice(os.walk(folder), 1)
    paths = (
        os.path.join(above, name)
        for above, _, names in walk
        for name in names
        if not name.startswith(".")
    )
    return any(map(holds_image, islice(paths, _MOST_SEARCHED)))


def _check_folder(source: Any, root: Path | None) -> str:
    if not isinstance(source, Path) or not source.is_dir():
        shown = (
            shorten(show_path(str(source))) if isinstance(source, Path) else type(source).__name__
        )
        raise LayoutError(f"Expected a folder of images. Got {shown}, which is not a folder.")
    if root is not None and os.path.realpath(root) != os.path.realpath(source):
        raise LayoutError(
            f"The names of images in {show_path(str(source))} are relative to this folder. Leave "
            f"root at None."
        )
    return str(source)


def _search(folder: str) -> tuple[FolderImages, list[str]]:
    """Return the images in a folder, and their names relative to it."""
    found = walk_folder(folder)
    for error in found.unsearched:
        raise LayoutError(f"{show_path(folder)} cannot be searched: {error}.") from error
    if not found.paths:
        notes = describe_left_out(found)
        reason = f" ({notes})" if notes else ""
        raise LayoutError(f"{show_path(folder)} holds no images{reason}.")
    return found, [os.path.relpath(path, folder).replace(os.sep, "/") for path in found.paths]


def write_list(paths: list[str]) -> bytes:
    """Return a list of images, one per line."""
    return "".join(f"{write_path(path)}\n" for path in paths).encode()


def write_table(paths: list[str], labels: list[Any]) -> bytes:
    """Return a CSV table of images and their labels."""
    buffer = io.StringIO(newline="")
    table = csv.writer(buffer, lineterminator="\n")
    table.writerow(["image", "label"])
    table.writerows(zip(map(write_path, paths), labels, strict=True))
    return buffer.getvalue().encode("utf-8", "backslashreplace")
