"""A list of images is a collection that can be split, written and read again."""

import os
import shutil
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hashfeatures import LayoutError, read_collection


@pytest.fixture
def files(tmp_path):
    paths = [tmp_path / "photos" / name for name in ("a/1.png", "b/1.png", "b/2.png")]
    for number, path in enumerate(paths):
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (8, 8), number).save(path)
    return [str(path) for path in paths]


@pytest.mark.parametrize(
    "form",
    [
        list,
        tuple,
        iter,
        lambda files: [Path(file) for file in files],
        lambda files: np.array(files),
        lambda files: os.path.join(os.path.dirname(os.path.dirname(files[0])), "**", "*.png"),
    ],
    ids=["list", "tuple", "iterator", "Paths", "array", "glob"],
)
def test_every_list_of_files_is_read_alike(form, files):
    collection = read_collection(form(files))
    assert collection.layout.name == "list"
    assert collection.images == files
    assert collection["key"].tolist() == ["a/1.png", "b/1.png", "b/2.png"]


def test_images_in_memory_and_urls_are_kept(files):
    array, image = np.zeros((4, 4), np.uint8), Image.new("L", (4, 4))
    collection = read_collection([array, image, b"data", "https://example.org/a.png"])
    assert collection.images[0] is array
    assert collection.images[1] is image
    assert collection["key"].tolist() == ["0", "1", "2", "https://example.org/a.png"]
    urls = read_collection(["https://example.org/a.png", "https://example.org/a.png"])
    assert urls["key"].tolist() == ["https://example.org/a.png", "https://example.org/a.png (2)"]


def test_a_split_is_written_as_lists_and_as_folders(files, tmp_path):
    collection = read_collection(files)
    parts = {"train": [0, 2], "test": [1]}
    collection.write_split(parts, tmp_path / "lists")
    assert (tmp_path / "lists/train.txt").read_text().splitlines() == [files[0], files[2]]
    collection.write_split(parts, tmp_path / "copies", how="copy")
    copied = read_collection(tmp_path / "copies")
    assert copied["key"].tolist() == ["test/b/1.png", "train/a/1.png", "train/b/2.png"]
    assert Path(copied.images[0]).read_bytes() == Path(files[1]).read_bytes()


def test_a_relative_list_is_read_below_its_root(files, tmp_path):
    collection = read_collection(["a/1.png", "b/2.png"], "list", root=tmp_path / "photos")
    assert collection.images == [files[0], files[2]]


def test_what_has_no_file_is_not_written(tmp_path):
    memory = read_collection([np.zeros((4, 4), np.uint8)])
    with pytest.raises(LayoutError, match="Images in memory have no names"):
        memory.write_split({"train": [0]}, tmp_path / "out")
    urls = read_collection(["https://example.org/a.png"])
    urls.write_split({"train": [0]}, tmp_path / "lists")
    assert (tmp_path / "lists/train.txt").read_text() == "https://example.org/a.png\n"
    with pytest.raises(LayoutError, match="Only files can be linked or copied"):
        urls.write_split({"train": [0]}, tmp_path / "out", how="copy")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("form", [lambda out: out, lambda out: out / "*.txt"])
def test_the_lists_of_a_split_are_read_as_its_parts(form, files, tmp_path):
    """What write_split writes for a list or a folder of images is a data set again."""
    folder = read_collection(tmp_path / "photos", "folder")
    out = folder.write_split({"train": [0, 2], "test": [1]}, tmp_path / "out")
    collection = read_collection(str(form(out)))
    assert collection.layout.name == "list"
    assert collection.parts.tolist() == ["test", "train", "train"]
    assert collection.images == [files[1], files[0], files[2]]
    assert collection["key"].tolist() == ["b/1.png", "a/1.png", "b/2.png"]
    again = collection.write_split(collection.by_part(), tmp_path / "again")
    assert (again / "train.txt").read_bytes() == (out / "train.txt").read_bytes()


def test_names_in_a_text_file_may_be_relative_to_its_folder(files, tmp_path):
    path = tmp_path / "photos" / "list.txt"
    path.write_text("a/1.png\r\nhttps://example.com/2.png\n")
    collection = read_collection(path)
    assert collection.images == [files[0], "https://example.com/2.png"]
    assert collection.parts is None


def test_text_that_lists_no_images_is_no_list(tmp_path):
    """Notes in a folder are not taken for the names of images that do not exist."""
    (tmp_path / "notes.txt").write_text("cats and dogs")
    with pytest.raises(LayoutError, match=r"holds no images \(skipped 1 \.txt\)"):
        read_collection(tmp_path)
    (tmp_path / "notes.txt").write_bytes(b'"no JSON')
    with pytest.raises(LayoutError, match=r"notes\.txt is not a list of images: line 1"):
        read_collection(tmp_path / "notes.txt", "list")
    (tmp_path / "notes.txt").write_bytes(b"")
    with pytest.raises(LayoutError, match=r"notes\.txt lists no images"):
        read_collection(tmp_path / "notes.txt", "list")


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_a_list_may_name_a_missing_image_anywhere(missing, files, tmp_path):
    """The form of the lines makes a list of images, so the missing one is a row that fails."""
    os.remove(files[missing])
    path = tmp_path / "list.txt"
    path.write_text("\n".join(files))
    assert read_collection(path).images == files


def test_a_list_from_windows_is_read(files, tmp_path):
    path = tmp_path / "photos" / "list.txt"
    path.write_text("a\\1.png\r\nb\\2.png\r\n")
    assert read_collection(path).images == [files[0], files[2]]


@pytest.mark.parametrize("forms", [("NFC", "NFD"), ("NFD", "NFC")])
def test_names_with_accents_are_found_in_either_form(forms, files, tmp_path):
    """macOS may write an accent as a character of its own, and lists follow it or do not."""
    on_disk, listed = (unicodedata.normalize(form, "caf\u00e9.png") for form in forms)
    shutil.copy(files[0], tmp_path / on_disk)
    (tmp_path / "list.txt").write_text(f"{listed}\n", encoding="utf-8")
    (image,) = read_collection(tmp_path / "list.txt").images
    assert os.path.isfile(image)
    (tmp_path / "table.csv").write_text(f"image,label\n{listed},cat\n", encoding="utf-8")
    (image,) = read_collection(tmp_path / "table.csv").images
    assert os.path.isfile(image)


def test_folders_of_other_parts_are_read_as_parts(files, tmp_path):
    out = read_collection(files).write_split({"a": [0, 1], "b": [2]}, tmp_path / "out", "copy")
    assert read_collection(out).parts.tolist() == ["a", "a", "b"]


def test_an_image_that_is_listed_twice_keeps_its_suffix(files, tmp_path):
    collection = read_collection([files[0], files[0], files[1]])
    assert collection["key"].tolist() == ["a/1.png", "a/1 (2).png", "b/1.png"]
    out = collection.write_split({"train": range(3)}, tmp_path / "out", "copy")
    assert sorted(path.suffix for path in out.rglob("*.*")) == [".png"] * 3
