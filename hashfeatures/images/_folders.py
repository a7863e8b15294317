"""The image files in a folder, and what else is in it."""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from ._files import LeftOut, has_image_suffix, holds_image, is_foreign_image


@dataclass
class FolderImages:
    """The image files in a folder, and what was left out.

    Parameters
    ----------
    paths : list of str
        The images, in the order of their folders and names. Links to files come last.
    real_paths : list of str
        The same without links.
    left_out : LeftOut
        Counts the other files and the hidden folders.
    unsearched : list of OSError
        One error for each folder that could not be searched, for lack of permission for example.
    links : list of str
        Links to folders, which were not followed.
    foreign : list of str
        Image files that Pillow cannot read here.
    special : list of str
        What is named like an image but is not a regular file.
    n_linked : int
        The number of links to files that are in the folder as well.
    searched : set of str
        The real paths of the folders that were searched; empty where links were followed.
    """

    paths: list[str] = field(default_factory=list)
    real_paths: list[str] = field(default_factory=list)
    left_out: LeftOut = field(default_factory=LeftOut)
    unsearched: list[OSError] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    special: list[str] = field(default_factory=list)
    n_linked: int = 0
    searched: set[str] = field(default_factory=set)

    @property
    def unfollowed(self) -> list[str]:
        """Links to folders that were neither followed nor searched elsewhere."""
        return [link for link in self.links if os.path.realpath(link) not in self.searched]


def walk_folder(
    top: str,
    *,
    globs: Sequence[str] = (),
    hidden: bool = False,
    links: bool = False,
    apart: Collection[str] = (),
) -> FolderImages:
    """Find the images in a folder and below it.

    Suffixes that Pillow knows are enough to take a file. Contents decide for the others.

    Parameters
    ----------
    top : str
        The folder.
    globs : sequence of str, default=()
        Patterns of file names. If given, all files that match one are taken, and no others.
    hidden : bool, default=False
        Whether to search files and folders whose names begin with a dot.
    links : bool, default=False
        Whether to follow links to folders.
    apart : collection of str, default=()
        Names of folders directly in `top`, such as those of the parts of a split. A link in one of
        them to a file in another one is an image of its own.

    Returns
    -------
    FolderImages
        The images, and what was left out.
    """
    found = FolderImages()
    seen: set[tuple[int, int]] = set()
    linked: list[str] = []

    def is_skipped(name: str) -> bool:
        return name.startswith(".") and not hidden

    def is_wanted(path: str, is_special: bool) -> bool:
        name = os.path.basename(path)
        if globs:
            return any(fnmatch.fnmatch(name, glob) for glob in globs)
        if is_skipped(name):
            return False
        return has_image_suffix(name) if is_special else holds_image(path)

    for folder, below, names in os.walk(top, followlinks=links, onerror=found.unsearched.append):
        if links:  # a link to a folder above would never end
            status = os.stat(folder)
            if (status.st_dev, status.st_ino) in seen:
                below.clear()
                continue
            seen.add((status.st_dev, status.st_ino))
        for name in filter(is_skipped, below):
            found.left_out.add(name)
        below[:] = sorted(name for name in below if not is_skipped(name))
        place = os.path.realpath(folder)
        if not links:
            found.searched.add(place)
            found.links += filter(os.path.islink, (os.path.join(folder, name) for name in below))
        for name in sorted(names):
            path = os.path.join(folder, name)
            is_special = not os.path.isfile(path) and os.path.exists(path)
            if not is_wanted(path, is_special):
                found.left_out.add(name)
                if not globs and is_foreign_image(name):
                    found.foreign.append(path)
            elif is_special:
                found.special.append(path)
            elif os.path.islink(path):
                linked.append(path)
            else:
                found.paths.append(path)
                found.real_paths.append(os.path.join(place, name))

    def home(path: str) -> str:
        name = path[len(top) :].lstrip(os.sep).partition(os.sep)[0] if apart else ""
        return name if name in apart else ""

    known = set(zip(map(home, found.paths), found.real_paths, strict=True))
    for path in linked:  # last, so that a file comes before links to it
        identity = home(path), os.path.realpath(path)
        if identity in known:
            found.n_linked += 1
        else:
            known.add(identity)
            found.paths.append(path)
            found.real_paths.append(identity[1])
    return found
