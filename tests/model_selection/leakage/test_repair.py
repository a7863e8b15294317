"""A repaired split leaks nothing, and no image is moved without need."""

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from hashfeatures import (
    DuplicateGroups,
    FailedImagesWarning,
    ParameterError,
    SplitSizeWarning,
    assert_no_leakage,
    leakage_report,
    repair_split,
)

PRIORITIES = ["a", "b", ["c", "b"], "majority"]


@pytest.mark.filterwarnings("ignore::hashfeatures.SplitSizeWarning")
@given(st.integers(0, 2**32), st.sampled_from(PRIORITIES), st.integers(0, 4))
def test_nothing_leaks_nothing_is_lost_and_nothing_moves_without_need(seed, priority, radius):
    rng = np.random.default_rng(seed)
    bits = (rng.random((rng.integers(3, 60), 16)) < 0.15).astype(float)
    bits[rng.random(len(bits)) < 0.1] = np.nan
    cuts = np.sort(rng.integers(1, len(bits), 2))
    parts = dict(zip("abc", np.split(bits, cuts), strict=True))
    rows = np.split(np.arange(len(bits)), cuts)
    finder = DuplicateGroups(radius)
    repaired, repair = repair_split(parts, priority=priority, finder=finder)
    assert list(repaired) == list(parts)
    assert leakage_report(repaired, finder=finder).n_pairs == 0
    moved_rows = repair.apply(*rows)
    for part, own in zip(repaired.values(), moved_rows, strict=True):
        np.testing.assert_array_equal(part, bits[own])
    assert sorted(np.concatenate(moved_rows)) == list(range(len(bits)))
    before = np.repeat(range(3), [len(part) for part in rows])
    labels = repair._parts.graph.labels()
    after = np.empty_like(before)
    for number, own in enumerate(moved_rows):
        after[own] = number
    n_moved = 0
    for label in np.unique(labels):
        counts = np.bincount(before[labels == label], minlength=3)
        (keeper,) = set(after[labels == label])
        if priority == "majority":
            assert counts[keeper] == counts.max()
        else:
            order = [*priority, *(set("abc") - set(priority))]
            named = [name for name in order if counts["abc".index(name)]]
            if named[0] in priority:
                assert "abc"[keeper] == named[0]
        n_moved += counts.sum() - counts[keeper]
    assert len(repair.moved) == n_moved


def test_who_keeps_a_group(family):
    files, _ = family
    train, test = [files[0], files[3], files[6]], [files[1], files[2], files[9]]
    kept_by_train = repair_split(train, test)
    assert kept_by_train[0] == [*train, files[1], files[2]]
    assert kept_by_train[1] == [files[9]]
    kept_by_test = repair_split(train, test, priority="test")
    assert kept_by_test[0] == train[1:]
    assert kept_by_test[1] == [*test, files[0]]
    assert repair_split(train, test, priority="majority")[:2] == kept_by_test[:2]


def test_the_moves_are_listed(family):
    files, _ = family
    train, test, repair = repair_split(files[:2], [files[2], files[4], files[3]])
    assert repair.moved.to_dict("records") == [
        {
            "image": files[2],
            "from_part": "test",
            "from_row": 0,
            "to_part": "train",
            "to_row": 2,
        }
    ]
    assert train[2] == files[2]
    assert str(repair) == (
        "1 of 5 images moved: 1 from test to train. Images before: train 2, test 3; after: "
        "train 3, test 2."
    )
    assert repair.apply([0, 1], [2, 4, 3]) == [[0, 1, 2], [4, 3]]
    assert_no_leakage(train, test)
    with pytest.raises(ValueError, match=r"parts of \[2, 3\] rows, .*Got parts of \[2, 2\] rows"):
        repair.apply([0, 1], [2, 4])
    unmoved = repair_split(train, test)[2]
    assert unmoved.moved.empty
    assert str(unmoved).startswith("0 of 5 images moved. Images before")


KINDS = {
    "list": list,
    "tuple": tuple,
    "array": np.array,
    "Series": lambda files: pd.Series(files, index=[f"row {file[-9:]}" for file in files]),
    "frame": lambda files: pd.DataFrame({"image": files, "y": range(len(files))}),
    "polars Series": pl.Series,
    "polars frame": lambda files: pl.DataFrame({"image": files, "y": range(len(files))}),
}


@pytest.mark.parametrize("kind", KINDS)
def test_parts_stay_in_containers_of_their_kind(family, kind):
    files, _ = family
    train, test, _ = repair_split(KINDS[kind](files[:2]), KINDS[kind](files[2:6]))
    assert type(train) is type(test) is type(KINDS[kind](files))
    for part, expected in ((train, files[:3]), (test, files[3:6])):
        images = part["image"] if hasattr(part, "columns") else part
        assert list(images) == expected
    if kind == "Series":
        assert train.index[2] == f"row {files[2][-9:]}"


def test_labels_may_be_sparse(family):
    files, _ = family
    repair = repair_split(files[:2], files[2:6])[2]
    train, test = repair.apply(csr_matrix(np.eye(2)), csr_matrix(np.ones((4, 2))))
    assert train.toarray().tolist() == [[1, 0], [0, 1], [1, 1]]
    assert test.shape == (3, 2)


def test_an_emptied_part_is_warned_about(family):
    files, _ = family
    with pytest.warns(SplitSizeWarning, match="All 1 images of test have near duplicates"):
        assert repair_split(files[:2], files[2:3])[:2] == (files[:3], [])


def test_parts_of_different_kinds_are_refused(family):
    files, _ = family
    with pytest.raises(TypeError, match=r"containers of one kind.*list and .*tuple"):
        repair_split(files[:2], tuple(files[2:6]))
    one, other = pd.DataFrame({"image": files[:2]}), pd.DataFrame({"image": files[2:6], "y": 1})
    with pytest.raises(TypeError, match="tables with the same columns"):
        repair_split(one, other)


def test_parts_are_named_as_the_mapping_names_them():
    """Names of parts may be numbers, as of folds."""
    bits = {0: [[0, 0], [1, 1]], 1: [[0, 0]]}
    for priority, sizes in ((0, [3, 0]), ([1], [1, 2])):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SplitSizeWarning)
            parts, _ = repair_split(bits, priority=priority, finder=DuplicateGroups(radius=0))
        assert [len(part) for part in parts.values()] == sizes


@pytest.mark.parametrize("priority", ["first", ["train", "first"], None, 1, np.array(["test"])])
def test_an_unknown_priority_is_refused(priority):
    with pytest.raises(
        ParameterError, match=r"a part among \['train', 'test'\], .*or 'majority'\. Got"
    ):
        repair_split(["a.png"], ["b.png"], priority=priority)


def test_a_repair_counts_images_that_could_not_be_read(family):
    """They were not compared, so the parts may still share them."""
    files, _ = family
    with pytest.warns(FailedImagesWarning):
        train, _, repair = repair_split([files[0], "absent.png"], [files[1], files[3]])
    assert len(train) == 3
    assert repair.unreadable == {"train": 1, "test": 0}
    expected = "1 image could not be read and was not compared. By part: train 1, test 0."
    assert expected in str(repair)
