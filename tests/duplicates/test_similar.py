"""The plain-table road: hex columns as ImageHash prints them, look-ups, rankings."""

import imagehash
import numpy as np
import pandas as pd
import polars as pl
import pytest
from PIL import Image

from hashfeatures import (
    FailedImagesWarning,
    ImageReadError,
    NearDuplicateFinder,
    ParameterError,
    find_duplicates,
    find_similar,
    from_hex,
    hash_images,
    is_known,
)

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


class TestFindDuplicates:
    def test_groups_of_two_or_more(self, family, image_files):
        files, shown = family
        X = [image_files[0], *files[::-1], image_files[1]]
        found = find_duplicates(X)
        assert list(found.columns) == ["group", "image", "distance"]
        assert found["image"].tolist() == files[::-1]
        assert found["group"].tolist() == sorted(5 - shown), "as in the labels of a finder"
        assert found.index.tolist() == list(range(1, 16))
        assert found["distance"].between(0, 12).all()

    def test_distance_is_to_the_nearest(self, family):
        files, _ = family
        finder = NearDuplicateFinder().fit(files)
        found = find_duplicates(files)["distance"]
        for row in range(len(files)):
            touching = (finder.pairs_.left == row) | (finder.pairs_.right == row)
            assert found[row] == finder.pairs_.distance[touching].min()

    def test_a_table_gives_what_its_images_give(self, family, monkeypatch):
        files, _ = family
        table = hash_images(pd.Series(files, index=range(100, 115)), decode="reduced")
        expected = find_duplicates(table["image"])
        monkeypatch.setattr(
            "hashfeatures.images._open.Image.open", lambda *a: pytest.fail("read again")
        )
        pd.testing.assert_frame_equal(find_duplicates(table), expected)

    def test_failed_and_flat_rows_of_a_table_match_nothing(self, image_files):
        flat = np.full((20, 20), 9, dtype=np.uint8)
        with pytest.warns(FailedImagesWarning):
            table = hash_images([None, flat, image_files[0], flat, None, image_files[0]])
        assert find_duplicates(table).index.tolist() == [2, 5]

    def test_a_table_of_other_hashes_needs_another_finder(self, image_files):
        table = hash_images(image_files * 2, "phash:16")
        with pytest.raises(ValueError, match=r"no column 'phash', 'dhash'.*finder=NearDuplicateF"):
            find_duplicates(table)
        finder = NearDuplicateFinder("phash:16", radius=0)
        assert len(find_duplicates(table, finder=finder)) == 12

    def test_none(self, image_files):
        for images in (image_files, [], hash_images(image_files)):
            found = find_duplicates(images)
            assert list(found.columns) == ["group", "image", "distance"]
            assert len(found) == 0


