"""Write files completely or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO


@contextlib.contextmanager
def open_whole(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open a temporary file beside a file, and rename it to the file once it is written.

    If anything fails, such as on a full disk, an existing file stays as it was and no partial file
    is left. Pipes and devices are written to directly. If the path is a link, the file that it
    points to is replaced.

    Parameters
    ----------
    path : path-like
        The file.

    Yields
    ------
    binary file
        The file, open for reading and writing; it is closed at the end.

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
    # The name is cut, as file names have at most 255 bytes.
    temporary = place.parent / f".{place.name[:40]}.{secrets.token_hex(4)}.tmp"
    try:
        with open(temporary, "xb+") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        _rename(temporary, place)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def _rename(temporary: Path, place: Path) -> None:
    try:
        os.replace(temporary, place)
    except PermissionError as error:
        text = "cannot be replaced. Close it if another program has it open"
        raise PermissionError(error.errno, text, str(place)) from error


def write_whole(path: str | os.PathLike[str], content: bytes) -> None:
    """Write the content of a file completely or not at all; see `open_whole`.

    Parameters
    ----------
    path : path-like
        The file.
    content : bytes
        Its content.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    with open_whole(path) as file:
        file.write(content)


def write_together(contents: Mapping[str, bytes]) -> None:
    """Write files together: none is replaced before all of them are on disk.

    Parameters
    ----------
    contents : dict of str to bytes
        The content of each file.

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
