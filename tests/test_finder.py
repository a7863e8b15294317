"""From images to groups: copies together, strangers apart, failures and flat images alone."""

import io

import numpy as np
import pandas as pd
import polars as pl
import pytest
from PIL import Image
from sklearn.cluster import DBSCAN
from sklearn.pipeline import make_pipeline

from hashfeatures import (
    DuplicateGroups,
    FailedImagesWarning,
    HammingNeighborsTransformer,
    ImageHashFeaturizer,
    NearDuplicateFinder,
    ParameterError,
    drop_duplicates,
    hash_images,
)
from hashfeatures.duplicates import relabel
from hashfeatures.finder import group_images


def custom_finder():
    return make_pipeline(
        ImageHashFeaturizer(["phash", "dhash"]),
        HammingNeighborsTransformer(radius=12),
        DBSCAN(eps=12, min_samples=2, metric="precomputed"),
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


@pytest.mark.parametrize("finder", [None, NearDuplicateFinder(), custom_finder()], ids=str)
def test_anything_that_predicts_groups_is_a_finder(family, finder):
    files, shown = family
    np.testing.assert_array_equal(group_images(files, finder), shown)


def test_a_finder_is_not_fitted_in_passing(family):
    finder = NearDuplicateFinder()
    group_images(family[0], finder)
    assert not hasattr(finder, "labels_")


def test_noise_of_a_clusterer_is_no_group(image_files):
    assert group_images(image_files, custom_finder()).tolist() == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("finder", [DBSCAN, "phash", 12, object()], ids=repr)
def test_what_is_no_finder_is_told(image_files, finder):
    with pytest.raises(ParameterError, match="'finder' parameter must be None or an estimator"):
        group_images(image_files, finder)


def nullable(bits):
    return pd.DataFrame(bits).astype("UInt8")


def polars_frame(bits):
    return pl.DataFrame({str(column): bits[:, column] for column in range(bits.shape[1])})


@pytest.mark.parametrize(
    "kind", [np.asarray, pd.DataFrame, nullable, polars_frame, np.ndarray.tolist, list]
)
def test_a_matrix_of_bits_is_grouped_as_it_is(kind):
    bits = np.array([[0, 0, 0, 0], [1, 1, 1, 1], [0, 0, 0, 1]])
    expected = [0, 1, 0]
    assert group_images(kind(bits), NearDuplicateFinder(radius=1)).tolist() == expected
    assert group_images(kind(bits), DuplicateGroups(1)).tolist() == expected
    assert group_images(kind(bits)).tolist() == [0, 0, 0]  # radius 12


def test_the_images_of_a_table_are_found(family):
    files, shown = family
    for kind in (pd.DataFrame, pl.DataFrame):
        frame = kind({"y": [1.0] * len(files), "path": files})
        np.testing.assert_array_equal(group_images(frame), shown)


class TestDropDuplicates:
    """One image stands for its near duplicates, and no other is lost."""

    def test_first(self, family):
        files, _ = family
        assert drop_duplicates(files) == files[::3]
        assert drop_duplicates(files[::-1]) == files[2::3][::-1]

    def test_largest(self, family):
        files, _ = family
        kept = drop_duplicates(files[::-1], keep="largest")
        assert all("small" not in path for path in kept)
        assert all("original" in path for path in kept), "of equal size the one of more bytes"

    def test_largest_opens_nothing_twice(self, noise_image, encode):
        """A stream that can be read once is read once."""

        class Stream(io.BytesIO):
            def seekable(self):
                return False

        small, large = (encode(noise_image(0, size=size)) for size in ((100, 75), (400, 300)))
        streams = [Stream(small), Stream(large), Stream(encode(noise_image(1)))]
        assert drop_duplicates(streams, keep="largest") == streams[1:]

    def test_largest_of_groups_alone(self, family):
        files, _ = family
        kept = drop_duplicates(files[::-1], keep="largest", finder=custom_finder())
        assert kept == drop_duplicates(files[::-1], keep="largest")

    def test_callable(self, family):
        files, _ = family
        kept = drop_duplicates(files, keep=lambda path: path.endswith(".jpg"))
        assert kept == files[2::3]

    def test_the_container_is_of_the_same_kind(self, family):
        files, _ = family
        index = [f"row {number}" for number in range(len(files))]
        series = pd.Series(files, index=index)
        assert drop_duplicates(series).index.tolist() == index[::3]
        frame = pd.DataFrame({"url": files, "y": range(len(files))}, index=index)
        kept = drop_duplicates(frame)
        assert kept["y"].tolist() == [0, 3, 6, 9, 12]
        assert kept.index.tolist() == index[::3]
        assert isinstance(drop_duplicates(tuple(files)), tuple)
        assert isinstance(drop_duplicates(np.array(files)), np.ndarray)

    def test_every_image_left_out_has_a_near_duplicate_that_stays(self):
        """A chain of copies, each near the next: the ends are far apart and both stay."""
        rng = np.random.default_rng(0)
        start, end = (
            np.asarray(Image.fromarray(rng.integers(0, 256, (8, 8), np.uint8)).resize((64, 64), 3))
            for _ in range(2)
        )
        chain = [(start * (1 - t) + end * t).astype(np.uint8) for t in np.linspace(0, 1, 40)]
        finder = NearDuplicateFinder().fit(chain)
        assert finder.n_groups_ < 10
        kept = drop_duplicates([Image.fromarray(image) for image in chain])
        assert len(kept) > finder.n_groups_
        matched = NearDuplicateFinder().fit(kept).matches(chain)
        assert set(matched.left) == set(range(40))
        assert len(NearDuplicateFinder().fit(kept).pairs_.left) == 0

    def test_failures_stay(self, family):
        files, _ = family
        with pytest.warns(FailedImagesWarning):
            assert drop_duplicates([None, files[0], files[1], None]) == [None, files[0], None]

    def test_groups_alone_are_enough(self, family):
        files, shown = family
        order = np.random.default_rng(0).permutation(len(files))
        X = [files[row] for row in order]
        first = [X[np.flatnonzero(relabel(shown[order]) == group)[0]] for group in range(5)]
        assert drop_duplicates(X, finder=custom_finder()) == first

    def test_nothing_to_drop(self, image_files):
        assert drop_duplicates(image_files) == image_files
        assert drop_duplicates([]) == []
        assert drop_duplicates(image_files, finder=custom_finder()) == image_files

    def test_wrong_arguments(self, image_files):
        with pytest.raises(
            ParameterError, match=r"'keep' .* among {'first', 'largest'}. Got 'best'"
        ):
            drop_duplicates(image_files, keep="best")
        with pytest.raises(TypeError, match="drop_duplicates expects a list"):
            drop_duplicates(image_files[0])
        with pytest.raises(ValueError, match="drop_duplicates looks for the images in a column"):
            drop_duplicates(pd.DataFrame({"a": image_files, "b": image_files}))
