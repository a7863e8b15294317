"""Warnings about parts whose sizes or classes are far from the request."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...duplicates._labels import Labels
from ...exceptions import SplitSizeWarning, warn_user
from ._quotas import Counts
from ._strata import Strata
from ._targets import sum_rows


def warn_if_off_target(
    groups: Labels,
    strata: Strata | None,
    parts: Labels,
    sizes: Counts,
    part_name: str,
    proof: str = "",
    members: str = "near duplicates",
) -> None:
    """Warn if whole groups keep parts far from their sizes, or from their shares of strata.

    Parameters
    ----------
    groups : ndarray of shape (n_images,)
        The group of each image, counted from 0.
    strata : Strata or None
        The strata that each part should have its share of.
    parts : ndarray of shape (n_images,)
        The part of each image. Parts from ``len(sizes)`` on are unused.
    sizes : ndarray of shape (n_parts,)
        The requested sizes, in images.
    part_name : str
        The name of a part in the message, such as "fold".
    proof : str, default=""
        Whether a better split may exist, in a sentence.
    members : str, default="near duplicates"
        What the groups consist of.

    Warns
    -----
    SplitSizeWarning
        If a size, or a share of a stratum, is off target.
    """
    end = f" {proof}" if proof else ""
    largest = np.bincount(groups).max()
    reached = np.bincount(parts, minlength=len(sizes))[: len(sizes)]
    # A part that is off by a tenth of its size is worth a warning, however large the groups are.
    grain = np.minimum([largest], 0.1 * sizes.min())
    if _is_off(reached[:, None], sizes[:, None], grain).any():
        warn_user(
            f"Groups of {members} stay whole, so the parts differ from the requested sizes. "
            f"Images in each {part_name}: requested {sizes.tolist()}, reached {reached.tolist()}. "
            f"The largest group holds {largest} of {len(groups)} images.{end}",
            SplitSizeWarning,
        )
    if strata is not None:
        _warn_of_strata(groups, strata, parts, reached, part_name, end, members)


def _warn_of_strata(
    groups: Labels,
    strata: Strata,
    parts: Labels,
    sizes: Counts,
    part_name: str,
    end: str,
    members: str,
) -> None:
    """Warn about strata in fewer groups than parts, or far from their shares of the sizes."""
    n_parts = len(sizes)
    composition = sum_rows(strata.members, groups)
    n_groups = composition.getnnz(axis=0)
    largest = composition.max(axis=0).toarray().ravel()
    n_images = np.asarray(composition.sum(axis=0)).ravel()
    reached = sum_rows(strata.members, parts, n_parts).toarray()[:n_parts]
    requested = np.outer(sizes, n_images) / len(groups)
    # Overlapping strata cannot all be met exactly: two images may be too many.
    n_in_stratum = np.maximum(strata.members.getnnz(axis=0), 1)
    slack = 0 if strata.is_partition else 2 * np.ceil(n_images / n_in_stratum)
    grain = np.where(largest <= requested.min(axis=0), largest, 1) + slack
    off = _is_off(reached, requested, grain).any(axis=0)
    short = np.flatnonzero((off | (n_groups < n_parts)) & (n_images > 0))
    if not len(short):
        return
    unit = "objects" if strata.counts_objects else "images"
    shown = "; ".join(
        f"{strata.names[stratum]!r}, {n_images[stratum]} {unit} in {n_groups[stratum]} "
        f"group{'s' if n_groups[stratum] > 1 else ''}, reached {reached[:, stratum].tolist()}"
        for stratum in short[:3]
    )
    more = f"; and {len(short) - 3} more" if len(short) > 3 else ""
    warn_user(
        f"Groups of {members} stay whole, so {len(short)} of {len(strata.names)} classes "
        f"differ from their shares of each {part_name}: {shown}{more}." + end,
        SplitSizeWarning,
    )


def _is_off(reached: Counts, requested: NDArray[Any], grain: NDArray[Any]) -> NDArray[np.bool_]:
    """Return where a part is off by more than one image, more than 5 % and more than a grain."""
    tolerance = np.maximum(np.maximum(grain, 1), 0.05 * requested)
    off: NDArray[np.bool_] = np.abs(reached - requested) > tolerance
    return off
