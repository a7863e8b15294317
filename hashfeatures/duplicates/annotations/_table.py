"""Tables of annotated objects, and of the objects on which near duplicates disagree."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...hamming._pairs import Pairs
from .._described_pairs import SAME_PIXELS, DescribePairs, PairDescription
from .._pair_graph import PairGraph
from ._matching import Disagreement, ImageObjects, compare_objects
from ._shapes import as_matrix

_SIDES = ["left", "top", "right", "bottom"]
_REQUIRED = ["row", "label", *_SIDES]

# How exact the maps of pairs are, in shares of an image. Crops of photos are aligned to 0.005.
_TOLERANCE = 0.01
# A map that shrinks an image to so small a share of another is not an alignment.
_LEAST_SCALE = 1e-3
# Pairs that are described at a time.
_BLOCK = 8192


class AnnotationConflicts(NamedTuple):
    """The objects on which near duplicates disagree.

    Parameters
    ----------
    table : pandas.DataFrame
        One row per object, see `find_annotation_conflicts`, without the names of images.
    n_compared : int
        The number of pairs that were compared: each image with the first of its equals, and the
        near pairs of these, without pairs that have no object in either image.
    """

    table: pd.DataFrame
    n_compared: int


class AnnotatedImages:
    """The annotated objects of a list of images.

    Parameters
    ----------
    objects : pandas.DataFrame
        One row per object, as `Collection.objects` returns it. The columns "polygons" and "crowd"
        may be missing.
    n_images : int
        The number of images.

    Raises
    ------
    ValueError
        If a column is missing, a row is not that of an image, or a box is not finite.
    """

    def __init__(self, objects: pd.DataFrame, n_images: int) -> None:
        missing = [name for name in _REQUIRED if name not in objects]
        if missing:
            raise ValueError(
                f"A table of objects needs the columns {', '.join(_REQUIRED)}. "
                f"Got {', '.join(map(str, objects.columns))}."
            )
        row = objects["row"].to_numpy(dtype=np.intp)
        outside = np.flatnonzero((row < 0) | (row >= n_images))
        if len(outside):
            raise ValueError(
                f"The column 'row' of a table of objects must hold numbers from 0 to "
                f"{n_images - 1}, as there are {n_images} images. Got {row[outside[0]]} in row "
                f"{outside[0]}."
            )
        boxes = objects[_SIDES].to_numpy(dtype=np.float64)
        broken = np.flatnonzero(~np.isfinite(boxes).all(axis=1))
        if len(broken):
            raise ValueError(
                f"The boxes of objects must be finite. Got {boxes[broken[0]].tolist()} in row "
                f"{broken[0]}."
            )
        n_objects = len(objects)
        self.labels = objects["label"].to_numpy(dtype=object)
        self.boxes = boxes
        self._classes = pd.factorize(self.labels)[0].astype(np.intp)
        self._polygons = np.full(n_objects, None, dtype=object)
        if "polygons" in objects:
            self._polygons[:] = list(objects["polygons"])
        self._crowd = np.zeros(n_objects, dtype=bool)
        if "crowd" in objects:
            self._crowd = objects["crowd"].to_numpy(dtype=bool)
        self._order = np.argsort(row, kind="stable")
        self._starts = np.searchsorted(row[self._order], np.arange(n_images + 1))
        self.n_objects = np.diff(self._starts)

    def numbers_of(self, row: int) -> NDArray[np.intp]:
        """Return which objects an image has."""
        return self._order[self._starts[row] : self._starts[row + 1]]

    def of(self, row: int) -> ImageObjects:
        """Return the objects of an image."""
        numbers = self.numbers_of(row)
        return ImageObjects(
            self._classes[numbers],
            self.boxes[numbers],
            self._polygons[numbers],
            self._crowd[numbers],
        )


def find_objects(collection: Any, rows: NDArray[np.intp]) -> pd.DataFrame:
    """Return the objects of some images of a collection, with their rows in all of it.

    Of a large data set, only the masks of near duplicates are read so.
    """
    objects: pd.DataFrame = collection.select(rows).objects()
    return objects.assign(row=rows[objects["row"].to_numpy(dtype=np.intp)])


def list_conflicts(
    images: AnnotatedImages, graph: PairGraph, describe: DescribePairs, min_iou: float
) -> AnnotationConflicts | None:
    """List the objects on which near duplicates disagree.

    Parameters
    ----------
    images : AnnotatedImages
        The objects of the images.
    graph : PairGraph
        The near pairs of the images.
    describe : callable
        Describes pairs of the images by their pixels, see `describe_near`.
    min_iou : float
        The least intersection over union of one object in two images.

    Returns
    -------
    AnnotationConflicts or None
        None if no pixels tell how one image of a pair maps to the other.
    """
    rows: list[tuple[Any, ...]] = []
    n_compared = 0
    for near in graph.pairs_of_firsts():
        pairs = near.take((images.n_objects[near.left] + images.n_objects[near.right]) > 0)
        n_compared += len(pairs.left)
        for start in range(0, max(len(pairs.left), 1), _BLOCK):  # once even without pairs
            block = pairs.take(np.arange(start, min(start + _BLOCK, len(pairs.left))))
            described = describe(block)
            if described is None or described.is_trimmed:
                return None
            rows += _compare_block(images, block, described, min_iou)
    return AnnotationConflicts(_tabulate(rows, images), n_compared)


def _compare_block(
    images: AnnotatedImages, pairs: Pairs, described: PairDescription, min_iou: float
) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of a table of disagreements."""
    sides = zip(pairs.left.tolist(), pairs.right.tolist(), strict=True)
    facts = zip(described.agreement.tolist(), described.relation, strict=True)
    for (left, right), affine, known in zip(sides, described.maps, facts, strict=True):
        numbers = images.numbers_of(left), images.numbers_of(right)
        for found in _compare(images, left, right, affine, known[1], min_iou):
            yield left, right, *_place(found, *numbers), *known


