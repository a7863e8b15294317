"""Quotas: how many images of each stratum each part should have, in whole images."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog
from scipy.sparse import eye_array, kron, vstack

Counts = NDArray[np.int64]


def quotas_of_classes(
    exact: NDArray[np.float64],
    sizes: Counts,
    n_of_class: Counts,
    rng: np.random.RandomState | None,
) -> Counts:
    """Round the shares of classes up or down so that all sums hold.

    Classes of one size have the same shares. One rounding decides for all of them together how
    many are rounded up in each part. Each class of that size is then rounded up in about as many
    parts as the others.

    Parameters
    ----------
    exact : ndarray of shape (n_parts, n_classes)
        The exact share of each part in each class.
    sizes : ndarray of shape (n_parts,), dtype int64
        The size of each part, which its quotas add up to.
    n_of_class : ndarray of shape (n_classes,), dtype int64
        The size of each class, which its quotas add up to.
    rng : RandomState or None
        Draws which classes are rounded up where. None rounds in order.

    Returns
    -------
    ndarray of shape (n_parts, n_classes), dtype int64
        The quotas.
    """
    quotas, _ = floor_and_ceil(exact)
    n_up = n_of_class - quotas.sum(axis=0)
    _, firsts, kind, n_alike = np.unique(
        n_of_class, return_index=True, return_inverse=True, return_counts=True
    )
    sums = n_alike * n_up[firsts]
    ups = _round_to_sums(
        n_alike * (exact - quotas)[:, firsts], sizes - quotas.sum(axis=1), sums, rng
    )
    order = np.arange(len(n_of_class)) if rng is None else rng.permutation(len(n_of_class))
    alike = np.split(order[np.argsort(kind[order], kind="stable")], n_alike.cumsum()[:-1])
    for classes, n_of_part in zip(alike, ups.T, strict=True):
        parts = np.repeat(np.arange(len(sizes)), n_of_part)
        quotas[parts, np.resize(classes, len(parts))] += 1  # no part meets a class twice
    return quotas


def quotas_of_labels(
    exact: NDArray[np.float64], n_of_label: Counts, rng: np.random.RandomState | None
) -> Counts:
    """Round the shares of overlapping labels up or down so that each label's sum holds.

    Parameters
    ----------
    exact : ndarray of shape (n_parts, n_labels)
        The exact share of each part in each label.
    n_of_label : ndarray of shape (n_labels,), dtype int64
        How many images have each label, which its quotas add up to.
    rng : RandomState or None
        Draws which parts are rounded up. None rounds half up.

    Returns
    -------
    ndarray of shape (n_parts, n_labels), dtype int64
        The quotas.
    """
    shift = 0.5 if rng is None else rng.random_sample(len(n_of_label))
    whole = np.floor(exact.cumsum(axis=0) + shift).astype(np.int64)
    whole[-1] = n_of_label
    quotas: Counts = np.diff(whole, axis=0, prepend=0)
    return quotas


def floor_and_ceil(exact: NDArray[np.float64]) -> tuple[Counts, Counts]:
    """Return the integers below and above; both are the same for what is an integer itself."""
    low, high = np.floor(exact + 1e-9), np.ceil(exact - 1e-9)
    return low.astype(np.int64), high.astype(np.int64)


def _round_to_sums(
    exact: NDArray[np.float64],
    row_sums: Counts,
    column_sums: Counts,
    rng: np.random.RandomState | None,
) -> Counts:
    """Round the cells of a matrix up or down so that all sums hold.

    This is a transportation problem, whose vertices are integral (Dantzig 1951).
    """
    low, high = floor_and_ceil(exact)
    n_rows, n_columns = exact.shape
    sums_by_row = kron(eye_array(n_rows), np.ones((1, n_columns)))
    sums_by_column = kron(np.ones((1, n_rows)), eye_array(n_columns))
    cost = np.zeros(exact.size) if rng is None else rng.random_sample(exact.size)
    solved = linprog(
        cost,
        A_eq=vstack([sums_by_row, sums_by_column]),
        b_eq=np.concatenate([row_sums, column_sums]),
        bounds=np.column_stack([low.ravel(), high.ravel()]),
        method="highs-ds",
    )
    rounded: Counts = np.rint(solved.x).astype(np.int64).reshape(exact.shape)
    return rounded
