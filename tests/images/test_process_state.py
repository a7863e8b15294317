"""Workers read what the process that started their run would read."""

import os

import joblib
import numpy as np
import pytest

from hashfeatures import ImageHashFeaturizer
from hashfeatures.images._process_state import ProcessState


@pytest.mark.parametrize("backend", ["threading", "loky", "multiprocessing"])
def test_relative_paths_start_from_the_folder_of_the_caller(
    backend, image_files, tmp_path, monkeypatch
):
    """Workers are kept between runs, and were started in another folder."""
    featurizer = ImageHashFeaturizer("phash", n_jobs=2)
    names = [os.path.basename(path) for path in image_files]
    with joblib.parallel_config(backend):
        expected = featurizer.transform(image_files)
        monkeypatch.chdir(tmp_path)
        np.testing.assert_array_equal(featurizer.transform(names), expected)


def test_a_folder_that_is_not_there_is_left_alone(tmp_path, monkeypatch):
    """As on another machine, or where the folder of the caller was deleted."""
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    here = ProcessState(ProcessState.here().pillow, ProcessState.here().network, str(gone), -1)
    monkeypatch.chdir(tmp_path)
    gone.rmdir()
    here.apply()
    assert os.getcwd() == str(tmp_path)
