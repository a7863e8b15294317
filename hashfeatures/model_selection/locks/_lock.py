"""The file of a locked split: one line for each image, so that changes can be read and merged.

A lock is a JSON array. Its first item is the header, and each other item is an image. Each line of
an image begins with the comma before it, so that a new image adds one line and changes no other.
A lock whose name ends in ".parquet" holds the same images in a table, and the header in its
metadata.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ..._utils.atomic_write import write_whole
from ..._utils.descriptions import describe_value, shorten
from ..._utils.optional import import_extra
from ..._utils.path_text import read_path, write_path
from ..._utils.regular_files import open_regular
from ...exceptions import ParameterError, StoreError
from ...images._sources import is_remote
from ..allocation._sizes import part_names
from ._image_keys import ImageKeys, Texts

FORMAT = "hashfeatures split lock"
VERSION = 1

_SIZES = ("train", "validation", "test")
_TEXTS = {"name": "names", "hash": "hashes", "pixels": "pixels"}
_MARKERS = ("<<<<<<<", "=======", ">>>>>>>", "|||||||")
_HEX = frozenset("0123456789abcdef")
_METADATA = b"hashfeatures"
_LONGEST_WAIT = 60  # seconds, on Windows
_AGAIN = "Restore it from a backup or version control, or choose another file."


@dataclass(frozen=True)
class SplitLock:
    """The content of a lock.

    Parameters
    ----------
    settings : dict
        "sizes", the requested sizes by part; "seed"; and "finder", the settings of the finder.
    images : ImageKeys
        What the images are known by.
    parts : ndarray of shape (n_images,), dtype object
        The part of each image.
    """

    settings: dict[str, Any]
    images: ImageKeys
    parts: Texts

    @classmethod
    def empty(cls) -> SplitLock:
        """Return the lock of no images."""
        nothing = np.empty(0, dtype=object)
        images = ImageKeys(nothing, nothing, nothing)
        return cls({"sizes": {}, "seed": 0, "finder": {}}, images, nothing)

    def header(self) -> dict[str, Any]:
        """Return the header of a file."""
        return {"format": FORMAT, "version": VERSION, **self.settings}

    def in_order(self) -> SplitLock:
        """Return the same lock, sorted by the names of the images."""
        names = self.images.names
        named = np.flatnonzero(pd.notna(names))
        named = named[np.argsort(names[named], kind="stable")]
        rest = np.flatnonzero(pd.isna(names))
        if (names[named[1:]] == names[named[:-1]]).any():
            named, rest = named[:0], np.arange(len(names))
        keys = self.images.take(rest).sort_keys()
        parts = self.parts[rest]
        by_key = sorted(range(len(rest)), key=lambda row: (keys[row], parts[row]))
        order = np.concatenate([named, rest[by_key]])
        return SplitLock(self.settings, self.images.take(order), self.parts[order])


class LockFile:
    """A file of a lock, and its content when it was read.

    Parameters
    ----------
    path : path-like
        The file, which need not exist.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        if is_remote(path):
            raise ParameterError(
                f"The lock of a split must be a local file. Got {shorten(str(path))!r} instead. "
                f"Download the file first, and upload it afterwards."
            )
        self.path = os.fspath(path)
        self._is_parquet = self.path.lower().endswith(".parquet")
        self._content = self._read()

    def load(self) -> SplitLock | None:
        """Return the lock in the file, or None if there is no file.

        Raises
        ------
        StoreError
            If the file is not a lock, is of a newer release, or is damaged.
        """
        if self._content is None:
            return None
        shown = repr(shorten(self.path))
        if self._is_parquet:
            return _parse_parquet(self._content, shown)
        return _parse_json(self._content, shown)

    def save(self, lock: SplitLock) -> bool:
        """Write a lock if it differs from that in the file, and return whether it does.

        Raises
        ------
        StoreError
            If the file has changed since it was read.
        """
        write = _write_parquet if self._is_parquet else _write_json
        content = write(lock.in_order())
        if content == self._content:
            return False
        with _one_at_a_time(os.path.dirname(os.path.realpath(self.path))):
            if self._read() != self._content:
                raise StoreError(
                    f"{shorten(self.path)!r} was changed by another process while images were "
                    f"assigned, and was left as it is. Run this again: it then starts from the "
                    f"new content."
                )
            write_whole(self.path, content)
        return True

    def _read(self) -> bytes | None:
        try:
            with open_regular(self.path) as file:
                return file.read()
        except FileNotFoundError:
            return None


