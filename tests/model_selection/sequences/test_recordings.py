"""Recordings that a path names with a number."""

import pytest

from hashfeatures.model_selection.sequences._paths import split_path
from hashfeatures.model_selection.sequences._recordings import find_recordings


def keys_of(names):
    paths = [split_path(name) for name in names]
    found = find_recordings(paths, [path.folder for path in paths])
    return [each and each.key for each in found]


def test_the_first_number_after_a_word_counts():
    """A patient has several scans, and all are of one patient."""
    names = ["p/Patient_01/scan3/a.png", "p/Patient_1/scan4/b.png", "p/Patient_02/scan3/a.png"]
    assert keys_of([*names, "p/Patient_02/x.png"]) == ["Patient_1"] * 2 + ["Patient_2"] * 2


@pytest.mark.parametrize(
    "name", ["bookcase12_{}.png", "patients_{}.png", "person_{}.png", "{}.png"]
)
def test_other_words_and_words_that_number_images_are_none(name):
    assert keys_of([name.format(number) for number in range(9)]) == [None] * 9


def test_the_folders_above_all_images_are_none():
    assert keys_of(["/home/video7/a/1.png", "/home/video7/b/2.png"]) == [None, None]
    assert keys_of(["video7/1.png", "video7/2.png"]) == [None, None]
    assert keys_of(["video7/1.png", "video7/2.png", "3.png"]) == ["video7"] * 2 + [None]


def test_a_recording_of_one_image_is_one_where_others_have_more():
    names = ["clip1_a.png", "clip1_b.png", "clip2_a.png"]
    assert keys_of(names) == ["clip1", "clip1", "clip2"]


def test_no_images_have_no_recordings():
    assert keys_of([]) == []
