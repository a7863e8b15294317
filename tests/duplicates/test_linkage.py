"""Complete linkage: no two members farther than the radius, whatever the order and the size."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.cluster.hierarchy import fcluster, linkage

from hashfeatures import DuplicateGroups
from hashfeatures.duplicates._labels import relabel
from hashfeatures.duplicates._linkage import split_chains
from hashfeatures.hamming._packing import words_from_bits


def crowded_bits(seed, n_rows, n_bits=24, share=0.15):
    return (np.random.default_rng(seed).random((n_rows, n_bits)) < share).astype(int)


def distances_of(bits):
    return (bits[:, None] != bits[None]).sum(axis=2)


@pytest.mark.parametrize("most_linked", [0, 1024], ids=["grown", "agglomerated"])
@given(st.integers(0, 2**32), st.integers(1, 60), st.integers(0, 8))
def test_no_two_members_are_farther_than_the_radius(most_linked, seed, n_rows, radius):
    bits = crowded_bits(seed, n_rows)
    words = words_from_bits(bits)[0]
    one_group = np.zeros(n_rows, dtype=np.intp)
    labels = split_chains(words, one_group, radius, most_linked=most_linked)
    distances = distances_of(bits)
    together = labels[:, None] == labels[None]
    assert distances[together].max() <= radius
    assert together[distances == 0].all(), "equal rows are never parted"
    order = np.random.default_rng(seed).permutation(n_rows)
    again = split_chains(words[order], one_group, radius, most_linked=most_linked)
    np.testing.assert_array_equal(relabel(again), relabel(labels[order]))


@pytest.mark.filterwarnings("ignore::hashfeatures.ChainingWarning")
@given(st.lists(st.integers(0, 9999), min_size=2, max_size=12, unique=True), st.integers(1, 4000))
def test_groups_are_scipy_s_where_no_distances_tie(places, radius):
    """Agglomerating within each component gives what agglomerating everything does."""
    bits = np.arange(10_000) < np.array(places)[:, None]
    distances = np.abs(np.subtract.outer(places, places))
    upper = distances[np.triu_indices(len(places), k=1)]
    assume(len(np.unique(upper)) == len(upper))
    expected = fcluster(linkage(upper.astype(float), "complete"), radius, "distance")
    labels = DuplicateGroups(radius, linkage="complete").fit_predict(bits)
    np.testing.assert_array_equal(labels, relabel(expected))


def test_a_chain_is_cut_into_groups_within_the_radius():
    bits = np.tril(np.ones((9, 8)), k=-1)
    groups = DuplicateGroups(2, linkage="complete").fit(bits)
    assert groups.groups_["diameter"].max() <= 2
    assert groups.n_groups_ >= 3
    assert (np.diff(groups.labels_) >= 0).all(), "each group is a stretch of the chain"


def test_copies_without_number_cost_no_square():
    """Two hundred thousand rows, three of them different."""
    bits = np.zeros((200_000, 64), dtype=np.uint8)
    bits[1::3, :10] = 1
    bits[2::3, :20] = 1
    one_group = np.zeros(len(bits), dtype=np.intp)
    labels = split_chains(words_from_bits(bits)[0], one_group, 10)
    assert len(np.unique(labels)) == 2
    assert len(np.unique(labels[::3])) == len(np.unique(labels[1::3])) == 1
