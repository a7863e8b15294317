"""Near duplicates that stand on both sides of a split: told, and guarded against."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, combinations, permutations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.utils.validation import _num_samples

from .._utils.containers import as_column, column_of
from .._utils.descriptions import shorten
from .._utils.labels import list_labels
from .._utils.validation import check_count_or_share
from ..duplicates._finder_hints import point_to_finder
from ..duplicates._pair_graph import Members, check_room, expand
from ..exceptions import LeakageError, UncheckedLeakageError
from ..hamming._pairs import Pairs
from ..images._sources import name_sources
from ..plotting import plot_pairs
from ..report._notebook import show_pairs
from ..report._page import NOTEBOOK_GROUPS
from ._parts import ComparedParts, compare_parts, name_parts, tell_uncompared


@dataclass(frozen=True, repr=False)
class LeakageReport:
    """The near duplicates that stand in different parts of a split.

    Made by `leakage_report`.

    Attributes
    ----------
    share : float
        The share of the last part's images, those of the test part, that have a near duplicate in
        an earlier part. Images that could not be read count as if they had none.
    leaking : ndarray, dtype intp
        The rows of these images in the last part.
    shares : pandas.DataFrame
        For each part (its row) and each other one (the column), the share of its images that have
        a near duplicate there.
    n_pairs : int
        How many pairs of near duplicates stand in different parts.
    pairs : pandas.DataFrame
        These pairs, the nearest first: "left_part", "left" (the row in it), "left_image",
        "right_part", "right", "right_image", and "distance" in bits, missing if the finder counts
        none. The left part is the earlier one. More than 100 million pairs are refused.
    unreadable : dict of str to int
        How many images of each part could not be read: they were compared with none.
    by_class : pandas.DataFrame or None
        If labels were given, for each class of the last part, the worst first: "images",
        "leaking" and "share".
    """

    _parts: ComparedParts
    _labels: NDArray[np.object_] | None = None

    @property
    def share(self) -> float:
        """The share of the last part's images with a near duplicate in an earlier part."""
        n_images = self._parts.sizes[-1]
        return len(self.leaking) / n_images if n_images else 0.0

    @cached_property
    def leaking(self) -> NDArray[np.intp]:
        """The rows of the last part's images with a near duplicate in an earlier part."""
        in_last = self._parts.part == len(self._parts.sizes) - 1
        return np.flatnonzero(self._reaches[in_last, :-1].any(axis=1))

    @cached_property
    def shares(self) -> pd.DataFrame:
        """The share of each part's images with a near duplicate in each other part."""
        names = self._parts.names
        sums = pd.DataFrame(self._reaches, columns=names).groupby(self._parts.part).sum()
        table = sums.reindex(range(len(names)), fill_value=0).set_axis(names).astype(float)
        for name, size in zip(names, self._parts.sizes, strict=True):
            table.loc[name] /= max(size, 1)
            table.loc[name, name] = np.nan
        return table

    @property
    def unreadable(self) -> dict[str, int]:
        """How many images of each part could not be read."""
        return dict(zip(self._parts.names, self._parts.unreadable, strict=True))

    def why_unchecked(self, allow_unreadable: float | int = 0) -> str | None:
        """Say why it was not found out whether the split leaks.

        Parameters
        ----------
        allow_unreadable : int or float, default=0
            As in `assert_no_leakage`.

        Returns
        -------
        str or None
            A sentence; None if enough images were compared.
        """
        allowed = check_count_or_share("why_unchecked", "allow_unreadable", allow_unreadable)
        return self._parts.why_unchecked(allowed)

    @cached_property
    def n_pairs(self) -> int:
        """How many pairs of near duplicates stand in different parts."""
        return self._across[1]

    @cached_property
    def pairs(self) -> pd.DataFrame:
        """The pairs of near duplicates in different parts, the nearest first."""
        check_room(self.n_pairs)
        blocks = self._spread(self._cell_blocks(), self._cells)
        return self._tabulate(Pairs.sorted_from(blocks, len(self._cells)))

    @cached_property
    def by_class(self) -> pd.DataFrame | None:
        """The leaking images of the last part, class by class."""
        if self._labels is None:
            return None
        leaks = np.zeros(len(self._labels), dtype=bool)
        leaks[self.leaking] = True
        facts = pd.DataFrame({"class": self._labels, "leaks": leaks})
        table = facts.groupby("class", sort=False, dropna=False).agg(
            images=("leaks", "size"), leaking=("leaks", "sum"), share=("leaks", "mean")
        )
        return table.sort_values("share", ascending=False, kind="stable")

    def worst(self, n: int = 5) -> pd.DataFrame:
        """Return the nearest pairs; all pairs need not be written out for them.

        Parameters
        ----------
        n : int, default=5
            How many.

        Returns
        -------
        pandas.DataFrame
            As `pairs`.
        """
        cells = self._cells.copy()
        order = np.argsort(cells, kind="stable")
        ranks = np.arange(len(cells)) - np.searchsorted(cells[order], cells[order])
        heads = order[(ranks == 0) & (cells[order] >= 0)]
        firsts = np.zeros(self._counts.size, dtype=np.intp)
        firsts[cells[heads]] = heads
        # The first n of equal images, and the n pairs of cells whose first images are nearest and
        # come first, hold the n pairs that are asked for.
        cells[order[ranks >= n]] = -1
        nearest = _least(self._cell_blocks(), n, firsts)
        return self._tabulate(_least(self._spread([nearest], cells), n))

    def summary(self) -> dict[str, Any]:
        """Sum the report up in plain numbers, ready for JSON.

        Returns
        -------
        dict
            "parts" (their sizes), "unreadable" (by part), "pairs", "leaking" (images of the last
            part), "share", and "shares" (by part and other part): None where nothing of a part
            could be read.
        """
        names = self._parts.names
        unseen = dict(zip(names, self._parts.unseen, strict=True))
        *earlier, last = self._parts.unseen
        table = self.shares
        shares = {
            name: {
                other: None if unseen[name] or unseen[other] else float(table[other][name])
                for other in names
                if other != name
            }
            for name in names
        }
        return {
            "parts": dict(zip(names, self._parts.sizes, strict=True)),
            "unreadable": self.unreadable,
            "pairs": self.n_pairs,
            "leaking": len(self.leaking),
            "share": None if last or all(earlier) else self.share,
            "shares": shares,
        }

    def plot(self, n: int = 5, *, ax: Any = None) -> Any:
        """Draw the nearest pairs side by side.

        Parameters
        ----------
        n : int, default=5
            How many pairs.
        ax : matplotlib Axes or array of them, optional
            Where to draw; None makes a new figure.

        Returns
        -------
        ndarray of matplotlib Axes, shape (n, 2)
            Where the images are, a pair a row.

        Raises
        ------
        MissingExtraError
            If matplotlib is not installed.
        """
        return plot_pairs(self.worst(n), ax=ax)

    def _repr_html_(self) -> str:
        """Show the nearest pairs in a notebook."""
        return show_pairs("Leakage", str(self), self.worst(NOTEBOOK_GROUPS))

    def __repr__(self) -> str:
        return f"<LeakageReport: {self}>"

    def __str__(self) -> str:
        facts = self.summary()
        *earlier, last = self._parts.names
        sizes = ", ".join(f"{name} {size}" for name, size in facts["parts"].items())
        unchecked = self._parts.why_unchecked(len(self._parts.part))
        if unchecked and not facts["pairs"]:
            return f"{unchecked} (Images: {sizes}.)"
        text = f"{unchecked} " if unchecked else ""
        text += (
            f"{facts['leaking']} of {facts['parts'][last]} images in {last} "
            f"({_percent(facts['share'])}) have a near duplicate in {' or '.join(earlier)}."
        )
        for name, other in combinations(earlier, 2):
            share = facts["shares"][other][name]
            text += f" {_percent(share)} of the images in {other} have one in {name}."
        n_pairs = facts["pairs"]
        across = "1 pair stands" if n_pairs == 1 else f"{n_pairs} pairs stand"
        text += f" In all, {across} in different parts (images: {sizes})."
        return text + tell_uncompared(self._parts)

    @cached_property
    def _counts(self) -> NDArray[np.int64]:
        """How many images of each part have each signature."""
        near = self._parts.near
        counts = np.zeros((near.n_codes, len(self._parts.sizes)), dtype=np.int64)
        known = self._parts.count(near.codes)
        counts[: len(known)] = known
        return counts

    @cached_property
    def _across(self) -> tuple[NDArray[np.bool_], int]:
        """Which parts are in reach of each signature, and how many pairs stand across parts."""
        counts, totals = self._counts, self._counts.sum(axis=1)
        in_reach = counts > 0
        has = in_reach.copy()
        n_pairs = int((totals**2 - (counts**2).sum(axis=1)).sum()) // 2
        for left, right, _ in self._parts.near.near.blocks():
            n_pairs += int((totals[left] * totals[right]).sum())
            for part in range(len(self._parts.sizes)):
                of_part = counts[:, part]
                n_pairs -= int((of_part[left] * of_part[right]).sum())
                in_reach[left[has[right, part]], part] = True
                in_reach[right[has[left, part]], part] = True
        return in_reach, n_pairs

    @cached_property
    def _reaches(self) -> NDArray[np.bool_]:
        """Whether each image has a near duplicate in each part that is not its own."""
        near, part = self._parts.near, self._parts.part
        reaches = np.zeros((len(part), len(self._parts.sizes)), dtype=bool)
        known = near.codes >= 0
        reaches[known] = self._across[0][near.codes[known]]
        reaches[np.arange(len(part)), part] = False
        return reaches

    @cached_property
    def _cells(self) -> NDArray[np.intp]:
        """The signature and the part of each image in one number; -1 without a signature."""
        codes = self._parts.near.codes
        return np.where(codes < 0, -1, codes * len(self._parts.sizes) + self._parts.part)

    def _cell_blocks(self) -> Iterator[Pairs]:
        """Yield the pairs of cells in different parts whose images are near each other."""
        has = self._counts > 0
        n_parts = has.shape[1]
        equal = np.flatnonzero(has.sum(axis=1) > 1)
        same = Pairs(equal, equal, np.zeros(len(equal), dtype=np.int64))
        for place, (left, right, distance) in enumerate(
            chain([same], self._parts.near.near.blocks())
        ):
            # Equal images are met once, near ones as (left, right) and turned.
            turns = permutations if place else combinations
            for one, other in turns(range(n_parts), 2):
                found = has[left, one] & has[right, other]
                cells = (left[found] * n_parts + one, right[found] * n_parts + other)
                yield Pairs(*(cells if one < other else cells[::-1]), distance[found])

    def _spread(self, cell_pairs: Iterable[Pairs], cells: NDArray[np.intp]) -> Iterator[Pairs]:
        """Yield the pairs of images that have such cells."""
        members = Members(cells)
        for block in cell_pairs:
            yield from expand(block, members)

    def _tabulate(self, pairs: Pairs) -> pd.DataFrame:
        parts = self._parts
        left, right, distance = pairs
        order = np.lexsort((right, left, distance))
        columns: dict[str, Any] = {}
        for side, rows in (("left", left[order]), ("right", right[order])):
            columns[f"{side}_part"] = pd.Series(np.array(parts.names, object)[parts.part[rows]])
            columns[side] = parts.row[rows]
            columns[f"{side}_image"] = as_column([parts.sources[row] for row in rows])
        missing = pd.Series(pd.NA, index=range(len(order)), dtype="Int64")
        columns["distance"] = distance[order] if parts.has_distances else missing
        return pd.DataFrame(columns)


