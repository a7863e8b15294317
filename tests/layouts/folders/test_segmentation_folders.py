"""Masks are annotations of their images: they move with them, and are not images of their own."""

import hashlib
import json
import os
import warnings
from pathlib import Path

import pytest
from PIL import Image

from hashfeatures import LayoutError, SkippedFilesWarning, read_collection
from hashfeatures._utils.path_text import read_path


@pytest.fixture
def build(tmp_path):
    """Return a function that writes images by name, each with other pixels."""

    def write(*names, folder="cells"):
        for number, name in enumerate(names):
            path = tmp_path / folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("L", (8, 8), number).save(path)
        return tmp_path / folder

    return write


def pairs_of(collection):
    """Return the content of the mask by that of its image."""
    return {
        Path(image).read_bytes(): None if mask is None else Path(mask).read_bytes()
        for image, mask in zip(collection.images, collection["annotations"], strict=True)
    }


def digest(folder):
    return {
        str(path.relative_to(folder)): hashlib.sha1(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


PLAIN = [f"{folder}/{number}.png" for folder in ("images", "masks") for number in range(4)]
ABOVE = [f"{part}/{name}" for part in ("train", "test") for name in PLAIN]
BELOW = [name.replace("/", f"/{part}/") for part in ("train", "test") for name in PLAIN]


@pytest.mark.parametrize(
    ("images", "masks", "suffix"),
    [
        ("images", "masks", ""),
        ("images", "labels", "_gt"),
        ("imgs", "annotations", "-seg"),
        ("Image", "Mask", "_mask"),
        ("images", "ground_truth", "_mask_0"),
        ("train_images", "train_masks", ""),
        ("train", "train_masks", "_mask"),
    ],
)
def test_pairs_are_found_by_their_names(build, images, masks, suffix):
    top = build(
        *(f"{images}/{number}.jpg" for number in range(3)),
        *(f"{masks}/{number}{suffix}.png" for number in range(3)),
    )
    collection = read_collection(top)
    assert collection.layout.name == "image-masks"
    assert collection["key"].tolist() == [f"{images}/{number}.jpg" for number in range(3)]
    expected = [str(top / masks / f"{number}{suffix}.png") for number in range(3)]
    assert collection["annotations"].tolist() == expected
    assert (collection.parts is None) == (not images.startswith("train"))


@pytest.mark.parametrize("names", [PLAIN, ABOVE, BELOW], ids=["plain", "above", "below"])
@pytest.mark.parametrize("how", ["link", "copy"])
@pytest.mark.parametrize("parts", [["train"], ["train", "test"], ["mine", "yours"]])
def test_masks_move_with_their_images(build, tmp_path, names, how, parts):
    """What is written is read again as it was, and the source is as it was."""
    top = build(*names)
    before = digest(top)
    collection = read_collection(top)
    if names is not PLAIN:
        assert collection.parts.value_counts().to_dict() == {"train": 4, "test": 4}
    rows = {
        part: list(range(number, len(collection), len(parts))) for number, part in enumerate(parts)
    }
    out = collection.write_split(rows, tmp_path / "out", how)
    with warnings.catch_warnings(action="error"):
        again = read_collection(out)
    assert again.layout.name == "image-masks"
    assert pairs_of(again) == pairs_of(collection)
    for part, chosen in rows.items():
        assert pairs_of(again.by_part()[part]) == pairs_of(collection.select(chosen))
    assert all(os.path.islink(path) == (how == "link") for path in again["annotations"])
    assert digest(top) == before


def test_the_folders_of_the_source_are_kept(build, tmp_path):
    for number, (names, place) in enumerate([(ABOVE, "val/images"), (BELOW, "images/val")]):
        top = build(*names, folder=f"{number}")
        out = tmp_path / f"out{number}"
        read_collection(top).write_split({"val": [0]}, out, "copy")
        written = [f"{place}/0.png", f"{place.replace('images', 'masks')}/0.png"]
        assert list(digest(out)) == written


def test_lists_hold_images_and_masks(build, tmp_path):
    top = build(*PLAIN, "masks/3_mask_1.png", "images/5.png")
    with pytest.warns(SkippedFilesWarning, match="1 image without a mask"):
        collection = read_collection(top)
    out = collection.write_split({"train": [0, 4], "test": [3]}, tmp_path / "out")
    table = read_collection(out)
    assert table.parts.tolist() == ["test", "train", "train"]
    assert table.images == [collection.images[row] for row in (3, 0, 4)]
    several, one, none = table["mask"]
    assert json.loads(several) == list(collection["annotations"][3])
    assert read_path(one) == collection["annotations"][0]
    assert none is None or none != none or none == ""


def test_what_has_no_pair_is_counted(build):
    top = build(*PLAIN, "images/a.png", "masks/b.png", "masks/c.png", "overlays/0.png", "top.png")
    (top / "masks" / "classes.txt").write_text("cell")
    with pytest.warns(SkippedFilesWarning) as caught:
        collection = read_collection(top)
    note = str(caught[0].message)
    assert "1 image without a mask, such as images/a.png" in note
    assert "skipped 2 masks without an image, such as masks/b.png" in note
    assert "skipped 2 images in other folders, such as overlays/0.png" in note
    assert "skipped 1 .txt" in note
    assert len(collection) == 5


def test_a_part_without_masks_is_read(build):
    """The masks of a test set are often not public."""
    top = build(*(f"train/{name}" for name in PLAIN), "test/images/1.png", "test/images/2.png")
    with pytest.warns(SkippedFilesWarning, match="2 images without a mask"):
        collection = read_collection(top)
    assert collection.parts.tolist() == ["train"] * 4 + ["test"] * 2


@pytest.mark.parametrize(
    "names",
    [
        ("images/1.png", "images/2.png", "masks/3.png", "masks/4.png"),
        ("face/1.png", "face/2.png", "face_mask/1.png", "face_mask/2.png"),
        ("with_mask/1.png", "without_mask/1.png"),
        ("cat/1.png", "dog/1.png"),
    ],
)
def test_other_folders_are_no_pairs(build, names):
    top = build(*names)
    assert read_collection(top).layout.name != "image-masks"
    with pytest.raises(LayoutError, match="holds no pair of folders"):
        read_collection(top, "image-masks")


def test_pairs_among_other_images_are_not_what_a_folder_is(build):
    """Their images alone would hide all others. Named as such, the others are counted."""
    top = build(*(f"project/{name}" for name in PLAIN), "holiday/1.png")
    assert len(read_collection(top)) == 9
    with pytest.warns(SkippedFilesWarning, match="skipped 1 image in other folders"):
        assert len(read_collection(top, "image-masks")) == 4


def test_labels_of_yolo_come_first(build):
    """A data set of another layout may hold masks as well."""
    top = build(*PLAIN)
    (top / "labels").mkdir()
    for number in range(4):
        (top / "labels" / f"{number}.txt").write_text("0 0.5 0.5 0.1 0.1\n")
    with warnings.catch_warnings(action="ignore", category=SkippedFilesWarning):
        assert read_collection(top).layout.name == "yolo"


def test_nothing_is_written_into_the_source(build):
    top = build(*PLAIN)
    with pytest.raises(ValueError, match="folder outside of"):
        read_collection(top).write_split({"train": [0]}, top / "out", "copy")
