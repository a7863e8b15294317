"""Pairs of files are compared by their pixels alone, whatever their hashes are."""

import pytest
from PIL import Image

from hashfeatures import NearDuplicateFinder
from hashfeatures.duplicates._pixel_comparison import compare_pixels


@pytest.fixture
def flat_files(tmp_path):
    files = [tmp_path / name for name in ("red.png", "red.bmp", "blue.png")]
    for file, color in zip(files, ("red", "red", "blue"), strict=True):
        Image.new("RGB", (60, 40), color).save(file)
    return [str(file) for file in files]


def test_copies_are_confirmed_and_strangers_are_not(family):
    """A copy has an agreement and a relation, and a stranger only a low agreement."""
    files, _ = family
    finder = NearDuplicateFinder()
    copy, stranger = compare_pixels([(files[0], files[2]), (files[0], files[3])], finder)
    assert copy.is_confirmed
    assert finder.min_agreement <= copy.agreement <= 1
    assert copy.relation
    assert not stranger.is_confirmed
    assert stranger.agreement < finder.min_agreement
    assert stranger.relation is None
    strict = NearDuplicateFinder(min_agreement=1.0)
    assert not compare_pixels([(files[0], files[2])], strict)[0].is_confirmed


def test_flat_images_are_confirmed_by_all_of_their_pixels(flat_files, family):
    """Of images without detail, only those with equal pixels show the same picture."""
    red, same, blue = flat_files
    pairs = [(red, same), (red, blue), (red, family[0][0])]
    found = compare_pixels(pairs, NearDuplicateFinder())
    assert [each.is_confirmed for each in found] == [True, False, False]
    assert [each.agreement for each in found] == [1, None, None]


def test_what_cannot_be_read_is_named(image_files):
    """A file that is gone leaves its pairs unconfirmed, with the side and the cause."""
    pairs = [(image_files[0], "gone.png"), ("gone.png", image_files[0])]
    found = compare_pixels(pairs, NearDuplicateFinder())
    assert [each.unread for each in found] == ["right", "left"]
    assert all("FileNotFoundError" in each.cause for each in found)
    assert not any(each.is_confirmed for each in found)
    assert compare_pixels([], NearDuplicateFinder()) == []
