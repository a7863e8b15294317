"""The parts of a split by the usual names of folders and files."""

from __future__ import annotations

import os
from collections.abc import Sequence

from .._utils.descriptions import shorten
from .._utils.part_names import order_parts, role_of
from .._utils.path_text import show_path
from ._errors import CommandError

# The levels of folders in which parts are searched.
_DEPTH = 3


def find_part_folders(top: str) -> tuple[dict[str, str], list[str]]:
    """Find the folders of the parts of a split by their names.

    Parameters
    ----------
    top : str
        A folder.

    Returns
    -------
    parts : dict of str to str
        The path of each part by the name of its folder, in the order of their use.
    others : list of str
        The folders beside them, which are not parts.

    Raises
    ------
    CommandError
        If there are no two parts of different roles, or if they are in several places.
    """
    level = [top]
    for _ in range(_DEPTH):
        found = [(folder, *_divide(folder)) for folder in level]
        found = [(folder, parts, others) for folder, parts, others in found if parts]
        if len(found) == 1:
            folder, names, others = found[0]
            return {name: os.path.join(folder, name) for name in names}, others
        if found:
            listed = shorten(", ".join(show_path(folder) for folder, *_ in found))
            raise CommandError(f"There are splits in {listed}. Name one of these folders.")
        level = [os.path.join(folder, name) for folder in level for name in _folders_in(folder)]
    raise CommandError(
        f"{shorten(show_path(top))} has no folders with the usual names of parts, such as train "
        f"and test. Name the parts one by one, the training part first."
    )


def _divide(folder: str) -> tuple[list[str], list[str]]:
    """Return the folders that are parts, and the others; no parts unless their roles differ."""
    names = _folders_in(folder)
    parts = [name for name in names if role_of(name) is not None]
    if len({role_of(name) for name in parts}) < 2:
        return [], names
    return order_parts(parts), [name for name in names if name not in parts]


def _folders_in(folder: str) -> list[str]:
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    is_shown = [name for name in names if not name.startswith(".")]
    return sorted(name for name in is_shown if os.path.isdir(os.path.join(folder, name)))


def name_paths(paths: Sequence[str]) -> list[str]:
    """Return a name for each of the parts that are given by their paths.

    Parameters
    ----------
    paths : sequence of str
        Folders, lists or tables, in the order of their use.

    Returns
    -------
    list of str
        The names of the files and folders if they are usual and all different. Otherwise
        "train" and "test" for two paths, and the paths themselves for more.
    """
    stems = [os.path.splitext(os.path.basename(os.path.normpath(path)))[0] for path in paths]
    roles = [role_of(stem) for stem in stems]
    if None not in roles and len(set(stems)) == len(stems) and len(set(roles)) > 1:
        return stems
    if len(paths) == 2:
        return ["train", "test"]
    return stems if len(set(stems)) == len(stems) else [show_path(path) for path in paths]
