"""A source is read in the layout that it is in, and doubt is an error that names the choice."""

import json

import pytest
from PIL import Image

from hashfeatures import LayoutError, ParameterError, SkippedFilesWarning, read_collection
from hashfeatures.layouts._read_collection import _LAYOUTS, _load


def save(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (8, 8)).save(path)


def test_every_layout_has_its_own_name():
    for name in _LAYOUTS:
        assert _load(name).name == name
        assert _load(name).title


@pytest.mark.parametrize("name", _LAYOUTS)
def test_no_layout_takes_what_is_missing(name, tmp_path):
    with pytest.raises((LayoutError, TypeError)):
        read_collection(tmp_path / "missing", name)


@pytest.mark.parametrize("source", [None, 3, {}, object()], ids=["None", "3", "{}", "object"])
def test_what_is_no_data_set_is_refused(source):
    with pytest.raises(LayoutError, match="is in no layout that read_collection recognizes"):
        read_collection(source)


def test_a_missing_path_and_an_empty_glob_are_named(tmp_path):
    with pytest.raises(LayoutError, match=r"missing does not exist"):
        read_collection(tmp_path / "missing")
    with pytest.raises(LayoutError, match="No file matches"):
        read_collection(str(tmp_path / "*.tar"))


def test_an_empty_path_is_not_the_working_directory():
    with pytest.raises(LayoutError, match="The path of the data set is empty"):
        read_collection("")


def test_one_image_is_not_a_list_of_images(tmp_path):
    save(tmp_path / "one.png")
    with pytest.raises(LayoutError, match=r"one\.png is one image\. Pass a list of images: \["):
        read_collection(tmp_path / "one.png")


def test_an_unknown_layout_is_refused():
    with pytest.raises(ParameterError, match="'layout' parameter of read_collection"):
        read_collection(".", "imagenet")


def test_doubt_names_both_layouts_and_the_choice(tmp_path):
    """A folder of YOLO that holds JSON of COCO as well could be either."""
    for number in range(2):
        save(tmp_path / f"images/{number}.png")
        label = tmp_path / f"labels/{number}.txt"
        label.parent.mkdir(exist_ok=True)
        label.write_text("0 0.5 0.5 0.1 0.1\n")
    names = {1: "0.png", 2: "1.png"}
    coco = {"images": [{"id": n, "file_name": name} for n, name in names.items()]}
    coco |= {"annotations": [], "categories": [{"id": 1, "name": "cat"}]}
    (tmp_path / "annotations").mkdir()
    (tmp_path / "annotations/instances_train.json").write_text(json.dumps(coco))
    with pytest.raises(LayoutError, match=r"'yolo' \(.*'coco' \(.*layout='yolo'"):
        read_collection(tmp_path)
    assert read_collection(tmp_path, "coco").layout.name == "coco"
    assert read_collection(tmp_path, "yolo").layout.name == "yolo"


def test_what_is_left_out_is_named_in_one_warning(tmp_path):
    save(tmp_path / "a.png")
    (tmp_path / "notes.txt").write_text("notes")
    with pytest.warns(SkippedFilesWarning, match=r"skipped 1 \.txt\.$"):
        collection = read_collection(tmp_path)
    assert collection.skipped == "skipped 1 .txt"
