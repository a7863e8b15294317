"""The choice of a solver, which turns a fast allocation into the best one that is found."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..._utils.validation import check_choice, check_positive
from ...duplicates._labels import Labels
from ...exceptions import ParameterError
from ._exact import Limits, find_best, interchangeable
from ._quotas import Counts
from ._split_info import SplitInfo, describe_split
from ._strata import Strata
from ._targets import (
    TOLERANCE,
    Compositions,
    SplitError,
    Targets,
    count_in_groups,
    sum_rows,
)

_SECONDS = 60.0

# "auto" leaves splits alone that are this good, or of groups of so many compositions.
_GOOD_ENOUGH = 0.01
_MOST_COMPOSITIONS = {"auto": 300, "exact": 20_000}

# How many counts of images may take part: in each part, those of all compositions that are not
# zero. For "auto", larger programs of the worst error and of the sum are too slow.
_MOST_COEFFICIENTS = 3_000_000
_FEW_COEFFICIENTS = 3_000
_FEW_COEFFICIENTS_OF_SUM = 500
_FEW_NODES = 100


class Solver(NamedTuple):
    """A choice of a solver.

    Parameters
    ----------
    name : {"auto", "fast", "exact"}
        The solver.
    seconds : float or None
        The most seconds for "exact".
    """

    name: str
    seconds: float | None = None

    @classmethod
    def checked(cls, caller: str, solver: Any, time_limit: Any, gap: Any) -> Solver:
        """Make a choice of parameters; raise if they are wrong."""
        name = check_choice(caller, "solver", solver, ("auto", "fast", "exact"))
        if name == "exact" and gap is not None:
            raise ParameterError(
                "solver='exact' allocates whole groups, and a split with a gap cuts sequences. "
                "Leave gap at None, or leave solver at 'auto'."
            )
        if time_limit is None:
            return cls(name, _SECONDS)
        seconds = check_positive(caller, "time_limit", time_limit)
        if name != "exact":
            raise ParameterError(
                f"Setting a time_limit has no effect with solver={name!r}. Leave time_limit at "
                f"None, or set solver='exact'."
            )
        return cls(name, seconds)

    def improve(
        self,
        groups: Labels,
        strata: Strata | None,
        parts: Labels,
        names: list[str],
        requested: Counts,
        shares: NDArray[np.float64],
        rng: np.random.RandomState | None,
    ) -> tuple[Labels, SplitInfo]:
        """Improve a fast allocation, if it is not good enough.

        Parameters
        ----------
        groups : ndarray of shape (n_images,)
            The group of each image, counted from 0.
        strata : Strata or None
            The strata that each part should have its share of.
        parts : ndarray of shape (n_images,)
            The part of each image. Parts from ``len(names)`` on are unused.
        names : list of str
            The names of the parts.
        requested : ndarray of shape (n_parts,)
            The sizes to report as requested.
        shares : ndarray of shape (n_parts,)
            The exact share of all images that each part should have.
        rng : RandomState or None
            Draws among interchangeable groups and parts. None takes them in order.

        Returns
        -------
        tuple of ndarray of shape (n_images,) and SplitInfo
            The part of each image, and what is known about the split.
        """
        counts = count_in_groups(groups, strata)
        targets = Targets.of(shares, np.asarray(counts.sum(axis=0)).ravel())
        part_of_group = np.empty(counts.shape[0], dtype=np.intp)
        part_of_group[groups] = parts
        reached = sum_rows(counts, part_of_group, len(names)).toarray()[: len(names)]
        error, bound, solver = targets.error(reached), SplitError(0.0, 0.0), "fast"
        if self._is_wanted(error):
            kinds = Compositions.of(counts, _MOST_COMPOSITIONS[self.name])
            n_parts = len(names) + (requested.sum() < len(groups))  # some may be left out
            n_coefficients = 0 if kinds is None else np.count_nonzero(kinds.counts) * n_parts
            if kinds is not None and n_coefficients <= _MOST_COEFFICIENTS:
                found = find_best(
                    kinds.allocated(part_of_group, n_parts),
                    kinds,
                    targets,
                    self._limits(n_coefficients),
                    rng or np.random.RandomState(0),  # the same draws each time
                )
                solver, bound = "exact", found.bound
                if found.error.is_below(error):
                    allocated = _shuffle_equal_parts(found.allocated, targets, rng)
                    part_of_group = kinds.parts_of_groups(allocated, rng)
                    reached = sum_rows(counts, part_of_group, len(names)).toarray()[: len(names)]
        info = describe_split(names, requested, reached, strata, targets, bound, solver)
        return part_of_group[groups], info

    def _is_wanted(self, error: SplitError) -> bool:
        """Return whether a fast split with this error should be improved."""
        if self.name == "auto":
            return error.worst > _GOOD_ENOUGH
        return self.name == "exact" and error.total > TOLERANCE

    def _limits(self, n_coefficients: int) -> Limits:
        if self.name == "exact":
            return Limits(seconds=self.seconds)
        return Limits(
            nodes_for_worst=_FEW_NODES if n_coefficients <= _FEW_COEFFICIENTS else 0,
            nodes_for_total=_FEW_NODES if n_coefficients <= _FEW_COEFFICIENTS_OF_SUM else 0,
        )


FAST, AUTO = Solver("fast"), Solver("auto")


def _shuffle_equal_parts(
    allocated: Counts, targets: Targets, rng: np.random.RandomState | None
) -> Counts:
    """Exchange parts with equal targets at random. None leaves them as they are."""
    if rng is None:
        return allocated
    order = np.arange(allocated.shape[1])
    for parts in interchangeable(targets):
        order[parts] = rng.permutation(parts)
    return allocated[:, order]
