"""Rows come back in a container of the kind that was given."""

import array
from collections import deque

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse as sp
from sklearn.model_selection import train_test_split as plain_split

from hashfeatures import (
    DuplicateGroups,
    HammingNeighbors,
    NearDuplicateFinder,
    NearDuplicateKFold,
    calibrate,
    from_hex,
    leakage_report,
    make_report,
    repair_split,
    train_test_split,
)
from hashfeatures._utils.containers import join_rows, take_rows
from hashfeatures.plotting import plot_images

NAMES = ["b.png", "a.png", "c.png"]
CONTAINERS = [
    NAMES,
    tuple(NAMES),
    np.array(NAMES),
    pd.Series(NAMES, index=[7, 8, 9]),
    pd.DataFrame({"x": NAMES}, index=[7, 8, 9]),
    pl.Series(NAMES),
    pl.DataFrame({"x": NAMES}),
]


@pytest.mark.parametrize("container", CONTAINERS, ids=lambda container: str(type(container)))
def test_rows_are_taken_in_kind(container):
    taken = take_rows(container, np.array([2, 0]))
    assert type(taken) is type(container)
    assert np.ravel(taken).tolist() == ["c.png", "b.png"]
    if hasattr(container, "index") and not isinstance(container, list | tuple):
        assert taken.index.tolist() == [9, 7]


N_ROWS = 6
LETTERS = list("aabbcc")


SPLIT = {
    "list": LETTERS,
    "tuple": tuple(LETTERS),
    "range": range(N_ROWS),
    "array of Python": array.array("i", range(N_ROWS)),
    "deque": deque(range(N_ROWS)),
    "lists": [[1, 2], [3]] * 3,
    "array": np.arange(N_ROWS),
    "matrix": np.arange(18).reshape(N_ROWS, 3),
    "objects": np.array([None, 1, "a", (1, 2), 2.0, b"x"], dtype=object),
    "records": np.array([(i, str(i)) for i in range(N_ROWS)], dtype=[("a", int), ("b", "U3")]),
    "dates": np.arange(N_ROWS).astype("datetime64[D]"),
    "masked": np.ma.array(np.arange(N_ROWS), mask=[0, 1, 0, 0, 1, 0]),
    "categories": pd.Categorical(LETTERS),
    "ordered categories": pd.Categorical(LETTERS, ordered=True),
    "intervals": pd.cut(range(N_ROWS), 3),
    "nullable": pd.array([1, None, 3, 4, 5, 6]),
    "strings": pd.array(LETTERS, dtype="string"),
    "nullable Booleans": pd.array([True, None] * 3, dtype="boolean"),
    "dates of a zone": pd.date_range("2020", periods=N_ROWS, tz="Europe/Berlin").array,
    "periods": pd.period_range("2020", periods=N_ROWS, freq="D").array,
    "sparse of pandas": pd.arrays.SparseArray([0, 0, 1, 0, 2, 0]),
    "index": pd.Index(LETTERS),
    "range index": pd.RangeIndex(N_ROWS),
    "index of levels": pd.MultiIndex.from_product([[1, 2], list("abc")]),
    "index of dates": pd.date_range("2020", periods=N_ROWS, tz="UTC"),
    "Series": pd.Series(LETTERS, index=list("uvwxyz")),
    "Series of categories": pd.Series(LETTERS, dtype="category"),
    "Series of dates": pd.Series(pd.date_range("2020", periods=N_ROWS, tz="Asia/Tokyo")),
    "frame": pd.DataFrame({"a": range(N_ROWS), "b": pd.Categorical(LETTERS)}),
    "frame of one name": pd.DataFrame(np.eye(N_ROWS), columns=LETTERS),
    "frame without columns": pd.DataFrame(index=range(N_ROWS)),
    "frame of nothing": pd.DataFrame({"a": [None] * 3 + [1.0] * 3, "b": [None] * N_ROWS}),
    "polars": pl.Series("x", LETTERS),
    "categories of polars": pl.Series("x", LETTERS, dtype=pl.Categorical),
    "frame of polars": pl.DataFrame({"a": range(N_ROWS), "b": LETTERS}),
    **{
        f"{kind} {name}": make(N_ROWS).asformat(name)
        for kind, make in (("matrix", sp.eye), ("array", sp.eye_array))
        for name in ("csr", "csc", "coo", "bsr", "lil", "dok", "dia")
    },
}


def _rows_of(container):
    if sp.issparse(container):
        return container.toarray().tolist()
    if isinstance(container, pd.DataFrame):
        return container.to_numpy().tolist()
    if isinstance(container, pl.DataFrame):
        return container.rows()
    return container.tolist() if isinstance(container, np.ndarray) else list(container)


@pytest.mark.parametrize("kind", SPLIT)
def test_what_can_be_split_can_be_joined(kind):
    """Whatever scikit-learn's function splits, `repair.apply` moves rows of."""
    bits = [[0, 0, 0], [1, 1, 1], [0, 0, 1], [1, 0, 0], [1, 1, 0], [0, 1, 1]]
    train, test, *parts = train_test_split(
        *(bits, SPLIT[kind]), groups=range(6), finder="precomputed", test_size=3, random_state=0
    )
    train[0] = test[0]
    _, _, repair = repair_split(train, test, finder=DuplicateGroups(radius=0))
    assert len(repair.moved) == 1
    kept, moved = repair.apply(*parts)
    row, target = repair.moved[["from_row", "to_part"]].iloc[0]
    first, second = map(_rows_of, parts)
    if target == "train":
        expected = [*first, second[row]], second[:row] + second[row + 1 :]
    else:
        expected = first[:row] + first[row + 1 :], [*second, first[row]]
    assert [repr(_rows_of(kept)), repr(_rows_of(moved))] == list(map(repr, expected))
    assert type(kept) is type(parts[0])
    assert getattr(kept, "dtype", None) == getattr(parts[0], "dtype", None)


