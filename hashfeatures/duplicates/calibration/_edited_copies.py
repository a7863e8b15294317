"""Edit images, and measure how far the finder sees the copies from their originals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

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


def measure_copies(
    finder: NearDuplicateFinder,
    sources: Sequence[Any],
    originals: Fingerprints,
    edits: Sequence[EditLike],
    *,
    seed: int,
    progress: bool,
) -> tuple[NDArray[np.int64], list[str], dict[str, str]]:
    """Edit images, and measure the distance of each copy to its original.

    Parameters
    ----------
    finder : NearDuplicateFinder
        The finder that measures distances.
    sources : sequence of image sources
        The originals.
    originals : Fingerprints
        Their fingerprints.
    edits : sequence of callable
        The edits.
    seed : int
        Seed of random edits.
    progress : bool
        Whether to show a progress bar.

    Returns
    -------
    distances : ndarray of shape (n_images, n_edits), dtype int64
        See `Trial.copies`.
    names : list of str
        The names of the edits that raised no error.
    failed : dict of str to str
        The names of those that did, and the error.

    Warns
    -----
    CalibrationWarning
        If an edit raised an error.
    """
    comparison = finder._comparison()
    decoding, confirmation = comparison.decoding, comparison.confirmation
    images = [read_image(source, decoding).image for source in sources]
    hasher = clone(finder).set_params(cache=None, progress=False)
    distances, names, failed = [], [], {}
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
        found = originals.distances(edited)
        rows = np.arange(len(images))
        is_alike = confirmation.test(originals, edited, Pairs(rows, rows, found), finder.n_jobs)
        distances.append(np.where(edited.comparable & is_alike, found, originals.n_bits + 1))
        names.append(name)
    if failed:
        listed = "\n".join(f"  {name}: {cause}" for name, cause in failed.items())
        warn_user(
            f"{len(failed)} of {len(edits)} edits raised an error and were left out:\n{listed}",
            CalibrationWarning,
        )
    empty = np.empty((len(images), 0), dtype=np.int64)
    return (np.stack(distances, axis=1) if distances else empty), names, failed


def _apply(edit: EditLike, image: Image.Image, seed: int) -> Image.Image:
    return edit(image, seed) if isinstance(edit, Edit) else edit(image)


def name_edit(edit: EditLike) -> str:
    """Return the name of an edit in tables."""
    return getattr(edit, "__name__", None) or str(edit)
