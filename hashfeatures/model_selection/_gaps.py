"""Splits inside sequences, with frames left out between the parts.

Each sequence is cut into one block of consecutive frames for each part. What would leak is then
left out: frames of an earlier part that are near a frame of a later part in their sequence, or
near duplicates of one. Parts are in the order of their use, training first, so that the test part
stays whole.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .._utils.sklearn_internals import count_samples
from .._utils.validation import check_int, refuse
from ..duplicates._labels import Labels, merge_labels, relabel
from ..duplicates._pair_graph import PairGraph
from ..duplicates._resolve import PRECOMPUTED, find_near, own_groups
from ._groups import find_places, read_groups
from ._split_groups import Finder
from .allocation._allocation import allocate
from .allocation._strata import Strata

_Choose = Callable[[list[float], int, np.random.RandomState | None], list[int]]


@dataclass(frozen=True)
class Frames:
    """Images in sequences, and what is near them.

    Parameters
    ----------
    labels : ndarray of shape (n_images,), dtype intp
        The sequence of each image, counted from 0.
    positions : ndarray of shape (n_images,), dtype intp
        The place of each image in its sequence, counted from 0 without gaps.
    gap : int
        How many frames to leave out between parts.
    graph : PairGraph or None
        The near duplicates; None if they are not searched for.
    """

    labels: Labels
    positions: Labels
    gap: int
    graph: PairGraph | None

    @classmethod
    def find(cls, caller: str, images: Any, groups: Any, gap: Any, finder: Finder) -> Frames:
        """Find the sequences and the near duplicates of images.

        Parameters
        ----------
        caller : str
            The name of the function, for messages.
        images : container
            The images.
        groups : array-like, str or estimator
            The sequences, as for `read_groups`. The images of a group in an array are in order.
        gap : int
            How many frames to leave out between parts.
        finder : estimator, "precomputed" or None
            As for `train_test_split`.
        """
        gap = check_int(caller, "gap", gap, 0)
        if groups is None:
            expected = (
                "None without groups, as it leaves out frames of sequences: pass 'sequences'"
            )
            raise refuse(caller, "gap", f"{expected} or your own as groups=...", gap)
        found = find_places(caller, groups, images)
        if found is None:
            labels = own_groups(read_groups(caller, groups, images), count_samples(images))
            positions = pd.Series(labels).groupby(labels).cumcount().to_numpy().astype(np.intp)
        else:
            labels, positions = found
        is_known = isinstance(finder, str) and finder == PRECOMPUTED
        graph = None if is_known else find_near(images, finder, caller=caller).graph  # type: ignore[arg-type]
        return cls(labels, positions, gap, graph)

    def allocate(
        self,
        strata: Strata | None,
        sizes: NDArray[np.int64],
        n_parts: int,
        n_spare: float,
        choose: _Choose,
        rng: np.random.RandomState | None,
    ) -> Labels:
        """Return the part of each image, before anything is left out.

        Parameters
        ----------
        strata : Strata or None
            The strata of the images, which guide where sequences go that are too short to cut.
        sizes : ndarray of shape (n_parts,)
            The size of each part. They add up to the number of images.
        n_parts : int
            How many of them must have images of each sequence that is cut.
        n_spare : float
            The share of a sequence that frames are left out of.
        choose : callable
            See `allocate`.
        rng : RandomState or None
            Draws the order of the blocks in each sequence. None keeps that of the parts.
        """
        parts = self._cut(sizes / max(sizes.sum(), 1), n_parts, n_spare, rng)
        rows = np.flatnonzero(parts < 0)
        if len(rows):
            groups = self.labels
            if self.graph is not None:
                groups = merge_labels(self.graph.labels(), groups)
            left = np.maximum(sizes - np.bincount(parts[parts >= 0], minlength=len(sizes)), 0)
            left[0] = max(left[0] + len(rows) - left.sum(), 0)
            left[left.argmax()] -= left.sum() - len(rows)
            some = None
            if strata is not None:
                some = replace(strata, members=strata.members[rows])
            parts[rows] = allocate(relabel(groups[rows]), some, left, choose, rng)
        return parts

    def _cut(
        self,
        shares: NDArray[np.float64],
        n_parts: int,
        n_spare: float,
        rng: np.random.RandomState | None,
    ) -> Labels:
        """Return the part of each frame of the sequences that are long enough, and else -1."""
        parts = np.full(len(self.labels), -1, dtype=np.intp)
        if not len(parts):
            return parts
        by_sequence = np.split(
            np.argsort(self.labels, kind="stable"), np.cumsum(np.bincount(self.labels))[:-1]
        )
        carry = np.zeros(len(shares))
        for rows in by_sequence:
            n_places = int(self.positions[rows].max()) + 1
            wanted = shares * n_places
            if wanted[:n_parts].min() < 1 or n_spare * n_places <= 2 * self.gap:
                continue
            sizes = _round(wanted + carry, n_places, n_parts)
            carry += wanted - sizes
            order = np.arange(len(shares)) if rng is None else rng.permutation(len(shares))
            parts[rows] = np.repeat(order, sizes[order])[self.positions[rows]]
        return parts

    def leak(self, parts: Labels, n_parts: int) -> NDArray[np.bool_]:
        """Return which images leak to a later part.

        Parameters
        ----------
        parts : ndarray of shape (n_images,)
            The part of each image, in the order of their use; -1 is in none.
        n_parts : int
            The number of parts.

        Returns
        -------
        ndarray of shape (n_images,), dtype bool
            True for images within `gap` frames of a frame of a later part, or with a near
            duplicate there.
        """
        leaks = np.zeros(len(parts), dtype=bool)
        # Sequences on one line, too far from each other to be within a gap.
        stride = int(self.positions.max(initial=0)) + self.gap + 2
        places = self.labels * stride + self.positions
        for later in range(1, n_parts):
            others = np.sort(places[parts == later])
            if len(others):
                after = np.searchsorted(others, places)
                near = np.minimum(
                    np.abs(others[np.minimum(after, len(others) - 1)] - places),
                    np.abs(places - others[np.maximum(after - 1, 0)]),
                )
                leaks |= (near <= self.gap) & (parts < later)
        if self.graph is not None:
            leaks |= _latest_near(self.graph, parts) > parts
        return leaks & (parts >= 0)


def _round(wanted: NDArray[np.float64], total: int, n_parts: int) -> NDArray[np.int64]:
    """Round numbers to a total, so that the first `n_parts` are at least one."""
    least = (np.arange(len(wanted)) < n_parts).astype(np.int64)
    rounded = np.maximum(np.floor(wanted).astype(np.int64), least)
    while rounded.sum() < total:
        rounded[(wanted - rounded).argmax()] += 1
    while rounded.sum() > total:
        rounded[np.where(rounded > least, rounded - wanted, -np.inf).argmax()] -= 1
    return rounded


def _latest_near(graph: PairGraph, parts: Labels) -> Labels:
    """Return the latest part that each image has a near duplicate in; -1 without any."""
    nodes = graph.node_of_image
    known = np.flatnonzero(nodes >= 0)
    latest = np.full(graph.n_nodes, -1, dtype=np.intp)
    np.maximum.at(latest, nodes[known], parts[known])
    reached = latest.copy()
    for left, right, _ in graph.edges.blocks():
        np.maximum.at(reached, left, latest[right])
        np.maximum.at(reached, right, latest[left])
    near = np.full(len(nodes), -1, dtype=np.intp)
    near[known] = reached[nodes[known]]
    return near


def split_inside(
    frames: Frames,
    strata: Strata | None,
    sizes: list[int],
    choose: _Choose,
    rng: np.random.RandomState,
) -> list[Labels]:
    """Return the rows of each part in random order, without the images that would leak.

    Parameters
    ----------
    frames : Frames
        The images.
    strata : Strata or None
        The strata of the images.
    sizes : list of int
        The sizes of the parts before images are left out. The rest is in no part.
    choose : callable
        See `allocate`.
    rng : RandomState
        Draws the blocks.

    Raises
    ------
    ValueError
        If a part is empty.
    """
    n_images, n_parts = len(frames.labels), len(sizes)
    unused = n_images - sum(sizes)
    quota = np.array([*sizes, unused] if unused else sizes)
    parts = frames.allocate(strata, quota, n_parts, sizes[0] / max(n_images, 1), choose, rng)
    parts[parts == n_parts] = -1
    parts[frames.leak(parts, n_parts)] = -1
    rows = [np.flatnonzero(parts == part) for part in range(n_parts)]
    check_not_empty(rows, frames.gap)
    return [rng.permutation(each) for each in rows]


def check_not_empty(rows: list[Labels], gap: int) -> None:
    """Raise if a part has no images."""
    names = ["training", "test"] if len(rows) == 2 else ["training", "validation", "test"]
    for name, each in zip(names, rows, strict=True):
        if not len(each):
            raise ValueError(
                f"The {name} part is empty. With gap={gap}, frames within {gap} places of a later "
                f"part, and near duplicates of its images, are left out of an earlier part. Pass "
                f"a smaller gap, or a finder with a smaller radius."
            )
