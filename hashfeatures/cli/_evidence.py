"""What a file was when it was collected, to tell it from what stands in its place later."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

_BILLION = 10**9

# The columns of a file of hashes, named as `stat` names what is in them. Times are dates, with all
# nine digits: a number of so many would not survive other programs.
COLUMNS = ("bytes", "mtime", "ctime")


@dataclass(frozen=True)
class FileState:
    """What is known of a regular file, links followed; None is not known.

    Parameters
    ----------
    size : int
        In bytes.
    mtime_ns, ctime_ns : int
        When its content and its inode were changed, in nanoseconds.
    device, inode : int
        Which file of the system it is.
    mode : int
        Its permissions.
    is_link : bool
        Whether the name itself is that of a symbolic link.
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
        """Which file of the system it is, whatever it is called."""
        return self.device, self.inode

    def is_same(self, other: FileState, ctime: bool = True) -> bool:
        """Tell whether two states may be of one unchanged file, by all that is known of both."""
        names = ["size", "mtime_ns", "device", "inode", "is_link"] + ["ctime_ns"] * ctime
        known = [(getattr(self, name), getattr(other, name)) for name in names]
        return all(one == two for one, two in known if one is not None and two is not None)


def look(path: str) -> FileState | None:
    """Return the state of a file now; None if there is none, or if it is no regular file."""
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
    """Return the absolute path of a file, or of a link itself, the links on the way followed.

    By its text alone, as `os.path.abspath` does it, "link/../file" would be another file.
    """
    folder, name = os.path.split(path)
    return os.path.join(os.path.realpath(folder), name)


def look_at_all(sources: Iterable[str]) -> list[FileState | None]:
    """Return the state of each source now; None for what is no file here, a URL say."""
    from ..images._sources import is_url

    return [None if is_url(source) else look(source) for source in sources]


def to_columns(states: Sequence[FileState | None]) -> dict[str, Any]:
    """Return what a file of hashes remembers of the files that were hashed."""
    import pandas as pd

    size, mtime, ctime = COLUMNS
    return {
        size: pd.array([None if state is None else state.size for state in states], dtype="Int64"),
        mtime: [None if state is None else _spell(state.mtime_ns) for state in states],
        ctime: [None if state is None else _spell(state.ctime_ns) for state in states],
    }


def from_columns(table: Any) -> list[FileState | None]:
    """Return what a file of hashes remembers; None where it does not say."""
    if not set(COLUMNS) <= set(table.columns):
        return [None] * len(table)
    rows = zip(*(table[name] for name in COLUMNS), strict=True)
    return [_read(*row) for row in rows]


def _spell(nanoseconds: int | None) -> str | None:
    if nanoseconds is None:
        return None
    seconds, rest = divmod(nanoseconds, _BILLION)
    try:
        moment = datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):  # beyond the years that dates know
        return None
    return f"{moment.replace(tzinfo=None).isoformat()}.{rest:09d}Z"


def _read(size: Any, mtime: Any, ctime: Any) -> FileState | None:
    try:
        return FileState(int(size), _nanoseconds(mtime), _nanoseconds(ctime))
    except (TypeError, ValueError):  # a cell that is empty, or that another program wrote
        return None


def _nanoseconds(time: Any) -> int:
    seconds, _, rest = str(time).partition(".")
    if len(rest) != 10 or rest[-1] != "Z":
        raise ValueError(time)
    moment = datetime.fromisoformat(seconds).replace(tzinfo=UTC)
    since = (moment - datetime.fromtimestamp(0, UTC)) // timedelta(seconds=1)
    return since * _BILLION + int(rest[:-1])
