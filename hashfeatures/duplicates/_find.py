"""The near duplicates of a collection as a table."""

from __future__ import annotations

from typing import Any

import pandas as pd
from sklearn.base import clone

from ..images._sources import list_sources
from ._finder import NearDuplicateFinder
from ._finder_hints import point_to_finder
from ._labels import tabulate_duplicates
from ._resolve import check_finder, group_images
from ._similar import open_table


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
    images, index, table = open_table(images_or_table, "find_duplicates")
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
