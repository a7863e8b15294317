"""The compiled loops over pairs and groups of near duplicates."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types

from .._utils.compiling import compile_loop, count_ones, read_only, writable


@compile_loop(
    types.void(
        writable(types.uint32), writable(types.int64),
        read_only(types.int64), read_only(types.int64), read_only(types.int64),
    ),
)  # fmt: skip
def note_pairs(
    parents: Any, nearest: Any, left: Any, right: Any, distance: Any
) -> None:  # pragma: no cover
    """Merge trees as `unite` does, and record the distance of each member's nearest one."""
    for pair in range(len(left)):
        one, two = np.int64(left[pair]), np.int64(right[pair])
        nearest[one] = min(nearest[one], distance[pair])
        nearest[two] = min(nearest[two], distance[pair])
        while np.int64(parents[one]) != one:
            parents[one] = parents[parents[one]]
            one = np.int64(parents[one])
        while np.int64(parents[two]) != two:
            parents[two] = parents[parents[two]]
            two = np.int64(parents[two])
        if one < two:
            parents[two] = np.uint32(one)
        else:
            parents[one] = np.uint32(two)


@compile_loop(
    types.void(read_only(types.uint64, 2), read_only(types.int64), writable(types.int64))
)
def widest_distances(codes: Any, ends: Any, widest: Any) -> None:  # pragma: no cover
    """Measure the diameters of groups of codes.

    Parameters
    ----------
    codes : ndarray of shape (n_codes, n_words), dtype uint64
        The codes, group after group.
    ends : ndarray of shape (n_groups,), dtype int64
        Where each group ends.
    widest : ndarray of shape (n_groups,), dtype int64
        Written: the greatest distance of two members of each group.
    """
    start = 0
    for group in range(len(ends)):
        most = np.uint64(0)
        for one in range(start, ends[group]):
            for other in range(start, one):
                distance = np.uint64(0)
                for word in range(codes.shape[1]):
                    distance += count_ones(codes[one, word] ^ codes[other, word])
                most = max(most, distance)
        widest[group] = np.int64(most)
        start = ends[group]
