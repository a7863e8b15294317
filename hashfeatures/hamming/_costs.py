"""What searches cost: nanoseconds of one thread, in the proportions of common processors.

The constants are fitted to measured times of searches of every kind.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import accumulate, takewhile
from math import comb

import numpy as np
from numpy.typing import NDArray

from ._bands import Band
from ._distances import Shares, band_shares

_MAX_FLIPS = 1 << 18

_PER_CANDIDATE = 0.32
_PER_CANDIDATE_WORD = 0.2
_WORDS_COMPARED = 4  # of most candidates with more words, as they differ in too many bits by then
_PER_PAIR = 16.0  # within the radius, each time that a band finds it
# In a self-join, where all codes of a bucket meet those of another at once:
_PER_TILED_CANDIDATE = 0.09
_PER_TILED_CANDIDATE_WORD = 0.06
_PER_TILE = 8.0  # for each key and flip; half of the tiles are left out
_PER_PROBE = 0.3  # for each code and flip
_PER_LOOK_UP = 10.0  # a probe by a query; few queries do not access buckets in order
_PER_QUERY = 100.0  # for each band
_PER_ARRANGED = 6.5
_PER_ARRANGED_WORD = 1.6
_PER_BUCKET = 2.4
_PER_TASK = 4_500.0
_PER_BAND = 30_000.0
_PER_CALL = 110_000.0  # for each band, or for a scan, however few queries there are
_PER_SAMPLED_PAIR = 1.5

PER_PLAN = 200_000.0  # what costs less than this is not worth a plan


def candidate_cost(n_words: int) -> float:
    """Return the predicted nanoseconds of a comparison."""
    return _PER_CANDIDATE + _PER_CANDIDATE_WORD * min(n_words, _WORDS_COMPARED)


def tiled_candidate_cost(n_words: int) -> float:
    """Return the predicted nanoseconds of a comparison among many of the same codes."""
    return _PER_TILED_CANDIDATE + _PER_TILED_CANDIDATE_WORD * min(n_words, _WORDS_COMPARED)


def sampled_pairs(nanoseconds: float) -> float:
    """Return how many pairs of a sample can be counted in so much time."""
    return nanoseconds / _PER_SAMPLED_PAIR


def scan_cost(n_comparisons: float, n_words: int, near: float = 0.0, tiled: bool = False) -> float:
    """Return the predicted nanoseconds of comparing all codes, of which a share are near.

    `tiled` tells that many codes are compared with the same others.
    """
    per_candidate = tiled_candidate_cost(n_words) if tiled else candidate_cost(n_words)
    return n_comparisons * (per_candidate + near * _PER_PAIR)


def query_cost(per_query: float, n_queries: int, n_bands: int) -> float:
    """Return the predicted nanoseconds of queries."""
    return per_query * n_queries + max(n_bands, 1) * _PER_CALL


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
    n_pairs = n_codes * (n_codes - 1) / 2
    n_keys = -np.expm1(-n_codes / 2.0**width) * 2.0**width  # that occur, of random codes
    per_flip = _PER_TILE * n_keys + _PER_PROBE * n_codes
    per_candidate = tiled_candidate_cost(n_words)
    costs = _probing_costs(distances, radius, n_pairs, width, per_flip, per_candidate)
    costs += _arranging_cost(n_codes, n_words, width)
    return costs + count_tasks(n_codes) * _PER_TASK + _PER_BAND


def look_up_costs(
    distances: Shares, radius: int, n_codes: int, n_words: int, width: int
) -> NDArray[np.float64]:
    """Return the predicted nanoseconds of a band for one query, as `join_costs` does."""
    per_candidate = candidate_cost(n_words)
    costs = _probing_costs(distances, radius, n_codes, width, _PER_LOOK_UP, per_candidate)
    return costs + _PER_QUERY


def count_tasks(n_codes: int) -> int:
    """Return into how many tasks a band of a self-join is cut."""
    return -(-n_codes // task_size(n_codes))


def task_size(n_codes: int) -> int:
    """Return how many codes a task compares with the buckets of a band."""
    return min(max(n_codes // 256, 1024), 1 << 15)


def _arranging_cost(n_codes: int, n_words: int, width: int) -> float:
    per_code = _PER_ARRANGED + _PER_ARRANGED_WORD * n_words
    return per_code * n_codes + _PER_BUCKET * (1 << width)


def _probing_costs(
    distances: Shares,
    radius: int,
    n_comparisons: float,
    width: int,
    per_flip: float,
    per_candidate: float,
) -> NDArray[np.float64]:
    n_flips = count_flips(width)
    near = np.zeros_like(distances)
    near[: radius + 1] = distances[: radius + 1]
    candidates = n_comparisons * band_shares(distances, width)[: len(n_flips)]
    found = n_comparisons * band_shares(near, width)[: len(n_flips)]
    costs: NDArray[np.float64] = (
        n_flips * per_flip + candidates * per_candidate + found * _PER_PAIR
    )
    return costs


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
