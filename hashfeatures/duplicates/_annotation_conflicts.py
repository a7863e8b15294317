"""Near duplicates whose boxes or masks disagree."""

from __future__ import annotations

from typing import Any

import pandas as pd

from .._utils.docstrings import fill_in_parameters
from .._utils.validation import check_share, refuse
from ..images._sources import name_sources
from ._finder_hints import point_to_finder
from ._resolve import SupportsFitPredict, find_near
from .annotations._table import AnnotatedImages, find_objects, list_conflicts


@point_to_finder
@fill_in_parameters
def find_annotation_conflicts(
    images: Any,
    *,
    finder: SupportsFitPredict | None = None,
    objects: pd.DataFrame | None = None,
    min_iou: float = 0.5,
) -> pd.DataFrame:
    """List the objects on whose boxes, masks or classes near duplicates disagree.

    The function aligns each pair of near duplicates by their pixels, and maps the objects of one
    image to the other. So the boxes of a mirrored, turned, resized or cropped copy agree if they
    follow the image. Two objects match if their masks, or else their boxes, overlap by `min_iou`.
    Boxes also match if each side is off by 1 % of the image at most, as the alignment is no more
    exact.

    Of images with equal pixels, only the first is compared with other images, and the rest are
    compared with it. An object is not missing in a copy whose frame holds less than half of it,
    or where a crowd of its class covers it, as in the evaluation of COCO.

    Read more in the :doc:`User Guide </user-guide/near-duplicates>`.

    Parameters
    ----------
    images : Collection or container of image sources
        The images, as `read_collection` returns them. With `objects`, any container of image
        sources.
    $finder
        It must compare pixels: a `NearDuplicateFinder` with ``verify=True`` and
        ``trim_borders=False``. Mirrored and turned copies need its `views`.
    objects : pandas.DataFrame, default=None
        The objects of the images, if these are not a collection, in the form of
        ``Collection.objects()``. Boxes are shares of the sides of the image as the finder reads
        it: upright, or with ``orient=False`` as it is stored.
    min_iou : float, default=0.5
        The least intersection over union of one object in two images, 0 to 1. COCO and Pascal VOC
        count a detection from 0.5 on, and the boxes that people draw around one object agree by
        more. See :doc:`/benchmarks/copies` for what other values find.

    Returns
    -------
    pandas.DataFrame
        One row per object, the pairs with most of them first. The columns are

        - "left", "right": the rows of the two images, and "left_image", "right_image": their
          keys in the collection, or their paths;
        - "kind": "class differs", "box differs", "mask differs", "missing in right" or "missing
          in left";
        - "left_label", "right_label": the classes, None where the object is missing;
        - "iou": the intersection over union of the boxes, or of the masks if both have one;
        - "left_object", "right_object": the rows of the object in the table of objects;
        - "agreement", "relation": how well the pixels of the images agree, and what was done to
          the left image to get the right one.

    Raises
    ------
    LayoutError
        If the layout of the collection holds no boxes.
    ParameterError
        If the finder compares no pixels, or there are no objects.

    See Also
    --------
    NearDuplicateFinder.conflicts : The same for the labels of whole images.
    audit_split : Counts such pairs, and shows some.

    Examples
    --------
    >>> import pandas as pd
    >>> from skimage import data
    >>> from hashfeatures import NearDuplicateFinder, find_annotation_conflicts
    >>> images = [data.astronaut(), data.astronaut()[:, ::-1]]
    >>> boxes = [(0, "face", 0.35, 0.1, 0.55, 0.4), (1, "face", 0.45, 0.1, 0.65, 0.4),
    ...          (0, "rocket", 0.55, 0, 0.75, 0.8)]
    >>> objects = pd.DataFrame(boxes, columns=["row", "label", "left", "top", "right", "bottom"])
    >>> finder = NearDuplicateFinder(views="flips")
    >>> conflicts = find_annotation_conflicts(images, finder=finder, objects=objects)
    >>> conflicts[["left", "right", "kind", "left_label", "relation"]]
       left  right              kind left_label  relation
    0     0      1  missing in right     rocket  mirrored
    """
    caller = "find_annotation_conflicts"
    min_iou = check_share(caller, "min_iou", min_iou)
    if objects is None and not callable(getattr(images, "objects", None)):
        expected = "a table of objects, unless the images are what read_collection returns"
        raise refuse(caller, "objects", expected, objects)
    found = find_near(images, finder, caller=caller)
    if objects is None:
        objects = find_objects(images, found.graph.rows_with_duplicates())
    annotated = AnnotatedImages(objects, len(found.sources))
    conflicts = list_conflicts(annotated, found.graph, found.describe, min_iou)
    if conflicts is None:
        expected = (
            "a NearDuplicateFinder with verify=True and trim_borders=False that is fitted on "
            "images, as boxes are compared where the pixels of two images match"
        )
        raise refuse(caller, "finder", expected, finder)
    table = conflicts.table
    keys = images["key"] if "key" in getattr(images, "columns", ()) else None
    names = pd.Series(name_sources(found.sources) if keys is None else list(keys), dtype=object)
    for place, side in ((2, "left"), (3, "right")):
        table.insert(place, f"{side}_image", names.reindex(table[side]).to_numpy())
    return table
