"""The listing of a directory of hashes: parts of entries, which become parts of hashes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from ..._utils.descriptions import shorten
from ..._utils.path_text import read_path, write_path
from ...exceptions import StageError
from .._hash_stage import DIGEST_BYTES, LISTING, digest_of
from .._part_directory import PartDirectory, arrow
from ._entries import Entry
from ._part_sources import is_archive

LISTED = "part-"
_NUMBERED = re.compile(r"part-\d{8}\.parquet")

# How the images of a file are listed, as the metadata of a part call it.
_WHOLE, _BY_IMAGE = "as a whole", "image by image"
_OTHER = {_WHOLE: _BY_IMAGE, _BY_IMAGE: _WHOLE}


class ListedUnits(NamedTuple):
    """The entries of a part.

    Parameters
    ----------
    names : list of str
        The names of the entries.
    references : list of str or None
        What a worker needs beside each name, as JSON.
    """

    names: list[str]
    references: list[str | None]


def read_listing(listing: PartDirectory, part: str) -> ListedUnits:
    """Return the entries of a part. Those of earlier releases hold no references."""
    table = listing.read(part)
    names = [read_path(unit) for unit in table.column("unit").to_pylist()]
    if "reference" not in table.column_names:
        return ListedUnits(names, [None] * len(names))
    return ListedUnits(names, table.column("reference").to_pylist())


def write_listing(listing: PartDirectory, part: str, entries: Sequence[Entry]) -> None:
    """Write a part."""
    pyarrow = arrow()
    columns: dict[str, tuple[Any, list[Any]]] = {
        "unit": (pyarrow.string(), [write_path(entry.name) for entry in entries]),
        "digest": (pyarrow.binary(DIGEST_BYTES), list(map(_digest_of, entries))),
        "reference": (pyarrow.string(), [entry.reference for entry in entries]),
    }
    files = {key: json.dumps(sorted(held)) for key, held in _files_in(entries).items()}
    schema = pyarrow.schema({name: kind for name, (kind, _) in columns.items()}, files)
    table = pyarrow.table([values for _, values in columns.values()], schema=schema)
    listing.write(part, [table], schema)


def list_new(entries: Iterable[Entry], listing: PartDirectory, part_size: int) -> int:
    """Add the entries that are new to the listing.

    Parameters
    ----------
    entries : iterable of Entry
        All entries of a source.
    listing : PartDirectory
        The listing.
    part_size : int
        The most images of a part. A tar file is a part of its own, and so is what holds more
        images.

    Returns
    -------
    int
        The number of all entries, new or not.

    Raises
    ------
    StageError
        If a file was listed as a whole and is to be listed image by image, or the reverse.
    """
    known: set[bytes] = set()
    files: dict[str, set[str]] = {_WHOLE: set(), _BY_IMAGE: set()}
    for part in listing.names():
        table = listing.read(part, ["digest"])
        known.update(table.column("digest").to_pylist())
        for key, held in files.items():
            held.update(json.loads((table.schema.metadata or {}).get(key.encode(), "[]")))
    number = next_number(listing.names(LISTED))
    n_entries = n_waiting = 0
    waiting: list[Entry] = []

    def write(chosen: list[Entry]) -> None:
        nonlocal number
        if chosen:
            write_listing(listing, f"{LISTED}{number:08d}.parquet", chosen)
            number += 1

    for entry in entries:
        n_entries += 1
        digest = _digest_of(entry)
        if digest in known:
            continue
        known.add(digest)
        if entry.file:
            way = _way_of(entry)
            files[way].add(entry.file)
            if entry.file in files[_OTHER[way]]:
                raise _listed_otherwise(entry.file, way)
        if entry.reference is None and is_archive(entry.name):
            write([entry])
            continue
        if n_waiting + entry.n_images > part_size:
            write(waiting)
            waiting, n_waiting = [], 0
        waiting.append(entry)
        n_waiting += entry.n_images
    write(waiting)
    return n_entries


def check_listed(hashed: PartDirectory, parts: Iterable[str]) -> None:
    """Raise if parts of hashes have lost their part of the listing.

    Their images would count as new, and be hashed once more.

    Parameters
    ----------
    hashed : PartDirectory
        The directory of hashes.
    parts : iterable of str
        The names of its parts.
    """
    listing = hashed.sub(LISTING)
    lost = {part for part in parts if _NUMBERED.fullmatch(part)} - set(listing.names())
    if lost:
        part = min(lost)
        raise StageError(
            f"{listing.address} has no part {part}, which lists the images of the part of that "
            f"name in {hashed.address}. Delete that one too, and run again: its images are "
            f"hashed once more."
        )


def next_number(parts: Sequence[str]) -> int:
    """Return the number of a new part from the sorted names of those that exist."""
    return 1 + int(parts[-1].partition("-")[2].partition(".")[0]) if parts else 0


def _way_of(entry: Entry) -> str:
    return _WHOLE if entry.name == entry.file else _BY_IMAGE


def _files_in(entries: Sequence[Entry]) -> dict[str, set[str]]:
    """Return the files that hold several images, by the way in which they are listed."""
    files: dict[str, set[str]] = {_WHOLE: set(), _BY_IMAGE: set()}
    for entry in entries:
        if entry.file:
            files[_way_of(entry)].add(entry.file)
    return files


def _listed_otherwise(file: str, way: str) -> StageError:
    return StageError(
        f"{shorten(file)} was listed {_OTHER[way]}, and is to be listed {way}. Its images would "
        f"be hashed twice. Pass the same path or collection as before, or name another directory."
    )


def _digest_of(entry: Entry) -> bytes:
    return digest_of(entry.name + entry.place)
