"""The parts of a split as collections of images: their comparison, and what it left out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import click

from .._utils.quantities import count
from ._context import FinderOptions, GlobalOptions
from ._errors import CommandError
from ._finders import make_finder
from ._inputs import Collection
from ._options import Size

if TYPE_CHECKING:
    from ..model_selection._parts import ComparedParts


def allow_unreadable_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the option that says how many images may be left out."""
    return click.option(
        "--allow-unreadable",
        "allowed",
        type=Size(),
        default="0",
        show_default=True,
        metavar="N",
        help="The number or the fraction of images that may be unreadable, such as 3 or 0.01. "
        "Each part needs at least one readable image.",
    )(function)


def compare_collections(
    caller: str,
    parts: Mapping[str, Collection],
    options: FinderOptions,
    common: GlobalOptions,
    groups: Any = None,
) -> ComparedParts:
    """Find the near duplicates within and among collections of images.

    Parameters
    ----------
    caller : str
        The name of the command, for messages.
    parts : dict of str to Collection
        The images of each part.
    options : FinderOptions
        Which images are near duplicates.
    common : GlobalOptions
        How they are hashed.
    groups : list, mapping, str or estimator, optional
        Groups that must not be in more than one part, see `compare_parts`.

    Returns
    -------
    ComparedParts
        The parts, and the near pairs. Files of hashes are compared without reading an image.

    Raises
    ------
    CommandError
        If only some parts are files of hashes, or these were made with different settings.
    """
    from ..model_selection._parts import compare_parts

    first, *others = parts.values()
    if any(part.is_hashed != first.is_hashed for part in others):
        only = "Only one part is a file" if len(parts) == 2 else "Only some parts are files"
        every = "both parts, or neither" if len(parts) == 2 else "all parts, or none"
        raise CommandError(f"{only} of hashes. Hash {every}.")
    finder = make_finder(options, first, common)
    if not first.is_hashed:
        sources = {name: part.sources for name, part in parts.items()}
        return compare_parts(caller, sources, finder, groups=groups)
    for part in others:
        make_finder(options, part, common)
        if part.settings != first.settings:
            raise CommandError(
                f"The hashes of the parts were made with different settings:\n"
                f"{first.settings or 'unknown'}, and {part.settings or 'unknown'}. "
                f"Hash one part again."
            )
    columns = {name: part.columns for name, part in parts.items()}
    return compare_parts(caller, columns, finder, use_hashes=True, groups=groups)


def why_skipped(
    parts: Mapping[str, Collection], unreadable: Mapping[str, int], allowed: float | int
) -> str | None:
    """Return which images of the folders and tables were skipped; None if few enough.

    Parameters
    ----------
    parts : dict of str to Collection
        The images of each part.
    unreadable : dict of str to int
        The number of images of each part that could not be read.
    allowed : int or float
        The number or the share of images that may be skipped or unreadable.

    Returns
    -------
    str or None
        A sentence.
    """
    from .._utils.descriptions import shorten
    from .._utils.path_text import show_path

    for folder in (folder for part in parts.values() for folder in part.unsearched):
        return f"Not checked: {shorten(show_path(folder))} could not be searched."
    for link in (link for part in parts.values() for link in part.unfollowed):
        return (
            f"Not checked: {shorten(show_path(link))} is a link to a folder, which was not "
            f"followed. See --follow-links."
        )
    foreign = [path for part in parts.values() for path in part.foreign]
    n_nameless = sum(part.n_nameless for part in parts.values())
    n_skipped = len(foreign) + n_nameless
    n_unread = n_skipped + sum(unreadable.values())
    n_images = n_skipped + sum(len(part.sources) for part in parts.values())
    is_allowed = (n_unread / n_images if isinstance(allowed, float) else n_unread) <= allowed
    if not n_skipped or is_allowed:
        return None
    if n_nameless:
        name = "names" if n_nameless == 1 else "name"
        return f"Not checked: {count(n_nameless, 'row')} of the tables {name} no image."
    first = shorten(show_path(foreign[0]))
    images = count(len(foreign), "image")
    return (
        f"Not checked: Pillow cannot read the format of {images} in the folders, such as {first}."
    )
