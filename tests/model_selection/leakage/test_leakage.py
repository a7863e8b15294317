"""The report lists every near duplicate across parts and no other, and CI can fail on them."""

import json
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import BaseEstimator, ClusterMixin

from hashfeatures import (
    DuplicateGroups,
    FailedImagesWarning,
    LeakageError,
    NearDuplicateFinder,
    ParameterError,
    SequenceFinder,
    UncheckedLeakageError,
    assert_no_leakage,
    leakage_report,
    repair_split,
)
from hashfeatures.exceptions import TooManyPairsError


class Columns(ClusterMixin, BaseEstimator):
    """A finder of groups without distances: rows with the same first bit."""

    def fit(self, X, y=None):
        self.labels_ = np.asarray(X)[:, 0]
        return self


def crowded_parts(seed, n_parts):
    rng = np.random.default_rng(seed)
    bits = (rng.random((rng.integers(n_parts, 60), 16)) < 0.15).astype(float)
    bits[rng.random(len(bits)) < 0.1] = np.nan
    return np.array_split(bits, n_parts)


@given(st.integers(0, 2**32), st.integers(2, 4), st.integers(0, 4))
def test_pairs_and_shares_are_those_of_brute_force(memory_bounds, seed, n_parts, radius):
    parts = dict(zip("abcd", crowded_parts(seed, n_parts), strict=False))
    report = leakage_report(parts, finder=DuplicateGroups(radius))
    expected = set()
    names = list(parts)
    for i, one in enumerate(names):
        for other in names[i + 1 :]:
            distances = (parts[one][:, None] != parts[other][None]).sum(axis=2)
            known = ~np.isnan(parts[one][:, :1]) & ~np.isnan(parts[other][:, 0])
            near = np.argwhere(known & (distances <= radius)).tolist()
            expected |= {(one, i, other, j, int(distances[i, j])) for i, j in near}
    found = report.pairs[["left_part", "left", "right_part", "right", "distance"]]
    assert set(found.itertuples(index=False, name=None)) == expected
    assert len(found) == len(expected) == report.n_pairs
    assert found["distance"].is_monotonic_increasing
    for n in (1, 3, len(expected)):
        pd.testing.assert_frame_equal(report.worst(n), report.pairs.head(n))
    for name in names:
        for other in names:
            if name == other:
                continue
            leaks = {
                row if part == name else other_row
                for part, row, other_part, other_row, _ in expected
                if {part, other_part} == {name, other}
            }
            assert report.shares.loc[name, other] == pytest.approx(len(leaks) / len(parts[name]))
    leaks = {right for _, _, part, right, _ in expected if part == names[-1]}
    assert set(report.leaking) == leaks
    assert report.share == pytest.approx(len(leaks) / len(parts[names[-1]]))


def test_images_are_named(family):
    files, _ = family
    train, test = [*files[:4], *files[6:9]], [files[4], files[9], files[5]]
    y = ["cat", "coffee", "cat"]
    report = leakage_report(train, test, y=y)
    assert report.leaking.tolist() == [0, 2]
    assert report.share == pytest.approx(2 / 3)
    pairs = set(zip(report.pairs["left_image"], report.pairs["right_image"], strict=True))
    assert pairs == {(files[3], files[4]), (files[3], files[5])}
    assert report.by_class.to_dict("index") == {
        "cat": {"images": 2, "leaking": 2, "share": 1.0},
        "coffee": {"images": 1, "leaking": 0, "share": 0.0},
    }
    assert str(report).startswith("2 of 3 images in test (66.7%) have a near duplicate in train.")
    assert leakage_report(train, test).by_class is None
    assert json.loads(json.dumps(report.summary()))["leaking"] == 2


def test_several_parts_by_name(family):
    files, _ = family
    parts = {"train": files[:3], "validation": files[3:6], "test": [files[1], files[4], files[9]]}
    report = leakage_report(parts)
    assert report.share == pytest.approx(2 / 3)
    assert report.shares.loc["test", "train"] == pytest.approx(1 / 3)
    assert report.shares.loc["validation", "test"] == 1
    assert report.shares.loc["validation", "train"] == 0
    assert set(report.pairs["right_part"]) == {"test"}
    assert "in train or validation" in str(report)


@pytest.mark.parametrize("kind", [tuple, np.array, pd.Series, pl.Series])
def test_parts_may_be_any_container(family, kind):
    files, _ = family
    report = leakage_report(kind(files[:4]), kind(files[4:]))
    assert report.leaking.tolist() == [0, 1]
    frame = pd.DataFrame({"path": files, "y": 1})
    assert leakage_report(frame[:4], frame[4:]).leaking.tolist() == [0, 1]


