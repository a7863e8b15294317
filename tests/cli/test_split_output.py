"""A split into a folder is a data set in the layout of its source."""

import csv
import json
import os
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashfeatures import read_collection
from hashfeatures.cli._split_output import _repeat_out, name_parts, shares_of_parts
from hashfeatures.cli.commands import _split
from hashfeatures.layouts import Collection

SIZES = {"train": 16, "val": 4, "test": 4}


def sizes_in(path):
    return {name: len(part) for name, part in read_collection(path).by_part().items()}


def test_yolo_is_written_as_yolo(run, yolo, tree):
    """The parts keep their names and sizes, nothing leaks, and the source is untouched."""
    before = tree(yolo)
    done = run("split", yolo / "data.yaml", "--out", "clean/")
    assert done.code == 0, done.err
    assert "wrote clean/: train 16, val 4, test 4; no near duplicates" in done.err
    assert "stratified by objects of 2 classes" in done.err
    assert sizes_in("clean/data.yaml") == SIZES
    assert run("leaks", "clean/data.yaml").code == 0
    assert tree(yolo) == before
    listed = [
        line
        for name in SIZES
        for line in Path(f"clean/{name}.txt").read_text(encoding="utf-8").split()
    ]
    assert sorted(map(os.path.basename, listed)) == [f"{number:03}.png" for number in range(24)]


@pytest.mark.parametrize("how", ["link", "copy"])
def test_images_and_labels_go_together(how, run, yolo):
    assert run("split", yolo, "--out", "clean", "--how", how).code == 0
    images = sorted(Path("clean/images").rglob("*.png"))
    assert len(images) == 24
    assert {path.is_symlink() for path in images} == {how == "link"}
    for path in images:
        label = Path(str(path).replace("images", "labels")).with_suffix(".txt")
        assert label.read_text().startswith(f"{int(path.stem) % 2} ")


def test_coco_is_written_as_coco(run, coco):
    """Two parts stay two parts, named as before, and each annotation is in one of them."""
    assert run("split", *sorted((coco / "annotations").iterdir()), "--out", "clean").code == 0
    found = {}
    for part in ("train", "val"):
        (file,) = Path("clean/annotations").glob(f"*{part}*.json")
        found[part] = json.loads(file.read_text())
    assert {part: len(facts["images"]) for part, facts in found.items()} == {"train": 16, "val": 4}
    ids = [one["id"] for facts in found.values() for one in facts["annotations"]]
    assert sorted(ids) == list(range(20))


def test_sizes_may_be_given(run, yolo):
    """A given size holds, and the other parts keep their shares."""
    done = run("split", yolo, "--test-size", "8", "--out", "clean", "--json").json()
    assert done["sizes"] == {"train": 12, "val": 4, "test": 8}
    done = run("split", yolo, "--validation-size", "0.25", "--out", "other", "--json").json()
    assert done["sizes"] == {"train": 14, "val": 6, "test": 4}


def test_strata_may_be_turned_off(run, yolo):
    done = run("split", yolo, "--stratify-by", "none", "--out", "clean")
    assert done.code == 0
    assert "stratified" not in done.err


def test_a_lock_keeps_the_parts_of_a_data_set(run, yolo, noise_image):
    """The lock knows sizes by itself, and images stay in their part when others come."""
    assert run("split", yolo, "--lock", "lock.json", "--out", "first/").code == 0
    before = read_collection("first/data.yaml").frame
    for number in range(24, 30):
        noise_image(number).save(yolo / "images" / "train" / f"{number:03}.png")
    done = run("split", yolo, "--lock", "lock.json", "--out", "second/")
    assert done.code == 0, done.err
    after = read_collection("second/data.yaml").frame
    parts = [
        {
            os.path.basename(image): part
            for image, part in zip(each["image"], each["part"], strict=True)
        }
        for each in (before, after)
    ]
    assert parts[1].items() >= parts[0].items()
    assert len(parts[1]) == 30


def test_sequences_stay_together(run, yolo):
    done = run("split", yolo, "--groups", "sequences", "--out", "clean/")
    assert done.code == 0
    assert "found " in done.err


