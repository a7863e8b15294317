"""Lists of images without anything around them: in memory, or in text files."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..._utils.containers import as_column
from ..._utils.descriptions import describe_value
from ..._utils.path_text import show_path, spellings, split_list, write_path
from ..._utils.regular_files import open_regular
from ..._utils.relative_paths import common_folder, relative_to
from ...exceptions import LayoutError
from ...images._files import has_image_suffix, holds_image
from ...images._sources import list_sources, local_path, name_source
from .._collection import Collection
from .._layout import Layout
from .._plan import Plan
from .._unique_names import name_files, number_repeats
from ._part_folders import write_index

_TEXT = (".txt", ".lst")
_MOST_SEARCHED = 50  # lines that are looked at to recognize a list


class ImageListLayout(Layout):
    """A list of images, such as the files that match a glob, or text files of paths.

    Several text files are the parts that they are named after. The key of an image is its path
    below the folder that the files have in common, its URL, or the number of its row.
    """

    name = "list"
    title = "list"

    @classmethod
    def recognize(cls, source: Any) -> str | None:
        """Return why a source is a list of images, or None."""
        lists = find_text_lists(source)
        if lists is not None:
            return "it is text files of paths" if all(map(_lists_images, lists)) else None
        if isinstance(source, Path | str | bytes) or _names_a_folder(source):
            return None
        try:
            list_sources(source, "read_collection")
        except (TypeError, ValueError):
            return None
        return "it is a list of images"

    @classmethod
    def read(cls, source: Any, root: Path | None = None) -> Collection:
        """Read the paths, URLs or images of a list."""
        lists = find_text_lists(source)
        listed = {} if lists is None else {path.stem: _read_list(path) for path in lists}
        if lists is not None:
            source = [image for images in listed.values() for image in images]
            if not source:
                raise LayoutError(f"{show_path(str(lists[0]))} lists no images.")
        sources = [
            os.fspath(image) if isinstance(image, Path) else image
            for image in list_sources(source, "read_collection")
        ]
        if root is not None:
            sources = [_below(root, image) for image in sources]
        names = [name_source(image) for image in sources]
        paths = [path for path in map(local_path, names) if path is not None]
        common = root
        if common is None and paths and len(paths) == len(sources):
            folder = common_folder(paths)
            common = None if folder is None else Path(folder)
        keys = [
            str(row) if name is None else _key_of(name, common) for row, name in enumerate(names)
        ]
        frame = pd.DataFrame({"image": as_column(sources), "key": as_column(number_repeats(keys))})
        if len(listed) > 1:
            frame["part"] = as_column([part for part, images in listed.items() for _ in images])
        return Collection(frame, cls(), root=common)

    def plan_split(
        self, collection: Collection, parts: Mapping[str, NDArray[np.intp]], how: str, out: Path
    ) -> Plan:
        """Return a list of each part, or folders of the files of each part."""
        names = [name_source(image) for image in collection.frame["image"]]
        if None in names:
            raise LayoutError(
                "Images in memory have no names to list and no files to copy. Save the images of "
                "each part that train_test_split returns."
            )
        known = [str(name) for name in names]
        if how == "lists":
            return Plan(
                {
                    f"{part}.txt": "".join(
                        f"{write_path(_absolute(known[row]))}\n" for row in rows
                    ).encode("utf-8", "surrogateescape")
                    for part, rows in parts.items()
                }
            )
        if remote := [name for name in known if local_path(name) is None]:
            raise LayoutError(
                f"Only files can be linked or copied. Got {describe_value(remote[0])}. Write "
                f"how='lists'."
            )
        keys = collection.frame["key"].tolist()
        moved = [
            (f"{part}/{_inside(keys[row])}", _absolute(known[row]))
            for part, rows in parts.items()
            for row in rows.tolist()
        ]
        return Plan(write_index(parts), name_files(moved, [_name]))


def find_text_lists(source: Any) -> list[Path] | None:
    """Return the text files that a user names; None if there are other files among them."""
    if isinstance(source, Path) and source.is_dir():
        source = sorted(path for path in source.iterdir() if not path.name.startswith("."))
    elif isinstance(source, Path):
        source = [source]
    if not isinstance(source, list) or not all(isinstance(path, Path) for path in source):
        return None
    stems = {path.stem for path in source if path.suffix.lower() in _TEXT and path.is_file()}
    is_text = bool(source) and len(stems) == len(source)
    return source if is_text and not any(holds_image(str(path)) for path in source) else None


def _names_a_folder(source: Any) -> bool:
    return isinstance(source, list) and any(
        isinstance(path, Path) and path.is_dir() for path in source
    )


def _lists_images(path: Path) -> bool:
    """Return whether the lines of a text file are names of images, or URLs.

    The images may be missing. A file that is there needs no suffix.
    """
    try:
        entries = _locate(read_text_list(path), path.parent)
    except LayoutError:
        return False
    first = entries[:_MOST_SEARCHED]
    n_images = sum(
        local_path(entry) is None or has_image_suffix(entry) or os.path.isfile(entry)
        for entry in first
    )
    return bool(first) and 2 * n_images > len(first)


def _read_list(path: Path) -> list[str]:
    """Return the images of a text file, which may be relative to its folder."""
    return _locate(read_text_list(path), path.parent)


def read_text_list(path: Path) -> list[str]:
    """Return the entries of a text file, one per line.

    Raises
    ------
    LayoutError
        If the file cannot be read as a list.
    """
    try:
        with open_regular(path) as file:
            return split_list(file.read())
    except (OSError, ValueError) as error:
        raise LayoutError(f"{show_path(str(path))} is not a list of images: {error}.") from error


def _locate(entries: list[str], folder: Path) -> list[str]:
    """Return the paths of images, which may be relative to a folder or of another system."""
    found = []
    for entry in entries:
        path = local_path(entry)
        if path is None or os.path.exists(entry):
            found.append(entry)
            continue
        ways = [os.path.join(above, name) for name in spellings(path) for above in (folder, "")]
        found.append(next(filter(os.path.exists, ways), entry))
    return found


def _name(move: tuple[str, str]) -> Iterator[tuple[str, str]]:
    yield move


def _below(root: Path, image: Any) -> Any:
    path = image if isinstance(image, str) else None
    return image if path is None or local_path(path) is None else os.path.join(root, path)


def _key_of(name: str, folder: Path | None) -> str:
    path = local_path(name)
    if path is None or folder is None:
        return name
    relative = relative_to(path, os.fspath(folder))
    return name if os.path.isabs(relative) else relative


def _inside(key: str) -> str:
    """Return a key that cannot leave a folder."""
    words: Sequence[str] = [word for word in key.split("/") if word not in ("", ".", "..")]
    return "/".join(words)


def _absolute(name: str) -> str:
    path = local_path(name)
    return name if path is None else os.path.abspath(path)
