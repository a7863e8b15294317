"""What is compiled once is not compiled again."""

import os
import subprocess
import sys

import pytest

ASK = """
from hashfeatures.hamming import _kernels as kernels
compiled = [kernels.join_of(2), kernels.nearest_of(2), kernels.join_of(5), kernels.group]
compiled += [kernels.collapse, kernels.choose_views, kernels.many_nearest_of(2)]
compiled += [kernels.widest_distances]
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


def test_the_second_process_compiles_nothing(compile_elsewhere):
    assert compile_elsewhere() == 8
    assert compile_elsewhere() == 0
