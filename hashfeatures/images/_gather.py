"""Containers of images from folders, globs and iterators."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator
from typing import Any

from .._utils.descriptions import shorten
from .._utils.frames import is_table_stream
from .._utils.path_text import show_path
from ..exceptions import SkippedFilesWarning, warn_user
from ._folders import FolderImages, walk_folder
from ._sources import is_data_uri, is_url, list_sources, local_path


def gather_images(images: Any) -> Any:
    """Return the images in a folder, those that match a glob, or those of an iterator as a list.

    Parameters
    ----------
    images : container of images, path of a folder, glob, or iterator
        What a user passes where images are expected.

    Returns
    -------
    container
        A list of paths for a folder and for a glob, and of the items for an iterator. Anything
        else as it is.

    Raises
    ------
    FileNotFoundError
        If a folder holds no image, or no file matches.
    PermissionError or OSError
        If a folder cannot be searched.

    Warns
    -----
    SkippedFilesWarning
        If the folder holds files that are not taken for images.

    Examples
    --------
    >>> from hashfeatures.images._gather import gather_images
    >>> gather_images(name for name in ["a.png", "b.png"])
    ['a.png', 'b.png']
    """
    if isinstance(images, Iterator) and not isinstance(images, zip | enumerate):
        is_one = hasattr(images, "read") or is_table_stream(images)  # an open file is one image
        return images if is_one else list(images)
    if not isinstance(images, str | os.PathLike) or is_data_uri(images):
        return images
    path = local_path(images)
    if path is None or (is_url(images) and not os.path.isdir(path)):
        return images
    if os.path.isdir(path):
        return _list_folder(path)
    if not os.path.lexists(path) and glob.has_magic(path):
        return _match(path)
    return images


def stream_images(images: Any, caller: str) -> Iterable[Any]:
    """Return the image sources of a container as a list; those of an iterator are not listed.

    What an iterator yields may not fit into memory at once.
    """
    is_stream = isinstance(images, Iterator) and not isinstance(images, zip | enumerate)
    sources: Iterable[Any] = images
    if not is_stream or hasattr(images, "read") or is_table_stream(images):
        sources = list_sources(gather_images(images), caller)
    return sources


def _list_folder(folder: str) -> list[str]:
    found = walk_folder(folder)
    for error in found.unsearched:
        raise error
    notes = describe_left_out(found)
    where = shorten(show_path(folder))
    if not found.paths:
        raise FileNotFoundError(f"{where} holds no image{f': {notes}' if notes else ''}.")
    if notes:
        warn_user(f"{where}: {notes}.", SkippedFilesWarning)
    return found.paths


def describe_left_out(found: FolderImages) -> str:
    """Return what a folder holds that is not taken, in one line; empty if nothing."""
    notes = [found.left_out.describe()]
    if found.unfollowed:
        first = shorten(show_path(found.unfollowed[0]))
        notes.append(f"did not follow {len(found.unfollowed)} links to folders, such as {first}")
    if found.special:
        notes.append(f"skipped {len(found.special)} that are not regular files")
    if found.n_linked:
        notes.append(f"skipped {found.n_linked} links to files that are in the folder as well")
    return "; ".join(note for note in notes if note)


def _match(pattern: str) -> list[str]:
    paths = sorted(path for path in glob.glob(pattern, recursive=True) if os.path.isfile(path))
    if not paths:
        raise FileNotFoundError(f"No file matches {shorten(show_path(pattern))}.")
    return paths
