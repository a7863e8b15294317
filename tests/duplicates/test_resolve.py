"""Images and bits are grouped by whatever says what a near duplicate is."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.cluster import DBSCAN

from hashfeatures import DuplicateGroups, NearDuplicateFinder, ParameterError
from hashfeatures.duplicates._resolve import group_images, is_bit_matrix


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
