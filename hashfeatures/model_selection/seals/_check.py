"""Which images are near those of a sealed set: a yes or no for each."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..._utils.docstrings import fill_in_parameters
from ..._utils.quantities import count
from ..._utils.sklearn_internals import count_samples
from ..._utils.validation import check_bool, check_count_or_share, check_int, check_n_jobs, refuse
from ...duplicates.fingerprints._fingerprints import Fingerprints
from ...duplicates.fingerprints._search import FingerprintSearch
from ...exceptions import TooManyPairsError
from ...images._gather import gather_images
from ...images._sources import check_container, list_sources
from ._seal import Seal

_ASKED = 2**16  # images that are looked up at a time


@dataclass(frozen=True, repr=False)
class SealCheck:
    """The images that have a near duplicate in a sealed set.

    `check_against_seal` returns it.

    Read more in the :doc:`User Guide </user-guide/leaks>`.

    Attributes
    ----------
    has_match : ndarray of shape (n_images,), dtype bool
        Whether each image has a near duplicate in the sealed set. False for an image that could
        not be read.
    failures : pandas.DataFrame
        The images that could not be read: columns "position", "image" and "error".
    leaking : ndarray, dtype intp
    leaks : bool
    share : float

    See Also
    --------
    check_against_seal : Makes the check.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from skimage import data
    >>> from hashfeatures import check_against_seal, seal_images
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     facts = seal_images([data.camera(), data.coins()], Path(folder, "test.seal"))
    ...     check = check_against_seal([data.coins(), data.page()], Path(folder, "test.seal"))
    >>> check.leaks, check.leaking, check.share
    (True, array([0]), 0.5)
    """

    has_match: NDArray[np.bool_]
    failures: pd.DataFrame

    @property
    def leaking(self) -> NDArray[np.intp]:
        """The rows of the images that have a near duplicate in the sealed set."""
        return np.flatnonzero(self.has_match)

    @property
    def leaks(self) -> bool:
        """Whether any image has a near duplicate in the sealed set."""
        return bool(self.has_match.any())

    @property
    def share(self) -> float:
        """The share of the images with a near duplicate in the sealed set."""
        return float(self.has_match.mean()) if len(self.has_match) else 0.0

    def why_unchecked(self, allow_unreadable: float | int = 0) -> str | None:
        """Return why too few images were compared to rule out leaks.

        Parameters
        ----------
        allow_unreadable : int or float, default=0
            How many images may be unreadable: a number, or a share of all images below 1.

        Returns
        -------
        str or None
            A sentence, or None if enough images were compared.
        """
        allowed = check_count_or_share("why_unchecked", "allow_unreadable", allow_unreadable)
        n_images, n_failed = len(self.has_match), len(self.failures)
        if not n_images:
            return "Not checked: there are no images."
        if n_failed == n_images:
            return f"Not checked: none of {count(n_images, 'image')} could be read."
        if (n_failed / n_images if isinstance(allowed, float) else n_failed) <= allowed:
            return None
        return (
            f"Not checked: {n_failed:,} of {count(n_images, 'image')} could not be read, and "
            f"{allowed:g} may be."
        )

    def summary(self) -> dict[str, Any]:
        """Summarize the check in plain numbers, ready for JSON.

        Returns
        -------
        dict
            "images", "unreadable", "leaking" (the number of images with a near duplicate in the
            sealed set), and "share", which is None if no image was compared.
        """
        n_images, n_failed = len(self.has_match), len(self.failures)
        return {
            "images": n_images,
            "unreadable": n_failed,
            "leaking": len(self.leaking),
            "share": self.share if n_failed < n_images else None,
        }

    def __repr__(self) -> str:
        return f"<SealCheck: {self}>"

    def __str__(self) -> str:
        n_images, n_failed = len(self.has_match), len(self.failures)
        if n_failed == n_images:
            return self.why_unchecked() or ""
        have = "has" if len(self.leaking) == 1 else "have"
        text = (
            f"{len(self.leaking):,} of {count(n_images, 'image')} ({self.share:.1%}) {have} a "
            f"near duplicate in the sealed set."
        )
        if n_failed:
            were = "was" if n_failed == 1 else "were"
            text += f" {count(n_failed, 'image')} could not be read and {were} not compared."
        return text


@fill_in_parameters
def check_against_seal(
    images: Any,
    seal: str | os.PathLike[str],
    *,
    max_pixels: int | None = None,
    n_jobs: int | None = None,
    cache: Any = None,
    progress: bool = False,
) -> SealCheck:
    """Find which images have a near duplicate in a sealed set.

    The images are hashed and compared as the seal says, so there is nothing to set. The result is
    a yes or no for each image. It does not say which sealed image is near, or how near.

    Read more in the :doc:`User Guide </user-guide/leaks>`.

    Parameters
    ----------
    $images
    seal : path-like
        A file that `seal_images` or ``hashfeatures seal`` wrote.
    $max_pixels
    $n_jobs
    $cache
    $progress

    Returns
    -------
    SealCheck
        The answers, in the order of the images.

    Raises
    ------
    StoreError
        If the file is not a seal, is damaged, or was written by a release whose format is newer or
        whose hashes differ. The same image may have other bits under another release of Pillow:
        if it does, the error says which release to install.
    FileNotFoundError
        If there is no such file.

    Warns
    -----
    FailedImagesWarning
        If images could not be read.

    See Also
    --------
    seal_images : Writes the file.
    leakage_report : Lists near duplicates in different parts if both are at hand.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from skimage import data
    >>> from hashfeatures import check_against_seal, seal_images
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "test.seal")
    ...     facts = seal_images([data.camera(), data.coins()], path)
    ...     check = check_against_seal([data.page(), data.coins()[:, 2:]], path)
    >>> check.has_match
    array([False,  True])
    >>> print(check)
    1 of 2 images (50.0%) has a near duplicate in the sealed set.
    """
    caller = "check_against_seal"
    if not isinstance(seal, str | os.PathLike):
        raise refuse(caller, "seal", "the path of a file that seal_images wrote", seal)
    if max_pixels is not None:
        check_int(caller, "max_pixels", max_pixels, 1)
    check_n_jobs(caller, n_jobs)
    check_bool(caller, "progress", progress)
    images = gather_images(images)
    check_container(images, caller)
    sealed = Seal.read(seal)
    if not count_samples(images):
        return SealCheck(np.zeros(0, dtype=bool), sealed.finder.fingerprint([]).failures)
    finder = sealed.finder.set_params(
        max_pixels=max_pixels, n_jobs=n_jobs, cache=cache, progress=progress
    )
    fingerprinted = finder.fingerprint(list_sources(images, caller))
    confirmation = finder._comparison().confirmation
    search = FingerprintSearch(sealed.fingerprints, finder.radius, n_jobs, confirmation)
    return SealCheck(_find_near(search, fingerprinted.fingerprints), fingerprinted.failures)


def _find_near(search: FingerprintSearch, images: Fingerprints) -> NDArray[np.bool_]:
    """Return which images are near fingerprints; equal images are looked up once."""
    numbers = images.number()
    known = np.flatnonzero(numbers >= 0)
    firsts = known[np.unique(numbers[known], return_index=True)[1]]
    is_near = np.zeros(len(firsts), dtype=bool)
    blocks = [
        range(start, min(start + _ASKED, len(firsts))) for start in range(0, len(firsts), _ASKED)
    ]
    while blocks:
        rows = blocks.pop()
        try:
            found = search.matches(images.take(firsts[rows.start : rows.stop]))
        except TooManyPairsError:
            half = len(rows) // 2
            if not half:
                raise
            blocks += [rows[:half], rows[half:]]
            continue
        is_near[rows.start + found.left] = True
    has_match = np.zeros(len(numbers), dtype=bool)
    has_match[known] = is_near[numbers[known]]
    return has_match
