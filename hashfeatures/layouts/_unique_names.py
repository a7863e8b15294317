"""Names for the files of a split, such that no two files get the same name."""

from __future__ import annotations

import os
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from .._utils.descriptions import shorten
from ..exceptions import LayoutError
from ..images._sources import is_url

Row = TypeVar("Row")


def name_files(
    rows: Sequence[Row],
    namings: Sequence[Callable[[Row], Iterable[tuple[str, str | None]]]],
) -> dict[str, str]:
    """Return the files of a split by their new names.

    Parameters
    ----------
    rows : sequence
        What to name.
    namings : sequence of callable
        Ways to name files, the best first: from a row to new names and existing files. The file
        is None where a name must stay free, as that of the labels of an image without labels.

    Returns
    -------
    dict of str to str
        The existing files by new name, by the first way that keeps all names apart.

    Raises
    ------
    LayoutError
        If every way gives two files the same name.
    """
    clash = ""
    for naming in namings:
        source_of: dict[str, str | None] = {}
        files = {}
        for row in rows:
            for name, source in naming(row):
                if source_of.setdefault(fold_name(name), source) != source:
                    clash = clash or name
                    break
                if source is not None:
                    files[name] = source
            else:
                continue
            break
        else:
            return files
    raise LayoutError(
        f"Two files would be written as {shorten(clash)!r}, or under names that differ only in "
        f"case. Rename one of them, or pass how='lists', which leaves files where they are."
    )


def fold_name(name: str) -> str:
    """Return a text that is equal for names that are one file on some file system.

    Some ignore case, and some how accents are encoded.
    """
    return unicodedata.normalize("NFC", name).casefold()


def number_repeats(names: Iterable[str]) -> list[str]:
    """Return names with a number in each that occurred before, in front of the suffix of a file.

    Examples
    --------
    >>> from hashfeatures.layouts._unique_names import number_repeats
    >>> number_repeats(["a.png", "b.png", "a.png"])
    ['a.png', 'b.png', 'a (2).png']
    """
    listed = list(names)
    taken = set(listed)
    seen: set[str] = set()
    copies: Counter[str] = Counter()
    unique = []
    for name in listed:
        new = name
        while new in seen or (new != name and new in taken):
            copies[name] += 1
            start, suffix = (name, "") if is_url(name) else os.path.splitext(name)
            new = f"{start} ({copies[name] + 1}){suffix}"
        seen.add(new)
        unique.append(new)
    return unique


def number_repeat(name: str, seen: set[str]) -> str:
    """Return a name, with a number in it if it was seen before, and add it to those seen.

    Unlike `number_repeats`, the function knows nothing of the names to come.

    Examples
    --------
    >>> from hashfeatures.layouts._unique_names import number_repeat
    >>> seen = set()
    >>> [number_repeat(name, seen) for name in ["a.png", "a.png", "a (2).png"]]
    ['a.png', 'a (2).png', 'a (2) (2).png']
    """
    start, suffix = os.path.splitext(name)
    new, copy = name, 1
    while new in seen:
        copy += 1
        new = f"{start} ({copy}){suffix}"
    seen.add(new)
    return new
