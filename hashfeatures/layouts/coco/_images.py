"""Where the images of a JSON file of COCO are."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..._utils.descriptions import shorten
from ..._utils.path_text import show_path, spellings, split_list
from ...exceptions import LayoutError
from .._outside import find_outside
from ._file import show_file

# So many images decide which folder is the right one.
_SAMPLE = 20
# Folders that hold images, by the conventions of COCO and of tools that export it.
_USUAL = ("images", "data", "JPEGImages", "imgs")


def locate_images(
    path: Path, names: Sequence[str], parts: Sequence[str], root: Path | None
) -> tuple[list[str], Path]:
    """Return the paths of the images of a file, and the folder that their names are relative to.

    Parameters
    ----------
    path : Path
        The JSON file.
    names : sequence of str
        The names of its images.
    parts : sequence of str
        What the file and its part are called, such as "train2017" and "train". A folder or a list
        of images may have the same name.
    root : Path, optional
        The folder of the images, or a folder above it.

    Returns
    -------
    paths : list of str
        One path per image. Not every file has to exist.
    folder : Path
        The folder.

    Raises
    ------
    LayoutError
        If `root` is None, and no folder holds one of the first images.
    """
    above = _folder_above(path)
    if root is None and (listed := _find_list(above, names, parts)):
        return listed
    tops = [root] if root is not None else [path.parent, above]
    folders = list(dict.fromkeys(top / name for top in tops for name in usual_folders(parts)))
    first = names[:_SAMPLE]
    found = [sum(os.path.isfile(_find(folder, name)) for name in first) for folder in folders]
    best = found.index(max(found))
    if max(found):
        folder = folders[best]
    elif root is not None or not names:
        folder = tops[0]
    else:
        tried = ", ".join(show_path(str(folder)) for folder in folders if folder.is_dir())
        raise LayoutError(
            f"{show_file(path)}: the first images, such as {shorten(names[0])!r}, are in none of "
            f"the folders {shorten(tried, 400)}. Name the folder of the images, as by "
            f"root='images'."
        )
    return [_find(folder, name) for name in names], folder


def _find(folder: Path, name: str) -> str:
    """Return the path of an image, whose name another system may have written."""
    paths = [str(folder / spelling) for spelling in spellings(name)]
    return paths[0] if len(paths) == 1 else next(filter(os.path.isfile, paths), paths[0])


def usual_folders(parts: Sequence[str]) -> list[str]:
    """Return where the images of a file may be, below its folder or the one above."""
    return [*parts, *(f"images/{part}" for part in parts), *_USUAL, ""]


def _folder_above(path: Path) -> Path:
    # The parent of a relative path may be the working directory, and that has one too.
    return path.parent.parent if path.parent.name not in ("", "..") else path.parent / ".."


def list_unlisted(
    source: Any, files: Sequence[Path], images: Sequence[str], root: Path | None
) -> list[str]:
    """Return the images in the folders of a data set that none of its files lists.

    Parameters
    ----------
    source : Path or list of Path
        What was read: a folder, or files.
    files : sequence of Path
        The JSON files.
    images : sequence of str
        The images that they list.
    root : Path, optional
        The folder of the images, if the caller named it.
    """
    used = {os.path.dirname(os.path.abspath(image)) for image in images}
    tops = {source} if isinstance(source, Path) and source.is_dir() and root is None else set()
    for above in [root] if root is not None else map(_folder_above, files):
        # A list may name images elsewhere, and those of other data sets may be with them.
        near = [folder for folder in used if _is_in(folder, os.path.abspath(above))]
        if near:
            tops.add(Path(os.path.commonpath(near)))
    beside = {os.path.abspath(file.parent) for file in files}
    apart = [folder for folder in beside if not any(_is_in(other, folder) for other in used)]
    return find_outside(sorted(tops), images, apart)


def _is_in(folder: str, above: str) -> bool:
    return folder == above or folder.startswith(os.path.join(above, ""))


def _find_list(
    folder: Path, names: Sequence[str], parts: Sequence[str]
) -> tuple[list[str], Path] | None:
    """Return the images that a text file in a folder lists, if they are those of the part."""
    for part in parts:
        file = folder / f"{part}.txt"
        if not file.is_file():
            continue
        try:
            lines = split_list(file.read_bytes())
        except (OSError, ValueError):
            continue
        paths = [os.path.abspath(file.parent / line) for line in lines]
        shown = [line.replace(os.sep, "/") for line in paths]
        if (
            names
            and len(names) == len(shown)
            and all(line.endswith("/" + name) for line, name in zip(shown, names, strict=True))
        ):
            tops = {line[: -len(name) - 1] for line, name in zip(paths, names, strict=True)}
            return paths, Path(os.path.commonpath(tops))
    return None
