"""Bits to groups of near duplicates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from sklearn.base import ClusterMixin

from .bits import words_from_bits
from .containers import as_column
from .diameters import Diameters, measure_diameters, tabulate_groups, warn_of_chains
from .hamming.pairs import Pairs
from .linkage import LINKAGES, Agreement, split_chains
from .neighbors import HammingNeighbors, TakesBits
from .parameters import check_choice, check_int, check_n_jobs
from .progress import busy

Labels = NDArray[np.intp]


def label_components(n_rows: int, pairs: Pairs) -> Labels:
    """Label the groups that pairs join.

    Parameters
    ----------
    n_rows : int
        How many rows there are.
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
        Any labels; those that are missing (None, NaN) are one.

    Returns
    -------
    ndarray of shape (n_rows,), dtype intp
        Labels from 0 on, equal where `labels` are.

    Examples
    --------
    >>> from hashfeatures.duplicates import relabel
    >>> relabel(["cat", "dog", "cat", "ant"])
    array([0, 1, 0, 2])
    """
    codes: Labels = pd.factorize(np.asarray(labels), use_na_sentinel=False)[0]
    return codes


def merge_labels(labels: ArrayLike, others: ArrayLike) -> Labels:
    """Join groups of two kinds wherever they share a row.

    Parameters
    ----------
    labels, others : array-like of shape (n_rows,)
        Two groupings of the same rows.

    Returns
    -------
    ndarray of shape (n_rows,), dtype intp
        The finest grouping in which rows are together that are so in either.

    Examples
    --------
    >>> from hashfeatures.duplicates import merge_labels
    >>> merge_labels([0, 0, 1, 2], ["a", "b", "b", "c"])
    array([0, 0, 0, 1])
    """
    left, right = relabel(labels), relabel(others)
    n_rows = len(left)
    nodes = Pairs(left, right + n_rows, np.zeros(n_rows, dtype=np.int64))
    return relabel(label_components(2 * n_rows, nodes)[left])


def tabulate_duplicates(
    labels: Labels, images: Sequence[Any], distance: pd.Series[Any], index: pd.Index[Any]
) -> pd.DataFrame:
    """List the images of groups of two or more, group by group, see `find_duplicates`."""
    rows = np.flatnonzero(np.bincount(labels)[labels] > 1) if len(labels) else labels
    rows = rows[np.argsort(labels[rows], kind="stable")]
    return pd.DataFrame(
        {
            "group": labels[rows],
            "image": as_column([images[row] for row in rows]),
            "distance": distance.iloc[rows].to_numpy(),
        }
    ).set_axis(index[rows])


def group_words(
    words: NDArray[np.uint64],
    labels: Labels,
    radius: int,
    linkage: str,
    n_jobs: int | None,
    agreement: Agreement | None = None,
) -> tuple[Labels, Diameters]:
    """Make the groups of a linkage of those that near rows form, and tell how wide they are.

    Parameters
    ----------
    words : ndarray of shape (n_rows, n_words), dtype uint64
        The bits of each row, packed.
    labels : ndarray of shape (n_rows,), dtype intp
        The groups that near rows form, from 0 on.
    radius : int
        The greatest distance, in bits, of near rows.
    linkage : {"single", "complete"}
        See `DuplicateGroups`.
    n_jobs : int or None
        How many threads search.
    agreement : Agreement, optional
        What else two members of a group of "complete" must agree in.

    Returns
    -------
    labels : ndarray of shape (n_rows,), dtype intp
        The group of each row, counted from 0 in order of first appearance.
    diameters : Diameters
        How wide they are.
    """
    if linkage == "complete":
        labels = relabel(split_chains(words, labels, radius, n_jobs, agreement=agreement))
    return labels, measure_diameters(words, labels)


class DuplicateGroups(ClusterMixin, TakesBits):
    """Group rows of bits that are near duplicates of each other.

    Parameters
    ----------
    radius : int, default=12
        The greatest Hamming distance, in bits, of two near duplicates. 12 is meant for the 128
        bits of "phash" and "dhash"; other hashes want another one, which
        ``NearDuplicateFinder(hashes=...)`` knows. A radius of all bits or more makes one group.
    linkage : {"single", "complete"}, default="single"
        "single": what is near a member of a group belongs to the group, so that no two near
        duplicates are ever in different groups, as splits need it. "complete": no two members of
        a group are farther from each other than the radius; near duplicates may be in different
        groups.
    n_jobs : int, default=None
        The number of threads that search.

    Attributes
    ----------
    labels_ : ndarray of shape (n_samples,), dtype intp
        The group of each row, counted from 0 in order of first appearance. A row without near
        duplicates has a label of its own, and so has a row that holds a NaN: the labels can be
        used as `groups` in scikit-learn.
    n_groups_ : int
        How many groups there are, those of one row included.
    groups_ : pandas.DataFrame
        The groups of two or more, by label: "size" in rows, "diameter" in bits (the greatest
        distance of two members), and "exact": False where, in a group of more than 2048 different
        rows, the diameter is an upper bound.
    n_features_in_ : int
        The number of bits of a row.

    Warns
    -----
    ChainingWarning
        If single linkage makes a group of more than 5 % of all rows (and more than 20), or one
        whose diameter is above three radii.

    See Also
    --------
    NearDuplicateFinder : From images to groups.

    Examples
    --------
    >>> from hashfeatures import DuplicateGroups
    >>> bits = [[0, 0, 0, 0], [1, 1, 1, 1], [0, 0, 0, 1]]
    >>> DuplicateGroups(radius=1).fit_predict(bits)
    array([0, 1, 0])
    """

    labels_: Labels
    groups_: pd.DataFrame
    n_groups_: int

    def __init__(
        self, radius: int = 12, *, linkage: str = "single", n_jobs: int | None = None
    ) -> None:
        self.radius = radius
        self.linkage = linkage
        self.n_jobs = n_jobs

    @busy("grouping codes")
    def fit(self, X: Any, y: Any = None) -> DuplicateGroups:
        """Find the groups.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_bits)
            Zeros and ones; a row that holds a NaN is missing.
        y : None
            Ignored.

        Returns
        -------
        DuplicateGroups
            The object itself.
        """
        name = type(self).__name__
        check_int(name, "radius", self.radius, 0)
        check_choice(name, "linkage", self.linkage, LINKAGES)
        check_n_jobs(name, self.n_jobs)
        bits, learnt = self._read_bits(X)
        neighbors = HammingNeighbors(radius=self.radius, n_jobs=self.n_jobs).fit(bits)
        joined = neighbors.components()
        words = words_from_bits(bits)[0]
        labels, diameters = group_words(words, joined, self.radius, self.linkage, self.n_jobs)
        if self.linkage == "single":
            warn_of_chains(diameters, self.radius)
        self._set_fitted(
            **learnt,
            labels_=labels,
            groups_=tabulate_groups(diameters),
            n_groups_=len(diameters.size),
        )
        return self