def _compare(
    images: AnnotatedImages, left: int, right: int, affine: Any, relation: str, min_iou: float
) -> list[Disagreement]:
    is_same = relation == SAME_PIXELS
    matrix = np.eye(3) if is_same else as_matrix(affine)
    if abs(np.linalg.det(matrix)) < _LEAST_SCALE:
        return []
    tolerance = 0.0 if is_same else _TOLERANCE
    return compare_objects(images.of(left), images.of(right), matrix, min_iou, tolerance)


def _place(
    found: Disagreement, left: NDArray[np.intp], right: NDArray[np.intp]
) -> tuple[str, int, int, float]:
    """Return a disagreement with the numbers of its objects; -1 for a missing one."""
    one = -1 if found.left < 0 else int(left[found.left])
    other = -1 if found.right < 0 else int(right[found.right])
    return found.kind, one, other, found.iou


def _tabulate(rows: list[tuple[Any, ...]], images: AnnotatedImages) -> pd.DataFrame:
    """Return a table of disagreements, those of the pair that has most of them first."""
    names = ["left", "right", "kind", "left_object", "right_object", "iou", "agreement"]
    table = pd.DataFrame(rows, columns=[*names, "relation"], dtype=object)
    for name in ("left", "right"):
        numbers = table[f"{name}_object"].to_numpy(dtype=np.intp)
        labels = [None if number < 0 else images.labels[number] for number in numbers]
        table[f"{name}_label"] = pd.Series(labels, dtype=object)  # else None would be NaN
        table[f"{name}_object"] = pd.Series(numbers, dtype="Int64").mask(numbers < 0)
        table[name] = table[name].astype(np.intp)
    for name in ("iou", "agreement"):
        table[name] = table[name].astype(np.float64)
    n_of_pair = table.groupby(["left", "right"])["kind"].transform("size").to_numpy(dtype=np.intp)
    order = np.lexsort((table["right"], table["left"], -n_of_pair))
    names = ["left", "right", "kind", "left_label", "right_label", "iou", "left_object",
             "right_object", "agreement", "relation"]  # fmt: skip
    return table.iloc[order][names].reset_index(drop=True)
