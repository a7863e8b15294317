"""Single images of known classes to parts: sizes are met, and shares of classes as far as can be.

Groups that were dealt before may have left a part with more of a class than its share. Then some
other class must give way there, so that the part is no larger than it should be. Which class costs
least is a problem of flow: moving an image from one part to another costs what it adds to the
distance from the shares, and the cheapest chains of moves are found one by one (Busacker and Gowen
1960).
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_Counts = NDArray[np.int64]


def fill_up(
    room: _Counts,
    wanted: _Counts,
    low: _Counts,
    high: _Counts,
    weight: _Counts,
    rng: np.random.RandomState | None = None,
) -> _Counts:
    """Return how many single images of each class each part gets.

    Parameters
    ----------
    room : ndarray of shape (n_parts, n_classes), dtype int64
        How many images of each class each part misses of its share; negative where it has too
        many. The sum of a class is the number of its images.
    wanted : ndarray of shape (n_parts,), dtype int64
        How many images each part is to get; the sum is that of `room`.
    low, high : ndarray of shape (n_parts, n_classes), dtype int64
        Between what bounds a part has its share of a class: where that is no whole number, it may
        be rounded up or down. `room` lies between them.
    weight : ndarray of shape (n_classes,), dtype int64
        How much it counts if the share of a class is missed.
    rng : RandomState or None
        Which of equally good ways is taken is drawn from it; None takes the first.

    Returns
    -------
    ndarray of shape (n_parts, n_classes), dtype int64
        None is negative; the sums of the parts are `wanted`, those of the classes as in `room`.
        Of all such, the squared distances from the shares are least.
    """
    order = np.arange(room.shape[1]) if rng is None else rng.permutation(room.shape[1])
    shares = _Shares(low[:, order], high[:, order], weight[order])
    filled = np.maximum(room[:, order], 0)
    surplus = filled.sum(axis=0) - room[:, order].sum(axis=0)
    _drop(filled, surplus, shares)
    _even_out(filled, filled.sum(axis=1) - wanted, shares)
    return filled[:, order.argsort()]


class _Shares(NamedTuple):
    """What each part is to have of each class, and how much that counts."""

    low: _Counts
    high: _Counts
    weight: _Counts

    def of(self, parts: slice, classes: slice | NDArray[np.intp]) -> _Shares:
        """Return those of some parts and classes."""
        return _Shares(self.low[parts, classes], self.high[parts, classes], self.weight[classes])

    def cost_of_more(self, counts: _Counts) -> _Counts:
        """Return what one image more adds to the squared distance."""
        cost: _Counts = self._distance(counts + 1) ** 2 - self._distance(counts) ** 2
        return self.weight * cost

    def _distance(self, counts: _Counts) -> _Counts:
        distance: _Counts = np.maximum(np.maximum(self.low - counts, counts - self.high), 0)
        return distance


_ALL = slice(None)


def _drop(filled: _Counts, surplus: _Counts, shares: _Shares) -> None:
    """Take away what classes have too many of because some parts have too many already."""
    while len(classes := np.flatnonzero(surplus)):
        counts = filled[:, classes]
        cost = -shares.of(_ALL, classes).cost_of_more(counts - 1)
        cost[counts == 0] = np.iinfo(np.int64).max
        # Of equal costs, where most of the class is still to come.
        filled[np.lexsort((-counts, cost), axis=0)[0], classes] -= 1
        surplus[classes] -= 1


def _even_out(filled: _Counts, surplus: _Counts, shares: _Shares) -> None:
    """Move single images from part to part until none has too many."""
    n_parts = len(filled)
    cost = np.empty((n_parts, n_parts))
    which = np.empty((n_parts, n_parts), dtype=np.intp)

    def look(givers: slice, takers: slice) -> None:
        """Find the class that costs least to be moved from each giver to each taker."""
        less = -shares.of(givers, _ALL).cost_of_more(filled[givers] - 1)
        more = shares.of(takers, _ALL).cost_of_more(filled[takers])
        costs = np.where(filled[givers] > 0, less, np.inf)[:, None] + more
        which[givers, takers] = costs.argmin(axis=-1)
        cost[givers, takers] = costs.min(axis=-1)

    if surplus.any():
        for part in range(n_parts):
            look(slice(part, part + 1), _ALL)
    while surplus.any():
        chain = _cheapest_chain(cost, surplus)
        for giver, taker in pairwise(chain):
            moved = which[giver, taker]
            filled[giver, moved] -= 1
            filled[taker, moved] += 1
        surplus[chain[0]] -= 1
        surplus[chain[-1]] += 1
        for part in chain:
            look(slice(part, part + 1), _ALL)
            look(_ALL, slice(part, part + 1))


def _cheapest_chain(cost: NDArray[np.float64], surplus: _Counts) -> list[int]:
    """Return the parts on the cheapest way from one that has too many to one that has too few."""
    spent = np.where(surplus > 0, 0.0, np.inf)
    before = np.full(len(cost), -1)
    while True:  # Bellman and Ford: moves may undo dear ones, so costs may be negative
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
