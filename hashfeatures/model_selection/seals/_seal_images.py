"""Seal a set of images: hash them, and write a file of their fingerprints."""

from __future__ import annotations

import os
from typing import Any

from sklearn.base import clone

from ..._utils.descriptions import shorten
from ..._utils.docstrings import fill_in_parameters
from ..._utils.path_text import show_path
from ..._utils.quantities import count
from ..._utils.validation import check_count_or_share, refuse
from ...duplicates._finder import NearDuplicateFinder
from ...duplicates._finder_hints import point_to_finder
from ...duplicates.fingerprints._fingerprinted_images import FingerprintedImages
from ...images._gather import gather_images
from ...images._sources import list_sources
from ._seal import Seal


@fill_in_parameters
@point_to_finder
def seal_images(
    images: Any,
    path: str | os.PathLike[str],
    *,
    finder: NearDuplicateFinder | None = None,
    allow_unreadable: float | int = 0,
) -> dict[str, Any]:
    """Write the fingerprints of images to a file, which tells whether other images are near them.

    The file, a seal, holds no names, no pixels and nothing of the order of the images. It holds
    each different fingerprint once, how fingerprints are made and compared, and checksums.
    :doc:`/how-to/share-a-sealed-test-set` says what can be learned from it.

    Read more in the :doc:`User Guide </user-guide/leaks>`.

    Parameters
    ----------
    $images
    path : path-like
        The file. It is written under a temporary name first, and replaces one that exists.
    finder : NearDuplicateFinder, default=None
        How images are compared. None means ``NearDuplicateFinder(verify=False)``. A thumbnail is
        a picture, so a seal holds none: it compares by hashes alone, also for a finder with
        ``verify=True``, whose default radius is then that of hashes alone. Images of low detail
        are compared by digests of their pixels.
    allow_unreadable : int or float, default=0
        How many images may be unreadable, and so missing in the seal: a number, or a share of all
        images below 1.

    Returns
    -------
    dict
        "images", "unreadable" and "low_detail" count images. "fingerprints" counts the different
        ones, which the file holds. "hashes", "views", "bits" and "radius" say how images are
        compared.

    Raises
    ------
    ValueError
        If there are no images, or too many could not be read. No file is written.

    Warns
    -----
    FailedImagesWarning
        If images could not be read.
    RadiusWarning
        As `NearDuplicateFinder` warns.

    See Also
    --------
    check_against_seal : Finds which images are near the sealed ones.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from skimage import data
    >>> from hashfeatures import check_against_seal, seal_images
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     facts = seal_images([data.camera(), data.coins()], Path(folder, "test.seal"))
    ...     check = check_against_seal(
    ...         [data.camera()[::2, ::2], data.page()], Path(folder, "test.seal")
    ...     )
    >>> facts["fingerprints"], facts["radius"]
    (2, 12)
    >>> check.leaking
    array([0])
    """
    caller = "seal_images"
    allowed = check_count_or_share(caller, "allow_unreadable", allow_unreadable)
    if not isinstance(finder, NearDuplicateFinder | None):
        raise refuse(caller, "finder", "a NearDuplicateFinder or None", finder)
    by_hashes = NearDuplicateFinder() if finder is None else clone(finder)
    by_hashes.set_params(verify=False)
    comparison = by_hashes._comparison()
    folder = os.path.dirname(os.path.realpath(path))
    if not os.path.isdir(folder):
        raise FileNotFoundError(f"The folder {show_path(folder)} does not exist.")
    sources = list_sources(gather_images(images), caller)
    if not sources:
        raise ValueError("There are no images to seal.")
    fingerprinted = by_hashes.fingerprint(sources)
    _check_readable(fingerprinted, allowed)
    fingerprints = fingerprinted.fingerprints
    radius = by_hashes._choose_limits(sources).radius
    comparison.warn_if_crowded(fingerprints, radius, by_hashes.n_jobs)
    seal = Seal.of(by_hashes, fingerprints, radius)
    seal.write(path)
    return {
        "images": len(sources),
        "unreadable": len(fingerprinted.failures),
        "low_detail": int(fingerprints.low_detail.sum()),
        "fingerprints": len(seal.fingerprints.words),
        "hashes": [str(spec) for spec in comparison.hashes],
        "views": by_hashes.views,
        "bits": comparison.n_bits,
        "radius": radius,
    }


def _check_readable(images: FingerprintedImages, allowed: float | int) -> None:
    """Raise if more images could not be read than are allowed, or none could."""
    n_images, n_failed = len(images.ids), len(images.failures)
    if not n_failed:
        return
    first = images.failures.iloc[0]
    name = images.ids[first["position"]]
    which = f"image {first['position']}" if name is None else show_path(shorten(str(name)))
    if n_failed == n_images:
        raise ValueError(
            f"None of {count(n_images, 'image')} could be read, so there is nothing to seal. "
            f"{which}: {first['error']}"
        )
    if (n_failed / n_images if isinstance(allowed, float) else n_failed) > allowed:
        raise ValueError(
            f"{n_failed:,} of {count(n_images, 'image')} could not be read and would be missing "
            f"in the seal, and {allowed:g} may be. Nothing was written. Repair or remove them, or "
            f"allow for more. {which}: {first['error']}"
        )
