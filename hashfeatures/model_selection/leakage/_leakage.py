"""Near duplicates in different parts of a split: a report of them, and an assertion."""

from __future__ import annotations

from typing import Any

import pandas as pd

from ..._utils.containers import column_of
from ..._utils.descriptions import shorten
from ..._utils.docstrings import fill_in_parameters
from ..._utils.labels import list_labels
from ..._utils.sklearn_internals import count_samples
from ..._utils.validation import check_count_or_share
from ...duplicates._finder_hints import point_to_finder
from ...duplicates._resolve import SupportsFitPredict
from ...exceptions import LeakageError, UncheckedLeakageError
from ...images._sources import name_sources
from .._parts import compare_parts, name_parts
from ._leakage_report import LeakageReport


@fill_in_parameters
@point_to_finder
def leakage_report(
    train: Any,
    test: Any = None,
    *,
    y: Any = None,
    groups: Any = None,
    finder: SupportsFitPredict | None = None,
) -> LeakageReport:
    """Find near duplicates in different parts of a split.

    Read more in the :doc:`User Guide </user-guide/leaks>`.

    Parameters
    ----------
    $parts
    y : array-like of shape (n_images,), or column, default=None
        The labels of the last part, usually the test part, or the name of a column of that part.
        With labels, the report lists the leaks of each class.
    $groups_of_parts
    $finder
        An estimator that finds only groups yields pairs without distances.

    Returns
    -------
    LeakageReport
        The share of test images that leak, the pairs, and the groups in more than one part. Images
        that cannot be read are in no pair.

    See Also
    --------
    assert_no_leakage : Raises if a split leaks, for tests and CI.
    repair_split : Moves images until nothing leaks.

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
    1 of 2 images in test (50.0%) have a near duplicate in train. In all, 1 pair is in
    different parts (images: train 2, test 2).
    """
    parts = name_parts("leakage_report", train, test)
    *_, last = parts.values()
    y = column_of(y, last, "leakage_report", "y")
    labels = None if y is None else list_labels(y, count_samples(last))
    return LeakageReport(compare_parts("leakage_report", parts, finder, groups=groups), labels)


@fill_in_parameters
@point_to_finder
def assert_no_leakage(
    train: Any,
    test: Any = None,
    *,
    groups: Any = None,
    finder: SupportsFitPredict | None = None,
    allow_unreadable: float | int = 0,
) -> None:
    """Raise if a split leaks, or if too few images were compared.

    Read more in the :doc:`User Guide </user-guide/leaks>`.

    Parameters
    ----------
    $parts
    $groups_of_parts
    $finder
    allow_unreadable : int or float, default=0
        How many images may be unreadable: a number, or a share of all images below 1. At least
        one image of each part must be readable.

    Raises
    ------
    LeakageError
        If near duplicates, or images of one group, are in different parts. The message names the
        nearest pairs and some groups, and the attribute `report` holds the `LeakageReport`.
    UncheckedLeakageError
        If no near duplicates were found, but a part is empty or too few images could be read.
        This is a `LeakageError` too.

    See Also
    --------
    leakage_report : Returns what leaks, and raises nothing.
    audit_split : Counts leaks, and compares them with limits.

    Examples
    --------
    >>> from skimage import data
    >>> from hashfeatures import assert_no_leakage
    >>> assert_no_leakage([data.camera()], [data.coins()])
    """
    caller = "assert_no_leakage"
    allowed = check_count_or_share(caller, "allow_unreadable", allow_unreadable)
    parts = name_parts(caller, train, test)
    report = LeakageReport(compare_parts(caller, parts, finder, groups=groups))
    if not report.leaks:
        if (why := report.why_unchecked(allowed)) is not None:
            cure = "Check the paths, or pass allow_unreadable=... to allow for some."
            raise UncheckedLeakageError(f"{why} {cure}", report)
        return
    worst = report.worst(5)
    lines = [
        f"  {_name(pair, 'left')} and {_name(pair, 'right')}{_apart(pair['distance'])}"
        for _, pair in worst.iterrows()
    ]
    if (n_more := report.n_pairs - len(worst)) > 0:
        lines.append(f"  and {n_more} more")
    lines += _list_groups(report, 5)
    cure = (
        f"Call repair_split{'' if groups is None else ' with the same groups'} to move images "
        f"until no {'pair' if groups is None else 'leak'} is left. It moves the fewest images "
        f"with priority='majority'."
    )
    raise LeakageError("\n".join([str(report), *lines, cure]), report)


def _name(pair: Any, side: str) -> str:
    (image,) = name_sources([pair[f"{side}_image"]])
    named = "" if image is None else f", {shorten(image)!r}"
    return f"{pair[f'{side}_part']}[{pair[side]}]{named}"


def _list_groups(report: LeakageReport, n: int) -> list[str]:
    """Return a line for each of the groups that straddle parts, at most so many."""
    table, own = report.straddling, report._parts.own
    noun = "group" if own is None else own.noun
    lines = []
    for name, row in table.head(n).iterrows():
        counts = ", ".join(f"{part} {row[part]}" for part in table.columns[1:] if row[part])
        (image,) = name_sources([row["image"]])
        named = "" if image is None else f", with {shorten(image)!r}"
        lines.append(f"  {noun} {shorten(str(name))}{named}: {counts}")
    if (n_more := len(table) - n) > 0:
        lines.append(f"  and {n_more} more {noun}s")
    return lines


def _apart(distance: Any) -> str:
    return "" if pd.isna(distance) else f": {distance} bits apart"
