"""YOLO data sets are read as Ultralytics does, and come back with every label once."""

import hashlib
import os
import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hashfeatures import SkippedFilesWarning, read_collection
from hashfeatures.exceptions import LayoutError

yaml = pytest.importorskip("yaml")

BOX = "0 0.5 0.5 0.2 0.4"
POLYGON = "1 0.1 0.2 0.9 0.2 0.5 0.8"


@pytest.fixture
def build(tmp_path, noise_image):
    """Return a function that writes a YOLO data set and returns its data.yaml."""
    picture = noise_image(0)

    def write(parts, labels=None, settings=None, folder="data"):
        top = tmp_path / folder
        for number, (part, names) in enumerate(parts.items()):
            for name in names:
                place = top / "images" / part / name
                place.parent.mkdir(parents=True, exist_ok=True)
                picture.putpixel((number, len(name)), (len(part), number, len(name)))
                picture.save(place)
                text = (labels or {}).get(f"{part}/{name}", f"{BOX}\n{POLYGON}\n")
                if text is not None:
                    label = top / "labels" / part / Path(name).with_suffix(".txt")
                    label.parent.mkdir(parents=True, exist_ok=True)
                    label.write_bytes(text if isinstance(text, bytes) else text.encode())
        content = {part: f"images/{part}" for part in parts}
        content |= {"names": ["cat", "dog"], "extra": {"kept": [1, 2]}} | (settings or {})
        content = {key: value for key, value in content.items() if value is not None}
        file = top / "data.yaml"
        file.write_text(yaml.safe_dump(content, sort_keys=False))
        return file

    return write


