"""Names of images as a folder, a file name and the numbers in it."""

from __future__ import annotations

import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from PIL import Image

from ...images._sources import is_url, name_source

# More digits than fit into an int64 are part of the text.
_NUMBER = re.compile(r"(?<![0-9])([0-9]{1,18})(?![0-9])")


# What folders of the parts of a split are called, also within a name such as "Final_Training".
_PART = re.compile(
    r"(?<![a-z])(train(ing)?|test(ing)?|val(id(ation)?)?|dev|eval)(?![a-z])", re.IGNORECASE
)
# Folders of parts are joined if at most this share of file names occurs in several of them.
_MOST_EQUAL = 0.1


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


def join_part_folders(paths: Sequence[SplitPath]) -> list[str]:
    """Return the folder of each image, the same for folders that hold parts of one data set.

    The frames of one recording may be in ``train/cat`` and ``test/cat``. Such folders are joined
    unless they have file names in common, as folders do that count on their own.

    Parameters
    ----------
    paths : sequence of SplitPath
        The images.

    Returns
    -------
    list of str
        The folders, with "*" in place of the name of a part.

    Examples
    --------
    >>> from hashfeatures.model_selection.sequences._paths import join_part_folders, split_path
    >>> join_part_folders([split_path(name) for name in ["train/a/1.png", "test/a/2.png"]])
    ['*/a', '*/a']
    >>> join_part_folders([split_path(name) for name in ["train/a/1.png", "test/a/1.png"]])
    ['train/a', 'test/a']
    """
    folders = {path.folder for path in paths}
    joined = {folder: _PART.sub("*", folder) for folder in folders}
    n_folders = Counter(joined.values())
    stems: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for path in paths:
        if n_folders[joined[path.folder]] > 1:
            stems[joined[path.folder]][path.folder].add(path.stem)
    for folder, by_part in stems.items():
        shared = Counter(stem for part in by_part.values() for stem in part)
        n_equal = sum(number > 1 for number in shared.values())
        if n_equal > _MOST_EQUAL * min(map(len, by_part.values())):
            n_folders[folder] = 1
    return [
        joined[path.folder] if n_folders[joined[path.folder]] > 1 else path.folder
        for path in paths
    ]


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
