"""Relate paths to folders, also where they are on different drives of Windows."""

from __future__ import annotations

from collections.abc import Iterable
from os import path as system


def relative_to(path: str, folder: str) -> str:
    """Return a path relative to a folder, with "/" as separator; whole if it is not below it.

    Examples
    --------
    >>> from hashfeatures._utils.relative_paths import relative_to
    >>> relative_to("photos/cats/1.png", "photos"), relative_to("1.png", "photos")
    ('cats/1.png', '1.png')
    """
    try:
        relative = system.relpath(path, folder)
    except ValueError:  # on another drive
        relative = system.pardir
    is_below = relative != system.pardir and not relative.startswith(system.pardir + system.sep)
    return (relative if is_below else path).replace(system.sep, "/")


def common_folder(paths: Iterable[str]) -> str | None:
    """Return the absolute folder that holds all files; None if they are on different drives.

    Examples
    --------
    >>> import os
    >>> from hashfeatures._utils.relative_paths import common_folder
    >>> common_folder(["cats/1.png", "2.png"]) == os.getcwd()
    True
    """
    try:
        return system.commonpath([system.dirname(system.abspath(path)) for path in paths])
    except ValueError:
        return None
