"""Open regular files only, as a named pipe, a device or a socket may block or never end."""

from __future__ import annotations

import io
import os
import stat
from typing import BinaryIO

_KINDS = (
    (stat.S_ISDIR, "a directory"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a character device"),
    (stat.S_ISBLK, "a block device"),
)


def name_kind(status: os.stat_result) -> str | None:
    """Return the kind of a file that is not regular, such as "a directory"; None otherwise."""
    if stat.S_ISREG(status.st_mode):
        return None
    return next((kind for is_kind, kind in _KINDS if is_kind(status.st_mode)), "a special file")


def open_regular(path: str | bytes | os.PathLike[str]) -> BinaryIO:
    """Open a regular file for reading.

    Parameters
    ----------
    path : path-like
        The file, or a link to it. A file of size zero is not opened, as some files in ``/proc``
        and ``/sys`` would block.

    Returns
    -------
    binary file
        The content.

    Raises
    ------
    OSError
        If the file does not exist, cannot be opened, or is not a regular file.

    Examples
    --------
    >>> from hashfeatures._utils.regular_files import open_regular
    >>> open_regular(".")
    Traceback (most recent call last):
        ...
    OSError: '.' is a directory, not a regular file
    """
    status = os.stat(path)
    _check(status, path)
    return open(path, "rb", opener=_open_without_waiting) if status.st_size else io.BytesIO()


def _check(status: os.stat_result, path: str | bytes | os.PathLike[str]) -> None:
    kind = name_kind(status)
    if kind is not None:
        raise OSError(f"{os.fsdecode(path)!r} is {kind}, not a regular file")


def _open_without_waiting(path: str, flags: int) -> int:
    """Open a file without blocking, as it may have become a named pipe since it was checked."""
    descriptor = os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
    try:
        _check(os.fstat(descriptor), path)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor
