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

    def costs(givers: slice, takers: slice) -> NDArray[np.float64]:
        """Return what it costs to move one image of each class from givers to takers."""
        less = -shares.of(givers, _ALL).cost_of_more(filled[givers] - 1)
        more = shares.of(takers, _ALL).cost_of_more(filled[takers])
        moved: NDArray[np.float64] = np.where(filled[givers] > 0, less, np.inf)[:, None] + more
        return moved

    def look(part: int) -> None:
        one = slice(part, part + 1)
        cost[part] = costs(one, _ALL).min(axis=-1)
        cost[:, part] = costs(_ALL, one).min(axis=-1)[:, 0]

    if surplus.any():
        for part in range(n_parts):
            look(part)
    while surplus.any():
        chain = _cheapest_chain(cost, surplus)
        cheapest = []
        for giver, taker in pairwise(chain):
            of_class = costs(slice(giver, giver + 1), slice(taker, taker + 1))[0, 0]
            cheapest.append(np.flatnonzero(of_class == cost[giver, taker]))
        # As many as cost the same are moved at once.
        n_moved = min(surplus[chain[0]], -surplus[chain[-1]], *map(len, cheapest))
        for (giver, taker), classes in zip(pairwise(chain), cheapest, strict=True):
            filled[giver, classes[:n_moved]] -= 1
            filled[taker, classes[:n_moved]] += 1
        surplus[chain[0]] -= n_moved
        surplus[chain[-1]] += n_moved
        for part in chain:
            look(part)


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
