"""A cache of hashes in one SQLite file."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from functools import lru_cache
from itertools import accumulate, pairwise
from pathlib import Path, PurePath
from time import monotonic, sleep
from types import TracebackType
from typing import Any, TypeAlias

from .._utils.descriptions import shorten
from ..exceptions import CacheError, CacheUnavailableError
from ..images._errors import describe_error
from ._record import ImageRecord
from ._source_keys import SourceKey

_APPLICATION_ID = 0x48466561  # "HFea", in the header of every cache file
_VERSION = 3
_CHECKED = 4 * 2**20  # bytes up to which opening the file checks all of it, which is fast
_TIMEOUT = 30.0  # seconds that one process waits for another
_LOOK_UP = 512  # names per query, as some builds of SQLite allow 999 parameters
_WAITING = 256  # entries per transaction
_INTERVAL = 1.0  # seconds of work that a killed process may lose

# Names, settings and errors are BLOBs, as SQLite cannot bind a name that is not UTF-8 as TEXT.
_CREATE = (
    f"PRAGMA application_id = {_APPLICATION_ID}",
    f"PRAGMA user_version = {_VERSION}",
    "CREATE TABLE settings (id INTEGER PRIMARY KEY, text BLOB NOT NULL UNIQUE)",
    """CREATE TABLE images (
        settings INTEGER NOT NULL, name BLOB NOT NULL, size INTEGER NOT NULL,
        mtime_ns INTEGER NOT NULL, state TEXT NOT NULL,
        detail INTEGER NOT NULL, width INTEGER NOT NULL,
        height INTEGER NOT NULL, format TEXT, digest BLOB, error BLOB, layout TEXT NOT NULL,
        hashes BLOB NOT NULL,
        PRIMARY KEY (settings, name)
    ) WITHOUT ROWID""",
)
_ROLLBACK = sqlite3.SQLITE_READONLY_ROLLBACK
# The errors of SQLite where it cannot create files beside the one that it reads.
_UNWRITABLE = {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY}
_SETTINGS = "(SELECT id FROM settings WHERE text = ?)"
_SELECT = (
    "SELECT name, size, mtime_ns, state, detail, width, height, format, digest, error, "
    f"layout, hashes FROM images WHERE settings = {_SETTINGS} AND name IN "
)
_INSERT = f"INSERT OR REPLACE INTO images VALUES ({_SETTINGS}{', ?' * 12})"


_Entry: TypeAlias = tuple[SourceKey, ImageRecord]


class HashCache:
    """The hashes of images by their keys, in a file that processes can share.

    Entries wait in memory until there are 256 or a second has passed. Then one transaction writes
    them, so a process that is killed loses no more than those. Leaving the context writes them,
    even after an error.

    Parameters
    ----------
    path : path-like
        An SQLite file, created if it does not exist or is empty. Its folder must exist. A file of
        an older format is emptied.
    settings : str
        Everything but the source that determines the hashes. Entries of other settings are
        ignored.

    Attributes
    ----------
    is_read_only : bool
        Whether the file can be read but not written.

    Raises
    ------
    CacheError
        If the file is damaged, of a newer release or not a cache of this package. The file is not
        changed. The methods raise it too if SQLite finds damage later.
    CacheUnavailableError
        If the file cannot be opened, read or written. The methods raise it too.

    Examples
    --------
    >>> import tempfile
    >>> from hashfeatures.hashing._cache import HashCache
    >>> from hashfeatures.hashing._record import ImageRecord
    >>> from hashfeatures.hashing._source_keys import key_of
    >>> key = key_of(b"content")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with HashCache(f"{folder}/hashes.sqlite", "orient=True") as cache:
    ...         cache.put_many([(key, ImageRecord({"phash": b"01234567"}))])
    ...     with HashCache(f"{folder}/hashes.sqlite", "orient=True") as cache:
    ...         cache.get_many([key, None])
    [ImageRecord(hashes={'phash': b'01234567'}, detail=0, ...), None]
    """

    def __init__(self, path: str | os.PathLike[str], settings: str) -> None:
        self._path = os.path.abspath(path)
        self._settings = _encode(settings)
        self._pending: dict[str, _Entry] = {}
        self._written = monotonic()
        self.is_read_only = False
        with self._named_errors():
            is_new = self._is_new()
            if not is_new:
                self._check()
            try:
                self._open("rwc")
                return
            except (sqlite3.Error, OSError):
                if is_new:
                    raise
            self._open_to_read()

    def __enter__(self) -> HashCache:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def get_many(self, keys: Sequence[SourceKey | None]) -> list[ImageRecord | None]:
        """Look up many images.

        Parameters
        ----------
        keys : sequence of SourceKey or None
            As `key_of` returns them.

        Returns
        -------
        list of ImageRecord or None
            The record of each image with all its hashes. None if there is none, or if the file has
            changed since.
        """
        known = self._read({key.name for key in keys if key})
        records: list[ImageRecord | None] = []
        for key in keys:
            entry = known.get(key.name) if key else None
            if key and key.name in self._pending:
                entry = _combine(entry, self._pending[key.name])
            records.append(entry[1] if entry and entry[0] == key else None)
        return records

    def put_many(self, entries: Iterable[tuple[SourceKey, ImageRecord]]) -> None:
        """Store the records of many images, now or soon.

        Parameters
        ----------
        entries : iterable of (SourceKey, ImageRecord)
            Hashes are added to those of the same unchanged file. An error does not replace the
            record of such a file. The record of a changed file is replaced.
        """
        for key, record in entries:
            waiting = self._pending.get(key.name)
            if waiting and waiting[0] != key:
                self.flush()  # in order, so that the new entry replaces the old one
                waiting = None
            self._pending[key.name] = _combine(waiting, (key, record))
            if len(self._pending) >= _WAITING or monotonic() - self._written >= _INTERVAL:
                self.flush()

    def flush(self) -> None:
        """Write the waiting entries."""
        if self.is_read_only:
            self._pending.clear()
        if not self._pending:
            return
        with self._named_errors(), self._connection:
            self._connection.execute("BEGIN IMMEDIATE")  # no other process writes from here on
            self._connection.execute(
                "INSERT OR IGNORE INTO settings (text) VALUES (?)", [self._settings]
            )
            known = self._read(self._pending)
            entries = [_combine(known.get(name), entry) for name, entry in self._pending.items()]
            self._connection.executemany(
                _INSERT, [(self._settings, *_row_of(*entry)) for entry in entries]
            )
        self._pending.clear()
        self._written = monotonic()

    def forget(self) -> None:
        """Close the file without writing the waiting entries."""
        self._pending.clear()
        with suppress(sqlite3.Error):
            self._connection.close()

    def close(self) -> None:
        """Write the waiting entries and close the file."""
        try:
            self.flush()
        finally:
            self._connection.close()

    def _is_new(self) -> bool:
        if os.path.isfile(self._path):
            return os.path.getsize(self._path) == 0
        if os.path.exists(self._path):
            raise self._refusal("is not a file", "choose another path")
        if not os.path.isdir(os.path.dirname(self._path)):
            raise self._refusal("is in a folder that does not exist", "create it")
        return True

    def _check(self) -> None:
        """Raise if the file is damaged or is not a cache of this package.

        The connection is read-only. Closing a writable one would move the write-ahead log of a
        killed process into the file, which must not change.
        """
        try:
            with closing(self._reader()) as connection:
                if _ask(connection, "PRAGMA application_id") != _APPLICATION_ID:
                    raise self._refusal("is an SQLite database of something else")
                version = _ask(connection, "PRAGMA user_version")
                if version > _VERSION:
                    raise self._refusal(
                        f"is of format version {version}, and this release of hashfeatures knows "
                        f"version {_VERSION}"
                    )
                size = os.path.getsize(self._path)
                if size % _ask(connection, "PRAGMA page_size") and not self._has_log():
                    raise self._refusal("is damaged (it was cut short)")
                # A large file is not checked each time. Damage is reported when it is met.
                found = _ask(connection, "PRAGMA quick_check(1)") if size <= _CHECKED else "ok"
                if found != "ok":
                    raise self._refusal(f"is damaged ({' '.join(found.split())})")
        except sqlite3.OperationalError as error:
            # A process was killed while it changed the file. A writable connection rolls that
            # back, which is allowed if the file is a cache of this package.
            if error.sqlite_errorcode != _ROLLBACK:
                raise
            with open(self._path, "rb") as file:
                if file.read(72)[68:] != _APPLICATION_ID.to_bytes(4, "big"):
                    raise

    def _has_log(self) -> bool:
        """Return whether a process writes to the file, or was killed while it did."""
        logs = (f"{self._path}-wal", f"{self._path}-journal")
        return any(os.path.exists(log) and os.path.getsize(log) for log in logs)

    def _open(self, mode: str) -> None:
        if os.path.exists(self._path) and not os.access(self._path, os.W_OK):
            # SQLite itself would raise only at the first entry.
            raise PermissionError("it cannot be written")
        self._connection = self._connect(mode)
        try:
            self._prepare()
        except BaseException:
            self._connection.close()
            raise

    def _open_to_read(self) -> None:
        """Open a file that cannot be written."""
        self._connection = self._reader()
        self.is_read_only = True
        if _ask(self._connection, "PRAGMA user_version") != _VERSION:
            self._connection.close()
            raise PermissionError("it is of an older release and cannot be written")

    def _reader(self) -> sqlite3.Connection:
        """Connect without writing, not even files beside the cache in a read-only folder."""
        connection = self._connect("ro")
        try:
            _ask(connection, "SELECT count(*) FROM sqlite_master")
        except sqlite3.OperationalError as error:
            code = error.sqlite_errorcode
            connection.close()
            if code & 0xFF not in _UNWRITABLE or code == _ROLLBACK or self._has_log():
                raise
            return self._connect("ro&immutable=1")
        except BaseException:
            connection.close()
            raise
        return connection

    def _connect(self, mode: str) -> sqlite3.Connection:
        uri = f"{_uri_of(Path(self._path))}?mode={mode}"
        return sqlite3.connect(uri, uri=True, timeout=_TIMEOUT, isolation_level=None)

    def _prepare(self) -> None:
        with self._connection:
            self._connection.execute("BEGIN IMMEDIATE")  # only one process creates the tables
            if _ask(self._connection, "PRAGMA user_version") in range(1, _VERSION):
                for table in ("images", "settings"):
                    self._connection.execute(f"DROP TABLE IF EXISTS {table}")
            if not _ask(self._connection, "SELECT count(*) FROM sqlite_master"):
                for statement in _CREATE:
                    self._connection.execute(statement)
        deadline = monotonic() + _TIMEOUT
        while True:
            try:
                self._connection.execute("PRAGMA journal_mode = WAL")
                break
            except sqlite3.OperationalError as error:  # SQLite does not wait here itself
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or monotonic() > deadline:
                    raise
                sleep(0.01)
        self._connection.execute("PRAGMA synchronous = NORMAL")

    def _read(self, names: Iterable[str]) -> dict[str, _Entry]:
        by_blob = {_encode(name): name for name in names}
        blobs = list(by_blob)
        entries = {}
        with self._named_errors():
            for start in range(0, len(blobs), _LOOK_UP):
                part = blobs[start : start + _LOOK_UP]
                query = f"{_SELECT}({','.join('?' * len(part))})"
                for row in self._connection.execute(query, [self._settings, *part]).fetchall():
                    name = by_blob[row[0]]
                    try:
                        entries[name] = _entry_of(name, row[1:])
                    except (ValueError, TypeError, AttributeError) as error:
                        raise self._refusal(
                            f"is damaged in the entry of {shorten(name)!r}"
                        ) from error
        return entries

    @contextmanager
    def _named_errors(self) -> Iterator[None]:
        """Convert errors of SQLite and of the system to `CacheError`."""
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the higher bits are its subtypes
            if code == sqlite3.SQLITE_NOTADB:
                refusal = self._refusal("is not an SQLite database")
            elif code == sqlite3.SQLITE_CORRUPT:
                refusal = self._refusal(f"is damaged ({describe_error(error)})")
            else:
                refusal = CacheUnavailableError(
                    f"The cache {self._path!r} cannot be used ({describe_error(error)}): remove "
                    f"the cause or choose another path."
                )
            raise refusal from error

    def _refusal(self, found: str, advice: str = "delete it or choose another path") -> CacheError:
        return CacheError(f"The cache {self._path!r} {found}: {advice}.")


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _uri_of(path: PurePath) -> str:
    """Return the URI of a file for SQLite, which takes no host: that of Windows is in the path."""
    uri = path.as_uri()
    return uri if uri.startswith("file:///") else uri.replace("file:", "file://", 1)


def _ask(connection: sqlite3.Connection, query: str) -> Any:
    return connection.execute(query).fetchone()[0]


def _combine(old: _Entry | None, new: _Entry) -> _Entry:
    """Return the entry of a file after adding `new`."""
    key, record = new
    if old is None or old[0] != key:
        return new
    known = old[1]
    if record.error is not None and known.error is None:
        return old
    return key, replace(
        record, hashes=known.hashes | record.hashes, digest=record.digest or known.digest
    )


def _row_of(key: SourceKey, record: ImageRecord) -> tuple[Any, ...]:
    error = None if record.error is None else _encode(record.error)
    layout = json.dumps({name: len(bits) for name, bits in record.hashes.items()})
    facts = (record.detail, record.width, record.height, record.format, record.digest, error)
    hashes = b"".join(record.hashes.values())
    state = f"{key.ctime_ns} {key.inode}"  # as text, as SQLite has 63 bits for a number
    return _encode(key.name), key.size, key.mtime_ns, state, *facts, layout, hashes


def _entry_of(name: str, row: Sequence[Any]) -> _Entry:
    size, mtime_ns, state, detail, width, height, format_, digest, error, layout, hashes = row
    ctime_ns, inode = map(int, state.split())
    spans, n_bytes = _parse_layout(layout)
    if len(hashes) != n_bytes:
        raise ValueError(f"expected {n_bytes} bytes of hashes, got {len(hashes)}")
    bits = {hash_name: hashes[start:end] for hash_name, start, end in spans}
    cause = None if error is None else error.decode("utf-8", "surrogatepass")
    record = ImageRecord(bits, detail, width, height, format_, digest, cause)
    return SourceKey(name, size, mtime_ns, ctime_ns, inode), record


@lru_cache
def _parse_layout(layout: str) -> tuple[list[tuple[str, int, int]], int]:
    """Return the span of bytes of each hash, and the total number of bytes."""
    lengths = json.loads(layout)
    ends = list(accumulate(lengths.values(), initial=0))
    spans = [(name, *span) for name, span in zip(lengths, pairwise(ends), strict=True)]
    return spans, ends[-1]
