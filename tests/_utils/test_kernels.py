"""Compiled loops are imported on first use, under one name wherever they are used."""

import subprocess
import sys

from hashfeatures._utils.kernels import load_kernels

SCRIPT = """
import sys
import hashfeatures.hamming._index, hashfeatures.hashing._planes
before = "numba" in sys.modules
from hashfeatures._utils.kernels import load_kernels
load_kernels("hamming")
print(before, "numba" in sys.modules)
"""


def test_numba_is_imported_with_the_first_loop():
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["False", "True"]


def test_each_package_has_its_loops():
    assert load_kernels("hamming").__name__ == "hashfeatures.hamming._kernels"
    assert load_kernels("hashing.views").__name__ == "hashfeatures.hashing.views._kernels"
    assert load_kernels("hamming") is load_kernels("hamming")
