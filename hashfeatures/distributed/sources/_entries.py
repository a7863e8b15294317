"""Entries of the listing: an image, or a file that holds many of them."""

from __future__ import annotations

import os
from typing import Any, NamedTuple

from ...images._sources import is_url, local_path
from .._part_directory import is_local


class Entry(NamedTuple):
    """An entry of the listing.

    Parameters
    ----------
    name : str
        The absolute path or the URL of an image or of a file that holds images, or the name of an
        image inside such a file.
    reference : str or None
        What a worker needs beside the name, as JSON.
    n_images : int
        The number of images.
    place : str
        What tells several entries with one name apart.
    file : str
        The file that holds the image or images, if there are others in it.
    """

    name: str
    reference: str | None = None
    n_images: int = 1
    place: str = ""
    file: str = ""


def whole_name(source: Any) -> str:
    """Return a path as an absolute one, and a URL as it is.

    Raises
    ------
    TypeError
        If the source is neither.
    """
    if not isinstance(source, str | os.PathLike):
        raise TypeError(
            f"A data set is a list of paths and URLs, which any worker can read. Got "
            f"{type(source).__name__}. For images in memory, call hash_images."
        )
    path = local_path(source)
    return os.fspath(source) if path is None else os.path.abspath(path)


def address_of(system: Any, path: str) -> str:
    """Return the address of a path in an fsspec file system."""
    if is_local(system) or is_url(path):
        return path
    address: str = system.unstrip_protocol(path)
    return address
