"""Sequences by names, times and pixels together, and what is said of them."""

import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone

from hashfeatures import SequenceFinder, find_sequences
from hashfeatures.duplicates._labels import relabel
from hashfeatures.exceptions import ParameterError

TRACKS = [f"{track:05d}_{frame:05d}.ppm" for track in range(4) for frame in range(30)]


def test_a_track_is_a_sequence_and_its_frames_are_in_order():
    order = np.random.default_rng(0).permutation(len(TRACKS))
    finder = SequenceFinder().fit([Path(TRACKS[place]) for place in order])
    tracks, frames = np.divmod(order, 30)
    for track in range(4):
        assert len(set(finder.labels_[tracks == track])) == 1
    assert len(set(finder.labels_)) == 4
    np.testing.assert_array_equal(finder.positions_, frames)
    assert finder.description_ == "4 sequences of 30 by the pattern {track}_{frame}"
    assert finder.patterns_.to_dict("records") == [
        {
            "way": "name",
            "pattern": "{track}_{frame}",
            "sequences": 4,
            "images": 120,
            "shortest": 30,
            "longest": 30,
        }
    ]


def test_labels_are_counted_in_order_of_first_appearance():
    """Images in no sequence are alone, and so are missing ones."""
    labels = find_sequences(["b_2_1.png", "x.png", "b_1_1.png", None, "b_2_2.png", "b_1_2.png"],
                            by="name")  # fmt: skip
    np.testing.assert_array_equal(labels, [0, 1, 2, 3, 0, 2])


def test_a_single_run_is_a_sequence_by_name_alone():
    names = [f"IMG_{number:04d}.jpg" for number in (1, 2, 3, 9, 10, 20)]
    assert len(set(find_sequences(names, by="name"))) == 1
    np.testing.assert_array_equal(find_sequences(names, by="name", gap=5), [0, 0, 0, 0, 0, 1])
    np.testing.assert_array_equal(find_sequences(names, by="name", gap=4), [0, 0, 0, 1, 1, 2])


def test_the_description_counts_what_was_left_out():
    names = [*TRACKS, "IMG_1.jpg", "notes.png"]
    labels, finder = find_sequences(
        names, by="name", pattern="{track}_{frame}.ppm", return_info=True
    )
    assert finder.description_ == (
        "4 sequences of 30 by the pattern {track}_{frame}.ppm; 2 images in no sequence; 2 names "
        "do not match the pattern"
    )
    np.testing.assert_array_equal(labels, finder.labels_)


def test_many_patterns_are_described_by_the_largest():
    names = [f"{kind * 3}{n}.jpg" for kind in "abcdef" for n in range(9 if kind == "c" else 4)]
    finder = SequenceFinder("name").fit(names)
    assert finder.description_ == (
        "1 sequence of 9 by the pattern ccc{frame}; 1 sequence of 4 by the pattern aaa{frame}; "
        "4 sequences of 4 by 4 more patterns"
    )


def test_no_sequences_are_described_too():
    finder = SequenceFinder("name").fit(["a.png", "b.png"])
    assert finder.description_ == "no sequences among 2 images"
    assert finder.patterns_.empty


def test_images_without_names_cannot_be_found_by_name():
    with pytest.raises(ValueError, match="have no names"):
        find_sequences([np.zeros((4, 4), np.uint8)] * 3, by="name")


CONTAINERS = {
    "tuple": tuple,
    "array": np.array,
    "series": pd.Series,
    "pandas": lambda names: pd.DataFrame({"image": names, "y": 1}),
    "polars": lambda names: pl.DataFrame({"path": names}),
    "paths": lambda names: [Path(name) for name in names],
    "mappings": lambda names: [{"path": name, "bytes": None} for name in names],
    "file URLs": lambda names: [f"file:///data/{name}" for name in names],
    "URLs": lambda names: [f"s3://bucket/data/{name}" for name in names],
    "an archive": lambda names: [f"zip://data/{name}::data.zip" for name in names],
}


@pytest.mark.parametrize("container", CONTAINERS.values(), ids=CONTAINERS)
def test_names_are_found_in_every_container(container):
    np.testing.assert_array_equal(
        find_sequences(container(TRACKS), by="name"), np.repeat(range(4), 30)
    )


def test_missing_images_and_images_without_names_are_left_to_other_ways():
    """Beside named ones, they are alone by name."""
    images = [None, *TRACKS[:60], np.zeros((4, 4), np.uint8), float("nan")]
    labels = find_sequences(images, by=("name", "time"))
    np.testing.assert_array_equal(labels, [0, *[1] * 30, *[2] * 30, 3, 4])
    np.testing.assert_array_equal(find_sequences([None, None], by="name"), [0, 1])
    assert len(find_sequences([], by="name")) == 0


def test_the_finder_is_an_estimator_that_leaves_its_parameters_alone():
    finder = SequenceFinder(("name",), pattern="{track}_{frame}", gap=3)
    assert clone(finder).get_params() == finder.get_params()
    np.testing.assert_array_equal(
        clone(finder).fit_predict(TRACKS), find_sequences(TRACKS, "name", gap=3)
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"by": "names"},
        {"by": ()},
        {"by": ("name", "name")},
        {"by": 3},
        {"gap": -1},
        {"gap": "1s"},
        {"gap": True},
        {"gap": datetime.timedelta(-1)},
        {"by": "name", "gap": 0.5},
        {"by": "name", "gap": datetime.timedelta(1)},
        {"by": "pixels", "gap": 3},
        {"by": "pixels", "pattern": "{a}_{frame}"},
        {"by": "name", "use_file_times": True},
        {"use_file_times": "yes"},
        {"n_jobs": 0},
    ],
)
def test_wrong_parameters_are_refused(wrong):
    (name,) = [name for name in wrong if name != "by"] or ["by"]
    with pytest.raises(ParameterError, match=f"The '{name}' parameter of SequenceFinder must be"):
        find_sequences(TRACKS, **wrong)


def test_a_run_of_one_folder_is_cut_where_the_scene_changes(noise_image, tmp_path):
    """Names give the order, pixels the ends; numbers go to 10 and beyond."""
    for scene in range(12):
        whole = noise_image(scene, size=(160, 96))
        for frame in range(4):
            x = 4 * frame
            number = 4 * scene + frame
            whole.crop((x, 0, x + 96, 96)).save(tmp_path / f"IMG_{number}.png")
    paths = [*tmp_path.iterdir()]
    finder = SequenceFinder().fit(paths)
    scenes = np.array([int(path.stem[4:]) // 4 for path in paths])
    np.testing.assert_array_equal(finder.labels_, relabel(scenes))
    assert finder.description_ == "12 sequences of 4 by their pixels"
    places = np.array([int(path.stem[4:]) % 4 for path in paths])
    np.testing.assert_array_equal(finder.positions_, places)
