"""Promise 4: every answer equals brute force, whatever the data and however it is cut up."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hashfeatures.exceptions import TooManyPairsError
from hashfeatures.hamming import _index as index
from hashfeatures.hamming import _join as join
from hashfeatures.hamming import _unique_codes as unique_codes
from hashfeatures.hamming._index import HammingIndex
from hashfeatures.hamming._packing import words_from_bits
from hashfeatures.hamming._pairs import Pairs
from hashfeatures.hamming._plan import plan_self_join

WIDTHS = [1, 7, 42, 64, 65, 128, 298, 512, 1024, 1100]
ALGORITHMS = ["auto", "brute", "multi_index"]


@st.composite
def codes(draw, max_rows=40):
    """Random, low-entropy, near, duplicated and all-equal bits, some rows missing."""
    n_rows, n_bits = draw(st.integers(0, max_rows)), draw(st.sampled_from(WIDTHS))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    kind = draw(st.sampled_from(["random", "sparse", "near", "copies", "equal"]))
    share = {"sparse": 0.03, "equal": 0}.get(kind, 0.5)
    bits = (rng.random((n_rows, n_bits)) < share).astype(float)
    if kind in ("near", "copies") and n_rows:
        bits = bits[rng.integers(0, max(1, n_rows // 4), n_rows)]
    if kind == "near":
        bits = (bits != (rng.random(bits.shape) < 0.05)).astype(float)
    bits[rng.random(n_rows) < draw(st.sampled_from([0, 0.3, 1]))] = np.nan
    return bits


def naive_distances(left, right):
    """Return distances as floats, NaN where a row is missing."""
    counted = (left[:, None] != right[None]).sum(axis=2).astype(float)
    counted[np.isnan(left).any(axis=1)] = np.nan
    counted[:, np.isnan(right).any(axis=1)] = np.nan
    return counted


def make_index(bits, n_jobs=None, algorithm="auto"):
    words, present = words_from_bits(bits)
    return HammingIndex(words, present, bits.shape[1], n_jobs, algorithm), words, present


@pytest.fixture(autouse=True, params=["small blocks", "real blocks"])
def blocks(request, monkeypatch):
    """Cut the work into many small blocks too, as large data would be, and leave numpy out."""
    if request.param == "small blocks":
        monkeypatch.setattr(index, "_SMALL", 0)
        monkeypatch.setattr(index, "_QUERY_BLOCK", 5)
        monkeypatch.setattr(index, "_HELD_PAIRS", 7)
        monkeypatch.setattr(index, "_KNN_SHARE", 1e4)
        monkeypatch.setattr(join, "_BLOCK_PAIRS", 3)
        monkeypatch.setattr(join, "_TILE", 4)
        monkeypatch.setattr(unique_codes, "_STEP", 5)
    else:
        monkeypatch.setattr(index, "has_loaded_kernels", lambda package: False)


searches = st.sampled_from(ALGORITHMS)
jobs = st.sampled_from([None, 2])
radii = st.integers(0, 16) | st.integers(0, 1200)


@settings(max_examples=40)
@given(codes(), radii, jobs, searches)
def test_pairs(bits, radius, n_jobs, algorithm):
    distances = naive_distances(bits, bits)
    left, right = np.nonzero(np.triu(distances <= radius, k=1))
    found = make_index(bits, n_jobs, algorithm)[0].all_pairs(radius)
    np.testing.assert_array_equal(found.left, left)
    np.testing.assert_array_equal(found.right, right)
    np.testing.assert_array_equal(found.distance, distances[left, right])


@settings(max_examples=40)
@given(codes(), radii, st.booleans(), jobs, searches)
def test_radius(bits, radius, exclude, n_jobs, algorithm):
    index, words, present = make_index(bits, n_jobs, algorithm)
    distances = naive_distances(bits, bits)
    if exclude:
        np.fill_diagonal(distances, np.nan)
    queries = np.flatnonzero(present)
    for _ in range(2):  # the second search finds the codes laid out
        found = index.radius(words[queries], radius, queries if exclude else None)
        left, right = np.nonzero(distances[queries] <= radius)
        np.testing.assert_array_equal(found.left, left)
        np.testing.assert_array_equal(found.right, right)
        np.testing.assert_array_equal(found.distance, distances[queries][left, right])


@settings(max_examples=40)
@given(codes(), st.integers(1, 12), st.booleans(), jobs, searches)
def test_kneighbors(bits, k, exclude, n_jobs, algorithm):
    index, words, present = make_index(bits, n_jobs, algorithm)
    distances = naive_distances(bits, bits)
    if exclude:
        np.fill_diagonal(distances, np.nan)
    queries = np.flatnonzero(present)
    found_distances, found_rows = index.kneighbors(words[queries], k, queries if exclude else None)
    assert found_rows.shape == found_distances.shape == (len(queries), k)
    for place, query in enumerate(queries):
        known = np.flatnonzero(~np.isnan(distances[query]))
        nearest = known[np.argsort(distances[query, known], kind="stable")][:k]
        gap = k - len(nearest)
        assert found_rows[place].tolist() == [*nearest, *[-1] * gap]
        expected = [*distances[query, nearest], *[bits.shape[1] + 1] * gap]
        assert found_distances[place].tolist() == expected


@settings(max_examples=40)
@given(codes(), radii, jobs, searches)
def test_components(bits, radius, n_jobs, algorithm):
    near = naive_distances(bits, bits) <= radius
    labels = -np.ones(len(bits), dtype=int)
    n_groups = 0
    for row in range(len(bits)):
        if labels[row] < 0:
            reached = np.arange(len(bits)) == row
            while (grown := reached | near[reached].any(axis=0)).sum() > reached.sum():
                reached = grown
            labels[reached] = n_groups
            n_groups += 1
    found = make_index(bits, n_jobs, algorithm)[0].components(radius)
    np.testing.assert_array_equal(found, labels)


def test_codes_of_many_bits():
    """Distances beyond what 16 bits can count."""
    bits = np.zeros((2, 70_000), dtype=np.uint8)
    bits[1] = 1
    index, words, _ = make_index(bits)
    assert index.kneighbors(words, 2)[0].tolist() == [[0, 70_000]] * 2
    assert not len(index.all_pairs(0).left)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_radius_of_more_than_all_bits_finds_all(algorithm):
    """However large: compiled loops count in 64 bits."""
    index, words, _ = make_index(np.eye(5), algorithm=algorithm)
    assert len(index.radius(words, 2**63).left) == 25
    assert len(index.all_pairs(2**63).left) == 10
    assert not index.components(2**63).any()


def test_a_million_copies_are_one_code():
    """Their pairs would be half a billion millions: groups do without, and arrays are refused."""
    words = np.zeros((1_000_000, 2), dtype=np.uint64)
    words[-1, 0] = 1
    index = HammingIndex(words, np.ones(len(words), dtype=bool), 128)
    assert not index.components(1).any()
    assert index.components(0).sum() == 1
    assert index.kneighbors(words[:1], 3)[1].tolist() == [[0, 1, 2]]
    with pytest.raises(TooManyPairsError, match=r"More than 1,000 pairs .*DuplicateGroups"):
        index.all_pairs(0, limit=1000)


def test_a_limit_is_what_may_be_returned():
    bits = np.zeros((5, 8))
    index, words, _ = make_index(bits)
    assert len(index.all_pairs(0, limit=10).left) == 10
    with pytest.raises(TooManyPairsError, match="More than 9 pairs"):
        index.all_pairs(0, limit=9)
    with pytest.raises(TooManyPairsError, match=r"More than 24 .* fewer queries at a time\.$"):
        index.radius(words, 0, limit=24)
    assert isinstance(next(index.pairs(0)), Pairs)


@pytest.mark.parametrize("algorithm", ["auto", "multi_index"])
def test_a_radius_is_planned_once(algorithm, monkeypatch):
    planned = []

    def plan(codes, n_bits, radius, forced):
        planned.append(radius)
        return plan_self_join(codes, n_bits, radius, forced)

    monkeypatch.setattr(index, "plan_self_join", plan)
    monkeypatch.setattr(index, "_SMALL", 0)
    bits = np.random.default_rng(0).integers(0, 2, (3000, 64))
    tables = make_index(bits, algorithm=algorithm)[0]
    for radius in (4, 9, 4, 9):
        tables.components(radius)
        tables.all_pairs(radius)
    assert planned == [4, 9]


def test_few_codes_need_no_compiled_loops(monkeypatch):
    """Where they are loaded already, they search what takes numpy longer."""
    bits = np.random.default_rng(0).integers(0, 2, (500, 64))
    monkeypatch.setattr(index, "_SMALL", 2048)
    found = []
    for loaded, unused in (((), "UniqueCodes"), (("hamming",), "scan_within")):
        with monkeypatch.context() as patch:
            patch.setattr(index, "has_loaded_kernels", loaded.__contains__)
            patch.setattr(index, unused, None)
            found.append(make_index(bits)[0].all_pairs(22))
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)
