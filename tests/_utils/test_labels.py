"""Whatever scikit-learn stratifies by is a label, here and in groups and reports."""

import datetime
import decimal
import enum
import pathlib
import uuid

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.model_selection import train_test_split as plain_split

from hashfeatures import NearDuplicateKFold, leakage_report, train_test_split
from hashfeatures._utils.labels import Classes, list_labels, read_labels
from hashfeatures.duplicates._conflicts import find_conflicts

LETTERS = list("aabbccaabbcc")
ROWS = range(len(LETTERS))
PAIRS = list(zip(LETTERS, LETTERS[::-1], strict=True))


class Plain(enum.Enum):
    A = 1
    B = 2


LABELS = {
    "list": LETTERS,
    "tuple": tuple(LETTERS),
    "numbers": [1, 2, 3] * 4,
    "whole floats": [1.0, 2.0] * 6,
    "Booleans": [True, False] * 6,
    "bytes": [b"a", b"b"] * 6,
    "strings of numpy": np.array(LETTERS),
    "small numbers": np.array([1, 2] * 6, dtype="u1"),
    "complex": [1j, 2j] * 6,
    "categories": pd.Categorical(LETTERS),
    "intervals": pd.cut(np.arange(12) % 3, 3),
    "interval array": pd.arrays.IntervalArray.from_tuples([(0, 1), (1, 2)] * 6),
    "paths": [pathlib.Path(letter) for letter in LETTERS],
    "dates": [datetime.date(2020, 1, 1 + row % 2) for row in ROWS],
    "times": [datetime.time(1 + row % 2) for row in ROWS],
    "dates of numpy": np.array(["2020-01-01", "2020-01-02"] * 6, dtype="M8[D]"),
    "dates of a zone": pd.Series(pd.to_datetime(["2020-01-01", "2020-01-02"] * 6, utc=True)),
    "spans": pd.to_timedelta([1, 2] * 6, unit="D"),
    "periods": pd.period_range("2020", periods=2, freq="D").repeat(6),
    "uuids": [uuid.UUID(int=row % 2) for row in ROWS],
    "decimals": [decimal.Decimal(row % 2) for row in ROWS],
    "enum": [Plain.A, Plain.B] * 6,
    "nullable": pd.array([1, 2] * 6),
    "nullable Booleans": pd.array([True, False] * 6, dtype="boolean"),
    "nullable strings": pd.array(LETTERS, dtype="string"),
    "nullable floats": pd.array([1.5, 2.5] * 6, dtype="Float64"),
    "Arrow in pandas": pd.Series([1, 2] * 6, dtype="int64[pyarrow]"),
    "mixed": np.array([1, "a"] * 6, dtype=object),
    "mixed list": [1, "a", 2.5] * 4,
    "Series": pd.Series(LETTERS, index=range(5, 17)),
    "Index": pd.Index(LETTERS),
    "one column": np.array(LETTERS)[:, None],
    "frame": pd.DataFrame({"a": LETTERS}),
    "two columns": np.array(PAIRS),
    "two columns of numbers": np.array([[1, 2], [3, 4]] * 6),
    "two columns of floats": np.array([[0.1, 0.2], [0.3, 0.4]] * 6),
    "pairs": PAIRS,
    "lists of two kinds": [[1, "a"], [2, "b"]] * 6,
    "frame of two columns": pd.DataFrame({"a": LETTERS, "b": [1, 2] * 6}),
    "categories in two columns": pd.DataFrame(
        {"a": pd.Categorical(LETTERS), "b": pd.Categorical([1, 2] * 6)}
    ),
    "records": np.array([("a", 1), ("b", 2)] * 6, dtype=[("x", "U1"), ("y", int)]),
    "polars": pl.Series(LETTERS),
    "categories of polars": pl.Series(LETTERS, dtype=pl.Categorical),
    "frame of polars": pl.DataFrame({"a": LETTERS, "b": [1, 2] * 6}),
    "Arrow": pa.array(LETTERS),
    "chunks of Arrow": pa.chunked_array([LETTERS[:5], LETTERS[5:]]),
    "table of Arrow": pa.table({"a": LETTERS, "b": [1, 2] * 6}),
}
MATRICES = ("two columns of numbers", "two columns of floats")
each_kind = pytest.mark.parametrize("kind", LABELS)
each_column = pytest.mark.parametrize("kind", [kind for kind in LABELS if kind not in MATRICES])


