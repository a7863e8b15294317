"""From images to groups: copies together, strangers apart, failures and flat images alone."""

import numpy as np
import pytest
from PIL import Image

from hashfeatures import (
    FailedImagesWarning,
    ImageHashFeaturizer,
    NearDuplicateFinder,
    ParameterError,
    hash_images,
)


def test_copies_are_found(family):
    files, shown = family
    finder = NearDuplicateFinder().fit(files)
    np.testing.assert_array_equal(finder.labels_, shown)
    assert finder.n_groups_ == 5
    assert (finder.pairs_.left < finder.pairs_.right).all()
    assert (finder.pairs_.distance <= 12).all()
    assert (shown[finder.pairs_.left] == shown[finder.pairs_.right]).all()


def test_pairs_are_those_of_the_bits(family):
    files, _ = family
    finder = NearDuplicateFinder(decode="full", radius=30).fit(files)
    bits = ImageHashFeaturizer(["phash", "dhash"]).transform(files)
    distances = (bits[:, None] != bits[None]).sum(axis=2)
    left, right = np.nonzero(np.triu(distances <= 30, k=1))
    np.testing.assert_array_equal(finder.pairs_.left, left)
    np.testing.assert_array_equal(finder.pairs_.right, right)
    np.testing.assert_array_equal(finder.pairs_.distance, distances[left, right])


def test_matches_name_queries_and_fitted_rows(family):
    files, _ = family
    finder = NearDuplicateFinder().fit(files[::3])
    queries = [files[4], files[2], files[1]]
    matches = finder.matches(queries)
    assert matches.left.tolist() == [0, 1, 2]
    assert matches.right.tolist() == [1, 0, 0]


def test_failures_are_alone_and_listed(family):
    files, _ = family
    X = [None, *files[:3], "no such file.png", None]
    with pytest.warns(FailedImagesWarning, match="3 of 6"):
        finder = NearDuplicateFinder().fit(X)
    assert finder.labels_.tolist() == [0, 1, 1, 1, 2, 3]
    assert finder.failures_["position"].tolist() == [0, 4, 5]
    assert finder.failures_["image"].tolist() == [None, "no such file.png", None]
    assert finder.failures_["error"].str.contains("missing value|FileNotFound").all()
    with pytest.warns(FailedImagesWarning):
        assert finder.matches([None, files[1]]).left.tolist() == [1, 1, 1]


def test_flat_images_match_only_identical_ones():
    """The hashes of blank pages are all alike and say nothing."""
    grey = np.full((80, 60), 128, dtype=np.uint8)
    dark, twin, large = grey - 1, grey.copy(), np.full((160, 120), 128, dtype=np.uint8)
    X = [grey, dark, twin, large]
    assert NearDuplicateFinder().fit_predict(X).tolist() == [0, 1, 0, 2]
    assert NearDuplicateFinder(min_detail=0).fit_predict(X).tolist() == [0, 0, 0, 0]
    finder = NearDuplicateFinder().fit(X)
    assert finder.pairs_.left.tolist() == [0]
    assert finder.pairs_.distance.tolist() == [0]
    matches = finder.matches([large, dark, grey - 7])
    assert list(zip(matches.left, matches.right, strict=True)) == [(0, 3), (1, 1)]


def test_flat_files_are_told_apart_by_colour(encode):
    """A palette holds indices: equal ones may stand for any colour, whatever the format."""
    colours = ("red", "blue", "white")
    files = [encode(Image.new("RGB", (60, 60), colour), "GIF") for colour in colours]
    files.append(encode(Image.new("L", (60, 60), 255), "PNG"))
    assert NearDuplicateFinder().fit_predict(files).tolist() == [0, 1, 2, 2]


def test_a_table_of_hashes_is_enough(family):
    files, shown = family
    table = hash_images(files, ["phash", "dhash"])
    finder = NearDuplicateFinder().fit_table(table)
    np.testing.assert_array_equal(finder.labels_, shown)
    with pytest.raises(ValueError, match=r"no column 'dhash': make it by hash_images"):
        NearDuplicateFinder().fit_table(table.drop(columns="dhash"))


@pytest.mark.parametrize(
    "wrong",
    [
        *({"radius": -1}, {"radius": 1.5}, {"views": "all"}, {"linkage": "ward"}),
        *({"min_detail": -1}, {"decode": "half"}, {"hashes": "md5"}, {"progress": 1}),
    ],
    ids=str,
)
def test_wrong_parameters_are_named_before_images_are_read(wrong):
    with pytest.raises(ParameterError):
        NearDuplicateFinder(**wrong).fit(["no such file.png"])
