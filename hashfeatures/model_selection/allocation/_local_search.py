"""Improve an allocation of groups by moves of one group and swaps of two.

The search is iterated: where no move and no swap helps, a few random groups move and the search
starts again from there (Lourenço, Martin and Stützle 2003). Its work is bounded by a number of
steps, not by time, so that the result is the same on every machine.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ._quotas import Counts
from ._targets import TOLERANCE, Errors, Targets

# The weight of the sum of errors beside the worst error. A search by the worst error alone stops
# where two parts or classes are equally bad, because no single move mends both. Once the worst
# error is known, the sum decides only among allocations that do not exceed it.
_WEIGHT_OF_SUM = 0.1
_WEIGHT_OF_SUM_ALONE = 0.001

# How many errors the search computes, and how many one step may compute for it to try swaps.
_MOST_WORK = 8_000_000
_MOST_A_STEP = 4_000_000
_LEAST_A_PAIR = 2_000  # what the time of calls for each pair of parts amounts to
_MOST_RESTARTS = 60


class _Goal(NamedTuple):
    """What the search minimizes: the worst error above a bound, and the sum with a weight."""

    targets: Targets
    n_named: int
    least_worst: float
    weight_of_sum: float

    def now(self, allocated: Counts, counts: Counts) -> float:
        """Return the error of an allocation."""
        worst, total = self.targets.error(allocated.T @ counts)
        return max(worst, self.least_worst) + self.weight_of_sum * total

    def after(self, rest: tuple[float, float], giver: list[Errors], taker: list[Errors]) -> Errors:
        """Return the error after steps that change two parts and leave the `rest` as it is."""
        worst = np.maximum(np.maximum(giver[0], taker[0]), rest[0])
        after: Errors = worst + self.weight_of_sum * (giver[1] + taker[1] + rest[1])
        return after


class _Step(NamedTuple):
    """A group of one composition that changes its part, or two that change places."""

    error: float
    giver: int
    taker: int
    composition: int
    returned: int | None


def search_locally(
    allocated: Counts,
    counts: Counts,
    targets: Targets,
    rng: np.random.RandomState,
    least_worst: float = 0.0,
) -> Counts:
    """Return an allocation that is at least as good.

    Parameters
    ----------
    allocated : ndarray of shape (n_compositions, n_parts), dtype int64
        How many groups of each composition each part has. No part but one that is unused is
        empty.
    counts : ndarray of shape (n_compositions, n_columns), dtype int64
        The counts of a group of each composition.
    targets : Targets
        The targets of each part.
    rng : RandomState
        Draws the groups that move between two searches.
    least_worst : float, default=0.0
        A worst error that no allocation is below. The search then lowers the sum of errors.

    Returns
    -------
    ndarray of shape (n_compositions, n_parts), dtype int64
        The best allocation found.
    """
    n_kinds, n_parts = allocated.shape
    n_named, targets = len(targets.low), targets.with_unused(n_parts)
    weight = _WEIGHT_OF_SUM_ALONE if least_worst else _WEIGHT_OF_SUM
    goal = _Goal(targets, n_named, least_worst, weight)
    a_step = n_parts * n_kinds * n_kinds * counts.shape[1]
    with_swaps = a_step <= _MOST_A_STEP
    a_step = a_step if with_swaps else a_step // n_kinds
    a_step = max(a_step, _LEAST_A_PAIR * n_parts**2)
    work = 0
    best, least = allocated, targets.error(allocated.T @ counts)
    base, error_of_base = allocated, np.inf
    for restart in range(_MOST_RESTARTS):
        tried = base.copy()
        if restart:
            _disturb(tried, n_named, rng)
        error = goal.now(tried, counts)
        while work <= _MOST_WORK:
            work += a_step
            step = _best_step(tried, counts, goal, with_swaps)
            if step.error >= error - 1e-12:
                break
            error = step.error
            _take(step, tried)
        reached = targets.error(tried.T @ counts)
        if reached.is_below(least):
            best, least = tried, reached
        if error <= error_of_base:
            base, error_of_base = tried, error
        if least.total <= TOLERANCE or work > _MOST_WORK:
            break
    return best


def _best_step(allocated: Counts, counts: Counts, goal: _Goal, with_swaps: bool) -> _Step:
    """Return the step with the smallest error after it."""
    n_parts = allocated.shape[1]
    targets = goal.targets
    reached = allocated.T @ counts
    errors = targets.errors(reached)
    parts = range(n_parts)
    less = [_summed(targets.errors(reached[part] - counts, part)) for part in parts]
    more = [_summed(targets.errors(reached[part] + counts, part)) for part in parts]
    if with_swaps:
        other = counts - counts[:, None]
        swapped = [_summed(targets.errors(reached[part] + other, part)) for part in parts]
    has = allocated > 0
    is_last = _have_one_group(allocated, goal.n_named)
    best = _Step(np.inf, 0, 0, 0, None)
    for giver in parts:
        for taker in parts:
            if giver == taker:
                continue
            others = np.delete(errors, (giver, taker), axis=0)
            rest = others.max(initial=goal.least_worst), others.sum()
            if not is_last[giver]:
                after = goal.after(rest, less[giver], more[taker])
                after[~has[:, giver]] = np.inf
                kind = int(after.argmin())
                if after[kind] < best.error:
                    best = _Step(float(after[kind]), giver, taker, kind, None)
            if with_swaps and giver < taker:
                after = goal.after(rest, swapped[giver], [each.T for each in swapped[taker]])
                after[~(has[:, giver, None] & has[:, taker])] = np.inf
                kind, back = divmod(int(after.argmin()), len(counts))
                if after[kind, back] < best.error:
                    best = _Step(float(after[kind, back]), giver, taker, kind, back)
    return best


def _summed(errors: Errors) -> list[Errors]:
    """Return the worst and the sum of the errors of each step."""
    return [errors.max(axis=-1), errors.sum(axis=-1)]


def _take(step: _Step, allocated: Counts) -> None:
    allocated[step.composition, [step.giver, step.taker]] += [-1, 1]
    if step.returned is not None:
        allocated[step.returned, [step.giver, step.taker]] += [1, -1]


def _have_one_group(allocated: Counts, n_named: int) -> NDArray[np.bool_]:
    """Return which parts cannot lose a group; only what is unused may be empty."""
    have_one: NDArray[np.bool_] = allocated.sum(axis=0) == 1
    have_one[n_named:] = False
    return have_one


def _disturb(allocated: Counts, n_named: int, rng: np.random.RandomState) -> None:
    """Move up to four random groups."""
    for _ in range(rng.randint(2, 5)):
        kind, taker = rng.randint(allocated.shape[0]), rng.randint(allocated.shape[1])
        giver = rng.choice(np.flatnonzero(allocated[kind]))
        if giver != taker and not _have_one_group(allocated, n_named)[giver]:
            allocated[kind, [giver, taker]] += [-1, 1]
