"""`hash_images`: one row per image, one hex column per hash."""

import imagehash
import numpy as np
import pandas as pd
import polars as pl
import pytest
from PIL import Image, ImageOps

from hashfeatures import (
    FailedImagesWarning,
    ImageHashFeaturizer,
    ImageReadError,
    ParameterError,
    hash_images,
)


def test_trimmed_borders_leave_the_hash_of_the_picture(noise_image):
    """The hash of a framed copy is that of the picture, as in the transformer."""
    picture = noise_image(0)
    framed = ImageOps.expand(picture, 10, "black")
    trimmed = hash_images([picture, framed], ["phash"], trim_borders=True)
    assert trimmed["phash"].duplicated().tolist() == [False, True]
    assert not hash_images([picture, framed], ["phash"])["phash"].duplicated().any()
    pd.testing.assert_series_equal(trimmed["phash"], hash_images([picture] * 2)["phash"])
    bits = ImageHashFeaturizer("phash", trim_borders=True).transform([picture, framed])
    np.testing.assert_array_equal(bits[0], bits[1])


def test_trim_borders_is_a_bool(noise_image):
    """A value that is not a bool is refused in the name of the function."""
    with pytest.raises(ParameterError, match=r"'trim_borders' parameter of hash_images must be"):
        hash_images([noise_image(0)], trim_borders="yes")


COLUMNS = ["ahash", "phash", "dhash", "whash", "colorhash"]


FACTS = ["width", "height", "format", "detail", "error"]


class TestHashImages:
    def test_columns(self, image_files):
        table = hash_images(image_files)
        assert list(table.columns) == ["image", *COLUMNS, *FACTS]
        assert table["image"].tolist() == image_files
        assert (table["width"] == 40).all()
        assert (table["height"] == 30).all()
        assert (table["format"] == "PNG").all()
        assert table["detail"].between(0, 100).all()
        assert all(error is None for error in table["error"])

    def test_hex_is_imagehash_s(self, image_files):
        table = hash_images(image_files, ["phash", "dhash:16", "colorhash:4"])
        for path, row in zip(image_files, table.itertuples(index=False), strict=True):
            with Image.open(path) as image:
                assert row[1:4] == (
                    str(imagehash.phash(image)),
                    str(imagehash.dhash(image, 16)),
                    str(imagehash.colorhash(image, 4)),
                )
        assert list(table.columns[1:4]) == ["phash", "dhash:16", "colorhash:4"]

    def test_duplicated(self, image_files):
        table = hash_images([*image_files, image_files[2]])
        for column in COLUMNS:
            assert table[column].duplicated(keep=False)[[2, 6]].all()
        assert table["phash"].duplicated().tolist() == [False] * 6 + [True]

    def test_failures_keep_their_rows(self, image_files):
        with pytest.warns(FailedImagesWarning, match="2 of 4"):
            table = hash_images([image_files[0], "no.png", image_files[1], None])
        failed = [False, True, False, True]
        for column in [*COLUMNS, "width", "height", "format", "detail"]:
            assert table[column].isna().tolist() == failed, column
        assert table["error"][0] is None
        assert table["error"][1].startswith("FileNotFoundError")
        assert table["width"].dtype == table["detail"].dtype == "Int64"

    def test_errors_may_be_raised(self, image_files):
        with pytest.raises(ImageReadError, match=r"image 1, 'no\.png'"):
            hash_images([image_files[0], "no.png"], errors="raise")

    def test_the_index_is_kept(self, image_files):
        index = pd.Index(list("fedcba"), name="key")
        for images in (
            pd.Series(image_files, index=index),
            pd.DataFrame({"url": image_files}, index=index),
        ):
            table = hash_images(images, "phash")
            pd.testing.assert_index_equal(table.index, index)
            assert table["image"].tolist() == image_files
        assert hash_images(pl.Series(image_files), "phash").index.tolist() == list(range(6))

    def test_images_from_memory(self, image_files):
        with Image.open(image_files[0]) as image:
            image.load()
            sources = [image, np.asarray(image), {"path": image_files[0]}]
        table = hash_images(sources, "phash")
        assert len(set(table["phash"])) == 1
        assert [type(source) for source in table["image"]] == [type(image), np.ndarray, dict]

    def test_size_is_as_seen(self, noise_image, encode):
        exif = Image.Exif()
        exif[0x0112] = 6
        turned = encode(noise_image(0, size=(640, 300)), "JPEG", exif=exif)
        for decode in ("full", "reduced"):
            table = hash_images([turned], "phash", decode=decode)
            assert table[["width", "height"]].iloc[0].tolist() == [300, 640]
        raw = hash_images([turned], "phash", orient=False)
        assert raw[["width", "height"]].iloc[0].tolist() == [640, 300]

    def test_no_images(self):
        table = hash_images([])
        assert list(table.columns) == ["image", *COLUMNS, *FACTS]
        assert len(table) == 0

    @pytest.mark.parametrize(
        "wrong", [{"errors": "ignore"}, {"decode": 1}, {"hashes": []}, {"n_jobs": "2"}], ids=str
    )
    def test_wrong_parameters(self, wrong):
        with pytest.raises(ParameterError):
            hash_images(["no.png"], **wrong)
