"""Leaving out near duplicates of images that are kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from .._utils.containers import as_column, take_rows
from .._utils.docstrings import fill_in_parameters
from ..hamming._pairs import Rows
from ..images._gather import gather_images
from ._finder_hints import point_to_finder
from ._representatives import Representatives, check_keep, choose_kept
from ._resolve import SupportsFitPredict, find_near


@point_to_finder
@fill_in_parameters
def drop_duplicates(
    images: Any,
    *,
    keep: Any = "largest",
    return_info: bool = False,
    finder: SupportsFitPredict | None = None,
) -> Any:
    """Leave out images that are near duplicates of ones that are kept.

    Every image left out is within the radius of one that is kept. In a chain of copies whose
    first and last are far apart, both stay.

    Read more in the :doc:`User Guide </user-guide/near-duplicates>`.

    Parameters
    ----------
    $images
    keep : {"first", "largest"}, column name or callable, default="largest"
        Which of near duplicates to keep. "first" keeps the one that comes first. "largest" keeps
        the one with the most pixels, then the most bytes, then the first name. Any other string
        names a column of the table: the image with the greatest value is kept, and one without
        a value comes last. A callable takes an image source and returns a number; the image with
        the greatest number is kept.
    return_info : bool, default=False
        Whether to return the representatives of the images that are left out.
    $finder
        Of an estimator that finds groups alone, one image of each group is kept.

    Returns
    -------
    kept : container
        The images that are kept, in their order, in a container of the type of `images`. pandas
        objects keep their index. Images that cannot be read are kept.
    info : pandas.DataFrame
        Only with ``return_info=True``: one row for each image that is left out, under its index
        or, without one, its position. The columns are "image"; "kept", the index or position of
        the nearest image that is kept; "kept_image"; and "distance" in bits, missing if the
        finder does not return distances.

    See Also
    --------
    find_duplicates : Lists the groups and drops nothing.
    make_report : Shows what would be dropped.

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
    images = gather_images(images)
    check_keep(keep, images)
    found = find_near(images, finder, caller="drop_duplicates")
    max_pixels = getattr(finder, "max_pixels", None)
    representatives = choose_kept(found.graph, images, keep, found.n_pixels, max_pixels)
    is_kept = representatives.row == np.arange(len(found.sources))
    kept = take_rows(images, np.flatnonzero(is_kept))
    if not return_info:
        return kept
    dropped = np.flatnonzero(~is_kept)
    info = _tabulate(images, found.sources, representatives, dropped)
    if not found.has_distances:
        info["distance"] = pd.array([pd.NA] * len(info), dtype="Int64")
    return kept, info


def _tabulate(
    images: Any, sources: Sequence[Any], representatives: Representatives, dropped: Rows
) -> pd.DataFrame:
    """Return the representatives of the images that are left out."""
    index = getattr(images, "index", None)
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
