"""Arrays that exceed memory are mapped from files, and behave like others."""

import numpy as np

from hashfeatures._utils import large_arrays


def test_both_kinds_are_zeros_that_can_be_written(monkeypatch):
    for most in (0, 2**20):
        monkeypatch.setattr(large_arrays, "MOST_IN_MEMORY", most)
        array = large_arrays.allocate_zeros((30, 20), np.int32)
        assert type(array) is np.ndarray
        assert not array.any()
        array[3] = 5
        assert array.sum() == 100


def test_only_large_ones_are_in_files(monkeypatch, tmp_path):
    monkeypatch.setattr(large_arrays.tempfile, "tempdir", str(tmp_path))
    made = []
    original = np.memmap
    monkeypatch.setattr(
        large_arrays.np, "memmap", lambda *a, **k: made.append(a) or original(*a, **k)
    )
    monkeypatch.setattr(large_arrays, "MOST_IN_MEMORY", 100)
    large_arrays.allocate_zeros((10, 10), np.uint8)
    assert not made
    large_arrays.allocate_zeros((10, 11), np.uint8)
    assert len(made) == 1
    assert not list(tmp_path.iterdir()), "the file has no name, or is gone"
