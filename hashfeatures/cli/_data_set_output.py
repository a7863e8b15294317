"""Data sets that a command writes into a folder."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .._utils.descriptions import shorten
from .._utils.path_text import show_path, write_path
from ..exceptions import ParameterError
from ._errors import CommandError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ._inputs import InputImages

# The parts of a data set that names none, and of the images in no part of one that names some.
_KEPT, _REST = "kept", "rest"


def how_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the option that says what becomes of the images in a data set."""
    return click.option(
        "--how",
        type=click.Choice(["lists", "link", "copy"]),
        help="With --out DIR, whether the images stay where they are and lists name them, or are "
        "linked or copied.  [default: lists]",
    )(function)


def check_folder(folder: str) -> None:
    """Raise if a data set cannot be written into a folder, before the work begins."""
    path, shown = Path(os.path.realpath(folder)), shorten(show_path(folder))
    if path.exists() and not path.is_dir():
        raise CommandError(f"{shown} is not a folder. Choose another name.")
    if path.is_dir() and any(path.iterdir()):
        raise CommandError(
            f"{shown} is a folder that is not empty. Name a new folder, so that nothing is "
            f"overwritten."
        )
    above = next(part for part in path.parents if part.exists())
    if not os.access(above, os.W_OK | os.X_OK):
        raise CommandError(f"{shown} cannot be written: no permission to write to {above}.")


def check_apart(folder: str | None, images: InputImages) -> None:
    """Raise if the folder cannot hold a data set of its own.

    It must not be inside another folder, all of whose images are in the data set.
    """
    from ..layouts._collection import check_place

    if folder is not None and len(images.data_sets) > 1:
        raise CommandError(
            "These are several data sets, which cannot be written as one. Name one of them."
        )
    if folder is not None and images.data_set is not None:
        try:
            check_place(images.data_set, os.path.abspath(folder))
        except ParameterError as error:
            raise CommandError(
                f"{shorten(show_path(folder))} is inside {images.data_set.root}, whose images are "
                f"split, so the next run would find what this one writes. Choose a folder outside."
            ) from error


def check_outside(folder: str | None, files: Sequence[str | None]) -> None:
    """Raise if a file would be written into the folder, which is written as a whole."""
    if folder is None:
        return
    place = Path(os.path.realpath(folder))
    for file in files:
        if file is not None and Path(os.path.realpath(file)).is_relative_to(place):
            raise CommandError(
                f"{file} is inside {folder}, which holds the data set alone. Choose a name "
                f"outside."
            )


def rehearse(
    folder: str | None, images: InputImages, names: Sequence[str], how: str | None
) -> None:
    """Raise if a data set cannot be written as it should be, before its images are read.

    Parameters
    ----------
    folder : str or None
        The folder; None writes nothing.
    images : InputImages
        The images.
    names : sequence of str
        The names of the parts.
    how : {"lists", "link", "copy"} or None
        Whether images stay where they are.

    Raises
    ------
    LayoutError or ParameterError
        If the layout cannot be written into the folder, or not in this way.
    """
    import numpy as np

    if folder is None or images.data_set is None:
        return
    n_images, n_parts = len(images.sources), len(names)
    rows = {name: np.arange(part, n_images, n_parts) for part, name in enumerate(names)}
    layout = images.data_set.layout
    layout.plan_split(images.data_set, rows, how or "lists", Path(os.path.abspath(folder)))


def write_parts(
    folder: str, images: InputImages, rows: Mapping[str, NDArray[Any]], how: str
) -> None:
    """Write a split into a folder: as the data set that the images are, or as lists.

    Parameters
    ----------
    folder : str
        The folder, which must be new or empty.
    images : InputImages
        The images.
    rows : dict of str to ndarray of intp
        The rows of each part.
    how : {"lists", "link", "copy"}
        Whether images stay where they are.
    """
    from ..layouts._plan import Plan, write_plan

    if images.data_set is not None:
        images.data_set.write_split(dict(rows), folder, how)
        return
    if how != "lists":
        raise CommandError("--how concerns data sets. For lists and URLs, leave it out.")
    contents = {
        f"{name}.txt": "".join(f"{write_path(images.names[row])}\n" for row in part).encode()
        for name, part in rows.items()
    }
    write_plan(Plan(contents=contents), Path(folder), how)


def keep_in_parts(images: InputImages, removed: Sequence[int]) -> dict[str, NDArray[Any]]:
    """Return the rows of each part of a data set without some images.

    Parameters
    ----------
    images : InputImages
        The data set.
    removed : sequence of int
        The rows of the images that are left out.

    Returns
    -------
    dict of str to ndarray of intp
        The rows by part. Images in no part are in one of their own.
    """
    import numpy as np

    is_kept = np.ones(len(images.sources), dtype=bool)
    is_kept[list(removed)] = False
    data_set = images.data_set
    if data_set is None or data_set.parts is None:
        return {_KEPT: np.flatnonzero(is_kept)}
    parts = data_set.parts.to_numpy(dtype=object)
    names = [*data_set.by_part()]
    rows = {name: np.flatnonzero(is_kept & (parts == name)) for name in names}
    rest = np.flatnonzero(is_kept & data_set.parts.isna().to_numpy())
    return rows | ({_REST: rest} if len(rest) else {})
