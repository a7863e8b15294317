"""Moves of single groups lower the error of an allocation, and end."""

import numpy as np
from scipy.sparse import csr_matrix

from hashfeatures.model_selection.allocation._moves import move_groups


def error(parts, counts, targets):
    """Return the sum of the squared errors of all counts, as shares of their targets."""
    reached = np.array([counts[parts == part].sum(axis=0) for part in range(len(targets))])
    return (((reached - targets) / np.maximum(targets, 1)) ** 2).sum()


def test_no_single_move_lowers_the_error_much_further():
    rng = np.random.default_rng(0)
    counts = np.column_stack([rng.integers(1, 5, 60), rng.poisson(1, (60, 3))])
    targets = np.outer([0.6, 0.2, 0.2], counts.sum(axis=0))
    before = rng.integers(0, 3, 60)
    after = move_groups(before, csr_matrix(counts), targets)
    least = error(after, counts, targets)
    assert least < error(before, counts, targets) / 10
    for group in range(60):
        for part in range(3):
            moved = after.copy()
            moved[group] = part
            assert error(moved, counts, targets) >= least * (1 - 1e-3)


def test_an_allocation_on_target_stays_as_it_is():
    counts = csr_matrix([[1, 2], [1, 2], [1, 0], [1, 0]])
    parts = np.array([0, 1, 0, 1])
    assert move_groups(parts, counts, np.array([[2, 2], [2, 2]])).tolist() == parts.tolist()
