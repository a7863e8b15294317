"""Edit images, and measure how the finder sees the copies and their originals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray
from PIL import Image
from sklearn.base import clone

from ..._utils.progress import progress_bar
from ...edits import Edit
from ...exceptions import CalibrationWarning, warn_user
from ...hamming._pairs import Pairs
from ...images._errors import describe_error
from ...images._read import read_image
from ..fingerprints._fingerprints import Fingerprints

if TYPE_CHECKING:
    from .._finder import NearDuplicateFinder

EditLike = Callable[..., Image.Image]


class Copies(NamedTuple):
    """How near edited copies are to their originals.

    Parameters
    ----------
    distances : ndarray of shape (n_images, n_edits), dtype int64
        See `Trial.copies`.
    agreements : ndarray of shape (n_images, n_edits), dtype float32, or None
        See `Trial.copy_agreements`.
    edits : list of str
        The names of the edits that raised no error.
    failed : dict of str to str
        The names of those that did, and the error.
    """

    distances: NDArray[np.int64]
    agreements: NDArray[np.float32] | None
    edits: list[str]
    failed: dict[str, str]


def measure_copies(
    finder: NearDuplicateFinder,
    sources: Sequence[Any],
    originals: Fingerprints,
    edits: Sequence[EditLike],
    reach: int,
    *,
    seed: int,
    progress: bool,
) -> Copies:
    """Edit images, and measure the distance and the agreement of each copy and its original.

    Parameters
    ----------
    finder : NearDuplicateFinder
        The finder that measures them.
    sources : sequence of image sources
        The originals.
    originals : Fingerprints
        Their fingerprints.
    edits : sequence of callable
        The edits.
    reach : int
        The distance in bits up to which agreements are measured.
    seed : int
        Seed of random edits.
    progress : bool
        Whether to show a progress bar.

    Returns
    -------
    Copies
        The distances and the agreements.

    Warns
    -----
    CalibrationWarning
        If an edit raised an error.
    """
    decoding = finder._comparison().decoding
    images = [read_image(source, decoding).image for source in sources]
    hasher = clone(finder).set_params(cache=None, progress=False)
    measured: list[tuple[NDArray[np.int64], NDArray[np.float32]]] = []
    names: list[str] = []
    failed: dict[str, str] = {}
    bar = progress_bar(progress, iterable=edits, desc="looking for edited copies", unit="edit")
    for place, edit in enumerate(bar):
        name = name_edit(edit)
        if name in names or name in failed:
            name = f"{name} ({place})"
        try:
            copies = Parallel(n_jobs=finder.n_jobs, require="sharedmem")(
                delayed(_apply)(edit, image, seed + number) for number, image in enumerate(images)
            )
        except Exception as error:  # any error in the user's code
            failed[name] = describe_error(error)
            continue
        try:
            edited = hasher.fingerprint(copies).fingerprints
        except (TypeError, ValueError) as error:  # an edit returned no image
            failed[name] = describe_error(error)
            continue
        measured.append(_measure(finder, originals, edited, reach))
        names.append(name)
    if failed:
        listed = "\n".join(f"  {name}: {cause}" for name, cause in failed.items())
        warn_user(
            f"{len(failed)} of {len(edits)} edits raised an error and were left out:\n{listed}",
            CalibrationWarning,
        )
    shape = len(images), len(names)
    distances, agreements = np.empty(shape, np.int64), np.empty(shape, np.float32)
    for place, (of_edit, confirming) in enumerate(measured):
        distances[:, place], agreements[:, place] = of_edit, confirming
    return Copies(distances, agreements if finder.verify else None, names, failed)


def _measure(
    finder: NearDuplicateFinder, originals: Fingerprints, edited: Fingerprints, reach: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return the distance and the agreement of each original and its copy.

    An agreement is 0 beyond the reach, and if the finder looks at no pixels.
    """
    rows = np.arange(len(originals.comparable))
    distances = originals.distances(edited)
    confirmation = finder._comparison().confirmation
    others = replace(confirmation, min_agreement=None)
    is_alike = others.test(originals, edited, Pairs(rows, rows, distances), finder.n_jobs)
    distances[~(edited.comparable & is_alike)] = originals.n_bits + 1
    agreements = np.zeros(len(rows), dtype=np.float32)
    if originals.thumbnails is not None and edited.thumbnails is not None:
        near = np.flatnonzero(distances <= reach)
        pairs = Pairs(near, near, distances[near])
        agreements[near] = confirmation.align(
            originals.thumbnails, edited.thumbnails, pairs, finder.n_jobs
        ).agreement
    return distances, agreements


def _apply(edit: EditLike, image: Image.Image, seed: int) -> Image.Image:
    return edit(image, seed) if isinstance(edit, Edit) else edit(image)


def name_edit(edit: EditLike) -> str:
    """Return the name of an edit in tables."""
    return getattr(edit, "__name__", None) or str(edit)