def test_failures_leak_nowhere(family):
    files, _ = family
    with pytest.warns(FailedImagesWarning):
        one = leakage_report(files[:1], [files[3], None])
    assert "1 image could not be read and was not compared." in str(one)
    with pytest.warns(FailedImagesWarning):
        report = leakage_report([None, files[0]], [None, files[3], "no such file.png"])
    assert report.n_pairs == 0
    assert "3 images could not be read and were not compared" in str(report)
    assert report.unreadable == {"train": 1, "test": 2}
    assert "By part: train 1, test 2." in str(report)
    assert str(report) in repr(report)
    with pytest.warns(FailedImagesWarning):
        assert_no_leakage([None, files[0]], [None, files[3]], allow_unreadable=2)


def test_a_finder_of_groups_alone_gives_pairs_without_distances(family, custom_finder):
    files, _ = family
    report = leakage_report(files[:4], files[4:], finder=custom_finder)
    assert report.leaking.tolist() == [0, 1]
    assert report.pairs["distance"].isna().all()
    bits = leakage_report([[0, 1], [1, 1]], [[1, 0]], finder=Columns())
    assert bits.pairs[["left", "right"]].to_numpy().tolist() == [[1, 0]]
    with pytest.raises(LeakageError, match=r"train\[1\] and test\[0\]\n"):
        assert_no_leakage([[0, 1], [1, 1]], [[1, 0]], finder=Columns())


def test_copies_without_number_are_counted_and_not_written_out():
    """A million copies in each part make a million million pairs."""
    train, test = np.zeros((100_000, 64), dtype=np.uint8), np.zeros((200_000, 64), dtype=np.uint8)
    train[0], test[0] = 1, 1
    report = leakage_report(train, test)
    assert report.n_pairs == 99_999 * 199_999 + 1
    assert report.share == 1
    assert report.worst(3)["distance"].tolist() == [0, 0, 0]
    with pytest.raises(TooManyPairsError, match="more than the 100000000 that can be written out"):
        report.pairs  # noqa: B018


def test_the_error_names_the_worst_pairs_and_holds_the_report(family):
    files, _ = family
    with pytest.raises(LeakageError) as caught:
        assert_no_leakage(files[::3], files[1::3])
    message = str(caught.value)
    assert "5 of 5 images in test (100.0%)" in message
    assert f"train[0], {files[0]!r} and test[0], {files[1]!r}: " in message
    assert caught.value.report.n_pairs == 5
    assert isinstance(caught.value, AssertionError)
    assert str(pickle.loads(pickle.dumps(caught.value))) == message
    with pytest.raises(LeakageError) as of_paths:
        assert_no_leakage([Path(file) for file in files[::3]], files[1::3])
    assert str(of_paths.value) == message
    with pytest.raises(LeakageError, match="  and 5 more\\n"):
        assert_no_leakage(files[::3], files[1::3] + files[2::3])
    assert_no_leakage(files[:3], files[3:])
    assert_no_leakage({"train": files[:3], "validation": files[3:6], "test": files[6:]})


def test_a_part_may_be_empty(family):
    files, _ = family
    assert leakage_report(files, []).share == 0
    assert leakage_report([], files[:2]).n_pairs == 0
    assert leakage_report({"train": np.eye(3), "test": np.empty((0, 3))}).share == 0
    with pytest.raises(ValueError, match="0 sample"):
        leakage_report(np.empty((0, 3)), np.empty((0, 3)))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (lambda files: (files,), TypeError, "needs at least two parts, .* Got test = None"),
        (lambda files: ({"train": files},), TypeError, "Got 1 part"),
        (
            lambda files: ({"a": files, "b": files}, files),
            TypeError,
            "Got a mapping and a test part",
        ),
        (lambda files: (files, np.eye(6)), TypeError, "Got both, in train, test"),
        (
            lambda files: (np.eye(6), np.eye(7)),
            ValueError,
            r"the same number of bits. Got \[6, 7\]",
        ),
        (lambda files: (files, files[0]), TypeError, "for one image, wrap it in a list"),
    ],
)
def test_wrong_parts_are_refused(image_files, arguments, error, message):
    with pytest.raises(error, match=message):
        leakage_report(*arguments(image_files))


@pytest.mark.parametrize(
    ("y", "error", "message"),
    [
        ([1, 2], ValueError, "3 images, and y of length 2"),
        ([1, [2], 3], TypeError, r"Got \[2\] of type list in row 1"),
    ],
)
def test_wrong_labels_are_refused_before_an_image_is_read(monkeypatch, y, error, message):
    monkeypatch.setattr(
        "hashfeatures.duplicates._comparison.hash_sources", lambda *a, **k: pytest.fail("read")
    )
    with pytest.raises(error, match=message):
        leakage_report(["a.png"], ["b.png"] * 3, y=y)


