"""Near duplicates in a split whose boxes or masks disagree."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...duplicates.annotations._table import AnnotatedImages, find_objects, list_conflicts
from ...exceptions import LayoutError
from ...layouts._collection import Collection
from .._parts import ComparedParts

# The least intersection over union of one object in two images, see `find_annotation_conflicts`.
_MIN_IOU = 0.5
# The pairs that a summary lists, and the objects of each.
_MOST_PAIRS = 20
_MOST_OBJECTS = 12
_DIGITS = 4


FindObjects = Callable[[NDArray[np.intp]], pd.DataFrame]


def join_objects(parts: Mapping[str, Any]) -> FindObjects | None:
    """Return what finds the annotated objects of some images of all parts.

    Parameters
    ----------
    parts : mapping of str to container
        The images of each part.

    Returns
    -------
    callable or None
        A function from rows, which count through the parts one after the other, to objects as
        `Collection.objects` returns them. None unless each part is a collection of a layout with
        objects.
    """
    if not all(map(_has_objects, parts.values())):
        return None
    collections = list(parts.values())
    starts = np.cumsum([0, *map(len, collections)])

    def find(rows: NDArray[np.intp]) -> pd.DataFrame:
        joined = []
        for collection, start, end in zip(collections, starts, starts[1:], strict=False):
            own = rows[(rows >= start) & (rows < end)] - start
            objects = find_objects(collection, own)
            joined.append(objects.assign(row=objects["row"] + start))
        filled = [objects for objects in joined if len(objects)]  # pandas warns of empty ones
        return pd.concat(filled, ignore_index=True) if filled else joined[0]

    return find


def _has_objects(part: Any) -> bool:
    """Return whether a part is a collection of a layout that tells where its objects are."""
    if not isinstance(part, Collection) or part.counts is None:
        return False
    try:
        part.select([]).objects()
    except LayoutError:  # the layout holds no boxes, or lacks what they are relative to
        return False
    return True


def count_annotation_conflicts(
    parts: ComparedParts,
    find: FindObjects | None,
    describe_image: Callable[[int], dict[str, Any]],
) -> dict[str, Any] | None:
    """Count and list the pairs of near duplicates whose objects disagree.

    Parameters
    ----------
    parts : ComparedParts
        The parts, and their near pairs.
    find : callable or None
        Finds the objects of some images, see `join_objects`.
    describe_image : callable
        Returns which image is in a row, and where.

    Returns
    -------
    dict or None
        As in `SplitAudit.summary`. None without objects, or if no pixels were compared.
    """
    if find is None:
        return None
    objects = find(parts.graph.rows_with_duplicates())
    images = AnnotatedImages(objects, len(parts.sources))
    found = list_conflicts(images, parts.graph, parts.describe, _MIN_IOU)
    if found is None:
        return None
    pairs = found.table.groupby(["left", "right"], sort=False)
    sides = np.array(list(pairs.groups), dtype=np.intp).reshape(-1, 2)
    left, right = parts.part[sides].T
    within = np.bincount(left[left == right], minlength=len(parts.names)).tolist()
    return {
        "min_iou": _MIN_IOU,
        "compared": found.n_compared,
        "pairs": len(sides),
        "across": int((left != right).sum()),
        "within": dict(zip(parts.names, within, strict=True)),
        "objects": len(found.table),
        "kinds": {kind: int(n) for kind, n in found.table["kind"].value_counts().items()},
        "worst": [
            _describe_pair(table, images, describe_image) for _, table in list(pairs)[:_MOST_PAIRS]
        ],
    }


def _describe_pair(
    table: pd.DataFrame, images: AnnotatedImages, describe_image: Callable[[int], dict[str, Any]]
) -> dict[str, Any]:
    first = table.iloc[0]
    return {
        "left": describe_image(int(first["left"])),
        "right": describe_image(int(first["right"])),
        "agreement": round(float(first["agreement"]), _DIGITS),
        "relation": str(first["relation"]),
        "size": len(table),
        "objects": [
            {
                "kind": str(row["kind"]),
                "iou": None if np.isnan(row["iou"]) else round(float(row["iou"]), _DIGITS),
                "left": _describe_object(row["left_object"], images),
                "right": _describe_object(row["right_object"], images),
            }
            for _, row in table.iloc[:_MOST_OBJECTS].iterrows()
        ],
    }


def _describe_object(number: Any, images: AnnotatedImages) -> dict[str, Any] | None:
    """Return the class and the box of an object; None if it is missing."""
    if pd.isna(number):
        return None
    label = images.labels[number]
    box = images.boxes[number].round(_DIGITS).tolist()
    return {"class": None if pd.isna(label) else str(label), "box": box}
