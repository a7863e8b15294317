"""Allocation of single images of known classes: exact sizes, and quotas met as far as possible.

Groups that were allocated before may exceed the quota of a class in a part. Other classes must
then stay below theirs, so that the part is not too large. The cheapest choice of classes is a
minimum-cost flow. A move of an image from one part to another costs what it adds to the squared
distance from the quotas, and the cheapest chains of moves are found one by one (Busacker and Gowen
1960).
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ._quotas import Counts


def fill_quotas(
    deficits: Counts,
    wanted: Counts,
    low: Counts,
    high: Counts,
    weight: Counts,
    rng: np.random.RandomState | None = None,
) -> Counts:
    """Return how many single images of each class each part gets.

    Parameters
    ----------
    deficits : ndarray of shape (n_parts, n_classes), dtype int64
        How many images of each class each part is below its quota, negative where it is above.
        The deficits of a class add up to its number of single images.
    wanted : ndarray of shape (n_parts,), dtype int64
        How many images each part gets. They add up to the sum of `deficits`.
    low, high : ndarray of shape (n_parts, n_classes), dtype int64
        The bounds between which a part meets its share of a class: a share that is not a whole
        number may be rounded up or down. `deficits` lies between them.
    weight : ndarray of shape (n_classes,), dtype int64
        The weight of a class in the distance from the quotas.
    rng : RandomState or None
        Draws which of equally good solutions is returned. None returns the first.

    Returns
    -------
    ndarray of shape (n_parts, n_classes), dtype int64
        No count is negative. The counts of each part add up to `wanted`, and those of each class
        to the sum of its `deficits`. No other such counts have a smaller squared distance from the
        quotas.
    """
    order = np.arange(deficits.shape[1]) if rng is None else rng.permutation(deficits.shape[1])
    bounds = _Bounds(low[:, order], high[:, order], weight[order])
    filled = np.maximum(deficits[:, order], 0)
    surplus = filled.sum(axis=0) - deficits[:, order].sum(axis=0)
    _remove_surplus(filled, surplus, bounds)
    _balance(filled, filled.sum(axis=1) - wanted, bounds)
    return filled[:, order.argsort()]


class _Bounds(NamedTuple):
    """The bounds of each class in each part, and the weight of each class."""

    low: Counts
    high: Counts
    weight: Counts

    def of(self, parts: slice, classes: slice | NDArray[np.intp]) -> _Bounds:
        """Return the bounds of some parts and classes."""
        return _Bounds(self.low[parts, classes], self.high[parts, classes], self.weight[classes])

    def cost_of_more(self, counts: Counts) -> Counts:
        """Return what one more image adds to the squared distance."""
        cost: Counts = self._distance(counts + 1) ** 2 - self._distance(counts) ** 2
        return self.weight * cost

    def _distance(self, counts: Counts) -> Counts:
        distance: Counts = np.maximum(np.maximum(self.low - counts, counts - self.high), 0)
        return distance


_ALL = slice(None)


def _remove_surplus(filled: Counts, surplus: Counts, bounds: _Bounds) -> None:
    """Remove the images that a class does not have because some parts exceed its quota already."""
    while len(classes := np.flatnonzero(surplus)):
        counts = filled[:, classes]
        cost = -bounds.of(_ALL, classes).cost_of_more(counts - 1)
        cost[counts == 0] = np.iinfo(np.int64).max
        # Ties go to the part that gets most images of the class.
        filled[np.lexsort((-counts, cost), axis=0)[0], classes] -= 1
        surplus[classes] -= 1


def _balance(filled: Counts, surplus: Counts, bounds: _Bounds) -> None:
    """Move single images from part to part until no part has too many."""
    n_parts = len(filled)
    cost = np.empty((n_parts, n_parts))

    def costs(givers: slice, takers: slice) -> NDArray[np.float64]:
        """Return the cost of moving one image of each class from givers to takers."""
        less = -bounds.of(givers, _ALL).cost_of_more(filled[givers] - 1)
        more = bounds.of(takers, _ALL).cost_of_more(filled[takers])
        moved: NDArray[np.float64] = np.where(filled[givers] > 0, less, np.inf)[:, None] + more
        return moved

    def update(part: int) -> None:
        one = slice(part, part + 1)
        cost[part] = costs(one, _ALL).min(axis=-1)
        cost[:, part] = costs(_ALL, one).min(axis=-1)[:, 0]

    if surplus.any():
        for part in range(n_parts):
            update(part)
    while surplus.any():
        chain = _cheapest_chain(cost, surplus)
        cheapest = []
        for giver, taker in pairwise(chain):
            of_class = costs(slice(giver, giver + 1), slice(taker, taker + 1))[0, 0]
            cheapest.append(np.flatnonzero(of_class == cost[giver, taker]))
        # Move all images that cost the same at once.
        n_moved = min(surplus[chain[0]], -surplus[chain[-1]], *map(len, cheapest))
        for (giver, taker), classes in zip(pairwise(chain), cheapest, strict=True):
            filled[giver, classes[:n_moved]] -= 1
            filled[taker, classes[:n_moved]] += 1
        surplus[chain[0]] -= n_moved
        surplus[chain[-1]] += n_moved
        for part in chain:
            update(part)


def _cheapest_chain(cost: NDArray[np.float64], surplus: Counts) -> list[int]:
    """Return the parts on the cheapest path from a part with too many to one with too few."""
    spent = np.where(surplus > 0, 0.0, np.inf)
    before = np.full(len(cost), -1)
    while True:  # Bellman and Ford: a move may undo an expensive one, so costs may be negative
        through = spent[:, None] + cost
        best = through.min(axis=0)
        better = best < spent
        if not better.any():
            break
        spent[better] = best[better]
        before[better] = through.argmin(axis=0)[better]
    chain = [int(np.where(surplus < 0, spent, np.inf).argmin())]
    while before[chain[0]] >= 0:
        chain.insert(0, int(before[chain[0]]))
    return chain
