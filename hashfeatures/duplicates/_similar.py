"""Look-ups and rankings by the hashes of a table or of images."""

from __future__ import annotations

import os
from string import hexdigits
from typing import Any

import imagehash
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .._utils.containers import as_column
from .._utils.docstrings import fill_in_parameters
from .._utils.frames import column_names, is_frame, list_column
from .._utils.validation import (
    check_bool,
    check_choice,
    check_int,
    check_radius,
)
from ..exceptions import ParameterError
from ..hashing._batch import hash_sources
from ..hashing._hash_table import hash_images
from ..hashing._hex import bits_to_hex, hex_to_words
from ..hashing._spec import HashSpec, is_hash
from ..images._decoding import Decoding
from ..images._gather import gather_images
from ..images._sources import check_container, list_sources, pick_image_column
from ._finder import NearDuplicateFinder
from ._hex_columns import HexColumn, read_column
from ._pixel_comparison import compare_with

# What a distance may count.
_UNITS = ("bits", "hex")


@fill_in_parameters
def find_similar(
    images: Any,
    query: Any,
    *,
    by: str = "phash",
    n: int | None = None,
    unit: str = "bits",
) -> pd.DataFrame:
    """Rank images by their similarity to one image.

    Read more in the :doc:`User Guide </user-guide/tables>`.

    Parameters
    ----------
    $images
        A table of `hash_images` with the column `by` is compared by these hashes, and no image is
        read again.
    query : image source, imagehash.ImageHash or str
        The image to compare with, or its hash: an ImageHash, or a hex string. A string of as many
        hex digits as the hash has is a hash, unless a file of that name exists.
    by : str, default="phash"
        The hash to compare by, as in `ImageHashFeaturizer`.
    n : int, default=None
        The number of images to return; None returns all.
    unit : {"bits", "hex"}, default="bits"
        The unit of distances. "bits" counts the bits that differ. "hex" counts the hex digits that
        differ, as a Hamming distance of the two strings does. A digit stands for one to four
        bits, so use digits only to reproduce distances that were counted that way.

    Returns
    -------
    pandas.DataFrame
        The columns "image", "hash" (the hex string) and "hamming_distance" (in `unit`), with the
        index of the input. The most similar images come first, ties in the order of the input.
        Images without a hash are left out.

    Raises
    ------
    ImageReadError
        If the query cannot be read.
    TypeError
        If the query is a container of several.

    See Also
    --------
    is_known : Returns whether an image is among others at all.
    from_hex : A table of hashes that were stored before.

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
    images = gather_images(images)
    images, index, hashes, known, asked = _find_hashes(images, query, spec, name)
    distance = known.distances(asked, unit)
    nearest = _order(distance)[:n]
    rows = known.rows[nearest]
    return pd.DataFrame(
        {
            "image": as_column(_pick(images, rows, name)),
            "hash": hashes.iloc[rows].tolist(),
            "hamming_distance": distance[nearest],
        }
    ).set_axis(index[rows])


@fill_in_parameters
def is_known(
    images: Any, image: Any, *, by: str = "phash", radius: int = 0, verify: bool = True
) -> bool:
    """Return whether an image is already among others.

    Read more in the :doc:`User Guide </user-guide/tables>`.

    Parameters
    ----------
    $images
        A table of `hash_images` with the column `by` is compared by these hashes, and no image is
        read again.
    image : image source, imagehash.ImageHash or str
        The image to look for, or its hash, as in `find_similar`.
    by : str, default="phash"
        The hash to compare by, as in `ImageHashFeaturizer`.
    radius : int, default=0
        The greatest Hamming distance, in bits, of an image that counts as the same. With 0, the
        hash itself must be among those of the images.
    verify : bool, default=True
        Whether the pixels must confirm an image within the radius, as in `NearDuplicateFinder`.
        The images within the radius are then read again. A table of hashes holds no pixels, and a
        hash shows none: they are compared by hashes alone.

    Returns
    -------
    bool
        Whether an image within the radius is there.

    Raises
    ------
    ImageReadError
        If the image cannot be read.
    TypeError
        If the image is a container of several.

    See Also
    --------
    find_similar : Ranks the images by their distance.
    NearDuplicateFinder.matches : Looks up many images at once.

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
    check_bool(name, "verify", verify)
    images = gather_images(images)
    shown, _, _, known, asked = _find_hashes(images, image, spec, name)
    near = known.rows[known.distances(asked, "bits") <= radius]
    has_pixels = not _is_hash(image, spec) and open_table(images, name)[2] is None
    if not (verify and has_pixels):
        return bool(len(near))
    compared = compare_with(image, _pick(shown, near, name), NearDuplicateFinder())
    return any(each.is_confirmed for each in compared)


