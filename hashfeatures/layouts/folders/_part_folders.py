"""Which folders are the parts of a split, by their names or by an index that names them."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Sequence

from ..._utils.part_names import order_parts, role_of

# The file that `write_split` writes beside folders whose names do not say that they are parts.
INDEX = "parts.json"
_KEY = "parts"

_NUMBERED = re.compile(r"(fold|split|part|subset|partition)[ _.-]?\d+", re.IGNORECASE)


def names_a_part(name: str) -> bool:
    """Return whether a folder is a part by its name alone.

    Examples
    --------
    >>> from hashfeatures.layouts.folders._part_folders import names_a_part
    >>> [names_a_part(name) for name in ("train", "fold-3", "cat")]
    [True, True, False]
    """
    return role_of(name) is not None or _NUMBERED.fullmatch(name) is not None


def choose_parts(names: Sequence[str], holds_images: Callable[[str], bool]) -> list[str]:
    """Return those of the folders beside each other that are parts.

    Parameters
    ----------
    names : sequence of str
        The names of the folders.
    holds_images : callable
        Returns whether a folder holds images. Only folders that do keep a single "train" or
        several folds from being parts: they may be classes.

    Returns
    -------
    list of str
        The parts in the order of their use. Empty if the names do not say that there are any.

    Examples
    --------
    >>> from hashfeatures.layouts.folders._part_folders import choose_parts
    >>> choose_parts(["test", "train", "old"], lambda name: True)
    ['train', 'test']
    >>> choose_parts(["bus", "train"], lambda name: True)
    []
    >>> choose_parts(["docs", "train"], lambda name: name != "docs")
    ['train']
    """
    with_role = [name for name in names if role_of(name) is not None]
    if len({role_of(name) for name in with_role}) > 1:
        return order_parts(with_role)
    known = [name for name in names if names_a_part(name)]
    if any(holds_images(name) for name in names if name not in known):
        return []
    return order_parts(known)


def write_index(parts: Iterable[str]) -> dict[str, bytes]:
    """Return the index of parts by its name; empty if the names of the folders are enough."""
    listed = list(parts)
    if all(map(names_a_part, listed)):
        return {}
    return {INDEX: json.dumps({_KEY: listed}, indent=2).encode() + b"\n"}


def read_index(folder: str, names: Iterable[str]) -> list[str] | None:
    """Return the folders that an index names as parts; None if there is no index.

    Parameters
    ----------
    folder : str
        The folder that may hold an index.
    names : iterable of str
        The folders in it.
    """
    path = os.path.join(folder, INDEX)
    if not os.path.isfile(path):
        return None
    try:
        with open(path, encoding="utf-8") as file:
            found = json.load(file)
    except (OSError, ValueError, RecursionError):  # a file of someone else
        return None
    listed = found.get(_KEY) if isinstance(found, dict) else None
    known = set(names)
    if not isinstance(listed, list) or not all(isinstance(name, str) for name in listed):
        return None
    return [name for name in dict.fromkeys(listed) if name in known] or None
