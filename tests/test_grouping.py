"""Images and bits are grouped by whatever says what a near duplicate is."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.cluster import DBSCAN

from hashfeatures import DuplicateGroups, NearDuplicateFinder, ParameterError
from hashfeatures.grouping import group_images


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
