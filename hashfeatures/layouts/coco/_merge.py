"""One JSON document of COCO for images that come from several files."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from ..._utils.descriptions import describe_value, shorten
from ...exceptions import LayoutError
from ._file import CocoFile, show_file


def merge_files(
    files: Sequence[CocoFile],
    images: list[tuple[int, dict[str, Any]]],
    annotations: list[tuple[int, dict[str, Any]]],
    part: str,
) -> bytes:
    """Return the JSON of a part, with everything that its files say beside their images.

    Parameters
    ----------
    files : sequence of CocoFile
        The files that the images are from.
    images, annotations : list of tuple of int and dict
        The entries, each with the number of its file.
    part : str
        The name of the part, for messages.

    Returns
    -------
    bytes
        The JSON in UTF-8. Ids, texts and numbers are those of the files.

    Raises
    ------
    LayoutError
        If two entries have one id, or the files disagree about what both of them say.
    """
    _check_ids(files, images, "images", part)
    _check_ids(files, annotations, "annotations", part)
    document: dict[str, Any] = {}
    for key in dict.fromkeys(key for file in files for key in file.document):
        if key == "images":
            document[key] = [item for _, item in images]
        elif key == "annotations":
            document[key] = [item for _, item in annotations]
        else:
            document[key] = _merge_values(files, key, part)
    try:
        return json.dumps(document, ensure_ascii=False).encode()
    except UnicodeEncodeError:  # half of a surrogate pair, which only an escape can hold
        return json.dumps(document).encode()


def _check_ids(
    files: Sequence[CocoFile], entries: Iterable[tuple[int, dict[str, Any]]], key: str, part: str
) -> None:
    file_of: dict[Any, int] = {}
    for number, item in entries:
        value = item.get("id")
        first = file_of.setdefault(value, number)
        if first != number:
            raise LayoutError(
                f"{show_file(files[number].path)}, {key}: the id {describe_value(value)} is in "
                f"{show_file(files[first].path)} too, and the part {shorten(part)!r} would hold "
                f"both. Ids are never changed. Make them unique across the files, or split "
                f"each file on its own."
            )


def _merge_values(files: Sequence[CocoFile], key: str, part: str) -> Any:
    """Return the value of a key for all files: the same, or the entries of each id once."""
    having = [file for file in files if key in file.document]
    values = [file.document[key] for file in having]
    if key == "info" or all(value == values[0] for value in values[1:]):
        return values[0]
    merged: dict[Any, dict[str, Any]] = {}
    for file, value in zip(having, values, strict=True):
        if not isinstance(value, list) or not all(_has_id(item) for item in value):
            raise _refuse(having, file, key, part)
        for item in value:
            if merged.setdefault(item["id"], item) != item:
                raise _refuse(having, file, f"{key}, id {describe_value(item['id'])}", part)
    return list(merged.values())


def _has_id(item: object) -> bool:
    return isinstance(item, dict) and isinstance(item.get("id"), int | str)


def _refuse(having: Sequence[CocoFile], file: CocoFile, key: str, part: str) -> LayoutError:
    other = having[0] if file is not having[0] else having[-1]
    return LayoutError(
        f"{show_file(file.path)}, {key}: {show_file(other.path)} says something else, and the "
        f"part {shorten(part)!r} would hold images of both files. Make them agree."
    )
