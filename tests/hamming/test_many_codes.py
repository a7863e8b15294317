"""Promise 4 again: more codes than hypothesis draws, in blocks that are not made small."""

import numpy as np
import pytest

from hashfeatures.hamming import _join as join
from hashfeatures.hamming._index import HammingIndex
from hashfeatures.hamming._packing import words_from_bits


@pytest.mark.parametrize("algorithm", ["auto", "brute", "multi_index"])
@pytest.mark.parametrize(("n_bits", "radius"), [(64, 10), (128, 12), (42, 3), (298, 20)])
def test_more_codes_than_numpy_compares(n_bits, radius, algorithm, monkeypatch):
    """Near, skewed and equal codes, enough for several bands, stretches and tiles."""
    monkeypatch.setattr(join, "_BLOCK_PAIRS", 5000)
    rng = np.random.default_rng(n_bits)
    bits = rng.integers(0, 2, (3000, n_bits), dtype=np.uint8)
    bits[:500, 3:] = bits[0, 3:]
    near = rng.integers(0, 3000, 1500)
    bits[1500:] = bits[near] ^ (rng.random((1500, n_bits)) < 0.04)
    words, present = words_from_bits(bits)
    index = HammingIndex(words, present, n_bits, 2, algorithm)
    distances = np.bitwise_count(words[:, None] ^ words[None]).sum(axis=2, dtype=np.int64)
    found = index.all_pairs(radius)
    left, right = np.nonzero(np.triu(distances <= radius, k=1))
    np.testing.assert_array_equal(found.left, left)
    np.testing.assert_array_equal(found.right, right)
    np.testing.assert_array_equal(found.distance, distances[left, right])
    nearest = np.argsort(distances, axis=1, kind="stable")[:, :5]
    left, right = np.nonzero(distances[::3] <= radius)
    for _ in range(2):  # the second search finds the codes laid out
        asked = index.radius(words[::3], radius)
        np.testing.assert_array_equal(asked.left, left)
        np.testing.assert_array_equal(asked.right, right)
        np.testing.assert_array_equal(index.kneighbors(words, 5)[1], nearest)


@pytest.mark.parametrize("n_bits", [42, 128, 298])
@pytest.mark.parametrize("k", [64, 65, 700, 2999, 4000])
def test_many_neighbors_of_many_codes(n_bits, k, monkeypatch):
    """Ties by row, across blocks of queries, and of more neighbors than are kept in order."""
    monkeypatch.setattr("hashfeatures.hamming._index._HELD_PAIRS", 50_000)
    rng = np.random.default_rng(k)
    bits = rng.integers(0, 2, (3000, n_bits), dtype=np.uint8)
    bits[1000:] = bits[rng.integers(0, 1000, 2000)] ^ (rng.random((2000, n_bits)) < 0.02)
    words, present = words_from_bits(bits)
    present[::7] = False
    index = HammingIndex(words, present, n_bits, 2)
    distances, rows = index.kneighbors(words[:40], k)
    apart = np.bitwise_count(words[:40, None] ^ words[None]).sum(axis=2, dtype=np.int64)
    apart[:, ~present] = n_bits + 1
    order = np.argsort(apart, axis=1, kind="stable")[:, :k]
    n_found = min(k, int(present.sum()))
    np.testing.assert_array_equal(rows[:, :n_found], order[:, :n_found])
    expected = np.take_along_axis(apart, order, axis=1)
    np.testing.assert_array_equal(distances[:, :n_found], expected[:, :n_found])
    assert (rows[:, n_found:] == -1).all()
    assert (distances[:, n_found:] == n_bits + 1).all()


@pytest.mark.parametrize("algorithm", ["auto", "brute", "multi_index"])
def test_at_radius_0_nothing_is_compared(algorithm):
    """Equal codes are found by a hash table, however alike the others are."""
    numbers = np.arange(6000, dtype=np.uint64) % 5000
    words = np.stack([np.zeros_like(numbers), numbers], axis=1)
    index = HammingIndex(words, np.ones(len(words), dtype=bool), 128, 2, algorithm)
    assert index.components(0).tolist() == numbers.tolist()
    found = index.all_pairs(0)
    assert found.left.tolist() == list(range(1000))
    assert found.right.tolist() == list(range(5000, 6000))
    assert index.n_candidates_ == 0
