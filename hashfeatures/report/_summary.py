"""The content of a report as one dict of plain values.

Page, JSON and text are made from this dict and from nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..images._sources import describe_source, name_source
from ._thumbnails import Facts

Numbers = NDArray[np.integer[Any]]
Summary = dict[str, Any]


@dataclass(frozen=True)
class Match:
    """How an image follows from the one that is kept for it, confirmed by their pixels.

    Parameters
    ----------
    agreement : float
        How well the pixels agree, from 0 to 1.
    relation : str
        What was done to the kept image to get this one, such as "mirrored".
    map : tuple of 6 floats or None
        The affine map (a, b, c, d, e, f) that takes a point of the kept image to this one,
        x' = a x + b y + c and y' = d x + e y + f, where the sides of both images have length 1.
        None if it is not known.
    """

    agreement: float
    relation: str
    map: tuple[float, ...] | None = None


@dataclass(frozen=True)
class Grouping:
    """The near duplicates among images, in arrays with one row per image.

    Parameters
    ----------
    sources : sequence of image sources
        The images.
    labels : ndarray of shape (n_images,)
        The group of each image.
    nearest : ndarray of shape (n_images,)
        The distance in bits to the nearest near duplicate; negative if there is none.
    representative : ndarray of shape (n_images,), optional
        The row of the image that is kept for each image; its own if it is kept. None if no
        choice was made.
    diameters : dict of int to int
        The greatest distance in bits between two members of a group, by label.
    unreadable : dict of int to str
        The reasons why images could not be read, by row.
    low_detail : sequence of int
        The rows of images with too little detail to compare their hashes.
    classes, parts : sequence of shape (n_images,), optional
        The class of each image, and its part of a split.
    matches : dict of int to Match, optional
        How an image follows from the one that is kept for it, by row. In a group of two of which
        none is kept, the match of the second image is with the first.
    weakest_links : dict of int to float, optional
        The least agreement among the confirmed pairs of a group, by label.
    """

    sources: Sequence[Any]
    labels: Numbers
    nearest: Numbers
    representative: Numbers | None
    diameters: dict[int, int]
    unreadable: dict[int, str]
    low_detail: Sequence[int]
    classes: Sequence[Any] | None = None
    parts: Sequence[str] | None = None
    matches: Mapping[int, Match] = field(default_factory=dict)
    weakest_links: Mapping[int, float] = field(default_factory=dict)

    def first_rows(self, n_groups: int, n_images: int) -> list[int]:
        """Return the rows of the first images of the first groups, in order."""
        first = islice(self.members().values(), n_groups)
        return [row for members in first for row in members[:n_images]]

    def members(self) -> dict[int, list[int]]:
        """Return the rows of each group of two or more; the largest and widest come first."""
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


def summarize(
    grouping: Grouping,
    facts: dict[int, Facts],
    *,
    title: str,
    settings: dict[str, Any],
    distances: Sequence[int] = (),
    n_measured: int = 0,
    in_order: bool = False,
) -> Summary:
    """Summarize near duplicates in plain values.

    Parameters
    ----------
    grouping : Grouping
        The near duplicates.
    facts : dict of int to Facts
        The facts about the files of grouped images, by row.
    title : str
        The title of the report.
    settings : dict
        The "hashes", "bits" and "radius" of the comparison, and its "min_agreement" if near
        duplicates are confirmed by their pixels.
    distances : sequence of int
        The number of images whose nearest neighbor is at each distance, from 0 bits on.
    n_measured : int
        The number of images that were counted.
    in_order : bool
        Whether groups keep the order of their labels; otherwise the largest come first.

    Returns
    -------
    dict
        Only str, int, bool, None, lists and dicts: "title", "settings", "counts", "distances",
        "parts", "images" (of all groups), "groups" (each with the positions of its images in
        "images"), "unreadable" and "low_detail".
    """
    members = grouping.members()
    if in_order:
        members = dict(sorted(members.items()))
    place = {
        row: place for place, row in enumerate(row for rows in members.values() for row in rows)
    }
    groups = [_summarize_group(grouping, label, rows, place) for label, rows in members.items()]
    images = [_summarize_image(grouping, row, facts.get(row, Facts())) for row in place]
    removable = [image for image in images if image["kept"] is False]
    counts = {
        "images": len(grouping.sources),
        "groups": len(groups),
        "grouped_images": len(images),
        "duplicates": len(removable),
        "duplicate_bytes": _sum_known([image["bytes"] for image in removable]),
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


def _summarize_group(
    grouping: Grouping, label: int, rows: list[int], place: dict[int, int]
) -> dict[str, Any]:
    classes = _distinct(grouping.classes, rows)
    parts = _distinct(grouping.parts, rows)
    return {
        "label": label,
        "images": [place[row] for row in rows],
        "diameter": grouping.diameters.get(label),
        "weakest_link": _rounded(grouping.weakest_links.get(label)),
        "conflict": len(classes) > 1,
        "leak": len(parts) > 1,
    }


def _summarize_image(grouping: Grouping, row: int, facts: Facts) -> dict[str, Any]:
    distance = int(grouping.nearest[row])
    match = grouping.matches.get(row)
    return {
        "row": row,
        "path": _path_of(grouping, row),
        **asdict(facts),
        "distance": None if distance < 0 else distance,
        "agreement": None if match is None else _rounded(match.agreement),
        "relation": None if match is None else match.relation,
        "map": None
        if match is None or match.map is None
        else [round(float(number), 5) for number in match.map],
        "kept": None
        if grouping.representative is None
        else int(grouping.representative[row]) == row,
        "stand_in": row if grouping.representative is None else int(grouping.representative[row]),
        "class": None if grouping.classes is None else _plain(grouping.classes[row]),
        "part": None if grouping.parts is None else str(grouping.parts[row]),
    }


def _path_of(grouping: Grouping, row: int) -> str:
    """Return the full path of an image, or a description of an image without a path."""
    source = grouping.sources[row]
    return name_source(source) or describe_source(source)


def _sum_known(sizes: list[int | None]) -> int | None:
    """Add the known sizes; None if there are sizes but all are unknown."""
    known = [size for size in sizes if size is not None]
    return sum(known) if known or not sizes else None


def _rounded(agreement: float | None) -> float | None:
    return None if agreement is None else round(float(agreement), 4)


def _distinct(values: Sequence[Any] | None, rows: list[int]) -> set[str]:
    if values is None:
        return set()
    return {text for row in rows if (text := _plain(values[row])) is not None}


def _plain(value: Any) -> str | None:
    """Return a label as text; None where it is missing."""
    return None if value is None or value != value else str(value)
