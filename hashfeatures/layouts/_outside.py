"""What lies beside the images of a data set, and belongs to none of its parts."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator
from itertools import islice
from pathlib import Path

from .._utils.descriptions import shorten
from .._utils.path_text import show_path
from .._utils.quantities import count
from .._utils.relative_paths import relative_to
from ..images._files import has_image_suffix, is_foreign_image

# A root that is set wrongly may be a whole disk.
_MOST_SEARCHED = 1_000_000


def find_outside(
    tops: Iterable[str | Path], taken: Iterable[str], apart: Iterable[str | Path] = ()
) -> list[str]:
    """Return the image files below some folders that a data set does not name, by their suffix.

    Parameters
    ----------
    tops : iterable of path
        The folders. Links to folders and hidden folders are not followed.
    taken : iterable of str
        The paths of the images of the data set.
    apart : iterable of path
        Folders that are not searched, such as those of masks.
    """
    real = RealFolders()
    known = {real.locate(path) for path in taken}
    found = {}
    for path in list_files_below(tops, apart):
        if has_image_suffix(path) or is_foreign_image(path):
            place = real.locate(path)
            is_taken = place in known or (os.path.islink(path) and os.path.realpath(path) in known)
            if not is_taken:
                found[place] = path
    return list(found.values())


def list_files_below(
    tops: Iterable[str | Path], apart: Iterable[str | Path] = ()
) -> Iterator[str]:
    """Yield the files below some folders, at most a million."""
    skipped = {os.path.realpath(folder) for folder in apart}
    files = (path for top in tops for path in _walk(str(top), skipped))
    return islice(files, _MOST_SEARCHED)


def _walk(top: str, skipped: Collection[str]) -> Iterator[str]:
    if os.path.realpath(top) in skipped:
        return
    for folder, below, names in os.walk(top):
        place = os.path.realpath(folder)
        below[:] = sorted(
            name
            for name in below
            if not name.startswith(".") and os.path.join(place, name) not in skipped
        )
        yield from (os.path.join(folder, name) for name in sorted(names) if name[0] != ".")


class RealFolders:
    """Resolves the links in the folders of paths, each folder once."""

    def __init__(self) -> None:
        self._real: dict[str, str] = {}

    def locate(self, path: str) -> str:
        """Return a path with its folders resolved; the file itself may be a link."""
        folder, name = os.path.split(path)
        if folder not in self._real:
            self._real[folder] = os.path.realpath(folder)
        return os.path.join(self._real[folder], name)


def describe_outside(paths: list[str], noun: str, where: str, root: str | Path) -> list[str]:
    """Return a note on files that are left out, or none.

    Examples
    --------
    >>> from hashfeatures.layouts._outside import describe_outside
    >>> describe_outside(["/data/extra/1.jpg"], "image", "in no part", "/data")
    ['left out 1 image in no part, such as extra/1.jpg']
    """
    if not paths:
        return []
    shown = relative_to(paths[0], os.fspath(root))
    return [f"left out {count(len(paths), noun)} {where}, such as {shorten(show_path(shown))}"]
