"""Files that are written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path


def write_whole(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a file under a temporary name beside its place, and rename it.

    Whatever fails on the way, a full disk say, the file that was there before stays as it was, and
    no half of a new one is left. What is no regular file, as a pipe or a device, is written to;
    of a link, the file that it points to is replaced.

    Parameters
    ----------
    path : path
        The file; one that exists is replaced.
    content : bytes
        What it is to hold.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    place = Path(path)
    if place.exists() and not place.is_file():
        place.write_bytes(content)
        return
    place = Path(os.path.realpath(place))
    handle, temporary = tempfile.mkstemp(dir=place.parent, prefix=f".{place.name[:40]}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)
        os.replace(temporary, place)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
