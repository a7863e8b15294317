"""A plan misses nothing: its bands share no bit, and its limits keep the pigeonhole principle."""

from math import comb

import numpy as np
import pytest

from hashfeatures.hamming._bands import Buckets, cut_bands, flips
from hashfeatures.hamming._plan import measure_shares, plan_queries, plan_self_join, query_bands


@pytest.fixture(scope="module")
def codes():
    return np.random.default_rng(0).integers(0, 2**64, (20_000, 2), dtype=np.uint64)


@pytest.mark.parametrize("radius", [0, 3, 12, 20])
def test_limits_suffice(codes, radius):
    bands = query_bands(len(codes), 128)
    shares = measure_shares(codes, bands, radius)
    plans = [
        plan_self_join(codes, 128, radius),
        plan_queries(shares, bands, len(codes), 1000, radius),
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
