"""Which images of a fitted finder can be removed, and which is kept for each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from ..hamming._pairs import Rows
from ..report._summary import Grouping
from ._finder import NearDuplicateFinder
from ._representatives import Representatives, choose_kept, choose_outside
from ._summary import make_grouping


class Removal(NamedTuple):
    """An image that can be removed.

    Parameters
    ----------
    row : int
        Its row among the images.
    kept : int or None
        The row of the image that is kept for it; None if no near duplicate of it is kept.
    distance : int or None
        The distance of the two in bits.
    """

    row: int
    kept: int | None
    distance: int | None


def choose_representatives(
    finder: NearDuplicateFinder, images: Any, keep: Any = "largest"
) -> Representatives:
    """Choose the images of a fitted finder that are kept, as `drop_duplicates` does.

    Parameters
    ----------
    finder : NearDuplicateFinder
        A finder that is fitted on `images`.
    images : container of image sources, or table
        The images.
    keep : {"first", "largest"}, column name or callable, default="largest"
        As in `drop_duplicates`.

    Returns
    -------
    Representatives
        The image that represents each.
    """
    return choose_kept(finder.graph_, images, keep, finder.n_pixels_, finder.max_pixels)


def plan_removal(finder: NearDuplicateFinder, representatives: Representatives) -> list[Removal]:
    """List the images that can be removed, in the order in which a report lists them.

    Parameters
    ----------
    finder : NearDuplicateFinder
        A fitted finder.
    representatives : Representatives
        The images that are kept, as `choose_representatives` chooses them.

    Returns
    -------
    list of Removal
        Every image that is not kept, with the image that represents it: the largest and widest
        groups first.
    """
    members = group_fitted(finder, list(finder.ids_), representatives).members().values()
    return [
        Removal(row, int(representatives.row[row]), int(representatives.distance[row]))
        for rows in members
        for row in rows
        if representatives.row[row] != row
    ]


def plan_listed_removal(finder: NearDuplicateFinder, rows: Rows) -> list[Removal]:
    """List images that a user chose to remove, with the nearest near duplicate that stays.

    Parameters
    ----------
    finder : NearDuplicateFinder
        A fitted finder.
    rows : ndarray of shape (n_rows,), dtype intp
        The rows of the images to remove; all others stay.

    Returns
    -------
    list of Removal
        The same images, in their order. Nothing is kept for an image if no near duplicate stays.
    """
    chosen = choose_outside(finder.graph_, rows)
    return [
        Removal(int(row), int(kept), int(bits)) if kept >= 0 else Removal(int(row), None, None)
        for row, kept, bits in zip(rows, *chosen, strict=True)
    ]


def group_fitted(
    finder: NearDuplicateFinder,
    sources: Sequence[Any],
    representatives: Representatives,
    classes: Sequence[Any] | None = None,
    parts: Sequence[Any] | None = None,
) -> Grouping:
    """Gather what a report shows of the groups of a fitted finder, see `make_grouping`."""
    return make_grouping(
        sources,
        finder.graph_,
        finder.labels_,
        finder.groups_,
        finder.failures_,
        finder._images.fingerprints.comparable,
        representatives.row,
        classes,
        parts,
    )
