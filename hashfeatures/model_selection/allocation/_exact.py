"""The best allocation of whole groups to parts, by mixed-integer linear programs.

Groups of one composition are interchangeable, so a variable counts how many of them a part gets.
Two programs find the allocation. The first minimizes the worst error of a size, class or label.
The second minimizes the sum of the errors and keeps the worst at its minimum. HiGHS solves both by
branch and bound (Huangfu and Hall 2018).

HiGHS takes no first solution from scipy. Instead, the programs only admit what is as good as the
allocation at hand: the counts of each part must lie between whole numbers that follow from its
worst error. The first program only admits smaller errors. It has no solution if the allocation is
the best. The narrow ranges of counts also speed up the proof.
"""

from __future__ import annotations

from time import monotonic
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, diags_array, eye_array, hstack, kron

from ._local_search import search_locally
from ._quotas import Counts
from ._targets import (
    SIZE_TOLERANCE,
    SIZE_WEIGHT,
    TOLERANCE,
    Compositions,
    SplitError,
    Targets,
)

# The status of `milp` where HiGHS fails. Its presolve sometimes does if a program is infeasible by
# no more than the tolerances.
_FAILED = 4

# How far the sum of errors may exceed a cutoff. Within its tolerances, HiGHS fails more often.
_MARGIN = 1e-3


class Limits(NamedTuple):
    """How long to search.

    Parameters
    ----------
    seconds : float or None
        The most seconds for both programs. None means no limit.
    nodes_for_worst, nodes_for_total : int or None
        The most nodes of branch and bound for the program of the worst error and for that of the
        sum. None means no limit. With 0, there is no such program.
    """

    seconds: float | None = None
    nodes_for_worst: int | None = None
    nodes_for_total: int | None = None


class Proved(NamedTuple):
    """An allocation and what is proved about it.

    Parameters
    ----------
    allocated : ndarray of shape (n_compositions, n_parts), dtype int64
        How many groups of each composition each part gets.
    error : SplitError
        Its error.
    bound : SplitError
        The least worst error that any allocation can have, as far as it is proved. With the least
        worst error, the least sum of errors.
    """

    allocated: Counts
    error: SplitError
    bound: SplitError

    @property
    def is_optimal(self) -> bool:
        """Whether it is proved that no allocation has a smaller error."""
        return not self.bound.is_below(self.error)


def find_best(
    allocated: Counts,
    groups: Compositions,
    targets: Targets,
    limits: Limits,
    rng: np.random.RandomState,
) -> Proved:
    """Return the best allocation that is found within the limits, and what is proved about it.

    Parameters
    ----------
    allocated : ndarray of shape (n_compositions, n_parts), dtype int64
        The allocation to improve, in which no part is empty. Parts from ``len(targets.low)`` on
        have no targets and may be empty: they hold what is left out.
    groups : Compositions
        The groups to allocate.
    targets : Targets
        The targets of each part that has any.
    limits : Limits
        How long to search.
    rng : RandomState
        Draws which of equally good allocations is found.

    Returns
    -------
    Proved
        The allocation, never worse than the one given.
    """
    end = None if limits.seconds is None else monotonic() + limits.seconds
    allocated = search_locally(allocated, groups.counts, targets, rng)
    model = _Model(groups, targets, allocated.shape[1], rng)
    # The program of the sum also gets some time.
    seconds = None if end is None else 0.75 * (end - monotonic())
    allocated, worst = model.lower_worst(allocated, seconds, limits.nodes_for_worst)
    if worst > TOLERANCE:  # the program had no look at the sum
        allocated = search_locally(allocated, groups.counts, targets, rng, worst)
    seconds = None if end is None else end - monotonic()
    allocated, total = model.lower_total(allocated, seconds, limits.nodes_for_total)
    error = model.error(allocated)
    if worst < error.worst - TOLERANCE:
        total = 0.0
    return Proved(allocated, error, SplitError(worst, total))


