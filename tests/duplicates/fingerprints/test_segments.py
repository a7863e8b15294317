"""The distance of images by segments is that of the definition, however it is looked up."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashfeatures.duplicates.fingerprints._segments import SegmentCodes


def make_codes(seed, n_images, n_segments):
    """Return codes of few bits, so that they agree now and then; each image has one or more."""
    rng = np.random.default_rng(seed)
    words = rng.integers(1, 2**8, (n_images, n_segments, 2), dtype=np.uint64)
    words[rng.random(n_images) < 0.3, 0] = 0
    n_shown = rng.integers(1, n_segments + 1, n_images)
    words[np.arange(n_segments) >= n_shown[:, None]] = 0
    return SegmentCodes.fit(words)


def distance(left, right):
    """Return the distance as the module's docstring defines it, by trying every two pairs."""
    left, right = (
        np.vstack([codes[:1], codes[1:][codes[1:].any(axis=1)]]) for codes in (left, right)
    )
    table = np.bitwise_count(left[:, None] ^ right[None]).sum(axis=2, dtype=int)
    two = [
        max(table[i, j], table[k, m])
        for i, j in np.ndindex(table.shape)
        for k, m in np.ndindex(table.shape)
        if i != k and j != m
    ]
    return min([2 * table.min(), *two, 128])


@pytest.fixture(params=["looked up", "in halves", "measured"])
def ways(request):
    """How near segments are found: in one block, in halves of it, or by measuring all images."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param != "looked up":
            patch.setattr("hashfeatures.duplicates.fingerprints._base._MOST_NEAR", 2)
        if request.param == "in halves":
            patch.setattr("hashfeatures.duplicates.fingerprints._base._MOST_MEASURED", 0)
        yield request.param


@given(st.integers(0, 2**32), st.integers(1, 5), st.integers(0, 16))
def test_every_distance_within_the_radius_is_found(ways, seed, n_segments, radius):
    codes, queries = make_codes(seed, 6, n_segments), make_codes(seed + 1, 5, 3)
    expected = {
        (row, other): distance(query, code)
        for row, query in enumerate(queries.words)
        for other, code in enumerate(codes.words)
    }
    found = codes.matches(queries, radius)
    told = zip(zip(found.left, found.right, strict=True), found.distance, strict=True)
    assert dict(told) == {pair: far for pair, far in expected.items() if far <= radius}
    for (row, other), far in expected.items():
        assert queries.take([row]).distances(codes.take([other])) == far


@given(st.integers(0, 2**32), st.integers(0, 16))
def test_pairs_are_matches_among_themselves(ways, seed, radius):
    codes = make_codes(seed, 8, 4)
    pairs = codes.pairs(radius)
    assert (pairs.left < pairs.right).all()
    back = codes.matches(codes, radius)
    np.testing.assert_array_equal(
        np.sort(back.distance[back.left > back.right]), np.sort(pairs.distance)
    )


@given(st.integers(0, 2**32))
def test_distances_between_images_are_those_of_the_definition(seed):
    codes = make_codes(seed, 6, 4)
    left, right = np.triu_indices(6, k=1)
    expected = [distance(codes.words[a], codes.words[b]) for a, b in zip(left, right, strict=True)]
    assert codes.between(left, right).tolist() == expected


def test_joined_codes_answer_as_one_collection():
    codes = SegmentCodes.join([make_codes(0, 4, 2), make_codes(1, 4, 6)])
    assert codes.words.shape == (8, 6, 2)
    rows = np.arange(4)
    np.testing.assert_array_equal(
        codes.take(rows).distances(codes.take(rows + 4)),
        make_codes(0, 4, 2).distances(make_codes(1, 4, 6)),
    )


def test_the_first_code_is_a_segment_even_if_all_its_bits_are_zero():
    codes = SegmentCodes.fit(np.zeros((3, 5, 2), dtype=np.uint64))
    assert codes.words.shape == (3, 1, 2)
    assert codes.pairs(0).distance.tolist() == [0, 0, 0]
    assert codes.distances(codes).tolist() == [0, 0, 0]


def test_columns_are_kept_up_to_the_last_that_an_image_fills():
    words = np.zeros((2, 5, 1), dtype=np.uint64)
    words[:, 2] = 7
    np.testing.assert_array_equal(SegmentCodes.fit(words).words, words[:, :3])


def test_nobody_has_no_pairs():
    codes = SegmentCodes.fit(np.zeros((0, 5, 2), dtype=np.uint64))
    assert len(codes.pairs(128).left) == 0
    assert len(codes.distances(codes)) == 0
