"""Groups whose members carry different labels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from .duplicates import Labels, relabel
from .labels import list_labels


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
        One row a group in conflict.
    """
    column = list_labels(y, len(groups))
    known = np.flatnonzero(~pd.isna(column))
    codes = relabel(column[known])
    facts = pd.DataFrame({"group": groups[known], "code": codes, "row": known})
    facts = facts[facts.groupby("group")["code"].transform("nunique") > 1]
    name_of_code = dict(zip(codes, column[known], strict=True))
    rows_of_group: dict[Any, Any] = pd.Series(groups).groupby(groups).indices
    rows = {}
    for group, members in facts.groupby("group", sort=False):
        counts = members["code"].value_counts()
        rows[group] = {
            "size": len(rows_of_group[group]),
            "disagreeing": len(members) - int(counts.iloc[0]),
            "labels": {name_of_code[code]: int(n) for code, n in counts.items()},
            "rows": rows_of_group[group].tolist(),
        }
    columns = ["size", "disagreeing", "labels", "rows"]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
    table.index.name = "label"
    return table.sort_values(["disagreeing", "size"], ascending=False, kind="stable")
