"""The near duplicates of a collection as a table."""

from __future__ import annotations

from typing import Any

import pandas as pd

from .._utils.docstrings import fill_in_parameters
from ..images._gather import gather_images
from ._finder_hints import point_to_finder
from ._labels import tabulate_duplicates
from ._representatives import describe_by_first
from ._resolve import SupportsFitPredict, find_near
from ._similar import open_table


@point_to_finder
@fill_in_parameters
def find_duplicates(images: Any, *, finder: SupportsFitPredict | None = None) -> pd.DataFrame:
    """List the images that have near duplicates, group by group.

    Read more in the :doc:`User Guide </user-guide/near-duplicates>`.

    Parameters
    ----------
    $images
        A table of `hash_images` with a column for each hash of the finder is compared by these
        hashes, and no image is read again. The table holds no pixels, so its images with less
        detail than `min_detail` have no near duplicates. `hash_images` decodes in full where the
        finder decodes at reduced size, so distances may differ by a few bits.
    $finder

    Returns
    -------
    pandas.DataFrame
        One row per image of a group of two or more, groups and images in the order of the input,
        with its index. The columns are "group" (the finder's label, as in `labels_`), "image",
        and "distance": the Hamming distance in bits to the image's nearest near duplicate,
        missing if the finder does not return distances. If pixels confirmed the near duplicates,
        "agreement" (0 to 1) and "relation" describe how the image follows from the first one of
        its group that it is a near duplicate of. They are missing for such first images.

    See Also
    --------
    NearDuplicateFinder : Holds the groups as labels, the pairs and the failures.
    drop_duplicates : Keeps one image of each group.
    make_report : Shows the groups on a page.

    Examples
    --------
    >>> from skimage import data
    >>> from hashfeatures import find_duplicates
    >>> find_duplicates([data.camera(), data.coins(), data.camera()])[["group", "distance"]]
       group  distance
    0      0         0
    2      0         0
    """
    caller = "find_duplicates"
    images = gather_images(images)
    column, index, table = open_table(images, caller)
    has_hashes = table is not None
    found = find_near(
        table if has_hashes else column, finder, fit=True, use_hashes=has_hashes, caller=caller
    )
    labels = found.graph.labels() if found.finder is None else found.finder.labels_
    distance = pd.Series(found.graph.nearest())
    if not found.has_distances:
        distance = pd.Series(pd.NA, index=range(len(labels)), dtype="Int64")
    described = describe_by_first(found.graph, labels, found.describe)
    return tabulate_duplicates(labels, found.sources, distance, index, described)
