"""Where labels alone are wanted, only groups that can be chains are measured."""

import warnings

import numpy as np
import pytest

from hashfeatures import ChainingWarning, DuplicateGroups
from hashfeatures.duplicates import _chains
from hashfeatures.duplicates._resolve import group_images

CHAIN = np.tril(np.ones((9, 8), dtype=np.uint8), k=-1)


def strangers(n_rows, n_bits=8):
    """Return rows of 64 more bits that are far from each other."""
    return np.random.default_rng(0).integers(0, 2, (n_rows, n_bits + 64), dtype=np.uint8)


def test_a_chain_is_named_as_a_fitted_estimator_names_it():
    bits = np.vstack([strangers(40), np.pad(CHAIN, ((0, 0), (0, 64)))])
    with pytest.warns(ChainingWarning) as told:
        labels = group_images(bits, DuplicateGroups(1))
    with pytest.warns(ChainingWarning) as expected:
        fitted = DuplicateGroups(1).fit(bits)
    assert [str(each.message) for each in told] == [str(each.message) for each in expected]
    np.testing.assert_array_equal(labels, fitted.labels_)


def test_small_groups_are_not_measured(monkeypatch):
    """Four different members are within three radii of each other."""
    bits = np.vstack([strangers(40), np.pad(CHAIN[:4], ((0, 0), (0, 64)))])
    monkeypatch.setattr(_chains, "warn_of_chains", lambda *_: pytest.fail("measured"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert group_images(bits, DuplicateGroups(1)).max() == 40


def test_many_equal_images_are_a_large_group():
    """A group of one node is measured too where it holds more than a twentieth of all images."""
    bits = np.vstack([strangers(40), np.zeros((30, 72), dtype=np.uint8)])
    with pytest.warns(ChainingWarning, match="label 40 has 30 of 70 rows and a diameter of 0"):
        group_images(bits, DuplicateGroups(1))
