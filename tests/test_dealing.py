"""Quotas are whole and add up; groups stay whole; parts and classes come out as near as can be."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashfeatures.dealing import _quotas, _quotas_each, by_lot, by_need, deal, fill_empty
from hashfeatures.strata import find_strata


@given(
    st.lists(st.integers(0, 40), min_size=1, max_size=6),
    st.lists(st.integers(1, 40), min_size=1, max_size=6),
    st.sampled_from([None, 0, 1]),
)
def test_quotas_round_every_share_so_that_all_sums_hold(sizes, classes, seed):
    n_images = sum(classes)
    sizes = np.array([*sizes, 0])
    sizes = (sizes * n_images) // max(1, sizes.sum())
    sizes[-1] = n_images - sizes.sum()
    rng = None if seed is None else np.random.RandomState(seed)
    exact = np.outer(sizes, classes) / n_images
    quotas = _quotas(exact, sizes, np.array(classes), rng)
    np.testing.assert_array_equal(quotas.sum(axis=0), classes)
    np.testing.assert_array_equal(quotas.sum(axis=1), sizes)
    assert (np.abs(quotas - np.outer(sizes, classes) / n_images) < 1).all()


@given(
    st.lists(st.integers(0, 40), min_size=2, max_size=6).filter(sum),
    st.lists(st.integers(0, 40), min_size=1, max_size=6),
    st.sampled_from([None, 0, 1]),
)
def test_quotas_of_overlapping_labels_add_up_to_each(sizes, labels, seed):
    rng = None if seed is None else np.random.RandomState(seed)
    exact = np.outer(sizes, labels) / sum(sizes)
    quotas = _quotas_each(exact, np.array(labels), rng)
    np.testing.assert_array_equal(quotas.sum(axis=0), labels)
    assert (np.abs(quotas - np.outer(sizes, labels) / sum(sizes)) < 1 + 1e-9).all()


@pytest.mark.parametrize("choose", [by_need, by_lot])
def test_single_images_fill_what_groups_leave(choose):
    """Pairs and a group of nine first; the quotas are then met to the image."""
    groups = np.concatenate([np.zeros(9, int), np.arange(1, 21).repeat(2), np.arange(21, 122)])
    classes = np.resize([0, 0, 0, 1], 122)[groups]
    sizes = np.array([50, 70, 30])
    parts = deal(groups, find_strata(classes, 150), sizes, choose, np.random.RandomState(0))
    np.testing.assert_array_equal(np.bincount(parts), sizes)
    for group in range(122):
        assert len(set(parts[groups == group])) == 1
    for part, size in enumerate(sizes):
        share = np.bincount(classes) * size / 150
        assert (np.abs(np.bincount(classes[parts == part]) - share) < 1).all()


def test_in_order_without_a_generator():
    parts = deal(np.arange(6), None, np.array([3, 2, 1]), by_need, None)
    assert parts.tolist() == [0, 0, 0, 1, 1, 2]


def test_an_empty_part_is_given_a_group_that_can_be_spared():
    groups = np.array([0, 0, 1, 2, 3, 3])
    assert fill_empty(np.zeros(6, int), groups, 2).tolist() == [0, 0, 1, 0, 0, 0]
    unused = np.array([2, 2, 0, 2, 2, 2])  # what lies beyond both parts is spared first
    assert fill_empty(unused, groups, 2).tolist() == [2, 2, 0, 1, 2, 2]
