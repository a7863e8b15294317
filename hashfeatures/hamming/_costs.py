"""What searches cost: nanoseconds of one thread, in the proportions of common processors.

The constants are fitted to measured times of searches of every kind.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import accumulate, takewhile
from math import comb, log2

import numpy as np
from numpy.typing import NDArray

from ._bands import Band
from ._distances import Shares, band_shares

_MAX_FLIPS = 1 << 18

# A candidate: two codes of buckets that are compared as tiles, in vectors of eight.
_PER_CANDIDATE = 0.02
_PER_CANDIDATE_WORD = 0.055
_WORDS_COMPARED = 4  # of most candidates with more words, as they differ in too many bits by then
_TILE_ROWS = 32
_PER_OWN = 0.8  # a pair of the same tile, which are compared one by one
_PER_OWN_WORD = 0.3
_PER_NEAREST = 0.6  # a code in the scan for the nearest, which compares one by one
_PER_NEAREST_WORD = 0.25
_PER_PAIR = 24.0  # within the radius, each time that a band finds it
_PER_PROBE = 3.6  # a bucket looked up from another
_PER_LOOK_UP = 8.0  # a bucket looked up by a query; few queries do not access buckets in order
_PER_LOOK_UP_WORD = 1.5
_PER_TILE = 10.0  # two buckets that hold codes
_PER_TILE_WORD = 0.8
_PER_QUERY = 80.0  # for each band
_PER_ARRANGED = 12.0
_PER_ARRANGED_WORD = 1.5
# Codes cost more each time that they double beyond what a fast cache holds.
_CACHED_CODES = 1 << 16
_PER_ARRANGED_DOUBLING = 5.0
_SHARE_PER_DOUBLING = 0.12  # of the costs of buckets and candidates
_PER_BUCKET = 2.4
_PER_TASK = 24_000.0
_PER_BAND = 50_000.0
_PER_CALL = 95_000.0  # for each band, however few queries there are
_PER_SAMPLED_PAIR = 1.5

TILE_CODES = 4096  # fit into a fast cache

PER_PLAN = 1e6  # what costs less than this is not worth a plan


def candidate_cost(n_words: int) -> float:
    """Return the predicted nanoseconds of a comparison."""
    return _PER_CANDIDATE + _PER_CANDIDATE_WORD * min(n_words, _WORDS_COMPARED)


def sampled_pairs(nanoseconds: float) -> float:
    """Return how many pairs of a sample can be counted in so much time."""
    return nanoseconds / _PER_SAMPLED_PAIR


def scan_cost(n_comparisons: float, n_words: int, near: float = 0.0) -> float:
    """Return the predicted nanoseconds of comparing all codes, of which a share are near."""
    return n_comparisons * (candidate_cost(n_words) + near * _PER_PAIR)


def nearest_cost(n_codes: int, n_words: int) -> float:
    """Return the predicted nanoseconds of comparing a query with all codes for the nearest."""
    return n_codes * (_PER_NEAREST + _PER_NEAREST_WORD * n_words)


def query_cost(per_query: float, n_queries: int, n_bands: int, n_codes: int) -> float:
    """Return the predicted nanoseconds of queries by bands, or of comparing all codes."""
    calls = n_bands * _PER_CALL if n_bands else -(-n_codes // TILE_CODES) * _PER_TASK
    return per_query * n_queries + calls


def build_cost(n_codes: int, bands: Sequence[Band]) -> float:
    """Return the predicted nanoseconds of grouping codes by bands."""
    return sum(_arranging_cost(n_codes, band.n_words, band.width) for band in bands)


def join_costs(
    distances: Shares, radius: int, n_codes: int, n_words: int, width: int
) -> NDArray[np.float64]:
    """Return the predicted nanoseconds of a band in a self-join, for each limit.

    Parameters
    ----------
    distances : ndarray of shape (n_bits + 1,)
        The share of pairs at each distance.
    radius : int
        The greatest distance of a pair to find.
    n_codes, n_words : int
        The number of codes, and of words of each.
    width : int
        The number of bits of the band.

    Returns
    -------
    ndarray of shape (n_limits,)
        The costs if 0, 1, ... bits of the band may differ, as far as that is possible.
    """
    n_flips = count_flips(width)
    shares = band_shares(distances, width)[: len(n_flips)]
    # Large buckets make equal keys likelier than random keys, but leave many small buckets.
    n_even = np.sqrt(2.0**width / max(shares[0], 2.0**-width))
    n_buckets = -n_even * np.expm1(-n_codes / n_even)
    n_pairs = n_codes * (n_codes - 1) / 2
    per_own = _PER_OWN + _PER_OWN_WORD * n_words
    own = n_codes * min(n_codes / n_buckets, _TILE_ROWS) / 2 * per_own
    met = -np.expm1(-n_codes * shares / n_flips) * (_PER_TILE + _PER_TILE_WORD * n_words)
    # Half of the buckets meet the other half.
    costs: NDArray[np.float64] = n_buckets * n_flips * (_PER_PROBE + met / 2)
    costs += _compared_cost(distances, radius, n_pairs, n_words, width) + own
    costs *= 1 + _SHARE_PER_DOUBLING * _doublings(n_codes)
    costs += _arranging_cost(n_codes, n_words, width)
    costs += count_tasks(n_codes) * _PER_TASK + _PER_BAND
    return costs


def bucket_costs(
    sizes: NDArray[np.int64],
    met: NDArray[np.float64],
    n_probes: int,
    n_codes: int,
    n_words: int,
    is_self_join: bool,
) -> NDArray[np.float64]:
    """Return the predicted nanoseconds of each bucket of a band, without those of near pairs.

    Parameters
    ----------
    sizes : ndarray of shape (n_buckets,), dtype int64
        The number of codes in each bucket that are compared.
    met : ndarray of shape (n_buckets,), dtype float64
        The number of codes that each of them is compared with.
    n_probes : int
        The number of buckets that each bucket is compared with.
    n_codes, n_words : int
        The number of all codes, and of words of each.
    is_self_join : bool
        Whether the codes are compared with each other, and not with others.

    Returns
    -------
    ndarray of shape (n_buckets,)
        The costs; 0 for empty buckets.
    """
    costs = sizes * met * candidate_cost(n_words)
    costs += np.minimum(met, n_probes) * (_PER_TILE + _PER_TILE_WORD * n_words)
    if is_self_join:
        costs /= 2  # half of the buckets meet the other half
        costs += n_probes * _PER_PROBE
        costs += sizes * np.minimum(sizes, _TILE_ROWS) * (_PER_OWN + _PER_OWN_WORD * n_words) / 2
        costs *= 1 + _SHARE_PER_DOUBLING * _doublings(n_codes)
    else:
        costs += n_probes * (_PER_LOOK_UP + _PER_LOOK_UP_WORD * n_words)
    costs[sizes == 0] = 0
    return costs


def look_up_costs(
    distances: Shares, radius: int, n_codes: int, n_words: int, width: int
) -> NDArray[np.float64]:
    """Return the predicted nanoseconds of a band for one query, as `join_costs` does."""
    n_flips = count_flips(width)
    costs: NDArray[np.float64] = (
        n_flips * (_PER_LOOK_UP + _PER_LOOK_UP_WORD * n_words) + _PER_QUERY
    )
    costs += _compared_cost(distances, radius, n_codes, n_words, width)
    return costs


def _compared_cost(
    distances: Shares, radius: int, n_comparisons: float, n_words: int, width: int
) -> NDArray[np.float64]:
    spent = distances * candidate_cost(n_words)
    spent[: radius + 1] += distances[: radius + 1] * _PER_PAIR
    costs: NDArray[np.float64] = n_comparisons * band_shares(spent, width)
    return costs[: len(count_flips(width))]


def count_tasks(n_codes: int) -> int:
    """Return into how many tasks a band of a self-join is cut."""
    return -(-n_codes // task_size(n_codes))


def task_size(n_codes: int) -> int:
    """Return how many codes a task compares with the buckets of a band."""
    return min(max(n_codes // 256, 1024), 1 << 15)


def _doublings(n_codes: int) -> float:
    """Return how often the codes that a fast cache holds double to be so many."""
    return max(0.0, log2(max(n_codes, 1) / _CACHED_CODES))


def _arranging_cost(n_codes: int, n_words: int, width: int) -> float:
    per_code = _PER_ARRANGED + _PER_ARRANGED_WORD * n_words
    per_code += _PER_ARRANGED_DOUBLING * _doublings(n_codes)
    return per_code * n_codes + _PER_BUCKET * (1 << width)


@cache
def count_flips(width: int) -> NDArray[np.float64]:
    """Count the words of `width` bits with at most 0, 1, ... ones, as far as bands look them up.

    Examples
    --------
    >>> from hashfeatures.hamming._costs import count_flips
    >>> count_flips(3).tolist()
    [1.0, 4.0, 7.0, 8.0]
    """
    counts = accumulate(comb(width, ones) for ones in range(width + 1))
    return np.array([*takewhile(lambda count: count <= _MAX_FLIPS, counts)], dtype=np.float64)
