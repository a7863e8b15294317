"""From near duplicates to one image that stands for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from .._utils.containers import as_column, take_rows
from ..hamming._pairs import Rows
from ..images._sources import (
    image_column,
    list_sources,
)
from ._finder import NearDuplicateFinder
from ._finder_hints import point_to_finder
from ._representatives import (
    Representatives,
    check_keep,
    choose_kept,
    count_pixels,
    first_of_each,
    greedy_cover,
    rank_candidates,
)
from ._resolve import check_finder, group_images


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
        representatives = choose_kept(
            finder._near, images_or_frame, keep, finder._n_pixels, finder.max_pixels
        )
    elif isinstance(finder, NearDuplicateFinder):
        signed = finder._sign(images)
        radius = finder._choose_radius(images)
        finder._warn_of_crowd(signed.signatures, radius)
        near = signed.signatures.near(radius, finder.n_jobs, color_radius=finder.color_radius)
        order = rank_candidates(
            images_or_frame, sources, np.flatnonzero(near.has_company()), keep, signed.n_pixels
        )
        representatives = greedy_cover(near, order)
    else:
        labels = group_images(images, finder)
        doubtful = np.flatnonzero(np.bincount(labels)[labels] > 1)
        n_pixels = count_pixels(sources, doubtful, keep, getattr(finder, "max_pixels", None))
        order = rank_candidates(images_or_frame, sources, doubtful, keep, n_pixels)
        representatives = first_of_each(labels, order)
    is_kept = representatives.row == np.arange(len(sources))
    kept = take_rows(images_or_frame, np.flatnonzero(is_kept))
    if not return_info:
        return kept
    return kept, _tell(images_or_frame, sources, representatives, np.flatnonzero(~is_kept))


def _tell(
    images_or_frame: Any, sources: Sequence[Any], representatives: Representatives, dropped: Rows
) -> pd.DataFrame:
    """Tabulate what stands for the images that are left out."""
    index = getattr(images_or_frame, "index", None)
    index = index if isinstance(index, pd.Index) else pd.RangeIndex(len(sources))
    kept = representatives.row[dropped]
    return pd.DataFrame(
        {
            "image": as_column([sources[row] for row in dropped]),
            "kept": index[kept],
            "kept_image": as_column([sources[row] for row in kept]),
            "distance": representatives.distance.iloc[dropped].to_numpy(),
        }
    ).set_axis(index[dropped])
