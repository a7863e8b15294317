"""What a user names as folders of images: a folder, or a list with folders in it."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from ..._utils.descriptions import shorten
from ..._utils.path_text import show_path
from ..._utils.relative_paths import common_folder
from ...exceptions import LayoutError
from ...images._files import LeftOut, holds_image
from ...images._folders import walk_folder
from ...images._gather import describe_left_out
from ._part_folders import INDEX, choose_parts, read_index

# Files of a folder that are looked at to see whether it holds images.
_MOST_SEARCHED = 50
# As many images in class folders make up for one image beside them.
_PER_LOOSE_IMAGE = 8


@dataclass
class FolderSource:
    """Folders and files to search for images.

    Parameters
    ----------
    root : str
        The folder that the names of images are relative to.
    paths : list of str
        The folders and files to search: the root itself, or what a list names.
    parts : dict of str to str
        The names of parts by their folders, relative to the root and with "/" at the end.
    has_index : bool, default=False
        Whether a file names the parts.
    """

    root: str
    paths: list[str]
    parts: dict[str, str]
    has_index: bool = False

    @property
    def is_list(self) -> bool:
        """Whether a list names what to search, and the root may hold other images."""
        return self.paths != [self.root]

    @property
    def tops(self) -> list[str]:
        """The folders that may hold class folders: those of the parts, or the root."""
        return [os.path.join(self.root, folder) for folder in self.parts] or [self.root]

    def divide(self, key: str) -> tuple[str | None, str]:
        """Return the part of an image, and its name below the folder of the part."""
        for folder, part in self.parts.items():
            if key.startswith(folder):
                return part, key[len(folder) :]
        return None, key

    def describe(self) -> str:
        """Return the paths for a message."""
        more = f" and {len(self.paths) - 1} more" if len(self.paths) > 1 else ""
        return shorten(show_path(self.paths[0])) + more

    def search(self) -> tuple[list[str], list[str], str]:
        """Return the images, their names relative to the root, and a note on what is left out.

        Raises
        ------
        LayoutError
            If a folder cannot be searched, there are no images, or one is named twice.
        """
        paths, notes, loose = [], [], LeftOut()
        for path in self.paths:
            if os.path.isdir(path):
                found = walk_folder(path, apart=() if self.is_list else self.parts.values())
                for error in found.unsearched:
                    raise LayoutError(f"{show_path(path)} cannot be searched: {error}.") from error
                paths += found.paths
                if self.has_index:
                    found.left_out.discard(INDEX)
                if note := describe_left_out(found):
                    notes.append(f"{show_path(path)}: {note}" if self.is_list else note)
            elif holds_image(path):
                paths.append(path)
            else:
                loose.add(path)
        note = "; ".join(filter(None, [*notes, loose.describe()]))
        if not paths:
            raise LayoutError(
                f"{self.describe()} holds no images{f' ({note})' if note else ''}."
                f"{'' if self.is_list else advise_on_lists(self.root)}"
            )
        names = [os.path.relpath(path, self.root).replace(os.sep, "/") for path in paths]
        twice = [name for name, n_times in Counter(names).items() if n_times > 1]
        if twice:
            raise LayoutError(f"{shorten(show_path(twice[0]))} is named twice. Name it once.")
        return paths, names, note


def find_source(source: Any) -> FolderSource | None:
    """Return the folders and files that a user names; None if they are none.

    Parameters
    ----------
    source : Path, list of Path, or object
        A folder, or a list of paths.

    Returns
    -------
    FolderSource or None
        None if the source has no folder, or names a path that does not exist.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from hashfeatures.layouts.folders._folder_source import find_source
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name in ["test", "train", "notes"]:
    ...         Path(folder, name).mkdir()
    ...     find_source(Path(folder)).parts
    {'train/': 'train', 'test/': 'test'}
    """
    if isinstance(source, Path) and source.is_dir():
        root = str(source)
        names = folders_in(root)
        listed = read_index(root, names)
        parts = listed or choose_parts(names, lambda name: holds_images(os.path.join(root, name)))
        return FolderSource(root, [root], {f"{name}/": name for name in parts}, bool(listed))
    given = source
    if not isinstance(given, list) or not all(isinstance(path, Path) for path in given):
        return None
    if not all(path.exists() for path in given) or not any(path.is_dir() for path in given):
        return None
    common = common_folder(map(str, given))
    if common is None:
        raise LayoutError("The folders are on different drives. Read those of each drive alone.")
    root = common
    folder_of: dict[str, str] = {}
    if all(path.is_dir() for path in given):
        folders = {os.path.relpath(path, root).replace(os.sep, "/"): path.name for path in given}
        if len(set(folders.values())) == len(folders):
            folder_of = {name: folder for folder, name in folders.items()}
    parts = choose_parts(
        list(folder_of), lambda name: holds_images(os.path.join(root, folder_of[name]))
    )
    return FolderSource(
        root, [str(path) for path in given], {f"{folder_of[name]}/": name for name in parts}
    )


def folders_in(folder: str) -> list[str]:
    """Return the names of the folders in a folder that are not hidden."""
    with os.scandir(folder) as entries:
        return sorted(
            entry.name for entry in entries if not entry.name.startswith(".") and entry.is_dir()
        )


def find_classes(folder: str) -> set[str]:
    """Return the folders in a folder that hold images, or have such folders below them."""
    return {name for name in folders_in(folder) if holds_images(os.path.join(folder, name))}


def holds_images(folder: str) -> bool:
    """Return whether one of the first files in a folder and below it is an image."""
    return any(map(holds_image, islice(files_below(folder), _MOST_SEARCHED)))


def has_many_loose_images(folders: Iterable[str], tops: Iterable[str]) -> bool:
    """Return whether more than a few images lie beside class folders.

    Parameters
    ----------
    folders : iterable of str
        Folders that should hold only other folders.
    tops : iterable of str
        The folders of the classes.
    """
    loose = (entry for folder in folders for entry in _files_in(folder))
    n_loose = sum(map(holds_image, loose))
    if not n_loose:
        return False
    enough = n_loose * _PER_LOOSE_IMAGE
    inside = (
        path
        for top in tops
        for name in folders_in(top)
        for path in files_below(os.path.join(top, name))
    )
    return sum(1 for _ in islice(filter(holds_image, inside), enough)) < enough


def advise_on_lists(folder: str) -> str:
    """Return how to read the lists of a split that name no files, if a folder holds such lists."""
    names = {os.path.splitext(path)[1].lower() for path in _files_in(folder)}
    if names == {".txt"}:
        return (
            " If its text files list keys of tar shards, pass layout='webdataset' and the folder "
            "of the shards as root=."
        )
    if names == {".json"}:
        return (
            " If its JSON lists rows of a Dataset of torch, pass them to torch.utils.data.Subset."
        )
    return ""


def _files_in(folder: str) -> Iterator[str]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if not entry.name.startswith(".") and not entry.is_dir():
                yield entry.path


def files_below(folder: str) -> Iterator[str]:
    """Yield the files in a folder and below it that are not hidden."""
    for above, below, names in os.walk(folder):
        below[:] = [name for name in below if not name.startswith(".")]
        for name in names:
            if not name.startswith("."):
                yield os.path.join(above, name)
