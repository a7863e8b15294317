"""Runs of file names that count, and what they tell."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hashfeatures.model_selection.sequences._names import find_name_runs


def sets_of(names, labels):
    """Return the sequences as a set of sets of names; those of no run are left out."""
    groups = {}
    for name, label in zip(names, labels, strict=True):
        if label >= 0:
            groups.setdefault(int(label), set()).add(name)
    return {frozenset(group) for group in groups.values()}


RECORDINGS = {
    "tracks": [
        [f"signs/{kind:05d}/{track:05d}_{frame:05d}.ppm" for frame in range(30)]
        for kind in range(3)
        for track in range(40)
    ],
    "clips": [
        [f"clip{clip}-frame-{frame:04d}.png" for frame in range(30, 50)] for clip in (3, 12, 40)
    ],
    "slices": [
        [f"patient{patient}_slice_{place:02d}.png" for place in range(1, 20)]
        for patient in (1, 12, 30)
    ],
    "a folder a patient": [
        [f"patient{patient}/slice_{place:02d}.png" for place in range(1, 9)]
        for patient in range(12)
    ],
    "every tenth frame": [
        [f"v{video}_{frame * 10:05d}.jpg" for frame in range(20)] for video in range(5)
    ],
    "cameras behind the frame": [
        [f"{clip}_frame{frame:04d}_cam{camera}.png" for camera in range(6) for frame in range(6)]
        for clip in range(2)
    ],
    "few visits of many patients": [
        [f"{number:08d}_{visit:03d}.png" for visit in range(1 + number % 5)]
        for number in range(1, 90)
        if number % 5
    ],
    "a person without a counter": [
        [f"person{number}_{side}.png" for side in ("left", "right")] for number in range(9)
    ],
    "folders below a patient": [
        [f"data/{kind}/patient{n:02d}/{scan}/{m}.png" for scan in ("T1", "T2") for m in range(4)]
        for kind in ("ill", "well")
        for n in range(3)
    ],
    "a drive": [
        [f"2011_09_26_drive_{n:04d}_sync/image_{c}/{m:010d}.png" for c in "23" for m in range(9)]
        for n in (1, 5)
    ],
    "two views": [
        [f"{clip}_{frame:04d}_{view}.png" for frame in range(9) for view in ("left", "right")]
        for clip in range(2)
    ],
    "days": [[f"2024050{day}_{frame:03d}.png" for frame in range(9)] for day in range(1, 5)],
    "tiles": [
        [f"slide{slide}_x{x}_y{y}.png" for x in range(9) for y in range(9)] for slide in range(3)
    ],
    "URLs": [
        [f"https://example.org/a/{clip}_{frame}.jpg?size=2" for frame in range(9)]
        for clip in range(4)
    ],
    "backslashes": [[rf"a\{clip}_{frame}.jpg" for frame in range(9)] for clip in range(4)],
}


@pytest.mark.parametrize("recordings", RECORDINGS.values(), ids=RECORDINGS)
def test_recordings_are_found_by_their_names_alone(recordings):
    """Each is one run, whatever the order of the images, and the evidence is strong."""
    names = [name for recording in recordings for name in recording]
    random.Random(0).shuffle(names)
    runs = find_name_runs(names)
    assert sets_of(names, runs.labels) == {frozenset(recording) for recording in recordings}
    assert runs.is_strong.all()


SINGLE_RUNS = {
    "a camera": [f"IMG_{number}.jpg" for number in range(1234, 1300)],
    "classes": [
        f"{kind}/image_{number:04d}.jpg" for kind in ("cup", "ant") for number in range(40)
    ],
    "classes in the names": [f"{kind}.{n}.jpg" for kind in ("cat", "dog") for n in range(50)],
    "a class of persons": [f"{kind}/person_{n:03d}.png" for kind in "ab" for n in range(20)],
    "a folder above all": [f"video2/{kind}/{n:03d}.png" for kind in "ab" for n in range(20)],
    "numbered classes": [f"class{kind}_{n}.jpg" for kind in range(3) for n in range(50)],
    "a folder a numbered class": [
        f"{kind:03d}.cup/{kind:03d}_{n:04d}.jpg" for kind in range(9) for n in range(1, 40)
    ],
    "a counter that goes on": [f"{n // 40 + 2020}_{n:04d}.jpg" for n in range(80)],
}


@pytest.mark.parametrize("names", SINGLE_RUNS.values(), ids=SINGLE_RUNS)
def test_single_runs_only_give_the_order(names):
    """Photos of a camera or of a class are counted too, and are not one recording."""
    runs = find_name_runs(names)
    assert (runs.labels >= 0).all()
    assert not runs.is_strong.any()


OTHERS = {
    "random ids": [f"Test_{random.Random(n).randrange(10**8)}.jpg" for n in range(300)],
    "hex": [f"{random.Random(n).randrange(2**64):016x}.jpg" for n in range(300)],
    "dates and times": [
        f"IMG_202405{n % 28 + 1:02d}_{random.Random(n).randrange(10**6):06d}.jpg"
        for n in range(100)
    ],
    "one file a folder": [f"{n}/photo.jpg" for n in range(20)],
    "one number a folder": [f"{n}/photo_{n}.jpg" for n in range(20)],
    "huge numbers": [f"{10**30 + n}.jpg" for n in range(20)],
    "no names": [None] * 5,
    "nothing": [],
}


@pytest.mark.parametrize("names", OTHERS.values(), ids=OTHERS)
def test_names_that_do_not_count_make_no_run(names):
    assert (find_name_runs(names).labels == -1).all()


def test_zero_padding_does_not_matter():
    """Numbers are compared by their values, also where they grow by a digit."""
    clips = [(clip, frame) for clip in range(3) for frame in range(120)]
    padded = find_name_runs([f"{clip:03d}_{frame:06d}.png" for clip, frame in clips])
    plain = find_name_runs([f"{clip}_{frame}.png" for clip, frame in clips])
    np.testing.assert_array_equal(padded.labels, plain.labels)


def test_a_frame_in_two_formats_stays_in_its_run():
    kinds = ("png", "jpg")
    runs = find_name_runs([f"{c}_{n}.{kind}" for c in (1, 2) for n in range(9) for kind in kinds])
    np.testing.assert_array_equal(runs.labels, np.repeat([0, 1], 18))
    assert runs.counters[0] == runs.counters[1]


def test_an_edited_copy_joins_the_run_that_it_is_of():
    names = [f"IMG_{n:04d}.jpg" for n in range(10, 40)]
    runs = find_name_runs([*names, "IMG_0020-edited.jpg", "IMG_0900-edited.jpg"])
    assert runs.labels[-2] == runs.labels[0]
    assert runs.labels[-1] == -1


def test_missing_frames_do_not_cut_a_run():
    """Also where a track has few frames far apart, if the others show which number counts."""
    names = [f"{track}_{frame}.png" for track in range(20) for frame in range(30)]
    runs = find_name_runs([*names, "20_0.png", "20_29.png"])
    assert runs.labels[-1] == runs.labels[-2] >= 0


@pytest.mark.parametrize(
    ("names", "pattern"),
    [
        ([f"c/{t}_{n}.png" for t in range(3) for n in range(9)], "{track}_{frame}"),
        ([f"{f}/{t}_{n}" for f in "ab" for t in "12" for n in "012"], "{folder}/{track}_{frame}"),
        ([f"clip{t}-frame-{n}" for t in "34" for n in range(9)], "clip{clip}-frame-{frame}"),
        ([f"p/patient{t}/{n}/a" for t in "12" for n in "12"], "patient{patient}/*/*"),
        ([f"{t}/scan1-{n}" for t in "ab" for n in "xy"], "{folder}/scan{scan}*"),
        ([f"320x240_{n}" for n in range(9)], "320x240_{frame}"),
        ([f"{t}_{n}_{v}" for t in "12" for n in range(9) for v in "lr"], "{track}_{frame}*"),
        ([f"{a}_{b}_{n}" for a in "12" for b in "1" for n in range(9)], "{track}_1_{frame}"),
        ([f"{a}_{b}_{n}" for a in "12" for b in "12" for n in "012"], "{track}_{track2}_{frame}"),
    ],
)
def test_a_pattern_is_written_as_a_template(names, pattern):
    """A person reads what was found, and can pass the same template."""
    assert set(find_name_runs(names).patterns) == {pattern}


@settings(deadline=None, max_examples=40)
@given(st.data())
def test_the_order_of_images_does_not_matter(data):
    numbers = st.tuples(st.integers(0, 3), st.integers(0, 12))
    found = data.draw(st.lists(numbers, min_size=1, max_size=40, unique=True))
    names = [f"f{clip % 2}/{clip}-{frame}.png" for clip, frame in found]
    order = data.draw(st.permutations(range(len(names))))
    runs, shuffled = find_name_runs(names), find_name_runs([names[place] for place in order])
    assert sets_of(names, runs.labels) == sets_of([names[i] for i in order], shuffled.labels)
    np.testing.assert_array_equal(runs.is_strong[list(order)], shuffled.is_strong)


def test_a_recording_is_found_across_the_folders_of_parts():
    """A split by frames leaves frames of each track in both folders."""
    frames = [(track, frame) for track in range(5) for frame in range(20)]
    names = [
        f"data/{'test' if frame % 5 == 3 else 'train'}/signs/{track}_{frame}.png"
        for track, frame in frames
    ]
    np.testing.assert_array_equal(find_name_runs(names).labels, [track for track, _ in frames])


def test_folders_of_parts_that_count_on_their_own_stay_apart():
    names = [
        f"{part}/{t}_{n}.png" for part in ("Training", "Testing") for t in "12" for n in "012"
    ]
    np.testing.assert_array_equal(find_name_runs(names).labels, np.repeat([0, 1, 2, 3], 3))


def test_images_without_names_change_nothing():
    """The folders that all named images are in still name no recording."""
    names = [f"/home/video7/{kind}/{n}.png" for kind in "ab" for n in range(9)]
    runs, mixed = find_name_runs(names), find_name_runs([None, *names, None])
    np.testing.assert_array_equal(mixed.labels[1:-1], runs.labels)
    assert not mixed.is_strong.any()
    assert (mixed.labels[[0, -1]] == -1).all()
