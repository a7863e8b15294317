"""The parts of a split by the usual names of folders and files."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence

from .._utils.descriptions import shorten
from .._utils.path_text import show_path
from ._errors import CommandError

# The usual names of parts, in the order of their use.
_ROLES = (
    ("train", "training", "trn"),
    ("val", "valid", "validation", "validate", "dev", "eval", "evaluation"),
    ("test", "testing", "tst", "holdout"),
)
_ENDINGS = ("", "set", "s", "data", "images", "imgs")
_ROLE_OF = {
    word + ending: role
    for role, words in enumerate(_ROLES)
    for word in words
    for ending in _ENDINGS
}
# The levels of folders in which parts are searched.
_DEPTH = 3


def role_of(name: str) -> int | None:
    """Return the place of a part in the order of use: 0 for training, 1 validation, 2 test.

    Examples
    --------
    >>> from hashfeatures.cli._part_folders import role_of
    >>> role_of("Training"), role_of("val2017"), role_of("my_test-set"), role_of("contest")
    (0, 1, 2, None)
    """
    words = re.findall("[a-z]+", re.sub("(?<=[a-z])(?=[A-Z])", " ", name).lower())
    roles = {_ROLE_OF[word] for word in words if word in _ROLE_OF}
    return roles.pop() if len(roles) == 1 else None


def order_parts(names: Iterable[str]) -> list[str]:
    """Return names of parts in the order of their use, if all are usual; else as they are."""
    listed = list(names)
    roles = [role_of(name) for name in listed]
    known = [role for role in roles if role is not None]
    if len(known) < len(listed):
        return listed
    return [name for _, name in sorted(zip(known, listed, strict=True), key=lambda item: item[0])]


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
        f"and test. Name the parts: hashfeatures audit TRAIN TEST."
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
