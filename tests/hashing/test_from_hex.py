"""Hashes that others stored: each spelling is read as its maker reads it."""

import json

import imagehash
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from hashfeatures import (
    NearDuplicateFinder,
    ParameterError,
    find_duplicates,
    find_similar,
    from_hex,
    hash_images,
    is_known,
)


def spell_as_imagehash_3(bits):
    """Spell bits as ImageHash 3 did: each byte with its first bit as the lowest."""
    return np.packbits(bits.reshape(-1, 8), axis=1, bitorder="little").tobytes().hex()


@pytest.mark.parametrize("by", ["ahash", "phash:16", "colorhash"])
def test_imagehash_strings_come_back_as_they_are(by, image_files):
    hexes = hash_images(image_files, [by])[by]
    table = from_hex(hexes.tolist(), by, images=image_files)
    assert table[by].tolist() == hexes.tolist()
    assert table["image"].tolist() == image_files
    assert find_similar(table, image_files[2], by=by)["hamming_distance"].iloc[0] == 0


def test_imagehash_objects_are_hashes(image_files):
    with Image.open(image_files[0]) as image:
        hashed = imagehash.phash(image)
    assert from_hex([hashed])["phash"].tolist() == [str(hashed)]


@pytest.mark.parametrize("size", [8, 16])
def test_the_old_format_is_read_as_imagehash_reads_it(size, image_files):
    """ImageHash's own reader of old strings is the judge."""
    by = f"dhash:{size}"
    with Image.open(image_files[0]) as image:
        hashed = imagehash.dhash(image, size)
    old = spell_as_imagehash_3(hashed.hash)
    assert imagehash.old_hex_to_hash(old, size) == hashed
    (column,) = from_hex([old], by, origin="imagehash3").columns.drop("image")
    assert from_hex([old], by, origin="imagehash3")[column].tolist() == [str(hashed)]
    assert str(hashed) != old


def test_the_old_format_holds_whole_bytes():
    with pytest.raises(ParameterError, match="'colorhash' has 42 bits"):
        from_hex(["07007000000"], "colorhash", origin="imagehash3")


def test_encodings_of_imagededup(tmp_path):
    """A dict from file names to digits, as it is returned or saved as JSON."""
    encodings = {"a.jpg": "2b69707551f1b87d", "b.jpg": "2b69707551f1b87c"}
    file = tmp_path / "encodings.json"
    file.write_text(json.dumps(encodings))
    for given in (encodings, file, str(file)):
        table = from_hex(given, "phash", origin="imagededup")
        assert table["image"].tolist() == ["a.jpg", "b.jpg"]
        found = find_duplicates(table, finder=NearDuplicateFinder("phash", 6))
        assert found["distance"].tolist() == [1, 1]


def test_pdq_is_that_of_this_package(image_files):
    pytest.importorskip("pdqhash")
    hexes = hash_images(image_files, ["pdq"])["pdq"]
    table = from_hex([hexes[0].upper(), hexes[1]], origin="pdq")
    assert table["pdq"].tolist() == hexes[:2].tolist()


def test_the_index_of_a_series_names_the_images():
    stored = pd.Series(["333e9f8981c3c3e3", None], index=["a", "b"])
    table = from_hex(stored, "ahash")
    assert table["image"].tolist() == ["a", "b"]
    assert table.index.tolist() == ["a", "b"]
    assert table["ahash"].isna().tolist() == [False, True]
    assert find_similar(table, "333e9f8981c3c3e3", by="ahash").index.tolist() == ["a"]


def test_no_hashes():
    assert list(from_hex([]).columns) == ["image", "phash"]
    assert not is_known(from_hex([]), "333e9f8981c3c3e3")


@pytest.mark.parametrize(
    ("hashes", "by", "told"),
    [
        (["333e9f8981c3c3e3", "abc"], "phash", "Row 1 .* 'abc'.*by=..."),
        (["333e9f8981c3c3e3"], "phash:16", "expected 64 hex digits"),
        ([None, "xyz"], "phash", "Row 1 "),
        ([123], "phash", "got int 123.*dtype=str"),
        (["fff00000000"], "colorhash", "needs 44 bits"),
    ],
)
def test_what_is_no_hash_is_named(hashes, by, told):
    with pytest.raises(ValueError, match=told):
        from_hex(hashes, by)


def test_unknown_origins():
    with pytest.raises(ParameterError, match="'imagededup'"):
        from_hex([], origin="dupeguru")
