"""How far codes are apart, as estimated from a sample, and within a band of their bits.

A band takes bits from all over the code. So two codes that differ in some number of bits differ
within the band as balls drawn from an urn do: their distance there follows the hypergeometric
distribution. So the distances of a sample predict what every band costs, whatever its width.
"""

from __future__ import annotations

from functools import lru_cache
from math import isqrt

import numpy as np
from numpy.typing import NDArray

from .._utils.kernels import load_kernels
from ._bands import Words

Shares = NDArray[np.float64]

MAX_PAIRS = 1 << 19  # of a sample
_MIN_PAIRS = 1 << 12
_FINEST = 512  # distances of longer codes are binned, so that the tables stay small


@lru_cache(maxsize=32)
def uniform_distances(n_bits: int) -> Shares:
    """Return the share of pairs at each distance, from 0 to `n_bits`, for random codes."""
    ones = np.arange(n_bits + 1)
    shares: Shares = np.exp(_log_comb(n_bits, ones) - n_bits * np.log(2))
    return shares


def sample_distances(codes: Words, n_bits: int, n_pairs: float) -> Shares:
    """Estimate the share of pairs at each distance, from 0 to `n_bits`.

    Parameters
    ----------
    codes : ndarray of shape (n_codes, n_words), dtype uint64
        The codes.
    n_bits : int
        The number of bits of a code.
    n_pairs : float
        The number of pairs to count at most. A few thousand are counted in any case, and half a
        million at most.

    Returns
    -------
    ndarray of shape (n_bits + 1,)
        The shares.
    """
    n_sampled = isqrt(2 * int(np.clip(n_pairs, _MIN_PAIRS, MAX_PAIRS)))
    step = max(1, -(-len(codes) // n_sampled))
    sample = np.ascontiguousarray(codes[::step])
    counts = np.zeros(64 * codes.shape[1] + 1, dtype=np.int64)
    load_kernels("hamming").count_distances(sample, counts)
    shares: Shares = counts[: n_bits + 1] / max(counts.sum(), 1)
    return shares


def band_shares(distances: Shares, width: int) -> Shares:
    """Return the share of pairs within 0, 1, ... bits of each other in a band.

    Parameters
    ----------
    distances : ndarray of shape (n_bits + 1,)
        The share of pairs at each distance, or what such pairs cost.
    width : int
        The number of bits of the band.

    Returns
    -------
    ndarray of shape (width + 1,)
        The shares, ascending.
    """
    n_bits = len(distances) - 1
    if n_bits > _FINEST:
        nearest = np.round(np.arange(n_bits + 1) * (_FINEST / n_bits)).astype(np.intp)
        distances = np.bincount(nearest, distances, _FINEST + 1).astype(np.float64)
    shares: Shares = distances @ _drawn(n_bits, width)
    return shares


@lru_cache(maxsize=256)
def _drawn(n_bits: int, width: int) -> Shares:
    """Return how likely at most 0, 1, ... of the bits of a band differ, by the bits that differ.

    Returns
    -------
    ndarray of shape (n_distances, width + 1)
        A row for each number of bits that differ, evenly spaced if there are many.
    """
    differ = np.round(np.linspace(0, n_bits, min(n_bits, _FINEST) + 1)).astype(np.intp)[:, None]
    within = np.arange(width + 1)
    outside = differ - within
    possible = (outside >= 0) & (outside <= n_bits - width)
    chances = np.exp(
        _log_comb(width, within)
        + _log_comb(n_bits - width, np.clip(outside, 0, n_bits - width))
        - _log_comb(n_bits, differ)
    )
    return np.cumsum(np.where(possible, chances, 0.0), axis=1)


def _log_comb(n: int, k: NDArray[np.intp]) -> Shares:
    factorials = np.cumsum(np.log(np.maximum(np.arange(n + 1), 1)))
    chosen: Shares = factorials[n] - factorials[k] - factorials[n - k]
    return chosen
