"""Splits inside sequences: blocks of frames, with frames left out between the parts."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hashfeatures import (
    NearDuplicateKFold,
    NearDuplicateShuffleSplit,
    ParameterError,
    SequenceFinder,
    leakage_report,
    train_test_split,
)

VIDEO = [f"clip1-frame-{frame:03d}.png" for frame in range(100)]
PRECOMPUTED = {"finder": "precomputed"}


def frames_of(part):
    return np.sort([int(name[-7:-4]) for name in part])


def distance_of(one, other):
    return np.abs(np.subtract.outer(one, other)).min()


@pytest.mark.parametrize("gap", [0, 1, 5])
def test_a_single_recording_is_cut_into_blocks_with_a_gap(gap):
    parts = train_test_split(
        VIDEO, test_size=20, validation_size=20, groups="sequences", gap=gap, random_state=0,
        **PRECOMPUTED,
    )  # fmt: skip
    train, validation, test = map(frames_of, parts)
    assert len(test) == 20
    assert np.ptp(test) == 19  # one block
    for one, other in ((train, validation), (train, test), (validation, test)):
        assert distance_of(one, other) > gap
    left_out = 100 - len(train) - len(validation) - len(test)
    assert left_out == 2 * gap


@settings(deadline=None, max_examples=60)
@given(
    lengths=st.lists(st.integers(1, 60), min_size=2, max_size=8),
    gap=st.integers(0, 4),
    share=st.sampled_from([0.1, 0.2, 0.5]),
    seed=st.integers(0, 3),
)
def test_no_frame_is_within_the_gap_of_another_part(lengths, gap, share, seed):
    labels = np.repeat(np.arange(len(lengths)), lengths)
    rows = np.arange(len(labels))
    try:
        train, test = train_test_split(
            rows, test_size=share, groups=labels, gap=gap, random_state=seed, **PRECOMPUTED
        )
    except ValueError as error:
        assert "part is empty" in str(error)
        return
    assert not set(train) & set(test)
    for label in range(len(lengths)):
        one, other = train[labels[train] == label], test[labels[test] == label]
        if len(one) and len(other):
            assert distance_of(one, other) > gap


def test_sizes_are_met_over_many_sequences():
    """Blocks are rounded one way and the other, so that shares of short sequences add up."""
    labels = np.repeat(np.arange(200), 13)
    train, test = train_test_split(
        np.arange(len(labels)), test_size=0.2, groups=labels, gap=1, random_state=0, **PRECOMPUTED
    )
    assert len(test) == pytest.approx(0.2 * len(labels), abs=2)
    assert len(np.unique(labels[test])) == 200
    assert len(train) + len(test) < len(labels)


def test_folds_are_blocks_and_every_frame_is_tested_once():
    folds = NearDuplicateKFold(4, groups="sequences", gap=3, **PRECOMPUTED)
    tested = []
    for train, test in folds.split(VIDEO):
        assert np.ptp(test) == 24
        assert distance_of(train, test) == 4
        tested.extend(test)
    assert sorted(tested) == list(range(100))


def test_random_splits_are_blocks_too():
    splits = NearDuplicateShuffleSplit(
        5, test_size=0.2, groups=SequenceFinder("name"), gap=3, random_state=0, **PRECOMPUTED
    )
    for train, test in splits.split(VIDEO):
        assert np.ptp(test) == 19
        assert distance_of(train, test) > 3


def test_near_duplicates_of_test_images_are_left_out_of_training(noise_image, tmp_path):
    for frame in range(20):
        noise_image(frame).save(tmp_path / f"clip1-frame-{frame:03d}.png")
    for frame in range(20):  # the same scenes in another recording
        noise_image(frame).save(tmp_path / f"clip2-frame-{19 - frame:03d}.png")
    paths = sorted(tmp_path.glob("*.png"))
    for seed in range(3):
        train, test = train_test_split(
            paths, test_size=0.25, groups="sequences", gap=2, random_state=seed
        )
        assert len(test) == 10
        assert leakage_report(train, test).n_pairs == 0
        assert len(train) >= 12


def test_two_formats_of_a_frame_stay_together():
    names = [f"clip1-frame-{n:02d}.{kind}" for n in range(40) for kind in ("png", "jpg")]
    train, test = train_test_split(
        names, test_size=0.25, groups="sequences", gap=0, random_state=0, **PRECOMPUTED
    )
    assert not {name[:-4] for name in train} & {name[:-4] for name in test}


@pytest.mark.parametrize(
    ("wrong", "name"),
    [({"gap": -1}, "gap"), ({"gap": 1.5}, "gap"), ({"gap": 2, "groups": None}, "gap")],
)
def test_wrong_gaps_are_refused(wrong, name):
    with pytest.raises(ParameterError, match=f"'{name}' parameter of train_test_split"):
        train_test_split(VIDEO, **{"groups": "sequences", **PRECOMPUTED, **wrong})


def test_a_gap_that_leaves_nothing_is_an_error():
    with pytest.raises(ValueError, match=r"part is empty. With gap=90"):
        train_test_split(VIDEO, groups="sequences", gap=90, random_state=0, **PRECOMPUTED)


def test_groups_of_a_splitter_are_merged_with_those_of_a_call():
    tracks = [f"{track}_{frame}.png" for track in range(8) for frame in range(5)]
    sites = np.repeat(np.arange(4), 10)
    folds = NearDuplicateKFold(4, groups="sequences", **PRECOMPUTED)
    for train, test in folds.split(tracks, groups=sites):
        assert not set(sites[train]) & set(sites[test])
    with pytest.raises(ParameterError, match=r"'groups' parameter of NearDuplicateKFold.split"):
        next(NearDuplicateKFold(groups="sequences", gap=1).split(tracks, groups=sites))


def test_sequences_too_short_to_cut_keep_counts_of_objects():
    """Strata of counts guide where whole sequences go."""
    labels = np.repeat(np.arange(60), 2)
    counts = np.repeat(np.eye(2, dtype=int), 60, axis=0)
    _, test, _, counted = train_test_split(
        np.arange(120), counts, stratify=counts, test_size=0.2, groups=labels, gap=3,
        random_state=0, **PRECOMPUTED,
    )  # fmt: skip
    assert len(np.unique(labels[test])) == len(test) / 2
    assert counted.sum(axis=0).tolist() == [12, 12]
