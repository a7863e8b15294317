"""Groups whose members carry different labels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from .._utils.labels import list_labels
from ._labels import Labels, relabel


def find_conflicts(groups: Labels, y: Any) -> pd.DataFrame:
    """List the groups whose members carry different labels, see `NearDuplicateFinder.conflicts`.

    Parameters
    ----------
    groups : ndarray of shape (n_images,)
        The group of each image, from 0 on.
    y : array-like of shape (n_images,)
        The label of each image.

    Returns
    -------
    pandas.DataFrame
        One row per group in conflict.
    """
    column = list_labels(y, len(groups))
    known = np.flatnonzero(~pd.isna(column))
    codes = relabel(column[known])
    names = np.empty(int(codes.max(initial=-1)) + 1, dtype=object)
    names[codes] = column[known]
    # A run is the rows of one group that carry one label.
    order = np.lexsort((codes, groups[known]))
    group, code = groups[known][order], codes[order]
    run = np.flatnonzero((np.diff(group, prepend=-1) != 0) | (np.diff(code, prepend=-1) != 0))
    n, row = np.diff(run, append=len(group)), known[order[run]]
    starts = np.flatnonzero(np.diff(group[run], prepend=-1))
    n_runs = np.diff(starts, append=len(run))
    # Groups come in the order of their first labels, and of each the most frequent label first.
    first_row = np.minimum.reduceat(row, starts) if len(starts) else row
    ranked = np.lexsort((row, -n, np.repeat(first_row, n_runs)))
    ranked = ranked[np.repeat(n_runs > 1, n_runs)[ranked]]
    n, run = n[ranked], run[ranked]
    starts = np.flatnonzero(np.diff(group[run], prepend=-1))
    ends = np.append(starts, len(run))[1:]
    label = group[run][starts]
    counts = list(zip(names[code[run]], n.tolist(), strict=True))
    members = np.argsort(groups, kind="stable")
    first = np.searchsorted(groups[members], label)
    last = np.searchsorted(groups[members], label, side="right")
    rows = members.tolist()
    table = pd.DataFrame(
        {
            "size": last - first,
            "disagreeing": np.add.reduceat(n, starts) - n[starts] if len(label) else label,
            "labels": [dict(counts[start:end]) for start, end in _spans(starts, ends)],
            "rows": [rows[start:end] for start, end in _spans(first, last)],
        },
        index=pd.Index(label, name="label"),
    )
    return table.sort_values(["disagreeing", "size"], ascending=False, kind="stable")


def _spans(starts: Labels, ends: Labels) -> Iterator[tuple[int, int]]:
    return zip(starts.tolist(), ends.tolist(), strict=True)
