"""A collection is a table of images whose rows, parts and splits hold together."""

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array

from hashfeatures import Collection, ParameterError, train_test_split
from hashfeatures.exceptions import LayoutError
from hashfeatures.layouts._layout import Layout
from hashfeatures.layouts._plan import Plan


class Lists(Layout):
    """Writes the keys of each part."""

    name = "lists"
    title = "list"
    takes_all_files = True

    @classmethod
    def recognize(cls, source):
        return None

    @classmethod
    def read(cls, source, root=None):
        raise NotImplementedError

    def plan_split(self, collection, parts, how, out):
        keys = collection.frame["key"]
        return Plan({f"{name}.txt": " ".join(keys[rows]).encode() for name, rows in parts.items()})


def make(n=6, root=None, **columns):
    keys = [f"{number}.png" for number in range(n)]
    counts = csr_array(np.arange(2 * n).reshape(n, 2))
    frame = pd.DataFrame({"image": [f"/data/{key}" for key in keys], "key": keys} | columns)
    return Collection(frame, Lists(), counts=counts, class_names=["cat", "dog"], root=root)


def read_lists(folder):
    return {path.stem: path.read_text().split() for path in sorted(folder.iterdir())}


def test_a_selection_keeps_everything_of_its_rows():
    part = make(label=list("abcabc")).select([3, 1])
    assert part.images == ["/data/3.png", "/data/1.png"]
    assert part.labels.tolist() == ["a", "b"]
    assert part.counts.toarray().tolist() == [[6, 7], [2, 3]]
    assert part.class_names == ["cat", "dog"]
    assert list(part.frame.index) == [0, 1]


def test_rows_are_taken_by_mask_slice_and_number():
    collection = make()
    assert collection[np.arange(6) > 3]["key"].tolist() == ["4.png", "5.png"]
    assert collection[4:]["key"].tolist() == ["4.png", "5.png"]
    assert collection[-1] == "/data/5.png"
    assert list(collection) == collection.images
    assert len(collection.select([])) == 0


@pytest.mark.parametrize(
    "rows", [[6], [-1], ["no.png"], [0.5], [True], [[0, 1]], [None]], ids=repr
)
def test_rows_that_are_not_there_are_refused(rows):
    with pytest.raises(ParameterError, match="row numbers, a mask or keys of these 6 images"):
        make().select(rows)


def test_rows_are_taken_by_key():
    assert make().select(["3.png", "1.png"]).images == ["/data/3.png", "/data/1.png"]


def test_parts_come_in_the_order_of_their_use():
    collection = make(part=["test", "train", None, "val", "train", "train"])
    parts = collection.by_part()
    assert list(parts) == ["train", "val", "test"]
    assert parts["train"]["key"].tolist() == ["1.png", "4.png", "5.png"]
    assert collection.describe() == (
        "list layout, 6 images, 3 parts (train 3, val 1, test 1), 2 classes"
    )
    assert make().by_part() == {}


def test_strata_are_labels_or_counts():
    assert make(label=list("abcabc")).strata.tolist() == list("abcabc")
    assert make().strata.shape == (6, 2)


def test_a_split_by_counts_returns_collections():
    rng = np.random.default_rng(0)
    images = list(rng.integers(0, 256, (40, 12, 12), dtype=np.uint8))
    frame = pd.DataFrame({"image": images, "key": list(map(str, range(40)))})
    counts = csr_array(rng.integers(0, 4, (40, 3)))
    collection = Collection(frame, Lists(), counts=counts, class_names=list("abc"))
    train, test = train_test_split(
        collection, stratify=collection.strata, test_size=0.25, random_state=0
    )
    assert len(train) == 30
    shares = test.counts.sum(axis=0) / collection.counts.sum(axis=0)
    assert np.abs(shares - 0.25).max() < 0.06


@pytest.mark.parametrize(
    "form",
    [
        lambda collection, rows: {name: collection.select(at) for name, at in rows.items()},
        lambda collection, rows: rows,
        lambda collection, rows: {name: np.isin(np.arange(6), at) for name, at in rows.items()},
        lambda collection, rows: {
            name: collection.frame["key"][at].tolist() for name, at in rows.items()
        },
        lambda collection, rows: {
            name: [collection.images[row] for row in at] for name, at in rows.items()
        },
        lambda collection, rows: pd.Series(["train", "test", "train", None, "train", "test"]),
        lambda collection, rows: np.array(
            ["train", "test", "train", None, "train", "test"], dtype=object
        ),
    ],
    ids=["collections", "rows", "masks", "keys", "paths", "Series", "array"],
)
def test_a_split_is_given_in_any_form(form, tmp_path):
    collection = make()
    parts = form(collection, {"train": [0, 2, 4], "test": [1, 5]})
    collection.write_split(parts, tmp_path / "out")
    assert read_lists(tmp_path / "out") == {
        "test": ["1.png", "5.png"],
        "train": ["0.png", "2.png", "4.png"],
    }


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"train": [0, 1], "test": [1, 2]}, "parts without a common image. Got '1.png'"),
        ({"train": [0, 6]}, "row numbers, keys or a collection of these 6 images"),
        ({"train": [-1]}, "row numbers, keys"),
        ({"train": ["no.png"]}, "row numbers, keys.*Got 'no.png'"),
        ({"train": [0.5]}, "row numbers, keys"),
        ({"train": make()}, "a collection of these 6 images for 'train'"),
        ({"a/b": [0]}, "whose names can be those of files.*Got 'a/b'"),
        ({"..": [0]}, "whose names can be those of files"),
        ({"": [0]}, "whose names can be those of files"),
        ({}, "whose names can be those of files"),
    ],
)
def test_a_split_that_does_not_fit_is_refused(parts, message, tmp_path):
    with pytest.raises(ParameterError, match=message):
        make().write_split(parts, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_split_of_another_length_is_refused(tmp_path):
    with pytest.raises(ValueError, match="5"):
        make().write_split(["train"] * 5, tmp_path / "out")


def test_nothing_is_written_among_the_images_of_a_folder(tmp_path):
    collection = make(root=tmp_path)
    with pytest.raises(ParameterError, match="whose images all belong to the data set"):
        collection.write_split({"train": [0]}, tmp_path / "out")


def test_an_unknown_way_to_write_is_refused(tmp_path):
    with pytest.raises(ParameterError, match="'how' parameter of write_split"):
        make().write_split({"train": [0]}, tmp_path / "out", how="move")


def test_pieces_are_joined_if_they_are_of_one_data_set():
    collection = make()
    joined = collection.select([4, 5]).append([collection.select([0])])
    assert joined["key"].tolist() == ["4.png", "5.png", "0.png"]
    assert joined.counts.toarray().tolist() == [[8, 9], [10, 11], [0, 1]]
    with pytest.raises(TypeError, match="collections of one data set"):
        collection.append([make()])


def test_a_layout_without_boxes_says_so():
    with pytest.raises(LayoutError, match="The list layout holds no boxes"):
        make().objects()
