"""Plan which bands to search and how far, by the predicted cost on a sample of the codes.

Codes within `radius` bits are within ``limits[b]`` bits of each other in some band b, if the sum
of ``limits[b] + 1`` is ``radius + 1``. This is a generalized pigeonhole principle. A limit of -1
leaves a band out.

References
----------
J. Qin et al., "GPH: Similarity Search in Hamming Space", ICDE, 2018.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from heapq import heapify, heapreplace
from itertools import accumulate, takewhile
from math import comb

import numpy as np
from numpy.typing import NDArray

from .._utils.kernels import load_kernels
from ._bands import MAX_WIDTH, Band, Words, cut_bands

_SAMPLE = 1024  # codes whose pairs are counted
_MAX_FLIPS = 1 << 18
_HOPELESS = 4  # numbers of bands in a row that cost more than the best; then the search stops

# Nanoseconds, in the proportions of common processors.
_PER_CANDIDATE = 0.9
_PER_FURTHER_WORD = 0.4
_PER_PROBE = 2.5
_PER_LOOK_UP = 8.0  # a probe by a query; few queries do not access buckets in order
_PER_ARRANGED = 30.0
_PER_PLAN = 2e6  # comparing all codes is planned without a sample if it is cheaper than this
_PER_CALL = 50_000.0  # for each band, or for a scan, however few queries there are
_PER_BUCKET = 1.0


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


def candidate_cost(n_words: int) -> float:
    """Return the predicted nanoseconds of a comparison."""
    return _PER_CANDIDATE + _PER_FURTHER_WORD * (n_words - 1)


def query_cost(per_query: float, n_queries: int, n_bands: int) -> float:
    """Return the predicted nanoseconds of queries."""
    return per_query * n_queries + max(n_bands, 1) * _PER_CALL


def build_cost(n_codes: int, bands: Sequence[Band]) -> float:
    """Return the predicted nanoseconds of grouping codes by bands."""
    return sum(_PER_ARRANGED * n_codes + _PER_BUCKET * (1 << band.width) for band in bands)


def plan_self_join(codes: Words, n_bits: int, radius: int, forced: bool = False) -> Plan:
    """Plan the search for all pairs of codes.

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
    all_pairs = n_codes * (n_codes - 1) / 2
    everything = Plan((), (), all_pairs * candidate_cost(n_words))
    if everything.cost < _PER_PLAN and not forced:
        return everything
    plans: list[tuple[float, list[int]]] = []
    for n_bands in range(1, min(radius + 1, n_bits) + 1):
        widths = _join_widths(n_codes, n_bits, n_bands)
        if widths[0] < 4 and plans:
            break
        shares = [_uniform_shares(each, radius) for each in widths]
        plans.append(
            (_choose_limits(shares, widths, radius, all_pairs, n_codes, n_words)[1], widths)
        )
        best, _ = min(plans)
        if best < float("inf") and all(cost > best for cost, _ in plans[-_HOPELESS:]):
            break
    found = []
    for _, widths in sorted(plans, key=lambda plan: plan[0])[:2]:
        bands = cut_bands(n_bits, widths)
        shares = measure_shares(codes, bands, radius)
        limits, cost = _choose_limits(shares, widths, radius, all_pairs, n_codes, n_words)
        if cost < float("inf"):
            used = [band for band, limit in enumerate(limits) if limit >= 0]
            found.append(Plan([bands[at] for at in used], [limits[at] for at in used], cost))
    best_bands = min(found, key=lambda plan: plan.cost, default=everything)
    return best_bands if forced or best_bands.cost < everything.cost else everything