@contextlib.contextmanager
def _one_at_a_time(folder: str) -> Iterator[None]:
    """Let one process at a time write to a folder, where the system can.

    The system frees the folder when a process ends, however it ends.
    """
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(ImportError, OSError):
            stack.callback(os.close, _open_alone(folder))
        yield


def _open_alone(folder: str) -> int:
    """Wait until no other process has the folder, and return a descriptor whose end frees it."""
    if sys.platform == "win32":
        return _create_alone(os.path.join(folder, ".hashfeatures.lock"))
    import fcntl

    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _create_alone(path: str) -> int:
    """Wait until a file is gone, and create it. Windows deletes it when it is closed."""
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_TEMPORARY", 0)
    deadline = time.monotonic() + _LONGEST_WAIT
    while True:
        try:
            return os.open(path, flags)
        except (FileExistsError, PermissionError):  # which Windows raises while it deletes a file
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def _write_json(lock: SplitLock) -> bytes:
    lines = ["[" + json.dumps(lock.header(), indent=1)]
    columns = zip(*lock.images, lock.parts, strict=True)
    for name, hashed, pixels, part in columns:
        facts = {"name": name, "part": part, "hash": hashed, "pixels": pixels}
        lines.append("," + _as_json({key: fact for key, fact in facts.items() if fact}))
    return "\n".join([*lines, "]", ""]).encode()


def _as_json(facts: dict[str, Any]) -> str:
    text = json.dumps(facts, ensure_ascii=False)
    # Names may hold bytes that are not UTF-8, and characters that hide or end a line.
    return text if text.isprintable() else json.dumps(facts)


def _parse_json(content: bytes, shown: str) -> SplitLock:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise StoreError(f"{shown} is not a lock of a split: it is not text. {_AGAIN}") from None
    items = _list_items(text, shown)
    _, header = next(items, (1, None))
    settings = _check_header(header, shown)
    read = _Reader(shown, settings)
    for line, item in items:
        read.add(item, f"line {line}")
    return read.lock()


def _list_items(text: str, shown: str) -> Iterator[tuple[int, Any]]:
    """Yield the items of a JSON array, and the line of each; needless commas do no harm."""
    decode = json.JSONDecoder().raw_decode
    line, place = 1, len(text) - len(text.lstrip())
    if text[place : place + 1] != "[":
        raise StoreError(f"{shown} is not a lock of a split: it is not a JSON array. {_AGAIN}")
    seen, place = 0, place + 1
    while True:
        while place < len(text) and text[place] in ", \t\r\n":
            place += 1
        line += text.count("\n", seen, place)
        seen = place
        if place == len(text):
            raise StoreError(f"{shown} ends in line {line} without a ']'. {_AGAIN}")
        if text[place] == "]":
            return
        if text.startswith(_MARKERS, place):
            raise StoreError(
                f"{shown} holds an unresolved merge in line {line}. Keep the lines of both sides "
                f"and delete the markers."
            )
        try:
            item, place = decode(text, place)
        except (ValueError, RecursionError):
            broken = text[place:].partition("\n")[0]
            raise StoreError(
                f"{shown} is damaged in line {line}: {shorten(broken, 60)!r} is not JSON. {_AGAIN}"
            ) from None
        yield line, item


def _check_header(header: Any, shown: str) -> dict[str, Any]:
    """Return the settings in a header."""
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise StoreError(
            f"{shown} is not a lock of a split: its first item has no {FORMAT!r} as 'format'. "
            f"Choose another file."
        )
    version = header.get("version")
    if isinstance(version, int) and version > VERSION:
        raise StoreError(
            f"{shown} has version {version} of its format, and this release of hashfeatures reads "
            f"versions up to {VERSION}. Install a newer release."
        )
    sizes, seed, finder = (header.get(name) for name in ("sizes", "seed", "finder"))
    is_valid = isinstance(finder, dict) and isinstance(seed, int) and seed >= 0
    is_valid = is_valid and isinstance(sizes, dict) and sizes.keys() <= set(_SIZES)
    if version != VERSION or not is_valid:
        raise StoreError(
            f"{shown} has a damaged header: expected 'version', 'sizes', 'seed' and 'finder'. Got "
            f"{describe_value(header)}. {_AGAIN}"
        )
    return {"sizes": sizes, "seed": seed, "finder": finder}


