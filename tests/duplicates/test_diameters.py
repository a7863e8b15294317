"""Sizes and diameters are those of brute force, bounds hold, and chains are told."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashfeatures import ChainingWarning, DuplicateGroups
from hashfeatures.duplicates._diameters import measure_diameters, warn_of_chains
from hashfeatures.duplicates._labels import tabulate_groups
from hashfeatures.hamming._packing import words_from_bits


@given(
    st.integers(0, 2**32),
    st.integers(0, 60),
    st.sampled_from([1, 2, 5, 2048]),
    st.sampled_from([0, 2**20]),
)
def test_diameters_are_those_of_brute_force_or_bounds(seed, n_rows, most_exact, few):
    rng = np.random.default_rng(seed)
    bits = (rng.random((n_rows, 70)) < 0.1).astype(int)
    labels = rng.integers(0, 8, n_rows)
    with pytest.MonkeyPatch.context() as patch:  # 0: by the compiled loop
        patch.setattr("hashfeatures.duplicates._diameters._FEW_PAIRS", few)
        measured = measure_diameters(words_from_bits(bits)[0], labels, most_exact)
    np.testing.assert_array_equal(measured.size, np.bincount(labels))
    for label in np.unique(labels):
        members = bits[labels == label]
        diameter = (members[:, None] != members[None]).sum(axis=2).max()
        assert measured.at_least[label] <= diameter <= measured.at_most[label]
        if len(np.unique(members, axis=0)) <= most_exact:
            assert measured.at_least[label] == measured.at_most[label]


def test_groups_of_two_or_more_are_tabulated():
    bits = np.zeros((5, 8), dtype=int)
    bits[3, :2] = bits[4, 4:] = 1
    table = DuplicateGroups(2).fit(bits).groups_
    assert table.index.tolist() == [0]
    assert table.index.name == "label"
    assert table.to_dict("list") == {"size": [4], "diameter": [2], "exact": [True]}
    assert DuplicateGroups(0).fit(np.eye(3)).groups_.empty


def test_a_bound_is_told_to_be_none():
    bits = np.random.default_rng(0).integers(0, 2, (50, 64))
    words, labels = words_from_bits(bits)[0], np.zeros(50, dtype=np.intp)
    table = tabulate_groups(measure_diameters(words, labels, most_exact=10))
    assert not table["exact"].any()


@pytest.mark.filterwarnings("ignore::hashfeatures.ChainingWarning")
def test_no_bound_is_above_the_bits_that_differ():
    """Where the bounds meet there, the diameter is known."""
    bits = np.arange(4096)[:, None] >> np.arange(16) & 1  # the last four are the same in all
    table = DuplicateGroups(1).fit(bits).groups_
    assert table.to_dict("list") == {"size": [4096], "diameter": [12], "exact": [True]}


@pytest.mark.parametrize(
    ("n_same", "n_other", "told"), [(30, 470, True), (20, 100, False), (25, 475, False)]
)
def test_groups_of_more_than_a_twentieth_are_told(n_same, n_other, told):
    """But not those of a few rows, which are a large share of a small collection."""
    words = np.zeros((n_same + n_other, 1), dtype=np.uint64)
    labels = np.concatenate([np.zeros(n_same, int), np.arange(1, n_other + 1)])
    measured = measure_diameters(words, labels)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warn_of_chains(measured, 12)
    assert [w.category for w in caught] == ([ChainingWarning] if told else [])
    if told:
        assert "label 0 has 30 of 500 rows and a diameter of 0 bits" in str(caught[0].message)


def test_groups_wider_than_three_radii_are_told():
    chain = np.tril(np.ones((8, 8)), k=-1)
    assert DuplicateGroups(2).fit(chain[:7]).groups_["diameter"].tolist() == [6]
    with pytest.warns(ChainingWarning, match=r"diameter of 7 bits\. The radius is 2 bits"):
        DuplicateGroups(2).fit(chain)
    DuplicateGroups(2, linkage="complete").fit(chain)  # has no chains, and warns of none
