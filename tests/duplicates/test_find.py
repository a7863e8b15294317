"""The near duplicates of a collection as a table: groups, images, distances."""

import numpy as np
import pandas as pd
import pytest

from hashfeatures import (
    FailedImagesWarning,
    NearDuplicateFinder,
    find_duplicates,
    hash_images,
)

COLUMNS = ["group", "image", "distance"]
CONFIRMED = [*COLUMNS, "agreement", "relation"]


class TestFindDuplicates:
    def test_groups_of_two_or_more(self, family, image_files):
        files, shown = family
        X = [image_files[0], *files[::-1], image_files[1]]
        found = find_duplicates(X)
        assert list(found.columns) == CONFIRMED
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
        pd.testing.assert_frame_equal(find_duplicates(table), expected[COLUMNS])

    def test_an_image_is_described_by_the_first_that_is_near(self, family):
        """The first image of a group has no relation, and the others are relations of it."""
        files, _ = family
        found = find_duplicates(files)
        is_first = ~found["group"].duplicated()
        assert found["agreement"][is_first].isna().all()
        assert found["relation"][is_first].isna().all()
        least = NearDuplicateFinder().min_agreement
        assert found["agreement"][~is_first].between(least, 1).all()
        assert found["relation"][~is_first].notna().all()
        alone = find_duplicates(files, finder=NearDuplicateFinder(verify=False))
        assert list(alone.columns) == COLUMNS

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
        tables = {"images": image_files, "nothing": [], "hashes": hash_images(image_files)}
        for kind, images in tables.items():
            found = find_duplicates(images)
            assert list(found.columns) == (COLUMNS if kind == "hashes" else CONFIRMED)
            assert len(found) == 0
