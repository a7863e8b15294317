"""References to images as text, for processes that read them later or on other machines.

The text is JSON, so whoever reads it runs no code of the writer.
"""

from __future__ import annotations

import json
import os
from dataclasses import fields
from functools import lru_cache
from typing import Any

from ..images._archives import CompressedSlice, ZipMember
from ..images._references import FileSlice, FileState, ImageReference
from ._row_references import ParquetReader, RowReference

_KINDS: dict[str, type[FileSlice] | type[ZipMember] | type[CompressedSlice]] = {
    "slice": FileSlice,
    "zip": ZipMember,
    "compressed": CompressedSlice,
}
_ROW = "row"
_MOST_OPEN = 8  # Parquet files


def file_of_reference(reference: ImageReference) -> str | None:
    """Return the absolute path of the file that holds an image, which other processes can open.

    None means that only this process can read the image.
    """
    place = getattr(reference, "reader", reference)
    if isinstance(place, FileSlice | ZipMember | CompressedSlice | ParquetReader):
        return os.path.abspath(place.path)
    return None


def write_reference(reference: ImageReference) -> str:
    r"""Return a reference to an image in a file as JSON. Paths become absolute ones.

    Raises
    ------
    TypeError
        If only this process can read the image.

    Examples
    --------
    >>> from hashfeatures.images._references import FileSlice, FileState
    >>> from hashfeatures.layouts._reference_text import read_reference, write_reference
    >>> member = FileSlice("/a.tar", 512, 9, "/a.tar/1.png", FileState(2048, 17))
    >>> read_reference(write_reference(member)) == member
    True
    """
    for kind, known in _KINDS.items():
        if isinstance(reference, known):
            facts = {field.name: getattr(reference, field.name) for field in fields(known)}
            facts["path"] = file_of_reference(reference)
            return json.dumps({"kind": kind, **facts, "name": name_absolutely(reference)})
    if isinstance(reference, RowReference) and isinstance(reference.reader, ParquetReader):
        reader = reference.reader
        facts = {
            "path": file_of_reference(reference),
            "column": reader.column,
            "row": reference.row,
            "state": reader.state,
        }
        return json.dumps({"kind": _ROW, **facts})
    raise TypeError(f"only this process can read {reference.name}")


def name_absolutely(reference: ImageReference) -> str:
    """Return the name of a reference, with the path that it may begin with as an absolute one."""
    name = reference.name
    path = getattr(getattr(reference, "reader", reference), "path", None)
    if isinstance(path, str) and name.startswith((f"{path}/", path.replace(os.sep, "/") + "/")):
        return os.path.abspath(path) + name[len(path) :]
    return name


def read_reference(text: str) -> ImageReference:
    """Return the reference that `write_reference` wrote."""
    facts: dict[str, Any] = json.loads(text)
    kind = facts.pop("kind")
    state = FileState(*facts.pop("state"))
    if kind == _ROW:
        return RowReference(_reader(facts["path"], facts["column"], state), facts["row"])
    return _KINDS[kind](**facts, state=state)


@lru_cache(maxsize=_MOST_OPEN)
def _reader(path: str, column: str, state: FileState) -> ParquetReader:
    """Return a reader of a Parquet file, which the rows of one process share."""
    return ParquetReader(path, column, path, state)
