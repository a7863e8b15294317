"""Groups that are passed, found as sequences, or found by an estimator."""

import numpy as np
import pandas as pd
import pytest
from sklearn.cluster import DBSCAN

from hashfeatures import (
    NearDuplicateKFold,
    NearDuplicateShuffleSplit,
    SequenceFinder,
    SplitSizeWarning,
    find_sequences,
    merge_groups,
    train_test_split,
)
from hashfeatures.exceptions import ParameterError
from hashfeatures.model_selection._groups import read_groups

TRACKS = [f"{track:05d}_{frame:05d}.ppm" for track in range(12) for frame in range(9)]
PRECOMPUTED = {"finder": "precomputed"}


def track_of(names):
    return {name.partition("_")[0] for name in names}


@pytest.mark.parametrize("groups", ["sequences", SequenceFinder("name")])
def test_no_part_of_a_split_has_a_frame_of_a_track_of_another(groups):
    parts = train_test_split(
        TRACKS, test_size=27, validation_size=27, groups=groups, random_state=0, **PRECOMPUTED
    )
    assert [len(part) for part in parts] == [54, 27, 27]
    assert len(set.union(*map(track_of, parts))) == sum(len(track_of(part)) for part in parts)


@pytest.mark.parametrize(
    "splitter",
    [
        NearDuplicateKFold(4, **PRECOMPUTED),
        NearDuplicateShuffleSplit(4, test_size=27, **PRECOMPUTED),
    ],
)
def test_no_fold_has_a_frame_of_a_track_of_another(splitter):
    for train, test in splitter.split(TRACKS, groups="sequences"):
        assert not track_of(np.array(TRACKS)[train]) & track_of(np.array(TRACKS)[test])


def test_sequences_are_merged_with_near_duplicates(noise_image, tmp_path):
    """A copy of a frame goes where the sequence of its original goes."""
    for track in range(4):
        for frame in range(3):
            noise_image(10 * track + frame).save(tmp_path / f"{track}_{frame}.png")
    noise_image(11).save(tmp_path / "copy.png")
    paths = sorted(tmp_path.glob("*.png"))
    for seed in range(4):
        for part in train_test_split(
            paths, test_size=3, groups=SequenceFinder("name"), random_state=seed
        ):
            names = [path.name for path in part]
            assert ("copy.png" in names) == ("1_0.png" in names) == ("1_2.png" in names)


def test_a_column_comes_before_sequences():
    frame = pd.DataFrame({"image": TRACKS, "sequences": np.arange(len(TRACKS)) % 5})
    np.testing.assert_array_equal(read_groups("split", "sequences", frame), frame["sequences"])


def test_an_image_in_no_group_of_an_estimator_is_alone():
    points = [[0.0, 0.0], [0.1, 0.0], [9.0, 9.0], [99.0, 9.0]]
    with pytest.raises(ParameterError, match="bits have no names"):
        read_groups("split", "sequences", points)

    class Halves(DBSCAN):
        def fit_predict(self, X, y=None, sample_weight=None):
            return super().fit_predict(points)

    labels = read_groups("split", Halves(eps=1, min_samples=2), ["a", "b", "c", "d"])
    assert labels[0] == labels[1]
    assert len(set(labels)) == 3


@pytest.mark.parametrize("images", [TRACKS, pd.DataFrame({"image": TRACKS})])
def test_an_unknown_name_is_refused_with_those_that_there_are(images):
    with pytest.raises(
        ParameterError, match=r"'groups' parameter of train_test_split.*'sequences'"
    ):
        train_test_split(images, groups="tracks")


def test_one_sequence_cannot_be_split_and_the_message_speaks_of_sequences():
    names = [f"clip3-frame-{n}.png" for n in range(9)]
    with pytest.raises(ValueError, match=r"one group of near duplicates and sequences.*gap="):
        train_test_split(names, groups="sequences", **PRECOMPUTED)
    for splitter in (
        NearDuplicateKFold(2, **PRECOMPUTED),
        NearDuplicateShuffleSplit(**PRECOMPUTED),
    ):
        with pytest.raises(ValueError, match=r"near duplicates and sequences"):
            next(splitter.split(names, groups="sequences"))


def test_merged_groups_keep_together_what_each_grouping_does():
    sequences = find_sequences(TRACKS, "name")
    sites = np.repeat(["a", "b", "c"], 36)
    sites[0] = "c"
    merged = merge_groups(sequences, sites)
    np.testing.assert_array_equal(merged, np.repeat([0, 1, 0], 36))
    with pytest.raises(TypeError, match="at least one"):
        merge_groups()
    with pytest.raises(ValueError, match="inconsistent numbers"):
        merge_groups([0, 1], [0])


def test_a_warning_about_sizes_speaks_of_sequences():
    names = [f"{track}_{frame}.png" for track in range(3) for frame in range(20)]
    options = {"test_size": 30, "groups": "sequences", "random_state": 0, **PRECOMPUTED}
    with pytest.warns(SplitSizeWarning, match="Groups of near duplicates and sequences stay"):
        train_test_split(names, **options)
