"""One dict of plain values that says all there is to say of the near duplicates in a collection.

The page, the JSON and the text of a report are made from it and from nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..images._sources import describe_source, name_source
from ._thumbnails import Facts

Numbers = NDArray[np.integer[Any]]
Summary = dict[str, Any]


@dataclass(frozen=True)
class Grouping:
    """What was found among images, in arrays that hold one row an image.

    Parameters
    ----------
    sources : sequence of image sources
        The images.
    labels : ndarray of shape (n_images,)
        The group of each.
    nearest : ndarray of shape (n_images,)
        The distance in bits to the nearest near duplicate, negative where there is none.
    stand_in : ndarray of shape (n_images,), optional
        The row of the image that is kept for each; of one that is kept, its own. None: nothing
        is to be kept or left out.
    diameters : dict of int to int
        The greatest distance of two members of a group in bits, by its label.
    unreadable : dict of int to str
        Why images could not be read, by row.
    low_detail : sequence of int
        The rows of images that have too little detail for their hashes to be compared.
    classes, parts : sequence of shape (n_images,), optional
        What each image shows, and the part of a split that it belongs to.
    """

    sources: Sequence[Any]
    labels: Numbers
    nearest: Numbers
    stand_in: Numbers | None
    diameters: dict[int, int]
    unreadable: dict[int, str]
    low_detail: Sequence[int]
    classes: Sequence[Any] | None = None
    parts: Sequence[str] | None = None

    def members(self) -> dict[int, list[int]]:
        """Return the rows of each group of two or more, the largest and widest first."""
        if not len(self.labels):
            return {}
        order = np.argsort(self.labels, kind="stable")
        labels, starts = np.unique(self.labels[order], return_index=True)
        rows = np.split(order, starts[1:])
        groups = {
            int(label): members.tolist()
            for label, members in zip(labels, rows, strict=True)
            if len(members) > 1
        }
        return dict(
            sorted(
                groups.items(),
                key=lambda item: (-len(item[1]), -self.diameters.get(item[0], 0), item[1][0]),
            )
        )


def summarise(
    grouping: Grouping,
    facts: dict[int, Facts],
    *,
    title: str,
    settings: dict[str, Any],
    distances: Sequence[int] = (),
    n_measured: int = 0,
    in_order: bool = False,
) -> Summary:
    """Sum up near duplicates in plain values.

    Parameters
    ----------
    grouping : Grouping
        What was found.
    facts : dict of int to Facts
        What is known of the files of grouped images, by row.
    title : str
        What the report is called.
    settings : dict
        "hashes", "bits" and "radius", by which images were compared.
    distances : sequence of int
        How many images have their nearest neighbour at each distance, from 0 bits on.
    n_measured : int
        How many images that was counted for.
    in_order : bool
        Whether groups stay in the order of their labels; else the largest come first.

    Returns
    -------
    dict
        Of str, int, bool, None, lists and dicts: "title", "settings", "counts", "distances",
        "parts", "images" (those in groups), "groups" (by "label", of places in "images"),
        "unreadable" and "low_detail".
    """
    members = grouping.members()
    if in_order:
        members = dict(sorted(members.items()))
    place = {
        row: place for place, row in enumerate(row for rows in members.values() for row in rows)
    }
    groups = [_sum_up_group(grouping, label, rows, place) for label, rows in members.items()]
    images = [_sum_up_image(grouping, row, facts.get(row, Facts())) for row in place]
    spare = [image for image in images if image["kept"] is False]
    counts = {
        "images": len(grouping.sources),
        "groups": len(groups),
        "grouped_images": len(images),
        "duplicates": len(spare),
        "duplicate_bytes": _sum_known([image["bytes"] for image in spare]),
        "conflicts": sum(group["conflict"] for group in groups),
        "leaks": sum(group["leak"] for group in groups),
        "unreadable": len(grouping.unreadable),
        "low_detail": len(grouping.low_detail),
    }
    return {
        "title": title,
        "settings": settings,
        "counts": counts,
        "distances": {"counts": [int(count) for count in distances], "images": n_measured},
        "parts": list(dict.fromkeys(map(str, grouping.parts or ()))),
        "groups": groups,
        "images": images,
        "unreadable": [
            {"row": row, "path": _path_of(grouping, row), "error": cause}
            for row, cause in grouping.unreadable.items()
        ],
        "low_detail": [
            {"row": int(row), "path": _path_of(grouping, row)} for row in grouping.low_detail
        ],
    }


def _sum_up_group(
    grouping: Grouping, label: int, rows: list[int], place: dict[int, int]
) -> dict[str, Any]:
    classes = _distinct(grouping.classes, rows)
    parts = _distinct(grouping.parts, rows)
    return {
        "label": label,
        "images": [place[row] for row in rows],
        "diameter": grouping.diameters.get(label),
        "conflict": len(classes) > 1,
        "leak": len(parts) > 1,
    }


def _sum_up_image(grouping: Grouping, row: int, facts: Facts) -> dict[str, Any]:
    distance = int(grouping.nearest[row])
    return {
        "row": row,
        "path": _path_of(grouping, row),
        **asdict(facts),
        "distance": None if distance < 0 else distance,
        "kept": None if grouping.stand_in is None else int(grouping.stand_in[row]) == row,
        "stand_in": row if grouping.stand_in is None else int(grouping.stand_in[row]),
        "class": None if grouping.classes is None else _plain(grouping.classes[row]),
        "part": None if grouping.parts is None else str(grouping.parts[row]),
    }


def _path_of(grouping: Grouping, row: int) -> str:
    """Return the whole path of an image, or what else it is."""
    source = grouping.sources[row]
    return name_source(source) or describe_source(source)


def _sum_known(sizes: list[int | None]) -> int | None:
    """Add what is known; None if there is something, and of none of it the size is known."""
    known = [size for size in sizes if size is not None]
    return sum(known) if known or not sizes else None


def _distinct(values: Sequence[Any] | None, rows: list[int]) -> set[str]:
    if values is None:
        return set()
    return {text for row in rows if (text := _plain(values[row])) is not None}


def _plain(value: Any) -> str | None:
    """Return a label as text; None where it is missing."""
    return None if value is None or value != value else str(value)
