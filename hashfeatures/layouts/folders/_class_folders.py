"""Folders of images: one for each class, as torchvision's ImageFolder reads, or any."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..._utils.containers import as_column
from ..._utils.descriptions import shorten
from ..._utils.path_text import show_path, write_path
from ..._utils.quantities import count
from ...exceptions import LayoutError
from .._collection import Collection
from .._layout import Layout
from .._plan import Plan, refuse_inside
from .._unique_names import name_files
from ._folder_source import FolderSource, find_classes, find_source, has_many_loose_images
from ._part_folders import write_index

# Folders that hold annotations, or all images beside them, and are not named after a class.
NO_CLASSES = frozenset(
    {"images", "image", "imgs", "img", "labels", "label", "annotations", "annotation", "masks"}
    | {"mask", "jpegimages", "imagesets", "segmentationclass", "segmentationobject"}
)


class FolderLayout(Layout):
    """All images in a folder and below it, or in a list, without labels.

    Folders with the usual names of parts, such as train and test, are parts, and so are those
    that a file parts.json names. It is written beside parts with other names.

    Parameters
    ----------
    source : FolderSource
        What was read.
    """

    name = "folder"
    title = "folder"
    takes_all_files = True

    def __init__(self, source: FolderSource) -> None:
        self._source = source

    @classmethod
    def recognize(cls, source: Any) -> str | None:
        """Return why a source is a folder or a list of images, or None."""
        found = find_source(source)
        if found is None:
            return None
        return "it lists folders" if found.is_list else "it is a folder"

    @classmethod
    def read(cls, source: Any, root: Path | None = None) -> Collection:
        """Read all images in a folder."""
        found = _find_checked(source, root)
        paths, names, note = found.search()
        frame = pd.DataFrame({"image": as_column(paths), "key": as_column(names)})
        if found.parts:
            frame["part"] = pd.Series([found.divide(name)[0] for name in names], dtype=object)
        return Collection(frame, cls(found), root=_root_of(found), skipped=note)

    def plan_split(
        self, collection: Collection, parts: Mapping[str, NDArray[np.intp]], how: str, out: Path
    ) -> Plan:
        """Return a list or a table of each part, or its folder.

        Lists are text files without labels, and CSV files with the columns "image" and "label"
        otherwise. The commands of this package read both.
        """
        refuse_inside(out, filter(os.path.isdir, self._source.paths))
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
        divided = [self._source.divide(key) for key in collection.frame["key"]]
        moved = [
            Move(part, below, images[row], old, None if labels is None else labels[row])
            for part, rows in parts.items()
            for row in rows.tolist()
            for old, below in [divided[row]]
        ]
        files = name_files(moved, [Move.name_shortly, Move.name_fully])
        return Plan(write_index(parts), files)


class ClassFoldersLayout(FolderLayout):
    """One folder for each class, and with or without folders of parts above them."""

    name = "class-folders"
    title = "class folders"

    @classmethod
    def recognize(cls, source: Any) -> str | None:
        """Return why a source consists of class folders, or None."""
        found = find_source(source)
        if found is None or (found.is_list and not found.parts):
            return None
        try:
            below = [find_classes(top) for top in found.tops]
            if not all(below):
                return None
            classes = set().union(*below)
            outside = found.tops if found.is_list else {found.root, *found.tops}
            if has_many_loose_images(outside, found.tops):
                return None
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
        found = _find_checked(source, root)
        paths, names, note = found.search()
        divided = [found.divide(name) for name in names]
        kept = [
            row
            for row, (part, below) in enumerate(divided)
            if "/" in below and (part is not None or not found.parts)
        ]
        notes = [note]
        if len(kept) < len(names):
            outside = sorted(set(range(len(names))).difference(kept))
            n_outside = count(len(outside), "image")
            first = shorten(show_path(names[outside[0]]))
            notes.append(f"skipped {n_outside} outside of class folders, such as {first}")
        if not kept:
            raise LayoutError(
                f"{found.describe()} holds no images in class folders. Expected a folder for "
                f"each class, with its images."
            )
        frame = pd.DataFrame(
            {
                "image": as_column([paths[row] for row in kept]),
                "key": as_column([names[row] for row in kept]),
            }
        )
        if found.parts:
            frame["part"] = as_column([divided[row][0] for row in kept])
        frame["label"] = as_column([divided[row][1].partition("/")[0] for row in kept])
        return Collection(
            frame,
            cls(found),
            root=_root_of(found),
            class_names=sorted(frame["label"].unique().tolist()),
            skipped="; ".join(filter(None, notes)),
        )


class Move:
    """An image on its way into a part.

    Parameters
    ----------
    part : str
        The new part.
    below : str
        The name of the image below the folder of its old part, with the folder of its class.
    image : str
        The file.
    old : str or None
        The old part.
    label : str or None
        The class.
    """

    def __init__(self, part: str, below: str, image: str, old: Any, label: Any) -> None:
        self._image = image
        self._short = f"{part}/{below}"
        # The class stays on top, where ImageFolder looks for it.
        folders = below.split("/")
        n_classes = 0 if label is None else 1
        above = [] if old is None else [str(old)]
        self._full = "/".join([part, *folders[:n_classes], *above, *folders[n_classes:]])

    def name_shortly(self) -> Iterator[tuple[str, str]]:
        """Yield the name below the folder of the new part."""
        yield self._short, self._image

    def name_fully(self) -> Iterator[tuple[str, str]]:
        """Yield the name with the folder of the old part."""
        yield self._full, self._image


def _find_checked(source: Any, root: Path | None) -> FolderSource:
    found = find_source(source)
    if found is None:
        got = shorten(show_path(str(source))) if isinstance(source, Path) else "something else"
        raise LayoutError(f"Expected a folder of images, or a list of folders. Got {got}.")
    if root is not None and os.path.realpath(root) != os.path.realpath(found.root):
        raise LayoutError(
            f"The names of images in {found.describe()} are relative to "
            f"{show_path(found.root)}. Leave root at None."
        )
    return found


def _root_of(found: FolderSource) -> Path | None:
    """Return the folder all of whose images belong to the data set, if there is one."""
    return None if found.is_list else Path(found.root)


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