class _Model:
    """The program that all allocations satisfy."""

    def __init__(
        self,
        groups: Compositions,
        targets: Targets,
        n_parts: int,
        rng: np.random.RandomState,
    ) -> None:
        self.counts, self.n_groups, self.targets = groups.counts, groups.n_groups, targets
        self.shape = len(groups.counts), n_parts
        # The order of variables decides which of equally good allocations HiGHS finds.
        self.order = rng.permutation(len(groups.counts))
        self.most = _most_in_part(self.n_groups, targets, n_parts)[self.order]
        n_named = len(targets.low)
        named = eye_array(n_named, n_parts)
        self.placed = kron(eye_array(self.shape[0]), np.ones((1, n_parts)), "csr")
        self.n_in_part = kron(np.ones((1, self.shape[0])), named, "csr")
        # One row for each part and column, in this order.
        of_kind = csr_array(self.counts[self.order].T)
        rows = kron(of_kind, named, "csr")
        self.rows = rows[np.arange(rows.shape[0]).reshape(-1, n_named).T.ravel()]

    def error(self, allocated: Counts) -> SplitError:
        """Return the error of an allocation."""
        return self.targets.error(self._reached(allocated))

    def lower_worst(
        self, allocated: Counts, seconds: float | None, nodes: int | None
    ) -> tuple[Counts, float]:
        """Return an allocation with a lower worst error, and a bound on what is possible."""
        worst = self.error(allocated).worst
        if worst <= TOLERANCE:
            return allocated, 0.0
        # Each count must come nearer to its target than the worst error allows now.
        slack = np.ceil(self.targets.slack(worst) - TOLERANCE).astype(np.int64) - 1
        scale = csr_array(self.targets.scale.reshape(-1, 1))
        found, bound = self._solve(scale, slack, worst, seconds, nodes)
        better = self._better(allocated, found)
        return better, min(bound, self.error(better).worst)

    def lower_total(
        self, allocated: Counts, seconds: float | None, nodes: int | None
    ) -> tuple[Counts, float]:
        """Return an allocation with a lower sum of errors and no larger worst error."""
        error = self.error(allocated)
        if error.total <= TOLERANCE:
            return allocated, 0.0
        slack = np.floor(self.targets.slack(error.worst) + TOLERANCE).astype(np.int64)
        scale = diags_array(self.targets.scale.ravel())
        found, bound = self._solve(scale, slack, error.total, seconds, nodes)
        better = self._better(allocated, found)
        return better, min(bound, self.error(better).total)

    def _solve(
        self,
        scale: Any,
        slack: Counts,
        cutoff: float,
        seconds: float | None,
        nodes: int | None,
    ) -> tuple[Counts | None, float]:
        """Minimize a sum of errors below a cutoff.

        Parameters
        ----------
        scale : sparse array of shape (n_parts * n_columns, n_errors)
            By how many images each error lets a count be off its target.
        slack : ndarray of shape (n_parts, n_columns)
            By how many images each count may be off its target in any case.
        cutoff : float
            The sum that a solution must not exceed by much.
        seconds, nodes : float or int, or None
            The limits of this program.

        Returns
        -------
        tuple of ndarray or None, and float
            The solution, if any was found, and the least sum that is possible: infinity if
            that is the sum of the solution, or if there is no solution.
        """
        from scipy.optimize import Bounds, LinearConstraint, milp

        if nodes == 0 or (seconds is not None and seconds <= 0):
            return None, 0.0
        low, high = self.targets.low.ravel(), self.targets.high.ravel()
        n_groups = self.n_groups[self.order]
        n_counted, n_errors = self.placed.shape[1], scale.shape[1]
        cost = np.concatenate([np.zeros(n_counted), np.ones(n_errors)])

        def alone(rows: Any) -> Any:
            return hstack([rows, csr_array((rows.shape[0], n_errors))])

        # Beyond a tolerance, sizes may be off by less.
        sizes = np.arange(0, len(low), self.targets.low.shape[1])
        steep = scale.tocsr()[sizes] / SIZE_WEIGHT
        free = (1 - 1 / SIZE_WEIGHT) * SIZE_TOLERANCE * self.targets.scale[:, 0]
        least = np.maximum(low - slack.ravel(), 0)
        constraints = [
            LinearConstraint(alone(self.placed), n_groups, n_groups),
            LinearConstraint(alone(self.n_in_part), 1, np.inf),
            LinearConstraint(alone(self.rows), least, high + slack.ravel()),
            LinearConstraint(hstack([self.rows, -scale]), -np.inf, high),
            LinearConstraint(hstack([self.rows, scale]), low, np.inf),
            LinearConstraint(hstack([self.rows[sizes], -steep]), -np.inf, high[sizes] + free),
            LinearConstraint(hstack([self.rows[sizes], steep]), low[sizes] - free, np.inf),
            LinearConstraint(cost, -np.inf, cutoff + _MARGIN),
        ]
        options = {"mip_rel_gap": 0.0, "time_limit": seconds, "node_limit": nodes}
        options = {name: value for name, value in options.items() if value is not None}
        most = np.concatenate([self.most.ravel(), np.full(n_errors, np.inf)])
        for presolve in (True, False):
            solved = milp(
                cost,
                integrality=np.concatenate([np.ones(n_counted), np.zeros(n_errors)]),
                bounds=Bounds(0, most),
                constraints=constraints,
                options={**options, "presolve": presolve},
            )
            if solved.status != _FAILED:
                break
        is_infeasible = solved.status == 2  # nothing is better
        bound = np.inf if solved.success or is_infeasible else solved.mip_dual_bound
        bound = 0.0 if bound is None or bound == -np.inf else max(float(bound), 0.0)
        if solved.x is None:
            return None, bound
        found = np.empty(self.shape, dtype=np.int64)
        found[self.order] = np.rint(solved.x[:n_counted]).reshape(self.shape)
        return found, bound

    def _better(self, allocated: Counts, found: Counts | None) -> Counts:
        """Return what is found if it is better. It is checked, because solvers round."""
        if found is None or (found.sum(axis=1) != self.n_groups).any() or (found < 0).any():
            return allocated
        if (found[:, : len(self.targets.low)].sum(axis=0) == 0).any():
            return allocated
        return found if self.error(found).is_below(self.error(allocated)) else allocated

    def _reached(self, allocated: Counts) -> Counts:
        reached: Counts = allocated[:, : len(self.targets.low)].T @ self.counts
        return reached


def _most_in_part(n_groups: Counts, targets: Targets, n_parts: int) -> NDArray[np.float64]:
    """Return how many groups of each composition a part can get, at most.

    Parts with equal targets are interchangeable. Of such parts, the first gets the largest group
    whose composition no other has, the first or the second gets the next one, and so on.
    """
    most = np.repeat(n_groups.astype(np.float64)[:, None], n_parts, axis=1)
    alone = np.flatnonzero(n_groups == 1)
    for parts in interchangeable(targets):
        for place, kind in enumerate(alone[: len(parts)]):
            most[kind, parts[place + 1 :]] = 0
    return most


def interchangeable(targets: Targets) -> list[NDArray[np.intp]]:
    """Return the parts with each of the different targets."""
    _, kind = np.unique(targets.scale[:, 0], return_inverse=True)  # the target sizes
    return [np.flatnonzero(kind == each) for each in range(kind.max() + 1)]