@pytest.mark.parametrize(
    "container",
    [
        pa.table({"a": range(6)}),
        pa.array(range(6)),
        pa.chunked_array([[1, 2], [3, 4, 5, 6]]),
        pa.array(LETTERS).dictionary_encode(),
    ],
    ids=lambda container: type(container).__name__,
)
def test_arrow_is_joined_where_it_is_split(container):
    try:
        train, test = plain_split(container, test_size=2, random_state=0)
    except (TypeError, KeyError, ValueError):
        pytest.skip("this scikit-learn does not split it")
    joined = join_rows([train, test])
    assert joined.to_pylist() == train.to_pylist() + test.to_pylist()


def test_a_memory_map_is_joined_with_an_array(tmp_path):
    mapped = np.memmap(tmp_path / "map", dtype="f4", mode="w+", shape=(3, 2))
    assert join_rows([mapped, np.ones((1, 2))]).shape == (4, 2)


@pytest.mark.parametrize("kind", [pd.Series, pd.Categorical, pd.CategoricalIndex, pd.DataFrame])
def test_categories_that_differ_are_united(kind):
    one, other = pd.Categorical(["a"]), pd.Categorical(["b"])
    wrapped = ({"x": one}, {"x": other}) if kind is pd.DataFrame else (one, other)
    joined = join_rows([kind(part) for part in wrapped])
    column = joined["x"] if kind is pd.DataFrame else joined
    assert list(column) == ["a", "b"]
    assert isinstance(column.dtype, pd.CategoricalDtype)


@pytest.mark.parametrize(
    "pieces",
    [
        (pd.Series(["a"]), ["a"]),
        (pd.DataFrame({"a": [1]}), pd.DataFrame({"b": [1]})),
        (np.array([1]), pd.array([1])),
        (pa.table({"a": [1]}), pa.table({"b": [1]})),
    ],
    ids=["Series", "frames", "arrays", "tables"],
)
def test_rows_of_different_kinds_are_not_joined(pieces):
    with pytest.raises(TypeError, match="Expected containers of one kind"):
        join_rows(pieces)


LETTERS = "abcdef"


@pytest.fixture
def labeled(image_files):
    """Return a frame of six images, each with a label, a group and a part."""
    return pd.DataFrame(
        {"image": image_files, "label": list("ababab"), "group": list("uuvvww"), "part": "train"}
    )


def test_a_column_of_a_frame_can_be_named(labeled):
    """A str of as many letters as there are images would pass for labels."""
    labels = labeled["label"].tolist()
    by_name = train_test_split(labeled, test_size=2, stratify="label", groups="group")
    assert sorted(by_name[1]["label"]) == ["a", "b"]
    assert len(set(by_name[1]["group"])) == 1
    by_class = leakage_report(labeled[:3], labeled[3:], y="label").by_class
    assert by_class["images"].to_dict() == {"b": 2, "a": 1}
    summary = make_report(pd.concat([labeled, labeled]), classes="label", parts="part").summary
    assert {image["class"] for image in summary["images"]} == set(labels)
    assert summary["parts"] == ["train"]
    folds = NearDuplicateKFold(3, stratify=True, finder="precomputed")
    assert len(list(folds.split(labeled, "label", "group"))) == 3


@pytest.mark.parametrize("frame", [True, False], ids=["of a frame", "of a list"])
@pytest.mark.parametrize(
    "call",
    [
        lambda images: train_test_split(images, stratify=LETTERS),
        lambda images: train_test_split(images, groups=LETTERS),
        lambda images: train_test_split(images, LETTERS),
        lambda images: leakage_report(images, images, y=LETTERS),
        lambda images: make_report(images, classes=LETTERS),
        lambda images: make_report(images, parts=LETTERS),
        lambda images: next(NearDuplicateKFold(2).split(images, groups=LETTERS)),
        lambda images: next(NearDuplicateKFold(2, stratify=True).split(images, LETTERS)),
        lambda images: calibrate(images, edits="crop"),
        lambda images: plot_images(list(images)[:6], titles=LETTERS),
        lambda images: HammingNeighbors().fit(np.eye(6)).save("x.hf", ids=LETTERS),
        lambda images: from_hex("ffd8ffd8ffd8ffd8"),
        lambda images: (
            NearDuplicateFinder().fit([np.eye(9, dtype="uint8")] * 6).conflicts(LETTERS)
        ),
        lambda images: repair_split(images, images[:0])[2].apply(LETTERS, ""),
    ],
)
def test_a_string_is_no_array_of_letters(labeled, call, frame):
    """It is refused by name, before any image is hashed: nothing is here to be read."""
    images = labeled[["image", "label"]] if frame else labeled["image"].tolist()
    with pytest.raises((TypeError, ValueError), match=r"abcdef|crop|ffd8"):
        call(images)
