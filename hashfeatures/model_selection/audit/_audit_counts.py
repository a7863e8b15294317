"""The counts of an audit: copies within and across the parts of a split, by class."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..._utils.intervals import independent_count, wilson_interval
from ...duplicates._conflicts import find_conflicts
from ...duplicates._labels import Labels
from ...images._sources import describe_source, name_source
from .._cross_pairs import CrossPairs
from .._part_labels import PartClasses
from .._parts import ComparedParts
from .._priority import MAJORITY
from ..leakage._repair import find_targets
from ..sequences._names import find_name_runs
from ..sequences._paths import list_names

Flags = NDArray[np.bool_]

# The groups of different labels, and the images of each, that a summary lists.
_MOST_CONFLICTS = 20
_MOST_IMAGES = 6


class AuditCounts:
    """What an audit counts.

    Parameters
    ----------
    parts : ComparedParts
        The parts, and their near pairs.
    cross_pairs : CrossPairs
        The pairs of images in different parts.
    identical : ndarray of shape (n_images,), dtype intp, or None
        A number that images of equal pixels share; None if pixels are not known.
    classes : PartClasses or None
        The classes of the images.
    """

    def __init__(
        self,
        parts: ComparedParts,
        cross_pairs: CrossPairs,
        identical: Labels | None,
        classes: PartClasses | None,
    ) -> None:
        self._parts = parts
        self._near = cross_pairs.reaches.copy()
        self._near[np.arange(len(parts.part)), parts.part] = cross_pairs.has_near_in_part
        self._identical = identical
        self._classes = classes
        self.groups = parts.graph.labels()  # of near duplicates alone

    def count_part(self, number: int) -> dict[str, Any]:
        """Count the images and the copies of one part."""
        parts = self._parts
        rows = np.flatnonzero(parts.part == number)
        others = [other for other in range(len(parts.names)) if other != number]
        compared = [
            bool(size) and (not unseen or parts.own is not None)  # groups are known in any case
            for size, unseen in zip(parts.sizes, parts.counts.unseen, strict=True)
        ]
        seen = [other for other in others if compared[other] and compared[number]]
        classes = self._classes
        by_class = None
        if classes is not None:
            by_class = {
                classes.names[code]: self._tally(members, seen)
                for code, members in _split_by(classes.codes[rows], rows)
            }
        sizes = np.unique(self.groups[rows], return_counts=True)[1]
        return {
            "images": parts.sizes[number],
            "unreadable": parts.unreadable[number],
            "low_detail": parts.low_detail[number],
            "classes": None if classes is None else classes.count(rows),
            "leaks": self._tally(rows, seen),
            "across": {
                parts.names[other]: self._tally(rows, [other] if other in seen else [])
                for other in others
            },
            "by_class": by_class,
            "within": self._tally(rows, [number])
            | {"groups": int((sizes > 1).sum()), "duplicates": int((sizes - 1).sum())},
        }

    def count_conflicts(self) -> dict[str, Any] | None:
        """Count and list the groups whose images have different labels; None without labels."""
        if self._classes is None:
            return None
        parts, classes = self._parts, self._classes
        table = find_conflicts(self.groups, classes.labels)
        n_in_part = [
            np.bincount(parts.part[rows], minlength=len(parts.names)) for rows in table["rows"]
        ]
        spans = np.array([(n > 0).sum() > 1 for n in n_in_part], dtype=bool)
        home = np.array([n.argmax() for n in n_in_part], dtype=np.intp)[~spans]
        within = np.bincount(home, minlength=len(parts.names)).tolist()
        equal = self._identical
        return {
            "groups": len(table),
            "across": int(spans.sum()),
            "within": dict(zip(parts.names, within, strict=True)),
            "disagreeing": int(table["disagreeing"].sum()),
            "labeled": int((classes.codes >= 0).sum()),
            "identical": None if equal is None else len(find_conflicts(equal, classes.labels)),
            "worst": [
                self._describe_conflict(rows)
                for rows in table["rows"].iloc[:_MOST_CONFLICTS].tolist()
            ],
        }

    def count_straddling(self, table: pd.DataFrame) -> dict[str, Any] | None:
        """Count and list the groups in more than one part, see `LeakageReport.straddling`."""
        own = self._parts.own
        if own is None:
            return None
        names = self._parts.names
        return {
            "noun": own.noun,
            "groups": len(table),
            "all_groups": int(own.labels.max(initial=-1)) + 1,
            "images": int(table[names].to_numpy().sum()),
            "worst": [
                {
                    "group": str(group),
                    "image": _name_source(image),
                    "parts": dict(zip(names, map(int, n_images), strict=True)),
                }
                for group, image, *n_images in table.head(_MOST_CONFLICTS).itertuples(name=None)
            ],
        }

    def count_named_sequences(self) -> dict[str, int] | None:
        """Count the sequences that file names alone identify, if no groups are given."""
        if self._parts.own is not None:
            return None
        runs = find_name_runs(list_names(self._parts.sources))
        rows = np.flatnonzero((runs.labels >= 0) & runs.is_strong)
        if not len(rows):
            return None
        table = pd.crosstab(runs.labels[rows], self._parts.part[rows]).to_numpy()
        straddle = (table > 0).sum(axis=1) > 1
        return {
            "sequences": len(table),
            "straddling": int(straddle.sum()),
            "images": int(table[straddle].sum()),
        }

    def preview_repairs(self) -> list[dict[str, Any]]:
        """Return what the parts would be after repairs with two priorities."""
        names = self._parts.names
        repairs = []
        for priority in (names[0], MAJORITY):
            order = list(range(len(names)))
            target = find_targets(self._parts, MAJORITY if priority == MAJORITY else order)
            after = {}
            for number, name in enumerate(names):
                rows = np.flatnonzero(target == number)
                classes = None if self._classes is None else self._classes.count(rows)
                after[name] = {"images": len(rows), "classes": classes}
            moved = int((target != self._parts.part).sum())
            repairs.append({"priority": priority, "moved": moved, "parts": after})
        return repairs

    def describe_image(self, row: int) -> dict[str, Any]:
        """Return which image is in a row, and where."""
        parts = self._parts
        return {
            "part": parts.names[parts.part[row]],
            "row": int(parts.row[row]),
            "image": _name_source(parts.sources[row]),
            "class": None if self._classes is None else self._classes.name(row),
        }

    def _tally(self, rows: Labels, others: Sequence[int]) -> dict[str, Any]:
        """Count the images that have copies, or images of their group, in some parts."""
        names = ("identical", "near", "grouped", "total", "share", "interval")
        if not len(rows) or not others:
            return {"images": len(rows), **dict.fromkeys(names)}
        columns = np.ix_(rows, np.array(others))
        is_near = self._near[columns].any(axis=1)
        shares_group = self._parts.shares_group[columns].any(axis=1)
        n_near, n_total = int(is_near.sum()), int((is_near | shares_group).sum())
        n_identical = None
        if self._has_identical is not None:
            n_identical = int(self._has_identical[columns].any(axis=1).sum())
        share = n_total / len(rows)
        low, high = wilson_interval(share, independent_count(self._parts.groups[rows]))
        return {
            "images": len(rows),
            "identical": n_identical,
            "near": n_near - (n_identical or 0),
            "grouped": None if self._parts.own is None else n_total - n_near,
            "total": n_total,
            "share": share,
            "interval": [float(low), float(high)],
        }

    @cached_property
    def _has_identical(self) -> Flags | None:
        """Whether each image has one of equal pixels in each part: (n_images, n_parts)."""
        if self._identical is None:
            return None
        counts = self._parts.count(self._identical)[self._identical]
        counts[np.arange(len(counts)), self._parts.part] -= 1
        has: Flags = counts > 0
        return has

    def _describe_conflict(self, members: Iterable[int]) -> dict[str, Any]:
        """Describe a group in conflict, with images of all of its labels in turn."""
        assert self._classes is not None
        rows = np.array(list(members), dtype=np.intp)
        codes = self._classes.codes[rows]
        counts = {name: n for name, n in self._classes.count(rows).items() if n}
        in_part = np.bincount(self._parts.part[rows], minlength=len(self._parts.names))
        known = pd.Series(codes)
        order = np.lexsort((rows, known.groupby(known).cumcount().to_numpy(), codes < 0))
        return {
            "size": len(rows),
            "labels": dict(sorted(counts.items(), key=lambda item: -item[1])),
            "parts": {
                name: int(n) for name, n in zip(self._parts.names, in_part, strict=True) if n
            },
            "images": [self.describe_image(row) for row in rows[order[:_MOST_IMAGES]]],
        }


def _split_by(codes: Labels, rows: Labels) -> Iterator[tuple[int, Labels]]:
    """Yield each code from 0 on, and the rows that have it."""
    order = np.argsort(codes, kind="stable")
    found, starts = np.unique(codes[order], return_index=True)
    for code, members in zip(found.tolist(), np.split(rows[order], starts[1:]), strict=True):
        if code >= 0:
            yield code, members


def _name_source(source: Any) -> str | None:
    """Return the path of an image or a description; None for a row of bits."""
    return None if source is None else name_source(source) or describe_source(source)
