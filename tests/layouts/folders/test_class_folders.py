"""Class folders and plain folders are read as torchvision does, and each part is one again."""

import csv
import hashlib
import os
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hashfeatures import SkippedFilesWarning, leakage_report, read_collection
from hashfeatures._utils.path_text import read_path, split_list
from hashfeatures.exceptions import LayoutError, ParameterError


@pytest.fixture
def build(tmp_path, noise_image):
    """Return a function that writes images by name, each with other pixels."""
    picture = noise_image(0)

    def write(*names, folder="photos"):
        top = tmp_path / folder
        for number, name in enumerate(names):
            path = top / name
            path.parent.mkdir(parents=True, exist_ok=True)
            picture.putpixel((number % 40, number // 40), (number % 256, 1, 2))
            picture.save(path, "PNG")
        return top

    return write


def digest(folder):
    """Return the names and contents of all files below a folder."""
    return {
        path.relative_to(folder): hashlib.sha1(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def read_as_torchvision(folder):
    """Return the images of an ImageFolder and their classes, as (content, class) pairs."""
    classes = sorted(entry.name for entry in os.scandir(folder) if entry.is_dir())
    return sorted(
        (hashlib.sha1(Path(above, name).read_bytes()).hexdigest(), label)
        for label in classes
        for above, _, names in os.walk(folder / label, followlinks=True)
        for name in names
    )


FLAT = ("cat/1.png", "cat/2.png", "cat/kittens/1.png", "dog/1.png", "dog/2.png")
PARTED = (
    "train/cat/1.png",
    "train/dog/1.png",
    "train/dog/2.png",
    "val/cat/1.png",
    "val/dog/3.png",
)


class TestReading:
    def test_classes_are_the_folders(self, build):
        """The images of folders below a class are of the class."""
        collection = read_collection(build(*FLAT))
        assert collection.layout.name == "class-folders"
        assert collection["key"].tolist() == [*FLAT[:2], "cat/kittens/1.png", *FLAT[3:]]
        assert collection.labels.tolist() == ["cat"] * 3 + ["dog"] * 2
        assert collection.class_names == ["cat", "dog"]
        assert collection.parts is None

    def test_parts_are_the_folders_above(self, build):
        collection = read_collection(build(*PARTED))
        assert collection.layout.name == "class-folders"
        assert collection.parts.tolist() == ["train"] * 3 + ["val"] * 2
        assert collection.labels.tolist() == ["cat", "dog", "dog", "cat", "dog"]

    def test_an_empty_folder_is_no_class(self, build):
        top = build(*FLAT)
        (top / "bird").mkdir()
        assert read_collection(top).class_names == ["cat", "dog"]

    @pytest.mark.parametrize("layout", ["class-folders", "folder"])
    def test_other_files_are_counted(self, build, layout):
        top = build(*FLAT)
        (top / "README.md").write_text("cats and dogs")
        (top / "labels.csv").write_text("a,b")
        (top / "cat" / ".hidden").write_text("")
        with pytest.warns(SkippedFilesWarning, match=r"skipped 1 \.md, 1 \.csv, 1 hidden"):
            collection = read_collection(top, layout)
        assert len(collection) == 5

    def test_images_beside_the_classes_are_named(self, build):
        """torchvision leaves them out in silence."""
        top = build(*FLAT, "loose.png")
        with pytest.warns(SkippedFilesWarning, match=r"skipped 1 image outside .* loose\.png"):
            assert len(read_collection(top, "class-folders")) == 5
        assert len(read_collection(top, "folder")) == 6

    def test_contents_decide_for_files_without_a_suffix(self, build):
        top = build("cat/1", "dog/1", "dog/2.png")
        (top / "dog" / "notes").write_text("no image")
        with pytest.warns(SkippedFilesWarning, match="1 without a suffix"):
            assert read_collection(top)["key"].tolist() == ["cat/1", "dog/1", "dog/2.png"]

    def test_a_link_to_a_folder_is_named_and_not_followed(self, build):
        top = build(*FLAT)
        outside = build("1.png", folder="outside")
        (top / "bird").symlink_to(outside)
        with pytest.warns(SkippedFilesWarning, match="did not follow 1 link"):
            assert read_collection(top).class_names == ["cat", "dog"]

    @pytest.mark.parametrize("layout", ["class-folders", "folder"])
    def test_a_link_to_an_image_of_another_part_is_a_leak(self, build, layout):
        """It is an image of both parts. A link to an image of the same part is none."""
        top = build(*PARTED)
        (top / "val" / "cat" / "9.png").symlink_to(top / "train" / "cat" / "1.png")
        (top / "train" / "cat" / "9.png").symlink_to(top / "train" / "cat" / "1.png")
        with pytest.warns(SkippedFilesWarning, match="skipped 1 link"):
            collection = read_collection(top, layout)
        assert collection.parts.tolist() == ["train"] * 3 + ["val"] * 3
        assert leakage_report(collection.by_part()).n_pairs >= 1


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (FLAT, "class-folders"),
        (PARTED, "class-folders"),
        (("1.png", "cat/1.png", "dog/1.png"), "folder"),
        (("one/1.png", "one/2.png"), "folder"),
        (("images/1.png", "masks/2.png"), "folder"),
        (("train/images/1.png", "test/images/2.png"), "folder"),
        (("train/cat/1.png", "train/dog/1.png", "test/1.png"), "folder"),
        (("train/1.png", "test/2.png"), "folder"),
    ],
)
def test_what_a_folder_is_taken_for(build, names, expected):
    """Unlabeled images are never given the name of a folder that is not a class."""
    collection = read_collection(build(*names))
    assert collection.layout.name == expected
    assert len(collection) == len(names)


@pytest.mark.parametrize("how", ["link", "copy"])
@pytest.mark.parametrize(
    "parts", [["train"], ["fold0", "fold1"], ["mine", "yours"], ["a", "test"]]
)
def test_parts_of_any_name_are_read_as_parts(build, tmp_path, parts, how):
    """The name of a part is never the label of its images."""
    collection = read_collection(build(*FLAT))
    rows = [list(range(number, 5, len(parts))) for number in range(len(parts))]
    out = collection.write_split(dict(zip(parts, rows, strict=True)), tmp_path / "out", how)
    with warnings.catch_warnings(action="error"):
        again = read_collection(out)
    assert again.layout.name == "class-folders"
    old = dict(zip(collection["key"], collection.labels, strict=True))
    assert len(again) == 5
    for key, part, label in zip(again["key"], again.parts, again.labels, strict=True):
        name = key.removeprefix(f"{part}/")
        assert label == old[name]
        assert list(old).index(name) in rows[parts.index(part)]


def test_parts_without_classes_are_no_classes(build, tmp_path):
    for number, parts in enumerate([("fold0", "fold1"), ("mine", "yours")]):
        collection = read_collection(build("1.png", "2.png"))
        rows = {parts[0]: [0], parts[1]: [1]}
        again = read_collection(collection.write_split(rows, tmp_path / f"{number}", "copy"))
        assert again.labels is None
        assert again.parts.tolist() == list(parts)


def test_a_few_loose_images_are_named_and_left_out(build):
    """One cover beside the classes does not take the labels of all the others."""
    classes = [f"{name}/{number}.png" for name in ("cat", "dog") for number in range(4)]
    flat = build(*classes, "cover.png", folder="flat")
    parted = build(
        *(f"{part}/{name}" for part in ("train", "test") for name in classes),
        "train/cover.png",
        folder="parted",
    )
    for top, n_images in ((flat, 8), (parted, 16)):
        with pytest.warns(SkippedFilesWarning, match=r"1 image outside of .*cover\.png"):
            collection = read_collection(top)
        assert collection.layout.name == "class-folders"
        assert len(collection) == n_images


def test_a_plain_folder_has_parts_by_their_usual_names(build):
    collection = read_collection(build("test/1.png", "train/2.png", "train/a/3.png", "4.png"))
    assert collection.labels is None
    parts = dict(zip(collection["key"], collection.parts, strict=True))
    assert parts == {
        "4.png": None,
        "test/1.png": "test",
        "train/2.png": "train",
        "train/a/3.png": "train",
    }


class TestLists:
    def test_folders_of_parts_may_lie_apart(self, build, tmp_path):
        """They are parts by their names, and nothing beside them is searched."""
        top = build("a/train/cat/1.png", "a/train/dog/2.png", "b/test/cat/1.png", "b/3.png")
        before = digest(top)
        collection = read_collection([top / "b" / "test", top / "a" / "train"])
        assert collection.layout.name == "class-folders"
        assert collection.parts.tolist() == ["test", "train", "train"]
        assert collection.labels.tolist() == ["cat", "cat", "dog"]
        collection.write_split({"train": [0, 1], "test": [2]}, top / "out", "copy")
        assert sorted(map(str, digest(top / "out"))) == [
            "test/dog/train/2.png",
            "train/cat/test/1.png",
            "train/cat/train/1.png",
        ]
        assert {name: value for name, value in digest(top).items() if name.parts[0] != "out"} == (
            before
        )

    def test_folders_among_files_are_searched(self, build):
        """A glob such as photos/* names folders, images and other files."""
        top = build("cat/1.png", "cat/2.png", "dog/1.png", "3.png")
        (top / "notes.txt").write_text("no image")
        with pytest.warns(SkippedFilesWarning, match=r"skipped 1 \.txt"):
            collection = read_collection(f"{top}/*")
        assert collection["key"].tolist() == ["3.png", "cat/1.png", "cat/2.png", "dog/1.png"]
        assert collection.layout.name == "folder"
        assert collection.parts is None

    def test_a_list_of_one_folder_is_the_folder(self, build):
        top = build("cat/1.png", "dog/1.png")
        assert read_collection([top]).layout.name == "class-folders"
        assert read_collection([top / "cat" / "1.png"]).layout.name == "list"

    def test_an_image_that_is_named_twice_is_an_error(self, build):
        top = build("cat/1.png", "dog/1.png")
        with pytest.raises(LayoutError, match=r"cat/1\.png is named twice"):
            read_collection([top, top / "cat" / "1.png"], "folder")

    def test_nothing_is_written_into_a_listed_folder(self, build):
        top = build("train/1.png", "test/2.png")
        collection = read_collection([top / "train", top / "test"])
        with pytest.raises(LayoutError, match="inside a folder of images"):
            collection.write_split({"train": [0, 1]}, top / "train" / "new", "copy")
        collection.write_split({"train": [0, 1]}, top / "new", "copy")


@pytest.mark.parametrize("names", [FLAT, PARTED], ids=["flat", "parted"])
@pytest.mark.parametrize("how", ["link", "copy"])
def test_each_part_is_an_image_folder(build, tmp_path, names, how):
    """Every image is there once with its class, and the source is as it was."""
    top = build(*names)
    before = digest(top)
    collection = read_collection(top)
    out = tmp_path / "out"
    collection.write_split(["train", "test", "train", "train", "test"], out, how)
    train, test = read_as_torchvision(out / "train"), read_as_torchvision(out / "test")
    tops = [top / "train", top / "val"] if names is PARTED else [top]
    assert sorted(train + test) == sorted(
        pair for top in tops for pair in read_as_torchvision(top)
    )
    assert len(train) == 3
    assert len(set(train + test)) == 5
    assert digest(top) == before
    again = read_collection(out)
    assert again.parts.value_counts().to_dict() == {"train": 3, "test": 2}
    assert all(os.path.islink(image) == (how == "link") for image in again.images)


def test_images_of_one_name_do_not_overwrite_each_other(build, tmp_path):
    """The folder of the old part keeps them apart, below the class."""
    collection = read_collection(build(*PARTED))
    collection.write_split({"train": range(5)}, tmp_path / "out", "copy")
    assert sorted(map(str, digest(tmp_path / "out"))) == [
        "train/cat/train/1.png",
        "train/cat/val/1.png",
        "train/dog/train/1.png",
        "train/dog/train/2.png",
        "train/dog/val/3.png",
    ]


def test_names_that_differ_only_in_case_are_refused_by_copies(build, tmp_path):
    collection = read_collection(build("cat/a.png", "cat/A.png", "dog/b.png"))
    with pytest.raises(LayoutError, match="differ only in case"):
        collection.write_split({"train": range(3)}, tmp_path / "out", "copy")
    assert not (tmp_path / "out").exists()


def test_lists_are_tables_that_the_commands_read(build, tmp_path):
    """Columns "image" and "label" are those that the commands look for."""
    top = build("cat/1.png", 'cat/two\nlines, "quoted".png', "dog/1.png")
    collection = read_collection(top)
    collection.write_split({"train": [0, 1], "test": [2]}, tmp_path / "out")
    with open(tmp_path / "out" / "train.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["label"] for row in rows] == ["cat", "cat"]
    assert [read_path(row["image"]) for row in rows] == collection.images[:2]


def test_the_tables_of_a_split_are_read_as_its_parts(build, tmp_path):
    collection = read_collection(build(*PARTED))
    out = collection.write_split({"train": [0, 1, 3], "test": [2, 4]}, tmp_path / "out")
    again = read_collection(out)
    assert again.parts.tolist() == ["test"] * 2 + ["train"] * 3
    assert again.images == [collection.images[row] for row in (2, 4, 0, 1, 3)]
    assert again.labels.tolist() == [collection.labels[row] for row in (2, 4, 0, 1, 3)]


@pytest.mark.skipif(os.name != "posix", reason="Windows allows no line breaks in names")
def test_lists_of_images_without_labels_are_text(build, tmp_path):
    collection = read_collection(build("1.png", "two\nlines.png"))
    collection.write_split({"train": [0, 1]}, tmp_path / "out")
    assert split_list((tmp_path / "out" / "train.txt").read_bytes()) == collection.images


def test_plain_folders_keep_their_folders(build, tmp_path):
    collection = read_collection(build("a/1.png", "a/b/1.png", "1.png"), "folder")
    collection.write_split(
        {"x": ["1.png", "a/b/1.png"], "y": ["a/1.png"]}, tmp_path / "out", "copy"
    )
    written = ["parts.json", "x/1.png", "x/a/b/1.png", "y/a/1.png"]
    assert sorted(map(str, digest(tmp_path / "out"))) == written


@pytest.mark.parametrize("place", ["out", "cat/out", "."])
def test_nothing_is_written_into_the_source(build, place):
    top = build(*FLAT)
    before = digest(top)
    with pytest.raises((ParameterError, LayoutError)):
        read_collection(top).write_split({"train": [0, 1]}, top / place, "copy")
    assert digest(top) == before


def test_a_source_that_is_read_only_is_read(build, tmp_path):
    top = build(*FLAT)
    for folder in [top / "cat", top / "dog", top]:
        folder.chmod(0o555)
    try:
        collection = read_collection(top)
        collection.write_split({"train": [0, 1], "test": [3]}, tmp_path / "out", "copy")
    finally:
        for folder in [top, top / "cat", top / "dog"]:
            folder.chmod(0o755)
    assert len(digest(tmp_path / "out")) == 3


@pytest.mark.parametrize("layout", ["auto", "class-folders", "folder"])
def test_a_folder_without_images_is_an_error(tmp_path, layout):
    (tmp_path / "notes.txt").write_text("nothing")
    with pytest.raises(LayoutError, match=r"holds no images.*skipped 1 \.txt"):
        read_collection(tmp_path, layout)


@pytest.mark.parametrize("layout", ["class-folders", "folder"])
def test_a_file_is_no_folder(build, layout):
    top = build(*FLAT)
    with pytest.raises(LayoutError, match="Expected a folder of images, or a list of folders"):
        read_collection(top / "cat" / "1.png", layout)


@pytest.mark.skipif(sys.platform != "linux", reason="names of any bytes are Linux's")
def test_names_that_are_not_utf_8_survive(build, tmp_path):
    """A file system may hold any bytes; lists escape them, and folders keep them."""
    top = build(os.fsdecode(b"caf\xe9/1.png"), "dog/1.png")
    collection = read_collection(top)
    assert len(collection) == 2
    collection.write_split({"train": [0, 1]}, tmp_path / "lists")
    collection.write_split({"train": [0, 1]}, tmp_path / "copies", "copy")
    assert len(read_as_torchvision(tmp_path / "copies" / "train")) == 2
    with open(tmp_path / "lists" / "train.csv", encoding="utf-8", newline="") as file:
        assert [read_path(row["image"]) for row in csv.DictReader(file)] == collection.images


_words = st.sampled_from(["train", "val", "test", "cat", "dog", "images", "a b", "ü"])


@settings(max_examples=25)
@given(
    names=st.lists(
        st.lists(_words, max_size=3).map(lambda words: "/".join([*words, "1.png"])),
        min_size=1,
        max_size=8,
        unique=True,
    ),
    seed=st.integers(0, 99),
)
def test_every_image_is_in_one_part_of_a_split(tmp_path_factory, names, seed):
    """Whatever the folders are: all images are written, or nothing is."""
    top = tmp_path_factory.mktemp("source")
    for number, name in enumerate(names):
        path = top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(f"image {number}".encode())
    before = digest(top)
    with warnings.catch_warnings(action="ignore", category=SkippedFilesWarning):
        collection = read_collection(top)
    if "outside of class folders" not in collection.skipped:
        assert sorted(collection["key"]) == sorted(names)
    parts = np.random.default_rng(seed).choice(["train", "test"], len(collection))
    out = tmp_path_factory.mktemp("out")
    try:
        collection.write_split(parts, out, "copy")
    except LayoutError:
        assert not digest(out)
    else:
        written = [before[Path(key)] for key in collection["key"]]
        assert sorted(digest(out).values()) == sorted(written)
    assert digest(top) == before
