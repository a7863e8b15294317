"""A report of near duplicates: from images to a page, JSON or text."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import pandas as pd

from .._utils.atomic_write import write_whole
from .._utils.containers import check_length, column_of
from .._utils.docstrings import fill_in_parameters
from .._utils.frames import column_names, is_frame, is_missing, list_column
from .._utils.labels import list_labels
from .._utils.stored_columns import read_numbers
from .._utils.validation import check_int, refuse
from ..hashing.views._borders import find_inside
from ..images._decoding import Decoding
from ..images._gather import gather_images
from ..images._sources import image_column, list_sources
from ..report._page import write_page, write_parts
from ..report._summary import Summary, summarize
from ..report._text import describe_counts, write_text
from ..report._thumbnails import Facts, View, make_thumbnails
from ._finder import NearDuplicateFinder
from ._finder_hints import point_to_finder
from ._labels import Labels
from ._removal import choose_representatives, group_fitted
from ._representatives import Representatives, check_keep
from ._resolve import find_near
from ._summary import count_nearest, with_matches

# The thumbnails of a page.
_MOST_THUMBNAILS = 1500
_MOST_BYTES = 10_000_000
# Those that are large in any case: so many images, at most so many of a group.
_MOST_LARGE = 48
_MOST_LARGE_OF_GROUP = 6


class DuplicateReport:
    """The near duplicates among images, as page, text, JSON or in a notebook.

    `make_report` returns it. Read more in the :doc:`User Guide </user-guide/near-duplicates>`.

    Attributes
    ----------
    summary : dict
        The content of the report in plain values: "title", "settings", "counts", "distances",
        "parts", "groups", "images", "unreadable" and "low_detail".
    thumbnails : dict of int to str
        Pictures as data URIs, by place in ``summary["images"]``.

    See Also
    --------
    make_report : Makes the report.
    find_duplicates : The groups as a table.

    Examples
    --------
    >>> from skimage import data
    >>> from hashfeatures import make_report
    >>> report = make_report([data.camera(), data.coins(), data.camera()[::2, ::2]])
    >>> report.summary["counts"]["duplicates"]
    1
    >>> report.to_html().startswith("<!DOCTYPE html>")
    True
    """

    def __init__(
        self,
        summary: Summary,
        thumbnails: dict[int, str],
        count_distances: Callable[[], tuple[list[int], int]] | None = None,
    ) -> None:
        self._without_distances = summary
        self._count_distances = count_distances
        self.thumbnails = thumbnails

    @cached_property
    def summary(self) -> Summary:
        """The content of the report in plain values."""
        if self._count_distances is None:
            return self._without_distances
        counts, n_measured = self._count_distances()  # takes a search, which no text needs
        return self._without_distances | {"distances": {"counts": counts, "images": n_measured}}

    def __str__(self) -> str:
        return write_text(self._without_distances)

    def __repr__(self) -> str:
        return f"<DuplicateReport: {describe_counts(self._without_distances)}>"

    def _repr_html_(self) -> str:
        return write_parts(self.summary, self.thumbnails)

    def to_html(self) -> str:
        """Return one HTML page that needs nothing but itself and makes no request.

        Returns
        -------
        str
            The page.
        """
        return write_page(self.summary, self.thumbnails)

    def to_text(self, whole: bool = False) -> str:
        """Return the report as text.

        Parameters
        ----------
        whole : bool, default=False
            Whether to list all groups. False lists the first ones.

        Returns
        -------
        str
            The text, several lines.
        """
        return write_text(self._without_distances, whole)

    def to_json(self) -> str:
        """Return the summary as JSON.

        Returns
        -------
        str
            JSON, with the keys of `summary`.
        """
        return json.dumps(self.summary, indent=1)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the report to a file: JSON if it ends in ".json", text if in ".txt", else HTML.

        Parameters
        ----------
        path : path-like
            The file; one that exists is replaced.
        """
        forms = {".json": self.to_json, ".txt": self.to_text}
        text = forms.get(Path(path).suffix.lower(), self.to_html)()
        write_whole(path, text.encode("utf-8", "backslashreplace"))


