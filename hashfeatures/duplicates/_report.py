"""A report of near duplicates: from images to a page, JSON or text."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd
from sklearn.base import clone

from .._utils.atomic_write import write_whole
from .._utils.containers import check_length, column_of
from .._utils.frames import column_names, is_frame, is_missing, list_column
from .._utils.labels import list_labels
from .._utils.stored_columns import read_numbers
from .._utils.validation import check_int, refuse
from ..images._sources import image_column, list_sources
from ..report._page import write_page, write_parts
from ..report._summary import Summary, summarise
from ..report._text import say_counts, write_text
from ..report._thumbnails import Facts, picture
from ._finder import NearDuplicateFinder
from ._finder_hints import point_to_finder
from ._representatives import check_keep, choose_kept
from ._resolve import check_finder
from ._summary import count_nearest, make_grouping

# The thumbnails of a page.
_MOST_THUMBNAILS = 1500
_MOST_BYTES = 8_000_000


class DuplicateReport:
    """What was found among images, to be looked at.

    Made by `make_report`. In a notebook, it shows itself.

    Attributes
    ----------
    summary : dict
        All that the report says, in plain values: "title", "settings", "counts", "distances",
        "parts", "groups", "images", "unreadable" and "low_detail". Page, JSON and text are made
        from it.
    thumbnails : dict of int to str
        Pictures as data URIs, by place in ``summary["images"]``.
    """

    def __init__(self, summary: Summary, thumbnails: dict[int, str]) -> None:
        self.summary = summary
        self.thumbnails = thumbnails

    def __str__(self) -> str:
        return write_text(self.summary)

    def __repr__(self) -> str:
        return f"<DuplicateReport: {say_counts(self.summary)}>"

    def _repr_html_(self) -> str:
        return write_parts(self.summary, self.thumbnails)

    def to_html(self) -> str:
        """Return one HTML page that needs nothing but itself and makes no request."""
        return write_page(self.summary, self.thumbnails)

    def to_text(self, whole: bool = False) -> str:
        """Return the report as text: its first groups, or the whole of them."""
        return write_text(self.summary, whole)

    def to_json(self) -> str:
        """Return the summary as JSON."""
        return json.dumps(self.summary, indent=1)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the report to a file: JSON if it ends in ".json", text if in ".txt", else HTML.

        Parameters
        ----------
        path : path
            The file; one that exists is replaced.
        """
        forms = {".json": self.to_json, ".txt": self.to_text}
        text = forms.get(Path(path).suffix.lower(), self.to_html)()
        write_whole(path, text.encode("utf-8", "backslashreplace"))


@point_to_finder
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

    Parameters
    ----------
    images : list, tuple, 1-D array, Series or DataFrame
        Image sources, or a table that holds them, as for `drop_duplicates`.
    classes : array-like of shape (n_images,), or column, optional
        What each image shows, or the column of the table that tells it: groups of different
        classes are marked.
    parts : array-like of shape (n_images,), or column, optional
        The part of a split that each image belongs to, "train" or "test" say: groups that are in
        more than one are marked as leaks.
    keep : {"first", "largest"}, column name or callable, default="largest"
        Which image of its near duplicates is marked as kept, as in `drop_duplicates`.
    title : str, default="Near duplicates"
        What the report is called.
    max_thumbnails : int, default=1500
        How many pictures the page holds; together they take 8 MB at the most.
    finder : NearDuplicateFinder, optional
        What says what a near duplicate is; None means ``NearDuplicateFinder()``. If it is fitted
        on just these `images`, which have not changed since, none is hashed again.

    Returns
    -------
    DuplicateReport
        The report, with `save`, `to_html`, `to_json` and `summary`.

    Examples
    --------
    >>> from skimage import data
    >>> from hashfeatures import make_report
    >>> report = make_report([data.camera(), data.coins(), data.camera()[::2, ::2]])
    >>> print(report)
    3 images: 1 group of near duplicates with 2 images, of which 1 could go.
    Near duplicates differ in at most 12 of the 128 bits of phash and dhash.
    group 0: 2 images
      *   0 bits  <uint8 array of shape (512, 512)>
          0 bits  <uint8 array of shape (256, 256)>
    """
    name = "make_report"
    check_int(name, "max_thumbnails", max_thumbnails, 0)
    finder = check_finder(finder)
    if not isinstance(finder, NearDuplicateFinder):
        raise refuse(name, "finder", "a NearDuplicateFinder", finder)
    check_keep(keep, images)
    column = image_column(images, name)
    n_images = len(list_sources(column, name))
    classes = column_of(classes, images, name, "classes")
    parts = column_of(parts, images, name, "parts")
    for what, values in (("classes", classes), ("parts", parts)):
        if values is not None:
            check_length(what, values, n_images)
    if not finder._is_fitted_on(images):
        finder = clone(finder).fit(column)
    return report_fitted(
        finder,
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
) -> DuplicateReport:
    """Report what a fitted finder found, see `make_report`."""
    sources = list_sources(images, "A report")
    representatives = choose_kept(finder._near, images, keep, finder._n_pixels, finder.max_pixels)
    grouping = make_grouping(
        sources,
        finder._near,
        finder.labels_,
        finder.groups_,
        finder.failures_,
        finder._signatures.hashed,
        representatives.row,
        classes,
        parts,
    )
    rows = [row for members in grouping.members().values() for row in members]
    facts, thumbnails = picture(
        [sources[row] for row in rows],
        max_number=max_thumbnails,
        max_bytes=_MOST_BYTES,
        fetch=True,
        progress=finder.progress,
    )
    known = dict(zip(rows, facts, strict=True))
    if is_frame(images):
        names = {"width", "height", "bytes", "format"} & set(column_names(images))
        told = {name: list_column(images, name) for name in names}
        known = {row: _fill_up(fact, told, row) for row, fact in known.items()}
    facts_of_finder = finder.summary()
    distances, n_measured = count_nearest(finder._signatures, finder.n_jobs)
    summary = summarise(
        grouping,
        known,
        title=title,
        settings={name: facts_of_finder[name] for name in ("hashes", "bits", "radius")},
        distances=distances,
        n_measured=n_measured,
    )
    return DuplicateReport(summary, thumbnails)


def _fill_up(fact: Facts, told: Mapping[str, Sequence[Any]], row: int) -> Facts:
    """Take from the columns of a table what is not known of a file that is not here."""
    if fact.width is not None:
        return fact
    names = [name for name in ("width", "height", "bytes") if name in told]
    read = {name: read_numbers(pd.Series([told[name][row]]))[0] for name in names}
    said = {name: int(number) for name, number in read.items() if not is_missing(number)}
    kind = told["format"][row] if "format" in told else None
    seen = {name: value for name, value in asdict(fact).items() if value is not None}
    return Facts(**{"format": None if is_missing(kind) else str(kind)} | said | seen)
