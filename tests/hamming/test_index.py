"""Promise 4: every answer equals brute force, whatever the data and however it is cut up."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashfeatures.bits import words_from_bits
from hashfeatures.hamming import index as module
from hashfeatures.hamming.index import HammingIndex, Pairs


@st.composite
def codes(draw, max_rows=40):
    """Random, low-entropy, duplicated and all-equal bits, some rows missing."""
    n_rows, n_bits = draw(st.integers(0, max_rows)), draw(st.sampled_from([1, 7, 42, 64, 65, 128]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    kind = draw(st.sampled_from(["random", "sparse", "copies", "equal"]))
    share = {"random": 0.5, "sparse": 0.03, "copies": 0.5, "equal": 0}[kind]
    bits = (rng.random((n_rows, n_bits)) < share).astype(float)
    if kind == "copies" and n_rows:
        bits = bits[rng.integers(0, max(1, n_rows // 4), n_rows)]
    bits[rng.random(n_rows) < draw(st.sampled_from([0, 0.3, 1]))] = np.nan
    return bits


def naive_distances(left, right):
    """Return distances as floats, NaN where a row is missing."""
    counted = (left[:, None] != right[None]).sum(axis=2).astype(float)
    counted[np.isnan(left).any(axis=1)] = np.nan
    counted[:, np.isnan(right).any(axis=1)] = np.nan
    return counted


def make_index(bits, n_jobs=None):
    words, present = words_from_bits(bits)
    return HammingIndex(words, present, bits.shape[1], n_jobs), words, present


@pytest.fixture(autouse=True, params=[(3, 5), (32, 8192)], ids=["small blocks", "real blocks"])
def blocks(request, monkeypatch):
    """Cut the work into many small blocks too, as large data would be."""
    monkeypatch.setattr(module, "_BLOCK_ROWS", request.param[0])
    monkeypatch.setattr(module, "_BLOCK_COLUMNS", request.param[1])


@given(codes(), st.integers(0, 130), st.sampled_from([None, 2]))
def test_pairs(bits, radius, n_jobs):
    distances = naive_distances(bits, bits)
    left, right = np.nonzero(np.triu(distances <= radius, k=1))
    found = Pairs.concatenate(make_index(bits, n_jobs)[0].pairs(radius))
    np.testing.assert_array_equal(found.left, left)
    np.testing.assert_array_equal(found.right, right)
    np.testing.assert_array_equal(found.distance, distances[left, right])


@given(codes(), st.integers(0, 130), st.booleans())
def test_radius(bits, radius, exclude):
    index, words, present = make_index(bits)
    distances = naive_distances(bits, bits)
    if exclude:
        np.fill_diagonal(distances, np.nan)
    queries = np.flatnonzero(present)
    found = index.radius(words[queries], radius, queries if exclude else None)
    left, right = np.nonzero(distances[queries] <= radius)
    np.testing.assert_array_equal(found.left, left)
    np.testing.assert_array_equal(found.right, right)
    np.testing.assert_array_equal(found.distance, distances[queries][left, right])


@given(codes(), st.integers(1, 12), st.booleans(), st.sampled_from([None, 2]))
def test_kneighbors(bits, k, exclude, n_jobs):
    index, words, present = make_index(bits, n_jobs)
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


def test_codes_of_many_bits():
    """Distances beyond what 16 bits can count."""
    bits = np.zeros((2, 70_000), dtype=np.uint8)
    bits[1] = 1
    index, words, _ = make_index(bits)
    assert index.kneighbors(words, 2)[0].tolist() == [[0, 70_000]] * 2
    assert [len(block.left) for block in index.pairs(0)] == [0] * len(list(index.pairs(0)))


def test_blocks_of_pairs_are_in_order():
    bits = np.zeros((50, 8))
    index, _, _ = make_index(bits)
    blocks = list(index.pairs(0))
    pairs = Pairs.concatenate(blocks)
    assert len(pairs.left) == 50 * 49 // 2
    assert (np.lexsort((pairs.right, pairs.left)) == np.arange(len(pairs.left))).all()
