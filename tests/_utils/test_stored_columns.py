"""A table that was stored and read back says the same, whatever types its columns have by then."""

import datetime
import io
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from hashfeatures import (
    FailedImagesWarning,
    NearDuplicateFinder,
    drop_duplicates,
    find_duplicates,
    find_similar,
    hash_images,
    is_known,
    make_report,
)
from hashfeatures._utils.stored_columns import rank_values, read_numbers

READERS = [
    {},
    {"dtype": str},
    {"dtype": str, "keep_default_na": False},
    {"dtype": object},
    {"dtype": "category"},
    {"dtype_backend": "pyarrow"},
    {"dtype_backend": "numpy_nullable"},
]


@pytest.fixture(scope="module")
def stored(tmp_path_factory, noise_image):
    """Return a table as CSV: an image and its copy, a stranger, a blank one twice, one missing."""
    folder = tmp_path_factory.mktemp("stored")
    noise_image(0, size=(400, 300)).save(folder / "large.png")
    noise_image(0, size=(96, 72)).save(folder / "small.png")
    noise_image(1).save(folder / "other.png")
    noise_image(0).point(lambda value: 255).save(folder / "blank.png")
    names = ["small.png", "large.png", "other.png", "blank.png", "blank.png", "gone.png"]
    with pytest.warns(FailedImagesWarning):
        table = hash_images([str(folder / name) for name in names], errors="coerce")
    return table.assign(score=["9", "10", "1", "1", "1", "1"]).to_csv(index=False)


@pytest.mark.parametrize("options", READERS, ids=str)
def test_a_table_can_be_read_in_any_way(stored, options):
    table = pd.read_csv(io.StringIO(stored), **options)
    finder = NearDuplicateFinder(hashes="phash", radius=12).fit_table(table)
    assert finder.labels_.tolist() == [0, 0, 1, 2, 3, 4]
    assert finder.failures_["position"].tolist() == [5]
    assert find_duplicates(table).index.tolist() == [0, 1]


@pytest.mark.parametrize("options", READERS, ids=str)
@pytest.mark.parametrize("keep", ["largest", "score"])
def test_what_is_kept_is_the_same(stored, options, keep):
    """Of "9" and "10" the larger number, also where both are text."""
    table = pd.read_csv(io.StringIO(stored), **options).iloc[:3]
    kept = drop_duplicates(table, keep=keep)
    assert [name.rpartition("/")[2] for name in kept["image"]] == ["large.png", "other.png"]


def test_a_report_of_files_that_are_not_here_tells_their_sizes(stored):
    text = stored.replace("/stored", "/elsewhere")
    table = pd.read_csv(io.StringIO(text), dtype=str)
    finder = NearDuplicateFinder().fit_table(table)
    images = make_report(table, finder=finder).summary["images"]
    assert sorted(image["width"] for image in images) == [96, 400]


@pytest.mark.parametrize("options", READERS, ids=str)
def test_images_without_a_hash_are_known_to_nobody(stored, options):
    """Whatever stands in their cells, look-ups in the table leave them out."""
    table = pd.read_csv(io.StringIO(stored), **options)
    ranked = find_similar(table, table["phash"].iloc[0])
    assert not ranked["image"].astype(str).str.contains("gone").any()
    assert len(ranked) == len(table) - 1
    assert is_known(table, str(table["phash"].iloc[2]))


def test_digits_that_were_read_as_numbers_are_refused(stored):
    """Their leading zeros are lost."""
    table = pd.read_csv(io.StringIO(stored)).iloc[:2]
    with pytest.raises(ValueError, match=r"'phash'\. Got numbers, .*dtype=str"):
        NearDuplicateFinder().fit_table(table.assign(phash=[12, 13]))


@pytest.mark.parametrize(
    "values",
    [
        [3, 1, 2],
        ["b", "a", None],
        [datetime.date(2020, 1, 2), datetime.date(2020, 1, 1), None],
        [pd.Timestamp("2020-01-02"), pd.Timestamp("2020-01-01"), pd.NaT],
        [Decimal("0.2"), Decimal("0.1"), None],
        [True, False, None],
        ["10", "9", ""],
    ],
    ids=str,
)
def test_values_that_can_be_ranked_keep_their_order(values):
    rank = rank_values(values).rank()
    assert rank.iloc[0] > rank.iloc[1]


def test_numbers_are_read_from_text():
    column = pd.Series(["640", "1e3", "<NA>", None, pd.NA, 3, 2.5], dtype=object)
    np.testing.assert_array_equal(read_numbers(column), [640, 1000, *[np.nan] * 3, 3, 2.5])
