"""The fingerprints of images in the parts of a stage of hashes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...duplicates.fingerprints._base import digest
from ...duplicates.fingerprints._computed import ComputedHashes
from ...duplicates.fingerprints._fingerprints import Fingerprints
from ...duplicates.fingerprints._from_hashes import read_fingerprints as from_hashes
from ...exceptions import ImageReadError
from ...hashing._hash_arrays import HashArrays
from .._hash_stage import DIGEST_BYTES, FINGERPRINT, HashPlan, column_widths
from .._stages import Stage


def read_fingerprints(
    stage: Stage,
    name: str,
    computed: ComputedHashes | None = None,
    rows: NDArray[np.intp] | None = None,
) -> Fingerprints:
    """Read the fingerprints of the images of a part.

    Parameters
    ----------
    stage : Stage
        The directory of hashes.
    name : str
        The part.
    computed : ComputedHashes, optional
        What of the stored hashes to read; all of them by default.
    rows : ndarray of shape (n_rows,), dtype intp, optional
        The rows of the part to return; all of them by default.

    Returns
    -------
    Fingerprints
        Row i is the image in row i, or that in row ``rows[i]``.
    """
    if computed is None:
        computed = HashPlan.of_settings(stage.settings).computed
    columns = [*column_widths(computed), "digest"]
    table = stage.read(name, columns)
    return fingerprints_of(table if rows is None else table.take(rows), computed)


def fingerprints_of(table: Any, computed: ComputedHashes) -> Fingerprints:
    """Return the fingerprints in a pyarrow.Table with the columns of `computed` and "digest"."""
    hashes = HashArrays(computed.specs)
    hashes.n_images = len(table)
    hashes.codes = _bytes_of(table, column_widths(computed))
    is_read = table.column("codes").is_valid().to_numpy()
    # Only which rows failed matters here.
    hashes.errors = {int(row): ImageReadError("", "") for row in np.flatnonzero(~is_read)}
    digests = table.column("digest")
    low_detail = np.flatnonzero(digests.is_valid().to_numpy())
    hashes.digests = dict(zip(low_detail.tolist(), digests.drop_null().to_pylist(), strict=True))
    return from_hashes(computed, hashes)


def read_keys(
    stage: Stage,
    name: str,
    computed: ComputedHashes,
    rows: NDArray[np.intp] | None = None,
) -> NDArray[np.uint64]:
    """Read two words for each image of a part that are equal for images compared as equals.

    Parameters
    ----------
    stage : Stage
        The directory of hashes.
    name : str
        The part.
    computed : ComputedHashes
        What of the stored hashes is compared.
    rows : ndarray of shape (n_images,), dtype intp, optional
        The rows of the part to look at; all of them by default.

    Returns
    -------
    ndarray of shape (n_images, 2), dtype uint64
        Zeros for an image that is not compared by its hashes.
    """
    stored = HashPlan.of_settings(stage.settings).computed
    if stored == computed and FINGERPRINT in stage.columns(name):
        table = stage.read(name, [FINGERPRINT])
        table = table if rows is None else table.take(rows)
        return _bytes_of(table, {FINGERPRINT: DIGEST_BYTES}).view(np.uint64)
    widths = column_widths(computed)
    table = stage.read(name, [*widths, "digest"])
    table = table if rows is None else table.take(rows)
    codes = _bytes_of(table, widths)
    keys = digest([row.tobytes() for row in codes]).copy()
    is_read = table.column("codes").is_valid().to_numpy()
    keys[~is_read | table.column("digest").is_valid().to_numpy()] = 0
    return keys


def _bytes_of(table: Any, widths: dict[str, int]) -> NDArray[np.uint8]:
    """Return columns of bytes side by side, with zeros where a row is null."""
    content = np.zeros((len(table), sum(widths.values())), dtype=np.uint8)
    start = 0
    for name, width in widths.items():
        column = table.column(name)
        is_valid = column.is_valid().to_numpy()
        joined = _bytes_of_chunks(column.drop_null().chunks, width)
        content[is_valid, start : start + width] = joined
        start += width
    return content


def _bytes_of_chunks(chunks: Sequence[Any], width: int) -> NDArray[np.uint8]:
    parts = [np.zeros((0, width), dtype=np.uint8)]
    for chunk in chunks:
        content = np.frombuffer(chunk.buffers()[1], dtype=np.uint8)
        start = chunk.offset * width
        parts.append(content[start : start + len(chunk) * width].reshape(-1, width))
    return np.concatenate(parts)