def digest(folder):
    """Return the names, links and contents of all files below a folder."""
    return {
        path.relative_to(folder): (path.is_symlink(), hashlib.sha1(path.read_bytes()).digest())
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def read_as_ultralytics(file):
    """Return the images of each part and the bytes of their labels, by the trainer's rules."""
    content = yaml.safe_load(file.read_text("utf-8"))
    assert {"train", "val"} <= content.keys()
    top = Path(content.get("path") or file.parent)
    found = {}
    for part in ("train", "val", "test"):
        if not content.get(part):
            continue
        place = (top / content[part]).resolve()
        if place.is_dir():
            images = sorted(str(path) for path in place.rglob("*.*"))
        else:
            images = place.read_text("utf-8").strip().splitlines()
        found[part] = {}
        for image in images:
            assert Path(image).is_file()
            label = "/labels/".join(image.rsplit("/images/", 1)).rsplit(".", 1)[0] + ".txt"
            exists = os.path.isfile(label)
            pixels = Path(image).read_bytes()
            found[part][image] = (pixels, Path(label).read_bytes() if exists else None)
    return content, found


def contents(found):
    """Return images and labels without their names, which a split may change."""
    return sorted((pair for part in found.values() for pair in part.values()), key=repr)


PARTS = {
    "train": ["a.png", "b.png", "c.png", "deep/a.png"],
    "val": ["a.png", "d.png"],
    "test": ["e.png"],
}


@pytest.mark.parametrize("how", ["lists", "link", "copy"])
def test_a_split_keeps_every_image_with_its_labels_once(build, tmp_path, how):
    """Label files are the same bytes, also of images that had one name in two parts."""
    file = build(
        PARTS,
        {
            "train/a.png": "0 .5 .5 .1 .1",
            "val/a.png": "1 .5 .5 .2 .2\r\n",
            "train/b.png": None,
            "train/c.png": "",
        },
    )
    before = digest(tmp_path / "data")
    collection = read_collection(file)
    out = tmp_path / "out"
    collection.write_split({"train": [0, 2, 4, 6], "validation": [1, 3], "test": [5]}, out, how)
    content, found = read_as_ultralytics(out / "data.yaml")
    assert content["names"] == ["cat", "dog"]
    assert content["extra"] == {"kept": [1, 2]}
    assert {part: len(images) for part, images in found.items()} == {
        "train": 4,
        "val": 2,
        "test": 1,
    }
    _, source = read_as_ultralytics(file)
    assert contents(found) == contents(source)
    assert digest(tmp_path / "data") == before
    again = read_collection(out / "data.yaml")
    assert again.parts.value_counts().to_dict() == {"train": 4, "val": 2, "test": 1}
    assert again.counts.sum(axis=0).tolist() == collection.counts.sum(axis=0).tolist()
    assert all(os.path.islink(image) == (how == "link") for image in again.images)
    assert not any(os.path.islink(path) for path in again["annotations"] if path is not None)


def test_counts_objects_and_background_images(build):
    """A missing label file is a background image, an empty one too."""
    labels = {"a.png": f"{BOX}\n{BOX}\n\n{POLYGON}", "b.png": None, "c.png": "\n"}
    labels = {f"train/{name}": text for name, text in labels.items()}
    file = build({"train": ["a.png", "b.png", "c.png"], "val": ["d.png"]}, labels)
    collection = read_collection(file)
    assert collection["key"].tolist() == [
        "images/train/a.png",
        "images/train/b.png",
        "images/train/c.png",
        "images/val/d.png",
    ]
    assert collection.parts.tolist() == ["train", "train", "train", "val"]
    assert collection.counts.toarray().tolist() == [[2, 1], [0, 0], [0, 0], [1, 1]]
    assert collection.class_names == ["cat", "dog"]
    assert [path is None for path in collection["annotations"]] == [False, True, False, False]


def test_objects_are_boxes_and_polygons_as_shares(build):
    collection = read_collection(build({"train": ["a.png"], "val": ["b.png"]}))
    objects = collection.objects()
    assert objects["row"].tolist() == [0, 0, 1, 1]
    assert objects["label"].tolist() == ["cat", "dog", "cat", "dog"]
    np.testing.assert_allclose(
        objects.loc[:1, ["left", "top", "right", "bottom"]],
        [[0.4, 0.3, 0.6, 0.7], [0.1, 0.2, 0.9, 0.8]],
    )
    assert objects["polygons"][0] is None
    np.testing.assert_allclose(objects["polygons"][1][0], [[0.1, 0.2], [0.9, 0.2], [0.5, 0.8]])
    assert not objects["crowd"].any()


def test_keypoints_are_kept_and_counted(build, tmp_path):
    rows = "0 .5 .5 .2 .2 .5 .5 2 .4 .4 0\n"
    labels = {"train/a.png": rows * 2, "val/b.png": rows}
    shape = {"kpt_shape": [2, 3], "names": {0: "face"}}
    file = build({"train": ["a.png"], "val": ["b.png"]}, labels, shape)
    collection = read_collection(file)
    assert collection.counts.toarray().tolist() == [[2], [1]]
    assert collection.objects()["polygons"].tolist() == [None] * 3
    collection.write_split({"train": [0], "val": [1]}, tmp_path / "out", how="copy")
    content, found = read_as_ultralytics(tmp_path / "out" / "data.yaml")
    assert content["kpt_shape"] == [2, 3]
    assert content["names"] == {0: "face"}
    assert [label for _, label in found["train"].values()] == [rows.encode() * 2]


def test_a_data_set_without_any_labels_says_where_they_would_be(build):
    """Labels in the wrong folder would make all images background images in silence."""
    labels = {"train/a.png": None, "val/b.png": None}
    file = build({"train": ["a.png"], "val": ["b.png"]}, labels)
    with pytest.warns(
        SkippedFilesWarning, match=r"no image has labels: there is no .*labels/train/a\.txt"
    ):
        assert read_collection(file).counts.sum() == 0


def test_lists_are_read_by_the_commands_too(build, tmp_path):
    """A list of a part is what hashfeatures reads as a list of paths."""
    from hashfeatures._utils.path_text import split_list

    collection = read_collection(build(PARTS))
    collection.write_split({"train": [0, 1], "val": [2]}, tmp_path / "out")
    listed = split_list((tmp_path / "out" / "train.txt").read_bytes())
    assert listed == collection.images[:2]


@pytest.mark.parametrize(("parts", "other"), [(("train", "test"), "test"), (("train",), "train")])
def test_val_is_named_even_without_such_a_part(build, tmp_path, parts, other):
    """Ultralytics refuses a data.yaml without val. A comment says what stands for it."""
    collection = read_collection(build(PARTS))
    out = collection.write_split({part: [row] for row, part in enumerate(parts)}, tmp_path / "o")
    text = (out / "data.yaml").read_text("utf-8")
    assert text.startswith(
        f"# Ultralytics needs the key val. No part is for validation: val is {other}."
    )
    content = yaml.safe_load(text)
    assert content["val"] == content[other] == f"{other}.txt"
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        again = read_collection(out)
    # What stands for a missing part is not a part, and a test part keeps its name.
    assert again.parts.tolist() == list(parts)
    assert len(caught) == (other == "train")


@pytest.mark.parametrize(
    ("names", "message"),
    [(["one", "two"], "needs images in a part named 'train'"), (["train", "val", "dev"], "'dev'")],
)
def test_parts_that_ultralytics_does_not_know_are_refused(build, tmp_path, names, message):
    collection = read_collection(build(PARTS))
    parts = {name: [row] for row, name in enumerate(names)}
    with pytest.raises(LayoutError, match=message):
        collection.write_split(parts, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_other_parts_are_written_and_not_named(build, tmp_path):
    collection = read_collection(build(PARTS))
    out = collection.write_split({"train": [0], "val": [1], "names": [2]}, tmp_path / "out")
    assert (out / "names.txt").read_text() == f"{collection.images[2]}\n"
    assert yaml.safe_load((out / "data.yaml").read_text())["names"] == ["cat", "dog"]


def test_nothing_is_written_among_the_images(build, tmp_path):
    """A data set written into a folder of images would be read as a part of it."""
    collection = read_collection(build(PARTS))
    for place in ["images/train", "images/train/deep/out"]:
        with pytest.raises(LayoutError, match=r"inside a folder of images|not empty"):
            collection.write_split({"train": [0], "val": [1]}, tmp_path / "data" / place)


class TestPlaces:
    """Where images are found: folders, lists, and folders without a data.yaml."""

    def write_lists(self, build, line):
        file = build({"train": ["a.png", "b.png"], "val": ["c.png"]})
        names = ["images/train/a.png", "images/train/b.png"]
        text = "".join(line(name, file.parent) for name in names)
        (file.parent / "lists").mkdir()
        (file.parent / "lists" / "train.txt").write_text(text, "utf-8")
        content = yaml.safe_load(file.read_text()) | {"train": ["lists/train.txt"]}
        file.write_text(yaml.safe_dump(content))
        return file

    @pytest.mark.parametrize(
        "line",
        [
            lambda name, _: f"{name}\n",
            lambda name, _: f"./../{name}\r\n",
            lambda name, _: f"./{name}\n",
            lambda name, _: name.replace("/", "\\") + "\n",
            lambda name, top: f"{top}/{name}\n\n",
            lambda name, _: f"\ufeff{name}\n" if "a.png" in name else name,
        ],
    )
    def test_lists_in_every_usual_spelling(self, build, line):
        collection = read_collection(self.write_lists(build, line))
        assert collection["key"].tolist() == [
            "images/train/a.png",
            "images/train/b.png",
            "images/val/c.png",
        ]

    def test_a_listed_image_that_is_missing_is_a_row_that_fails(self, build, tmp_path):
        """As everywhere, it is left to the caller whether the others are enough."""
        file = self.write_lists(build, lambda name, _: f"\n{name.replace('b.png', 'no.png')}\n")
        message = r"1 image of part 'train' .*train\.txt, line 4: there is no image '.*no\.png'"
        with pytest.warns(SkippedFilesWarning, match=message):
            collection = read_collection(file)
        assert collection["key"].tolist()[1] == "images/train/no.png"
        with pytest.raises(LayoutError, match=r"missing, such as .*no\.png"):
            collection.write_split({"train": [0, 1], "val": [2]}, tmp_path / "out", "copy")
        collection.write_split({"train": [0], "val": [2]}, tmp_path / "out", "copy")

    def test_a_list_without_any_image_is_an_error(self, build):
        file = self.write_lists(build, lambda name, _: f"elsewhere/{name}\n")
        with pytest.raises(LayoutError, match=r"train\.txt, line 1: there is no image 'elsewhere"):
            read_collection(file)

    def test_an_image_that_is_listed_twice_is_taken_once(self, build):
        file = self.write_lists(build, lambda name, _: f"{name}\n{name}\n")
        with pytest.warns(SkippedFilesWarning, match="lists 2 images more than once, taken once"):
            assert len(read_collection(file)) == 3

    @pytest.mark.parametrize("path", ["/of/another/machine", "../datasets/data", "C:\\data\\x"])
    def test_a_path_of_another_machine_is_replaced_by_the_folder(self, build, path):
        file = build({"train": ["a.png"], "val": ["b.png"]}, settings={"path": path})
        with pytest.warns(SkippedFilesWarning, match="the folder of the file was taken"):
            assert len(read_collection(file)) == 2

    def test_a_path_above_the_file_is_followed(self, build, tmp_path):
        """Lists beside the data are usual: only what is written must stay in its folder."""
        file = build({"train": ["a.png"], "val": ["b.png"]}, settings={"path": "../data"})
        (tmp_path / "settings").mkdir()
        moved = file.rename(tmp_path / "settings" / "data.yaml")
        collection = read_collection(moved)
        assert collection.root == tmp_path / "data"
        assert len(collection) == 2

    def test_root_replaces_path(self, build, tmp_path):
        file = build({"train": ["a.png"], "val": ["b.png"]}, settings={"path": "/nowhere"})
        moved = file.rename(tmp_path / "data.yaml")
        assert len(read_collection(moved, root=tmp_path / "data")) == 2

    def test_dots_in_front_are_optional(self, build):
        """Exports of Roboflow name ../train/images for a folder beside the file."""
        settings = {"train": "../images/train", "val": "../images/val", "test": "../images/test"}
        file = build({"train": ["a.png"], "val": ["b.png"]}, settings=settings)
        with pytest.warns(SkippedFilesWarning, match="part 'test' was left out"):
            assert read_collection(file).parts.tolist() == ["train", "val"]

    def test_a_part_that_names_the_images_of_another_is_an_alias(self, build):
        file = build({"train": ["a.png"], "test": ["b.png"]}, settings={"val": "images/train"})
        with pytest.warns(SkippedFilesWarning, match="'val' names the images of 'train' again"):
            assert read_collection(file).parts.tolist() == ["train", "test"]

    def test_a_place_for_validation_and_test_is_the_test_part(self, build, tmp_path):
        """Ultralytics needs the key val, and many data sets name their test part there."""
        file = build({"train": ["a.png"], "val": ["b.png"]}, settings={"test": "images/val"})
        collection = read_collection(file)
        assert collection.parts.tolist() == ["train", "test"]
        for how in ("lists", "copy"):
            out = collection.write_split(collection.parts, tmp_path / how, how)
            assert read_collection(out).parts.tolist() == ["train", "test"]

    def test_an_image_in_two_parts_is_an_error(self, build):
        """It is the worst leak, and no row of the table could show it."""
        file = build(
            {"train": ["a.png"], "val": ["b.png"]},
            settings={"val": ["images/val", "images/train"]},
        )
        with pytest.raises(LayoutError, match="keys 'train' and 'val': 1 image in both"):
            read_collection(file)

    def test_a_missing_test_folder_is_noted_once(self, build):
        file = build({"train": ["a.png"], "val": ["b.png"]}, settings={"test": "images/test"})
        with pytest.warns(SkippedFilesWarning, match="part 'test'") as caught:
            collection = read_collection(file)
        assert len(caught) == 1
        assert collection.skipped == "part 'test' was left out, as 'images/test' does not exist"
        (file.parent / "images" / "test").mkdir()
        with pytest.warns(SkippedFilesWarning, match="part 'test' holds no images"):
            read_collection(file)

    @pytest.mark.parametrize("train", ["images/train", ["list.txt"], "../data/images/train"])
    def test_images_in_no_part_are_counted(self, build, train):
        """They would be left out of training, of an audit and of a copy in silence."""
        names = {"train": ["a.png"], "val": ["b.png"], "test": ["c.png", "d.png"]}
        file = build(names, settings={"train": train, "test": None})
        (file.parent / "list.txt").write_text("images/train/a.png\n")
        shutil.copy(file.parent / "images/val/b.png", file.parent / "root.png")
        (file.parent / ".cache").mkdir()
        shutil.copy(file.parent / "root.png", file.parent / ".cache" / "b.png")
        (file.parent / "images" / "linked").symlink_to(file.parent / "images" / "train")
        (file.parent / "again.png").symlink_to(file.parent / "images" / "train" / "a.png")
        note = r"left out 3 images in no part, such as root\.png"
        with pytest.warns(SkippedFilesWarning, match=note):
            collection = read_collection(file)
        assert collection.skipped.count(";") == 0  # labels of these images are theirs
        assert collection.parts.tolist() == ["train", "val"]

    def test_labels_of_no_image_are_counted(self, build):
        """Images that were renamed without their labels become background images."""
        file = build({"train": ["a.png", "b.png"], "val": ["c.png"]})
        (file.parent / "images/train/b.png").rename(file.parent / "images/train/new.png")
        (file.parent / "labels" / "classes.txt").write_text("cat\ndog\n")
        note = r"left out 1 label file of no image, such as labels/train/b\.txt"
        with pytest.warns(SkippedFilesWarning, match=note):
            assert len(read_collection(file)) == 3

    def test_folders_that_hold_images_and_labels(self, build):
        """Labels below a part are those of its images, and are not named as skipped."""
        file = build({"train": ["a.png"], "val": ["b.png"]})
        for part in ("train", "val"):
            (file.parent / part).mkdir()
            for kind in ("images", "labels"):
                (file.parent / kind / part).rename(file.parent / part / kind)
        file.write_text("train: train\nval: val\nnames: [cat, dog]\n")
        collection = read_collection(file)
        assert collection.skipped == ""
        assert collection.counts.sum() == 4

    @pytest.mark.parametrize("parts", [("train", "valid"), ("",)])
    @pytest.mark.parametrize("above", [True, False])
    def test_folders_without_a_data_yaml(self, tmp_path, noise_image, parts, above):
        for number, part in enumerate(parts):
            for kind in ("images", "labels"):
                folder = tmp_path / part / kind if above else tmp_path / kind / part
                folder.mkdir(parents=True)
                if kind == "images":
                    noise_image(number).save(folder / "1.png")
                else:
                    (folder / "1.txt").write_text("2 .5 .5 .1 .1")
        collection = read_collection(tmp_path)
        assert collection.layout.name == "yolo"
        assert collection.class_names == ["class_0", "class_1", "class_2"]
        assert collection.counts.toarray().tolist() == [[0, 0, 1]] * len(parts)
        if parts == ("",):
            assert collection.parts is None
        else:
            assert collection.parts.tolist() == ["train", "val"]
        (tmp_path / "classes.txt").write_text("a\nb\nc\n")
        again = read_collection(tmp_path)
        assert again.class_names == ["a", "b", "c"]
        out = again.write_split({"train": [0]}, tmp_path / "out", how="copy")
        assert yaml.safe_load((out / "data.yaml").read_text())["names"] == ["a", "b", "c"]

    @pytest.mark.parametrize(
        ("text", "layout"),
        [("Car 0.00 0 1.57 10 20", "folder"), ("a cat on a mat", "folder"), ("", "yolo")],
    )
    def test_texts_of_other_layouts_are_no_labels(self, tmp_path, noise_image, text, layout):
        """Folders of KITTI and of captions have the same names, and are plain folders here."""
        for kind in ("images", "labels"):
            (tmp_path / kind).mkdir()
        noise_image(0).save(tmp_path / "images" / "1.png")
        (tmp_path / "labels" / "1.txt").write_text(text)
        with warnings.catch_warnings(action="ignore", category=SkippedFilesWarning):
            assert read_collection(tmp_path).layout.name == layout

    def test_labels_may_lie_beside_the_images(self, tmp_path, noise_image):
        for part in ("train", "val"):
            (tmp_path / part).mkdir()
            noise_image(len(part)).save(tmp_path / part / "1.png")
            (tmp_path / part / "1.txt").write_text(BOX)
        (tmp_path / "data.yaml").write_text("train: train\nval: val\nnc: 2\n")
        collection = read_collection(tmp_path)
        assert collection.class_names == ["class_0", "class_1"]
        assert collection.counts.toarray().tolist() == [[1, 0], [1, 0]]
        out = collection.write_split({"train": [1], "val": [0]}, tmp_path / "out", how="copy")
        _, found = read_as_ultralytics(out / "data.yaml")
        assert [label for part in found.values() for _, label in part.values()] == [
            BOX.encode()
        ] * 2


BROKEN_LABELS = {
    "2 .5 .5 .1 .1": "class 2, but there are 2 classes, from 0 to 1",
    "-1 .5 .5 .1 .1": "not a whole number",
    "0.5 .5 .5 .1 .1": "not a whole number",
    "cat .5 .5 .1 .1": "'cat' is not a number",
    "0 .5 .5 .1": "4 columns",
    "0 .5 .5 .1 .1 .9": "6 columns",
    "0 .5 nan .1 .1": "not a finite number",
    "0 .5 1e999 .1 .1": "not a finite number",
    "0 640 .5 .1 .1": "the coordinate 640 is outside",
    "0 .5 -.2 .1 .1": "the coordinate -0.2 is outside",
}


@pytest.mark.parametrize(("row", "message"), BROKEN_LABELS.items())
def test_a_broken_label_is_named_with_file_and_line(build, row, message):
    file = build({"train": ["a.png"], "val": ["b.png"]}, {"val/b.png": f"{BOX}\n\n{row}\n"})
    with pytest.raises(LayoutError, match=rf"labels/val/b\.txt, line 3: .*{message}"):
        read_collection(file)


def test_labels_may_begin_with_a_mark_and_be_rounded(build):
    """Writers round, and editors on Windows add a byte order mark."""
    text = f"\ufeff{BOX}\r\n1.0 0.5 0.5 1.000001 1\r\n"
    file = build({"train": ["a.png"], "val": ["b.png"]}, {"val/b.png": text})
    collection = read_collection(file)
    assert collection.counts.toarray().tolist() == [[1, 1], [1, 1]]
    boxes = collection.objects()[["left", "top", "right", "bottom"]].to_numpy()
    assert boxes.min() >= 0
    assert boxes.max() <= 1


def test_a_label_that_is_no_text_or_a_broken_link_is_an_error(build):
    file = build({"train": ["a.png"], "val": ["b.png"]}, {"val/b.png": b"\xff\xd8\xff\xe0"})
    with pytest.raises(LayoutError, match=r"b\.txt cannot be read as text"):
        read_collection(file)
    label = file.parent / "labels" / "val" / "b.txt"
    label.unlink()
    label.symlink_to("nowhere.txt")
    with pytest.raises(LayoutError, match=r"b\.txt is a link to a file that does not exist"):
        read_collection(file)


BROKEN_YAML = {
    "- a\n- b\n": "must hold a mapping",
    "": "must hold a mapping",
    "train: [\n": ", line 2: not valid YAML",
    "train: images/train\nnames:\n\t- a\n": ", line 3: not valid YAML",
    "train: images/train\nnames: !classes [a]\n": ", line 2: not valid YAML",
    "# nothing\n": "must hold a mapping",
    "services: {}\nversion: 3\n": "lacks the keys .* Found: 'services', 'version'",
    "train: a\ntrain: b\nval: c\nnames: [a]\n": "key 'train': given 2 times",
    "a: &a [1]\ntrain: *a\nnames: [a]\n": "aliases of lists",
    "train: 1\nval: x\nnames: [a]\n": "key 'train': must be a folder",
    "train: images/no\nval: images/no\nnames: [a]\n": "key 'train': there is no 'images/no'",
    "train: images/train\nval: images/no\nnames: [a]\n": "key 'val': there is no 'images/no'",
    "path: [1]\ntrain: images/train\nnames: [a]\n": "key 'path': must be a folder",
    "names: [a]\n": "names no images",
    "train: images/train\nnames: [a, a]\n": "key 'names': 'a' names more than one class",
    "train: images/train\nnames: [a, b]\nnc: 3\n": "key 'nc': 3 classes, but 'names' has 2",
    "train: images/train\nnames: {0: a, 2: b}\n": "key 'names': the codes of 2 classes",
    "train: images/train\nnames: [a, null]\n": "key 'names': class 1 must have a name",
    "train: images/train\nnames: a b\n": "key 'names': must be a list",
    "train: images/train\nnc: 1000000000\n": "key 'nc'",
    "train: images/train\nnames: [a, b]\nkpt_shape: [2]\n": "key 'kpt_shape'",
    "train: " + "[" * 5000: "nested too deeply|not valid YAML",
}


@pytest.mark.parametrize(("text", "message"), BROKEN_YAML.items(), ids=range(len(BROKEN_YAML)))
def test_a_broken_data_yaml_is_named_with_its_key(build, text, message):
    file = build({"train": ["a.png"], "val": ["b.png"]})
    file.write_text(text)
    for layout in ("yolo", "auto"):
        with pytest.raises(LayoutError, match=rf"data\.yaml.*({message})"):
            read_collection(file, layout=layout)


def test_a_data_yaml_that_is_not_used_is_named(build):
    """Folders tell the parts, but the names of the classes would be lost in silence."""
    file = build({"train": ["a.png"], "val": ["b.png"]})
    file.write_text("names: [cat, dog]\n")
    note = r"data\.yaml was not used, as it lacks the keys of YOLO, 'train' and 'names'"
    with pytest.warns(SkippedFilesWarning, match=note):
        assert read_collection(file.parent).class_names == ["class_0", "class_1"]


def test_aliases_of_aliases_are_refused_without_growth(tmp_path):
    lines = ["a0: &a0 [x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
    file = tmp_path / "data.yaml"
    file.write_text("\n".join(lines) + "\ntrain: a\nval: a\nnames: *a29\n")
    with pytest.raises(LayoutError, match="aliases of lists and mappings are refused"):
        read_collection(file)


def test_names_that_differ_only_in_case_are_kept_apart(build, tmp_path):
    """A copy on another file system would lose one of them. Lists leave both where they are."""
    collection = read_collection(build({"train": ["a.png", "A.png"], "val": ["b.png"]}))
    assert len(collection) == 3
    with pytest.raises(LayoutError, match="differ only in case"):
        collection.write_split({"train": [0, 1], "val": [2]}, tmp_path / "out", how="copy")
    assert not (tmp_path / "out").exists()
    collection.write_split({"train": [0, 1], "val": [2]}, tmp_path / "out")


def test_an_image_never_gets_the_labels_of_another(build, tmp_path):
    """Two images that differ by their suffix would share the file of their labels."""
    file = build({"train": ["a.png"], "val": ["a.jpg", "b.png"]}, {"train/a.png": None})
    collection = read_collection(file)
    out = collection.write_split({"train": [0, 1], "val": [2]}, tmp_path / "out", how="link")
    _, found = read_as_ultralytics(out / "data.yaml")
    assert sorted(label is None for _, label in found["train"].values()) == [False, True]
    assert contents(found) == contents(read_as_ultralytics(file)[1])


def test_paths_that_are_no_lines_are_not_listed(build, tmp_path):
    collection = read_collection(build({"train": ["two\nlines.png"], "val": ["b.png"]}))
    with pytest.raises(LayoutError, match="cannot be a line of a list"):
        collection.write_split({"train": [0], "val": [1]}, tmp_path / "out")
    collection.write_split({"train": [0], "val": [1]}, tmp_path / "out", how="copy")
    assert len(read_as_ultralytics(tmp_path / "out" / "data.yaml")[1]["train"]) == 1


@settings(max_examples=25)
@given(
    label=st.one_of(st.binary(max_size=60), st.text("0123456789.- en\n", max_size=60)),
    listed=st.one_of(
        st.binary(max_size=60),
        st.lists(
            st.sampled_from(["images/val/b.png", "./images/val/b.png", "images\\val\\b.png"])
            | st.sampled_from(["../b.png", "/etc/hostname", "C:\\b.png", '"b.png', "\ufeff", ""])
            | st.text(max_size=9),
            max_size=4,
        ).map("\r\n".join),
    ),
    text=st.one_of(
        st.binary(max_size=80),
        st.text("abt:[]{}\n-&*!|>'\" é", max_size=80),
        st.dictionaries(
            st.sampled_from(["path", "train", "val", "test", "names", "nc", "kpt_shape"]),
            st.recursive(
                st.sampled_from([None, 3, "images/train", "list.txt", "../data", "no/../.."])
                | st.text("ab\\:~ é\n", max_size=5),  # without "/", all of which would be searched
                lambda inner: st.lists(inner, max_size=3),
                max_leaves=4,
            ),
        ),
    ),
)
def test_whatever_is_broken_is_a_layout_error(
    build, tmp_path_factory, monkeypatch, label, listed, text
):
    """A data set is read, or refused by an error that names a file; nothing else happens."""
    file = build({"train": ["a.png"], "val": ["b.png"]})
    monkeypatch.chdir(file.parent)  # names are looked up in the working directory too
    (file.parent / "labels" / "train" / "a.txt").write_bytes(
        label if isinstance(label, bytes) else label.encode()
    )
    (file.parent / "list.txt").write_bytes(
        listed if isinstance(listed, bytes) else listed.encode("utf-8", "replace")
    )
    if isinstance(text, dict):
        text = yaml.safe_dump({"train": "images/train", "names": ["cat", "dog"]} | text)
    file.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "replace"))
    before = digest(file.parent)
    out = tmp_path_factory.mktemp("out")
    try:
        with warnings.catch_warnings(action="ignore", category=SkippedFilesWarning):
            collection = read_collection(file, layout="yolo")
            collection.write_split({"train": np.arange(len(collection))}, out)
    except LayoutError as error:
        assert str(file.parent) in str(error)
    assert digest(file.parent) == before
