"""The recommended limits find the most copies of those that meet the target."""

import warnings

import numpy as np
import pandas as pd
import pytest

from hashfeatures import CalibrationWarning
from hashfeatures.duplicates.calibration._limits import (
    choose_rate_column,
    rates_by_limits,
    recommend_limits,
)
from hashfeatures.duplicates.calibration._trial import Trial

N_IMAGES = 1000  # half a million pairs: a target of 20 in a million allows 10 of them


def make_trial(distances, agreements, copies, copy_agreements, min_agreement=0.85):
    """Return a trial whose near pairs share no image."""
    rows = np.arange(N_IMAGES)
    n_near = len(distances)
    near = pd.DataFrame(
        {
            "left": rows[:n_near],
            "right": rows[n_near : 2 * n_near],
            "distance": np.asarray(distances),
            "agreement": np.asarray(agreements, dtype=np.float32),
            "same": False,
        }
    )
    copies, copy_agreements = np.array([copies]), np.array([copy_agreements], dtype=np.float32)
    edits = [f"edit {place}" for place in range(copies.shape[1])]
    return Trial(rows, rows, near, 28, copies, copy_agreements, min_agreement, edits, {})


def recommend(trial, target):
    table = rates_by_limits(trial, N_IMAGES)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        limits = recommend_limits(trial, table, target, default=28)
    assert table.loc[tuple(limits), choose_rate_column(table, target)] <= target
    return tuple(limits)


def test_without_false_matches_the_widest_limits_stay():
    trial = make_trial([], [], [3, 20, 40], [0.99, 0.9, 0.9])
    assert recommend(trial, 20) == (28, 0.85)


def test_the_agreement_rises_where_that_costs_less():
    """Many different images agree to 0.88, at all distances."""
    trial = make_trial(np.arange(120) % 28, [0.88] * 120, [3, 20, 27], [0.99, 0.91, 0.91])
    radius, agreement = recommend(trial, 20)
    assert radius == 28
    assert 0.88 < agreement <= 0.91


def test_the_radius_shrinks_where_that_costs_less():
    """The different images that agree are all far from each other, and the copies are near."""
    trial = make_trial([26] * 120, [0.915] * 120, [3, 20, 24], [0.99, 0.86, 0.86])
    assert recommend(trial, 20) == (25, 0.85)


def test_single_precision_decides_as_it_does_in_a_finder():
    """A pair of exactly the least agreement is near."""
    trial = make_trial([5] * 20, [0.9] * 20, [3], [0.9])
    table = rates_by_limits(trial, N_IMAGES)
    assert table.loc[(28, 0.9), "false_per_million"] == pytest.approx(20 / 0.4995)
    assert table.loc[(28, 0.9), "recall"] == 1
    assert table.loc[(28, 0.91), "recall"] == 0


def test_a_given_agreement_is_listed_and_is_the_least():
    trial = make_trial([], [], [3], [0.9], min_agreement=0.837)
    assert recommend(trial, 20) == (28, 0.837)
    loose = make_trial([], [], [3], [0.9], min_agreement=0.4)
    assert rates_by_limits(loose, N_IMAGES).index.levels[1].min() == 0.4


def test_a_target_that_nothing_meets_leaves_the_narrowest_limits():
    trial = make_trial(np.zeros(100, dtype=int), [0.919] * 100, [3], [0.9])
    table = rates_by_limits(trial, N_IMAGES)
    with pytest.warns(CalibrationWarning, match="No radius meets the target"):
        limits = recommend_limits(trial, table + 1, 0.5, default=28)
    assert limits == (0, 0.92)
