"""Rows that came in batches are found as if they had come at once, and are laid out few times."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hashfeatures import HammingNeighbors
from hashfeatures.hamming._log_structured import merge_runs


@given(st.lists(st.integers(1, 50), min_size=1, max_size=60))
def test_runs_shrink_from_first_to_last(batches):
    """So there are few of them, and a row is joined with others a few times only."""
    ends, joined = (), 0
    for n_rows in np.cumsum(batches).tolist():
        before = ends
        ends = merge_runs(ends, n_rows)
        assert ends[-1] == n_rows
        joined += n_rows - max([0, *(end for end in ends if end in before)])
        sizes = np.diff([0, *ends])
        assert (sizes[1:] < sizes[:-1]).all()
    assert joined <= ends[-1] * (2 + np.log2(ends[-1]))


@given(
    st.lists(st.integers(0, 9), min_size=1, max_size=6),
    st.integers(0, 2**32 - 1),
    st.sampled_from(["auto", "brute", "multi_index"]),
)
def test_batches_are_one_collection(batches, seed, algorithm):
    """Ties, missing and removed rows, and rows asked for themselves among them."""
    rng = np.random.default_rng(seed)
    bits = rng.integers(0, 2, (sum(batches) + 1, 12)).astype(float)
    bits[rng.random(len(bits)) < 0.1] = np.nan
    removed = np.flatnonzero(rng.random(len(bits)) < 0.1)
    whole = HammingNeighbors(algorithm=algorithm).fit(bits).remove(removed)
    parts = HammingNeighbors(algorithm=algorithm).fit(bits[:1])
    start = 1
    for size in batches:
        if size:
            parts.partial_fit(bits[start : start + size])
            start += size
            parts.kneighbors(bits, 1)
    parts.remove(removed)
    k = len(bits) - 1
    for queries in (None, bits):
        for found, expected in zip(
            parts.radius_neighbors(queries, 4), whole.radius_neighbors(queries, 4), strict=True
        ):
            for one, other in zip(found, expected, strict=True):
                np.testing.assert_array_equal(one, other)
        if k:
            for found, expected in zip(
                parts.kneighbors(queries, k), whole.kneighbors(queries, k), strict=True
            ):
                np.testing.assert_array_equal(found, expected)
    for found, expected in zip(parts.pairs(4), whole.pairs(4), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_a_small_batch_leaves_what_was_laid_out(monkeypatch):
    """Of a large collection nothing is laid out again, whether rows are added or removed."""
    bits = np.random.default_rng(0).integers(0, 2, (5000, 64), dtype=np.uint8)
    neighbors = HammingNeighbors(radius=3).fit(bits)
    neighbors.radius_neighbors(bits[:50])
    (large,) = neighbors._rows.indexes.values()
    neighbors.partial_fit(bits[:3]).radius_neighbors(bits[:50])
    neighbors.remove([5001]).radius_neighbors(bits[:50])
    assert large in neighbors._rows.indexes.values()
    assert len(neighbors._rows.indexes) == 2
