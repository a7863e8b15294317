"""Groups over views are as wide as their members are far apart, and complete linkage cuts them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashfeatures import ChainingWarning
from hashfeatures.duplicates._components import label_components
from hashfeatures.duplicates._diameters import warn_of_chains
from hashfeatures.duplicates._labels import tabulate_groups
from hashfeatures.duplicates.fingerprints._linkage import group_views
from hashfeatures.duplicates.fingerprints._views import ViewCodes
from hashfeatures.hashing.views._windows import VIEW_SETS

FLIPS = VIEW_SETS["flips"]


def make_codes(seed, n_images=14, n_different=9):
    rng = np.random.default_rng(seed)
    words = rng.integers(0, 2**5, (n_different, FLIPS.n_views, 1), dtype=np.uint64)
    return ViewCodes(words[rng.integers(0, n_different, n_images)], FLIPS)


def distance(codes, left, right):
    return int(codes.take([left]).distances(codes.take([right]))[0])


@given(st.integers(0, 10**6), st.integers(1, 3), st.sampled_from([2, 1024]))
def test_complete_groups_hold_nobody_too_far(seed, radius, most):
    codes = make_codes(seed)
    labels = label_components(14, codes.pairs(radius))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hashfeatures.duplicates.fingerprints._linkage._MOST_COMPARED", most)
        parts, diameters = group_views(codes, labels, radius, "complete")
    for one in range(14):
        for other in range(one):
            if parts[one] == parts[other]:
                assert labels[one] == labels[other]
                assert distance(codes, one, other) <= radius
            if (codes.words[one] == codes.words[other]).all():
                assert parts[one] == parts[other], "equal images are never parted"
    if most == 1024:
        assert (diameters.at_most <= radius).all()


def test_diameters_are_counted_over_views():
    codes = make_codes(3)
    labels, diameters = group_views(codes, np.zeros(14, dtype=np.intp), 0, "single")
    with pytest.warns(ChainingWarning):
        warn_of_chains(diameters, 0)
    groups = tabulate_groups(diameters)
    assert not labels.any()
    widest = max(distance(codes, one, other) for one in range(14) for other in range(one))
    assert groups.loc[0].tolist() == [14, widest, True]


def test_nobody_forms_no_group():
    labels, diameters = group_views(make_codes(0, 0), np.empty(0, dtype=np.intp), 3, "single")
    assert len(labels) == len(tabulate_groups(diameters)) == 0


@given(st.integers(0, 10**6), st.integers(1, 5), st.sampled_from([3, 1024]))
def test_the_diameter_of_every_group_is_the_greatest_distance(seed, n_groups, most):
    """Of groups of more different images than are compared, it is an upper bound."""
    codes = make_codes(seed)
    given_labels = np.random.default_rng(seed).integers(0, n_groups, 14)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hashfeatures.duplicates.fingerprints._linkage._MOST_COMPARED", most)
        patch.setattr("hashfeatures.duplicates.fingerprints._linkage._BLOCK", 4)
        _, diameters = group_views(codes, given_labels, 30, "single")
    groups = tabulate_groups(diameters)
    for label, (size, diameter, exact) in zip(groups.index, groups.to_numpy(), strict=True):
        members = np.flatnonzero(given_labels == label)
        widest = max(distance(codes, a, b) for a in members for b in members)
        n_different = len(np.unique(codes.words[members], axis=0))
        assert size == len(members)
        assert exact == (n_different <= most) or diameter == widest
        assert diameter == (widest if exact else codes.n_bits)
