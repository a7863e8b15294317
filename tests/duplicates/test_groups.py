"""Groups are the connected components of near duplicates, whatever the order of the rows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.cluster import DBSCAN

from hashfeatures import ChainingWarning, DuplicateGroups, ParameterError
from hashfeatures.duplicates._labels import relabel

# Few rows and small radii: groups are often wide, which is not what these tests are about.
tells_of_chains = pytest.mark.filterwarnings("ignore::hashfeatures.ChainingWarning")


def same_partition(left, right):
    return (relabel(left) == relabel(right)).all()


@tells_of_chains
@given(st.integers(0, 2**32), st.integers(1, 40), st.integers(0, 6))
def test_groups_are_dbscan_s_with_every_point_a_core(seed, n_rows, radius):
    rng = np.random.default_rng(seed)
    bits = (rng.random((n_rows, 16)) < 0.2).astype(int)
    labels = DuplicateGroups(radius).fit_predict(bits)
    distances = (bits[:, None] != bits[None]).sum(axis=2)
    expected = DBSCAN(eps=radius + 0.5, min_samples=1, metric="precomputed").fit_predict(distances)
    assert same_partition(labels, expected)
    np.testing.assert_array_equal(labels, relabel(labels))  # numbered by first appearance


@tells_of_chains
@given(st.integers(0, 2**32))
def test_the_order_of_rows_does_not_matter(seed):
    rng = np.random.default_rng(seed)
    bits = (rng.random((30, 24)) < 0.15).astype(int)
    order = rng.permutation(30)
    labels = DuplicateGroups(2).fit_predict(bits)
    assert same_partition(DuplicateGroups(2).fit_predict(bits[order]), labels[order])


def test_a_chain_is_one_group():
    bits = np.tril(np.ones((9, 8)), k=-1)
    with pytest.warns(ChainingWarning, match="label 0 has 9 of 9 rows and a diameter of 8 bits"):
        assert DuplicateGroups(1).fit_predict(bits).tolist() == [0] * 9
    assert DuplicateGroups(0).fit_predict(bits).tolist() == list(range(9))


def test_missing_rows_are_alone():
    bits = np.zeros((4, 8))
    bits[[1, 3]] = np.nan
    groups = DuplicateGroups(8).fit(bits)
    assert groups.labels_.tolist() == [0, 1, 0, 2]
    assert groups.n_groups_ == 3


@pytest.mark.parametrize(
    ("name", "value"), [("radius", -1), ("radius", "12"), ("linkage", "ward"), ("n_jobs", 0)]
)
def test_wrong_parameters_are_named(name, value):
    with pytest.raises(ParameterError, match=f"'{name}' parameter of DuplicateGroups"):
        DuplicateGroups(**{name: value}).fit(np.zeros((2, 8)))
