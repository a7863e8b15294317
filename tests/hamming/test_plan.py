"""A plan misses nothing: its bands share no bit, and its limits keep the pigeonhole principle."""

from math import comb

import numpy as np
import pytest

from hashfeatures.hamming import _plan as plan_module
from hashfeatures.hamming._bands import Buckets, cut_bands, flips
from hashfeatures.hamming._distances import sample_distances
from hashfeatures.hamming._plan import (
    choose_limits,
    plan_queries,
    plan_self_join,
    query_bands,
)


@pytest.fixture(scope="module")
def codes():
    return np.random.default_rng(0).integers(0, 2**64, (20_000, 2), dtype=np.uint64)


@pytest.mark.parametrize("radius", [0, 3, 12, 20])
def test_limits_suffice(codes, radius):
    bands = query_bands(len(codes), 128)
    distances = sample_distances(codes, 128, 1e4)
    plans = [
        plan_self_join(codes, 128, radius),
        plan_queries(distances, bands, len(codes), radius),
    ]
    for plan in plans:
        assert plan.bands
        assert sum(limit + 1 for limit in plan.limits) == radius + 1
        positions = np.concatenate([band.positions for band in plan.bands])
        assert len(set(positions.tolist())) == len(positions)
        assert positions.max() < 128


def test_everything_is_compared_where_bands_would_not_help(codes):
    assert not plan_self_join(codes, 128, 100).bands
    assert not plan_self_join(np.unique(codes[:, :1] % 8, axis=0), 3, 3).bands


def test_limits_are_raised_where_it_costs_least():
    costs = [np.array([1.0, 3.0, 9.0]), np.array([2.0, 5.0, 20.0]), np.array([100.0])]
    assert choose_limits(costs, 2) == ([1, 0, -1], 5.0)
    assert choose_limits(costs, 4) == ([2, 1, -1], 14.0)
    assert choose_limits(costs, 9)[1] == np.inf


@pytest.mark.parametrize("radius", [0, 5, 12, 31])
@pytest.mark.parametrize("n_bits", [5, 64, 100])
def test_forced_bands_cover_the_radius(n_bits, radius):
    """However few bits there are, bands that cannot cover the radius are none."""
    rng = np.random.default_rng(0)
    codes = np.arange(2**5, dtype=np.uint64)[:, None] << np.uint64(3)
    if n_bits > 5:
        codes = rng.integers(0, 2**63, (5000, -(-n_bits // 64)), dtype=np.uint64)
    plan = plan_self_join(codes, n_bits, min(radius, n_bits), forced=True)
    assert sum(limit + 1 for limit in plan.limits) in (0, min(radius, n_bits) + 1)
    assert plan.cost > 0


@pytest.fixture
def samples(monkeypatch):
    """Record how many pairs each sample may count."""
    asked = []

    def sample(codes, n_bits, n_pairs):
        asked.append(n_pairs)
        return sample_distances(codes, n_bits, n_pairs)

    monkeypatch.setattr(plan_module, "sample_distances", sample)
    return asked


def test_no_sample_is_counted_where_bands_could_not_pay_off(samples):
    """Few codes are compared in less time than a plan takes, and random codes suit bands best."""
    rng = np.random.default_rng(0)
    assert not plan_self_join(rng.integers(0, 2**63, (400, 1), dtype=np.uint64), 64, 10).bands
    assert not plan_self_join(rng.integers(0, 2**63, (20_000, 1), dtype=np.uint64), 64, 40).bands
    assert not samples


def test_the_sample_grows_with_what_a_search_takes(samples):
    """It takes a small share of the time that bands or comparing all codes would take."""
    rng = np.random.default_rng(0)
    for n_codes in (15_000, 80_000, 500_000):
        codes = rng.integers(0, 2**63, (n_codes, 2), dtype=np.uint64)
        plan = plan_self_join(codes, 128, 12)
        assert plan.bands
        assert samples[-1] < 0.1 * plan.cost
    assert len(samples) == 3
    assert samples == sorted(samples)
    assert samples[-1] > 10 * samples[0]


def test_flips_are_every_word_of_few_ones():
    words = flips(10, 3)
    assert len(set(words.tolist())) == len(words) == sum(comb(10, ones) for ones in range(4))
    assert np.bitwise_count(words).max() == 3
    assert flips(3, 9).tolist() == [0, 1, 2, 4, 3, 5, 6, 7]


def test_codes_are_laid_out_by_the_bits_of_a_band(codes):
    band = cut_bands(128, [9, 12])[1]
    buckets = Buckets.of(codes, band)
    assert (np.diff(buckets.keys.astype(int)) >= 0).all()
    np.testing.assert_array_equal(buckets.codes, codes[buckets.numbers])
    bits = np.unpackbits(codes.view(np.uint8), axis=1)[:, band.positions]
    keys = bits @ (1 << np.arange(12))
    np.testing.assert_array_equal(buckets.keys, keys[buckets.numbers])
    np.testing.assert_array_equal(np.diff(buckets.starts), np.bincount(keys, minlength=1 << 12))
