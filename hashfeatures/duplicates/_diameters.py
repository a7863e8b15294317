"""Diameters of groups, which show chains of near duplicates."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._utils.kernels import load_kernels
from ..exceptions import ChainingWarning, warn_user
from ..hamming._packing import hamming_distances
from ..hamming._unique import number_rows

_Counts = NDArray[np.int64]

# Groups of at most so many different rows are measured exactly, which costs their square.
_MOST_EXACT = 2048
# Pairs that numpy measures in less time than it takes to load compiled loops.
_FEW_PAIRS = 2**20

# A group may be a chain if it holds this share of all rows (and this many rows, since a few copies
# are a large share of a small collection), or if its diameter exceeds this many radii.
_SHARE = 0.05
_LEAST_ROWS = 20
_RADII = 3


class Diameters(NamedTuple):
    """Sizes and diameters of groups.

    Parameters
    ----------
    size : ndarray of shape (n_groups,), dtype int64
        The number of rows of each group.
    at_least, at_most : ndarray of shape (n_groups,), dtype int64
        The bounds of the greatest distance of two members, in bits. They are equal except in
        groups of more than some thousand different rows.
    """

    size: _Counts
    at_least: _Counts
    at_most: _Counts


def measure_diameters(
    words: NDArray[np.uint64], labels: NDArray[np.intp], most_exact: int = _MOST_EXACT
) -> Diameters:
    """Measure groups of rows.

    Parameters
    ----------
    words : ndarray of shape (n_rows, n_words), dtype uint64
        The bits of each row, packed.
    labels : ndarray of shape (n_rows,), dtype intp
        The group of each row, from 0 on.
    most_exact : int
        Larger groups, counted in different rows, get bounds. A walk from member to farthest
        member gives a lower one. By the triangle inequality, twice the distance from a member to
        its farthest one is an upper one. So is the number of bits in which not all members agree.

    Returns
    -------
    Diameters
        One entry per label.
    """
    size = np.bincount(labels)
    at_least = np.zeros(len(size), dtype=np.int64)
    at_most = at_least.copy()
    rows = np.flatnonzero(size[labels] > 1)
    # Equal rows of a group add nothing to its diameter.
    keyed = np.column_stack([words[rows], labels[rows].astype(np.uint64)])
    rows = rows[number_rows(keyed)[1]]
    rows = rows[np.argsort(labels[rows], kind="stable")]
    n_different = np.bincount(labels[rows], minlength=len(size))
    of_row = n_different[labels[rows]]
    exact = (n_different > 1) & (n_different <= most_exact)
    if (n_different[exact].astype(float) ** 2).sum() > _FEW_PAIRS:
        shown = words[rows[of_row <= most_exact]]
        ends = np.where(n_different <= most_exact, n_different, 0).cumsum()
        load_kernels("duplicates").widest_distances(np.ascontiguousarray(shown), ends, at_least)
        at_most[:] = at_least
        exact[:] = False
    for n in np.unique(n_different[exact]):
        groups = rows[of_row == n].reshape(-1, n)
        at_least[labels[groups[:, 0]]] = at_most[labels[groups[:, 0]]] = _exactly(words[groups])
    begins = n_different.cumsum() - n_different
    for group in np.flatnonzero(n_different > most_exact):
        members = words[rows[begins[group] : begins[group] + n_different[group]]]
        at_least[group], at_most[group] = _bounds(members)
    return Diameters(size, at_least, at_most)


SHORTER_CHAINS = "A smaller radius makes shorter chains, and linkage='complete' makes none."
# A command, which has no attributes, replaces this by its own advice.
CHAINS_ADVICE = (
    f"The attribute groups_ holds the size and the diameter of every group. {SHORTER_CHAINS}"
)


def is_large(size: _Counts, n_rows: int | None = None) -> NDArray[np.bool_]:
    """Return which groups are so large, among so many rows, that they may be chains."""
    n_rows = int(size.sum()) if n_rows is None else n_rows
    large: NDArray[np.bool_] = size > max(_SHARE * n_rows, _LEAST_ROWS)
    return large


def warn_of_chains(
    diameters: Diameters,
    radius: int,
    n_rows: int | None = None,
    name: Callable[[int], str] = "label {}".format,
    advice: str = CHAINS_ADVICE,
) -> None:
    """Warn if groups are so large, or so wide, that they may be chains of near duplicates.

    Parameters
    ----------
    diameters : Diameters
        The sizes and diameters of the groups.
    radius : int
        The radius in bits.
    n_rows : int, optional
        The number of all rows, if some are in none of the groups.
    name : callable
        Names a group by its number.
    advice : str
        How to look at the groups, and how to avoid chains.
    """
    n_rows = int(diameters.size.sum()) if n_rows is None else n_rows
    too_large = is_large(diameters.size, n_rows)
    too_wide = diameters.at_least > _RADII * radius
    suspects = np.flatnonzero(too_large | too_wide)
    if not len(suspects):
        return
    worst = suspects[np.lexsort((-diameters.at_least[suspects], -diameters.size[suspects]))][:3]
    shown = "; ".join(
        f"{name(int(label))} has {diameters.size[label]} of {n_rows} rows and a diameter of "
        f"{_spell(diameters, label)}"
        for label in worst
    )
    more = f" (and {len(suspects) - 3} more)" if len(suspects) > 3 else ""
    warn_user(
        f"Among the groups there may be chains, in which each image is near the next but the ends "
        f"differ, or an image that is repeated very often: {shown}{more}. The radius is {radius} "
        f"bits. {advice}",
        ChainingWarning,
    )


def _spell(diameters: Diameters, label: int) -> str:
    low, high = diameters.at_least[label], diameters.at_most[label]
    return f"{low} bits" if low == high else f"{low} to {high} bits"


def _exactly(members: NDArray[np.uint64]) -> _Counts:
    """Return the diameters of groups of equal size, shape (n_groups, n_members, n_words)."""
    diameters: _Counts = hamming_distances(members[:, :, None], members[:, None]).max(axis=(1, 2))
    return diameters


def _bounds(members: NDArray[np.uint64]) -> tuple[int, int]:
    """Return a lower and an upper bound of a diameter, by a walk to the farthest and back.

    No two members differ in more bits than there are in which not all agree.
    """
    place, reaches = 0, []
    for _ in range(4):
        distances = hamming_distances(members[place], members)
        reaches.append(int(distances.max()))
        place = int(distances.argmax())
    either, both = np.bitwise_or.reduce(members), np.bitwise_and.reduce(members)
    return max(reaches), min(2 * min(reaches), int(hamming_distances(either, both)))
