"""Groups to parts of given sizes.

The parts have sizes in images, and with stratification every class is to be shared out in
proportion: that gives each part a quota a class. Groups of the same make-up (so many images of
these classes) can stand for one another, so they are dealt together, the largest first, each kind
in proportion to the room that the parts have left. Single images come last and fill the quotas up:
those of classes all at once, see `filling`.

There may be as many kinds as groups. So what is done for each is done in Python's own numbers: for
a handful of them, numpy takes ten times as long.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog
from scipy.sparse import coo_matrix, csr_matrix, eye_array, kron, vstack

from ..duplicates._labels import Labels
from ._filling import fill_up
from ._strata import Strata

_Counts = NDArray[np.int64]
_Choose = Callable[[list[float], int, np.random.RandomState | None], list[int]]


def by_need(missing: list[float], n_groups: int, rng: np.random.RandomState | None) -> list[int]:
    """Choose the parts that miss most, for parts that are to be alike."""
    n_parts = len(missing)
    ties = [0.0] * n_parts if rng is None else rng.random_sample(n_parts).tolist()
    return sorted(range(n_parts), key=lambda part: (-missing[part], ties[part]))[:n_groups]


def by_lot(missing: list[float], n_groups: int, rng: np.random.RandomState | None) -> list[int]:
    """Draw parts by what they miss, so that large groups get into small parts too."""
    assert rng is not None
    total = [*accumulate(missing)][-1]
    chances = [share / total for share in missing]
    if n_groups == 1:  # what `choice` draws, at a fraction of its cost
        ends = [*accumulate(chances)]
        return [bisect_right([end / ends[-1] for end in ends], rng.random_sample())]
    drawn: list[int] = rng.choice(len(missing), n_groups, replace=False, p=chances).tolist()
    return drawn


def deal(
    groups: Labels,
    strata: Strata | None,
    sizes: _Counts,
    choose: _Choose,
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
    rows, columns = groups, np.zeros_like(groups)
    exact = (sizes.astype(np.float64) if shares is None else len(groups) * shares)[:, None]
    room = sizes[:, None]
    if strata is not None:
        members = strata.members.tocoo()
        rows = np.concatenate([rows, groups[members.row]])
        columns = np.concatenate([columns, members.col + 1])
        n_of_stratum = np.bincount(members.col, minlength=members.shape[1])
        of_strata = np.outer(sizes / sizes.sum() if shares is None else shares, n_of_stratum)
        if strata.is_partition:
            quotas = _quotas(of_strata, sizes, n_of_stratum, rng)
        else:
            quotas = _quotas_each(of_strata, n_of_stratum, rng)
        exact, room = np.hstack([exact, of_strata]), np.hstack([room, quotas])
    makeup = coo_matrix(
        (np.ones(len(rows), dtype=np.int64), (rows, columns)), shape=(n_groups, room.shape[1])
    ).tocsr()
    part_of_group = np.full(n_groups, -1, dtype=np.intp)
    have_classes = strata is not None and strata.is_partition
    left = _deal_kinds(makeup, room, choose, rng, part_of_group, least=2 if have_classes else 1)
    if have_classes:
        low, high = _whole(exact)
        low, high = left + low - room, left + high - room
        _deal_single(makeup, left, low, high, choose, rng, part_of_group)
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


def _deal_kinds(
    makeup: csr_matrix,
    room: _Counts,
    choose: _Choose,
    rng: np.random.RandomState | None,
    part_of_group: Labels,
    least: int,
) -> _Counts:
    """Deal the groups of at least so many images, and return the room that is left."""
    left: list[list[int]] = room.T.tolist()
    starts, columns, counts = (
        part.tolist() for part in (makeup.indptr, makeup.indices, makeup.data)
    )
    order, ends = _kinds(makeup, least)
    start = 0
    for first, end in zip(order[np.append(0, ends)[:-1]].tolist(), ends.tolist(), strict=True):
        row = slice(starts[first], starts[first + 1])
        kind_room, kind_counts = [left[column] for column in columns[row]], counts[row]
        dealt = _deal_kind(end - start, kind_room, kind_counts, choose, rng)
        for part, n_groups in enumerate(dealt):
            if n_groups:
                for column, n_images in zip(kind_room, kind_counts, strict=True):
                    column[part] -= n_groups * n_images
        if end - start == 1:
            part_of_group[first] = dealt.index(1)
        else:
            parts = np.repeat(np.arange(len(room)), dealt)
            part_of_group[order[start:end]] = parts if rng is None else rng.permutation(parts)
        start = end
    return np.array(left, dtype=np.int64).T


def _deal_single(
    makeup: csr_matrix,
    room: _Counts,
    low: _Counts,
    high: _Counts,
    choose: _Choose,
    rng: np.random.RandomState | None,
    part_of_group: Labels,
) -> None:
    """Deal the single images of classes; `low` and `high` are the room, rounded down and up."""
    single = np.flatnonzero(part_of_group < 0)
    if rng is not None:
        single = rng.permutation(single)
    wanted = np.array(_deal_kind(len(single), [room[:, 0].tolist()], [1], choose, rng))
    # Where a size may be rounded up and is not, an image is missing: these are a class, too.
    missing = high[:, :1] - room[:, :1]
    if (room[:, 0] < 0).any():  # groups alone are more than some sizes, so no size is as wanted
        missing = np.zeros_like(missing)
    dear = 3 * len(room) * makeup[:, 0].sum()  # no chain of moves adds as much to the distances
    filled = fill_up(
        np.hstack([room[:, 1:], missing]),
        wanted + missing[:, 0],
        np.hstack([low[:, 1:], np.zeros_like(missing)]),
        np.hstack([high[:, 1:], high[:, :1] - low[:, :1]]),
        np.append(np.ones(room.shape[1] - 1, dtype=np.int64), dear),
        rng,
    )[:, :-1]
    # Each has two entries, one among all images and one in its class.
    class_of = makeup[single].indices.reshape(-1, 2).max(axis=1)
    parts = np.tile(np.arange(len(filled)), filled.shape[1])
    part_of_group[single[np.argsort(class_of, kind="stable")]] = np.repeat(parts, filled.T.ravel())


def _kinds(makeup: csr_matrix, least: int) -> tuple[Labels, Labels]:
    """Order groups by their make-up: the largest groups first, then those of rare strata.

    Returns the groups of at least so many images, and where those of each make-up end.
    """
    # Equal rows have equal products with a random vector, and others in practice do not.
    weights = np.random.RandomState(0).randint(1, 2**62, size=makeup.shape[1], dtype=np.int64)
    keys = makeup @ weights  # may overflow, which changes nothing
    n_images = makeup[:, [0]].toarray().ravel()
    n_of_stratum = np.asarray(makeup.sum(axis=0)).ravel()
    rarest = np.minimum.reduceat(n_of_stratum[makeup.indices], makeup.indptr[:-1])
    order = np.lexsort((np.arange(len(keys)), keys, rarest, -n_images))
    order = order[: np.count_nonzero(n_images >= least)]
    ends = np.flatnonzero(np.append(np.diff(keys[order]), 1)) + 1 if len(order) else order
    return order, ends


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
    """Share out each class in whole images, every share rounded up or down so that all sums hold.

    Classes of one size have the same shares: how many of them are rounded up in each part is found
    for all of them together, and each is then rounded up in as many parts as the others.
    """
    quotas, _ = _whole(exact)
    n_up = n_of_class - quotas.sum(axis=0)
    _, firsts, kind, n_alike = np.unique(
        n_of_class, return_index=True, return_inverse=True, return_counts=True
    )
    sums = n_alike * n_up[firsts]
    ups = _round(n_alike * (exact - quotas)[:, firsts], sizes - quotas.sum(axis=1), sums, rng)
    order = np.arange(len(n_of_class)) if rng is None else rng.permutation(len(n_of_class))
    alike = np.split(order[np.argsort(kind[order], kind="stable")], n_alike.cumsum()[:-1])
    for classes, n_of_part in zip(alike, ups.T, strict=True):
        parts = np.repeat(np.arange(len(sizes)), n_of_part)
        quotas[parts, np.resize(classes, len(parts))] += 1  # no class is met twice by a part
    return quotas


def _round(
    exact: NDArray[np.float64],
    row_sums: _Counts,
    column_sums: _Counts,
    rng: np.random.RandomState | None,
) -> _Counts:
    """Round the cells of a matrix up or down so that all sums hold.

    That is a transport problem, whose vertices are whole (Dantzig 1951).
    """
    low, high = _whole(exact)
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
    rounded: _Counts = np.rint(solved.x).astype(np.int64).reshape(exact.shape)
    return rounded


def _whole(exact: NDArray[np.float64]) -> tuple[_Counts, _Counts]:
    """Return the whole numbers below and above; both are one number where it is whole."""
    low, high = np.floor(exact + 1e-9), np.ceil(exact - 1e-9)
    return low.astype(np.int64), high.astype(np.int64)


def _deal_kind(
    n_groups: int,
    room: list[list[int]],
    counts: list[int],
    choose: _Choose,
    rng: np.random.RandomState | None,
) -> list[int]:
    """Return how many of `n_groups` equal groups each part gets.

    A group is made up of `counts` images of some strata; `room` is what each part can still take
    of each of them.
    """
    columns, parts = list(zip(room, counts, strict=True)), range(len(room[0]))
    fits, wanted = [], []
    for part in parts:
        fit, total = n_groups, 0
        for column, n_images in columns:
            if (free := column[part]) < fit * n_images:
                fit = max(free, 0) // n_images
            if free > 0:
                total += free * n_images
        fits.append(fit)
        wanted.append(total)
    total = sum(wanted)
    ideal = [n_groups * each / total if total else 0.0 for each in wanted]
    dealt = [min(int(ideal[part]), fits[part]) for part in parts]
    left = n_groups - sum(dealt)
    while left and (open_ := [part for part in parts if dealt[part] < fits[part]]):
        missing = [max(ideal[part] - dealt[part], 1e-9) for part in open_]
        for place in choose(missing, min(left, len(open_)), rng):
            dealt[open_[place]] += 1
            left -= 1
    for _ in range(left):  # they fit nowhere: where they overfill least
        dealt[min(parts, key=lambda part: _overfill(room, counts, part, dealt[part] + 1))] += 1
    return dealt


def _overfill(
    room: list[list[int]], counts: list[int], part: int, n_groups: int
) -> tuple[int, int]:
    """Return by how much so many groups overfill a part, and less what room they leave."""
    after = [column[part] - n_groups * n for column, n in zip(room, counts, strict=True)]
    return -sum(min(room, 0) for room in after), -sum(after)
