"""Look-ups in a table of hashes: the most similar images, and whether an image is known."""

import imagehash
import numpy as np
import pandas as pd
import polars as pl
import pytest
from PIL import Image

from hashfeatures import (
    FailedImagesWarning,
    ImageReadError,
    ParameterError,
    find_duplicates,
    find_similar,
    from_hex,
    hash_images,
    is_known,
)


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
