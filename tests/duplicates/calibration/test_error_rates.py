"""Intervals hold the truth as often as they say, and extrapolation does not promise too much."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from hashfeatures.duplicates.calibration._error_rates import (
    LEAST_COUNT,
    Estimate,
    NearCounts,
    count_near,
    estimate_rates,
    estimate_shares,
    make_monotonic,
)


def independent(counts, n_pairs):
    """Return the counts of pairs that were drawn one by one."""
    within = np.cumsum(counts)
    return NearCounts(within, within.astype(float), n_pairs)


def sample_counts(rng, n_pairs, n_bits=64, reach=24):
    """Count the distances of pairs that differ in each bit by the toss of a coin."""
    shares = stats.binom.pmf(np.arange(reach + 1), n_bits, 0.5)
    return independent(rng.poisson(shares * n_pairs), n_pairs), np.cumsum(shares)


def test_counted_rates_are_within_their_intervals():
    rng = np.random.default_rng(0)
    inside = []
    for _ in range(300):
        near, truth = sample_counts(rng, 10**6)
        rates, extrapolated = estimate_rates(near)
        held = (rates.low <= truth) & (truth <= rates.high)
        inside.append(held[~extrapolated])
    assert np.concatenate(inside).mean() > 0.94


def test_extrapolated_rates_are_not_too_low():
    """The tail of a binomial distribution falls faster than exponentially: the model errs high."""
    rng = np.random.default_rng(1)
    for _ in range(50):
        near, truth = sample_counts(rng, 10**6)
        rates, extrapolated = estimate_rates(near)
        assert extrapolated[:10].all()
        assert (rates.high[extrapolated] >= truth[extrapolated]).all()
        np.testing.assert_array_less(np.diff(rates.value) * -1, 1e-15)
        assert (rates.value[extrapolated] > 0).all()


def test_an_exponential_tail_is_extrapolated_to_the_truth():
    counts = np.round(2.0 ** np.arange(4, 12)).astype(int)
    full = np.concatenate([2.0 ** np.arange(-6, 4), counts])
    truth = np.cumsum(full)
    seen = np.round(full).astype(int)
    rates, extrapolated = estimate_rates(independent(seen, 10**6))
    assert extrapolated[:9].all()
    np.testing.assert_allclose(1e6 * rates.value[4:], truth[4:], rtol=0.25)


def test_an_extrapolated_rate_has_an_upper_end_alone_that_rests_on_the_count():
    """A model that is too low at the lowest distances cannot make the upper end too low."""
    counts = np.round(4.0 ** np.arange(-6, 6)).astype(int)
    near = independent(counts, 10**6)
    rates, extrapolated = estimate_rates(near)
    at = np.flatnonzero(extrapolated)
    assert (rates.low[at] == 0).all()
    assert rates.value[0] < 1e-9
    np.testing.assert_allclose(
        1e6 * rates.high[at], stats.chi2.ppf(0.975, 2 * near.within[at] + 2) / 2
    )


def test_where_nothing_can_be_fitted_the_count_is_left():
    none = np.zeros(8, dtype=int)
    rates, extrapolated = estimate_rates(independent(none, 1000))
    assert not extrapolated.any()
    assert not rates.value.any()
    np.testing.assert_allclose(rates.high, 3.689 / 1000, rtol=1e-3)  # Poisson's for a count of 0
    for counts in ([50, 20, 3, 0, 0], [0, 0, 30, 0], [2, 1, 0]):
        near = independent(np.array(counts), 1000)
        rates, extrapolated = estimate_rates(near)
        assert not extrapolated.any()
        np.testing.assert_allclose(rates.value, near.within / 1000)


def test_no_pairs_have_no_rate():
    rates, extrapolated = estimate_rates(independent(np.zeros(5, dtype=int), 0))
    assert np.isnan(rates.value).all() and np.isnan(rates.high).all()
    assert not extrapolated.any()


def test_enough_pairs_are_simply_counted():
    rates, extrapolated = estimate_rates(independent(np.array([LEAST_COUNT, 1, 5]), 100))
    assert not extrapolated.any()
    np.testing.assert_allclose(rates.value, [0.1, 0.11, 0.16])


def draw_near(rng, n_images, kinds):
    """Draw images of kinds, of which every two are near, and one at most is in two pictures."""
    kind = rng.choice(len(kinds), n_images, p=kinds)
    left, right = np.nonzero(np.triu(kind[:, None] == kind[None], k=1) & (kind[:, None] > 0))
    return count_near(left, right, np.zeros(len(left)), np.ones(n_images), 1)


@pytest.mark.parametrize("kinds", [[0.6, *[0.01] * 40], [0.85, 0.1, 0.05], [0.7, *[0.1] * 3]])
def test_pairs_that_share_images_widen_the_interval(kinds):
    """A few kinds of look-alikes make most pairs: these are not independent events."""
    rng = np.random.default_rng(0)
    truth = float((np.array(kinds)[1:] ** 2).sum())
    held, alone = [], []
    for _ in range(400):
        near = draw_near(rng, 150, kinds)
        for results, counts in ((held, near), (alone, near._replace(variance=near.within * 1.0))):
            rates, _ = estimate_rates(counts)
            results.append(rates.low[0] <= truth <= rates.high[0])
    assert 0.92 < np.mean(held) < 0.98
    assert np.mean(alone) < np.mean(held) - 0.03


def test_copies_of_a_picture_are_one_picture():
    """Ten copies of a hub's end are not ten independent pairs."""
    once = count_near([0], [1], [0], [1] * 50, 1)
    copied = count_near([0] * 10, [1] * 10, [0] * 10, [1, 10, *[1] * 48], 1)
    assert copied.within.tolist() == [10]
    assert copied.n_pairs == 59 * 58 // 2 - 45
    assert once.variance[0] == pytest.approx(1, rel=0.05)
    assert copied.variance[0] > 40


