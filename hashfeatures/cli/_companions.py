"""What belongs to images beside their files: annotations, labels, the archive around them."""

from __future__ import annotations

import os
from collections.abc import Sequence

from .._utils.descriptions import shorten
from .._utils.path_text import show_path
from .._utils.quantities import count
from ._context import OutputOptions
from ._errors import CommandError
from ._inputs import InputImages

_SUFFIXES = (".txt", ".xml", ".json")
# Layouts whose images can go without anything else having to change.
_BARE = ("folder", "class-folders")


def check_movable(kind: str, images: InputImages) -> None:
    """Raise if an action on the files of images would tear a data set apart.

    Parameters
    ----------
    kind : {"delete", "move", "hardlink"}
        The action.
    images : InputImages
        The images.

    Raises
    ------
    CommandError
        If images are inside larger files, or would be separated from their annotations.
    """
    from ..images._sources import is_remote, local_path

    done = {"delete": "deleted", "move": "moved", "hardlink": "linked"}[kind]
    for source, name in zip(images.sources, images.names, strict=True):
        if local_path(source) is None and not is_remote(source):
            raise CommandError(
                f"{shorten(show_path(name))} is inside a larger file, so it cannot be {done}. "
                f"Nothing was done. To write the data set without duplicates, use --out DIR."
            )
    titles = [each.layout.title for each in images.data_sets if each.layout.name not in _BARE]
    if not titles or kind == "hardlink":
        return
    raise CommandError(
        f"These images belong to a data set in the {titles[0]} layout. Their annotations would "
        f"stay behind if images were {done}. Nothing was done. To write the data set without "
        f"duplicates, use --out DIR. To {kind} the images alone, add --layout folder."
    )


def note_companions(paths: Sequence[str], common: OutputOptions) -> None:
    """Note the label files of images, which stay where they are when the images go."""
    found = [companion for path in paths if (companion := _find_companion(path))]
    if found:
        files = count(len(found), "file")
        stay = "stays" if len(found) == 1 else "stay"
        common.note(
            f"{files} that may hold labels of these images {stay} where they are, such as "
            f"{shorten(show_path(found[0]))}"
        )


def _find_companion(path: str) -> str | None:
    """Return the file of labels beside an image, or in "labels" where it is in "images"."""
    # Windows takes either separator, and paths of a folder may have both.
    stem = os.path.splitext(path)[0].replace("/", os.sep)
    stems = [stem]
    above, separator, below = stem.rpartition(f"{os.sep}images{os.sep}")
    if separator:
        stems.append(f"{above}{os.sep}labels{os.sep}{below}")
    names = (stem + suffix for stem in stems for suffix in _SUFFIXES)
    return next(filter(os.path.isfile, names), None)
