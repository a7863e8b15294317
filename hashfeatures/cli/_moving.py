"""Moving and linking files: whole or not at all, and nothing is overwritten."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import tempfile

from ._evidence import FileState, look

# What the file systems say that have no hard links, or not from one to another.
_NO_LINK = {errno.EXDEV, errno.EPERM, errno.ENOTSUP, errno.EMLINK, errno.EOPNOTSUPP}


def move(source: str, target: str) -> None:
    """Move a file, whole or not at all, and overwrite nothing.

    Raises
    ------
    OSError
        If it cannot be moved, or is replaced meanwhile; it is then where it was.
    """
    os.makedirs(os.path.dirname(target), exist_ok=True)
    before = look(source)
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _NO_LINK:
            raise
        _copy(source, target)
    try:
        now = look(source)
        if before is not None and (now is None or not before.is_same(now, ctime=False)):
            raise OSError(errno.EBUSY, "was changed while it was moved", source)
        os.unlink(source)
    except OSError:
        os.unlink(target)
        raise


def _copy(source: str, target: str) -> None:
    """Copy a file under a temporary name, and rename it where nothing is."""
    handle, temporary = tempfile.mkstemp(dir=os.path.dirname(target), prefix=".hashfeatures-")
    os.close(handle)
    try:
        shutil.copy2(source, temporary)
        with open(temporary, "rb") as file:
            os.fsync(file.fileno())
        try:
            os.link(temporary, target)
        except OSError as error:
            if error.errno not in _NO_LINK:
                raise
            if os.path.lexists(target):
                raise FileExistsError(errno.EEXIST, "exists already", target) from None
            os.rename(temporary, target)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)


def replace_by_link(path: str, kept: str) -> None:
    """Make a file one with another that holds the same bytes."""
    temporary = tempfile.mktemp(dir=os.path.dirname(path), prefix=".hashfeatures-")
    os.link(os.path.realpath(kept), temporary)  # of a link, some systems would link the link
    try:
        os.replace(temporary, path)
    except OSError:
        os.unlink(temporary)
        raise


def replace_by_copy(path: str, was: FileState | None = None) -> None:
    """Give a linked file its own bytes again, and the time and mode that it had."""
    handle, temporary = tempfile.mkstemp(dir=os.path.dirname(path), prefix=".hashfeatures-")
    os.close(handle)
    try:
        shutil.copy2(path, temporary)
        if was is not None:
            os.utime(temporary, ns=(os.stat(temporary).st_atime_ns, was.mtime_ns))
            if was.mode is not None:
                os.chmod(temporary, was.mode)
        os.replace(temporary, path)
    except OSError:
        os.unlink(temporary)
        raise
