"""What a finder was fitted on is not hashed again, and what it was not fitted on is."""

import os
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from hashfeatures import (
    NearDuplicateFinder,
    NearDuplicateKFold,
    drop_duplicates,
    find_duplicates,
    hash_images,
    leakage_report,
    make_report,
    repair_split,
    train_test_split,
)
from hashfeatures.plotting import plot_groups

HASHERS = (
    "duplicates._comparison.hash_sources",
    "duplicates._representatives.hash_sources",
    "hashing._hash_table.hash_sources",
)


@pytest.fixture
def no_hashing(monkeypatch):
    def refuse(*arguments, **settings):
        pytest.fail("hashed again")

    def start():
        for name in HASHERS:
            monkeypatch.setattr(f"hashfeatures.{name}", refuse)

    return start


@pytest.fixture(params=["paths", "bytes", "arrays", "frame"])
def images(request, family):
    files, _ = family
    if request.param == "bytes":
        return [Path(path).read_bytes() for path in files]
    if request.param == "arrays":
        return [np.asarray(Image.open(path)) for path in files]
    return pd.DataFrame({"path": files}) if request.param == "frame" else files


def calls(finder):
    """Return what takes images and a finder, and what each answers."""
    return {
        "find_duplicates": lambda X: find_duplicates(X, finder=finder).drop(columns="image"),
        "drop_duplicates": lambda X: drop_duplicates(X, finder=finder, return_info=True)[1][
            ["kept", "distance"]
        ],
        "make_report": lambda X: make_report(X, finder=finder, max_thumbnails=0).summary,
        "train_test_split": lambda X: train_test_split(
            X, np.arange(len(X)), finder=finder, random_state=0
        )[3].tolist(),
        "folds": lambda X: [
            test.tolist() for _, test in NearDuplicateKFold(3, finder=finder).split(X)
        ],
        "leaks": lambda X: leakage_report(X[:7], X[7:], finder=finder).summary(),
        "repair": lambda X: str(repair_split(X[:7], X[7:], finder=finder)[2]),
    }


@pytest.mark.filterwarnings("ignore::hashfeatures.SplitSizeWarning")
@pytest.mark.parametrize("name", calls(None))
def test_nothing_is_hashed_again(name, images, no_hashing):
    expected = calls(NearDuplicateFinder())[name](images)
    fitted = NearDuplicateFinder().fit(images)
    restored = pickle.loads(pickle.dumps(fitted))
    no_hashing()
    for finder in (fitted, restored):
        found = calls(finder)[name](images)
        if isinstance(expected, pd.DataFrame):
            pd.testing.assert_frame_equal(found, expected)
        else:
            assert found == expected


def test_a_loaded_finder_knows_its_files(family, no_hashing, tmp_path):
    files, _ = family
    fitted = NearDuplicateFinder().fit(files)
    fitted.save(tmp_path / "x.finder")
    no_hashing()
    loaded = NearDuplicateFinder.load(tmp_path / "x.finder")
    pd.testing.assert_frame_equal(
        find_duplicates(files, finder=loaded), fitted.duplicates(), check_index_type=False
    )


@pytest.mark.parametrize("linkage", ["single", "complete"])
def test_groups_have_the_numbers_of_the_labels_everywhere(family, linkage, image_files):
    files, _ = family
    X = [image_files[0], *files, image_files[1]]
    finder = NearDuplicateFinder(linkage=linkage).fit(X)
    table = finder.duplicates()
    np.testing.assert_array_equal(table["group"], finder.labels_[table.index])
    pd.testing.assert_frame_equal(find_duplicates(X, finder=finder), table, check_index_type=False)
    assert set(table["group"]) == set(finder.groups_.index)
    report = make_report(X, finder=finder, max_thumbnails=0)
    for group in report.summary["groups"]:
        rows = [report.summary["images"][place]["row"] for place in group["images"]]
        assert set(finder.labels_[rows]) == {group["label"]}


def change_file(files):
    Image.effect_mandelbrot((90, 70), (-2, -1.5, 1, 1.5), 50).save(files[0])


@pytest.mark.parametrize(
    "change",
    [
        change_file,
        lambda files: files.reverse(),
        lambda files: files.pop(),
        lambda files: files.append(files[0]),
        lambda files: os.remove(files[0]),
    ],
    ids=["another image", "order", "fewer", "more", "gone"],
)
@pytest.mark.filterwarnings("ignore::hashfeatures.FailedImagesWarning")
def test_in_doubt_images_are_hashed_again(change, family):
    files, _ = family
    files = list(files)
    fitted = NearDuplicateFinder().fit(files)
    change(files)
    expected = find_duplicates(files)
    pd.testing.assert_frame_equal(find_duplicates(files, finder=fitted), expected)
    assert len(make_report(files, finder=fitted, max_thumbnails=0).summary["images"]) == len(
        expected
    )


def test_arrays_that_changed_are_hashed_again(family):
    files, _ = family
    arrays = [np.array(Image.open(path)) for path in files]
    fitted = NearDuplicateFinder().fit(arrays)
    arrays[0][:] = arrays[-1][0, 0]
    assert 0 in fitted.duplicates().index
    assert 0 not in find_duplicates(arrays, finder=fitted).index


def test_other_settings_are_not_those_of_the_fit(family):
    files, _ = family
    fitted = NearDuplicateFinder(radius=0).fit(files)
    fitted.set_params(radius=12)
    pd.testing.assert_frame_equal(find_duplicates(files, finder=fitted), find_duplicates(files))


def test_a_table_of_hashes_is_known_again(family, monkeypatch):
    files, _ = family
    table = hash_images(files, ["phash", "dhash"])
    fitted = NearDuplicateFinder().fit_table(table)
    monkeypatch.setattr(NearDuplicateFinder, "fit", lambda *a: pytest.fail("fitted again"))
    assert fitted._is_fitted_on(table)
    assert not fitted._is_fitted_on(table.iloc[::-1])
    changed = table.assign(dhash=table["dhash"].to_numpy()[::-1])
    assert not fitted._is_fitted_on(changed)
    assert len(make_report(table, finder=fitted, max_thumbnails=0).summary["images"]) == 15


@pytest.mark.parametrize("in_memory", [False, True])
def test_a_finder_is_drawn(family, in_memory):
    files, _ = family
    X = [Image.open(path).copy() for path in files] if in_memory else files
    finder = NearDuplicateFinder().fit(X)
    axes = plot_groups(finder)
    assert axes.shape == (5, 3)
    assert {type(image) for image in finder.duplicates()["image"]} == {type(X[0])}
