"""Images are sealed by hashes alone, and only sets that a seal can stand for."""

import pytest
from PIL import Image

from hashfeatures import (
    FailedImagesWarning,
    NearDuplicateFinder,
    ParameterError,
    check_against_seal,
    seal_images,
)
from hashfeatures._utils.array_file import read_store
from hashfeatures.duplicates.calibration._limits import Limits
from hashfeatures.hashing._default_radius import default_radius
from hashfeatures.hashing._spec import parse_hashes

BLANK = Image.new("RGB", (40, 30), "white")


def test_the_radius_is_that_of_hashes_alone(image_files, tmp_path):
    """A finder whose pixels confirm pairs has a wider radius, which no seal may use."""
    for views in ("identity", "robust"):
        facts = seal_images(
            image_files, tmp_path / "test.seal", finder=NearDuplicateFinder(views=views)
        )
        assert facts["radius"] == default_radius(parse_hashes(["phash", "dhash"]), views).bits
    given_one = seal_images(
        image_files, tmp_path / "test.seal", finder=NearDuplicateFinder("phash", 7)
    )
    assert (given_one["radius"], given_one["bits"]) == (7, 64)


def test_a_calibrated_radius_is_sealed_as_a_number(image_files, tmp_path, monkeypatch):
    """The radius of a calibration by hashes alone, whose figures are guarded elsewhere."""

    def choose_limits(finder, X):
        assert (finder.radius, finder.verify, X) == ("calibrated", False, image_files)
        return Limits(5, None)

    monkeypatch.setattr(NearDuplicateFinder, "_choose_limits", choose_limits)
    finder = NearDuplicateFinder(radius="calibrated")
    facts = seal_images(image_files, tmp_path / "test.seal", finder=finder)
    _, stored = read_store(tmp_path / "test.seal", "Seal")
    assert stored["parameters"]["radius"] == facts["radius"] == 5
    assert finder.get_params() == NearDuplicateFinder(radius="calibrated").get_params()


def test_sets_without_a_readable_image_make_no_seal(tmp_path):
    path = tmp_path / "test.seal"
    with pytest.raises(ValueError, match="no images to seal"):
        seal_images([], path)
    with (
        pytest.warns(FailedImagesWarning),
        pytest.raises(ValueError, match="None of 2 images could be read, so there is nothing"),
    ):
        seal_images(["no file.png", None], path, allow_unreadable=0.99)
    assert not path.exists()


def test_images_that_cannot_be_read_must_be_allowed(image_files, tmp_path):
    """A seal that lacks an image silently would say no where it should say yes."""
    images, path = [*image_files, "no file.png"], tmp_path / "test.seal"
    with (
        pytest.warns(FailedImagesWarning),
        pytest.raises(ValueError, match=r"1 of 7 images could not be read .* no file.png: File"),
    ):
        seal_images(images, path)
    assert not path.exists()
    with pytest.warns(FailedImagesWarning):
        assert seal_images(images, path, allow_unreadable=1)["unreadable"] == 1


def test_blank_images_are_sealed_by_their_pixels(image_files, tmp_path):
    facts = seal_images([BLANK, BLANK.convert("L")], tmp_path / "test.seal")
    assert (facts["fingerprints"], facts["low_detail"]) == (1, 2)
    other = Image.new("RGB", (40, 30), "gray")
    check = check_against_seal([other, BLANK, image_files[0]], tmp_path / "test.seal")
    assert check.has_match.tolist() == [False, True, False]


def test_wrong_parameters_are_told_before_an_image_is_read(image_files, tmp_path):
    for finder in ("phash", NearDuplicateFinder, NearDuplicateFinder(views="inside out")):
        with pytest.raises(ParameterError):
            seal_images(["no file.png"], tmp_path / "test.seal", finder=finder)
    with pytest.raises(ParameterError, match="allow_unreadable"):
        seal_images(["no file.png"], tmp_path / "test.seal", allow_unreadable=-1)
    with pytest.raises(FileNotFoundError, match=r"folder .* does not exist"):
        seal_images(["no file.png"], tmp_path / "none" / "test.seal")
    with pytest.raises(ParameterError, match=r"Pass finder=NearDuplicateFinder\(radius=3\)"):
        seal_images(["no file.png"], tmp_path / "test.seal", radius=3)
    with pytest.raises(TypeError, match="single str"):
        seal_images("file.png", tmp_path / "test.seal")
