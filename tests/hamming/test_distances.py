"""Distances of a sample tell the shares of pairs that are near each other in a band."""

from itertools import combinations
from math import comb
from types import SimpleNamespace

import numpy as np
import pytest

from hashfeatures.hamming import _distances as distances_module
from hashfeatures.hamming._distances import band_shares, sample_distances, uniform_distances


def test_random_codes_are_apart_as_coins_fall():
    shares = uniform_distances(9)
    np.testing.assert_allclose(shares, [comb(9, ones) / 2**9 for ones in range(10)])


def test_shares_in_bands_are_those_of_the_average_band():
    """Over all bands of three bits of eight, the estimate is what counting finds."""
    rng = np.random.default_rng(0)
    bits = (rng.random((30, 8)) < rng.random(8)).astype(np.uint8)  # some bits are mostly equal
    words = np.packbits(np.hstack([bits, np.zeros((30, 56), np.uint8)]), axis=1).view(np.uint64)
    left, right = np.triu_indices(30, 1)
    differ = bits[left] != bits[right]
    counted = [
        [(differ[:, band].sum(axis=1) <= limit).mean() for limit in range(4)]
        for band in combinations(range(8), 3)
    ]
    found = band_shares(sample_distances(words, 8, 1e6), 3)
    np.testing.assert_allclose(found, np.mean(counted, axis=0))


@pytest.mark.parametrize("n_bits", [64, 1024, 5000])
def test_bands_of_random_codes_are_random(n_bits):
    """Distances of codes of many bits are binned, which changes little."""
    shares = band_shares(uniform_distances(n_bits), 10)
    wanted = np.cumsum([comb(10, ones) for ones in range(11)]) / 2**10
    np.testing.assert_allclose(shares, wanted, rtol=0.05)


def test_a_sample_is_no_larger_than_asked(monkeypatch):
    """It counts the pairs that it may, within bounds that keep it useful and quick."""
    sampled = []
    kernels = SimpleNamespace(count_distances=lambda codes, counts: sampled.append(len(codes)))
    monkeypatch.setattr(distances_module, "load_kernels", lambda package: kernels)
    codes = np.zeros((100_000, 2), dtype=np.uint64)
    n_pairs = [0, 5e3, 1e5, 1e12]
    for each in n_pairs:
        sample_distances(codes, 128, each)
    counted = [n_codes * (n_codes - 1) / 2 for n_codes in sampled]
    assert counted == sorted(counted)
    assert 1e3 < counted[0] < 5e3
    assert 0.9 * 1e5 < counted[2] <= 1e5
    assert counted[3] < 1e6
