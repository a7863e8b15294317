"""Files that are written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO


@contextlib.contextmanager
def open_whole(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open a file under a temporary name beside its place, and rename it once it is written.

    Whatever fails on the way, a full disk say, the file that was there before stays as it was, and
    no half of a new one is left. What is no regular file, as a pipe or a device, is written to;
    of a link, the file that it points to is replaced.

    Parameters
    ----------
    path : path
        The file; one that exists is replaced.

    Yields
    ------
    binary file
        To be read and written; it is closed at the end.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    place = Path(path)
    if place.exists() and not place.is_file():
        with open(place, "wb") as file:
            yield file
        return
    place = Path(os.path.realpath(place))
    # A name may have 255 bytes, and the one of the file may have them all.
    temporary = place.parent / f".{place.name[:40]}.{secrets.token_hex(4)}.tmp"
    try:
        with open(temporary, "xb+") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, place)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def write_whole(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a file in one go; see `open_whole`.

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
    with open_whole(path) as file:
        file.write(content)


def write_together(contents: Mapping[str, bytes]) -> None:
    """Write files that belong together: none is replaced before all of them are on the disk.

    Parameters
    ----------
    contents : dict of str to bytes
        What each file is to hold.

    Raises
    ------
    OSError
        If one cannot be written.
    """
    with contextlib.ExitStack() as stack:
        for path, content in contents.items():
            file = stack.enter_context(open_whole(path))
            file.write(content)
            file.flush()
            if os.path.isfile(file.name):
                os.fsync(file.fileno())
