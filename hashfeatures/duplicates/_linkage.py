"""Complete linkage: groups in which every two members are near each other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster
from scipy.cluster.hierarchy import linkage as link

from ..hamming._index import HammingIndex
from ..hamming._packing import hamming_distances
from ..hamming._unique import number_rows
from ._components import Labels, renumber
from ._diameters import (
    Diameters,
    measure_diameters,
)

LINKAGES = ("complete", "single")

Rows = NDArray[np.intp]
Alike = Callable[[Rows, Rows], NDArray[np.bool_]]


class Agreement(NamedTuple):
    """A property, beside their bits, that two members of a group must share.

    Parameters
    ----------
    keys : ndarray of shape (n_rows, n_columns), dtype uint64
        Words that are equal for rows that agree with the same others.
    test : callable
        Takes rows and as many others, and returns which of them agree.
    """

    keys: NDArray[np.uint64]
    test: Alike

    def among(self, rows: Rows) -> Alike:
        """Return the test for some rows, renumbered from 0."""
        return lambda left, right: self.test(rows[left], rows[right])


# A matrix of distances is held for groups of so many different rows at the most.
_MOST_LINKED = 1024

# Rows whose neighbors are searched at a time in larger groups.
_SEEDS = 64


def split_chains(
    words: NDArray[np.uint64],
    labels: NDArray[np.intp],
    radius: int,
    n_jobs: int | None = None,
    most_linked: int = _MOST_LINKED,
    agreement: Agreement | None = None,
) -> NDArray[np.intp]:
    """Split groups until no two members are farther from each other than the radius.

    A group of at most `most_linked` different rows is split by agglomerative complete linkage
    (Defays 1977): the two clusters whose farthest members are nearest are joined, as long as these
    are within the radius. In a larger one, clusters are grown one by one: a row takes the nearest
    rows that are within the radius of all that it has taken. Equal rows are never parted, and the
    order of the rows does not matter.

    Parameters
    ----------
    words : ndarray of shape (n_rows, n_words), dtype uint64
        The bits of each row, packed.
    labels : ndarray of shape (n_rows,), dtype intp
        The groups that near rows form, from 0 on.
    radius : int
        The greatest distance, in bits.
    n_jobs : int, optional
        The number of threads that search.
    most_linked : int
        See above; memory grows with its square, and only with the rows beyond it.
    agreement : Agreement, optional
        What else two members of a group must agree in.

    Returns
    -------
    ndarray of shape (n_rows,), dtype intp
        The group of each row; the numbers have gaps.
    """
    split = labels.copy()
    if agreement is None:
        too_wide = measure_diameters(words, labels).at_most > radius
    else:
        too_wide = np.bincount(labels) > 1
        words = np.hstack([words, agreement.keys])
    n_words = words.shape[1] if agreement is None else words.shape[1] - agreement.keys.shape[1]
    rows = np.flatnonzero(too_wide[labels])
    rows = rows[np.argsort(labels[rows], kind="stable")]
    ends = np.flatnonzero(np.diff(labels[rows])) + 1
    n_labels = int(labels.max(initial=-1)) + 1
    for group in np.split(rows, ends) if len(rows) else []:
        numbers, firsts = number_rows(words[group])
        order = np.lexsort(words[group[firsts]].T)
        members = group[firsts[order]]
        alike = None if agreement is None else agreement.among(members)
        parts = np.empty(len(order), dtype=np.intp)
        if len(order) <= most_linked:
            parts[order] = _agglomerate(words[members, :n_words], radius, alike)
        else:
            parts[order] = _grow(words[members, :n_words], radius, n_jobs, alike)
        split[group] = n_labels + parts[numbers]
        n_labels += int(parts.max()) + 1
    return split


def cut_tree(
    distances: NDArray[Any], radius: int, is_apart: NDArray[np.bool_] | None = None
) -> NDArray[np.intp]:
    """Cluster by complete linkage, from condensed distances; where apart, never together."""
    distances = distances.astype(float)
    if is_apart is not None:
        distances[is_apart] = radius + distances.max(initial=0) + 1
    clusters: NDArray[np.intp] = fcluster(link(distances, "complete"), radius, "distance")
    return clusters - 1


def _agglomerate(words: NDArray[np.uint64], radius: int, alike: Alike | None) -> NDArray[np.intp]:
    if len(words) == 1:
        return np.zeros(1, dtype=np.intp)
    left, right = np.triu_indices(len(words), k=1)
    distances = hamming_distances(words[left], words[right])
    return cut_tree(distances, radius, None if alike is None else ~alike(left, right))


def _grow(
    words: NDArray[np.uint64], radius: int, n_jobs: int | None, alike: Alike | None
) -> NDArray[np.intp]:
    n_rows, n_words = words.shape
    index = HammingIndex(words, np.ones(n_rows, dtype=bool), 64 * n_words, n_jobs)
    parts = np.full(n_rows, -1, dtype=np.intp)
    n_parts = 0
    while len(free := np.flatnonzero(parts < 0)):
        seeds = free[:_SEEDS]
        found = index.radius(words[seeds], radius)
        if alike is not None:
            found = found.take(alike(seeds[found.left], found.right))
        ends = np.bincount(found.left, minlength=len(seeds)).cumsum()[:-1]
        for seed, near, far in zip(
            seeds, np.split(found.right, ends), np.split(found.distance, ends), strict=True
        ):
            if parts[seed] >= 0:
                continue
            near = near[np.argsort(far, kind="stable")]
            near = near[parts[near] < 0]
            while len(near):  # the nearest is within the radius of all taken before
                parts[near[0]] = n_parts
                apart = hamming_distances(words[near[0]], words[near[1:]])
                keep = apart <= radius
                if alike is not None:
                    keep &= alike(np.repeat(near[0], len(keep)), near[1:])
                near = near[1:][keep]
            n_parts += 1
    return parts


def group_words(
    words: NDArray[np.uint64],
    labels: Labels,
    radius: int,
    linkage: str,
    n_jobs: int | None,
    agreement: Agreement | None = None,
) -> tuple[Labels, Diameters]:
    """Group components of near rows by a linkage, and measure the groups.

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
        The number of threads that search.
    agreement : Agreement, optional
        What else two members of a group of "complete" must agree in.

    Returns
    -------
    labels : ndarray of shape (n_rows,), dtype intp
        The group of each row, counted from 0 in order of first appearance.
    diameters : Diameters
        Their sizes and diameters.
    """
    if linkage == "complete":
        labels = renumber(split_chains(words, labels, radius, n_jobs, agreement=agreement))
    return labels, measure_diameters(words, labels)
