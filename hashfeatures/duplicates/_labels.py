"""Labels of groups: renumbered, merged, and tabulated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from .._utils.containers import as_column
from ..hamming._pairs import Pairs
from ._components import Labels as Labels
from ._components import label_components, renumber
from ._diameters import Diameters


def relabel(labels: ArrayLike) -> Labels:
    """Renumber groups in the order in which they first appear.

    Parameters
    ----------
    labels : array-like of shape (n_rows,)
        Any labels; the missing ones (None, NaN) count as one label.

    Returns
    -------
    ndarray of shape (n_rows,), dtype intp
        Labels from 0 on, equal where `labels` are.

    Examples
    --------
    >>> from hashfeatures.duplicates._labels import relabel
    >>> relabel(["cat", "dog", "cat", "ant"])
    array([0, 1, 0, 2])
    """
    codes: Labels = pd.factorize(np.asarray(labels), use_na_sentinel=False)[0]
    return codes


def merge_labels(labels: ArrayLike, others: ArrayLike) -> Labels:
    """Merge two groupings: groups that share a row become one.

    Parameters
    ----------
    labels, others : array-like of shape (n_rows,)
        Two groupings of the same rows.

    Returns
    -------
    ndarray of shape (n_rows,), dtype intp
        The finest grouping that keeps together what either grouping does.

    Examples
    --------
    >>> from hashfeatures.duplicates._labels import merge_labels
    >>> merge_labels([0, 0, 1, 2], ["a", "b", "b", "c"])
    array([0, 0, 0, 1])
    """
    left, right = relabel(labels), relabel(others)
    n_rows = len(left)
    nodes = Pairs(left, right + n_rows, np.zeros(n_rows, dtype=np.int64))
    return renumber(label_components(2 * n_rows, nodes)[left])


def tabulate_groups(diameters: Diameters) -> pd.DataFrame:
    """Tabulate the groups of two or more: "size", "diameter" and "exact" by label."""
    label = np.flatnonzero(diameters.size > 1)
    return pd.DataFrame(
        {
            "size": diameters.size[label],
            "diameter": diameters.at_most[label],
            "exact": (diameters.at_least == diameters.at_most)[label],
        },
        index=pd.Index(label, name="label"),
    )


def tabulate_duplicates(
    labels: Labels,
    images: Sequence[Any],
    distance: pd.Series[Any],
    index: pd.Index[Any],
    described: Mapping[str, NDArray[Any]],
) -> pd.DataFrame:
    """List the images of groups of two or more, group by group, see `find_duplicates`."""
    rows = np.flatnonzero(np.bincount(labels)[labels] > 1) if len(labels) else labels
    rows = rows[np.argsort(labels[rows], kind="stable")]
    columns = {
        "group": labels[rows],
        "image": as_column([images[row] for row in rows]),
        "distance": distance.iloc[rows].to_numpy(),
    }
    columns |= {name: values[rows] for name, values in described.items()}
    return pd.DataFrame(columns).set_axis(index[rows])
