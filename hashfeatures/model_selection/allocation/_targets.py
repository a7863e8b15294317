"""Targets of a split, and the error of a split of whole groups.

A part has a target for its number of images and for its number of each class or label. The error
of one such number is its distance from the target, as a share of the target. A target that is not
a whole number may be rounded either way at no cost, and a target below one image counts as one.
What a size is off by more than a twentieth counts twenty times, because a class that few groups
hold must not decide how large a part is.

The worst of these errors decides between two splits. Among splits with equal worst errors, the sum
of all errors decides.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack

from ...duplicates._labels import Labels
from ._quotas import Counts, floor_and_ceil
from ._strata import Strata

Errors = NDArray[np.float64]

# Solvers and sums of floats are exact to about this.
TOLERANCE = 1e-6


# What a size is off by more than such a share of its target counts so many times.
SIZE_TOLERANCE = 0.05
SIZE_WEIGHT = 20


class SplitError(NamedTuple):
    """The error of a split.

    Parameters
    ----------
    worst : float
        The largest error of a size, class or label in a part.
    total : float
        The sum of these errors.
    """

    worst: float
    total: float

    def is_below(self, other: SplitError) -> bool:
        """Return whether this error is less than another, the worst first and then the sum."""
        if abs(self.worst - other.worst) > TOLERANCE:
            return self.worst < other.worst
        return self.total < other.total - TOLERANCE


class Targets(NamedTuple):
    """The numbers that parts should have.

    Parameters
    ----------
    low, high : ndarray of shape (n_parts, n_columns), dtype int64
        The targets, rounded down and up. Column 0 holds images, the others hold strata.
    exact : ndarray of shape (n_parts, n_columns), dtype float64
        The targets.
    """

    low: Counts
    high: Counts
    exact: Errors

    @property
    def scale(self) -> Errors:
        """What an error is a share of."""
        return np.maximum(self.exact, 1.0)

    @classmethod
    def of(cls, shares: Errors, totals: Counts) -> Targets:
        """Make the targets of parts that get these shares of all images and of each stratum."""
        exact = np.outer(shares, totals)
        return cls(*floor_and_ceil(exact), exact)

    def with_unused(self, n_parts: int) -> Targets:
        """Return the targets of so many parts, where the further parts meet any."""
        more = ((0, n_parts - len(self.low)), (0, 0))
        most = np.iinfo(np.int64).max // 2
        return Targets(
            np.pad(self.low, more),
            np.pad(self.high, more, constant_values=most),
            np.pad(self.exact, more),
        )

    def errors(self, counts: Counts, part: int | slice = slice(None)) -> Errors:
        """Return the error of each count of one part, or of each part."""
        low, high = self.low[part], self.high[part]
        off: Errors = np.maximum(np.maximum(low - counts, counts - high), 0) / self.scale[part]
        excess = np.maximum(off[..., 0] - SIZE_TOLERANCE, 0)
        off[..., 0] += (SIZE_WEIGHT - 1) * excess
        return off

    def slack(self, error: float) -> Errors:
        """Return by how many images counts are off their targets at this error."""
        slack = error * self.scale
        excess = max(error - SIZE_TOLERANCE, 0)
        slack[:, 0] -= (1 - 1 / SIZE_WEIGHT) * excess * self.scale[:, 0]
        return slack

    def error(self, counts: Counts) -> SplitError:
        """Return the error of a split with these counts in each part."""
        errors = self.errors(counts)
        return SplitError(float(errors.max()), float(errors.sum()))


class Compositions(NamedTuple):
    """Groups by composition: groups with equal counts in all columns are interchangeable.

    Parameters
    ----------
    counts : ndarray of shape (n_compositions, n_columns), dtype int64
        The images in a group of each composition, and its images or objects in each stratum.
        Larger groups come first.
    n_groups : ndarray of shape (n_compositions,), dtype int64
        How many groups have the composition.
    of_group : ndarray of shape (n_groups,), dtype intp
        The composition of each group.
    """

    counts: Counts
    n_groups: Counts
    of_group: Labels

    @classmethod
    def of(cls, counts: csr_matrix, most: int) -> Compositions | None:
        """Sort groups into compositions by their counts, of shape (n_groups, n_columns).

        Returns None if there are more than `most` compositions.
        """
        weights = np.random.RandomState(0).randint(1, 2**62, counts.shape[1], dtype=np.int64)
        # Equal rows have equal products with a random vector, and unequal rows in practice do not.
        keys = counts @ weights  # an overflow changes nothing
        _, firsts, of_group, n_groups = np.unique(
            keys, return_index=True, return_inverse=True, return_counts=True
        )
        if len(firsts) > most:
            return None
        order = np.lexsort((firsts, -counts[firsts, 0].toarray().ravel()))
        return cls(
            counts[firsts[order]].toarray(),
            n_groups[order].astype(np.int64),
            order.argsort()[of_group.ravel()],
        )

    def allocated(self, part_of_group: Labels, n_parts: int) -> Counts:
        """Return how many groups of each composition each part has."""
        allocated = np.zeros((len(self.counts), n_parts), dtype=np.int64)
        np.add.at(allocated, (self.of_group, part_of_group), 1)
        return allocated

    def parts_of_groups(self, allocated: Counts, rng: np.random.RandomState | None) -> Labels:
        """Return the part of each group, drawn among groups of a composition or in order."""
        n_groups = len(self.of_group)
        shuffled = np.arange(n_groups) if rng is None else rng.permutation(n_groups)
        order = shuffled[np.argsort(self.of_group[shuffled], kind="stable")]
        parts = np.empty(n_groups, dtype=np.intp)
        parts[order] = np.repeat(
            np.tile(np.arange(allocated.shape[1]), len(allocated)), allocated.ravel()
        )
        return parts


def count_in_groups(groups: Labels, strata: Strata | None) -> csr_matrix:
    """Return the images of each group, and its images or objects in each stratum, as columns."""
    n_images = csr_matrix(np.bincount(groups)[:, None].astype(np.int64))
    if strata is None:
        return n_images
    return hstack([n_images, sum_rows(strata.members, groups)], format="csr")


def sum_rows(members: csr_matrix, labels: Labels, n_labels: int = 0) -> csr_matrix:
    """Add up the rows of each label, of which there are at least `n_labels`; some may be empty."""
    n_rows = len(labels)
    shape = (max(int(labels.max(initial=-1)) + 1, n_labels), n_rows)
    chosen = csr_matrix((np.ones(n_rows, dtype=np.int64), (labels, np.arange(n_rows))), shape)
    return (chosen @ members).tocsr()
