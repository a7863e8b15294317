"""Groups to parts of given sizes.

The parts have sizes in images, and with stratification every class is to be shared out in
proportion: that gives each part a quota a class. Groups of the same make-up (so many images of
these classes) can stand for one another, so they are dealt together, the largest first, each kind
in proportion to the room that the parts have left. Single images come last and fill the quotas up.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog
from scipy.sparse import coo_matrix, csr_matrix, eye_array, kron, vstack

from .duplicates import Labels
from .strata import Strata

_Counts = NDArray[np.int64]


def by_need(
    missing: NDArray[np.float64], n_groups: int, rng: np.random.RandomState | None
) -> Labels:
    """Choose the parts that miss most, for parts that are to be alike."""
    ties = np.zeros(len(missing)) if rng is None else rng.random_sample(len(missing))
    return np.lexsort((ties, -missing))[:n_groups]


def by_lot(
    missing: NDArray[np.float64], n_groups: int, rng: np.random.RandomState | None
) -> Labels:
    """Draw parts by what they miss, so that large groups get into small parts too."""
    assert rng is not None
    chances = missing / missing.sum()
    drawn: Labels = rng.choice(len(missing), size=n_groups, replace=False, p=chances)
    return drawn


def deal(
    groups: Labels,
    strata: Strata | None,
    sizes: _Counts,
    choose: Callable[..., Labels],
    rng: np.random.RandomState | None,
    shares: NDArray[np.float64] | None = None,
) -> Labels:
    """Deal groups to parts.

    Parameters
    ----------
    groups : ndarray of shape (n_images,)
        The group of each image, from 0 on.
    strata : Strata or None
        What each part is to hold its share of.
    sizes : ndarray of shape (n_parts,)
        How many images each part is to have; their sum is the number of images.
    choose : {by_need, by_lot}
        Which parts get the groups that cannot be shared out evenly.
    rng : RandomState or None
        Which group goes where is drawn from it; None deals in order.
    shares : ndarray of shape (n_parts,), optional
        The shares that the sizes are rounded from, and of each stratum too; None: those of the
        sizes themselves.

    Returns
    -------
    ndarray of shape (n_images,)
        The part of each image.
    """
    n_groups = int(groups.max()) + 1
    # All images together count as a stratum too, whose quotas are the sizes of the parts.
    room = sizes[:, None].copy()
    rows, columns = groups, np.zeros_like(groups)
    if strata is not None:
        members = strata.members.tocoo()
        rows = np.concatenate([rows, groups[members.row]])
        columns = np.concatenate([columns, members.col + 1])
        n_of_stratum = np.bincount(members.col, minlength=members.shape[1])
        exact = np.outer(sizes / sizes.sum() if shares is None else shares, n_of_stratum)
        if strata.is_partition:
            quotas = _quotas(exact, sizes, n_of_stratum, rng)
        else:
            quotas = _quotas_each(exact, n_of_stratum, rng)
        room = np.hstack([room, quotas])
    makeup = coo_matrix(
        (np.ones(len(rows), dtype=np.int64), (rows, columns)), shape=(n_groups, room.shape[1])
    ).tocsr()
    part_of_group = np.empty(n_groups, dtype=np.intp)
    for kind in _kinds(makeup):
        row = slice(*makeup.indptr[kind[0] : kind[0] + 2])
        kind_classes, kind_counts = makeup.indices[row], makeup.data[row]
        dealt = _deal_kind(len(kind), kind_classes, kind_counts, room, choose, rng)
        parts = np.repeat(np.arange(len(sizes)), dealt)
        part_of_group[kind] = parts if rng is None else rng.permutation(parts)
        room[:, kind_classes] -= dealt[:, None] * kind_counts
    return part_of_group[groups]


def fill_empty(parts: Labels, groups: Labels, n_parts: int) -> Labels:
    """Give each of the first `n_parts` parts that is empty the smallest group to be spared."""
    for empty in np.setdiff1d(np.arange(n_parts), parts):
        part_of_group = parts[np.unique(groups, return_index=True)[1]]
        n_groups = np.bincount(part_of_group, minlength=n_parts)
        n_groups[:n_parts] -= 1  # one group each must stay
        unused = n_groups[n_parts:]
        donor = n_parts + unused.argmax() if unused.any() else n_groups.argmax()
        spare = np.flatnonzero(part_of_group == donor)
        smallest = spare[np.bincount(groups)[spare].argmin()]
        parts = np.where(groups == smallest, empty, parts)
    return parts


def _kinds(makeup: csr_matrix) -> list[Labels]:
    """Return the groups of each make-up: the largest groups first, then those of rare strata."""
    # Equal rows have equal products with a random vector, and others in practice do not.
    weights = np.random.RandomState(0).randint(1, 2**62, size=makeup.shape[1], dtype=np.int64)
    keys = makeup @ weights  # may overflow, which changes nothing
    n_images = makeup[:, [0]].toarray().ravel()
    n_of_stratum = np.asarray(makeup.sum(axis=0)).ravel()
    rarest = np.minimum.reduceat(n_of_stratum[makeup.indices], makeup.indptr[:-1])
    order = np.lexsort((np.arange(len(keys)), keys, rarest, -n_images))
    ends = np.flatnonzero(np.diff(keys[order])) + 1
    return list(np.split(order, ends))


def _quotas_each(
    exact: NDArray[np.float64], n_of_stratum: _Counts, rng: np.random.RandomState | None
) -> _Counts:
    """Share out each of some strata that overlap, every share rounded up or down."""
    shift = 0.5 if rng is None else rng.random_sample(len(n_of_stratum))
    whole = np.floor(exact.cumsum(axis=0) + shift).astype(np.int64)
    whole[-1] = n_of_stratum
    quotas: _Counts = np.diff(whole, axis=0, prepend=0)
    return quotas


def _quotas(
    exact: NDArray[np.float64],
    sizes: _Counts,
    n_of_class: _Counts,
    rng: np.random.RandomState | None,
) -> _Counts:
    """Share out each class in whole images.

    Every exact share is rounded up or down so that all sums hold: a transport problem, whose
    vertices are whole (Dantzig 1951).
    """
    low, high = np.floor(exact + 1e-9), np.ceil(exact - 1e-9)
    n_parts, n_classes = exact.shape
    sums_by_part = kron(eye_array(n_parts), np.ones((1, n_classes)))
    sums_by_class = kron(np.ones((1, n_parts)), eye_array(n_classes))
    cost = np.zeros(exact.size) if rng is None else rng.random_sample(exact.size)
    solved = linprog(
        cost,
        A_eq=vstack([sums_by_part, sums_by_class]),
        b_eq=np.concatenate([sizes, n_of_class]),
        bounds=np.column_stack([low.ravel(), high.ravel()]),
        method="highs-ds",
    )
    quotas: _Counts = np.rint(solved.x).astype(np.int64).reshape(exact.shape)
    return quotas


def _deal_kind(
    n_groups: int,
    classes: Labels,
    counts: NDArray[Any],
    room: _Counts,
    choose: Callable[..., Labels],
    rng: np.random.RandomState | None,
) -> _Counts:
    """Return how many of `n_groups` equal groups each part gets.

    `counts` images of `classes` make up a group; `room` is what the parts can still take of each
    class.
    """
    free = np.maximum(room[:, classes], 0)
    fits = (free // counts).min(axis=1)
    wanted = free @ counts
    total = wanted.sum()
    ideal = n_groups * wanted / total if total else np.zeros(len(room))
    shares: _Counts = np.minimum(np.floor(ideal).astype(np.int64), fits)
    while (left := n_groups - shares.sum()) and (open_ := shares < fits).any():
        parts = np.flatnonzero(open_)
        missing = np.maximum(ideal - shares, 1e-9)[parts]
        shares[parts[choose(missing, min(int(left), len(parts)), rng)]] += 1
    for _ in range(n_groups - int(shares.sum())):  # they fit nowhere: where they overfill least
        after = room[:, classes] - (shares[:, None] + 1) * counts
        overfill = -np.minimum(after, 0).sum(axis=1)
        shares[np.lexsort((-after.sum(axis=1), overfill))[0]] += 1
    return shares
