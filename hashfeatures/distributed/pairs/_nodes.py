"""The images of a stage that are compared: the first of those with equal fingerprints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...duplicates.fingerprints._computed import ComputedHashes
from ...hamming._unique_codes import UniqueCodes
from .._stages import Stage
from ..hashes._stored_fingerprints import read_fingerprints, read_keys


class NodeKeys(NamedTuple):
    """By what equal images of two stages are recognized.

    Parameters
    ----------
    words : ndarray of shape (n_nodes, n_columns), dtype uint64
        Words that are equal for images that are compared as equals.
    n_pixels : ndarray of shape (n_nodes,), dtype int64
        The size of the first image of each node; 0 if no pixels are compared.
    first_of_pixels : dict of bytes to int
        The first of the images of too little detail with the same pixels, by their digest.
    """

    words: NDArray[np.uint64]
    n_pixels: NDArray[np.int64]
    first_of_pixels: dict[bytes, int]


class Nodes(NamedTuple):
    """The images of a stage, of which equal ones share a node.

    Parameters
    ----------
    rows : ndarray of shape (n_nodes,), dtype intp
        The first image of each node that is compared by its hashes, ascending.
    words : ndarray of shape (n_nodes, n_words), dtype uint64, or None
        The packed bits of their hashes. None if several views of each are compared.
    firsts, copies : ndarray of shape (n_copies,), dtype intp
        Each further image of a node, and the first one. They also hold images of too little
        detail that have equal pixels.
    is_same_size : ndarray of shape (n_copies,), dtype bool
        Whether nothing distinguishes the two. Their sizes may differ if borders were cut off.
    keys : NodeKeys or None
        By what nodes of another stage are recognized as equal, if that is wanted.
    """

    rows: NDArray[np.intp]
    words: NDArray[np.uint64] | None
    firsts: NDArray[np.intp]
    copies: NDArray[np.intp]
    is_same_size: NDArray[np.bool_]
    keys: NodeKeys | None


def read_nodes(
    hashed: Stage,
    parts: Sequence[tuple[str, int]],
    computed: ComputedHashes,
    *,
    with_keys: bool = False,
) -> Nodes:
    """Find the equal images of a stage, reading one part after the other.

    Parameters
    ----------
    hashed : Stage
        The directory of hashes.
    parts : sequence of (str, int)
        Its parts in the order that numbers the images, and the number of images in each.
    computed : ComputedHashes
        What is compared.
    with_keys : bool, default=False
        Whether to return by what nodes are equal, which takes memory.

    Returns
    -------
    Nodes
        The nodes.
    """
    by_hashes = replace(computed, has_colors=False, has_thumbnails=False)
    has_words = computed.views == "identity"
    is_plain = has_words and computed == by_hashes
    n_images = sum(n_rows for _, n_rows in parts)
    words = np.zeros((n_images if has_words else 0, -(-computed.n_bits // 64)), dtype=np.uint64)
    keys = words if is_plain else np.zeros((n_images, 2), dtype=np.uint64)
    comparable = np.zeros(n_images, dtype=bool)
    n_pixels = np.zeros(n_images if computed.has_thumbnails else 0, dtype=np.int64)
    blank = _EqualPixels()
    first = 0
    for name, n_rows in parts:
        rows = slice(first, first + n_rows)
        if has_words:
            fingerprints = read_fingerprints(hashed, name, by_hashes)
            words[rows], comparable[rows] = fingerprints.words, fingerprints.comparable
            places = np.flatnonzero(fingerprints.low_detail)
            digests = [digest.tobytes() for digest in fingerprints.pixel_digests[places]]
        else:
            column = hashed.read(name, ["digest"]).column("digest")
            places = np.flatnonzero(column.is_valid().to_numpy())
            digests = column.drop_null().to_pylist()
        blank.add(first + places, digests)
        if not is_plain:
            keys[rows] = read_keys(hashed, name, computed)
            comparable[rows] = keys[rows].any(axis=1)
        if computed.has_thumbnails:
            n_pixels[rows] = read_sizes(hashed, name)
        first += n_rows
    present = np.flatnonzero(comparable)
    unique = UniqueCodes(keys if len(present) == n_images else keys[present], present)
    rows_of = present[unique.firsts]
    is_copy = np.ones(len(present), dtype=bool)
    is_copy[unique.firsts] = False
    again = np.flatnonzero(is_copy)
    left, right = rows_of[unique.numbers[again]], present[again]
    is_same_size = np.ones(len(again) + len(blank.copies), dtype=bool)
    if computed.has_thumbnails:
        is_same_size[: len(again)] = n_pixels[left] == n_pixels[right]
    node_keys = None
    if with_keys:
        sizes = n_pixels[rows_of] if computed.has_thumbnails else np.zeros(len(rows_of), np.int64)
        node_keys = NodeKeys(unique.codes, sizes, blank.first_of)
    return Nodes(
        rows_of,
        (unique.codes if is_plain else words[rows_of]) if has_words else None,
        np.concatenate([left, np.array(blank.firsts, dtype=np.intp)]),
        np.concatenate([right, np.array(blank.copies, dtype=np.intp)]),
        is_same_size,
        node_keys,
    )


def read_sizes(hashed: Stage, name: str) -> NDArray[np.int64]:
    """Read the number of pixels of each image of a part; 0 where it is not known."""
    table = hashed.read(name, ["width", "height"])
    width, height = (column.fill_null(0).to_numpy().astype(np.int64) for column in table.columns)
    n_pixels: NDArray[np.int64] = width * height
    return n_pixels


class _EqualPixels:
    """The images of too little detail whose pixels are those of an earlier one."""

    def __init__(self) -> None:
        self.firsts: list[int] = []
        self.copies: list[int] = []
        self.first_of: dict[bytes, int] = {}

    def add(self, rows: NDArray[np.intp], digests: Sequence[bytes]) -> None:
        """Add images by their numbers and the digests of their pixels."""
        for row, digest in zip(rows.tolist(), digests, strict=True):
            earlier = self.first_of.setdefault(digest, row)
            if earlier != row:
                self.firsts.append(earlier)
                self.copies.append(row)
