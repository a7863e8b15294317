"""Labels of groups: made from pairs, renumbered, merged, and tabulated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from .._utils.containers import as_column
from ..hamming._pairs import Pairs

Labels = NDArray[np.intp]


def label_components(n_rows: int, pairs: Pairs) -> Labels:
    """Label the groups that pairs join.

    Parameters
    ----------
    n_rows : int
        The number of rows.
    pairs : Pairs
        Which rows belong together.

    Returns
    -------
    ndarray of shape (n_rows,), dtype intp
        The label of each row's group, counted from 0 in the order in which groups first appear.
        A row in no pair has a label of its own.
    """
    edges = (np.ones(len(pairs.left), dtype=bool), (pairs.left, pairs.right))
    graph = coo_matrix(edges, shape=(n_rows, n_rows))
    return relabel(connected_components(graph, directed=False)[1])


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
    return relabel(label_components(2 * n_rows, nodes)[left])


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
