"""Images inside larger files and data sets, as sources that are read when they are needed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar


class ImageReference(ABC):
    """An image inside a larger file or data set.

    A reference is small and hashable, so that a collection of many images fits into memory.

    Attributes
    ----------
    name : str
        The name of the image, unique among those of its collection, such as
        ``"shards/000.tar/00012.jpg"``.
    reads_in_worker : bool
        Whether a worker process can read the image. Otherwise the process that started the run
        reads it, and sends it.
    """

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
