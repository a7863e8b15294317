"""Images in archives that must be unpacked: members of zip files and of compressed tar files."""

from __future__ import annotations

import atexit
import bz2
import gzip
import lzma
import os
import shutil
import tempfile
import threading
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, BinaryIO, ClassVar, Generic, Protocol, TypeVar, cast

from .._utils.quantities import count
from ..exceptions import ImageReadError
from ._references import FileState, ImageReference, check_complete, identify_file

_MOST_OPEN = 8
_MOST_RETURNS = 3  # such as one for each pass over all images
_MOST_BYTES = 1 << 31  # that a member of a zip file may take once it is unpacked

_STREAMS = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ": lzma.open}
_LONGEST_MARK = max(map(len, _STREAMS))


class _Closable(Protocol):
    def close(self) -> object: ...


T = TypeVar("T", bound=_Closable)


class OpenFiles(Generic[T]):
    """The archives that this process has open: the last ones that it read from.

    Parameters
    ----------
    open_file : callable
        Returns an archive from its path.
    """

    def __init__(self, open_file: Callable[[str], T]) -> None:
        self._open_file = open_file
        self._files: OrderedDict[tuple[Any, ...], T] = OrderedDict()
        self.lock = threading.RLock()
        atexit.register(self.close)

    def get(self, path: str, state: FileState, name: str) -> T:
        """Return an open archive.

        Raises
        ------
        ImageReadError
            For the image of that name if the archive has changed since it was in that state.
        """
        state.check(os.stat(path), name, path)
        # A forked process would share the place in the file with its parent.
        key = (os.getpid(), path, state)
        with self.lock:
            if key not in self._files:
                self._files[key] = self._open_file(path)
            self._files.move_to_end(key)
            while len(self._files) > _MOST_OPEN:
                self._files.popitem(last=False)[1].close()
            return self._files[key]

    def close(self) -> None:
        """Close all archives."""
        with self.lock:
            while self._files:
                self._files.popitem()[1].close()


_zips = OpenFiles(zipfile.ZipFile)


@dataclass(frozen=True, slots=True)
class ZipMember(ImageReference):
    """An image in a zip file.

    Parameters
    ----------
    path : str
        The zip file.
    member : str
        The name of the image in it.
    size : int
        The number of bytes of the unpacked image.
    place : int
        Where the member begins in the zip file.
    name : str
        The name of the image.
    state : FileState
        The state of the zip file when it was listed.
    """

    path: str
    member: str
    size: int
    place: int
    name: str
    state: FileState

    def resolve(self) -> bytes:
        """Return the unpacked image."""
        if self.size > _MOST_BYTES:
            raise ImageReadError(
                self.name,
                f"it takes {count(self.size, 'byte')} once it is unpacked. The limit is "
                f"{_MOST_BYTES:,}",
            )
        with _zips.lock:
            return _zips.get(self.path, self.state, self.name).read(self.member)

    def identify(self) -> tuple[Any, ...] | None:
        """Return the state of the zip file now, and the place in it."""
        facts = identify_file(self.path)
        return None if facts is None else ("zip", *facts, self.place, self.size)

    def count_bytes(self) -> int:
        """Return the number of bytes of the unpacked image."""
        return self.size


def find_opener(path: str) -> Callable[[str], BinaryIO] | None:
    """Return what opens a compressed file as its content, or None if it is not compressed."""
    with open(path, "rb") as file:
        head = file.read(_LONGEST_MARK)
    return next(
        (
            cast("Callable[[str], BinaryIO]", opener)
            for mark, opener in _STREAMS.items()
            if head.startswith(mark)
        ),
        None,
    )


class _Content:
    """The content of a compressed file.

    A pass in order unpacks it once. If reads go back more than a few times, the content is
    unpacked to a temporary file, from which all later reads come.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._file = self._open()
        self._n_returns = 0
        self._is_seekable = False

    def _open(self) -> BinaryIO:
        opener = find_opener(self._path)
        return open(self._path, "rb") if opener is None else opener(self._path)

    def read(self, offset: int, size: int) -> bytes:
        """Return some of the bytes of the content."""
        if not self._is_seekable and offset < self._file.tell():
            self._n_returns += 1
            if self._n_returns > _MOST_RETURNS:
                self._unpack()
        self._file.seek(offset)
        return self._file.read(size)

    def _unpack(self) -> None:
        unpacked = cast(BinaryIO, tempfile.TemporaryFile())  # noqa: SIM115
        try:
            with self._open() as file:
                shutil.copyfileobj(file, unpacked, 1 << 20)
        except BaseException:
            unpacked.close()
            raise
        self._file.close()
        self._file, self._is_seekable = unpacked, True

    def close(self) -> None:
        """Close the file, and remove the temporary one."""
        self._file.close()


_contents = OpenFiles(_Content)


@dataclass(frozen=True, slots=True)
class CompressedSlice(ImageReference):
    """An encoded image that is a run of bytes in the content of a compressed file.

    The process that started a run unpacks the file, so that it is unpacked once.

    Parameters
    ----------
    path : str
        The compressed file.
    offset, size : int
        Where the image begins in the unpacked content, and its number of bytes.
    name : str
        The name of the image.
    state : FileState
        The state of the file when it was listed.
    """

    reads_in_worker: ClassVar[bool] = False

    path: str
    offset: int
    size: int
    name: str
    state: FileState

    def resolve(self) -> bytes:
        """Return the bytes, or raise `ImageReadError` if the file has changed."""
        with _contents.lock:
            content = _contents.get(self.path, self.state, self.name).read(self.offset, self.size)
        return check_complete(content, self.size, self.name, self.path)

    def identify(self) -> tuple[Any, ...] | None:
        """Return the state of the file now, and the place in its content."""
        facts = identify_file(self.path)
        return None if facts is None else ("compressed", *facts, self.offset, self.size)

    def count_bytes(self) -> int:
        """Return the number of bytes."""
        return self.size
