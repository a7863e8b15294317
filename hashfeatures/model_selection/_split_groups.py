"""Split groups into parts of given sizes: what single splits and splitters share."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import numpy as np

from ..duplicates._labels import Labels
from ..duplicates._resolve import PRECOMPUTED, SupportsFitPredict
from ..images._sources import check_container
from .allocation._allocation import allocate, draw_by_deficit, fill_empty
from .allocation._size_warnings import warn_if_off_target
from .allocation._solver import FAST, Solver
from .allocation._split_info import SplitInfo
from .allocation._strata import Strata

Finder: TypeAlias = SupportsFitPredict | Literal["precomputed"] | None


def check_images(caller: str, images: Any, finder: Finder) -> None:
    """Raise unless `images` holds images; with precomputed groups, anything can be split."""
    if not (isinstance(finder, str) and finder == PRECOMPUTED):
        check_container(images, caller)


def split_once(
    groups: Labels,
    strata: Strata | None,
    sizes: list[int],
    rng: np.random.RandomState,
    by_sequence: bool = False,
    solver: Solver = FAST,
) -> tuple[list[Labels], SplitInfo]:
    """Return the rows of each part in random order; rows beyond the sizes are left out."""
    parts, info = draw_parts(groups, strata, sizes, rng, by_sequence, solver)
    return [rng.permutation(np.flatnonzero(parts == part)) for part in range(len(sizes))], info


def draw_parts(
    groups: Labels,
    strata: Strata | None,
    sizes: list[int],
    rng: np.random.RandomState,
    by_sequence: bool = False,
    solver: Solver = FAST,
) -> tuple[Labels, SplitInfo]:
    """Return the part of each image; ``len(sizes)`` for an image that is left out."""
    n_parts = len(sizes)
    check_enough(groups, n_parts, by_sequence)
    unused = len(groups) - sum(sizes)
    quota = np.array([*sizes, unused] if unused else sizes)
    parts = fill_empty(allocate(groups, strata, quota, draw_by_deficit, rng), groups, n_parts)
    requested = np.array(sizes)
    names = ["train", "test"] if n_parts == 2 else ["train", "validation", "test"]
    parts, info = solver.improve(
        groups, strata, parts, names, requested, requested / len(groups), rng
    )
    name = "part (training, test)" if n_parts == 2 else "part (training, validation, test)"
    members = name_groups(by_sequence)
    warn_if_off_target(groups, strata, parts, requested, name, info.proof, members)
    return parts, info


def fill_parts(
    groups: Labels,
    strata: Strata | None,
    sizes: Labels,
    fixed: Labels,
    rng: np.random.RandomState,
    by_sequence: bool,
) -> Labels:
    """Return the part of each image, of which some groups have theirs already.

    Parameters
    ----------
    groups : ndarray of shape (n_images,), dtype intp
        The group of each image, counted from 0.
    strata : Strata or None
        The strata that each part gets its share of, counted over all images.
    sizes : ndarray of shape (n_parts,), dtype int64
        The size of each part, counted over all images.
    fixed : ndarray of shape (n_groups,), dtype intp
        The part of each group; -1 for one that has none yet.
    rng : RandomState
        Draws the parts of groups.
    by_sequence : bool
        Whether groups are sequences, for messages.

    Returns
    -------
    ndarray of shape (n_images,), dtype intp
        The part of each image.
    """
    parts = allocate(groups, strata, sizes, draw_by_deficit, rng, fixed=fixed)
    why = "Images that had a part before stay in it."
    warn_if_off_target(groups, strata, parts, sizes, "part", why, name_groups(by_sequence))
    return parts


def check_enough(groups: Labels, n_parts: int, by_sequence: bool = False) -> None:
    """Raise if there are fewer groups than parts."""
    n_groups = int(groups.max(initial=-1)) + 1
    if n_groups < n_parts:
        where = "one group" if n_groups == 1 else f"{n_groups} groups"
        raise ValueError(
            f"All {len(groups)} images are in {where} of {name_groups(by_sequence)}, so one of "
            f"the {n_parts} parts would be empty. {_advise(by_sequence)}"
        )


def name_groups(by_sequence: bool) -> str:
    """Return what the groups of a split consist of."""
    return "near duplicates and sequences" if by_sequence else "near duplicates"


def _advise(by_sequence: bool) -> str:
    if by_sequence:
        return (
            "To split inside a sequence, pass gap=..., the number of frames to leave out between "
            "the parts. To make shorter sequences, pass groups=SequenceFinder(...) with a pattern "
            "of the names or a gap in seconds."
        )
    return (
        "Use a smaller radius, which makes smaller groups. Groups that are passed as groups=... "
        "are merged with those of near duplicates."
    )
