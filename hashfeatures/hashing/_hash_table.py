"""A table with one row per image and one hex column per hash."""

from __future__ import annotations

from typing import Any

import pandas as pd
from numpy.typing import NDArray

from .._utils.containers import as_column
from .._utils.docstrings import fill_in_parameters
from .._utils.validation import (
    check_bool,
    check_choice,
    check_n_jobs,
)
from ..images._decoding import Decoding
from ..images._gather import gather_images
from ..images._sources import list_sources
from ._batch import hash_sources
from ._hex import bits_to_hex
from ._spec import layout_of, parse_hashes


@fill_in_parameters
def hash_images(
    images: Any,
    hashes: Any = ("ahash", "phash", "dhash", "whash", "colorhash"),
    *,
    decode: str = "full",
    orient: bool = True,
    background: Any = "white",
    trim_borders: bool = False,
    errors: str = "coerce",
    max_pixels: int | None = None,
    n_jobs: int | None = None,
    cache: Any = None,
    progress: bool = False,
) -> pd.DataFrame:
    """Make a table of perceptual hashes, one row per image.

    Read more in the :doc:`User Guide </user-guide/features>`.

    Parameters
    ----------
    $images
    $hashes
    $decode
    $orient
    $background
    $trim_borders
    errors : {"coerce", "raise"}, default="coerce"
        How to handle an image that cannot be read. "coerce" leaves its hashes missing and gives
        the reason in the column "error", and one `FailedImagesWarning` lists all failures.
        "raise" raises an `ImageReadError` that names it.
    $max_pixels
    $n_workers
    $cache
    $progress

    Returns
    -------
    pandas.DataFrame
        With the index of `images`, if it has one, and the columns

        - "image": the sources as they were given;
        - one for each hash, named as in `hashes`: the hex string that
          ``str(imagehash.ImageHash)`` gives, missing where the image failed;
        - "width", "height": in pixels, after the EXIF orientation;
        - "format": the file format, None for an image in memory;
        - "detail": how much structure the image has, 0 (flat) to 100. It follows the quality
          measure of the PDQ hash, from the gradients of the luma at 64 by 64. The hashes of
          images of low detail are alike and carry no information;
        - "error": None, or the reason why the image could not be read.

    See Also
    --------
    ImageHashFeaturizer : The same hashes as bits.

    Notes
    -----
    pandas counts missing values as duplicates of each other. If images failed, write
    ``table.dropna(subset="phash")["phash"].duplicated()``.

    Examples
    --------
    >>> from skimage import data
    >>> from hashfeatures import hash_images
    >>> table = hash_images([data.camera(), data.coins(), data.camera()], ["phash", "dhash"])
    >>> table["phash"].duplicated().tolist()
    [False, False, True]
    """
    name = "hash_images"
    specs = parse_hashes(hashes)
    decoding = Decoding(decode, orient, background, max_pixels, trim_borders=trim_borders).check(
        name
    )
    check_choice(name, "errors", errors, {"raise", "coerce"})
    check_bool(name, "progress", progress)
    check_n_jobs(name, n_jobs)
    images = gather_images(images)
    sources = list_sources(images, name)
    hashed = hash_sources(
        sources, specs, decoding, errors=errors, n_jobs=n_jobs, cache=cache, progress=progress
    )

    rows = range(hashed.n_images)
    failed = list(hashed.errors)
    bits = hashed.bits()
    columns: dict[str, Any] = {"image": as_column(sources)}
    for spec, part in zip(specs, layout_of(specs).slices(), strict=True):
        digits = bits_to_hex(bits[:, part])
        digits[failed] = None
        columns[str(spec)] = digits.tolist() or pd.Series(dtype=object)
    for fact in ("width", "height"):
        columns[fact] = _with_missing(getattr(hashed, fact), failed)
    columns["format"] = pd.Series([hashed.formats.get(row) for row in rows], dtype=object)
    columns["detail"] = _with_missing(hashed.detail, failed)
    causes = {row: error.cause for row, error in hashed.errors.items()}
    columns["error"] = pd.Series([causes.get(row) for row in rows], dtype=object)
    table = pd.DataFrame(columns)
    if isinstance(images, pd.Series | pd.DataFrame):
        table.index = images.index
    return table


def _with_missing(numbers: NDArray[Any], failed: list[int]) -> pd.Series[Any]:
    column = pd.Series(numbers, dtype="Int64")
    column[failed] = pd.NA
    return column
