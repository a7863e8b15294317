"""A finder that was saved and loaded answers as before, and a file that is wrong is told."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from hashfeatures import FailedImagesWarning, HammingNeighbors, NearDuplicateFinder, StoreError
from hashfeatures._utils.array_file import read_store, write_store


@pytest.fixture
def fitted(family):
    files, _ = family
    gray = Image.new("L", (80, 60), 128)
    with pytest.warns(FailedImagesWarning):
        return NearDuplicateFinder(
            ["phash", "dhash:16"],
            np.int64(20),
            background=(10, np.uint8(20), 30),
            linkage="complete",
        ).fit([*files, gray, "no such file.png", None, gray])


def test_a_loaded_finder_answers_as_before(fitted, family, tmp_path):
    files, _ = family
    fitted.save(tmp_path / "finder")
    loaded = NearDuplicateFinder.load(tmp_path / "finder")
    assert loaded.get_params() == fitted.get_params() | {"hashes": ("phash", "dhash:16")}
    np.testing.assert_array_equal(loaded.labels_, fitted.labels_)
    np.testing.assert_array_equal(loaded.ids_, fitted.ids_)
    pd.testing.assert_frame_equal(loaded.groups_, fitted.groups_)
    pd.testing.assert_frame_equal(loaded.failures_, fitted.failures_)
    assert loaded.summary() == fitted.summary()
    queries = [files[4], Image.new("L", (80, 60), 128)]
    for ours, theirs in (
        (loaded.pairs_, fitted.pairs_),
        (loaded.matches(queries), fitted.matches(queries)),
        (loaded.with_radius(60).pairs_, fitted.with_radius(60).pairs_),
    ):
        for column, expected in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(column, expected)


def test_a_loaded_finder_grows(family, tmp_path):
    files, shown = family
    NearDuplicateFinder().fit(files[:4]).save(tmp_path / "finder")
    grown = NearDuplicateFinder.load(tmp_path / "finder").partial_fit(files[4:])
    np.testing.assert_array_equal(grown.labels_, shown)
    grown.save(tmp_path / "finder")  # over the file that is mapped
    np.testing.assert_array_equal(NearDuplicateFinder.load(tmp_path / "finder").labels_, shown)


def test_nothing_fitted_is_saved_too(tmp_path):
    NearDuplicateFinder().fit([]).save(tmp_path / "finder")
    assert NearDuplicateFinder.load(tmp_path / "finder").summary()["images"] == 0


def test_wrong_files_are_told(fitted, tmp_path):
    path = tmp_path / "finder"
    fitted.save(path)
    content = bytearray(path.read_bytes())
    for damage, message in (
        (content[:-100], "is truncated"),
        (b"no finder", "is not a file of hashfeatures"),
        (content[:300] + bytes([content[300] ^ 1]) + content[301:], "is damaged"),
    ):
        path.write_bytes(damage)
        with pytest.raises(StoreError, match=message):
            NearDuplicateFinder.load(path)
    with pytest.raises(FileNotFoundError):
        NearDuplicateFinder.load(tmp_path / "none")


def test_hashes_of_another_release_are_told(fitted, tmp_path):
    fitted.save(tmp_path / "finder")
    arrays, facts = read_store(tmp_path / "finder", "NearDuplicateFinder")
    facts["bits_version"] += 1
    write_store(tmp_path / "later", "NearDuplicateFinder", arrays, facts)
    with pytest.raises(StoreError, match=r"hashes of another release .*: fit the finder again"):
        NearDuplicateFinder.load(tmp_path / "later")
    write_store(tmp_path / "other", HammingNeighbors.__name__, {}, {})
    with pytest.raises(StoreError, match="holds a HammingNeighbors, not a NearDuplicateFinder"):
        NearDuplicateFinder.load(tmp_path / "other")


def test_views_of_another_release_are_told(noise_image, tmp_path):
    """Releases before this one looked at windows without detail, which may match by chance."""
    for views in ("identity", "segments"):
        NearDuplicateFinder(views=views).fit([noise_image(0)]).save(tmp_path / "finder")
        arrays, facts = read_store(tmp_path / "finder", "NearDuplicateFinder")
        del facts["views_version"]
        write_store(tmp_path / views, "NearDuplicateFinder", arrays, facts)
    assert NearDuplicateFinder.load(tmp_path / "identity").n_groups_ == 1
    with pytest.raises(StoreError, match=r"hashes of another release .*: fit the finder again"):
        NearDuplicateFinder.load(tmp_path / "segments")
