"""Compiled loops are imported on first use, under one name wherever they are used."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from hashfeatures._utils import kernels
from hashfeatures._utils.kernels import KernelsInBackground, load_kernels

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


def test_they_are_loaded_in_the_background_after_some_work(monkeypatch):
    monkeypatch.setattr(kernels, "_LOADED", {})
    monkeypatch.setattr(kernels, "load_kernels", load_kernels.__wrapped__)
    loops = KernelsInBackground("hamming", budget=2)
    assert [loops.get(1), loops.get(1)] == [None, None]
    assert loops._thread is None
    loops.get(1)
    loops._finish()
    assert loops.get(1) is load_kernels("hamming")


def test_they_are_loaded_at_once_for_much_work(monkeypatch):
    monkeypatch.setattr(kernels, "_LOADED", {})
    assert KernelsInBackground("hamming", budget=2).get(3) is load_kernels("hamming")


def test_what_cannot_be_loaded_in_the_background_is_done_without(monkeypatch, caplog):
    def fail(package):
        raise ImportError("no numba")

    monkeypatch.setattr(kernels, "_LOADED", {})
    monkeypatch.setattr(kernels, "load_kernels", fail)
    loops = KernelsInBackground("hamming", budget=1)
    with caplog.at_level("DEBUG", logger="hashfeatures"):
        loops.get(1)
        loops.get(1)
        loops._finish()
    assert loops.get(1) is None
    assert "no numba" in caplog.text


def test_many_threads_begin_to_load_them_once(monkeypatch):
    loaded = []
    monkeypatch.setattr(kernels, "_LOADED", {})
    monkeypatch.setattr(kernels, "load_kernels", loaded.append)
    for _ in range(20):
        loops = KernelsInBackground("hamming", budget=1)
        with ThreadPoolExecutor(8) as pool:
            assert set(pool.map(lambda _, get=loops.get: get(1), range(16))) == {None}
        loops._finish()
    assert loaded == ["hamming"] * 20


SMALL = """
import sys
import numpy as np
from PIL import Image
from hashfeatures import DuplicateGroups, HammingNeighbors, HammingNeighborsTransformer
from hashfeatures import ImageHashFeaturizer, drop_duplicates, find_duplicates, hash_images
bits = np.random.default_rng(0).random((int(sys.argv[1]), 64)) > 0.5
bits[1] = bits[0]
for algorithm in ("auto", "brute"):
    near = HammingNeighbors(algorithm=algorithm).fit(bits[:-1]).partial_fit(bits[-1:])
    near.pairs(), list(near.iter_pairs()), near.components()
    near.kneighbors(), near.kneighbors(bits[:2]), near.radius_neighbors(bits[:2])
    near.kneighbors_graph(), near.radius_neighbors_graph(), near.remove([2]).pairs()
HammingNeighborsTransformer().fit_transform(bits)
for linkage in ("single", "complete"):
    groups = DuplicateGroups(linkage=linkage).fit(bits)
    groups.labels_, groups.groups_
images = [Image.fromarray(row.reshape(8, 8)) for row in bits[:6]]
hash_images(images)
assert "numba" not in sys.modules
"""


@pytest.mark.parametrize("n_rows", [10, 2000])
def test_small_inputs_do_without(n_rows):
    """In every method: numba takes longer to import than these take."""
    done = subprocess.run(
        [sys.executable, "-c", SMALL, str(n_rows)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