def test_class_folders_are_written_with_their_labels(run, photos_folder):
    """A plain folder is a data set too if --out names a folder."""
    done = run("split", photos_folder, "--test-size", "4", "--out", "clean/")
    assert done.code == 0, done.err
    with open("clean/test.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert all(os.path.basename(os.path.dirname(row["image"])) == row["label"] for row in rows)
    assert run("leaks", "clean/train.csv", "clean/test.csv").code == 0


def test_tables_are_written_with_all_their_columns(run, image_files):
    """A table that names paths comes back as one table a part, with its labels."""
    rows = "".join(f"{path},{number % 2},x{number}\n" for number, path in enumerate(image_files))
    Path("all.csv").write_text("path,label,note\n" + rows, encoding="utf-8")
    done = run("split", "all.csv", "--test-size", "2", "--out", "clean")
    assert done.code == 0, done.err
    lines = [
        Path(f"clean/{part}.csv").read_text(encoding="utf-8").splitlines()
        for part in ("train", "test")
    ]
    assert {part[0] for part in lines} == {"path,label,note"}
    assert sorted(lines[0][1:] + lines[1][1:]) == sorted(rows.splitlines())
    refused = run("split", "all.csv", "--column", "path", "--out", "other").refusal()
    assert "Leave --column out, or rename the column" in refused


def test_lists_are_written_where_there_is_no_layout(run, image_files):
    done = run("split", *image_files, "--test-size", "2", "--out", "lists/")
    assert done.code == 0
    assert sorted(os.listdir("lists")) == ["test.txt", "train.txt"]
    assert run("leaks", "lists/train.txt", "lists/test.txt").code == 0


def test_images_that_cannot_be_read_are_in_no_part(run, yolo):
    (yolo / "images" / "train" / "000.png").write_bytes(b"no image")
    done = run("split", yolo, "--out", "clean/", "--unreadable", "bad.txt")
    assert done.code == 0
    assert sum(sizes_in("clean/data.yaml").values()) == 23
    assert Path("bad.txt").read_text(encoding="utf-8").count("000.png") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--out", "full/"], "a folder that is not empty"),
        (["--out", "full", "--force"], "a folder that is not empty"),
        (["--out", "file/"], "is not a folder"),
        (["--out", "clean.txt"], "--out takes two lists"),
        (["--out", "a", "--out", "b", "--out", "c"], "--out takes two lists"),
        (["--out", "a.txt", "b.txt", "--how", "copy"], "--how concerns a folder"),
        (["--out", "clean/", "--validation-out", "v.txt"], "--validation-out needs"),
        (["--out", "clean/", "--lock", "clean/l.json"], "does not exist"),
        (["--out", "empty/", "--lock", "empty/l.json"], "holds the data set alone"),
        (["--out", "clean/", "--layout", "folder", "--hidden"], "--hidden chooses files"),
    ],
)
def test_refusals_come_before_the_work(arguments, message, run, yolo, tree, monkeypatch):
    """Nothing is written, and no image is read, if the output cannot be what was asked for."""
    for folder in ("full", "empty"):
        os.mkdir(folder)
    Path("full", "mine.txt").write_text("mine", encoding="utf-8")
    Path("file").write_text("mine", encoding="utf-8")
    before = tree(".")
    monkeypatch.setattr(_split, "fit", lambda *_: pytest.fail("read"))
    assert message in run("split", yolo, *arguments).refusal()
    assert tree(".") == before


def test_an_output_inside_the_source_is_refused(run, photos_folder, tree):
    before = tree(photos_folder)
    assert (
        "Choose a folder outside"
        in run("split", photos_folder, "--out", photos_folder / "clean", "-q").refusal()
    )
    assert tree(photos_folder) == before


def test_what_a_layout_cannot_write_is_refused_before_the_work(
    run, noise_image, encode, monkeypatch
):
    """The message names options of the command, not parameters of Python."""
    with zipfile.ZipFile("photos.zip", "w") as archive:
        for seed in range(4):
            archive.writestr(f"{seed}.png", encode(noise_image(seed)))
    monkeypatch.setattr(_split, "fit", lambda *_: pytest.fail("read"))
    refused = run("split", "photos.zip", "--out", "clean", "--how", "link", "-q").refusal()
    assert "--how lists" in refused
    assert "--how copy" in refused
    assert "how=" not in refused


def test_a_missing_image_leaves_nothing_half_written(run, yolo):
    """An image that the data set names is gone: it is unreadable, and all others are written."""
    file = yolo / "gone.txt"
    file.write_text("./images/train/000.png\n./images/train/nowhere.png\n./images/train/001.png\n")
    (yolo / "data.yaml").write_text("train: gone.txt\nval: images/val\nnames: [car, bus]\n")
    done = run("split", yolo / "data.yaml", "--out", "clean/", "--how", "copy")
    if done.code:
        assert "nowhere.png" in done.err
        assert not os.path.exists("clean")
    else:
        assert len(list(Path("clean/images").rglob("*.png"))) == 6


@given(st.lists(st.sampled_from(["--out", "a.txt", "b.txt", "clean/", "-q", "--", "-", "x"])))
def test_no_argument_is_lost_where_out_has_two_values(words):
    """At most one "--out" comes in between, and nothing else changes."""
    rewritten = _repeat_out(words)
    places = [place for place, word in enumerate(rewritten) if word == "--out"]
    assert rewritten == words or any(
        rewritten[:place] + rewritten[place + 1 :] == words for place in places
    )


def test_out_with_two_lists_works_anywhere(run, photos_folder):
    """Two values may stand before PATHS, or be named one by one."""
    for out in (["--out", "a.txt", "b.txt"], ["--out=a.txt", "--out", "b.txt"]):
        assert run("split", *out, photos_folder, "--force").code == 0
        assert os.path.exists("a.txt")
        os.remove("b.txt")


def test_a_folder_before_the_data_set_is_told_from_two_lists(run, yolo):
    """Without a slash at its end, the name of a folder looks like the first of two lists."""
    assert "a folder ends in /" in run("split", "--out", "clean", yolo / "data.yaml").refusal()
    assert run("split", "--out", "clean/", yolo / "data.yaml").code == 0


@pytest.mark.parametrize(
    ("parts", "shares"),
    [
        ({"train": 8, "val": 2}, {"test": 0.2}),
        ({"train": 6, "valid": 2, "test": 2}, {"validation": 0.2, "test": 0.2}),
        ({"train": 10}, {}),
        ({"val": 5, "test": 5}, {}),
        ({"north": 5, "train": 5}, {}),
    ],
)
def test_the_shares_of_parts_are_those_of_the_data_set(parts, shares, photos_folder):
    frame = pd.DataFrame({"part": [name for name, n in parts.items() for _ in range(n)]})
    data_set = Collection(frame, read_collection(photos_folder).layout)
    assert shares_of_parts(data_set) == pytest.approx(shares)


def test_parts_are_called_as_the_data_set_calls_them(yolo, photos_folder):
    three = ["train", "validation", "test"]
    named = read_collection(yolo / "data.yaml")
    assert name_parts(named, three) == {"train": "train", "validation": "val", "test": "test"}
    plain = read_collection(photos_folder)
    assert name_parts(plain, ["train", "test"]) == {"train": "train", "test": "test"}
    assert name_parts(None, three) == {name: name for name in three}