def _find_hashes(
    images: Any, query: Any, spec: HashSpec, caller: str
) -> tuple[Any, pd.Index[Any], pd.Series[Any], HexColumn, NDArray[np.uint64]]:
    """Return images, their index, and their hashes: of the table, or made now; and the query's.

    A query that cannot be read is found before any image is hashed.
    """
    shown, index, table = open_table(images, caller)
    if table is None:
        asked = _query_words(query, spec, caller)
        column = hash_images(shown, [str(spec)])[str(spec)]
        return shown, index, column, HexColumn.read(column, spec.n_bits), asked
    if str(spec) not in table.columns:
        raise ParameterError(
            f"The table has no column {str(spec)!r} to compare by: make it by "
            f"hash_images(images, [{str(spec)!r}]), or choose another hash with by=..."
        )
    column = table[str(spec)]
    known = read_column(images, column, spec.n_bits)
    return shown, index, column, known, _query_words(query, spec, caller)


def _pick(images: Any, rows: NDArray[np.intp], caller: str) -> list[Any]:
    """Return some of the sources that a container holds."""
    if isinstance(images, pd.Series):
        return images.iloc[rows].to_list()
    sources = list_sources(images, caller)
    return [sources[row] for row in rows]


def _order(distance: NDArray[np.int64]) -> NDArray[np.intp]:
    """Return the places of distances in ascending order; ties stay in order."""
    if distance.max(initial=0) <= np.iinfo(np.uint16).max:
        distance = distance.astype(np.uint16)  # numpy sorts short integers by their digits
    return np.argsort(distance, kind="stable")


def _query_words(query: Any, spec: HashSpec, caller: str) -> NDArray[np.uint64]:
    if isinstance(query, list | tuple | pd.Series | pd.DataFrame):
        raise TypeError(
            f"{caller} looks for one image at a time. Got a {type(query).__name__} of "
            f"{len(query)}. For many at once: NearDuplicateFinder().fit(images).matches(queries)."
        )
    if _is_hash(query, spec):
        digits = [query]
    else:
        digits = bits_to_hex(hash_sources([query], (spec,), Decoding()).bits()).tolist()
    (words,) = hex_to_words(digits, spec.n_bits)
    return np.asarray(words)


def _is_hash(query: Any, spec: HashSpec) -> bool:
    """Return whether a query is a hash, and not an image."""
    return isinstance(query, imagehash.ImageHash) or is_hex(query, spec.n_bits)


def is_hex(query: Any, n_bits: int) -> bool:
    """Return whether a query is the digits of a hash, and not the name of a file."""
    if not isinstance(query, str) or len(query) != -(-n_bits // 4):
        return False
    return set(hexdigits).issuperset(query) and not os.path.exists(query)


def open_table(images: Any, caller: str) -> tuple[Any, pd.Index[Any], pd.DataFrame | None]:
    """Return the images and the index, and the table if it holds hashes too."""
    check_container(images, caller)
    if is_frame(images):
        frame = images
        if not isinstance(frame, pd.DataFrame):  # polars
            columns = {name: as_column(list_column(frame, name)) for name in column_names(frame)}
            frame = pd.DataFrame(
                {name: column.infer_objects() for name, column in columns.items()}
            )
        has_hashes = any(map(is_hash, frame.columns))
        column = frame[pick_image_column(images, caller)]
        return column, frame.index, frame if has_hashes else None
    if isinstance(images, pd.Series):
        return images, images.index, None
    return images, pd.RangeIndex(len(list_sources(images, caller))), None
