"""One image that represents each of its near duplicates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .._utils.descriptions import describe_value
from .._utils.frames import column_names, list_column
from .._utils.stored_columns import rank_values, read_numbers
from .._utils.validation import refuse
from ..hamming._pairs import Pairs, Rows
from ..hashing._batch import hash_sources
from ..hashing._spec import HashSpec
from ..images._decoding import Decoding
from ..images._open import read_whole
from ..images._sources import (
    count_bytes,
    describe_source,
    image_column,
    list_sources,
    name_source,
)
from ._described_pairs import DescribePairs
from ._labels import Labels
from ._pair_graph import PairGraph
from ._pair_search import find_neighbors


class Representatives(NamedTuple):
    """The image that represents each image if the near duplicates of kept images are left out.

    Parameters
    ----------
    row : ndarray of shape (n_images,), dtype intp
        The row of the nearest image that is kept; that of the image itself if it is kept.
    distance : Series of shape (n_images,)
        The distance to it in bits.
    """

    row: Rows
    distance: pd.Series[Any]


def choose_kept(
    graph: PairGraph,
    images: Any,
    keep: Any = "largest",
    n_pixels: NDArray[np.int64] | None = None,
    max_pixels: int | None = None,
) -> Representatives:
    """Choose the images that are kept, as `drop_duplicates` does.

    Parameters
    ----------
    graph : PairGraph
        Which images are near each other.
    images : container of image sources, or DataFrame
        As `drop_duplicates` takes them.
    keep : {"first", "largest"}, column name or callable, default="largest"
        As in `drop_duplicates`.
    n_pixels : ndarray of shape (n_images,), dtype int64, optional
        The sizes of the images; 0 where they are not known. If none is known, ``keep="largest"``
        takes the sizes from the columns "width" and "height" of `images`, or else reads the near
        duplicates again.
    max_pixels : int, optional
        The most pixels that an image may have that is read again.

    Returns
    -------
    Representatives
        The image that represents each.
    """
    check_keep(keep, images)
    sources = list_sources(image_column(images, "drop_duplicates"), "drop_duplicates")
    rows = graph.rows_with_duplicates()
    if n_pixels is None or not n_pixels[rows].any():
        if {"width", "height"} <= set(column_names(images)):
            sides = [
                read_numbers(pd.Series(list_column(images, name))) for name in ("width", "height")
            ]
            n_pixels = (sides[0] * sides[1]).fillna(0).to_numpy(dtype=np.int64)
        else:
            n_pixels = count_pixels(sources, rows, keep, max_pixels)
    return greedy_cover(graph, rank_candidates(images, sources, rows, keep, n_pixels))


def choose_outside(graph: PairGraph, rows: Rows) -> Representatives:
    """Choose the representatives of images to remove: the nearest of those that stay.

    Parameters
    ----------
    graph : PairGraph
        Which images are near each other.
    rows : ndarray of shape (n_rows,), dtype intp
        The rows of the images to remove; all others stay.

    Returns
    -------
    Representatives
        For each image to remove, the nearest near duplicate that stays, and of equally near ones
        the first; -1 and a distance of -1 where no near duplicate stays.
    """
    nodes_of_all = graph.node_of_image
    stays = np.setdiff1d(np.flatnonzero(nodes_of_all >= 0), rows)
    chosen = np.full(graph.n_nodes, -1, dtype=np.intp)
    chosen[nodes_of_all[stays[::-1]]] = stays[::-1]
    first, apart = chosen.copy(), np.where(chosen < 0, -1, 0)
    nodes = nodes_of_all[rows]
    known = nodes >= 0
    without = np.unique(nodes[known][first[nodes[known]] < 0])
    for asked, found in find_neighbors(graph.edges, without):
        is_there = first[found.right] >= 0
        left, other = found.left[is_there], first[found.right[is_there]]
        order = np.lexsort((other, found.distance[is_there], left))
        places, nearest = np.unique(left[order], return_index=True)
        chosen[asked[places]] = other[order][nearest]
        apart[asked[places]] = found.distance[is_there][order][nearest]
    row, distance = (np.where(known, of_node[nodes], -1) for of_node in (chosen, apart))
    return Representatives(row, pd.Series(distance))


def check_keep(keep: Any, images: Any) -> None:
    """Raise unless `drop_duplicates` takes this `keep` for such images."""
    if callable(keep) or (isinstance(keep, str) and keep in ("first", "largest")):
        return
    columns = column_names(images)
    if keep not in columns:
        here = f"here among {columns[:10]}" if columns else "of which these images have none"
        expected = (
            f"a str among {{'first', 'largest'}}, a callable, or the name of a column of the "
            f"frame, {here}"
        )
        raise refuse("drop_duplicates", "keep", expected, keep)


def rank_candidates(
    images: Any,
    sources: Sequence[Any],
    rows: Rows,
    keep: Any,
    n_pixels: NDArray[np.int64],
) -> Rows:
    """Order rows so that those to keep come before those that they represent."""
    if callable(keep):
        scores = np.array([_score(keep, sources[row]) for row in rows], dtype=float)
        return rows[np.argsort(-scores, kind="stable")]
    if keep == "largest":
        names = np.array([name_source(sources[row]) or "" for row in rows])
        n_bytes = np.array([_count_bytes(sources[row]) for row in rows])
        return rows[np.lexsort((names, -n_bytes, -n_pixels[rows]))]
    if keep == "first":
        return rows
    values = rank_values(list_column(images, keep)).iloc[rows]
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


def greedy_cover(graph: PairGraph, order: Rows) -> Representatives:
    """Keep rows in the given order, and let each represent those near it.

    Equal images share a node: the first of them in the order is kept or represented, and the
    others are near whatever it is near.
    """
    nodes, firsts = np.unique(graph.node_of_image[order], return_index=True)
    best_row = np.full(graph.n_nodes, -1, dtype=np.intp)
    best_row[nodes] = order[firsts]
    stand_in = np.arange(graph.n_nodes)
    reach = np.full(graph.n_nodes, np.iinfo(np.int64).max)
    waiting = graph.node_of_image[order[np.sort(firsts)]]
    neighbors = find_neighbors(graph.edges, waiting, lambda some: stand_in[some] == some)
    for asked, found in neighbors:
        ends = np.searchsorted(found.left, np.arange(len(asked) + 1))
        for node, start, end in zip(asked, ends[:-1], ends[1:], strict=True):
            if stand_in[node] != node:
                continue
            # No node kept before is among these: it would represent this one.
            others, apart = found.right[start:end], found.distance[start:end]
            nearer = apart < reach[others]
            stand_in[others[nearer]] = node
            reach[others[nearer]] = apart[nearer]
    reach[stand_in == np.arange(graph.n_nodes)] = 0
    row = np.arange(len(graph.node_of_image))
    row[order] = best_row[stand_in[graph.node_of_image[order]]]
    bits = np.zeros(len(row), dtype=np.int64)
    bits[order] = reach[graph.node_of_image[order]]
    return Representatives(row, pd.Series(bits))


def describe_by_first(
    graph: PairGraph, labels: Labels, describe: DescribePairs
) -> dict[str, NDArray[Any]]:
    """Describe each image by the first one of its group that is near it.

    Parameters
    ----------
    graph : PairGraph
        Which images are near each other.
    labels : ndarray of shape (n_images,), dtype intp
        The group of each.
    describe : callable
        Describes pairs of the images by their pixels, see `describe_near`.

    Returns
    -------
    dict of str to ndarray of shape (n_images,)
        "agreement" and "relation", missing for the first images themselves. Empty if no pixels
        are known.
    """
    first = greedy_cover(graph, graph.rows_with_duplicates()).row
    rows = np.flatnonzero((first != np.arange(len(first))) & (labels[first] == labels))
    described = describe(Pairs(first[rows], rows, np.zeros(len(rows), dtype=np.int64)))
    if described is None:
        return {}
    agreement = np.full(len(labels), np.nan, dtype=np.float32)
    relation = np.full(len(labels), None, dtype=object)
    agreement[rows], relation[rows] = described.agreement, described.relation
    return {"agreement": agreement, "relation": relation}
