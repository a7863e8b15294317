"""Hashes as a plain table: hex strings, ``duplicated()``, look-ups and rankings."""

from __future__ import annotations

import os
from string import hexdigits
from typing import Any

import imagehash
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .._utils.containers import as_column
from .._utils.frames import column_names, is_frame, list_column
from .._utils.validation import (
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
from ..images._sources import check_container, image_column, list_sources
from ._hex_columns import HexColumn, read_column

# What a distance may count.
_UNITS = ("bits", "hex")


def find_similar(
    images: Any,
    query: Any,
    *,
    by: str = "phash",
    n: int | None = None,
    unit: str = "bits",
) -> pd.DataFrame:
    """Rank images by their likeness to one image.

    Parameters
    ----------
    images : list, tuple, 1-D array, Series or DataFrame
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


def is_known(images: Any, image: Any, *, by: str = "phash", radius: int = 0) -> bool:
    """Tell whether an image is already among others.

    Parameters
    ----------
    images : list, tuple, 1-D array, Series or DataFrame
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
    *_, known, asked = _find_hashes(images, image, spec, name)
    return bool((known.distances(asked, "bits") <= radius).any())


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
    """Return the places of distances, the least first; ties in order."""
    if distance.max(initial=0) <= np.iinfo(np.uint16).max:
        distance = distance.astype(np.uint16)  # numpy sorts short integers by their digits
    return np.argsort(distance, kind="stable")


def _query_words(query: Any, spec: HashSpec, caller: str) -> NDArray[np.uint64]:
    if isinstance(query, list | tuple | pd.Series | pd.DataFrame):
        raise TypeError(
            f"{caller} looks for one image at a time. Got a {type(query).__name__} of "
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


def open_table(images: Any, caller: str) -> tuple[Any, pd.Index[Any], pd.DataFrame | None]:
    """Return the images, the index, and the table where hashes stand beside the images."""
    check_container(images, caller)
    if is_frame(images):
        frame = images
        if not isinstance(frame, pd.DataFrame):  # polars
            columns = {name: as_column(list_column(frame, name)) for name in column_names(frame)}
            frame = pd.DataFrame(
                {name: column.infer_objects() for name, column in columns.items()}
            )
        has_hashes = any(map(is_hash, frame.columns))
        column = image_column(frame, caller)
        return column, frame.index, frame if has_hashes else None
    if isinstance(images, pd.Series):
        return images, images.index, None
    return images, pd.RangeIndex(len(list_sources(images, caller))), None