@each_kind
def test_what_scikit_learn_stratifies_by_is_stratified_by(kind):
    """Each class is halved, and so is each of scikit-learn's."""
    y = LABELS[kind]
    if kind not in ("complex", "enum", "mixed"):  # nor what cannot be sorted
        plain_split(list(ROWS), stratify=y, test_size=6, random_state=0)
    train, test = train_test_split(
        list(ROWS), stratify=y, test_size=6, random_state=0, groups=ROWS, finder="precomputed"
    )
    labels = list(map(tuple, y)) if kind in MATRICES else list_labels(y, 12)
    assert sorted(train + test) == list(ROWS)
    for label in set(labels):
        of_label = [row for row in ROWS if labels[row] == label]
        assert abs(len(set(of_label) & set(train)) - len(of_label) / 2) <= 0.5


@each_column
@pytest.mark.filterwarnings("ignore::hashfeatures.SplitSizeWarning")
def test_the_same_labels_may_be_groups(kind):
    y = LABELS[kind]
    labels = list_labels(y, 12)
    train, test = train_test_split(
        list(ROWS), groups=y, test_size=6, random_state=0, finder="precomputed"
    )
    assert not {labels[row] for row in train} & {labels[row] for row in test}


@each_column
def test_the_same_labels_are_those_of_folds_conflicts_and_reports(kind):
    y = LABELS[kind]
    bits = np.array([[int(bit) for bit in f"{row:04b}"] for row in ROWS])
    folds = NearDuplicateKFold(2, stratify=True, finder="precomputed").split(bits, y, groups=ROWS)
    assert [len(test) for _, test in folds] == [6, 6]
    labels = list_labels(y, 12)
    conflicts = find_conflicts(np.zeros(12, dtype=np.intp), y)
    assert conflicts.loc[0, "labels"].keys() == set(labels)
    by_class = leakage_report(bits, bits, y=y).by_class
    assert set(by_class.index) == set(labels)


def test_names_of_rows_tell_their_columns():
    labels = read_labels(pd.DataFrame({"a": ["x", "y", "x"], "b": [1, 1, 2]}), 3)
    assert isinstance(labels, Classes)
    assert (labels.codes.tolist(), labels.names) == ([0, 1, 2], ["x, 1", "y, 1", "x, 2"])


def test_rows_are_told_apart_by_their_columns_not_by_their_spelling():
    assert read_labels(np.array([["a b", "c"], ["a", "b c"]]), 2).codes.tolist() == [0, 1]


@pytest.mark.parametrize(
    "y",
    [
        [1, None],
        pd.array([1, None]),
        pd.Categorical(["a", None]),
        [pd.NaT, datetime.date(2020, 1, 1)],
        [["a", None], ["b", 1]],
        pd.DataFrame({"a": ["x", "y"], "b": [1, np.nan]}),
        pl.Series(["a", None]),
        pa.array(["a", None]),
    ],
    ids=lambda y: type(y).__name__,
)
def test_missing_labels_are_counted(y):
    with pytest.raises(ValueError, match="labels of 1 images are missing"):
        read_labels(y, 2)
    assert pd.isna(list_labels(y, 2)).sum() == 1


@pytest.mark.parametrize("y", [[{"a"}, {"b"}], [{}, {}], np.array([[1], [2, 3]], dtype=object)])
def test_labels_that_cannot_be_told_apart(y):
    with pytest.raises(TypeError, match=r"Got .* of type (set|dict|list) in row 0"):
        read_labels(y, 2)


@pytest.mark.parametrize("function", [read_labels, list_labels])
def test_the_name_of_a_column_is_no_column(function):
    with pytest.raises(TypeError, match=r"Got the str 'label'\. .* column .* frame\['label'\]"):
        function("label", 5)
