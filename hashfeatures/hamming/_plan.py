"""Plan which bands to search and how far, by the predicted cost on a sample of the codes.

Codes within `radius` bits are within ``limits[b]`` bits of each other in some band b, if the sum
of ``limits[b] + 1`` is ``radius + 1``. This is a generalized pigeonhole principle.

References
----------
J. Qin et al., "GPH: Similarity Search in Hamming Space", ICDE, 2018.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from heapq import heapify, heapreplace

import numpy as np
from numpy.typing import NDArray

from ._bands import MAX_WIDTH, Band, Words, cut_bands
from ._costs import PER_PLAN, join_costs, look_up_costs, sampled_pairs, scan_cost
from ._distances import Shares, sample_distances, uniform_distances

_MIN_WIDTH = 4
_SAMPLE_SHARE = 0.03  # of the time of a search may be spent on a sample

_Costs = NDArray[np.float64]


@dataclass(frozen=True)
class Plan:
    """The bands to search and how far.

    Parameters
    ----------
    bands : sequence of Band
        The bands. No bands means that all codes are compared.
    limits : sequence of int
        The greatest distance within each band.
    cost : float
        The predicted time of one thread, in nanoseconds.
    """

    bands: Sequence[Band]
    limits: Sequence[int]
    cost: float


def plan_scan(codes: Words, distances: Shares, radius: int) -> Plan:
    """Plan to compare all codes with each other, given the share of pairs at each distance."""
    n_codes, n_words = codes.shape
    near = float(distances[: radius + 1].sum())
    return Plan((), (), scan_cost(n_codes * (n_codes - 1) / 2, n_words, near))


def plan_self_join(codes: Words, n_bits: int, radius: int, forced: bool = False) -> Plan:
    """Plan the search for all pairs of codes.

    A sample of the codes is compared if bands would be cheaper than comparing all codes, were the
    codes random. The time for it is a small share of the time that the search takes at least.

    Parameters
    ----------
    codes : ndarray of shape (n_codes, n_words), dtype uint64
        The unique codes.
    n_bits, radius : int
        The number of bits of a code, and the greatest distance.
    forced : bool
        Whether to search bands even if comparing all codes is cheaper.

    Returns
    -------
    Plan
        The cheapest plan. It has no bands if comparing all codes is cheapest.
    """
    n_codes, n_words = codes.shape
    scan = plan_scan(codes, uniform_distances(n_bits), radius)
    if scan.cost < PER_PLAN and not forced:
        return scan
    least = _plan_uniform(n_codes, n_words, n_bits, radius).cost
    if least >= scan.cost and not forced:
        return scan
    budget = _SAMPLE_SHARE * min(least, scan.cost)
    distances = sample_distances(codes, n_bits, sampled_pairs(budget))
    best = _plan_join(distances, n_codes, n_words, radius)
    scan = plan_scan(codes, distances, radius)
    return best if best.bands and (forced or best.cost < scan.cost) else scan


@lru_cache(maxsize=256)
def _plan_uniform(n_codes: int, n_words: int, n_bits: int, radius: int) -> Plan:
    return _plan_join(uniform_distances(n_bits), n_codes, n_words, radius)


def _plan_join(distances: Shares, n_codes: int, n_words: int, radius: int) -> Plan:
    n_bits = len(distances) - 1
    widest = min(MAX_WIDTH, n_bits, _useful_width(n_codes) + 3)
    costs = {
        width: join_costs(distances, radius, n_codes, n_words, width)
        for width in range(min(_MIN_WIDTH, n_bits), widest + 1)
    }
    bands = _cut(n_bits, tuple(_choose_widths(costs, n_bits, radius)))
    return _plan_bands(bands, costs.__getitem__, radius)


def _choose_widths(costs: dict[int, _Costs], n_bits: int, radius: int) -> list[int]:
    """Return the widths of the cheapest bands."""
    widths = np.array(list(costs))
    n_bands = np.arange(1, min(radius + 1, n_bits // widths.min()) + 1)
    totals = _even_totals(costs, n_bands, radius)
    totals[n_bands * widths[:, None] > n_bits] = np.inf
    row, column = np.unravel_index(totals.argmin(), totals.shape)
    width, n_chosen = int(widths[row]), int(n_bands[column])
    spare = n_bits - n_chosen * width if width + 1 in costs else 0
    return [width + (band < spare) for band in range(n_chosen)]


def _even_totals(costs: dict[int, _Costs], n_bands: NDArray[np.intp], radius: int) -> _Costs:
    """Return what numbers of equal bands cost, if their limits differ by one at most.

    Parameters
    ----------
    costs : dict of int to ndarray of shape (n_limits,)
        What a band costs at the limits 0, 1, ... for each width.
    n_bands : ndarray of shape (n_numbers,), dtype intp
        The numbers of bands.
    radius : int
        The greatest distance.

    Returns
    -------
    ndarray of shape (n_widths, n_numbers)
        The costs. They are infinite where bands cannot cover the radius.
    """
    n_limits = max(len(each) for each in costs.values())
    table = np.full((len(costs), n_limits + 1), np.inf)  # the last column is impossible
    for row, each in enumerate(costs.values()):
        table[row, : len(each)] = each
    limit, n_further = np.divmod(radius + 1, n_bands)
    further = np.where(n_further, table[:, np.minimum(limit, n_limits)], 0.0)
    others = np.where(limit, table[:, np.minimum(limit - 1, n_limits)], 0.0)
    totals: _Costs = n_further * further + (n_bands - n_further) * others
    return totals


def _plan_bands(bands: Sequence[Band], costs_of: Callable[[int], _Costs], radius: int) -> Plan:
    limits, cost = choose_limits([costs_of(band.width) for band in bands], radius)
    if cost == np.inf:
        return Plan((), (), cost)
    used = [(band, limit) for band, limit in zip(bands, limits, strict=True) if limit >= 0]
    return Plan([band for band, _ in used], [limit for _, limit in used], cost)


def choose_limits(costs: Sequence[_Costs], radius: int) -> tuple[list[int], float]:
    """Raise the limits of bands, each time where it costs least, until they cover the radius.

    Parameters
    ----------
    costs : sequence of ndarray of shape (n_limits,)
        What each band costs at the limits 0, 1, ...
    radius : int
        The greatest distance.

    Returns
    -------
    limits : list of int
        The limit of each band; -1 leaves it out.
    cost : float
        The sum of their costs; infinite if they cannot cover the radius.
    """
    limits = [-1] * len(costs)
    totals = [[0.0, *each.tolist(), np.inf] for each in costs]
    raises = [(each[1], band) for band, each in enumerate(totals)]
    heapify(raises)
    total = 0.0
    for _ in range(radius + 1):
        more, band = raises[0]
        if more == np.inf:
            return limits, np.inf
        total += more
        limits[band] += 1
        before, after = totals[band][limits[band] + 1 : limits[band] + 3]
        heapreplace(raises, (after - before, band))
    return limits, total


def query_bands(n_codes: int, n_bits: int, n_bands: int | None = None) -> Sequence[Band]:
    """Return the bands by which codes are grouped for queries.

    Parameters
    ----------
    n_codes, n_bits : int
        The number of codes, and of bits of a code.
    n_bands : int, optional
        The number of bands. None means as many as fit if buckets hold a few codes each.

    Returns
    -------
    sequence of Band
        The bands.
    """
    return _cut(n_bits, tuple(_query_widths(n_codes, n_bits, n_bands)))


def choose_query_bands(distances: Shares, n_codes: int, radius: int) -> int:
    """Return the best number of bands for queries within a radius."""
    n_bits = len(distances) - 1
    n_bands = np.arange(1, max(1, min(radius + 1, n_bits // _MIN_WIDTH)) + 1)
    widths = [_query_widths(n_codes, n_bits, each)[0] for each in n_bands.tolist()]
    costs = {
        width: look_up_costs(distances, radius, n_codes, -(-n_bits // 64), width)
        for width in dict.fromkeys(widths)
    }
    rows = [list(costs).index(width) for width in widths]
    return 1 + int(_even_totals(costs, n_bands, radius)[rows, n_bands - 1].argmin())


def plan_queries(distances: Shares, bands: Sequence[Band], n_codes: int, radius: int) -> Plan:
    """Plan how far one query searches each band of `query_bands`."""
    costs = cache(partial(look_up_costs, distances, radius, n_codes, bands[0].n_words))
    return _plan_bands(bands, costs, radius)


@lru_cache(maxsize=32)
def _cut(n_bits: int, widths: tuple[int, ...]) -> tuple[Band, ...]:
    """Cut bands once for all searches, as each makes tables for its keys."""
    return tuple(cut_bands(n_bits, widths))


def _query_widths(n_codes: int, n_bits: int, n_bands: int | None) -> list[int]:
    width = max(1, min(_useful_width(n_codes), MAX_WIDTH, n_bits))
    if n_bands is None:
        return [width] * (n_bits // width)
    return [max(1, min(width + 2, MAX_WIDTH, n_bits // n_bands))] * n_bands


def _useful_width(n_codes: int) -> int:
    """Return the width of a band whose buckets hold a few codes each."""
    return max(_MIN_WIDTH, int(np.log2(max(n_codes, 1))) - 1)
