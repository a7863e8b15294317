"""Promise 4 again, of more codes than are compared by hand, and of what a search may return."""

import numpy as np
import pytest

from hashfeatures.bits import words_from_bits
from hashfeatures.exceptions import TooManyPairsError
from hashfeatures.hamming import join
from hashfeatures.hamming.index import HammingIndex
from hashfeatures.hamming.pairs import Pairs


def make_index(bits, n_jobs=None, algorithm="auto"):
    words, present = words_from_bits(bits)
    return HammingIndex(words, present, bits.shape[1], n_jobs, algorithm), words


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
    index, words = make_index(bits, 2, algorithm)
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


def test_codes_of_many_bits():
    """Distances beyond what 16 bits can count."""
    bits = np.zeros((2, 70_000), dtype=np.uint8)
    bits[1] = 1
    index, words = make_index(bits)
    assert index.kneighbors(words, 2)[0].tolist() == [[0, 70_000]] * 2
    assert not len(index.all_pairs(0).left)


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
    index, words = make_index(bits)
    assert len(index.all_pairs(0, limit=10).left) == 10
    with pytest.raises(TooManyPairsError, match="More than 9 pairs"):
        index.all_pairs(0, limit=9)
    with pytest.raises(TooManyPairsError, match="More than 24 pairs"):
        index.radius(words, 0, limit=24)
    assert isinstance(next(index.pairs(0)), Pairs)
