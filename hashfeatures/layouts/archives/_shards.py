"""Which tar files are the shards of a data set: a list, a folder, or a pattern with braces."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Any

from ..._utils import relative_paths
from ..._utils.descriptions import shorten
from ..._utils.path_text import show_path
from ..._utils.quantities import count
from ...exceptions import LayoutError
from ...images._files import LeftOut, has_image_suffix

SUFFIXES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
_BRACES = re.compile(r"\{([^{}]*)\}")
_RANGE = re.compile(r"(\d+)\.\.(\d+)")
_MOST_SHARDS = 1_000_000  # that a pattern may name
_MOST_SEARCHED = 1000  # entries of a folder that are looked at to recognize it


def expand_braces(pattern: str) -> list[str]:
    """Return the names that a pattern with ranges or choices in braces stands for.

    Examples
    --------
    >>> from hashfeatures.layouts.archives._shards import expand_braces
    >>> expand_braces("{train,val}-{08..10}.tar")[:4]
    ['train-08.tar', 'train-09.tar', 'train-10.tar', 'val-08.tar']
    """
    pieces: list[list[str]] = []
    n_names = 1
    for place, text in enumerate(_BRACES.split(pattern)):
        choices = [text]
        if place % 2:
            bounds = _RANGE.fullmatch(text)
            if bounds is not None:
                first, last = int(bounds[1]), int(bounds[2])
                n_names *= abs(last - first) + 1
                step = 1 if first <= last else -1
                width = (
                    max(map(len, bounds.groups())) if "0" in (bounds[1][0], bounds[2][0]) else 0
                )
                if n_names <= _MOST_SHARDS:
                    choices = [f"{number:0{width}d}" for number in range(first, last + step, step)]
            elif "," in text:
                choices = text.split(",")
                n_names *= len(choices)
            else:
                choices = [f"{{{text}}}"]
        if n_names > _MOST_SHARDS:
            raise LayoutError(
                f"{shorten(pattern)!r} stands for more than {_MOST_SHARDS:,} files. Check the "
                f"ranges."
            )
        pieces.append(choices)
    return ["".join(words) for words in product(*pieces)]


def has_braces(path: Path) -> bool:
    """Return whether a path is a pattern with braces."""
    return _BRACES.search(str(path)) is not None


def is_shard(path: Path) -> bool:
    """Return whether a file is a tar file by its suffix."""
    return path.name.lower().endswith(SUFFIXES)


def recognize_folder(folder: Path) -> str | None:
    """Return why a folder consists of shards: it holds tar files, and no images beside them."""
    found = None
    try:
        below = [entry.path for entry in _entries(folder) if entry.is_dir()]
        for searched in (folder, *map(Path, below)):
            for entry in _entries(searched):
                if has_image_suffix(entry.name):
                    return None
                if found is None and is_shard(Path(entry.name)) and entry.is_file():
                    found = os.path.relpath(entry.path, folder)
    except OSError:
        return None
    return None if found is None else f"it holds tar files, such as {show_path(found)}"


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        for number, entry in enumerate(entries):
            if number >= _MOST_SEARCHED:
                return
            if not entry.name.startswith("."):
                yield entry


def find_shards(source: Any, left_out: LeftOut) -> list[str]:
    """Return the paths of all shards that a source names.

    Parameters
    ----------
    source : Path or list of Path
        Tar files, folders that are searched with their subfolders, and patterns with braces.
    left_out : LeftOut
        Counts the other files in folders.

    Raises
    ------
    LayoutError
        If a shard is missing, or there is none.
    """
    named = source if isinstance(source, list) else [source]
    if not named or not all(isinstance(one, Path) for one in named):
        raise LayoutError(
            f"Expected tar files, a folder of them or a pattern such as 'shard-{{000..009}}.tar'. "
            f"Got {type(source).__name__}."
        )
    shards: list[str] = []
    for path in named:
        if path.is_dir():
            shards += _walk(path, left_out)
        elif path.exists() or not has_braces(path):
            shards.append(str(path))
        else:
            shards += expand_braces(str(path))
    missing = [shard for shard in shards if not os.path.isfile(shard)]
    if missing:
        raise LayoutError(
            f"{show_path(missing[0])} is missing, or is not a file. Expected "
            f"{count(len(shards), 'tar file')}."
        )
    if not shards:
        raise LayoutError(f"{describe_paths([str(path) for path in named])} holds no tar files.")
    return list(dict.fromkeys(map(os.path.normpath, shards)))


def _walk(folder: Path, left_out: LeftOut) -> list[str]:
    shards = []
    for above, below, names in os.walk(folder):
        for name in [name for name in below if name.startswith(".")]:
            left_out.add(name)
        below[:] = sorted(name for name in below if not name.startswith("."))
        for name in sorted(names):
            if is_shard(Path(name)) and not name.startswith("."):
                shards.append(os.path.join(above, name))
            else:
                left_out.add(name)
    return shards


def common_folder(shards: Sequence[str]) -> Path:
    """Return the folder that holds all shards."""
    folder = relative_paths.common_folder(shards)
    if folder is None:
        raise LayoutError("The tar files are on different drives. Read those of each drive alone.")
    return Path(folder)


def describe_paths(paths: Sequence[str]) -> str:
    """Return the first path and the number of the others."""
    more = "" if len(paths) == 1 else f" and {count(len(paths) - 1, 'more file')}"
    return shorten(show_path(paths[0])) + more
