"""Hashes as a plain table: hex strings, ``duplicated()``, look-ups and rankings."""

from __future__ import annotations

import os
from string import hexdigits
from typing import Any

import imagehash
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone

from .batch import hash_sources
from .bits import bits_to_hex, hex_to_words
from .containers import as_column
from .duplicates import tabulate_duplicates
from .exceptions import ParameterError
from .finder import NearDuplicateFinder
from .finder_hints import point_to_finder
from .grouping import check_finder, group_images
from .hashing.spec import HashSpec, layout_of, parse_hashes
from .hex_columns import HexColumn, read_column
from .images import Decoding
from .parameters import check_bool, check_choice, check_int, check_n_jobs, check_radius
from .sources import (
    check_container,
    column_names,
    is_frame,
    list_column,
    list_sources,
    pick_image_column,
)

# What a distance may count.
_UNITS = ("bits", "hex")


def hash_images(
    images: Any,
    hashes: Any = ("ahash", "phash", "dhash", "whash", "colorhash"),
    *,
    decode: str = "full",
    orient: bool = True,
    background: Any = "white",
    errors: str = "coerce",
    max_pixels: int | None = None,
    n_jobs: int | None = None,
    cache: Any = None,
    progress: bool = False,
) -> pd.DataFrame:
    """Make a table of perceptual hashes, one row an image.

    Parameters
    ----------
    images : list, tuple, 1-D array, Series or DataFrame of shape (n_images,)
        Image sources: paths, URLs, encoded images as bytes, open files, PIL images, uint8
        arrays, or mappings with "bytes" and "path".
    hashes, decode, orient, background, max_pixels, n_jobs, cache, progress
        As in `ImageHashFeaturizer`.
    errors : {"coerce", "raise"}, default="coerce"
        What becomes of an image that cannot be read. "coerce": its row has no hashes, the column
        "error" says why, and one `FailedImagesWarning` tells all that failed. "raise": an
        `ImageReadError` names it.

    Returns
    -------
    pandas.DataFrame
        With the index of `images`, if it has one, and the columns

        - "image": the sources as they were given;
        - one for each hash, named as in `hashes`: the hex string that
          ``str(imagehash.ImageHash)`` gives, missing where the image failed;
        - "width", "height": in pixels, as the image is seen;
        - "format": the file format, None for an image from memory;
        - "detail": how much structure the image has, 0 (flat) to 100, as the PDQ hash measures
          its quality: the gradients of the luma at 64 by 64. The hashes of images of little detail
          are alike and say nothing;
        - "error": None, or why the image could not be read.

    See Also
    --------
    ImageHashFeaturizer : The same hashes as bits.

    Notes
    -----
    pandas counts missing values as duplicates of each other. Where images failed, ask
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
    decoding = Decoding(decode, orient, background, max_pixels).check(name)
    check_choice(name, "errors", errors, {"raise", "coerce"})
    check_bool(name, "progress", progress)
    check_n_jobs(name, n_jobs)
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


@point_to_finder
def find_duplicates(images_or_table: Any, *, finder: Any = None) -> pd.DataFrame:
    """List the images that have near duplicates, group by group.

    Parameters
    ----------
    images_or_table : list, tuple, 1-D array, Series or DataFrame
        Image sources, or a table of `hash_images` with a column for each hash of the finder:
        then no image is read again. (The table holds no pixels, so of its images with less
        detail than `min_detail` none is a duplicate; and `hash_images` decodes in full where the
        finder decodes at reduced size, so that distances may differ by a bit or two.)
    finder : estimator with ``fit_predict(X) -> labels``, optional
        What says what a near duplicate is; None means ``NearDuplicateFinder()``. Of one that is
        fitted on just these images, which have not changed since, none is hashed again.

    Returns
    -------
    pandas.DataFrame
        One row an image of a group of two or more, groups and images in the order of the input,
        with its index. The columns are "group" (the label of the finder, as in `labels_`: single
        images are counted too), "image", and "distance": the Hamming distance in bits to the
        image's nearest near duplicate (missing if the finder counts none).

    Examples
    --------
    >>> from skimage import data
    >>> from hashfeatures import find_duplicates
    >>> find_duplicates([data.camera(), data.coins(), data.camera()])[["group", "distance"]]
       group  distance
    0      0         0
    2      0         0
    """
    images, index, table = _open_table(images_or_table, "find_duplicates")
    finder = check_finder(finder)
    if isinstance(finder, NearDuplicateFinder):
        fitted = finder
        if not finder._is_fitted_on(images if table is None else table):
            fitted = clone(finder)
            fitted = fitted.fit(images) if table is None else fitted.fit_table(table)
        labels = fitted.labels_
        distance = pd.Series(fitted._near.nearest())
    else:
        labels = group_images(images, finder)
        distance = pd.Series(pd.NA, index=range(len(labels)), dtype="Int64")
    return tabulate_duplicates(labels, list_sources(images, "find_duplicates"), distance, index)


def find_similar(
    images_or_table: Any,
    query: Any,
    *,
    by: str = "phash",
    n: int | None = None,
    unit: str = "bits",
) -> pd.DataFrame:
    """Rank images by their likeness to one image.

    Parameters
    ----------
    images_or_table : list, tuple, 1-D array, Series or DataFrame
        Image sources, or a table of `hash_images` with the column `by`: then no image is read
        again.
    query : image source, imagehash.ImageHash or str
        The image to compare with, or its hash: an ImageHash, or a hex string as the tables hold it
        (a string of just the digits of a hash is taken for one unless there is a file of that
        name).
    by : str, default="phash"
        The hash to compare by, as in `ImageHashFeaturizer`.
    n : int, optional
        How many images to return; None returns all.
    unit : {"bits", "hex"}, default="bits"
        What distances count: the bits that differ, or the hex digits, as a Hamming distance of the
        two strings does. A digit that differs stands for one to four bits, so digits tell less:
        use them to reproduce what was counted so.

    Returns
    -------
    pandas.DataFrame
        The columns "image", "hash" (the hex string) and "hamming_distance" (in `unit`), the most
        similar first, ties in the order of the input, with its index. Images without a hash are
        left out.

    See Also
    --------
    is_known : Whether an image is among others at all.
    from_hex : A table of hashes that were stored before.

    Raises
    ------
    ImageReadError
        If the query cannot be read.
    TypeError
        If there are several queries in one.

    Examples
    --------
    >>> from skimage import data
    >>> from hashfeatures import find_similar
    >>> images = [data.coins(), data.camera(), data.camera()[:, ::-1]]
    >>> find_similar(images, data.camera()[::2, ::2], n=2)[["hamming_distance"]]
       hamming_distance
    1                 0
    ...
    """
    name = "find_similar"
    spec = HashSpec.parse(by)
    if n is not None:
        check_int(name, "n", n, 1)
    check_choice(name, "unit", unit, _UNITS)
    images, index, hashes, known, asked = _find_hashes(images_or_table, query, spec, name)
    distance = known.distances(asked, unit)
    nearest = _order(distance)[:n]
    rows = known.rows[nearest]
    similar = pd.DataFrame(
        {
            "image": as_column(_pick(images, rows, name)),
            "hash": hashes.iloc[rows].tolist(),
            "hamming_distance": distance[nearest],
        }
    ).set_axis(index[rows])
    similar.attrs["unit"] = unit
    return similar


def is_known(images_or_table: Any, image: Any, by: str = "phash", *, radius: int = 0) -> bool:
    """Tell whether an image is already among others.

    Parameters
    ----------
    images_or_table : list, tuple, 1-D array, Series or DataFrame
        Image sources, or a table of `hash_images` with the column `by`: then no image is read
        again.
    image : image source, imagehash.ImageHash or str
        The image to look for, or its hash, as in `find_similar`.
    by : str, default="phash"
        The hash to compare by, as in `ImageHashFeaturizer`.
    radius : int, default=0
        The greatest Hamming distance, in bits, of an image that counts as the same. 0: the hash
        itself must be in the table.

    Returns
    -------
    bool
        Whether an image within the radius is there.

    Raises
    ------
    ImageReadError
        If the image cannot be read.
    TypeError
        If there are several images in one.

    Examples
    --------
    >>> from skimage import data
    >>> from hashfeatures import hash_images, is_known
    >>> table = hash_images([data.camera(), data.coins()], ["ahash", "phash"])
    >>> is_known(table, data.coins()[::2, ::2], by="ahash", radius=2)
    True
    >>> is_known(table, data.moon(), by="ahash")
    False
    """
    name = "is_known"
    spec = HashSpec.parse(by)
    check_radius(name, radius, spec.n_bits)
    *_, known, asked = _find_hashes(images_or_table, image, spec, name)
    return bool((known.distances(asked, "bits") <= radius).any())


def _find_hashes(
    images_or_table: Any, query: Any, spec: HashSpec, owner: str
) -> tuple[Any, pd.Index[Any], pd.Series[Any], HexColumn, NDArray[np.uint64]]:
    """Return images, their index, and their hashes: of the table, or made now; and the query's.

    A query that cannot be read is found before any image is hashed.
    """
    images, index, table = _open_table(images_or_table, owner)
    if table is None:
        asked = _query_words(query, spec, owner)
        column = hash_images(images, [str(spec)])[str(spec)]
        return images, index, column, HexColumn.read(column, spec.n_bits), asked
    if str(spec) not in table.columns:
        raise ParameterError(
            f"The table has no column {str(spec)!r} to compare by: make it by "
            f"hash_images(images, [{str(spec)!r}]), or choose another hash with by=..."
        )
    column = table[str(spec)]
    known = read_column(images_or_table, column, spec.n_bits)
    return images, index, column, known, _query_words(query, spec, owner)


def _pick(images: Any, rows: NDArray[np.intp], owner: str) -> list[Any]:
    """Return some of the sources that a container holds."""
    if isinstance(images, pd.Series):
        return images.iloc[rows].to_list()
    sources = list_sources(images, owner)
    return [sources[row] for row in rows]


def _order(distance: NDArray[np.int64]) -> NDArray[np.intp]:
    """Return the places of distances, the least first; ties in order."""
    if distance.max(initial=0) <= np.iinfo(np.uint16).max:
        distance = distance.astype(np.uint16)  # numpy sorts short integers by their digits
    return np.argsort(distance, kind="stable")


def _query_words(query: Any, spec: HashSpec, owner: str) -> NDArray[np.uint64]:
    if isinstance(query, list | tuple | pd.Series | pd.DataFrame):
        raise TypeError(
            f"{owner} looks for one image at a time. Got a {type(query).__name__} of "
            f"{len(query)}. For many at once: NearDuplicateFinder().fit(images).matches(queries)."
        )
    if isinstance(query, imagehash.ImageHash) or is_hex(query, spec.n_bits):
        digits = [query]
    else:
        digits = bits_to_hex(hash_sources([query], (spec,), Decoding()).bits()).tolist()
    (words,) = hex_to_words(digits, spec.n_bits)
    return np.asarray(words)


def is_hex(query: Any, n_bits: int) -> bool:
    """Tell whether a query is the digits of a hash, and no file of that name."""
    if not isinstance(query, str) or len(query) != -(-n_bits // 4):
        return False
    return set(hexdigits).issuperset(query) and not os.path.exists(query)


def _open_table(
    images_or_table: Any, owner: str
) -> tuple[Any, pd.Index[Any], pd.DataFrame | None]:
    """Return the images, the index, and the table where hashes stand beside the images."""
    check_container(images_or_table, owner)
    if is_frame(images_or_table):
        frame = images_or_table
        if not isinstance(frame, pd.DataFrame):  # polars
            columns = {name: as_column(list_column(frame, name)) for name in column_names(frame)}
            frame = pd.DataFrame(
                {name: column.infer_objects() for name, column in columns.items()}
            )
        has_hashes = any(map(_is_hash, frame.columns))
        images = frame[pick_image_column(images_or_table, owner)]
        return images, frame.index, frame if has_hashes else None
    if isinstance(images_or_table, pd.Series):
        return images_or_table, images_or_table.index, None
    return images_or_table, pd.RangeIndex(len(list_sources(images_or_table, owner))), None


def _is_hash(column: object) -> bool:
    try:
        HashSpec.parse(column)  # type: ignore[arg-type]
    except ParameterError:
        return False
    return True
