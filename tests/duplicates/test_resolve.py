"""Images and bits are grouped by whatever says what a near duplicate is."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import BaseEstimator
from sklearn.cluster import DBSCAN

from hashfeatures import (
    DuplicateGroups,
    FailedImagesWarning,
    NearDuplicateFinder,
    ParameterError,
    drop_duplicates,
    hash_images,
)
from hashfeatures.duplicates._resolve import find_near, group_images, is_bit_matrix


def test_anything_that_predicts_groups_is_a_finder(family, custom_finder):
    files, shown = family
    for finder in (None, NearDuplicateFinder(), custom_finder):
        np.testing.assert_array_equal(group_images(files, finder), shown)


def test_a_finder_is_not_fitted_in_passing(family):
    finder = NearDuplicateFinder()
    group_images(family[0], finder)
    assert not hasattr(finder, "labels_")


def test_noise_of_a_clusterer_is_no_group(image_files, custom_finder):
    assert group_images(image_files, custom_finder).tolist() == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    "finder", [DBSCAN, "phash", 12, object()], ids=["class", "string", "number", "object"]
)
def test_what_is_no_finder_is_told(image_files, finder):
    with pytest.raises(ParameterError, match=r"'finder' parameter of .* must be None or an est"):
        group_images(image_files, finder)


def nullable(bits):
    return pd.DataFrame(bits).astype("UInt8")


def polars_frame(bits):
    return pl.DataFrame({str(column): bits[:, column] for column in range(bits.shape[1])})


def polars_booleans(bits):
    return polars_frame(bits == 1)


def objects(bits):
    return bits.astype(object)


def frame_of_objects(bits):
    return pd.DataFrame(bits, dtype=object)


@pytest.mark.parametrize(
    "kind",
    [
        np.asarray,
        pd.DataFrame,
        nullable,
        polars_frame,
        polars_booleans,
        objects,
        frame_of_objects,
        np.ndarray.tolist,
        list,
    ],
)
def test_a_matrix_of_bits_is_grouped_as_it_is(kind):
    bits = np.array([[0, 0, 0, 0], [1, 1, 1, 1], [0, 0, 0, 1]])
    expected = [0, 1, 0]
    assert group_images(kind(bits), NearDuplicateFinder(radius=1)).tolist() == expected
    assert group_images(kind(bits), DuplicateGroups(1)).tolist() == expected
    assert group_images(kind(bits)).tolist() == [0, 1, 2]  # 12 of 128 bits are none of 4


@pytest.mark.parametrize("kind", [pd.DataFrame, pl.DataFrame])
def test_one_column_of_numbers_is_a_matrix_of_one_bit(kind):
    """It is what `DuplicateGroups` takes; a column of names holds images."""
    bits = kind({"bit": [0, 1, 0]})
    assert group_images(bits, NearDuplicateFinder(radius=0)).tolist() == [0, 1, 0]
    assert not is_bit_matrix(kind({"path": ["0", "1", None]}))


def test_the_images_of_a_table_are_found(family):
    files, shown = family
    for kind in (pd.DataFrame, pl.DataFrame):
        frame = kind({"y": [1.0] * len(files), "path": files})
        np.testing.assert_array_equal(group_images(frame), shown)


def test_what_is_near_is_found_alike_by_whatever_finds_it(family, custom_finder):
    """Sources, sizes and failures come with the graph; groups alone have no distances."""
    files, shown = family
    images = [*files, "gone.png", None]
    labels = [*shown, max(shown) + 1, max(shown) + 2]
    with pytest.warns(FailedImagesWarning):
        found = find_near(images)
    np.testing.assert_array_equal(found.graph.labels(), labels)
    assert found.sources == images
    assert found.unreadable.tolist() == [len(files), len(files) + 1]
    assert (found.n_pixels > 0).sum() == len(files)
    assert found.has_distances
    assert found.finder is None
    groups = find_near(files, custom_finder)
    np.testing.assert_array_equal(groups.graph.labels(), shown)
    assert not groups.has_distances
    assert not groups.n_pixels.any()


def test_a_fitted_finder_gives_what_it_found(family):
    finder = NearDuplicateFinder(linkage="complete").fit(family[0])
    found = find_near(family[0], finder, fit=True)
    assert found.finder is finder
    assert found.graph is finder.graph_
    assert found.n_pixels is finder.n_pixels_
    again = find_near(family[0], NearDuplicateFinder(linkage="complete"), fit=True)
    np.testing.assert_array_equal(again.finder.labels_, finder.labels_)


def test_hashes_of_a_table_are_compared_only_on_demand(family, monkeypatch):
    table = hash_images(family[0], ["phash", "dhash"])
    monkeypatch.setattr(
        "hashfeatures.duplicates._comparison.hash_sources", lambda *a, **k: pytest.fail("read")
    )
    found = find_near(table, NearDuplicateFinder(), use_hashes=True)
    np.testing.assert_array_equal(found.graph.labels(), family[1])
    with pytest.raises(pytest.fail.Exception, match="read"):
        find_near(table, NearDuplicateFinder())


def test_what_is_missing_is_in_no_group():
    """Whatever label an estimator gives it: nothing is known of it."""

    class OneGroup(BaseEstimator):
        def fit_predict(self, X, y=None):
            return np.zeros(len(X), dtype=int)

    assert group_images(["a.png", None, "b.png", None], OneGroup()).tolist() == [0, 1, 0, 2]
    bits = np.array([[0.0, 1], [np.nan, np.nan], [1, 1]])
    assert group_images(bits, OneGroup()).tolist() == [0, 1, 0]


def test_an_empty_table_of_images_is_no_matrix_of_bits():
    """A filter may leave no row, and pandas takes a column without values for numbers."""
    table = pd.DataFrame({"image": pd.Series([], dtype=float)})
    assert not is_bit_matrix(table)
    assert len(drop_duplicates(table)) == 0