@point_to_finder
@fill_in_parameters
def make_report(
    images: Any,
    *,
    classes: Any = None,
    parts: Any = None,
    keep: Any = "largest",
    title: str = "Near duplicates",
    max_thumbnails: int = _MOST_THUMBNAILS,
    finder: NearDuplicateFinder | None = None,
) -> DuplicateReport:
    """Report the near duplicates among images.

    Read more in the :doc:`User Guide </user-guide/near-duplicates>`.

    Parameters
    ----------
    $images
    classes : array-like of shape (n_images,), or column, default=None
        The class of each image, or the name of a column that holds it. The report marks groups
        of different classes.
    parts : array-like of shape (n_images,), or column, default=None
        The part of a split that each image belongs to, such as "train" or "test". The report
        marks groups in more than one part as leaks.
    keep : {"first", "largest"}, column name or callable, default="largest"
        Which of near duplicates is marked as kept, as in `drop_duplicates`.
    title : str, default="Near duplicates"
        The title of the report.
    max_thumbnails : int, default=1500
        The most pictures in the page; together they take at most 10 MB.
    finder : NearDuplicateFinder, default=None
        Estimator that defines near duplicates. None means ``NearDuplicateFinder()``. A finder
        that is fitted on these images hashes none of them again, unless a file has changed.

    Returns
    -------
    DuplicateReport
        The report, with `save`, `to_html`, `to_json` and `summary`.

    See Also
    --------
    find_duplicates : The groups as a table.
    audit_split : A card of the leaks and duplicates of a split.

    Examples
    --------
    >>> from skimage import data
    >>> from hashfeatures import make_report
    >>> report = make_report([data.camera(), data.coins(), data.camera()[::2, ::2]])
    >>> print(report)
    3 images: 1 group of near duplicates with 2 images, 1 of which can be removed.
    Near duplicates differ in at most 28 of the 128 bits of phash and dhash. The agreement ...
    group 0: 2 images, weakest link 0.99
      *   0 bits        <uint8 array of shape (512, 512)>
          0 bits  0.99  <uint8 array of shape (256, 256)>  ...
    """
    name = "make_report"
    check_int(name, "max_thumbnails", max_thumbnails, 0)
    if finder is not None and not isinstance(finder, NearDuplicateFinder):
        raise refuse(name, "finder", "None or a NearDuplicateFinder", finder)
    images = gather_images(images)
    check_keep(keep, images)
    n_images = len(list_sources(image_column(images, name), name))
    classes = column_of(classes, images, name, "classes")
    parts = column_of(parts, images, name, "parts")
    for what, values in (("classes", classes), ("parts", parts)):
        if values is not None:
            check_length(what, values, n_images)
    found = find_near(images, finder, fit=True, caller=name)
    assert found.finder is not None
    return report_fitted(
        found.finder,
        images,
        classes=None if classes is None else list(list_labels(classes, n_images)),
        parts=None if parts is None else list(list_labels(parts, n_images)),
        keep=keep,
        title=title,
        max_thumbnails=max_thumbnails,
    )


def report_fitted(
    finder: NearDuplicateFinder,
    images: Any,
    *,
    classes: Sequence[Any] | None = None,
    parts: Sequence[Any] | None = None,
    keep: Any = "largest",
    title: str = "Near duplicates",
    max_thumbnails: int = _MOST_THUMBNAILS,
    representatives: Representatives | None = None,
) -> DuplicateReport:
    """Report the groups of a fitted finder.

    Parameters
    ----------
    finder : NearDuplicateFinder
        A finder that is fitted on `images`.
    images, classes, parts, keep, title, max_thumbnails
        As for `make_report`.
    representatives : Representatives, optional
        The images that are kept; None chooses them by `keep`.

    Returns
    -------
    DuplicateReport
        The report.
    """
    sources = list_sources(images, "A report")
    if representatives is None:
        representatives = choose_representatives(finder, images, keep)
    grouping = with_matches(
        group_fitted(finder, sources, representatives, classes, parts),
        finder._describer(finder._images, finder.graph_),
    )
    members = list(grouping.members().values())
    rows = [row for group in members for row in group]
    facts, thumbnails = make_thumbnails(
        [sources[row] for row in rows],
        max_number=max_thumbnails,
        max_bytes=_MOST_BYTES,
        fetch=True,
        progress=finder.progress,
        large=_choose_large(members, representatives.row),
        view=View(
            Decoding("reduced", finder.orient, finder.background or "white", finder.max_pixels),
            find_inside if finder.trim_borders else None,
        ),
    )
    known = dict(zip(rows, facts, strict=True))
    if is_frame(images):
        names = {"width", "height", "bytes", "format"} & set(column_names(images))
        told = {name: list_column(images, name) for name in names}
        known = {row: _fill_up(fact, told, row) for row, fact in known.items()}
    facts_of_finder = finder.summary()
    summary = summarize(
        grouping,
        known,
        title=title,
        settings={
            name: facts_of_finder[name] for name in ("hashes", "bits", "radius", "min_agreement")
        },
    )
    count = partial(count_nearest, finder._images.fingerprints, finder.n_jobs)
    return DuplicateReport(summary, thumbnails, count)


def _choose_large(members: Sequence[Sequence[int]], kept: Labels) -> set[int]:
    """Choose the places of the images that can be compared at full width in any page.

    Of each of the first groups, these are a kept image and the first images that it represents.
    """
    chosen: set[int] = set()
    start = 0
    for group in members:
        first = next((row for row in group if kept[row] != row), group[0])
        pair = sorted(range(len(group)), key=lambda place: group[place] != kept[first])
        chosen.update(start + place for place in pair[:_MOST_LARGE_OF_GROUP])
        if len(chosen) >= _MOST_LARGE:
            break
        start += len(group)
    return chosen


def _fill_up(fact: Facts, told: Mapping[str, Sequence[Any]], row: int) -> Facts:
    """Take the facts of a file that is not here from the columns of a table."""
    if fact.width is not None:
        return fact
    names = [name for name in ("width", "height", "bytes") if name in told]
    read = {name: read_numbers(pd.Series([told[name][row]]))[0] for name in names}
    said = {name: int(number) for name, number in read.items() if not is_missing(number)}
    kind = told["format"][row] if "format" in told else None
    seen = {name: value for name, value in asdict(fact).items() if value is not None}
    return Facts(**{"format": None if is_missing(kind) else str(kind)} | said | seen)
