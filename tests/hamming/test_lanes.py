"""A join compares eight codes at once: none that is near may be left out, wherever it stands."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hashfeatures.hamming import _join as join
from hashfeatures.hamming._bands import cut_bands
from hashfeatures.hamming._packing import hamming_distances
from hashfeatures.hamming._plan import Plan


@st.composite
def crowded_codes(draw):
    """Codes of few keys, so that buckets hold from none to more codes than a tile has rows."""
    n_words = draw(st.sampled_from([1, 2, 3, 5]))
    n_codes = draw(st.integers(1, 150))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    words = rng.integers(0, 2**64, (n_codes, n_words), dtype=np.uint64)
    firsts = rng.integers(0, n_codes, n_codes)
    flips = np.uint64(1) << rng.integers(0, 64, (n_codes, n_words), dtype=np.uint64)
    near = np.where(rng.random((n_codes, 1)) < 0.5, words[firsts] ^ flips, words)
    return np.unique(near, axis=0)


def plan_of(n_bits, n_bands, width, limit):
    """Bands that together cover every pair within `n_bands * (limit + 1) - 1` bits."""
    return Plan(cut_bands(n_bits, [width] * n_bands), [limit] * n_bands, 1e9)


@pytest.mark.parametrize("block", [1, 1 << 16])
@settings(max_examples=25)
@given(codes=crowded_codes(), width=st.integers(1, 6), limit=st.integers(0, 2))
def test_tiles_find_every_pair_once(block, codes, width, limit):
    """Blocks of one pair stop the search within a tile, from where it goes on."""
    n_bands = 4
    radius = n_bands * (limit + 1) - 1
    distances = hamming_distances(codes[:, None], codes, np.uint32)
    plan = plan_of(64 * codes.shape[1], n_bands, width, min(limit, width))
    expected = np.argwhere(np.triu(distances <= radius, k=1)).tolist()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(join, "_BLOCK_PAIRS", block)
        blocks = list(join.self_join(codes, plan, radius, 1))
    found = sorted(
        [int(left), int(right), int(distance)]
        for each in blocks
        for left, right, distance in zip(each.left, each.right, each.distance, strict=True)
    )
    assert found == [[*pair, int(distances[tuple(pair)])] for pair in expected]


def test_candidates_are_the_pairs_of_buckets_that_meet():
    """All pairs share the only bucket, and each is compared once."""
    codes = np.arange(100, dtype=np.uint64)[:, None] << np.uint64(32)
    band = cut_bands(64, [1])[0]
    plan = Plan([band], [1], 1e9)
    blocks = list(join.self_join(codes, plan, 1, 1))
    assert sum(block.n_candidates for block in blocks) == 100 * 99 // 2
