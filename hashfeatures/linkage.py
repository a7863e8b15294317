"""Groups in which every two members are near each other, not each near the next."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster
from scipy.cluster.hierarchy import linkage as link

from .diameters import measure_diameters
from .hamming.distinct import number_rows
from .hamming.index import HammingIndex

LINKAGES = ("complete", "single")

# A matrix of distances is held for groups of so many different rows at the most.
_MOST_LINKED = 1024

# Rows whose neighbours are searched at a time in larger groups.
_SEEDS = 64


def split_chains(
    words: NDArray[np.uint64],
    labels: NDArray[np.intp],
    radius: int,
    n_jobs: int | None = None,
    most_linked: int = _MOST_LINKED,
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
        How many threads search.
    most_linked : int
        See above; memory grows with its square, and only with the rows beyond it.

    Returns
    -------
    ndarray of shape (n_rows,), dtype intp
        The group of each row; the numbers have gaps.
    """
    split = labels.copy()
    too_wide = measure_diameters(words, labels).at_most > radius
    rows = np.flatnonzero(too_wide[labels])
    rows = rows[np.argsort(labels[rows], kind="stable")]
    ends = np.flatnonzero(np.diff(labels[rows])) + 1
    n_labels = int(labels.max(initial=-1)) + 1
    for group in np.split(rows, ends) if len(rows) else []:
        numbers, firsts = number_rows(words[group])
        different = words[group[firsts]]
        order = np.lexsort(different.T)
        parts = np.empty(len(order), dtype=np.intp)
        if len(order) <= most_linked:
            parts[order] = _agglomerate(different[order], radius)
        else:
            parts[order] = _grow(different[order], radius, n_jobs)
        split[group] = n_labels + parts[numbers]
        n_labels += int(parts.max()) + 1
    return split


def _agglomerate(words: NDArray[np.uint64], radius: int) -> NDArray[np.intp]:
    left, right = np.triu_indices(len(words), k=1)
    distances = np.bitwise_count(words[left] ^ words[right]).sum(axis=1, dtype=float)
    clusters: NDArray[np.intp] = fcluster(link(distances, "complete"), radius, "distance")
    return clusters - 1


def _grow(words: NDArray[np.uint64], radius: int, n_jobs: int | None) -> NDArray[np.intp]:
    n_rows, n_words = words.shape
    index = HammingIndex(words, np.ones(n_rows, dtype=bool), 64 * n_words, n_jobs)
    parts = np.full(n_rows, -1, dtype=np.intp)
    n_parts = 0
    while len(free := np.flatnonzero(parts < 0)):
        seeds = free[:_SEEDS]
        found = index.radius(words[seeds], radius)
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
                apart = np.bitwise_count(words[near[0]] ^ words[near[1:]]).sum(axis=1)
                near = near[1:][apart <= radius]
            n_parts += 1
    return parts
