"""Which parts of hashes later stages were made from, and whether these are still the same.

Parts have the same names in all directories, and a part that was deleted has its old name when it
is made again. So a record of parts holds a digest of the content of each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..exceptions import StageError
from ._stages import Stage

_PARTS, _CONTENTS = "parts", "contents"


def record_parts(hashed: Stage, names: Sequence[str]) -> dict[str, Any]:
    """Return the record of some parts of a directory of hashes, as JSON values.

    Parameters
    ----------
    hashed : Stage
        The directory.
    names : sequence of str
        The parts.

    Returns
    -------
    dict
        "parts", their names; "contents", the digests of their content; and "n_rows", the number
        of their images.
    """
    return {
        _PARTS: list(names),
        _CONTENTS: [hashed.content(name) for name in names],
        "n_rows": sum(map(hashed.count, names)),
    }


def list_contents(records: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return what identifies the content of all recorded parts, in order."""
    names = [name for each in records for name in each[_PARTS]]
    contents = [each for record in records for each in record.get(_CONTENTS, ())]
    return [*names, *(each for each in contents if each is not None)]


def check_parts(made: Stage, hashed: Stage, records: Sequence[Mapping[str, Any]]) -> None:
    """Raise unless a directory still holds the parts that another one was made from.

    Parameters
    ----------
    made : Stage
        The directory that was made.
    hashed : Stage
        The directory of hashes.
    records : sequence of dict
        The records of the parts.

    Raises
    ------
    StageError
        If a part is missing, or was made again with another content.
    """
    present = set(hashed.names())
    for record in records:
        names = record[_PARTS]
        # Earlier runs recorded names alone.
        for name, content in zip(names, record.get(_CONTENTS, [None] * len(names)), strict=True):
            if name not in present:
                raise StageError(
                    f"{made.address} was made from other hashes than {hashed.address}, which has "
                    f"no part {name}. Name another directory."
                )
            if content is not None and hashed.content(name) != content:
                raise StageError(
                    f"{made.address} was made from other hashes than {hashed.address}, whose part "
                    f"{name} has changed since or is of other images. Delete {made.address} and "
                    f"run its stage again, or name another directory."
                )
