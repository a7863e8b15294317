"""Quotas are whole numbers that add up to the sizes of parts and of classes."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hashfeatures.model_selection.allocation._quotas import quotas_of_classes, quotas_of_labels


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
    quotas = quotas_of_classes(exact, sizes, np.array(classes), rng)
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
    quotas = quotas_of_labels(exact, np.array(labels), rng)
    np.testing.assert_array_equal(quotas.sum(axis=0), labels)
    assert (np.abs(quotas - np.outer(sizes, labels) / sum(sizes)) < 1 + 1e-9).all()
