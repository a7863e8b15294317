"""One XML file of Pascal VOC: its objects with their boxes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from xml.etree import ElementTree

from ..._utils.descriptions import describe_value, shorten
from ...exceptions import LayoutError
from .._plan import safe_name

_SIDES = ("xmin", "ymin", "xmax", "ymax")


@dataclass(frozen=True)
class VocObjects:
    """What an XML file says about an image.

    Parameters
    ----------
    file_name : str
        The name of the image, or an empty string.
    size : tuple of float
        The width and the height of the image; zeros if they are not given.
    labels : list of str
        The class of each object.
    boxes : list of tuple of float
        The first and last column and row of each object, counted from 1: left, top, right, bottom.
    """

    file_name: str
    size: tuple[float, float]
    labels: list[str]
    boxes: list[tuple[float, float, float, float]]


def read_objects(data: bytes, where: str) -> VocObjects:
    """Read the content of an XML file.

    Parameters
    ----------
    data : bytes
        The content.
    where : str
        The file, for messages.

    Raises
    ------
    LayoutError
        If it is not XML of Pascal VOC, declares entities, names a file outside of the folder, or
        has an object without a class or a box.
    """
    root = _parse(data, where)
    if root.tag != "annotation":
        raise LayoutError(
            f"{where}: expected XML of Pascal VOC, <annotation>. Got <{shorten(root.tag, 40)}>."
        )
    name = (root.findtext("filename") or "").strip()
    labels, boxes = [], []
    for number, item in enumerate(root.iterfind("object"), 1):
        label = (item.findtext("name") or "").strip()
        if not label:
            raise LayoutError(f"{where}, object {number}, <name>: the class is missing.")
        labels.append(label)
        boxes.append(
            _read_box(item, f"{where}, object {number} ({shorten(label, 40)!r}), <bndbox>")
        )
    return VocObjects(
        safe_name(name, f"{where}, <filename>") if name else "",
        (_number(root.findtext("size/width")), _number(root.findtext("size/height"))),
        labels,
        boxes,
    )


def _parse(data: bytes, where: str) -> ElementTree.Element:
    text = data.replace(b"\0", b"")  # the same letters in UTF-16
    if b"<!ENTITY" in text:  # a few lines of them expand to gigabytes, and no tool writes any
        line = text[: text.index(b"<!ENTITY")].count(b"\n") + 1
        raise LayoutError(
            f"{where}, line {line}: the XML declares entities, which are never expanded. Remove "
            f"them."
        )
    try:
        return ElementTree.fromstring(data)
    except ElementTree.ParseError as error:
        line, column = error.position
        reason = str(error).partition(": line")[0]
        raise LayoutError(
            f"{where}, line {line}, column {column + 1}: this is not XML. {reason.capitalize()}."
        ) from None
    except (ValueError, LookupError) as error:  # an encoding that is unknown here
        raise LayoutError(f"{where}: the XML cannot be read. {error}.") from None


def _read_box(item: ElementTree.Element, where: str) -> tuple[float, float, float, float]:
    box = item.find("bndbox")
    if box is None:
        raise LayoutError(f"{where}: the box is missing.")
    for side in _SIDES:
        text = box.findtext(side)
        if not math.isfinite(_number(text, math.nan)):
            raise LayoutError(
                f"{where}<{side}>: expected a finite number. Got {describe_value(text)}."
            )
    left, top, right, bottom = (_number(box.findtext(side)) for side in _SIDES)
    if right < left or bottom < top:
        low, high = ("xmin", "xmax") if right < left else ("ymin", "ymax")
        raise LayoutError(
            f"{where}: {high} is smaller than {low}. Got {box.findtext(high)} and "
            f"{box.findtext(low)}."
        )
    return left, top, right, bottom


def _number(text: str | None, default: float = 0.0) -> float:
    try:
        return default if text is None else float(text)
    except ValueError:
        return default
