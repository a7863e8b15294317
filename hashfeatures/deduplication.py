"""From near duplicates to one image that stands for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .batch import hash_sources
from .compact import CompactPairs, ask
from .containers import as_column, take_rows
from .descriptions import describe_value
from .finder import NearDuplicateFinder
from .finder_hints import point_to_finder
from .grouping import check_finder, group_images
from .hamming.pairs import Rows
from .hashing.spec import HashSpec
from .images import Decoding, read_whole
from .parameters import refuse
from .sources import (
    column_names,
    count_bytes,
    describe_source,
    image_column,
    is_frame,
    list_column,
    list_sources,
    name_source,
)
from .stored_tables import rank_values, read_numbers


class StandIns(NamedTuple):
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


@point_to_finder
def drop_duplicates(
    images_or_frame: Any, *, keep: Any = "largest", return_info: bool = False, finder: Any = None
) -> Any:
    """Leave out images that are near duplicates of ones that are kept.

    Every image left out is within the radius of one that is kept: in a chain of copies where the
    first and the last are far apart, both stay.

    Parameters
    ----------
    images_or_frame : list, tuple, 1-D array, Series or DataFrame
        Image sources, or a frame that holds them in its only column or in one named
        "image", "path", "url", "file" or "filename".
    keep : {"first", "largest"}, column name or callable, default="largest"
        Which image stands for its near duplicates: the one that comes first, or the one with the
        most pixels (then the most bytes, then the first by name), as the command
        ``hashfeatures duplicates`` keeps it. Any other name is that of a column of the frame: the
        image with the greatest value is kept, one without a value last. A callable is given an
        image source and returns a number; the image with the greatest is kept.
    return_info : bool, default=False
        Whether to tell what stands for the images that are left out.
    finder : estimator with ``fit_predict(X) -> labels``, optional
        What says what a near duplicate is; None means ``NearDuplicateFinder()``. Of one that is
        fitted on just these images, which have not changed since, none is hashed again. Of an
        estimator that finds groups alone, one image of each group is kept.

    Returns
    -------
    kept : container
        Of the kind of `images_or_frame`, in its order, a pandas index kept. Images that cannot be
        read are kept: nothing is known of them.
    info : pandas.DataFrame
        Only with ``return_info=True``: one row an image that is left out, under its index or, if
        there is none, its position. The columns are "image"; "kept", the index or position of the
        nearest image that is kept, and "kept_image"; and their "distance" in bits, missing if the
        finder counts none.

    Examples
    --------
    >>> from skimage import data
    >>> from hashfeatures import drop_duplicates
    >>> images = [data.camera()[::2, ::2], data.coins(), data.camera()]
    >>> [image.shape for image in drop_duplicates(images)]
    [(303, 384), (512, 512)]
    >>> kept, info = drop_duplicates(images, keep="first", return_info=True)
    >>> info[["kept", "distance"]]
       kept  distance
    2     0         0
    """
    name = "drop_duplicates"
    images = image_column(images_or_frame, name)
    check_keep(keep, images_or_frame)
    sources = list_sources(images, name)
    finder = check_finder(finder)
    if isinstance(finder, NearDuplicateFinder) and finder._is_fitted_on(images):
        stand_ins = choose_kept(finder, images_or_frame, keep)
    elif isinstance(finder, NearDuplicateFinder):
        signed = finder._sign(images)
        radius = finder._choose_radius(images)
        finder._warn_of_crowd(signed.signatures, radius)
        near = signed.signatures.near(radius, finder.n_jobs, color_radius=finder.color_radius)
        order = _by_preference(
            images_or_frame, sources, np.flatnonzero(near.has_company()), keep, signed.n_pixels
        )
        stand_ins = _dominate(near, order)
    else:
        labels = group_images(images, finder)
        doubtful = np.flatnonzero(np.bincount(labels)[labels] > 1)
        n_pixels = _count_pixels(sources, doubtful, keep, getattr(finder, "max_pixels", None))
        order = _by_preference(images_or_frame, sources, doubtful, keep, n_pixels)
        stand_ins = _first_of_each(labels, order)
    is_kept = stand_ins.row == np.arange(len(sources))
    kept = take_rows(images_or_frame, np.flatnonzero(is_kept))
    if not return_info:
        return kept
    return kept, _tell(images_or_frame, sources, stand_ins, np.flatnonzero(~is_kept))


def choose_kept(fitted: NearDuplicateFinder, images: Any, keep: Any = "largest") -> StandIns:
    """Choose the images of a fitted finder that are kept, as `drop_duplicates` does.

    Parameters
    ----------
    fitted : NearDuplicateFinder
        A finder that was fitted on `images`.
    images : container of image sources, or DataFrame
        As `drop_duplicates` takes them. For ``keep="largest"`` the sizes that were read count. If
        the finder was fitted on hashes, the columns "width" and "height" of the table are
        believed, and without them the near duplicates are read again.
    keep : {"first", "largest"}, column name or callable, default="largest"
        As in `drop_duplicates`.

    Returns
    -------
    StandIns
        What stands for each image.
    """
    check_keep(keep, images)
    sources = list_sources(images, "choose_kept")
    rows = np.flatnonzero(fitted._near.has_company())
    if fitted._n_pixels[rows].any():
        n_pixels = fitted._n_pixels
    elif is_frame(images) and {"width", "height"} <= set(column_names(images)):
        sides = [
            read_numbers(pd.Series(list_column(images, name))) for name in ("width", "height")
        ]
        n_pixels = (sides[0] * sides[1]).fillna(0).to_numpy(dtype=np.int64)
    else:
        n_pixels = _count_pixels(sources, rows, keep, fitted.max_pixels)
    return _dominate(fitted._near, _by_preference(images, sources, rows, keep, n_pixels))


def choose_outside(fitted: NearDuplicateFinder, rows: Rows) -> Rows:
    """Choose what stands for images that are to go: the nearest of those that stay.

    Parameters
    ----------
    fitted : NearDuplicateFinder
        A fitted finder.
    rows : ndarray of shape (n_rows,), dtype intp
        The rows of the images that are to go; all others stay.

    Returns
    -------
    ndarray of shape (n_rows,), dtype intp
        For each image that is to go, the nearest near duplicate that stays, of equally near ones
        the first; -1 where all its near duplicates are to go as well, or it has none.
    """
    near = fitted._near
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


def _by_preference(
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


def _count_pixels(
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


def _dominate(near: CompactPairs, order: Rows) -> StandIns:
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
    return StandIns(row, pd.Series(bits))


def _first_of_each(labels: Rows, order: Rows) -> StandIns:
    """Keep the first row of each group in the given order, and let it stand for the others."""
    groups, firsts = np.unique(labels[order], return_index=True)
    row = np.arange(len(labels))
    if len(order):
        row[order] = order[firsts][np.searchsorted(groups, labels[order])]
    return StandIns(row, pd.Series(pd.NA, index=range(len(labels)), dtype="Int64"))


def _tell(
    images_or_frame: Any, sources: Sequence[Any], stand_ins: StandIns, dropped: Rows
) -> pd.DataFrame:
    """Tabulate what stands for the images that are left out."""
    index = getattr(images_or_frame, "index", None)
    index = index if isinstance(index, pd.Index) else pd.RangeIndex(len(sources))
    kept = stand_ins.row[dropped]
    return pd.DataFrame(
        {
            "image": as_column([sources[row] for row in dropped]),
            "kept": index[kept],
            "kept_image": as_column([sources[row] for row in kept]),
            "distance": stand_ins.distance.iloc[dropped].to_numpy(),
        }
    ).set_axis(index[dropped])
