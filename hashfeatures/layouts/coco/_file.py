"""One JSON file of COCO: read, checked, and its annotations by image."""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from ..._utils.descriptions import describe_value, shorten
from ..._utils.path_text import show_path
from ..._utils.regular_files import open_regular
from ...exceptions import LayoutError
from .._plan import safe_name

_LARGEST = sys.float_info.max


@dataclass
class CocoFile:
    """The content of one JSON file.

    Parameters
    ----------
    path : Path
        The file.
    document : dict
        The whole content, unchanged.
    names : list of str
        The names of the images, unique, with "/" as separator.
    annotations : list of list of dict
        The annotations of each image.
    positions : dict of int or str to int
        The position of each annotation in the file by its id.
    categories : dict of int or str to str
        The name of each category by its id.
    holds_objects : bool
        Whether annotations are objects of a category, and not captions.
    """

    path: Path
    document: dict[str, Any]
    names: list[str]
    annotations: list[list[dict[str, Any]]]
    positions: dict[int | str, int]
    categories: dict[int | str, str]
    holds_objects: bool


def show_file(path: PurePath) -> str:
    """Return the path of a file for messages."""
    return shorten(show_path(str(path)))


def read_file(path: Path) -> CocoFile:
    """Read a JSON file and check all that its annotations refer to.

    Parameters
    ----------
    path : Path
        The file. A byte order mark is allowed.

    Raises
    ------
    LayoutError
        If it is not JSON of COCO, lacks a key, or holds ids twice or unknown ids.
    """
    where = show_file(path)
    try:
        with open_regular(path) as file:
            content = file.read()
    except OSError as error:
        raise LayoutError(f"{where}: {error.strerror or error}.") from error
    document = _parse_document(content, where)
    images = _list_entries(document, "images", where)
    annotations = _list_entries(document, "annotations", where)
    if any("segments_info" in item for item in annotations):
        raise LayoutError(
            f"{where}, annotations: they are of COCO's panoptic task, which has no boxes. Read "
            f"the instances_*.json of the same images."
        )
    holds_objects = not annotations or any(
        "category_id" in item or "bbox" in item for item in annotations
    )
    categories = _read_categories(document, holds_objects and bool(annotations), where)
    place_of = _index(images, "images", where)
    names = _read_names(images, where)
    positions = _index(annotations, "annotations", where)
    by_image: list[list[dict[str, Any]]] = [[] for _ in images]
    for number, item in enumerate(annotations):
        image = _look_up(item, "image_id", place_of, "images", number, where)
        by_image[image].append(item)
        if holds_objects:
            _look_up(item, "category_id", categories, "categories", number, where)
            if "bbox" in item:
                _check_box(item["bbox"], number, where)
    return CocoFile(path, document, names, by_image, positions, categories, holds_objects)


def read_image_names(content: bytes, where: str) -> list[str]:
    """Return the names of the images of a JSON file, whatever else it holds.

    Parameters
    ----------
    content : bytes
        The content of the file.
    where : str
        The name of the file, for messages.

    Raises
    ------
    LayoutError
        If it is not JSON of COCO, or if a name is missing, occurs twice or leaves its folder.

    Examples
    --------
    >>> from hashfeatures.layouts.coco._file import read_image_names
    >>> read_image_names(b'{"images": [{"file_name": "1.jpg"}]}', "train.json")
    ['1.jpg']
    """
    return _read_names(_list_entries(_parse_document(content, where), "images", where), where)


def _parse_document(content: bytes, where: str) -> dict[str, Any]:
    def make_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) < len(pairs):  # json would keep the last value and drop the others
            names = Counter(name for name, _ in pairs)
            twice = shorten(names.most_common(1)[0][0], 40)
            raise LayoutError(f"{where}: an object has the key {twice!r} twice. Keep one of them.")
        return made

    try:
        document = json.loads(content, object_pairs_hook=make_object)
    except LayoutError:
        raise
    except json.JSONDecodeError as error:
        raise LayoutError(
            f"{where}, line {error.lineno}, column {error.colno}: this is not JSON. {error.msg}."
        ) from None
    except UnicodeDecodeError as error:
        raise LayoutError(
            f"{where}, byte {error.start}: the file is not {error.encoding.upper()}. Save it as "
            f"UTF-8."
        ) from None
    except (RecursionError, ValueError) as error:
        raise LayoutError(f"{where}: the JSON cannot be read. {error}.") from None
    if isinstance(document, list):
        are_results = bool(document) and isinstance(document[0], dict) and "score" in document[0]
        hint = " These are the results of a detector." if are_results else ""
        raise LayoutError(
            f"{where}: expected an object with the keys 'images' and 'annotations'. Got a list of "
            f"{len(document)}.{hint}"
        )
    if not isinstance(document, dict):
        raise LayoutError(
            f"{where}: expected an object with the keys 'images' and 'annotations'. Got "
            f"{describe_value(document)}."
        )
    return document


