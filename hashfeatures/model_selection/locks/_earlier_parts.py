"""Groups of images, of which some have a part already: the engine of every split that stays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ...duplicates._components import Labels
from .._priority import choose_keepers
from .._split_groups import draw_parts, fill_parts
from ..allocation._quotas import Counts
from ..allocation._sizes import UNUSED
from ..allocation._solver import AUTO
from ..allocation._strata import Strata


@dataclass(frozen=True)
class EarlierParts:
    """The groups of images, and the parts of an earlier split.

    Parameters
    ----------
    names : list of str
        The names of the parts.
    groups : ndarray of shape (n_images + n_absent,), dtype intp
        The group of each image, counted from 0: those that are split, then those that are known
        from the earlier split alone.
    before : ndarray of shape (n_images + n_absent,), dtype integer
        The number of the part of each image in the earlier split; -1 for a new one.
    n_images : int
        The number of images that are split. Only these count for the sizes.
    """

    names: list[str]
    groups: Labels
    before: Any
    n_images: int

    def assign(
        self,
        strata: Strata | None,
        sizes: Counts,
        priority: str | Sequence[int],
        rng: np.random.RandomState,
        by_sequence: bool,
    ) -> Labels:
        """Return the part of each image.

        Without an earlier split, parts are drawn as by `train_test_split`. Otherwise each group
        keeps its part, and the other groups fill the parts up.

        Parameters
        ----------
        strata : Strata or None
            The strata of the images that are split.
        sizes : ndarray of shape (n_parts,), dtype int64
            The size of each part.
        priority : sequence of int, or "majority"
            Which part keeps a group, see `choose_keepers`.
        rng : RandomState
            Draws the parts of groups.
        by_sequence : bool
            Whether groups are sequences, for messages.

        Returns
        -------
        ndarray of shape (n_images + n_absent,), dtype intp
            The number of the part.
        """
        own = self.groups[: self.n_images]
        held = self.before >= 0
        if not held.any():
            n_drawn = len(sizes) - (self.names[-1] == UNUSED)
            requested = sizes[:n_drawn].tolist()
            return draw_parts(own, strata, requested, rng, by_sequence, solver=AUTO)[0]
        n_groups, n_parts = int(self.groups.max()) + 1, len(self.names)
        cells = self.groups[held] * n_parts + self.before[held]
        counts = np.bincount(cells, minlength=n_groups * n_parts).reshape(n_groups, n_parts)
        keepers = np.where(counts.any(axis=1), choose_keepers(counts, priority), -1)
        del cells, counts, held
        if self.n_images == len(self.groups):
            return fill_parts(own, strata, sizes, keepers, rng, by_sequence)
        present = np.unique(own)  # groups of absent images alone have no size
        filled = fill_parts(
            np.searchsorted(present, own), strata, sizes, keepers[present], rng, by_sequence
        )
        return np.concatenate([filled, keepers[self.groups[self.n_images :]]])

    @cached_property
    def first_new(self) -> Labels:
        """The first new image of each group; -1 for a group without one."""
        new = np.flatnonzero(self.before[: self.n_images] < 0)[::-1]
        first_new = np.full(int(self.groups.max(initial=-1)) + 1, -1, dtype=np.intp)
        first_new[self.groups[new]] = new
        return first_new
