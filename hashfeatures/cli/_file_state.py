"""The state of a file, by which a later change of the file is noticed."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

_BILLION = 10**9

# The columns of a file of hashes, named as in `stat`. Times are dates with nine digits of the
# second, because other programs round numbers with so many digits.
COLUMNS = ("bytes", "mtime", "ctime")


@dataclass(frozen=True)
class FileState:
    """The state of a regular file, after following links; None where it is unknown.

    Parameters
    ----------
    size : int
        The size in bytes.
    mtime_ns, ctime_ns : int
        The times of the last change of the content and of the inode, in nanoseconds.
    device, inode : int
        The identity of the file in the system.
    mode : int
        The permissions.
    is_link : bool
        Whether the path itself is a symbolic link.
    """

    size: int
    mtime_ns: int
    ctime_ns: int | None = None
    device: int | None = None
    inode: int | None = None
    mode: int | None = None
    is_link: bool | None = None

    @property
    def file(self) -> tuple[int | None, int | None]:
        """The identity of the file, which hard links share."""
        return self.device, self.inode

    def is_same(self, other: FileState, ctime: bool = True) -> bool:
        """Return whether two states agree in everything that is known of both."""
        names = ["size", "mtime_ns", "device", "inode", "is_link"] + ["ctime_ns"] * ctime
        known = [(getattr(self, name), getattr(other, name)) for name in names]
        return all(one == two for one, two in known if one is not None and two is not None)


def look(path: str) -> FileState | None:
    """Return the current state of a regular file, or None if there is none."""
    try:
        status = os.stat(path)
        is_link = os.path.islink(path)
    except (OSError, ValueError):
        return None
    if not stat.S_ISREG(status.st_mode):
        return None
    return FileState(
        status.st_size,
        status.st_mtime_ns,
        status.st_ctime_ns,
        status.st_dev,
        status.st_ino,
        stat.S_IMODE(status.st_mode),
        is_link,
    )


def find_place(path: str) -> str:
    """Return the absolute path of a file or link, with the links among its folders followed.

    `os.path.abspath` works on the text alone, and takes "link/../file" for another file.
    """
    folder, name = os.path.split(path)
    return os.path.join(os.path.realpath(folder), name)


def is_same_file(path: str, other: str) -> bool:
    """Return whether two paths lead to one file."""
    try:
        return os.path.samefile(path, other)
    except OSError:  # one of them is gone, which is reported elsewhere
        return False


def look_at_all(sources: Iterable[object]) -> list[FileState | None]:
    """Return the current state of each source; None for what is not a file, or a missing one."""
    from ..images._sources import local_path

    paths = map(local_path, sources)
    return [None if path is None else look(path) for path in paths]


def to_columns(states: Sequence[FileState | None]) -> dict[str, Any]:
    """Return the columns by which a file of hashes records the states of the hashed files."""
    import pandas as pd

    size, mtime, ctime = COLUMNS
    return {
        size: pd.array([None if state is None else state.size for state in states], dtype="Int64"),
        mtime: [None if state is None else _to_text(state.mtime_ns) for state in states],
        ctime: [None if state is None else _to_text(state.ctime_ns) for state in states],
    }


def from_columns(table: Any) -> list[FileState | None]:
    """Return the states that a file of hashes records; None where it records none."""
    if not set(COLUMNS) <= set(table.columns):
        return [None] * len(table)
    rows = zip(*(table[name] for name in COLUMNS), strict=True)
    return [_read_state(*row) for row in rows]


def _to_text(nanoseconds: int | None) -> str | None:
    if nanoseconds is None:
        return None
    seconds, rest = divmod(nanoseconds, _BILLION)
    try:
        moment = datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):  # outside the range of dates
        return None
    return f"{moment.replace(tzinfo=None).isoformat()}.{rest:09d}Z"


def _read_state(size: Any, mtime: Any, ctime: Any) -> FileState | None:
    try:
        return FileState(int(size), _nanoseconds(mtime), _nanoseconds(ctime))
    except (TypeError, ValueError):  # an empty cell, or one that another program wrote
        return None


def _nanoseconds(time: Any) -> int:
    seconds, _, rest = str(time).partition(".")
    if len(rest) != 10 or rest[-1] != "Z":
        raise ValueError(time)
    moment = datetime.fromisoformat(seconds).replace(tzinfo=UTC)
    since = (moment - datetime.fromtimestamp(0, UTC)) // timedelta(seconds=1)
    return since * _BILLION + int(rest[:-1])
