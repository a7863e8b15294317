"""The images that a table names: where they are, and what they are called in a collection."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..._utils.path_text import spellings
from ...exceptions import LayoutError
from ...images._sources import is_data_uri, is_url, local_path
from .._unique_names import number_repeats

TRIED = 20  # rows that decide what a column holds, and what its paths are relative to


def is_relative(value: Any) -> bool:
    if not isinstance(value, str) or is_url(value) or is_data_uri(value):
        return False
    return local_path(value) == value and not os.path.isabs(value)


def locate(
    written: list[Any], file_of_row: NDArray[np.intp], files: Sequence[Path], root: Path | None
) -> list[Any]:
    """Return images with relative paths put below the folders that they are relative to."""
    folders: list[Path | None] = [root or path.absolute().parent for path in files]
    images = list(written)
    for number, folder in enumerate(folders or [root]):
        rows = np.flatnonzero(file_of_row == number).tolist()
        found = _resolve([written[row] for row in rows], folder, is_asked=root is not None)
        for row, image in zip(rows, found, strict=True):
            images[row] = image
    return images


def _resolve(values: list[Any], folder: Path | None, is_asked: bool) -> list[Any]:
    """Return images with relative paths put below the folder that they are relative to."""
    relative = [value for value in values if is_relative(value)]
    if folder is None or not relative or (not is_asked and are_here(relative, folder)):
        return values
    return [put_below(value, folder) for value in values]


def are_here(relative: Sequence[str], folder: Path) -> bool:
    """Return whether relative paths are those of the working directory, and not of a folder."""
    first = relative[:TRIED]
    return not any(_find(value, folder) for value in first) and any(
        _find(value, Path()) for value in first
    )


def put_below(value: Any, folder: Path) -> Any:
    """Return an image with a relative path put below a folder."""
    if not is_relative(value):
        return value
    return _find(value, folder) or os.path.join(folder, value)


def _find(name: str, folder: Path) -> str | None:
    """Return the path of an existing file, whose name another system may have written."""
    for written in spellings(name):
        path = os.path.join(folder, written)
        if "\0" not in path and os.path.lexists(path):
            return path
    return None


def make_keys(written: Sequence[Any]) -> list[str]:
    """Return a unique name for each image: its path, or else the number of its row."""
    are_paths = [isinstance(v, str | os.PathLike) and not is_data_uri(v) for v in written]
    return number_repeats(
        os.fsdecode(value) if is_path else str(row)
        for row, (value, is_path) in enumerate(zip(written, are_paths, strict=True))
    )


def make_absolute(image: Any) -> Any:
    """Return an image, with a path as text that does not depend on the working directory."""
    if isinstance(image, os.PathLike):
        image = os.fsdecode(image)
    return os.path.abspath(image) if is_relative(image) else image


def file_of(image: Any) -> str:
    path = local_path(image) if isinstance(image, str | os.PathLike) else None
    if path is None:
        raise LayoutError(
            "Only images in files can be linked or copied, and the table holds URLs or the images "
            "themselves. Write how='lists'."
        )
    return path


def name_file(image: Any, key: str, part: str, taken: set[str]) -> str:
    """Return the name of a copy of an image, different from all names taken."""
    words = PurePosixPath(key.replace("\\", "/")).parts
    is_safe = is_relative(key) and not {"..", "/"} & set(words) and ":" not in key
    inside = "/".join(words) if is_safe else Path(file_of(image)).name
    stem, suffix = os.path.splitext(inside)
    name, copy = f"images/{part}/{inside}", 1
    while name.casefold() in taken:
        copy += 1
        name = f"images/{part}/{stem} ({copy}){suffix}"
    taken.add(name.casefold())
    return name