class TestFindSimilar:
    def test_the_articles_table(self, family):
        files, _ = family
        found = find_similar(files, files[4])
        assert list(found.columns) == ["image", "hash", "hamming_distance"]
        assert len(found) == len(files)
        assert found["hamming_distance"].is_monotonic_increasing
        assert set(found["image"][:3]) == set(files[3:6])
        assert found.loc[4, "hamming_distance"] == 0
        with Image.open(files[4]) as image:
            query = imagehash.phash(image)
        for path, text, distance in found.itertuples(index=False):
            with Image.open(path) as image:
                assert str(imagehash.phash(image)) == text
                assert imagehash.phash(image) - query == distance

    def test_ties_in_the_order_of_the_input(self, image_files):
        X = [image_files[1], image_files[0], image_files[1], image_files[0]]
        assert find_similar(X, image_files[0]).index.tolist() == [1, 3, 0, 2]

    @pytest.mark.parametrize("by", ["ahash", "dhash:16", "colorhash"])
    def test_by_any_hash(self, image_files, by):
        found = find_similar(image_files, image_files[3], by=by, n=2)
        assert found["hamming_distance"].iloc[0] == 0
        assert len(found) == 2

    def test_a_table_is_not_read_again(self, image_files, monkeypatch):
        table = hash_images(pd.Series(image_files, index=list("abcdef")))
        with Image.open(image_files[2]) as image:
            query = imagehash.phash(image)
        monkeypatch.setattr(
            "hashfeatures.images._open.Image.open", lambda *a: pytest.fail("read again")
        )
        for stored in (query, str(query), table["phash"]["c"].upper()):
            found = find_similar(table, stored)
            assert found.index[0] == "c"
            assert found["hamming_distance"].iloc[0] == 0
        assert found["image"].iloc[0] == image_files[2]

    def test_a_file_named_like_a_hash_is_a_file(self, image_files, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        with Image.open(image_files[2]) as image:
            image.save(tmp_path / ("0" * 16), "PNG")
        assert find_similar(image_files, "0" * 16).index[0] == 2

    def test_failed_images_are_left_out(self, image_files):
        with pytest.warns(FailedImagesWarning):
            table = hash_images([None, *image_files])
        assert sorted(find_similar(table, image_files[0]).index) == [1, 2, 3, 4, 5, 6]
        with pytest.raises(ImageReadError, match=r"no\.png"):
            find_similar(image_files, "no.png")

    def test_no_images(self, image_files):
        assert len(find_similar([], image_files[0])) == 0

    def test_wrong_arguments(self, image_files):
        table = hash_images(image_files, "phash")
        with pytest.raises(ParameterError, match="The table has no column 'dhash' to compare by"):
            find_similar(table, image_files[0], by="dhash")
        with pytest.raises(ParameterError, match="named by a str"):
            find_similar(table, image_files[0], by=["phash", "dhash"])
        with pytest.raises(ParameterError, match="no hash 'md5'"):
            find_similar(table, image_files[0], by="md5")
        with pytest.raises(ParameterError, match="'n' parameter of find_similar"):
            find_similar(table, image_files[0], n=0)
        with pytest.raises(
            TypeError, match=r"find_similar looks for one image at a time\. Got a list"
        ):
            find_similar(table, image_files)
        with pytest.raises(TypeError, match="is_known looks for one image at a time"):
            is_known(table, pd.Series(image_files))
        with pytest.raises(ValueError, match="expected 16 hex digits"):
            find_similar(table, imagehash.ImageHash(np.ones((4, 4), dtype=bool)))


class TestUnits:
    STORED = ("333e9f8981c3c3e3", "ffc1818183cfffff", "fe86c38181c1c3c7", "2700017303030f9f")
    QUERY = "fe86c38181c1c3c7"

    def test_digits_and_bits(self):
        """The same strings are so many digits apart, and so many bits."""
        table = from_hex(self.STORED, "ahash")
        by_digits = find_similar(table, self.QUERY, by="ahash", unit="hex")
        by_bits = find_similar(table, self.QUERY, by="ahash")
        assert by_digits["hamming_distance"].sort_index().tolist() == [10, 11, 0, 16]
        assert by_bits["hamming_distance"].sort_index().tolist() == [17, 18, 0, 28]
        assert by_digits["hamming_distance"].is_monotonic_increasing

    def test_digits_are_those_of_the_strings(self, image_files):
        """Where the bits fill no whole digits, the digits are still the ones that are printed."""
        table = hash_images(image_files, ["colorhash"])
        similar = find_similar(table, image_files[0], by="colorhash", unit="hex")
        query = table["colorhash"][0]
        for row, distance in similar["hamming_distance"].items():
            pairs = zip(query, table["colorhash"][row], strict=True)
            assert distance == sum(left != right for left, right in pairs)

    def test_other_units(self, image_files):
        with pytest.raises(ParameterError, match="'unit' parameter of find_similar"):
            find_similar(image_files, image_files[0], unit="bytes")


class TestIsKnown:
    def test_the_same_hash(self, image_files):
        table = hash_images(image_files[:4], ["ahash", "phash"])
        for image in image_files[:4]:
            assert is_known(table, image, by="ahash") is True
        for image in image_files[4:]:
            assert is_known(table, image, by="ahash") is False

    def test_within_a_radius(self, family, image_files):
        files, _ = family
        table = hash_images(files[::3], ["phash"])
        assert all(is_known(table, copy, radius=6) for copy in files)
        assert not any(is_known(table, other, radius=6) for other in image_files)

    def test_by_its_hash(self):
        table = from_hex(TestUnits.STORED, "ahash")
        assert is_known(table, TestUnits.QUERY, by="ahash")
        assert not is_known(table, TestUnits.QUERY[::-1], by="ahash")
        assert is_known(table, "fe86c38181c1c3c6", by="ahash", radius=1)

    def test_among_images(self, image_files):
        assert is_known(image_files, image_files[1])

    def test_unreadable_images_are_not_said_to_be_new(self, image_files):
        with pytest.raises(ImageReadError, match="nowhere"):
            is_known(image_files, "nowhere.png")

    def test_without_the_column(self, image_files):
        with pytest.raises(ParameterError, match="no column 'ahash'"):
            is_known(hash_images(image_files, ["phash"]), image_files[0], by="ahash")


def test_polars_tables_are_tables_too(image_files):
    """As for the splits; the answers have plain row numbers."""
    table = hash_images([*image_files, image_files[2]], ["phash", "dhash"])
    lent = pl.DataFrame({name: table[name].to_list() for name in ("image", "phash", "dhash")})
    pd.testing.assert_frame_equal(find_duplicates(lent), find_duplicates(table))
    pd.testing.assert_frame_equal(
        find_similar(lent, image_files[1]), find_similar(table, image_files[1])
    )
    assert is_known(lent, image_files[0])
    images = pl.DataFrame({"path": [*image_files, image_files[2]], "y": range(7)})
    assert find_duplicates(images).index.tolist() == find_duplicates(table).index.tolist()