def _least(blocks: Iterable[Pairs], n: int, order: NDArray[np.intp] | None = None) -> Pairs:
    """Return the `n` nearest pairs; ties by left, then right, as `order` ranks them."""
    held = Pairs.concatenate([])
    for block in blocks:
        if len(held.left) >= n > 0:
            block = block.where(block.distance <= held.distance[-1])
        if len(block.left):
            held = Pairs.concatenate([held, block])
            left, right = (rows if order is None else order[rows] for rows in held[:2])
            chosen = np.lexsort((right, left, held.distance))[:n]
            held = Pairs(*(column[chosen] for column in held))
    return held


def _percent(share: float | None) -> str:
    return "an unknown share" if share is None else f"{share:.1%}"


@point_to_finder
def leakage_report(
    train: Any, test: Any = None, *, y: Any = None, finder: Any = None
) -> LeakageReport:
    """Find the near duplicates that stand in different parts of a split.

    Parameters
    ----------
    train, test : list, tuple, array, Series or DataFrame
        The images of two parts: image sources, frames with the images in a column named "image",
        "path", "url", "file" or "filename", or matrices of bits of shape (n_images, n_bits). Or,
        as `train` alone, a mapping of names to any number of parts, in the order of their use:
        ``{"train": ..., "validation": ..., "test": ...}``.
    y : array-like of shape (n_images,), or column, default=None
        The labels of the test part, or of the last of several parts, or the name of its column
        that holds them: the report then tells the
        leaks of each class.
    finder : estimator with ``fit_predict(X) -> labels``, default=None
        What says what a near duplicate is; None means ``NearDuplicateFinder()``. An estimator that
        finds groups alone gives pairs without distances.

    Returns
    -------
    LeakageReport
        The share of test images that leak, and the pairs. Images that cannot be read are near
        none.

    See Also
    --------
    assert_no_leakage : For tests and CI.
    repair_split : Moves images so that nothing leaks.

    Examples
    --------
    >>> from skimage import data
    >>> from hashfeatures import leakage_report
    >>> train = [data.camera(), data.coins()]
    >>> report = leakage_report(train, [data.camera()[::2, ::2], data.page()])
    >>> report.share
    0.5
    >>> report.pairs[["left", "right", "distance"]]
       left  right  distance
    0     0      0         0
    >>> print(report)
    1 of 2 images in test (50.0%) have a near duplicate in train. In all, 1 pair stands in
    different parts (images: train 2, test 2).
    """
    parts = name_parts("leakage_report", train, test)
    *_, last = parts.values()
    y = column_of(y, last, "leakage_report", "y")
    labels = None if y is None else list_labels(y, _num_samples(last))
    return LeakageReport(compare_parts("leakage_report", parts, finder), labels)


