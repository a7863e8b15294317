"""Folders that consist of tables, alone or with the images that the tables name."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ...images._files import has_image_suffix
from ..archives._shards import is_shard
from ._csv_table import SUFFIXES as CSV_SUFFIXES


def list_tables(folder: Path) -> list[Path]:
    """Return the Parquet files of a folder, or else its CSV files if it holds no other file."""
    if parquet := sorted(folder.glob("*.parquet")):
        return parquet
    files = [path for path in _shown(folder) if not path.is_dir()]
    return files if all(path.suffix.lower() in CSV_SUFFIXES for path in files) else []


def holds_more(folder: Path) -> bool:
    """Return whether a folder holds images, shards or folders beside tables.

    Tools that write shards add a table of their contents to each.
    """
    return _holds_images(folder) or any(path.is_dir() for path in _shown(folder))


def may_hold_images_below(folder: Path) -> bool:
    """Return whether the only images of a folder are in folders below it."""
    return not _holds_images(folder)


def names_all_images(folder: Path, columns: Iterable[Iterable[Any]]) -> bool:
    """Return whether there are images below a folder, and columns of a table name all of them.

    A list of some images, such as one of near duplicates, does not make the folder a table.
    """
    values = {value for column in columns for value in column if isinstance(value, str)}
    named = {os.path.normpath(value.replace("\\", "/")) for value in values}
    named |= set(map(os.path.normpath, values))
    n_found = 0
    for above, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        inside = os.path.relpath(above, folder)
        for name in filter(has_image_suffix, names):
            if os.path.normpath(os.path.join(inside, name)) not in named:
                return False
            n_found += 1
    return n_found > 0


def _holds_images(folder: Path) -> bool:
    return any(has_image_suffix(path.name) or is_shard(path) for path in _shown(folder))


def _shown(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))
