"""Lower the error of an allocation of groups by moves of single groups.

The error is the sum of the squared differences of all counts from their targets, as shares of the
targets. Each move is the one that lowers it most. For a move, all groups are compared at once, so
that even millions of groups take little time.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from ...duplicates._labels import Labels

# Moves that lower the error by less than this share of it are not worth their time.
_LEAST_GAIN = 1e-4


def move_groups(
    part_of_group: Labels, composition: csr_matrix, targets: NDArray[np.float64]
) -> Labels:
    """Move groups between parts while that lowers the error.

    Parameters
    ----------
    part_of_group : ndarray of shape (n_groups,)
        The part of each group.
    composition : csr_matrix of shape (n_groups, n_columns), dtype int64
        The counts of each group.
    targets : ndarray of shape (n_parts, n_columns)
        The counts that each part should reach.

    Returns
    -------
    ndarray of shape (n_groups,)
        The part of each group after the moves.
    """
    n_groups, n_parts = len(part_of_group), len(targets)
    parts, rows = part_of_group.copy(), np.arange(n_groups)
    chosen = csr_matrix((np.ones(n_groups), (parts, rows)), shape=(n_parts, n_groups))
    weights = 1 / np.maximum(targets, 1) ** 2
    off = (chosen @ composition).toarray() - targets
    # With a part's counts off by r, its error grows by w (2 r c + c^2) if a group of counts c
    # joins it, and by w (-2 r c + c^2) if the group leaves it.
    slope = 2 * (composition @ (weights * off).T)
    curve = composition.power(2) @ weights.T
    for _ in range(10 * composition.shape[1] * n_parts):
        leave = curve[rows, parts] - slope[rows, parts]
        gain = leave[:, None] + slope + curve
        gain[rows, parts] = 0
        group, taker = np.unravel_index(gain.argmin(), gain.shape)
        if gain[group, taker] >= -_LEAST_GAIN * (weights * off**2).sum():
            break
        giver, counts = parts[group], composition[group].toarray()[0]
        parts[group] = taker
        off[giver] -= counts
        off[taker] += counts
        changed = [giver, taker]
        slope[:, changed] = 2 * (composition @ (weights * off)[changed].T)
    return parts
