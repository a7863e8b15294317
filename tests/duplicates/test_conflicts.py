"""Groups whose labels disagree are listed, the worst first; missing labels do not disagree."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashfeatures.duplicates._conflicts import find_conflicts

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
        (["a", ["b"], "c"], TypeError, r"Got \['b'\] of type list in row 1"),
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


@given(st.integers(0, 2**32), st.integers(0, 40), st.integers(1, 20), st.integers(1, 4))
def test_conflicts_are_those_that_counting_finds(seed, n_images, n_groups, n_labels):
    """Labels of one group by how many carry them, then by which comes first; groups likewise."""
    rng = np.random.default_rng(seed)
    groups = rng.integers(0, n_groups, n_images)
    labels = [[*"abcd", None][place] for place in rng.integers(0, n_labels + 1, n_images) - 1]
    expected = {}
    for group, label in zip(groups.tolist(), labels, strict=True):
        if label is not None:
            counts = expected.setdefault(group, {})
            counts[label] = counts.get(label, 0) + 1
    expected = {group: counts for group, counts in expected.items() if len(counts) > 1}
    for counts in expected.values():
        ranked = sorted(counts.items(), key=lambda item: -item[1])
        counts.clear()
        counts.update(ranked)
    sizes = np.bincount(groups, minlength=n_groups)

    def badness(group):
        counts = list(expected[group].values())
        return -(sum(counts) - counts[0]), -sizes[group]

    order = sorted(expected, key=badness)
    table = find_conflicts(groups, labels)
    assert table.index.tolist() == order
    assert [list(d.items()) for d in table["labels"]] == [[*expected[g].items()] for g in order]
    assert table["size"].tolist() == [sizes[group] for group in order]
    assert table["disagreeing"].tolist() == [-badness(group)[0] for group in order]
    assert table["rows"].tolist() == [np.flatnonzero(groups == g).tolist() for g in order]