@point_to_finder
def assert_no_leakage(
    train: Any, test: Any = None, *, finder: Any = None, allow_unreadable: float | int = 0
) -> None:
    """Raise if near duplicates stand in different parts of a split, or if nobody can tell.

    Parameters
    ----------
    train, test : list, tuple, array, Series or DataFrame
        As for `leakage_report`; or a mapping of names to parts, as `train` alone.
    finder : estimator with ``fit_predict(X) -> labels``, default=None
        What says what a near duplicate is; None means ``NearDuplicateFinder()``.
    allow_unreadable : int or float, default=0
        How many images may be unreadable: a number, or a share of all of them, below 1. In each
        part, one image at least must be readable.

    Raises
    ------
    LeakageError
        It names the nearest pairs, and holds the `LeakageReport` as `report`.
    UncheckedLeakageError
        A `LeakageError` as well: no near duplicates were found, but a part is empty, or nothing
        of it or too little of all could be read.

    Examples
    --------
    >>> from skimage import data
    >>> from hashfeatures import assert_no_leakage
    >>> assert_no_leakage([data.camera()], [data.coins()])
    """
    owner = "assert_no_leakage"
    allowed = check_count_or_share(owner, "allow_unreadable", allow_unreadable)
    parts = name_parts(owner, train, test)
    report = LeakageReport(compare_parts(owner, parts, finder))
    if not report.n_pairs:
        if (why := report.why_unchecked(allowed)) is not None:
            cure = "Check the paths, or say how many may be: allow_unreadable=..."
            raise UncheckedLeakageError(f"{why} {cure}", report)
        return
    worst = report.worst(5)
    lines = [
        f"  {_name(pair, 'left')} and {_name(pair, 'right')}{_apart(pair['distance'])}"
        for _, pair in worst.iterrows()
    ]
    if (n_more := report.n_pairs - len(worst)) > 0:
        lines.append(f"  and {n_more} more")
    cure = "repair_split moves images until none is left: the fewest with priority='majority'."
    raise LeakageError("\n".join([str(report), *lines, cure]), report)


def _name(pair: Any, side: str) -> str:
    (image,) = name_sources([pair[f"{side}_image"]])
    named = "" if image is None else f", {shorten(image)!r}"
    return f"{pair[f'{side}_part']}[{pair[side]}]{named}"


def _apart(distance: Any) -> str:
    return "" if pd.isna(distance) else f": {distance} bits apart"
