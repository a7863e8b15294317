"""Groups of rows that pairs connect, as whole numbers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

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
    return renumber(connected_components(graph, directed=False)[1])


def renumber(labels: NDArray[np.integer]) -> Labels:
    """Renumber groups in the order in which they first appear.

    Parameters
    ----------
    labels : ndarray of shape (n_rows,), dtype int
        Numbers from 0 on, which may have gaps. An array as long as the largest one is made.

    Returns
    -------
    ndarray of shape (n_rows,), dtype intp
        Labels from 0 on without gaps, equal where `labels` are.

    Examples
    --------
    >>> import numpy as np
    >>> from hashfeatures.duplicates._components import renumber
    >>> renumber(np.array([7, 2, 7, 0]))
    array([0, 1, 0, 2])
    """
    rows = np.arange(len(labels))[::-1]
    firsts = np.full(int(labels.max(initial=-1)) + 1, len(labels))
    firsts[labels[rows]] = rows  # of the rows of a group, the first one stays
    groups = np.flatnonzero(firsts < len(labels))
    numbers = np.empty(len(firsts), dtype=np.intp)
    numbers[groups[np.argsort(firsts[groups])]] = np.arange(len(groups))
    renumbered: Labels = numbers[labels]
    return renumbered
