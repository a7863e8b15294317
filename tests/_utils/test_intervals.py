"""Intervals of shares cover what they should, and clustered observations count for less."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from hashfeatures._utils.intervals import independent_count, wilson_interval


@given(st.integers(1, 2000), st.data())
def test_the_interval_is_that_of_scipy(n, data):
    """The ends are Wilson's without correction, as scipy computes them."""
    found = data.draw(st.integers(0, n))
    low, high = wilson_interval(found / n, n)
    expected = binomtest(found, n).proportion_ci(method="wilson")
    assert low == pytest.approx(expected.low, abs=1e-6)
    assert high == pytest.approx(expected.high, abs=1e-6)


@given(st.lists(st.integers(0, 5), min_size=1, max_size=60))
def test_clusters_count_as_few_observations(clusters):
    """The count is at most the number of clusters, and equals it for clusters of one size."""
    n_clusters = len(set(clusters))
    found = independent_count(np.array(clusters))
    assert 1 <= found <= n_clusters + 1e-9
    assert independent_count(np.repeat(np.arange(4), 3)) == 4
    assert independent_count(np.array([], dtype=int)) == 0
