"""Ranges of a band cover its codes once, and cost about what they may."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hashfeatures.distributed.pairs._pair_worker import cut_band
from hashfeatures.hamming._costs import bucket_costs


@settings(max_examples=30)
@given(st.integers(0, 10**6), st.integers(0, 40), st.integers(0, 2), st.booleans())
def test_ranges_cover_all_codes(seed, n_asked, n_flips, is_self_join):
    """The shorter they are to be, the more there are, but never more than codes."""
    rng = np.random.default_rng(seed)
    keys = np.sort(rng.integers(0, 8, n_asked) ** 2 // 8).astype(np.uint32)
    starts = np.searchsorted(keys, np.arange(9)).astype(np.uint32)
    codes = np.zeros((n_asked, 2), dtype=np.uint64)
    arrays = {"codes": codes, "starts": starts, "query_keys": keys}
    counts = []
    for most in (1e12, 1000.0, 1e-6):
        ends = cut_band(arrays, 3, n_flips, is_self_join, most)
        assert ends == sorted(set(ends))
        assert ends[-1:] == ([n_asked] if n_asked else [])
        counts.append(len(ends))
    assert counts == sorted(counts)
    assert counts[0] == min(1, n_asked)
    assert n_asked / 8 <= counts[-1] <= n_asked


def test_a_large_bucket_costs_more_than_its_codes_apart():
    met = np.full(4, 100.0)
    costs = bucket_costs(np.array([0, 1, 10, 100]), met, 4, 1000, 2, True)
    assert costs[0] == 0
    assert (np.diff(costs) > 0).all()
