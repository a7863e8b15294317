"""The JSON files of COCO in a folder, and the parts that they are named after."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import Any

from ..._utils.descriptions import shorten
from ..._utils.part_names import role_of
from ..._utils.path_text import encoding_of, show_path
from ..._utils.quantities import count
from ..._utils.regular_files import open_regular
from ...exceptions import LayoutError
from ._file import show_file

# The tasks of COCO, which begin the names of its files. Of several, the first one is read.
_TASKS = ("instances", "person_keypoints", "", "stuff", "captions", "panoptic", "image_info")
_ROLES = ("train", "val", "test")
# Where a folder keeps its JSON, the first place that has any.
_PLACES = ("annotations/*.json", "*.json", "*/_annotations.coco.json")
# The first key of a file, whatever tool wrote it.
_BEGINNING = re.compile(r'\s*\{\s*"(info|images|licenses|categories|annotations|videos|type)"\s*:')
_HEAD = 1000


def find_files(folder: Path) -> tuple[list[Path], list[Path]]:
    """Return the JSON files of COCO in a folder, and the other ones beside them."""
    for place in _PLACES:
        files = sorted(file for file in folder.glob(place) if file.is_file())
        found = [file for file in files if task_of(file) or _begins_like_coco(file)]
        if found:
            return found, [file for file in files if file not in found]
    return [], []


def task_of(path: PurePath) -> str:
    """Return the task of COCO that a file is named after, or an empty string."""
    return next((task for task in _TASKS if task and path.stem.startswith(f"{task}_")), "")


def word_of(path: PurePath) -> str:
    """Return what a file calls its part, such as "train2017" in instances_train2017.json."""
    return path.stem.removeprefix(f"{task_of(path)}_")


def choose_files(source: Any) -> tuple[list[Path], str]:
    """Return the files to read, and a note on those that are left out."""
    if isinstance(source, list):
        if not source:
            raise LayoutError("Expected the JSON files of a data set. Got an empty list.")
        return [Path(file) for file in source], ""
    path = Path(source)
    if not path.is_dir():
        return [path], ""
    found, others = find_files(path)
    if not found:
        raise LayoutError(
            f"{show_file(path)} holds no JSON of COCO, as in annotations/*.json. Name the JSON "
            f"files."
        )
    task = min(map(task_of, found), key=_TASKS.index)
    chosen = [file for file in found if task_of(file) == task]
    others += [file for file in found if file not in chosen]
    names = shorten(", ".join(show_path(file.name) for file in others))
    note = f"skipped {count(len(others), 'JSON file')} of other tasks: {names}"
    return chosen, note if others else ""


def name_parts(paths: Sequence[PurePath]) -> list[str]:
    """Return a different name for each file: its role, or else what tells it from the others.

    Examples
    --------
    >>> from pathlib import Path, PurePath
    >>> from hashfeatures.layouts.coco._places import name_parts
    >>> name_parts([Path("instances_train2017.json"), Path("instances_val2017.json")])
    ['train', 'val']
    >>> name_parts([Path("instances_minival.json"), Path("instances_rest.json")])
    ['minival', 'rest']
    >>> name_parts([Path("train/_annotations.coco.json"), Path("valid/_annotations.coco.json")])
    ['train', 'val']
    """
    choices = (
        [_role_name(path.stem) for path in paths],
        [word_of(path) for path in paths],
        [_role_name(path.parent.name) for path in paths],
        [path.parent.name for path in paths],
        [path.stem for path in paths],
    )
    for names in choices:
        known = [name for name in names if name]
        if len(set(known)) == len(paths):
            return known
    if len(set(paths)) < len(paths):
        raise LayoutError(f"{show_file(paths[0])}: a file is named twice. Name each file once.")
    return [re.sub(r"[/\\:]+", "_", str(path.with_suffix(""))).strip("_.") for path in paths]


def _role_name(name: str) -> str | None:
    role = role_of(name)
    return None if role is None else _ROLES[role]


def _begins_like_coco(file: Path) -> bool:
    """Return whether the first key of a JSON file is one of COCO."""
    try:
        with open_regular(file) as opened:
            data = opened.read(_HEAD)
    except OSError:
        return False
    return begins_like_coco(data)


def begins_like_coco(data: bytes) -> bool:
    """Return whether the first key of JSON is one of COCO, by its first bytes."""
    return _BEGINNING.match(data.decode(encoding_of(data), "replace")) is not None
