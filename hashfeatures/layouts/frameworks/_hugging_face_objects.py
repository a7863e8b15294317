"""Annotated objects in a column of a data set of Hugging Face: lists of boxes and categories."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from ..._utils.descriptions import describe_value
from ..._utils.frames import is_missing
from ...exceptions import LayoutError
from .._objects import count_objects, tabulate_objects

if TYPE_CHECKING:
    from scipy.sparse import csr_array

_BOX_FIELDS = ("bbox", "bboxes", "box", "boxes")
_CLASS_FIELDS = ("category", "categories", "category_id", "label", "labels", "class", "class_id")


@dataclass(frozen=True)
class ObjectColumn:
    """A column of objects.

    Parameters
    ----------
    name : str
        The name of the column.
    box_field, class_field : str
        The fields of an object that hold its box and its class.
    class_feature : object
        The type of the class.
    """

    name: str
    box_field: str
    class_field: str
    class_feature: Any

    @classmethod
    def find(cls, features: Mapping[str, Any]) -> ObjectColumn | None:
        """Return the first column of objects with boxes and classes, or None."""
        for name, feature in features.items():
            fields = _fields_of(feature)
            box = next((field for field in _BOX_FIELDS if field in fields), None)
            kind = next((field for field in _CLASS_FIELDS if field in fields), None)
            if box is not None and kind is not None:
                return cls(name, box, kind, getattr(fields[kind], "feature", fields[kind]))
        return None

    def list_objects(self, cell: Any) -> Iterator[tuple[Any, Any]]:
        """Yield the box and the class of each object in a row; None for an unknown class."""
        if isinstance(cell, Mapping):  # one list per field
            boxes, classes = cell.get(self.box_field) or (), cell.get(self.class_field) or ()
        else:
            items = cell if isinstance(cell, list) else ()
            boxes = [item.get(self.box_field) for item in items]
            classes = [item.get(self.class_field) for item in items]
        yield from zip(boxes, name_classes(classes, self.class_feature), strict=False)

    def count(self, cells: Sequence[Any]) -> tuple[csr_array, list[str]]:
        """Return the number of objects of each class in each row, and the names of the classes."""
        named = [
            [str(name) for _, name in self.list_objects(cell) if name is not None]
            for cell in cells
        ]
        known = getattr(self.class_feature, "names", None)
        names = list(known or sorted({name for row in named for name in row}))
        column_of = {name: column for column, name in enumerate(names)}
        places = [(row, column_of[name]) for row, found in enumerate(named) for name in found]
        return count_objects(places, (len(named), len(names))), names

    def tabulate(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return the objects in a table of images, see `Collection.objects`.

        Boxes are lists of left, top, width and height in pixels, as in COCO, which the guides of
        Hugging Face use. The table must have the columns "width" and "height".

        Raises
        ------
        LayoutError
            If the sizes of the images are missing, or a box is not inside its image.
        """
        if not {"width", "height"} <= set(table.columns):
            raise LayoutError(
                f"Boxes in the column {self.name!r} are in pixels. Expected the columns 'width' "
                f"and 'height' with the sizes of the images."
            )
        found = []
        columns = [table[name] for name in ("key", "annotations", "width", "height")]
        for row, (key, cell, width, height) in enumerate(zip(*columns, strict=True)):
            for box, label in self.list_objects(cell):
                sides = _to_shares(box, width, height)
                if sides is None:
                    raise LayoutError(
                        f"{key}, {self.name!r}: expected boxes of left, top, width and height in "
                        f"pixels inside the image of {describe_value(width)} x "
                        f"{describe_value(height)}. Got {describe_value(box)}."
                    )
                found.append((row, label, *sides, None, False))
        return tabulate_objects(found)


def name_classes(values: Sequence[Any], feature: Any) -> list[Any]:
    """Return the names of classes; None where a class is unknown, which is -1 in test sets."""
    names = getattr(feature, "names", None)
    if names is None:
        return list(values)
    return [
        names[value] if value is not None and 0 <= value < len(names) else None for value in values
    ]


def _fields_of(feature: Any) -> Mapping[str, Any]:
    """Return the fields of the objects in a column of lists; empty if it holds no objects."""
    inner = getattr(feature, "feature", feature)
    if isinstance(inner, list | tuple) and len(inner) == 1:
        inner = inner[0]
    return inner if isinstance(inner, dict) else {}


def _to_shares(box: Any, width: Any, height: Any) -> tuple[float, float, float, float] | None:
    """Return the sides of a box as shares of its image, or None if it is not inside."""
    if is_missing(width) or is_missing(height) or len(box or ()) != 4 or not width * height > 0:
        return None
    left, top, wide, high = map(float, box)
    right, bottom = left + wide, top + high
    # Boxes may be rounded to the next pixel.
    if min(wide, high) < 0 or min(left, top) < -1 or right > width + 1 or bottom > height + 1:
        return None
    return left / width, top / height, right / width, bottom / height