def test_missing_labels_are_a_class():
    report = leakage_report(
        np.eye(2), np.eye(2), y=["a", None], finder=NearDuplicateFinder(radius=0)
    )
    assert report.by_class["images"].tolist() == [1, 1]


@pytest.mark.filterwarnings("ignore::hashfeatures.FailedImagesWarning")
def test_what_could_not_be_read_was_not_checked(family):
    """A check that read no image, as in the wrong folder, does not pass."""
    files, _ = family
    absent = [f"elsewhere/{number}.png" for number in range(3)]
    for train, test, why in [
        (absent, files[:3], "none of 3 images in train could be read"),
        (files[:3], absent, "none of 3 images in test could be read"),
        (files[:3], [*files[3:6], absent[0]], r"1 of 7 images could not be read \(test 1 of 4\)"),
        (files[:3], [], "test has no images"),
        ([], files[:3], "train has no images"),
    ]:
        with pytest.raises(UncheckedLeakageError, match=why) as caught:
            assert_no_leakage(train, test)
        assert isinstance(caught.value, LeakageError)
        assert caught.value.report.n_pairs == 0
        assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
    for allowed in (1, 5, 0.15):
        assert_no_leakage(files[:3], [*files[3:6], absent[0]], allow_unreadable=allowed)
    for allowed in (0, 0.14):
        with pytest.raises(UncheckedLeakageError):
            assert_no_leakage(files[:3], [*files[3:6], absent[0]], allow_unreadable=allowed)
    with pytest.raises(UncheckedLeakageError):
        assert_no_leakage(files[:3], absent, allow_unreadable=99)  # no image of a part
    for wrong in (-1, 1.5, 1.0, True, "1"):
        with pytest.raises(ParameterError, match="allow_unreadable"):
            assert_no_leakage(files[:3], files[3:], allow_unreadable=wrong)


@pytest.mark.filterwarnings("ignore::hashfeatures.FailedImagesWarning")
def test_leaks_that_were_found_count_more_than_images_that_were_not_read(family):
    files, _ = family
    with pytest.raises(LeakageError, match="2 images could not be read") as caught:
        assert_no_leakage([files[0], "absent.png"], [files[1], "absent_too.png"])
    assert not isinstance(caught.value, UncheckedLeakageError)


@pytest.mark.filterwarnings("ignore::hashfeatures.FailedImagesWarning")
def test_a_report_of_nothing_gives_no_share(family):
    """The report claims no "0.0 %" about a part that could not be read."""
    files, _ = family
    report = leakage_report(files[:2], ["absent.png"])
    assert str(report).startswith("Not checked: none of 1 image in test could be read.")
    assert "%" not in str(report)
    assert report.unreadable == {"train": 0, "test": 1}
    assert report.summary()["share"] is None
    three = leakage_report({"train": files[:1], "validation": files[1:2], "test": ["absent.png"]})
    assert "none of 1 image in test could be read" in str(three)
    assert "100.0% of the images in validation" in str(three)
    assert three.summary()["shares"]["test"] == {"train": None, "validation": None}
    assert three.summary()["shares"]["validation"] == {"train": 1.0, "test": None}


def test_rows_of_nan_are_unreadable_images():
    """The featurizer returns such rows for images that it could not read."""
    bits = np.array([[0.0, 1], [1, 0], [np.nan, np.nan]])
    report = leakage_report(bits[:1], bits[1:], finder=DuplicateGroups(radius=0))
    assert report.unreadable == {"train": 0, "test": 1}
    with pytest.raises(UncheckedLeakageError, match="test 1 of 2"):
        assert_no_leakage(bits[:1], bits[1:], finder=DuplicateGroups(radius=0))
    with pytest.raises(UncheckedLeakageError, match="none of 1 image in test"):
        assert_no_leakage(bits[:1], bits[2:], finder=DuplicateGroups(radius=0))


@pytest.mark.parametrize("n_unreadable", [7, 14, 28, 29, 57, 58])
def test_a_share_of_unreadable_images_is_exact(n_unreadable):
    """29 of 100 are 0.29 of them, though 0.29 times 100 is a little less than 29."""
    train, test = np.zeros((50, 50)), np.eye(50)
    train[: min(n_unreadable, 49)] = np.nan
    test[: max(n_unreadable - 49, 0)] = np.nan
    parts = (train, test)
    finder = DuplicateGroups(radius=0)
    assert_no_leakage(*parts, finder=finder, allow_unreadable=n_unreadable / 100)
    with pytest.raises(UncheckedLeakageError, match=f"{n_unreadable} of 100 images"):
        assert_no_leakage(*parts, finder=finder, allow_unreadable=(n_unreadable - 1) / 100)


