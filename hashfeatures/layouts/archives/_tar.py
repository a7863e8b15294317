"""The members of tar files as references, and tar files of such members."""

from __future__ import annotations

import lzma
import os
import tarfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from ..._utils.descriptions import shorten
from ..._utils.path_text import show_path
from ...exceptions import LayoutError
from ...images._archives import CompressedSlice, find_opener
from ...images._errors import describe_error
from ...images._references import FileSlice, FileState
from .._plan import safe_name

_KINDS = {
    tarfile.SYMTYPE: "a symbolic link",
    tarfile.LNKTYPE: "a hard link",
    tarfile.CHRTYPE: "a device",
    tarfile.BLKTYPE: "a device",
    tarfile.FIFOTYPE: "a named pipe",
}
_BLOCK = tarfile.BLOCKSIZE


@dataclass(frozen=True, slots=True)
class TarMember(FileSlice):
    """A file in a tar file.

    Parameters
    ----------
    start : int
        Where its headers begin.
    """

    start: int


@dataclass(frozen=True, slots=True)
class CompressedTarMember(CompressedSlice):
    """A file in a compressed tar file.

    Parameters
    ----------
    start : int
        Where its headers begin in the unpacked content.
    """

    start: int


AnyTarMember = TarMember | CompressedTarMember


class ListedMember(NamedTuple):
    """A file in a tar file.

    Parameters
    ----------
    name : str
        Its name, which does not leave its folder.
    file : TarMember or CompressedTarMember
        The file.
    head : bytes
        Its first bytes, as many as were wanted.
    """

    name: str
    file: AnyTarMember
    head: bytes


def list_members(path: str, head_size: Callable[[str], int]) -> Iterator[ListedMember]:
    """Yield the regular files in a tar file. Folders are left out.

    Parameters
    ----------
    path : str
        The tar file, which may be compressed.
    head_size : callable
        Returns how many bytes of a file to read, from its name.

    Raises
    ------
    LayoutError
        If the file is not a tar file or is truncated, or if a member leaves its folder or is
        neither a regular file nor a folder.
    """
    where = show_path(path)
    last = "its beginning"
    try:
        is_plain = find_opener(path) is None
        kind = TarMember if is_plain else CompressedTarMember
        # Newer releases of Python open more kinds of compressed files than `find_opener` knows.
        with tarfile.open(path, "r:" if is_plain else "r:*") as tar:
            state = FileState.of(os.stat(path))
            for info in tar:
                tar.members = []  # type: ignore[attr-defined]  # the headers of all would stay in memory
                last = shorten(show_path(info.name))
                if info.isdir():
                    continue
                if not info.isreg() or info.issparse():
                    what = "a sparse file" if info.issparse() else _KINDS.get(info.type, "no file")
                    raise LayoutError(
                        f"{where}, member {last}: it is {what}. Pack the files themselves, as by "
                        f"tar --dereference --hard-dereference without --sparse."
                    )
                name = safe_name(info.name, f"{where}, member {last}")
                file = kind(
                    path, info.offset_data, info.size, f"{path}/{name}", state, info.offset
                )
                wanted, head = head_size(name), b""
                if wanted and tar.fileobj is not None:
                    tar.fileobj.seek(info.offset_data)
                    head = tar.fileobj.read(min(wanted, info.size))
                yield ListedMember(name, file, head)
            _check_end(tar, where, last)
    except (tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, OSError, ValueError) as error:
        if isinstance(error, LayoutError | FileNotFoundError | PermissionError):
            raise
        raise LayoutError(
            f"{where} cannot be read as a tar file behind {last}: {describe_error(error)}. Copy "
            f"or pack it again."
        ) from error


def _check_end(tar: tarfile.TarFile, where: str, last: str) -> None:
    """Raise unless a tar file ends behind its last member: `tarfile` stops at any damage."""
    assert tar.fileobj is not None
    tar.fileobj.seek(tar.offset)
    rest = tar.fileobj.read(_BLOCK)
    if rest and (len(rest) < _BLOCK or rest.strip(b"\0")):
        raise LayoutError(
            f"{where} is damaged or truncated behind the member {last}. Copy or pack it again."
        )
    while rest := tar.fileobj.read(1 << 20):
        if rest.strip(b"\0"):
            raise LayoutError(
                f"{where} goes on behind its end mark, which follows the member {last}. If it is "
                f"several tar files in one, write them as several files."
            )


def write_members(members: Iterable[AnyTarMember], path: Path) -> None:
    """Write a tar file of members of others, with their headers and contents as they are.

    Parameters
    ----------
    members : iterable of TarMember or CompressedTarMember
        The members, in order.
    path : Path
        The tar file, which is not compressed.
    """
    with tarfile.open(path, "w") as tar:
        assert tar.fileobj is not None
        for member in members:
            end = member.offset + -(-member.size // _BLOCK) * _BLOCK
            entry = replace(member, offset=member.start, size=end - member.start).resolve()
            tar.fileobj.write(entry)
            tar.offset += len(entry)
