"""Names of images as a folder, a file name and the numbers in it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from PIL import Image

from ...images._sources import is_url, name_source

# More digits than fit into an int64 are part of the text.
_NUMBER = re.compile(r"(?<![0-9])([0-9]{1,18})(?![0-9])")


class SplitPath(NamedTuple):
    """The name of an image.

    Parameters
    ----------
    folder : str
        All of the path before the file name, with forward slashes, without the last one.
    file : str
        The file name with its suffix.
    """

    folder: str
    file: str

    @property
    def stem(self) -> str:
        """The file name without its suffix."""
        return os.path.splitext(self.file)[0]


def split_path(name: str) -> SplitPath:
    r"""Split the path or URL of an image into a folder and a file name.

    Examples
    --------
    >>> from hashfeatures.model_selection.sequences._paths import split_path
    >>> split_path("clips\\a\\7.png")
    SplitPath(folder='clips/a', file='7.png')
    >>> split_path("https://example.org/a/7.png?size=2")
    SplitPath(folder='https://example.org/a', file='7.png')
    >>> split_path("zip://a/7.png::clips.zip")
    SplitPath(folder='clips.zip/zip://a', file='7.png')
    """
    archive = ""
    if is_url(name):
        name, _, archive = name.partition("::")
        name = re.split(r"[?#]", name, maxsplit=1)[0]
    folder, _, file = name.replace("\\", "/").rpartition("/")
    return SplitPath(f"{archive}/{folder}" if archive else folder, file)


def list_names(sources: Iterable[Any]) -> list[str | None]:
    """Return the name of each image: its path or URL, or that of an open file; None without one.

    Examples
    --------
    >>> import numpy as np
    >>> from hashfeatures.model_selection.sequences._paths import list_names
    >>> list_names(["a.png", np.zeros((3, 4)), {"bytes": b"", "path": "b.png"}])
    ['a.png', None, 'b.png']
    """
    return [_name_of(source) for source in sources]


def _name_of(source: Any) -> str | None:
    name = name_source(source)
    if name is None and isinstance(source, Image.Image):
        name = getattr(source, "filename", None)
    elif name is None and hasattr(source, "read"):
        name = getattr(source, "name", None)
    return os.fsdecode(name) if name and isinstance(name, str | bytes | os.PathLike) else None


def split_numbers(stem: str) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Split a text into the texts around its numbers, and the numbers.

    Examples
    --------
    >>> from hashfeatures.model_selection.sequences._paths import split_numbers
    >>> split_numbers("clip3-frame-0041")
    (('clip', '-frame-', ''), (3, 41))
    """
    pieces = _NUMBER.split(stem)
    return tuple(pieces[::2]), tuple(map(int, pieces[1::2]))


def natural_key(text: str) -> tuple[tuple[str, int], ...]:
    """Return a key that sorts numbers within a text by their values.

    Examples
    --------
    >>> from hashfeatures.model_selection.sequences._paths import natural_key
    >>> sorted(["a10", "a9", "a"], key=natural_key)
    ['a', 'a9', 'a10']
    """
    texts, numbers = split_numbers(text)
    return tuple(zip(texts, (*numbers, -1), strict=True))
