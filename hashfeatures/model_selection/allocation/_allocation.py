"""Allocation of groups to parts of given sizes.

Each part has a size in images. With stratification, each part also has a quota of each class.
Groups with the same composition, that is, with as many images of the same classes, are
interchangeable. They are allocated together, in proportion to the capacity that the parts have
left, and larger groups come first. Single images come last and fill the quotas; `_singletons`
allocates those of classes all at once.

There may be as many compositions as groups. The work for each composition is done in Python's own
numbers, because numpy is slower for a handful of numbers.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix, csr_matrix

from ...duplicates._labels import Labels
from ._moves import move_groups
from ._quotas import Counts, floor_and_ceil, quotas_of_classes, quotas_of_labels
from ._singletons import fill_quotas
from ._strata import Strata

_Choose = Callable[[list[float], int, np.random.RandomState | None], list[int]]


def largest_deficit(
    deficits: list[float], n_groups: int, rng: np.random.RandomState | None
) -> list[int]:
    """Choose the parts with the largest deficits, so that the parts come out alike."""
    n_parts = len(deficits)
    ties = [0.0] * n_parts if rng is None else rng.random_sample(n_parts).tolist()
    return sorted(range(n_parts), key=lambda part: (-deficits[part], ties[part]))[:n_groups]


def draw_by_deficit(
    deficits: list[float], n_groups: int, rng: np.random.RandomState | None
) -> list[int]:
    """Draw parts in proportion to their deficits, so that small parts get large groups too."""
    assert rng is not None
    total = [*accumulate(deficits)][-1]
    chances = [deficit / total for deficit in deficits]
    if n_groups == 1:  # what `choice` draws, at a fraction of its cost
        ends = [*accumulate(chances)]
        return [bisect_right([end / ends[-1] for end in ends], rng.random_sample())]
    drawn: list[int] = rng.choice(len(deficits), n_groups, replace=False, p=chances).tolist()
    return drawn


def allocate(
    groups: Labels,
    strata: Strata | None,
    sizes: Counts,
    choose: _Choose,
    rng: np.random.RandomState | None,
    shares: NDArray[np.float64] | None = None,
    fixed: Labels | None = None,
) -> Labels:
    """Allocate groups to parts.

    Parameters
    ----------
    groups : ndarray of shape (n_images,)
        The group of each image, counted from 0.
    strata : Strata or None
        The strata that each part gets its share of.
    sizes : ndarray of shape (n_parts,)
        The size of each part in images. The sizes add up to the number of images.
    choose : {largest_deficit, draw_by_deficit}
        Chooses the parts that get the groups left over by an even distribution.
    rng : RandomState or None
        Draws which group goes to which part. None allocates in order.
    shares : ndarray of shape (n_parts,), optional
        The exact shares that `sizes` are rounded from. None takes the shares of the sizes.
    fixed : ndarray of shape (n_groups,), optional
        The part of each group that is allocated already, and -1 for the others. The others fill
        what is missing.

    Returns
    -------
    ndarray of shape (n_images,)
        The part of each image.
    """
    n_groups = int(groups.max()) + 1
    # All images together count as a stratum too, whose quotas are the sizes of the parts.
    rows, columns, counts = groups, np.zeros_like(groups), np.ones(len(groups), dtype=np.int64)
    exact = (sizes.astype(np.float64) if shares is None else len(groups) * shares)[:, None]
    capacity = sizes[:, None]
    if strata is not None:
        members = strata.members.tocoo()
        rows = np.concatenate([rows, groups[members.row]])
        columns = np.concatenate([columns, members.col + 1])
        counts = np.concatenate([counts, members.data])
        n_of_stratum = np.asarray(strata.members.sum(axis=0)).ravel()
        of_strata = np.outer(sizes / sizes.sum() if shares is None else shares, n_of_stratum)
        if strata.is_partition:
            quotas = quotas_of_classes(of_strata, sizes, n_of_stratum, rng)
        else:
            quotas = quotas_of_labels(of_strata, n_of_stratum, rng)
        exact, capacity = np.hstack([exact, of_strata]), np.hstack([capacity, quotas])
    composition = coo_matrix(
        (counts, (rows, columns)), shape=(n_groups, capacity.shape[1])
    ).tocsr()
    part_of_group = np.full(n_groups, -1, dtype=np.intp) if fixed is None else fixed.copy()
    left = capacity - _count_in_parts(composition, part_of_group, len(sizes))
    have_classes = strata is not None and strata.is_partition
    left = _allocate_groups(
        composition,
        left,
        choose,
        rng,
        part_of_group,
        least=2 if have_classes else 1,
        counts_objects=strata is not None and strata.counts_objects,
    )
    if have_classes:
        low, high = floor_and_ceil(exact)
        low, high = left + low - capacity, left + high - capacity
        _allocate_singletons(composition, left, low, high, choose, rng, part_of_group)
    if strata is not None and strata.counts_objects:
        part_of_group = move_groups(part_of_group, composition, exact)
    return part_of_group[groups]


def fill_empty(parts: Labels, groups: Labels, n_parts: int) -> Labels:
    """Move the smallest dispensable group to each of the first `n_parts` parts that is empty."""
    for empty in np.setdiff1d(np.arange(n_parts), parts):
        part_of_group = parts[np.unique(groups, return_index=True)[1]]
        n_groups = np.bincount(part_of_group, minlength=n_parts)
        n_groups[:n_parts] -= 1  # each part keeps one group
        unused = n_groups[n_parts:]
        donor = n_parts + unused.argmax() if unused.any() else n_groups.argmax()
        spare = np.flatnonzero(part_of_group == donor)
        smallest = spare[np.bincount(groups)[spare].argmin()]
        parts = np.where(groups == smallest, empty, parts)
    return parts


def _count_in_parts(composition: csr_matrix, part_of_group: Labels, n_parts: int) -> Counts:
    """Return how many images of each stratum the allocated groups bring to each part."""
    known = np.flatnonzero(part_of_group >= 0)
    shape = (n_parts, len(part_of_group))
    chosen = csr_matrix((np.ones_like(known), (part_of_group[known], known)), shape=shape)
    counts: Counts = (chosen @ composition).toarray()
    return counts


def _allocate_groups(
    composition: csr_matrix,
    capacity: Counts,
    choose: _Choose,
    rng: np.random.RandomState | None,
    part_of_group: Labels,
    least: int,
    counts_objects: bool,
) -> Counts:
    """Allocate the groups of at least so many images, and return the capacity that is left."""
    left: list[list[int]] = capacity.T.tolist()
    starts, columns, counts = (
        part.tolist() for part in (composition.indptr, composition.indices, composition.data)
    )
    order, ends = _order_by_composition(composition, least, counts_objects, part_of_group < 0)
    start = 0
    for first, end in zip(order[np.append(0, ends)[:-1]].tolist(), ends.tolist(), strict=True):
        row = slice(starts[first], starts[first + 1])
        own_capacity, own_counts = [left[column] for column in columns[row]], counts[row]
        allocated = _allocate_equal_groups(end - start, own_capacity, own_counts, choose, rng)
        for part, n_groups in enumerate(allocated):
            if n_groups:
                for column, n_images in zip(own_capacity, own_counts, strict=True):
                    column[part] -= n_groups * n_images
        if end - start == 1:
            part_of_group[first] = allocated.index(1)
        else:
            parts = np.repeat(np.arange(len(capacity)), allocated)
            part_of_group[order[start:end]] = parts if rng is None else rng.permutation(parts)
        start = end
    return np.array(left, dtype=np.int64).T


def _allocate_singletons(
    composition: csr_matrix,
    capacity: Counts,
    low: Counts,
    high: Counts,
    choose: _Choose,
    rng: np.random.RandomState | None,
    part_of_group: Labels,
) -> None:
    """Allocate single images of classes; `low` and `high` are the capacity, rounded both ways."""
    single = np.flatnonzero(part_of_group < 0)
    if rng is not None:
        single = rng.permutation(single)
    total = capacity[:, 0].tolist()
    wanted = np.array(_allocate_equal_groups(len(single), [total], [1], choose, rng))
    # A size that may be rounded up and is not misses an image. Such images count as one more
    # class.
    missing = high[:, :1] - capacity[:, :1]
    if (capacity[:, 0] < 0).any():  # groups alone exceed some sizes, so no size is as requested
        missing = np.zeros_like(missing)
    most = 3 * len(capacity) * composition[:, 0].sum()  # more than any chain of moves can cost
    filled = fill_quotas(
        np.hstack([capacity[:, 1:], missing]),
        wanted + missing[:, 0],
        np.hstack([low[:, 1:], np.zeros_like(missing)]),
        np.hstack([high[:, 1:], high[:, :1] - low[:, :1]]),
        np.append(np.ones(capacity.shape[1] - 1, dtype=np.int64), most),
        rng,
    )[:, :-1]
    # Each image has two entries, one among all images and one in its class.
    class_of = composition[single].indices.reshape(-1, 2).max(axis=1)
    parts = np.tile(np.arange(len(filled)), filled.shape[1])
    part_of_group[single[np.argsort(class_of, kind="stable")]] = np.repeat(parts, filled.T.ravel())


def _order_by_composition(
    composition: csr_matrix, least: int, counts_objects: bool, is_open: NDArray[np.bool_]
) -> tuple[Labels, Labels]:
    """Order groups by composition: the largest groups first, then those of rare strata.

    If strata count objects, the groups with the largest share of any stratum come first. Returns
    the open groups of at least so many images, and where those of each composition end.
    """
    # Equal rows have equal products with a random vector, and unequal rows in practice do not.
    weights = np.random.RandomState(0).randint(1, 2**62, size=composition.shape[1], dtype=np.int64)
    keys = composition @ weights  # an overflow changes nothing
    n_images = composition[:, [0]].toarray().ravel()
    n_of_stratum = np.asarray(composition.sum(axis=0)).ravel()
    in_stratum, starts = n_of_stratum[composition.indices], composition.indptr[:-1]
    if counts_objects:
        priority = [-np.maximum.reduceat(composition.data / in_stratum, starts)]
    else:
        priority = [np.minimum.reduceat(in_stratum, starts), -n_images]
    order = np.lexsort((np.arange(len(keys)), keys, *priority))
    order = order[is_open[order] & (n_images[order] >= least)]
    ends = np.flatnonzero(np.append(np.diff(keys[order]), 1)) + 1 if len(order) else order
    return order, ends


def _allocate_equal_groups(
    n_groups: int,
    capacity: list[list[int]],
    counts: list[int],
    choose: _Choose,
    rng: np.random.RandomState | None,
) -> list[int]:
    """Return how many of `n_groups` groups of one composition each part gets.

    Each group has `counts` images of some strata. `capacity` holds, for each of these strata, how
    many images each part can still take.
    """
    columns, parts = list(zip(capacity, counts, strict=True)), range(len(capacity[0]))
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
    allocated = [min(int(ideal[part]), fits[part]) for part in parts]
    left = n_groups - sum(allocated)
    while left and (open_ := [part for part in parts if allocated[part] < fits[part]]):
        deficits = [max(ideal[part] - allocated[part], 1e-9) for part in open_]
        for place in choose(deficits, min(left, len(open_)), rng):
            allocated[open_[place]] += 1
            left -= 1
    for _ in range(left):  # no part has the capacity: take the part that overflows least
        least = min(parts, key=lambda part: _overflow(capacity, counts, part, allocated[part] + 1))
        allocated[least] += 1
    return allocated


def _overflow(
    capacity: list[list[int]], counts: list[int], part: int, n_groups: int
) -> tuple[int, int]:
    """Return by how much so many groups exceed a part's capacity, and minus what they leave."""
    after = [column[part] - n_groups * n for column, n in zip(capacity, counts, strict=True)]
    return -sum(min(free, 0) for free in after), -sum(after)
