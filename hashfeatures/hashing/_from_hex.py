"""Tables of hashes that this package or another one stored."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

import imagehash
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .._utils.containers import as_column, check_length
from .._utils.descriptions import describe_value
from .._utils.frames import is_missing
from .._utils.regular_files import open_regular
from .._utils.validation import check_choice, refuse
from ..images._sources import list_sources
from ._hex import bits_to_hex, hex_to_bits
from ._spec import HashSpec

ORIGINS = ("imagehash", "imagehash3", "imagededup", "pdq")


def from_hex(
    hashes: Any, by: str = "phash", *, origin: str = "imagehash", images: Any = None
) -> pd.DataFrame:
    """Make a table from hashes that were stored as hex strings.

    Every function that takes a table of `hash_images` also takes this one: `find_similar`,
    `is_known`, `find_duplicates` with a finder for the hash, ``duplicated()``.

    Read more in the :doc:`User Guide </user-guide/tables>`.

    Parameters
    ----------
    hashes : mapping, Series, list, tuple, 1-D array, or path of a JSON file
        The hex strings, or ImageHash objects. The keys of a mapping name the images, as in the
        result of imagededup's ``encode_images`` and in its ``encodings.json``. The index of a
        Series names them too. Missing hashes (None, NaN) stay missing.
    by : str, default="phash"
        The name of the hash, as in `ImageHashFeaturizer`. With ``origin="pdq"`` it is "pdq".
    origin : {"imagehash", "imagehash3", "imagededup", "pdq"}, default="imagehash"
        The format of the strings. "imagehash" is that of ``str(imagehash.ImageHash)`` in
        ImageHash 4 and of `hash_images`. "imagehash3" is that of ImageHash up to 3.7, with the
        bits of each byte in the opposite order. "imagededup" has the same format as "imagehash".
        Its algorithms differ from ImageHash's in details, so compare its hashes with other hashes
        only within a radius. "pdq" stands for PDQ hashes of 64 digits.
    images : container of shape (n_images,), default=None
        The values of the column "image" if `hashes` names no images. By default the positions.

    Returns
    -------
    pandas.DataFrame
        The columns "image" and `by`, with hex strings as ImageHash 4 prints them. The index is
        that of a Series, or counts from 0.

    Raises
    ------
    ValueError
        If a string is not such a hash. The message names its row.

    See Also
    --------
    hash_images : Makes such a table from images.
    find_similar : Ranks the hashes of a table by their distance to one.

    Examples
    --------
    >>> from hashfeatures import find_similar, from_hex
    >>> stored = {"a.jpg": "333e9f8981c3c3e3", "b.jpg": "fe86c38181c1c3c7"}
    >>> table = from_hex(stored, "ahash")
    >>> find_similar(table, "fe86c38181c1c3c6", by="ahash")[["image", "hamming_distance"]]
       image  hamming_distance
    1  b.jpg                 1
    0  a.jpg                18
    """
    name = "from_hex"
    check_choice(name, "origin", origin, ORIGINS)
    spec = HashSpec.parse("pdq" if origin == "pdq" else by)
    if origin == "imagehash3" and spec.n_bits % 8:
        expected = (
            f"a hash of whole bytes with origin='imagehash3', and {str(spec)!r} has {spec.n_bits} "
            f"bits (origin='imagehash' reads it)"
        )
        raise refuse(name, "by", expected, by)
    strings, named = _list_hashes(hashes, name)
    if images is not None:
        named = list_sources(images, name)
        check_length("images", named, len(strings))
    bits = _read(strings, spec)
    if origin == "imagehash3":
        bits = np.ascontiguousarray(bits.reshape(-1, 8)[:, ::-1]).reshape(bits.shape)
    column = bits_to_hex(bits)
    column[[row for row, string in enumerate(strings) if is_missing(string)]] = None
    table = pd.DataFrame(
        {"image": as_column(named), str(spec): column.tolist() or pd.Series(dtype=object)}
    )
    if isinstance(hashes, pd.Series):
        table.index = hashes.index
    return table


def _list_hashes(hashes: Any, caller: str) -> tuple[list[Any], list[Any]]:
    """Return hashes and the images that they belong to."""
    if isinstance(hashes, str | os.PathLike):
        if not os.path.exists(hashes):
            expected = "the path of a JSON file that exists, or a container of hashes"
            raise refuse(caller, "hashes", expected, hashes)
        with open_regular(hashes) as file:
            hashes = json.load(file)
    if isinstance(hashes, Mapping):
        return list(hashes.values()), list(hashes)
    if isinstance(hashes, pd.Series):
        return hashes.tolist(), hashes.index.tolist()
    strings = list_sources(hashes, caller)
    return strings, list(range(len(strings)))


def _read(strings: list[Any], spec: HashSpec) -> NDArray[np.uint8]:
    """Return the bits of hashes, with zeros where one is missing."""
    nothing = "0" * -(-spec.n_bits // 4)
    texts = []
    for row, string in enumerate(strings):
        if not is_missing(string) and not isinstance(string, str | imagehash.ImageHash):
            raise ValueError(
                f"Row {row} is not a hash: expected a hex string, got {type(string).__name__} "
                f"{describe_value(string)}. Read columns of digits as text: "
                f"pd.read_csv(..., dtype=str)."
            )
        texts.append(nothing if is_missing(string) else str(string).strip())
    try:
        return hex_to_bits(texts, spec.n_bits)
    except ValueError as error:
        raise ValueError(
            f"{error} It was read as {str(spec)!r}: say by=... for another."
        ) from None
