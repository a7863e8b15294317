"""Duplicates of a data set are left out of a copy of it in its own layout."""

import json
import os
from pathlib import Path

import pytest

from hashfeatures import read_collection
from hashfeatures.cli.commands import _duplicates


def names(path):
    return sorted(os.path.basename(image) for image in read_collection(path).images)


def test_yolo_without_duplicates(run, yolo, tree):
    """One image of each group stays, in its part and with its label; the source is untouched."""
    before = tree(yolo)
    done = run("duplicates", yolo, "--out", "clean", "--how", "copy")
    assert done.code == 0, done.err
    assert "left out 1 image" in done.err
    assert len(names("clean/data.yaml")) == 23
    assert len(list(Path("clean/labels").rglob("*.txt"))) == 23
    assert run("leaks", "clean/data.yaml").code == 0
    assert tree(yolo) == before
    parts = read_collection("clean/data.yaml").by_part()
    assert {name: len(part) for name, part in parts.items()} in (
        {"train": 15, "val": 4, "test": 4},
        {"train": 16, "val": 3, "test": 4},
    )


def test_coco_without_duplicates_keeps_ids(run, coco):
    files = sorted((coco / "annotations").iterdir())
    assert run("duplicates", *files, "--out", "clean", "--keep", "first").code == 0
    found = [json.loads(file.read_text()) for file in Path("clean/annotations").iterdir()]
    ids = sorted(image["id"] for facts in found for image in facts["images"])
    assert ids == [number for number in range(20) if number != 16]


def test_a_folder_without_duplicates(run, photos_folder, tree):
    """A data set without parts is one part."""
    done = run("duplicates", photos_folder, "--out", "clean", "--how", "link")
    assert done.code == 0, done.err
    images = [path for path in Path("clean/kept").rglob("*") if path.is_file()]
    assert len(images) == len(tree(photos_folder)) - 4
    assert {path.parent.name for path in images} == {"a", "b"}


def test_a_list_chooses_what_is_left_out(run, coco):
    Path("chosen.txt").write_text(str(coco / "train" / "000.png"), encoding="utf-8")
    files = sorted((coco / "annotations").iterdir())
    assert run("duplicates", *files, "--from", "chosen.txt", "--out", "clean").code == 0
    found = [json.loads(file.read_text()) for file in Path("clean/annotations").iterdir()]
    ids = sorted(image["id"] for facts in found for image in facts["images"])
    assert ids == list(range(1, 20))


def test_pixels_confirm_what_hashes_find(run, yolo):
    """An image is left out only if it shows what the kept one shows, even without --verify."""
    near = ("--hashes", "dhash", "--radius", "64", "--no-verify", "--keep", "first")
    assert run("duplicates", yolo, *near, "--json").json()["counts"]["duplicates"] == 23
    done = run("duplicates", yolo, *near, "--out", "clean")
    assert done.code == 0, done.err
    assert len(names("clean/data.yaml")) >= 23


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--out", "full"], "a folder that is not empty"),
        (["--out", "clean", "--delete"], "Choose one of"),
        (["--how", "copy"], "--how needs --out"),
        (["--out", "empty", "-o", "empty/groups.csv"], "holds the data set alone"),
    ],
)
def test_refusals_come_before_the_work(arguments, message, run, yolo, tree, monkeypatch):
    for folder in ("full", "empty"):
        os.mkdir(folder)
    Path("full", "mine.txt").write_text("mine", encoding="utf-8")
    monkeypatch.setattr(_duplicates, "fit", lambda *_: pytest.fail("read"))
    before = tree(".")
    assert message in run("duplicates", yolo, *arguments).refusal()
    assert tree(".") == before
