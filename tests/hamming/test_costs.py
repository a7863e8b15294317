"""Predicted costs count all that a search does."""

from math import comb

import numpy as np
import pytest

from hashfeatures.hamming._costs import (
    count_flips,
    join_costs,
    look_up_costs,
    scan_cost,
)
from hashfeatures.hamming._distances import uniform_distances


def test_flips_are_counted_as_far_as_bands_look_them_up():
    assert count_flips(10).tolist() == np.cumsum([comb(10, ones) for ones in range(11)]).tolist()
    assert count_flips(24)[-1] <= 1 << 18
    assert len(count_flips(24)) < 24


@pytest.mark.parametrize("costs_of", [join_costs, look_up_costs])
def test_costs_rise_with_the_limit_the_codes_and_their_words(costs_of):
    distances = uniform_distances(128)
    costs = costs_of(distances, 12, 10_000, 2, 12)
    assert (np.diff(costs) > 0).all()
    assert (costs_of(distances, 12, 20_000, 2, 12) > costs).all()
    assert (costs_of(distances, 12, 10_000, 8, 12) > costs).all()


def test_costs_count_the_pairs_that_are_found():
    """With a radius that most pairs are within, writing them takes longer than comparing them."""
    distances = uniform_distances(64)
    costs = {radius: join_costs(distances, radius, 10_000, 1, 10) for radius in (4, 40)}
    assert (costs[40] > costs[4]).all()
    n_pairs = 10_000 * 9999 / 2
    near = distances[:41].sum()
    assert scan_cost(n_pairs, 1, near) > 2 * scan_cost(n_pairs, 1)
