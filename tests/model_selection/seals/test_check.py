"""A check against a seal says of each image what the finder says that has both sets."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from hashfeatures import (
    FailedImagesWarning,
    NearDuplicateFinder,
    ParameterError,
    check_against_seal,
    leakage_report,
    seal_images,
)
from hashfeatures.duplicates.fingerprints import _search
from hashfeatures.model_selection.seals import _check

FINDERS = {
    "default": {},
    "one hash": {"hashes": "phash", "radius": 6},
    "large hash": {"hashes": "dhash:16", "decode": "full"},
    "flips": {"views": "flips"},
    "dihedral": {"views": "dihedral", "radius": 15},
    "robust": {"views": "robust"},
    "segments": {"views": "segments"},
    "colors": {"color_radius": 20, "views": "flips"},
    "trimmed": {"trim_borders": True, "background": (0, 0, 0), "orient": False},
    "by pixels": {"min_detail": 100},
}


@pytest.fixture
def pool(family, image_files):
    """Return photos and copies, in color and gray, mirrored, framed and blank."""
    files, _ = family
    photo = Image.open(files[0]).convert("RGB")
    return [
        *files[:9],
        *image_files[:3],
        ImageOps.mirror(photo),
        photo.rotate(90, expand=True),
        photo.convert("L"),
        ImageOps.expand(photo, 40),
        photo.crop((30, 30, 400, 400)),
        Image.new("RGB", (40, 30), "white"),
        Image.new("L", (40, 30), 255),
        Image.new("L", (40, 30), 9),
    ]


@pytest.mark.parametrize("parameters", FINDERS.values(), ids=FINDERS)
@pytest.mark.filterwarnings("ignore:.*separate these images")
def test_the_answers_are_those_of_the_finder(parameters, pool, tmp_path):
    rng = np.random.default_rng(0)
    finder = NearDuplicateFinder(**parameters, verify=False)
    n_found = 0
    for _ in range(2):
        train, test = ([pool[row] for row in rng.permutation(20)[:10]] for _ in "ab")
        seal_images(test, tmp_path / "test.seal", finder=NearDuplicateFinder(**parameters))
        check = check_against_seal(train, tmp_path / "test.seal")
        expected = np.unique(finder.fit(test).matches(train).left)
        np.testing.assert_array_equal(check.leaking, expected)
        report = leakage_report(test, train, finder=finder)
        np.testing.assert_array_equal(check.leaking, report.leaking)
        assert check.share == report.share
        n_found += len(expected)
    assert 0 < n_found < 20


@given(
    train=st.lists(st.integers(0, 19), min_size=1, max_size=9),
    test=st.lists(st.integers(0, 19), min_size=1, max_size=9),
)
@settings(max_examples=5)
def test_images_have_the_same_answer_in_any_company(train, test, pool, tmp_path):
    """Copies among the images, or in the set, and the order of either change no answer."""
    seal_images([pool[row] for row in test], tmp_path / "test.seal")
    answers = check_against_seal([pool[row] for row in train], tmp_path / "test.seal").has_match
    for row, answer in zip(train, answers, strict=True):
        alone = check_against_seal([pool[row]], tmp_path / "test.seal")
        assert alone.has_match.tolist() == [answer]
        assert answer or row not in test


def test_many_matches_are_found_in_halves(pool, tmp_path, monkeypatch):
    """Only whether there is a match is wanted, however many pairs there are."""
    seal_images(pool, tmp_path / "test.seal", finder=NearDuplicateFinder(radius=60))
    expected = check_against_seal(pool, tmp_path / "test.seal").has_match
    monkeypatch.setattr(_search, "MAX_PAIRS", 25)
    monkeypatch.setattr(_check, "_ASKED", 7)
    np.testing.assert_array_equal(
        check_against_seal(pool, tmp_path / "test.seal").has_match, expected
    )


def test_images_that_cannot_be_read_are_not_compared(image_files, tmp_path):
    path = tmp_path / "test.seal"
    seal_images(image_files[:3], path)
    with pytest.warns(FailedImagesWarning):
        check = check_against_seal([*image_files[2:], "no file.png"], path)
    assert check.leaking.tolist() == [0]
    assert check.failures["position"].tolist() == [4]
    assert check.summary() == {"images": 5, "unreadable": 1, "leaking": 1, "share": 0.2}
    assert str(check) == (
        "1 of 5 images (20.0%) has a near duplicate in the sealed set. 1 image could not be read "
        "and was not compared."
    )
    assert "1 of 5 images could not be read, and 0 may be" in check.why_unchecked()
    assert check.why_unchecked(1) is check.why_unchecked(0.2) is None
    assert repr(check) == f"<SealCheck: {check}>"


def test_nothing_compared_is_no_clean_result(image_files, tmp_path):
    path = tmp_path / "test.seal"
    seal_images(image_files, path)
    nothing = check_against_seal([], path)
    assert str(nothing) == "Not checked: there are no images."
    with pytest.warns(FailedImagesWarning):
        unread = check_against_seal(["no file.png"], path)
    assert unread.why_unchecked(1) == "Not checked: none of 1 image could be read."
    for check in (nothing, unread):
        assert check.summary()["share"] is None
        assert not check.leaks


def test_a_seal_is_no_image_and_images_are_no_seal(image_files, tmp_path):
    path = tmp_path / "test.seal"
    seal_images(image_files, path)
    with pytest.warns(FailedImagesWarning):
        check = check_against_seal([str(path)], path)
    assert "one of hashfeatures, such as a seal, and holds no image" in check.failures["error"][0]
    with pytest.raises(ParameterError, match="path of a file that seal_images wrote"):
        check_against_seal(image_files, image_files)
    with pytest.raises(TypeError, match="single"):
        check_against_seal(path, image_files[0])
    with pytest.raises(ParameterError, match="n_jobs"):
        check_against_seal(image_files, path, n_jobs=0)
    with pytest.raises(ParameterError, match="max_pixels"):
        check_against_seal(image_files, path, max_pixels=0)


def test_limits_and_workers_of_the_user_change_no_answer(image_files, tmp_path):
    path = tmp_path / "test.seal"
    seal_images(image_files[:3], path)
    expected = [True] * 3 + [False] * 3
    options = {"n_jobs": 2, "cache": tmp_path / "cache", "max_pixels": 1200}
    for _ in range(2):  # with an empty cache, and with a full one
        assert check_against_seal(image_files, path, **options).has_match.tolist() == expected
    with pytest.warns(FailedImagesWarning):
        assert not check_against_seal(image_files, path, max_pixels=1199).leaks
