"""A seal holds fingerprints and nothing else of a set, and files that are wrong are told."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from hashfeatures import (
    FailedImagesWarning,
    NearDuplicateFinder,
    ParameterError,
    StoreError,
    check_against_seal,
    seal_images,
)
from hashfeatures._utils.array_file import read_store, write_store
from hashfeatures.duplicates.calibration._limits import Limits
from hashfeatures.hashing._default_radius import default_radius
from hashfeatures.hashing._spec import parse_hashes
from hashfeatures.model_selection.seals import _seal

BLANK = Image.new("RGB", (40, 30), "white")


@pytest.fixture
def sealed(image_files, tmp_path):
    """Return the path of a seal of six images and a blank one."""
    seal_images([*image_files, BLANK], tmp_path / "test.seal")
    return tmp_path / "test.seal"


def rewrite(path, change):
    """Change the arrays and the facts of a seal, and write it with right checksums."""
    arrays, facts = read_store(path, "Seal")
    arrays = dict(arrays)
    change(arrays, facts)
    write_store(path, "Seal", arrays, facts)


@given(rows=st.lists(st.integers(0, 6), min_size=1, max_size=9))
@settings(max_examples=5)
@pytest.mark.parametrize("views", ["identity", "segments"])
def test_order_and_copies_leave_no_trace(rows, views, image_files, tmp_path):
    """The bytes of a seal depend on the set of images alone."""
    images = [*image_files, BLANK]
    finder = NearDuplicateFinder(views=views, radius=3)
    for name, chosen in (("one", rows), ("other", sorted(set(rows), reverse=True))):
        seal_images([images[row] for row in chosen], tmp_path / name, finder=finder)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()


def test_the_file_holds_hashes_and_digests_alone(image_files, sealed):
    arrays, facts = read_store(sealed, "Seal")
    assert {name: array.shape for name, array in arrays.items()} == {
        "codes": (6, 1, 2),
        "pixel_digests": (1, 2),
    }
    assert set(facts) == {
        "format", "parameters", "versions", "releases", "hashfeatures", "probes"
    }  # fmt: skip
    content = sealed.read_bytes()
    for path in image_files:
        assert path.encode() not in content
        assert b"image_" not in content
    codes = NearDuplicateFinder().fingerprint(image_files).fingerprints.words
    np.testing.assert_array_equal(arrays["codes"][:, 0], codes[np.lexsort(codes.T[::-1])])


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


def test_changed_bytes_and_cuts_are_told(sealed):
    content = sealed.read_bytes()
    for place in range(0, len(content), 5):
        damaged = bytearray(content)
        damaged[place] ^= 1
        sealed.write_bytes(damaged)
        with pytest.raises(StoreError, match=r"is damaged|is not a file of hashfeatures"):
            _seal.Seal.read(sealed)
    for length in range(0, len(content), 17):
        sealed.write_bytes(content[:length])
        with pytest.raises(StoreError, match=r"is truncated|is not a file of hashfeatures"):
            _seal.Seal.read(sealed)
    sealed.write_bytes(content + b"\0")
    with pytest.raises(StoreError, match="extra bytes"):
        _seal.Seal.read(sealed)


def test_other_releases_are_told(image_files, sealed):
    content = sealed.read_bytes()
    for change, message in (
        (lambda facts: facts.update(format=2), r"is a seal of format 2.* Upgrade hashfeatures"),
        (
            lambda facts: facts["versions"].update(hashes=99) or facts.update(hashfeatures="9.0"),
            "hashes of hashfeatures 9.0, which differ .* Install that release",
        ),
        (
            lambda facts: facts.update(probes="0") or facts["releases"].update(Pillow="9.5.0"),
            r"Pillow 9.5.0 instead of .*pip install Pillow==9.5.0",
        ),
        (
            lambda facts: facts.update(probes="0") or facts["releases"].update(scipy="1.0"),
            r"scipy 1.0 instead of .*pip install scipy==1.0",
        ),
        (lambda facts: facts.update(probes="0"), "with a different decoder. Ask for a seal"),
    ):
        sealed.write_bytes(content)
        rewrite(sealed, lambda arrays, facts, change=change: change(facts))
        with pytest.raises(StoreError, match=message):
            check_against_seal(image_files, sealed)


def test_another_pillow_with_the_same_bits_is_no_obstacle(image_files, sealed):
    rewrite(sealed, lambda arrays, facts: facts["releases"].update(Pillow="9.5.0"))
    assert check_against_seal(image_files, sealed).has_match.all()


@pytest.mark.parametrize(
    "change",
    [
        lambda arrays, facts: arrays.update(codes=arrays["codes"][:, :, :1]),
        lambda arrays, facts: arrays.update(codes=arrays["codes"].repeat(2, axis=1)),
        lambda arrays, facts: arrays.update(codes=arrays["codes"].astype(np.int64)),
        lambda arrays, facts: arrays.update(codes=arrays["codes"].ravel()),
        lambda arrays, facts: arrays.pop("codes"),
        lambda arrays, facts: arrays.update(pixel_digests=np.zeros(2, dtype=np.uint64)),
        lambda arrays, facts: arrays.update({name: arrays[name][:0] for name in arrays}),
        lambda arrays, facts: arrays.update(colors=np.zeros((6, 36), dtype=np.uint8)),
        lambda arrays, facts: facts["parameters"].update(views="inside out"),
        lambda arrays, facts: facts["parameters"].update(radius=200),
        lambda arrays, facts: facts["parameters"].update(radius="calibrated"),
        lambda arrays, facts: facts["parameters"].update(n_jobs=-1),
        lambda arrays, facts: facts.update(parameters=None),
        lambda arrays, facts: facts.pop("probes"),
    ],
)
def test_contents_that_no_release_writes_are_told(change, sealed):
    """A seal comes from others: what has right checksums is not right for that."""
    rewrite(sealed, change)
    with pytest.raises(StoreError, match="was not written by hashfeatures"):
        _seal.Seal.read(sealed)


def test_what_is_no_seal_is_told(image_files, tmp_path):
    NearDuplicateFinder().fit(image_files[:2]).save(tmp_path / "known.finder")
    for path, message in (
        (image_files[0], "not a file of hashfeatures. Pass a file that seal_images or"),
        (tmp_path, "is a folder, not a seal"),
        (tmp_path / "known.finder", "holds a NearDuplicateFinder, not a Seal"),
    ):
        with pytest.raises(StoreError, match=message):
            check_against_seal(image_files, path)
    with pytest.raises(FileNotFoundError):
        check_against_seal(image_files, tmp_path / "none.seal")


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