class _Reader:
    """Checks the images of a lock one by one, and gathers them."""

    def __init__(self, shown: str, settings: dict[str, Any]) -> None:
        self._shown = shown
        self._settings = settings
        self._columns: dict[str, list[str | None]] = {key: [] for key in (*_TEXTS, "part")}
        self._place_of: dict[str, str] = {}

    def add(self, item: Any, place: str) -> None:
        """Add an image, which stands at a place in the file."""
        where = f"{self._shown}, {place}"
        if not isinstance(item, dict) or not self._columns.keys() >= item.keys():
            raise StoreError(
                f"{where}: expected an object with the keys {', '.join(self._columns)}. Got "
                f"{describe_value(item)}."
            )
        for key, value in item.items():
            if value is not None and not (isinstance(value, str) and value):
                raise StoreError(f"{where}: {key!r} must be a text. Got {describe_value(value)}.")
        if item.get("hash") is not None and not _HEX.issuperset(item["hash"]):
            raise StoreError(f"{where}: {item['hash']!r} is not a string of hex digits.")
        names = part_names(self._settings["sizes"])
        if item.get("part") not in names:
            raise StoreError(
                f"{where}: the part must be one of {', '.join(names)}. Got "
                f"{describe_value(item.get('part'))}."
            )
        name = item.get("name")
        if name is not None:
            first = self._place_of.setdefault(name, place)
            if first != place:
                raise StoreError(
                    f"{where}: the image {shorten(name)!r} is in {first} as well. Delete one of "
                    f"the two."
                )
        if all(item.get(key) is None for key in _TEXTS):
            raise StoreError(f"{where}: the image has neither a name nor a hash.")
        for key, values in self._columns.items():
            values.append(item.get(key))

    def lock(self) -> SplitLock:
        """Return the lock."""
        columns = {key: _as_array(values) for key, values in self._columns.items()}
        return SplitLock(
            self._settings, ImageKeys(*(columns[key] for key in _TEXTS)), columns["part"]
        )


def _as_array(values: list[str | None]) -> Texts:
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column


def _write_parquet(lock: SplitLock) -> bytes:
    arrow, parquet = _import_parquet()
    names = [None if name is None else write_path(name) for name in lock.images.names]
    columns = [names, list(lock.parts), list(lock.images.hashes), list(lock.images.pixels)]
    table = arrow.table(
        [arrow.array(column, arrow.string()) for column in columns],
        names=["name", "part", "hash", "pixels"],
        metadata={_METADATA: json.dumps(lock.header()).encode()},
    )
    buffer = io.BytesIO()
    parquet.write_table(table, buffer)
    return buffer.getvalue()


def _parse_parquet(content: bytes, shown: str) -> SplitLock:
    arrow, parquet = _import_parquet()
    try:
        table = parquet.read_table(io.BytesIO(content))
        header = json.loads((table.schema.metadata or {}).get(_METADATA, b"null"))
    except (arrow.ArrowException, ValueError) as error:
        raise StoreError(f"{shown} is not a lock of a split: {error}. {_AGAIN}") from error
    settings = _check_header(header, shown)
    lock = _read_columns(table, settings)
    if lock is not None:
        return lock
    read = _Reader(shown, settings)
    for number, row in enumerate(table.to_pylist(), 1):
        name = row.get("name")
        read.add(row if name is None else row | {"name": read_path(name)}, f"row {number}")
    return read.lock()


def _read_columns(table: Any, settings: dict[str, Any]) -> SplitLock | None:
    """Return the lock in a table, column by column, or None if `_Reader` has a say in a row."""
    expected = {*_TEXTS, "part"}
    if set(table.column_names) != expected or any(
        str(table.schema.field(name).type) not in ("string", "large_string") for name in expected
    ):
        return None
    columns = {name: _as_array(table.column(name).to_pylist()) for name in _TEXTS}
    part = table.column("part").combine_chunks().dictionary_encode()
    if part.null_count:
        return None
    columns["part"] = _as_array(part.dictionary.to_pylist())[part.indices.to_numpy()]
    is_known = np.any([pd.notna(columns[name]) for name in _TEXTS], axis=0)
    names = [None if name is None else read_path(name) for name in columns["name"]]
    is_hex = pd.Series(columns["hash"], dtype=object).dropna().map(_HEX.issuperset)
    if (
        not is_known.all()
        or not set(columns["part"]) <= set(part_names(settings["sizes"]))
        or any((column == "").any() for column in columns.values())
        or not is_hex.all()
        or pd.Series(names, dtype=object).dropna().duplicated().any()
    ):
        return None
    keys = ImageKeys(_as_array(names), columns["hash"], columns["pixels"])
    return SplitLock(settings, keys, columns["part"])


def _import_parquet() -> tuple[Any, Any]:
    purpose = "A lock in a Parquet file"
    parquet = import_extra("pyarrow.parquet", "parquet", purpose)
    return import_extra("pyarrow", "parquet", purpose), parquet
