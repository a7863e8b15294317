"""What a split reached, beside what was asked for."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from ..duplicates._labels import Labels
from ..exceptions import SplitSizeWarning, warn_user
from ._strata import Strata

_Counts = NDArray[np.int64]


def warn_of_shortfalls(
    groups: Labels, strata: Strata | None, parts: Labels, sizes: _Counts, what: str
) -> None:
    """Warn if whole groups came out far from the sizes, or the shares of strata, asked for.

    Parameters
    ----------
    groups : ndarray of shape (n_images,)
        The group of each image, from 0 on.
    strata : Strata or None
        What each part was to hold its share of.
    parts : ndarray of shape (n_images,)
        The part of each image; those from ``len(sizes)`` on are unused.
    sizes : ndarray of shape (n_parts,)
        The sizes asked for, in images.
    what : str
        What a part is called.
    """
    largest = np.bincount(groups).max()
    reached = np.bincount(parts, minlength=len(sizes))[: len(sizes)]
    # A part that is off by a tenth of what was asked for is news, however large the groups are.
    grain = np.minimum([largest], 0.1 * sizes.min())
    if _is_off(reached[:, None], sizes[:, None], grain).any():
        warn_user(
            f"Groups of near duplicates, which stay whole, keep the parts from the sizes asked "
            f"for. Images in each {what}: asked for {sizes.tolist()}, reached "
            f"{reached.tolist()}. The largest group holds {largest} of {len(groups)} images.",
            SplitSizeWarning,
        )
    if strata is not None:
        _warn_of_strata(groups, strata, parts, reached, what)


def _warn_of_strata(
    groups: Labels, strata: Strata, parts: Labels, sizes: _Counts, what: str
) -> None:
    """Warn of strata in fewer groups than parts, or far from their shares of the sizes reached."""
    n_parts = len(sizes)
    makeup = _sum_rows(strata.members, groups)
    n_groups = makeup.getnnz(axis=0)
    largest = makeup.max(axis=0).toarray().ravel()
    n_images = np.asarray(makeup.sum(axis=0)).ravel()
    reached = _sum_rows(strata.members, parts).toarray()[:n_parts]
    asked = np.outer(sizes, n_images) / len(groups)
    slack = 0 if strata.is_partition else 2  # strata that overlap cannot all be met to the image
    grain = np.where(largest <= asked.min(axis=0), largest, 1) + slack
    off = _is_off(reached, asked, grain).any(axis=0)
    short = np.flatnonzero((off | (n_groups < n_parts)) & (n_images > 0))
    if not len(short):
        return
    shown = "; ".join(
        f"{strata.names[stratum]!r}, {n_images[stratum]} images in {n_groups[stratum]} "
        f"group{'s' if n_groups[stratum] > 1 else ''}, reached {reached[:, stratum].tolist()}"
        for stratum in short[:3]
    )
    more = f"; and {len(short) - 3} more" if len(short) > 3 else ""
    warn_user(
        f"Groups of near duplicates, which stay whole, keep {len(short)} of "
        f"{len(strata.names)} classes from their shares of each {what}: {shown}{more}.",
        SplitSizeWarning,
    )


def _is_off(reached: _Counts, asked: NDArray[Any], grain: NDArray[Any]) -> NDArray[np.bool_]:
    """Tell where parts are further from what was asked for than by one image, 5 %, or a grain."""
    tolerance = np.maximum(np.maximum(grain, 1), 0.05 * asked)
    off: NDArray[np.bool_] = np.abs(reached - asked) > tolerance
    return off


def _sum_rows(members: csr_matrix, labels: Labels) -> csr_matrix:
    """Add up the rows of each label."""
    n_rows = len(labels)
    chosen = csr_matrix((np.ones(n_rows, dtype=np.int64), (labels, np.arange(n_rows))))
    return (chosen @ members).tocsr()