class NoDuplicates(ClusterMixin, BaseEstimator):
    """A finder in which images are alone, and that reads none."""

    def fit_predict(self, X, y=None):
        return np.arange(len(X))


class TestGroups:
    """Groups that must not be in more than one part."""

    train = tuple(f"train/{track}_{frame}.png" for track in range(3) for frame in range(0, 9, 2))
    test = tuple(f"test/{track}_{frame}.png" for track in (0, 2, 5) for frame in range(1, 9, 2))

    @pytest.mark.parametrize("form", ["sequences", "estimator", "list", "mapping", "column"])
    def test_an_image_leaks_by_its_group(self, form):
        train, test = self.train, self.test
        by_part = [[name.split("/")[1][0] for name in part] for part in (train, test)]
        groups = {
            "sequences": "sequences",
            "estimator": SequenceFinder("name"),
            "list": by_part,
            "mapping": {"test": by_part[1], "train": by_part[0]},
            "column": "track",
        }[form]
        if form == "column":
            train, test = (
                pd.DataFrame({"image": part, "track": own})
                for part, own in zip((train, test), by_part, strict=True)
            )
        report = leakage_report(train, test, groups=groups, finder=NoDuplicates())
        np.testing.assert_array_equal(report.leaking, np.arange(8))
        assert report.share == report.shares["train"]["test"] == 8 / 12
        assert report.n_pairs == 0
        assert report.straddling[["train", "test"]].to_numpy().tolist() == [[5, 4], [5, 4]]
        assert report.straddling["image"].tolist() == ["train/0_0.png", "train/2_0.png"]
        assert report.summary()["straddling"] == 2
        noun = "sequence" if form in ("sequences", "estimator") else "group"
        assert f"or another image of their {noun} in train" in str(report)
        assert f"2 {noun}s and 0 pairs are in different parts" in str(report)

    def test_an_assertion_names_the_groups(self):
        with pytest.raises(LeakageError, match=r"with 'train/0_0.png': train 5, test 4"):
            assert_no_leakage(self.train, self.test, groups="sequences", finder=NoDuplicates())

    def test_a_repair_moves_whole_groups(self):
        train, test, repair = repair_split(
            self.train, self.test, groups="sequences", finder=NoDuplicates()
        )
        assert {name.split("/")[1][0] for name in test} == {"5"}
        assert len(train) == len(self.train) + 8
        assert len(repair.moved) == 8
        assert leakage_report(
            train, test, groups=SequenceFinder("name", pattern="{track}_{frame}"),
            finder=NoDuplicates(),
        ).straddling.empty  # fmt: skip

    def test_without_groups_none_straddle(self):
        report = leakage_report(self.train, self.test, finder=NoDuplicates())
        assert report.straddling.empty
        assert list(report.straddling.columns) == ["image", "train", "test"]

    @pytest.mark.parametrize(
        "groups", ["tracks", [1, 2], [[0] * 15], {"train": [0] * 15}, np.zeros(27), 3]
    )
    def test_groups_that_do_not_fit_the_parts_are_refused(self, groups):
        with pytest.raises(ParameterError, match=r"'groups' parameter of leakage_report must be"):
            leakage_report(self.train, self.test, groups=groups, finder=NoDuplicates())

    def test_bits_have_no_sequences(self):
        with pytest.raises(ParameterError, match="bits have no names"):
            leakage_report([[0, 1]], [[1, 1]], groups="sequences", finder=DuplicateGroups(0))

    @given(
        st.lists(st.integers(0, 5), min_size=1, max_size=12),
        st.lists(st.integers(0, 5), min_size=1, max_size=12),
    )
    def test_groups_straddle_as_brute_force_says(self, train, test):
        parts = [[f"{side}{place}.png" for place in range(len(own))]
                 for side, own in (("a", train), ("b", test))]  # fmt: skip
        report = leakage_report(*parts, groups=[train, test], finder=NoDuplicates())
        both = set(train) & set(test)
        assert set(report.straddling.index) == both
        assert report.leaking.tolist() == [row for row, own in enumerate(test) if own in both]
        for name, row in report.straddling.iterrows():
            assert (row["train"], row["test"]) == (train.count(name), test.count(name))
        assert report.leaks == bool(both)