def test_more_bits_than_are_asked_for_are_not_counted():
    near = count_near([0, 0, 1], [1, 2, 2], [0, 3, 7], [1, 1, 1], 4)
    assert near.within.tolist() == [1, 1, 1, 2]
    assert near.n_pairs == 3


@given(
    st.lists(st.tuples(st.integers(0, 29), st.integers(0, 29), st.integers(0, 9)), max_size=200)
)
def test_no_end_falls_where_the_radius_grows(pairs):
    """Who matches by a radius matches by a greater one."""
    left, right, distance = np.array([each for each in pairs if each[0] != each[1]] or
                                     np.zeros((0, 3)), dtype=int).reshape(-1, 3).T  # fmt: skip
    near = count_near(left, right, distance, np.ones(30), 10)
    rates, _ = estimate_rates(near)
    for column in rates:
        assert (np.diff(column) >= 0).all()
    assert (rates.low <= rates.value).all() and (rates.value <= rates.high * (1 + 1e-12)).all()
    found = (
        np.random.default_rng(len(pairs)).integers(0, 10, (12, 5)) <= np.arange(10)[:, None, None]
    )
    shares = estimate_shares(found)
    for column in shares:
        assert (np.diff(column) >= 0).all()
    assert (shares.low >= -1e-12).all() and (shares.high <= 1 + 1e-12).all()


@pytest.mark.parametrize("share", [0.02, 0.5, 0.97])
def test_shares_are_within_their_intervals(share):
    rng = np.random.default_rng(2)
    held = []
    for _ in range(2000):
        # The copies of an image are found or missed together: the worst case.
        found = np.repeat(rng.random((1, 60, 1)) < share, 5, axis=2)
        estimate = estimate_shares(found)
        held.append(estimate.low[0] <= share <= estimate.high[0])
    assert np.mean(held) > 0.93


def test_shares_of_copies_that_vary_less_have_narrower_intervals():
    """Each edit hides its own share of images: the interval of images held all samples."""
    rng = np.random.default_rng(3)
    by_edit = np.array([1, 1, 0.99, 0.97, 0.9, 0.6, 0.1, 0])
    held = []
    for _ in range(1000):
        estimate = estimate_shares(rng.random((1, 60, 8)) < by_edit)
        held.append(estimate.low[0] <= by_edit.mean() <= estimate.high[0])
    assert 0.93 < np.mean(held) < 0.98


def test_all_found_is_not_certainty():
    estimate = estimate_shares(np.ones((1, 50, 3), dtype=bool))
    assert estimate.value == 1
    assert 0.9 < estimate.low < 0.95
    assert estimate.high == pytest.approx(1)
    same = np.ones((1, 50, 4), dtype=bool)
    same[..., 0] = False  # one edit hides all images
    estimate = estimate_shares(same)
    assert estimate.low < 0.745 and estimate.high > 0.755


def test_a_tail_whose_end_was_set_aside_is_extrapolated_to_nothing():
    """No pair is left within the first limit, and few are near it, as the tail continues there."""
    full = np.concatenate([[0], 1.4 ** np.arange(-4, 18)])
    truth, seen = np.cumsum(full), np.round(np.cumsum(full)).astype(int)
    near = independent(np.diff(seen, prepend=0), 10**6)
    rates, extrapolated = estimate_rates(near, seen)
    assert extrapolated[:8].all() and not extrapolated[-8:].any()
    assert rates.value[0] == 0
    np.testing.assert_allclose(1e6 * rates.value, truth, rtol=0.3, atol=0.1)
    few = near._replace(within=near.within // 8, variance=near.variance / 8)
    rates, extrapolated = estimate_rates(few, seen)
    np.testing.assert_allclose(1e6 * rates.value[1:], truth[1:] / 8, rtol=0.35, atol=0.15)


def test_ends_are_monotonic_along_each_axis():
    rng = np.random.default_rng(0)
    rough = Estimate(*rng.random((3, 5, 6)))
    for axis in (0, 1):
        smooth = make_monotonic(rough, axis)
        assert (smooth.low >= rough.low).all() and (smooth.high <= rough.high).all()
        assert (np.diff(smooth.low, axis=axis) >= 0).all()
        assert (np.diff(smooth.high, axis=axis) >= 0).all()
