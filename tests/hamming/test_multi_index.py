"""Layouts grow while they are asked."""

import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from hashfeatures.hamming import _multi_index as multi_index
from hashfeatures.hamming._distances import uniform_distances
from hashfeatures.hamming._index import HammingIndex
from hashfeatures.hamming._multi_index import MultiIndex


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


def test_queries_are_planned_once_they_have_taken_as_long_as_a_plan(monkeypatch):
    """Until then, they compare all codes. Later queries within the same radius keep the plan."""
    sampled = []

    def sample(*arguments):
        sampled.append(arguments)
        return uniform_distances(64)

    monkeypatch.setattr(multi_index, "sample_distances", sample)
    codes = np.random.default_rng(0).integers(0, 2**63, (10_000, 1), dtype=np.uint64)
    tables = MultiIndex(codes, 64, "auto")
    assert not tables.plan(1, 4).bands
    assert not sampled
    for _ in range(3):
        plan = tables.plan(10_000, 4)
        assert plan.bands
    assert len(sampled) == 1
    assert tables.plan(10_000, 4).limits == plan.limits
