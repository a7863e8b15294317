"""The images of a JSON file of COCO that is in a bucket, or behind another URL."""

from __future__ import annotations

import posixpath
from pathlib import PurePosixPath
from typing import Any

from ..._utils.descriptions import shorten
from ...exceptions import LayoutError
from ...images._remote import name_below
from ._file import read_image_names
from ._images import usual_folders
from ._places import name_parts, word_of

# So many images are looked for, as each look is a request.
_SAMPLE = 3


def list_bucket_images(system: Any, path: str, where: str) -> list[str]:
    """Return the paths of the images that a JSON file lists.

    Their names are relative to the folder of the file, to the one above, or to a usual folder in
    these, such as "images" or the name of the part. The first folder that holds one of the first
    images is the right one.

    Parameters
    ----------
    system : fsspec file system
        What holds the file.
    path : str
        The path of the file there.
    where : str
        The address of the file, for messages.

    Raises
    ------
    LayoutError
        If the file is not JSON of COCO, or if its images are in none of the folders.
    OSError
        If it cannot be read.
    """
    with system.open(path, "rb") as file:
        names = read_image_names(file.read(), where)
    if not names:
        return []
    beside = posixpath.dirname(path)
    tops = dict.fromkeys([beside, posixpath.dirname(beside)])
    name = PurePosixPath(path)
    parts = list(dict.fromkeys([word_of(name), *name_parts([name])]))
    folders = [posixpath.join(top, below) for top in tops for below in usual_folders(parts)]
    folders = list(dict.fromkeys(folder.rstrip("/") for folder in folders))
    for first in names[:_SAMPLE]:
        for folder in folders:
            if system.exists(name_below(system, folder, first)):
                return [name_below(system, folder, each) for each in names]
    raise LayoutError(
        f"{where}: the first images, such as {shorten(names[0])!r}, are in none of the folders "
        f"{shorten(', '.join(folders), 400)}. Pass the list of their addresses instead."
    )
