"""The join over views is exact and symmetric, and names views that are so near."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashfeatures.duplicates.fingerprints._views import ViewCodes, ViewIndex
from hashfeatures.hamming._pairs import Pairs
from hashfeatures.hashing.views._windows import VIEW_SETS

ROBUST = VIEW_SETS["robust"]


def make_codes(rng, n_images, views=ROBUST, n_words=1):
    """Return codes of few different bits, so that many are near."""
    words = rng.integers(0, 2**12, (n_images, views.n_views, n_words), dtype=np.uint64)
    return ViewCodes(words, views)


def naive_distance(one, other, views):
    """Compare all views of each with the base views of the other."""
    count = [
        np.bitwise_count(left[:, None] ^ right[None, views.base_views]).sum(axis=-1).min()
        for left, right in ((one, other), (other, one))
    ]
    return int(min(count))


@pytest.fixture(params=["looked up", "in halves", "measured"])
def ways(request):
    """How near views are found: in one block, in halves of it, or by measuring all images."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param != "looked up":
            patch.setattr("hashfeatures.duplicates.fingerprints._base._MOST_NEAR", 1)
        if request.param == "in halves":
            patch.setattr("hashfeatures.duplicates.fingerprints._base._MOST_MEASURED", 0)
        yield request.param


@given(st.integers(0, 10**6), st.sampled_from(sorted(VIEW_SETS)), st.integers(0, 5))
def test_pairs_are_those_of_brute_force(ways, seed, name, radius):
    views = VIEW_SETS[name]
    codes = make_codes(np.random.default_rng(seed), 9, views, n_words=2)
    expected = {}
    for left in range(9):
        for right in range(left + 1, 9):
            distance = naive_distance(codes.words[left], codes.words[right], views)
            if distance <= radius:
                expected[left, right] = distance
    found = codes.pairs(radius)
    places = zip(found.left.tolist(), found.right.tolist(), strict=True)
    ours = dict(zip(places, found.distance, strict=True))
    assert ours == expected
    assert list(ours) == sorted(ours)


@given(st.integers(0, 10**6), st.integers(0, 4))
def test_matches_are_symmetric(seed, radius):
    rng = np.random.default_rng(seed)
    codes, queries = make_codes(rng, 6), make_codes(rng, 5)
    found = codes.matches(queries, radius)
    back = queries.matches(codes, radius)
    one = set(zip(found.left, found.right, found.distance, strict=True))
    other = set(zip(back.right, back.left, back.distance, strict=True))
    assert one == other
    for left, right, distance in one:
        assert naive_distance(queries.words[left], codes.words[right], ROBUST) == distance


@given(st.integers(0, 10**6), st.integers(1, 2))
def test_named_views_are_the_plainest_of_those_that_are_nearly_as_near(seed, n_words):
    """The distance is the least; views are plainer the fewer parts of images they show."""
    rng = np.random.default_rng(seed)
    codes, others = (make_codes(rng, 4, n_words=n_words) for _ in range(2))
    rows, columns = (part.ravel() for part in np.indices((4, 4)))
    named = codes.name(others, Pairs(rows, columns, np.zeros(16, dtype=np.int64)))
    number = {ROBUST.name_view(view): view for view in range(ROBUST.n_views)}
    is_base = np.isin(range(ROBUST.n_views), list(ROBUST.base_views))
    is_part = np.arange(ROBUST.n_views) >= ROBUST.n_orientations
    is_compared = is_base[:, None] | is_base
    n_parts = is_part[:, None] + is_part.astype(int)
    slack = 3 * n_words

    for left, right, distance, one, other in zip(*named, strict=True):
        views = number[one], number[other]
        assert is_compared[views]
        apart = np.bitwise_count(codes.words[left][:, None] ^ others.words[right][None])
        apart = apart.sum(axis=-1, dtype=int)
        assert distance == naive_distance(codes.words[left], others.words[right], ROBUST)
        assert distance <= apart[views] <= distance + slack
        nearly_as_near = is_compared & (apart <= distance + slack)
        assert (n_parts[nearly_as_near] >= n_parts[views]).all()


def test_of_equally_near_views_the_plainest_is_named():
    codes = ViewCodes(np.zeros((2, ROBUST.n_views, 1), dtype=np.uint64), ROBUST)
    named = codes.name(codes, codes.pairs(0))
    assert named.left_view.tolist() == named.right_view.tolist() == ["as it is"]


def test_blocks_do_not_show(monkeypatch):
    codes = make_codes(np.random.default_rng(0), 50)
    whole = codes.pairs(3), codes.name(codes, codes.pairs(3))
    monkeypatch.setattr("hashfeatures.duplicates.fingerprints._views._MEASURED", 7)
    monkeypatch.setattr(ViewIndex, "block_size", 16)
    monkeypatch.setattr("hashfeatures.duplicates.fingerprints._base._MOST_NEAR", 2000)
    for ours, theirs in zip(
        (codes.pairs(3), codes.name(codes, codes.pairs(3))), whole, strict=True
    ):
        for column, expected in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(column, expected)


def test_digests_are_equal_where_all_views_are():
    codes = make_codes(np.random.default_rng(0), 3)
    words = codes.words[[0, 1, 0, 2, 2]].copy()
    words[4, -1, 0] ^= np.uint64(1)
    digests = ViewCodes(words, ROBUST).digests()
    equal = (digests[:, None] == digests[None]).all(axis=2)
    np.testing.assert_array_equal(np.argwhere(np.triu(equal, k=1)), [[0, 2]])


@pytest.mark.parametrize("n_images", [0, 1])
def test_nobody_has_no_pairs(n_images):
    codes = make_codes(np.random.default_rng(0), n_images)
    assert len(codes.pairs(64).left) == 0
    assert len(codes.matches(codes.take(np.arange(0)), 64).left) == 0
    assert codes.digests().shape == (n_images, 2)


@given(st.integers(0, 10**6))
def test_distances_between_images_are_those_of_the_definition(seed):
    codes = make_codes(np.random.default_rng(seed), 6)
    left, right = np.triu_indices(6, k=1)
    expected = [
        naive_distance(codes.words[a], codes.words[b], ROBUST)
        for a, b in zip(left, right, strict=True)
    ]
    assert codes.between(left, right).tolist() == expected
    assert codes.take(left).distances(codes.take(right)).tolist() == expected
