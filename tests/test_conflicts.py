"""Groups whose labels disagree are listed, the worst first; what is unlabelled is no conflict."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

from hashfeatures.conflicts import find_conflicts

GROUPS = np.array([0, 1, 1, 2, 2, 2, 3, 4, 4, 5, 5, 5, 5])
LABELS = ["a", "a", "b", "a", "a", "a", "b", "a", None, "c", "c", "a", "b"]


def test_worst_first():
    table = find_conflicts(GROUPS, LABELS)
    assert table.index.tolist() == [5, 1]
    assert table["size"].tolist() == [4, 2]
    assert table["disagreeing"].tolist() == [2, 1]
    assert table["labels"].tolist() == [{"c": 2, "a": 1, "b": 1}, {"a": 1, "b": 1}]
    assert table["rows"].tolist() == [[9, 10, 11, 12], [1, 2]]


@pytest.mark.parametrize(
    "kind",
    [tuple, pd.Series, pd.Categorical, pl.Series, np.array, lambda y: pd.DataFrame({"y": y})],
)
def test_labels_of_any_container(kind):
    assert find_conflicts(GROUPS, kind(LABELS)).index.tolist() == [5, 1]


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA])
def test_missing_labels_are_in_conflict_with_none(missing):
    assert find_conflicts(np.array([0, 0, 1, 1]), ["a", missing, missing, missing]).empty


def test_no_conflicts():
    table = find_conflicts(np.array([0, 0, 1]), [1, 1, 2])
    assert table.empty
    assert table.columns.tolist() == ["size", "disagreeing", "labels", "rows"]
    assert find_conflicts(np.array([], dtype=int), []).empty


@pytest.mark.parametrize(
    ("y", "error", "message"),
    [
        (["a", "b"], ValueError, "3 images, and y of length 2"),
        (["a", ["b"], "c"], TypeError, r"That of row 1 is \['b'\], of type list"),
        (np.eye(3), TypeError, "1d array or one column. Got a table of 3 columns of numbers"),
        (
            pd.DataFrame(np.eye(3), columns=list("abc")),
            ValueError,
            r"one column\. .* of 3 columns",
        ),
    ],
)
def test_wrong_labels_are_told(y, error, message):
    with pytest.raises(error, match=message):
        find_conflicts(np.array([0, 0, 1]), y)