def _join_widths(n_codes: int, n_bits: int, n_bands: int) -> list[int]:
    most = min(MAX_WIDTH, _useful_width(n_codes) + 3)
    width = min(n_bits // n_bands, most)
    spare = n_bits - n_bands * width
    return [width + (width < most and band < spare) for band in range(n_bands)]


def query_bands(n_codes: int, n_bits: int, n_bands: int | None = None) -> list[Band]:
    """Return the bands by which codes are grouped for queries.

    Parameters
    ----------
    n_codes, n_bits : int
        The number of codes, and of bits of a code.
    n_bands : int, optional
        The number of bands. None means as many as fit if buckets hold a few codes each.

    Returns
    -------
    list of Band
        The bands.
    """
    return cut_bands(n_bits, _query_widths(n_codes, n_bits, n_bands))


def choose_query_bands(n_codes: int, n_bits: int, radius: int) -> int:
    """Return the best number of bands for a radius, by the cost of queries on uniform codes."""
    n_words = -(-n_bits // 64)
    costs: dict[int, float] = {}
    for n_bands in range(1, min(radius + 1, n_bits) + 1):
        widths = _query_widths(n_codes, n_bits, n_bands)
        if widths[0] < 4 and costs:
            break
        shares = [_uniform_shares(width, radius) for width in widths]
        costs[n_bands] = _choose_limits(shares, widths, radius, n_codes, 1, n_words, False)[1]
        best = min(costs.values())
        if best < float("inf") and all(cost > best for cost in [*costs.values()][-_HOPELESS:]):
            break
    return min(costs, key=lambda n_bands: costs[n_bands])


def _query_widths(n_codes: int, n_bits: int, n_bands: int | None) -> list[int]:
    width = max(1, min(_useful_width(n_codes), MAX_WIDTH, n_bits))
    if n_bands is None:
        return [width] * (n_bits // width)
    return [max(1, min(width + 2, MAX_WIDTH, n_bits // n_bands))] * n_bands


def plan_queries(
    shares: Sequence[NDArray[np.float64]],
    bands: Sequence[Band],
    n_codes: int,
    n_queries: int,
    radius: int,
) -> Plan:
    """Plan how far to search each band of `query_bands`."""
    widths = [band.width for band in bands]
    n_words = bands[0].n_words
    comparisons = float(n_queries) * n_codes
    limits, cost = _choose_limits(shares, widths, radius, comparisons, n_queries, n_words, False)
    used = [band for band, limit in enumerate(limits) if limit >= 0]
    return Plan([bands[band] for band in used], [limits[band] for band in used], cost)


def measure_shares(codes: Words, bands: Sequence[Band], radius: int) -> list[NDArray[np.float64]]:
    """Estimate the share of all pairs within 0, 1, ... bits of each other in each band."""
    step = max(1, len(codes) // _SAMPLE)
    sample = np.ascontiguousarray(codes[::step][:_SAMPLE])
    counts = np.zeros((len(bands), MAX_WIDTH + 2), dtype=np.int64)
    load_kernels("hamming").count_band_distances(
        sample, np.array([band.mask for band in bands]), counts
    )
    n_pairs = max(1, len(sample) * (len(sample) - 1) // 2)
    return [
        np.maximum(
            _uniform_shares(band.width, radius), counted.cumsum()[: band.width + 1] / n_pairs
        )
        for band, counted in zip(bands, counts, strict=True)
    ]


def _useful_width(n_codes: int) -> int:
    """Return the width of a band whose buckets hold a few codes each."""
    return max(4, int(np.log2(max(n_codes, 1))) - 1)


def _uniform_shares(width: int, radius: int) -> NDArray[np.float64]:
    return np.cumsum([comb(width, ones) for ones in range(width + 1)]) / 2.0**width


def _choose_limits(
    shares: Sequence[NDArray[np.float64]],
    widths: Sequence[int],
    radius: int,
    n_comparisons: float,
    n_probing: int,
    n_words: int,
    build: bool = True,
) -> tuple[list[int], float]:
    """Raise the limits of bands, each time where it costs least, until they cover the radius."""
    n_bands = len(widths)
    limits, costs = [-1] * n_bands, [0.0] * n_bands

    per_flip = n_probing * (_PER_PROBE if build else _PER_LOOK_UP)

    def cost_of(band: int, limit: int) -> float:
        n_flips = _count_flips(widths[band])
        if limit >= len(n_flips):
            return float("inf")
        total = n_comparisons * shares[band][limit] * candidate_cost(n_words)
        total += per_flip * n_flips[limit]
        if build:
            total += n_probing * _PER_ARRANGED + (1 << widths[band]) * _PER_BUCKET
        return float(total)

    raises = [(cost_of(band, 0), band) for band in range(n_bands)]
    heapify(raises)
    for _ in range(radius + 1):
        more, band = raises[0]
        if more == float("inf"):
            return limits, more
        limits[band] += 1
        costs[band] += more
        heapreplace(raises, (cost_of(band, limits[band] + 1) - costs[band], band))
    return limits, sum(costs)


@cache
def _count_flips(width: int) -> list[int]:
    """Count the words of `width` bits with at most 0, 1, ... ones, up to `_MAX_FLIPS`."""
    counts = accumulate(comb(width, ones) for ones in range(width + 1))
    return list(takewhile(lambda count: count <= _MAX_FLIPS, counts))
