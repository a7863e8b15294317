"""The image sets of Pascal VOC: text files that list the images of each part."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Set
from pathlib import Path

from ..._utils.descriptions import shorten
from ..._utils.path_text import encoding_of, show_path, spellings
from ..._utils.quantities import count
from ..._utils.regular_files import open_regular
from ...exceptions import LayoutError
from .._plan import safe_name

# Names of sets such as trainval and train_val, which join others.
_WORDS = ("training", "train", "validation", "valid", "val", "testing", "test")
_JOINED = re.compile(rf"(?:(?:{'|'.join(_WORDS)})[\W_]*){{2,}}|all", re.IGNORECASE)
# A line of a file that tells whether each image holds an object of one class.
_OF_CLASS = re.compile(r".*\S\s+(-1|0|1)")


def read_sets(folder: Path, known: Set[str]) -> tuple[dict[str, str], list[str], list[str]]:
    """Read the parts of a data set.

    Sets that join others, such as trainval, are not parts. Neither are sets of one class, such as
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
    notes : list of str
        What was left out: sets of one class, joined sets whose images are not all in others, and
        images that do not exist.

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
            forms = [*spellings(name), *spellings(os.path.splitext(name)[0])]
            names.setdefault(next((form for form in forms if form in known), name), number)
        listed[file.stem] = names
    notes = [f"skipped {count(n_of_class, 'image set')} of single classes"] if n_of_class else []
    parts = [name for name in listed if not _joins_others(name, listed)]
    unions = [name for name in parts if _is_union(name, listed)]
    parts = [name for name in parts if name not in unions]
    for name in unions:
        rest = listed[name].keys() - set().union(*(listed[part] for part in parts))
        notes.append(
            f"skipped {name}.txt, which joins other sets, with {count(len(rest), 'image')} in no "
            f"other"
        )
    part_of: dict[str, str] = {}
    for part in parts:
        for name, number in listed[part].items():
            first = part_of.setdefault(name, part)
            if first != part:
                raise LayoutError(
                    f"{shorten(show_path(str(folder / part)))}.txt, line {number}: "
                    f"{shorten(name)!r} is in {first}.txt too. List each image in one part."
                )
    missing = [(part, name) for part in parts for name in listed[part] if name not in known]
    if missing:
        part, name = missing[0]
        verb = "does" if len(missing) == 1 else "do"
        notes.append(
            f"{count(len(missing), 'image')} of the sets {verb} not exist: {part}.txt, line "
            f"{listed[part][name]}: there is no {shorten(show_path(name))!r}"
        )
    return part_of, parts, notes


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


def _is_union(name: str, listed: Mapping[str, Mapping[str, int]]) -> bool:
    """Return whether a set is called as several others, and contains all of one of them.

    The others need not be complete: sets for validation are often not published.
    """
    own = listed[name].keys()
    others = (other.keys() for word, other in listed.items() if word != name)
    return _JOINED.fullmatch(name) is not None and any(part and part <= own for part in others)
