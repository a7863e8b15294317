"""The comparison of images with a sealed set."""

from __future__ import annotations

from .._utils.path_text import show_path
from .._utils.quantities import count
from ._console import echo, echo_json
from ._context import GlobalOptions
from ._errors import FOUND, UNCHECKED, WELL, CommandError
from ._inputs import InputImages
from ._parts import why_skipped


def check_sealed(
    collection: InputImages, seal: str, common: GlobalOptions, n: int, allowed: float | int
) -> int:
    """Print which images have a near duplicate in a sealed set.

    Parameters
    ----------
    collection : InputImages
        The images.
    seal : str
        The file of the sealed set.
    common : GlobalOptions
        How the images are hashed, and the form of the output.
    n : int
        The most images to list as text. JSON lists all.
    allowed : int or float
        The number or the share of images that may be unreadable.

    Returns
    -------
    int
        The exit code.

    Raises
    ------
    CommandError
        If the collection is a file of hashes.
    """
    from ..model_selection.seals._check import check_against_seal

    refuse_hashes(collection)
    check = check_against_seal(
        collection.sources,
        seal,
        n_jobs=common.n_jobs,
        cache=common.cache,
        progress=common.progress,
    )
    found = [collection.names[row] for row in check.leaking]
    unreadable = {"": len(check.failures)}
    unchecked = why_skipped({"": collection}, unreadable, allowed) or check.why_unchecked(allowed)
    if common.as_json:
        echo_json(check.summary() | {"unchecked": unchecked, "found": found})
    else:
        echo(str(check))
        for name in found[:n]:
            echo(f"  {show_path(name)}")
        if n and len(found) > n:
            echo(f"  and {count(len(found) - n, 'more image')}; see -n")
    if check.leaks:
        return FOUND
    if unchecked is not None:
        echo(f"hashfeatures: {unchecked} Check the paths, or see --allow-unreadable.", err=True)
        return UNCHECKED
    return WELL


def refuse_hashes(collection: InputImages) -> None:
    """Raise if a collection is a file of hashes, which a seal cannot be made of or compared with.

    Such a file holds no pixels of images of low detail, and does not say which release of Pillow
    decoded the images.
    """
    if collection.is_hashed:
        raise CommandError(
            "A seal compares images, and a file of hashes does not say how these were decoded. "
            "Give the images themselves."
        )
