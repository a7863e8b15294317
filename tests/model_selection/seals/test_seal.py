"""A seal holds fingerprints and nothing else of a set, and files that are wrong are told."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from hashfeatures import (
    NearDuplicateFinder,
    StoreError,
    check_against_seal,
    seal_images,
)
from hashfeatures._utils.array_file import read_store, write_store
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
        lambda arrays, facts: facts["parameters"].update(n_jobs=-1),
        lambda arrays, facts: facts.update(parameters=None),
        lambda arrays, facts: facts.pop("probes"),
        lambda arrays, facts: facts["releases"].update(Pillow="9 other-package"),
        lambda arrays, facts: facts["releases"].update({"other-package": "1.0"}),
        lambda arrays, facts: facts.update(hashfeatures="\x1b[2J"),
    ],
)
def test_contents_that_no_release_writes_are_told(change, sealed):
    """A seal comes from others: what has right checksums is not right for that."""
    rewrite(sealed, change)
    with pytest.raises(StoreError, match="was not written by hashfeatures"):
        _seal.Seal.read(sealed)


@pytest.mark.parametrize(
    "parameters", [{"views": "inside out"}, {"radius": 200}, {"radius": "calibrated"}]
)
def test_settings_that_this_release_does_not_know_are_told(parameters, sealed):
    rewrite(sealed, lambda arrays, facts: facts["parameters"].update(parameters))
    with pytest.raises(StoreError, match="with settings that the installed release"):
        _seal.Seal.read(sealed)


def test_versions_count_only_where_they_decide_bits(image_files, tmp_path):
    """A seal of whole images outlives a change of views, and one without reduced JPEGs too."""
    for finder, expected in (
        (NearDuplicateFinder(decode="full"), {"hashes"}),
        (NearDuplicateFinder(), {"hashes", "reduced"}),
        (NearDuplicateFinder(views="flips"), {"hashes", "reduced", "views"}),
    ):
        seal_images(image_files, tmp_path / "test.seal", finder=finder)
        assert set(read_store(tmp_path / "test.seal", "Seal")[1]["versions"]) == expected


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