def _list_entries(document: dict[str, Any], key: str, where: str) -> list[dict[str, Any]]:
    """Return a list of objects at the top level of the document."""
    if key not in document:
        inner = [name for name, value in document.items() if _holds(value, key)]
        if inner:
            raise LayoutError(
                f"{where}, {shorten(inner[0])}.{key}: COCO keeps {key!r} at the top level. Save "
                f"what is under the key {shorten(inner[0])!r} as a file of its own."
            )
        found = ", ".join(repr(shorten(name, 40)) for name in list(document)[:8]) or "none"
        hint = f' Add "{key}": [] if there are none.' if key == "annotations" else ""
        raise LayoutError(f"{where}: the key {key!r} is missing. Found: {found}.{hint}")
    entries = document[key]
    if not isinstance(entries, list):
        raise LayoutError(f"{where}, {key}: expected a list. Got {describe_value(entries)}.")
    for number, item in enumerate(entries):
        if not isinstance(item, dict):
            raise LayoutError(
                f"{where}, {key}[{number}]: expected an object. Got {describe_value(item)}."
            )
    return entries


def _holds(value: object, key: str) -> bool:
    return isinstance(value, dict) and key in value


def _index(entries: list[dict[str, Any]], key: str, where: str) -> dict[int | str, int]:
    """Return the position of each entry by its id."""
    place_of: dict[int | str, int] = {}
    for number, item in enumerate(entries):
        if "id" not in item:
            raise LayoutError(f"{where}, {key}[{number}].id: the key is missing.")
        value = item["id"]
        if type(value) is not int and type(value) is not str:
            raise LayoutError(
                f"{where}, {key}[{number}].id: expected a whole number or a string. Got "
                f"{describe_value(value)}."
            )
        first = place_of.setdefault(value, number)
        if first != number:
            raise LayoutError(
                f"{where}, {key}[{number}].id: {describe_value(value)} is the id of "
                f"{key}[{first}] too. Ids must be unique in a file."
            )
    return place_of


def _read_names(images: list[dict[str, Any]], where: str) -> list[str]:
    place_of: dict[str, int] = {}
    for number, item in enumerate(images):
        place = f"{where}, images[{number}].file_name"
        if "file_name" not in item:
            raise LayoutError(f"{place}: the key is missing.")
        try:
            name = safe_name(item["file_name"], place)
        except LayoutError as error:
            if not isinstance(item["file_name"], str) or not item["file_name"].strip():
                raise
            short = shorten(re.split(r"[/\\]", item["file_name"])[-1])
            raise LayoutError(
                f"{error} Shorten all names to what is below one folder, such as {short!r}, and "
                f"name this folder by root=."
            ) from None
        first = place_of.setdefault(name, number)
        if first != number:
            raise LayoutError(
                f"{place}: {shorten(name)!r} is the file of images[{first}] too. List each image "
                f"once."
            )
    return list(place_of)


def _read_categories(
    document: dict[str, Any], are_required: bool, where: str
) -> dict[int | str, str]:
    if "categories" not in document and not are_required:
        return {}
    entries = _list_entries(document, "categories", where)
    place_of = _index(entries, "categories", where)
    for number, item in enumerate(entries):
        if not isinstance(item.get("name"), str):
            raise LayoutError(
                f"{where}, categories[{number}].name: expected a string. Got "
                f"{describe_value(item.get('name'))}."
            )
    return {value: entries[number]["name"] for value, number in place_of.items()}


def _look_up(
    item: dict[str, Any],
    key: str,
    known: Mapping[int | str, Any],
    what: str,
    number: int,
    where: str,
) -> Any:
    """Return what the id in an annotation refers to."""
    value = item.get(key)
    if (type(value) is int or type(value) is str) and value in known:
        return known[value]
    if key not in item:
        raise LayoutError(f"{where}, annotations[{number}].{key}: the key is missing.")
    raise LayoutError(
        f"{where}, annotations[{number}].{key}: no entry of {what!r} has the id "
        f"{describe_value(value)}."
    )


def _check_box(box: Any, number: int, where: str) -> None:
    if isinstance(box, list) and len(box) == 4 and all(map(is_finite, box)):
        return
    raise LayoutError(
        f"{where}, annotations[{number}].bbox: expected four finite numbers, [left, top, width, "
        f"height]. Got {describe_value(box)}."
    )


def is_finite(value: object) -> bool:
    """Return whether a value of JSON is a finite number."""
    return type(value) in (int, float) and -_LARGEST <= value <= _LARGEST  # type: ignore[operator]
