"""Intervals hold the truth as often as they say, and extrapolation does not promise too much."""

import numpy as np
import pytest
from scipy import stats

from hashfeatures.error_rates import LEAST_COUNT, estimate_rates, estimate_share


def sample_counts(rng, n_pairs, n_bits=64, reach=24):
    """Count the distances of pairs that differ in each bit by the toss of a coin."""
    shares = stats.binom.pmf(np.arange(reach + 1), n_bits, 0.5)
    return rng.poisson(shares * n_pairs), np.cumsum(shares)


def test_counted_rates_are_within_their_intervals():
    rng = np.random.default_rng(0)
    inside = []
    for _ in range(300):
        counts, truth = sample_counts(rng, 10**6)
        rates, extrapolated = estimate_rates(counts, 10**6)
        held = (rates.low <= truth) & (truth <= rates.high)
        inside.append(held[~extrapolated])
    assert np.concatenate(inside).mean() > 0.94


def test_extrapolated_rates_are_not_too_low():
    """The tail of a binomial distribution falls faster than exponentially: the model errs high."""
    rng = np.random.default_rng(1)
    for _ in range(50):
        counts, truth = sample_counts(rng, 10**6)
        rates, extrapolated = estimate_rates(counts, 10**6)
        assert extrapolated[:10].all()
        assert (rates.high[extrapolated] >= truth[extrapolated]).all()
        np.testing.assert_array_less(np.diff(rates.value) * -1, 1e-15)
        assert (rates.value[extrapolated] > 0).all()


def test_an_exponential_tail_is_extrapolated_to_the_truth():
    counts = np.round(2.0 ** np.arange(4, 12)).astype(int)
    full = np.concatenate([2.0 ** np.arange(-6, 4), counts])
    truth = np.cumsum(full)
    seen = np.round(full).astype(int)
    rates, extrapolated = estimate_rates(seen, 10**6)
    assert extrapolated[:9].all()
    np.testing.assert_allclose(1e6 * rates.value[4:], truth[4:], rtol=0.25)


def test_where_nothing_can_be_fitted_the_count_is_left():
    none = np.zeros(8, dtype=int)
    rates, extrapolated = estimate_rates(none, 1000)
    assert not extrapolated.any()
    assert not rates.value.any()
    np.testing.assert_allclose(rates.high, 3.689 / 1000, rtol=1e-3)  # Poisson's for a count of 0
    falling = np.array([50, 20, 3, 0, 0])
    assert not estimate_rates(falling, 1000)[1].any()
    at_one_distance = np.array([0, 0, 30, 0])
    assert not estimate_rates(at_one_distance, 1000)[1].any()


def test_no_pairs_have_no_rate():
    rates, _ = estimate_rates(np.zeros(5, dtype=int), 0)
    assert np.isnan(rates.value).all() and np.isnan(rates.high).all()


def test_enough_pairs_are_simply_counted():
    counts = np.array([LEAST_COUNT, 1, 5])
    rates, extrapolated = estimate_rates(counts, 100)
    assert not extrapolated.any()
    np.testing.assert_allclose(rates.value, [0.1, 0.11, 0.16])


@pytest.mark.parametrize("share", [0.02, 0.5, 0.97])
def test_shares_are_within_their_intervals(share):
    rng = np.random.default_rng(2)
    held = []
    for _ in range(2000):
        # The copies of an image are found or missed together: the worst case.
        found = np.repeat(rng.random((60, 1)) < share, 5, axis=1)
        estimate = estimate_share(found)
        held.append(estimate.low <= share <= estimate.high)
    assert np.mean(held) > 0.93


def test_all_found_is_not_certainty():
    estimate = estimate_share(np.ones((50, 3), dtype=bool))
    assert estimate.value == 1
    assert 0.9 < estimate.low < 0.95
    assert estimate.high == pytest.approx(1)
