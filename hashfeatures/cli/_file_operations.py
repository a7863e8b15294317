"""Move and link files atomically, and without overwriting any."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import tempfile
from collections.abc import Iterator

from ._file_state import FileState, look

# The errors of file systems that have no hard links, or none to other file systems. Windows
# reports EINVAL.
_NO_LINK = {
    *(errno.EXDEV, errno.EPERM, errno.ENOTSUP, errno.EMLINK, errno.EOPNOTSUPP, errno.EINVAL)
}

_PREFIX = ".hashfeatures-"


def move(source: str, target: str) -> None:
    """Move a file atomically, without overwriting another.

    Raises
    ------
    OSError
        If the file cannot be moved, or changes meanwhile. It then stays where it was.
    """
    os.makedirs(os.path.dirname(target), exist_ok=True)
    before = look(source)
    try:
        _link(source, target)
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


def _link(source: str, target: str) -> None:
    """Give a file a second name; a symbolic link itself, where the system can follow links."""
    if os.link in os.supports_follow_symlinks:
        os.link(source, target, follow_symlinks=False)
    else:
        os.link(source, target)


def _copy(source: str, target: str) -> None:
    """Copy a file to a temporary name, then rename it if the target does not exist."""
    with _temporary_file(os.path.dirname(target)) as temporary:
        shutil.copyfile(source, temporary)
        with open(temporary, "rb+") as file:  # Windows syncs only files that are open for writing
            os.fsync(file.fileno())
        shutil.copystat(source, temporary)
        try:
            os.link(temporary, target)
        except OSError as error:
            if error.errno not in _NO_LINK:
                raise
            if os.path.lexists(target):
                raise FileExistsError(errno.EEXIST, "exists already", target) from None
            os.rename(temporary, target)


def replace_by_link(path: str, kept: str) -> None:
    """Replace a file by a hard link to another that holds the same bytes."""
    # In a new folder, no other program can take the name of the link first.
    with tempfile.TemporaryDirectory(dir=os.path.dirname(path), prefix=_PREFIX) as folder:
        link = os.path.join(folder, "link")
        os.link(os.path.realpath(kept), link)  # some systems would link a symbolic link itself
        os.replace(link, path)


def replace_by_copy(path: str, was: FileState | None = None) -> None:
    """Replace a hard link by a copy, with the time and mode that the file had before."""
    with _temporary_file(os.path.dirname(path)) as temporary:
        shutil.copy2(path, temporary)
        if was is not None:
            os.utime(temporary, ns=(os.stat(temporary).st_atime_ns, was.mtime_ns))
            if was.mode is not None:
                os.chmod(temporary, was.mode)
        os.replace(temporary, path)


@contextlib.contextmanager
def _temporary_file(folder: str) -> Iterator[str]:
    """Create an empty file under a new name, and remove it at the end if it is still there."""
    handle, temporary = tempfile.mkstemp(dir=folder, prefix=_PREFIX)
    os.close(handle)
    try:
        yield temporary
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
