"""Images inside larger files and data sets, as sources that are read when they are needed."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from ..exceptions import ImageReadError


class ImageReference(ABC):
    """An image inside a larger file or data set.

    A reference is small and hashable, so that a collection of many images fits into memory.
    References to the same image are equal. A reference can be pickled if `reads_in_worker`.

    Attributes
    ----------
    name : str
        The name of the image, unique among those of its collection, such as
        ``"shards/000.tar/00012.jpg"``.
    reads_in_worker : bool
        Whether a worker process can read the image. Otherwise the process that started the run
        reads it, and sends it.
    """

    __slots__ = ()

    reads_in_worker: ClassVar[bool] = True
    name: str

    @abstractmethod
    def resolve(self) -> Any:
        """Return the image: bytes, a path, a PIL image or a uint8 array.

        Raises
        ------
        ImageReadError, OSError or ValueError
            If it cannot be read.
        """

    @abstractmethod
    def identify(self) -> tuple[Any, ...] | None:
        """Return facts that change whenever the image may have changed, or None if unknown.

        Such facts are the path, size, times and inode of the file, and the place in it.
        """

    def count_bytes(self) -> int | None:
        """Return the size of the encoded image in bytes, or None if it is not known."""
        return None

    def __str__(self) -> str:
        return self.name


def resolve(source: Any) -> Any:
    """Return what a reference refers to, or any other source as it is."""
    return source.resolve() if isinstance(source, ImageReference) else source


class FileState(NamedTuple):
    """What changes when a file is written again.

    Parameters
    ----------
    size, mtime_ns : int
        The size in bytes and the time of the last change of the content.
    """

    size: int
    mtime_ns: int

    @classmethod
    def of(cls, status: os.stat_result) -> FileState:
        """Return the state of a file from its status."""
        return cls(status.st_size, status.st_mtime_ns)

    def check(self, status: os.stat_result, name: str, path: str) -> None:
        """Raise `ImageReadError` for an image unless the file is still in this state."""
        if self != FileState.of(status):
            raise ImageReadError(
                name,
                f"{os.path.basename(path)} has changed since its images were listed. Read the "
                f"collection again",
                lasting=False,
            )


def check_complete(content: bytes, size: int, name: str, path: str) -> bytes:
    """Return the bytes of an image, or raise `ImageReadError` if the file ends before them."""
    if len(content) < size:
        raise ImageReadError(name, f"{os.path.basename(path)} is truncated", lasting=False)
    return content


def identify_file(path: str) -> tuple[Any, ...] | None:
    """Return facts that change whenever a file may have changed; None if it is missing."""
    try:
        now = os.stat(path)
    except (OSError, ValueError):
        return None
    place = os.path.abspath(path)
    return place, now.st_size, now.st_mtime_ns, now.st_ctime_ns, now.st_ino, now.st_dev


@dataclass(frozen=True, slots=True)
class FileSlice(ImageReference):
    r"""An encoded image that is a run of bytes in a file, such as a member of a tar file.

    Parameters
    ----------
    path : str
        The file.
    offset, size : int
        Where the image begins, and its number of bytes.
    name : str
        The name of the image.
    state : FileState
        The state of the file when it was listed.

    Examples
    --------
    >>> import os
    >>> from tempfile import TemporaryDirectory
    >>> from hashfeatures.images._references import FileSlice, FileState
    >>> with TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "two.bin")
    ...     with open(path, "wb") as file:
    ...         _ = file.write(b"GIF89a\x89PNG")
    ...     FileSlice(path, 6, 4, "two.bin/1.png", FileState.of(os.stat(path))).resolve()
    b'\x89PNG'
    """

    path: str
    offset: int
    size: int
    name: str
    state: FileState

    def resolve(self) -> bytes:
        """Return the bytes, or raise `ImageReadError` if the file has changed."""
        with open(self.path, "rb", buffering=0) as file:
            self.state.check(os.fstat(file.fileno()), self.name, self.path)
            file.seek(self.offset)
            content = file.read(self.size)
            while 0 < len(content) < self.size:
                more = file.read(self.size - len(content))
                if not more:
                    break
                content += more
        return check_complete(content, self.size, self.name, self.path)

    def identify(self) -> tuple[Any, ...] | None:
        """Return the state of the file now, and the place in it."""
        facts = identify_file(self.path)
        return None if facts is None else ("slice", *facts, self.offset, self.size)

    def count_bytes(self) -> int:
        """Return the number of bytes."""
        return self.size


@dataclass(frozen=True, slots=True)
class Resolved(ImageReference):
    """An image that was read for a worker, under its name.

    Parameters
    ----------
    name : str
        The name of the image.
    content : bytes, path or uint8 array
        What the reference to it refers to.
    """

    name: str
    content: Any

    def resolve(self) -> Any:
        """Return the content."""
        return self.content

    def identify(self) -> tuple[Any, ...] | None:
        """Return None: it lives no longer than a task."""
        return None
