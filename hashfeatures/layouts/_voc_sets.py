"""The image sets of Pascal VOC: text files that list the images of each part."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Set
from pathlib import Path

from .._utils.descriptions import shorten
from .._utils.path_text import encoding_of, show_path
from .._utils.regular_files import open_regular
from ..exceptions import LayoutError
from ._plan import safe_name

# A line of a file that tells whether each image holds an object of one class.
_OF_CLASS = re.compile(r".*\S\s+(-1|0|1)")


def read_sets(folder: Path, known: Set[str]) -> tuple[dict[str, str], list[str], int]:
    """Read the parts of a data set.

    Sets that join others, such as trainval, are no parts. Neither are sets of one class, such as
    cat_train, which tell for each image whether it holds the class.

    Parameters
    ----------
    folder : Path
        Such as ImageSets/Main.
    known : set of str
        The names of the images that there are, without a suffix.

    Returns
    -------
    part_of : dict of str to str
        The part of each image by its name without a suffix.
    parts : list of str
        The parts, which may be empty.
    n_of_class : int
        The number of sets of one class, which were left out.

    Raises
    ------
    LayoutError
        If an image is in two parts, or a name leaves its folder.
    """
    listed: dict[str, dict[str, int]] = {}
    n_of_class = 0
    for file in sorted(folder.glob("*.txt")):
        lines = _read_lines(file)
        are_marked = all(_OF_CLASS.fullmatch(text) for text in lines.values())
        if lines and are_marked and known.isdisjoint(lines.values()):
            n_of_class += 1
            continue
        where = shorten(show_path(str(file)))
        names: dict[str, int] = {}
        for number, text in lines.items():
            name = safe_name(text, f"{where}, line {number}")
            stem = os.path.splitext(name)[0]
            names.setdefault(stem if name not in known and stem in known else name, number)
        listed[file.stem] = names
    parts = [name for name in listed if not _joins_others(name, listed)]
    part_of: dict[str, str] = {}
    for part in parts:
        for name, number in listed[part].items():
            first = part_of.setdefault(name, part)
            if first != part:
                raise LayoutError(
                    f"{shorten(show_path(str(folder / part)))}.txt, line {number}: "
                    f"{shorten(name)!r} is in {first}.txt too. List each image in one part."
                )
    return part_of, parts, n_of_class


def _read_lines(file: Path) -> dict[int, str]:
    """Return the lines that are not blank, by their numbers."""
    with open_regular(file) as opened:
        data = opened.read()
    try:
        text = data.decode(encoding_of(data), errors="surrogateescape")
    except UnicodeDecodeError as error:
        where = shorten(show_path(str(file)))
        raise LayoutError(f"{where}: the file is not text. {error}.") from None
    lines = enumerate(text.splitlines(), 1)
    return {number: line.strip() for number, line in lines if line.strip()}


def _joins_others(name: str, listed: Mapping[str, Mapping[str, int]]) -> bool:
    own = listed[name].keys()
    smaller = [others.keys() for others in listed.values() if others.keys() < own]
    return bool(own) and set().union(*smaller) == own
