"""Searches run on the threads of this machine, whatever the backend of joblib has elsewhere."""

import joblib
import pytest
from joblib.parallel import ParallelBackendBase, register_parallel_backend

from hashfeatures.hamming._join import count_threads


class Cluster(ParallelBackendBase):
    """A backend that has a thousand workers on other machines."""

    def effective_n_jobs(self, n_jobs):
        return 1000

    def submit(self, func, callback=None):
        raise NotImplementedError

    apply_async = submit  # its name in older releases


register_parallel_backend("a thousand workers", Cluster)


@pytest.mark.parametrize("n_jobs", [None, -1, 1000])
def test_a_large_cluster_is_not_a_thousand_threads_here(n_jobs):
    with joblib.parallel_config("a thousand workers"):
        assert count_threads(n_jobs) == joblib.cpu_count()


def test_fewer_threads_are_those_that_are_asked_for():
    with joblib.parallel_config("loky"):
        assert count_threads(1) == count_threads(None) == 1
