"""Linkage of images that are near over views, and the diameters of their groups.

A distance over views is not a metric: a crop of a crop is near its origin's crop, not its origin.
So the distances of the members are counted, and nothing is concluded from some of them on others.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ...hamming._unique import number_rows
from .._components import Labels, renumber
from .._diameters import Diameters
from .._linkage import Agreement, cut_tree
from ._base import Codes

# Different members of a group that are compared with each other, all with all.
_MOST_COMPARED = 1024
# Pairs of them that are measured at a time.
_BLOCK = 2**20


def group_views(
    codes: Codes,
    labels: Labels,
    radius: int,
    linkage: str,
    agreement: Agreement | None = None,
) -> tuple[Labels, Diameters]:
    """Group components of near images by a linkage, and measure the groups.

    Parameters
    ----------
    codes : Codes
        The codes of the images.
    labels : ndarray of shape (n_images,), dtype intp
        The groups that near images form, from 0 on.
    radius : int
        The greatest distance over views, in bits, of near images.
    linkage : {"single", "complete"}
        See `NearDuplicateFinder`. With "complete", groups of more than 1024 different images are
        split by as many of them at a time.
    agreement : Agreement, optional
        What else two members of a group must agree in under "complete".

    Returns
    -------
    labels : ndarray of shape (n_images,), dtype intp
        The group of each image, counted from 0 in order of first appearance.
    diameters : Diameters
        Their sizes and diameters. In groups of more than 1024 different images, the first 1024
        are measured.
    """
    if linkage == "complete":
        labels = renumber(_split(codes, labels, radius, agreement))
    return labels, _measure(codes, labels)


def _measure(codes: Codes, labels: Labels) -> Diameters:
    size = np.bincount(labels)
    at_least = np.zeros(len(size), dtype=np.int64)
    rows = np.flatnonzero(size[labels] > 1) if len(labels) else labels
    # Equal images of a group add nothing to its diameter.
    keyed = np.column_stack([codes.take(rows).digests(), labels[rows].astype(np.uint64)])
    rows = rows[number_rows(keyed)[1]]
    rows = rows[np.argsort(labels[rows], kind="stable")]
    n_different = np.bincount(labels[rows], minlength=len(size))
    of_row = n_different[labels[rows]]
    for n in np.unique(n_different[n_different > 1]):
        groups = rows[of_row == n].reshape(-1, n)[:, :_MOST_COMPARED]
        left, right = np.triu_indices(groups.shape[1], k=1)
        step = max(1, _BLOCK // len(left))
        for start in range(0, len(groups), step):
            block = groups[start : start + step]
            distances = codes.between(block[:, left].ravel(), block[:, right].ravel())
            at_least[labels[block[:, 0]]] = distances.reshape(len(block), -1).max(axis=1)
    at_most = np.where(n_different > _MOST_COMPARED, codes.n_bits, at_least)
    return Diameters(size, at_least, at_most)


def _split(codes: Codes, labels: Labels, radius: int, agreement: Agreement | None) -> Labels:
    """Split groups by complete linkage; the numbers of the parts have gaps."""
    split = labels.copy()
    n_labels = int(labels.max(initial=-1)) + 1
    for group, numbers, firsts in _groups(codes, labels, agreement):
        parts = np.zeros(len(firsts), dtype=np.intp)
        for start in range(0, len(firsts), _MOST_COMPARED):
            some = firsts[start : start + _MOST_COMPARED]
            parts[start : start + len(some)] = n_labels
            if len(some) > 1:
                is_apart = None
                if agreement is not None:
                    is_apart = ~agreement.among(some)(*np.triu_indices(len(some), k=1))
                parts[start : start + len(some)] += cut_tree(
                    _distances(codes, some), radius, is_apart
                )
            n_labels = int(parts.max()) + 1
        split[group] = parts[numbers]
    return split


def _groups(
    codes: Codes, labels: Labels, agreement: Agreement | None = None
) -> Iterator[tuple[Labels, NDArray[np.intp], NDArray[np.intp]]]:
    """Yield the rows of each group of two or more: all, their numbers, and the different ones."""
    rows = np.flatnonzero(np.bincount(labels)[labels] > 1) if len(labels) else labels
    rows = rows[np.argsort(labels[rows], kind="stable")]
    ends = np.flatnonzero(np.diff(labels[rows])) + 1
    for group in np.split(rows, ends) if len(rows) else []:
        keys = codes.take(group).digests()
        if agreement is not None:
            keys = np.hstack([keys, agreement.keys[group]])
        numbers, firsts = number_rows(keys)
        yield group, numbers, group[firsts]


def _distances(codes: Codes, rows: NDArray[np.intp]) -> NDArray[np.int64]:
    """Return the distances of every two rows, as scipy condenses them."""
    left, right = np.triu_indices(len(rows), k=1)
    return codes.between(rows[left], rows[right])
