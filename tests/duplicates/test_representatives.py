"""The images that are kept dominate the others, and are independent of each other."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hashfeatures.duplicates._representatives import greedy_cover
from hashfeatures.duplicates.fingerprints._fingerprints import Fingerprints
from hashfeatures.duplicates.fingerprints._search import build_graph
from hashfeatures.hamming._packing import words_from_bits


@given(st.integers(0, 2**32), st.integers(1, 40), st.integers(0, 4))
def test_kept_images_dominate_and_are_independent(memory_bounds, seed, n_images, radius):
    """Each dropped one is within the radius of a kept one; no two kept ones are."""
    rng = np.random.default_rng(seed)
    bits = (rng.random((n_images, 12)) < 0.15).astype(int)
    nothing, pixels = np.zeros(n_images, bool), np.zeros((n_images, 2), np.uint64)
    fingerprints = Fingerprints(words_from_bits(bits)[0], ~nothing, pixels, nothing, 12)
    near = build_graph(fingerprints, radius, None)
    order = rng.permutation(near.rows_with_duplicates())
    row, distance = greedy_cover(near, order)
    distances = (bits[:, None] != bits[None]).sum(axis=2)
    kept = np.flatnonzero(row == np.arange(n_images))
    dropped = np.flatnonzero(row != np.arange(n_images))
    assert set(row) == set(kept)
    assert (distances[dropped, row[dropped]] <= radius).all()
    np.testing.assert_array_equal(distances[np.arange(n_images), row], distance)
    if len(dropped):
        np.testing.assert_array_equal(
            distances[np.ix_(dropped, kept)].min(axis=1), distance[dropped]
        )
    among = distances[np.ix_(kept, kept)]
    assert (among[~np.eye(len(kept), dtype=bool)] > radius).all()
    if len(order):
        assert row[order[0]] == order[0], "what is preferred most is kept"
