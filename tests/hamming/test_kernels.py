"""What is compiled once is not compiled again."""

import os
import subprocess
import sys

import pytest

ASK = """
from hashfeatures.duplicates import _kernels as of_groups
from hashfeatures.duplicates.fingerprints import _kernels as of_images
from hashfeatures.hamming import _kernels as kernels
from hashfeatures.hamming import _query_kernels as of_queries
compiled = [kernels.join_of(2), kernels.nearest_of(2), kernels.join_of(5), kernels.group]
compiled += [kernels.collapse, kernels.many_nearest_of(2)]
compiled += [of_queries.scan_of(2)]
compiled += [of_images.choose_views, of_images.least_distances, of_images.second_distances]
compiled += [of_groups.widest_distances, of_groups.note_pairs]
print(sum(sum(kernel.stats.cache_misses.values()) for kernel in compiled))
"""


@pytest.fixture(scope="module")
def compile_elsewhere(tmp_path_factory):
    """Return a function that compiles in a process of its own, and counts what was not cached."""
    folder = str(tmp_path_factory.mktemp("compiled"))

    def ask():
        done = subprocess.run(
            [sys.executable, "-c", ASK],
            env=os.environ | {"NUMBA_CACHE_DIR": folder},
            capture_output=True,
            check=True,
        )
        return int(done.stdout)

    return ask


@pytest.mark.slow
def test_the_second_process_compiles_nothing(compile_elsewhere):
    assert compile_elsewhere() == 12
    assert compile_elsewhere() == 0
