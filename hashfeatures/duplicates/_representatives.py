"""One image that represents each of its near duplicates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .._utils.descriptions import describe_value
from .._utils.frames import column_names, is_frame, list_column
from .._utils.stored_columns import rank_values, read_numbers
from .._utils.validation import refuse
from ..hamming._pairs import Rows
from ..hashing._batch import hash_sources
from ..hashing._spec import HashSpec
from ..images._decoding import Decoding
from ..images._read import read_whole
from ..images._sources import (
    count_bytes,
    describe_source,
    list_sources,
    name_source,
)
from ._pair_graph import CompactPairs, ask


class Representatives(NamedTuple):
    """What stands for each image if one of every few near duplicates is kept.

    Parameters
    ----------
    row : ndarray of shape (n_images,), dtype intp
        The row of the nearest image that is kept; of one that is kept, its own.
    distance : Series of shape (n_images,)
        How far that is in bits; missing if the finder counts none.
    """

    row: Rows
    distance: pd.Series[Any]


def choose_kept(
    graph: CompactPairs,
    images: Any,
    keep: Any = "largest",
    n_pixels: NDArray[np.int64] | None = None,
    max_pixels: int | None = None,
) -> Representatives:
    """Choose the images that are kept, as `drop_duplicates` does.

    Parameters
    ----------
    graph : CompactPairs
        Which images are near each other.
    images : container of image sources, or DataFrame
        As `drop_duplicates` takes them.
    keep : {"first", "largest"}, column name or callable, default="largest"
        As in `drop_duplicates`.
    n_pixels : ndarray of shape (n_images,), dtype int64, optional
        The sizes of the images, 0 where they are not known. Where no size is known,
        ``keep="largest"`` takes them from the columns "width" and "height" of `images`, and
        without these reads the near duplicates again.
    max_pixels : int, optional
        The most pixels that an image may have that is read again.

    Returns
    -------
    Representatives
        The image that represents each.
    """
    check_keep(keep, images)
    sources = list_sources(images, "drop_duplicates")
    rows = np.flatnonzero(graph.has_company())
    if n_pixels is None or not n_pixels[rows].any():
        if is_frame(images) and {"width", "height"} <= set(column_names(images)):
            sides = [
                read_numbers(pd.Series(list_column(images, name))) for name in ("width", "height")
            ]
            n_pixels = (sides[0] * sides[1]).fillna(0).to_numpy(dtype=np.int64)
        else:
            n_pixels = count_pixels(sources, rows, keep, max_pixels)
    return greedy_cover(graph, rank_candidates(images, sources, rows, keep, n_pixels))


def choose_outside(near: CompactPairs, rows: Rows) -> Rows:
    """Choose what stands for images that are to go: the nearest of those that stay.

    Parameters
    ----------
    near : CompactPairs
        Which images are near each other.
    rows : ndarray of shape (n_rows,), dtype intp
        The rows of the images that are to go; all others stay.

    Returns
    -------
    ndarray of shape (n_rows,), dtype intp
        For each image that is to go, the nearest near duplicate that stays, of equally near ones
        the first; -1 where all its near duplicates are to go as well, or it has none.
    """
    stays = np.setdiff1d(np.flatnonzero(near.codes >= 0), rows)
    chosen = np.full(near.n_codes, -1, dtype=np.intp)
    chosen[near.codes[stays[::-1]]] = stays[::-1]
    first = chosen.copy()
    codes = near.codes[rows]
    known = codes >= 0
    for asked, found in ask(near.near, np.unique(codes[known][first[codes[known]] < 0])):
        is_there = first[found.right] >= 0
        left, other = found.left[is_there], first[found.right[is_there]]
        order = np.lexsort((other, found.distance[is_there], left))
        places, nearest = np.unique(left[order], return_index=True)
        chosen[asked[places]] = other[order][nearest]
    return np.where(known, chosen[codes], -1)


def check_keep(keep: Any, images_or_frame: Any) -> None:
    """Raise unless `keep` is what `drop_duplicates` takes for such images."""
    if callable(keep) or (isinstance(keep, str) and keep in ("first", "largest")):
        return
    columns = column_names(images_or_frame) if is_frame(images_or_frame) else []
    if keep not in columns:
        here = f"here among {columns[:10]}" if columns else "of which these images have none"
        expected = (
            f"a str among {{'first', 'largest'}}, a callable, or the name of a column of the "
            f"frame, {here}"
        )
        raise refuse("drop_duplicates", "keep", expected, keep)


def rank_candidates(
    images_or_frame: Any,
    sources: Sequence[Any],
    rows: Rows,
    keep: Any,
    n_pixels: NDArray[np.int64],
) -> Rows:
    """Order rows so that those to be kept come before those that they stand for."""
    if callable(keep):
        scores = np.array([_score(keep, sources[row]) for row in rows], dtype=float)
        return rows[np.argsort(-scores, kind="stable")]
    if keep == "largest":
        names = np.array([name_source(sources[row]) or "" for row in rows])
        n_bytes = np.array([_count_bytes(sources[row]) for row in rows])
        return rows[np.lexsort((names, -n_bytes, -n_pixels[rows]))]
    if keep == "first":
        return rows
    values = rank_values(list_column(images_or_frame, keep)).iloc[rows]
    rank = values.rank(method="min", ascending=False, na_option="bottom").to_numpy()
    return rows[np.argsort(rank, kind="stable")]


def count_pixels(
    sources: Sequence[Any], rows: Rows, keep: Any, max_pixels: int | None
) -> NDArray[np.int64]:
    """Return the pixels of the images in `rows` where they matter, and zeros elsewhere."""
    n_pixels = np.zeros(len(sources), dtype=np.int64)
    if keep == "largest":
        doubtful = [sources[row] for row in rows]
        spec = HashSpec.parse("ahash")
        decoding = Decoding("reduced", max_pixels=max_pixels)
        hashes = hash_sources(doubtful, (spec,), decoding, errors="coerce")
        n_pixels[rows] = hashes.n_pixels()
    return n_pixels


def _score(keep: Any, source: Any) -> float:
    score = keep(source)
    try:
        return float(score)
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"The function keep must return a number for each image. Got {describe_value(score)} "
            f"for "
            f"{describe_source(source)}."
        ) from error


def _count_bytes(source: Any) -> int:
    return len(read_whole(source)) if hasattr(source, "read") else count_bytes(source) or 0


def greedy_cover(near: CompactPairs, order: Rows) -> Representatives:
    """Keep rows in the given order, and let each stand for those near it.

    Equal images count once: the first of them in the order is kept or is stood for, the others
    are near to whatever it is near to.
    """
    codes, firsts = np.unique(near.codes[order], return_index=True)
    best_row = np.full(near.n_codes, -1, dtype=np.intp)
    best_row[codes] = order[firsts]
    stand_in = np.arange(near.n_codes)
    reach = np.full(near.n_codes, np.iinfo(np.int64).max)
    waiting = near.codes[order[np.sort(firsts)]]
    for asked, found in ask(near.near, waiting, lambda some: stand_in[some] == some):
        ends = np.searchsorted(found.left, np.arange(len(asked) + 1))
        for code, start, end in zip(asked, ends[:-1], ends[1:], strict=True):
            if stand_in[code] != code:
                continue
            # No code kept before is among these: it would stand for this one.
            others, apart = found.right[start:end], found.distance[start:end]
            nearer = apart < reach[others]
            stand_in[others[nearer]] = code
            reach[others[nearer]] = apart[nearer]
    reach[stand_in == np.arange(near.n_codes)] = 0
    row = np.arange(len(near.codes))
    row[order] = best_row[stand_in[near.codes[order]]]
    bits = np.zeros(len(row), dtype=np.int64)
    bits[order] = reach[near.codes[order]]
    return Representatives(row, pd.Series(bits))


def first_of_each(labels: Rows, order: Rows) -> Representatives:
    """Keep the first row of each group in the given order, and let it stand for the others."""
    groups, firsts = np.unique(labels[order], return_index=True)
    row = np.arange(len(labels))
    if len(order):
        row[order] = order[firsts][np.searchsorted(groups, labels[order])]
    return Representatives(row, pd.Series(pd.NA, index=range(len(labels)), dtype="Int64"))
