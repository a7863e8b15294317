"""Layouts grow while they are asked."""

import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from hashfeatures.hamming._index import HammingIndex


@pytest.fixture
def _hasty_threads():
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("_hasty_threads")
def test_threads_of_the_caller_may_search_one_index():
    """Each new radius may add bands, over which another thread is going just then."""
    words = np.random.default_rng(0).integers(0, 2**63, (3000, 1), dtype=np.uint64)
    present = np.ones(len(words), dtype=bool)
    for _ in range(5):
        index = HammingIndex(words, present, 64)
        with ThreadPoolExecutor(8) as threads:
            found = list(threads.map(index.radius, [words[:50]] * 100, [*range(25)] * 4))
        assert [len(pairs.left) for pairs in found[:3]] == [50, 50, 50]
