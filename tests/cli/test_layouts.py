"""Commands take data sets in layouts where they take folders, and say what they recognized."""

import io
import json
import os
import shutil
import tarfile

import pandas as pd
import pytest

from hashfeatures.cli._context import LAYOUTS
from hashfeatures.layouts._read_collection import _LAYOUTS

SIZES = {"train": 16, "val": 4, "test": 4}


def test_every_layout_of_files_has_a_name_here():
    assert set(LAYOUTS) - {"auto"} == set(_LAYOUTS) - {"torch", "list"}


def test_a_note_says_what_was_recognized_and_what_was_left_out(run, yolo):
    """The layout, the images, the parts, the classes and the skipped files are named."""
    (yolo / "images" / "train" / "notes.md").write_text("no image")
    done = run("hash", yolo / "data.yaml", "-o", "h.csv")
    assert done.code == 0, done.err
    told = "YOLO layout, 24 images, 3 parts (train 16, val 4, test 4), 2 classes"
    assert f"{yolo / 'data.yaml'}: {told}\n" in done.err
    assert "skipped 1 .md" in done.err
    assert run("hash", yolo / "data.yaml", "-o", "h.csv", "--force", "-q").err == ""


def test_a_broken_data_set_says_how_to_take_its_images(run, yolo):
    """Before layouts were known, the images of such a folder could be compared all the same."""
    (yolo / "labels" / "train" / "000.txt").write_text("99 0.5 0.5 0.1 0.1\n")
    done = run("duplicates", yolo)
    assert done.code == 3
    assert "000.txt, line 1: class 99" in done.err
    assert "--layout folder takes all images in it instead" in done.err
    assert run("duplicates", yolo, "--layout", "folder").code == 0


def test_a_folder_that_is_a_data_set_is_named_as_one(run, yolo):
    """The note on a folder says why it is a data set, and how to take all images in it."""
    shutil.copy(yolo / "images" / "train" / "000.png", yolo / "cover.png")
    done = run("duplicates", yolo, "--json")
    assert done.json()["counts"]["images"] == 24
    assert "it holds data.yaml" in done.err
    assert "--layout folder takes all images in it instead" in done.err
    plain = run("duplicates", yolo, "--layout", "folder", "--json")
    assert plain.json()["counts"]["images"] == 25
    assert "YOLO" not in plain.err


def test_options_for_the_files_of_a_folder_make_a_folder(run, yolo):
    """--glob chooses files, so a folder is searched, and a note says so."""
    done = run("duplicates", yolo, "--glob", "00*.png", "--json")
    assert done.json()["counts"]["images"] == 10
    assert "searched as a folder because of --glob, although it holds data.yaml" in done.err
    refused = run("duplicates", yolo, "--glob", "*.png", "--layout", "yolo").refusal()
    assert "--glob has no effect with --layout yolo" in refused


def test_plain_folders_stay_plain(run, photos_folder):
    """A folder of class folders is searched without a note, as ever."""
    done = run("duplicates", photos_folder, "--json")
    assert done.err == ""
    assert done.json()["counts"]["images"] == 12


def test_json_is_told_apart_by_its_content(run, coco, photos_folder):
    """A file of hashes and a file of COCO both end in .json."""
    run("hash", photos_folder, "-o", "hashes.json")
    assert "12 images" in run("duplicates", "hashes.json").out
    done = run("duplicates", coco / "annotations" / "instances_train.json")
    assert "COCO layout, 16 images" in done.err
    assert done.code == 0
    (coco / "broken.json").write_text('{"images": 3}')
    assert "broken.json" in run("duplicates", coco / "broken.json").refusal()


def test_several_files_of_coco_are_one_data_set(run, coco):
    files = sorted((coco / "annotations").iterdir())
    assert "COCO layout, 20 images, 2 parts" in run("duplicates", *files).err


def test_data_sets_and_images_are_not_mixed(run, yolo, photos_folder):
    refused = run("duplicates", yolo / "data.yaml", photos_folder).refusal()
    assert "is in the layout yolo and" in refused
    assert "not both" in refused


def test_several_data_sets_are_compared(run, yolo, tmp_path):
    """Copies between two data sets are found, although they cannot be written as one."""
    other = shutil.copytree(yolo, tmp_path / "other")
    facts = run("duplicates", yolo / "data.yaml", other / "data.yaml", "--json").json()
    assert facts["counts"]["images"] == 48
    assert facts["counts"]["groups"] > 20


def test_doubt_names_both_layouts(run, yolo, coco):
    """A folder in two layouts is refused with the reasons for both."""
    shutil.copytree(coco / "annotations", yolo / "annotations")
    refused = run("duplicates", yolo).refusal()
    for text in ("yolo (it holds data.yaml", "coco (it holds annotations", "--layout folder"):
        assert text in refused
    assert run("duplicates", yolo, "--layout", "yolo").code == 0


def test_root_says_where_names_lead(run, coco, tmp_path):
    shutil.move(coco / "train", tmp_path / "elsewhere")
    file = coco / "annotations" / "instances_train.json"
    assert run("duplicates", file, "--root", tmp_path / "elsewhere").code == 0
    assert "--root" in run("duplicates", tmp_path / "elsewhere", "--root", tmp_path).refusal()


def test_parts_inside_a_data_set_are_compared(run, yolo):
    """One file is enough for leaks, and each pair is listed by its parts."""
    done = run("leaks", yolo / "data.yaml", "--json")
    assert done.code == 1
    facts = done.json()
    assert facts["parts"] == SIZES
    assert [set(pair) & set(SIZES) for pair in facts["worst"]] == [{"train", "val"}]
    text = run("leaks", yolo / "data.yaml").out
    assert "train  " in text
    assert "val  " in text


def test_files_of_coco_are_parts(run, coco):
    files = [coco / "annotations" / f"instances_{part}.json" for part in ("train", "val")]
    done = run("leaks", *files, "--json")
    assert done.code == 1
    assert list(done.json()["parts"]) == ["train", "val"]
    facts = run("audit", *files, "--json").json()
    assert list(facts["parts"]) == ["train", "val"]
    assert facts["parts"]["val"]["leaks"]["identical"] == 1
    assert facts["parts"]["val"]["classes"] == {"car": 2, "bus": 2}


def test_a_table_may_hold_the_parts(run, photos_folder):
    """The column of parts is found by its usual names, in a table of paths too."""
    paths = sorted(str(path) for path in photos_folder.rglob("*.*"))
    for suffix in (".csv", ".parquet"):
        for column in ("part", "split"):
            table = pd.DataFrame({"image": paths, column: ["train", "val"] * (len(paths) // 2)})
            name = f"table{suffix}"
            table.to_csv(name) if suffix == ".csv" else table.to_parquet(name)
            done = run("leaks", name, "--json")
            assert list(done.json()["parts"]) == ["train", "val"]
            assert f"the parts are those in the column {column!r}" in done.err
    table.rename(columns={"split": "other"}).to_csv("table.csv", index=False)
    assert "has the columns image, other" in run("leaks", "table.csv").refusal()


@pytest.mark.parametrize(
    "arguments",
    [
        *(["leaks", "nope"], ["audit", "nope"], ["leaks", "nope.csv"], ["audit", "nope", "nope2"]),
        *(["split", "nope", "--out", "x"], ["split", "nope.txt", "--out", "x/"]),
        *(["duplicates", "nope"], ["audit", "nope.csv", "--part-column", "x"]),
    ],
)
def test_a_path_that_does_not_exist_is_named_first(run, arguments):
    """Guards against advice on other arguments, which would not help."""
    done = run(*arguments)
    assert done.code == 3
    assert f"{arguments[1]} is neither a file nor a folder" in done.err


def test_a_data_set_without_parts_has_no_leaks_to_find(run, coco):
    refused = run("audit", coco / "annotations" / "instances_train.json").refusal()
    assert "no column 'part'" in refused


def test_an_audit_takes_the_parts_and_the_classes_of_a_data_set(run, yolo):
    done = run("audit", yolo / "data.yaml", "-o", "card.md", "--json")
    assert done.code == 1
    assert {name: part["images"] for name, part in done.json()["parts"].items()} == SIZES
    assert done.json()["parts"]["train"]["classes"] == {"car": 8, "bus": 8}
    assert run("audit", yolo, "--fail-on", "leaks=1").code == 0


def test_an_audit_compares_the_boxes_of_near_duplicates(run, yolo, photos_folder):
    """The two copies have boxes of other heights, which is a conflict and can be a limit."""
    facts = run("audit", yolo, "--json").json()["annotations"]
    assert (facts["compared"], facts["pairs"], facts["across"]) == (1, 1, 1)
    done = run("audit", yolo, "--fail-on", "annotations=0")
    assert done.code == 1
    assert "whose boxes or masks disagree: 1, and 0 allowed" in done.err
    parts = photos_folder / "a", photos_folder / "b"
    assert "needs boxes or masks" in run("audit", *parts, "--fail-on", "annotations=0").err


def test_images_inside_archives_are_named(run, tmp_path, encode, noise_image):
    """Reports, rankings and files of hashes show the name of an image inside a tar file."""
    shard = tmp_path / "shard-000.tar"
    with tarfile.open(shard, "w") as tar:
        for number, seed in enumerate([0, 1, 2, 0]):
            data = encode(noise_image(seed))
            member = tarfile.TarInfo(f"{number:05}.png")
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    name = f"{shard}/00003.png"
    assert name in run("duplicates", shard).out
    noise_image(0).save("query.png")
    answer = run("similar", "query.png", "--in", shard, "--json").json()[0]["similar"]
    assert {row["path"] for row in answer[:2]} == {f"{shard}/00000.png", name}
    assert answer[0]["agreement"] == 1
    assert run("report", shard, "-o", "page.html").code == 0
    with open("page.html", encoding="utf-8") as file:
        assert "00003.png" in file.read()
    assert run("hash", shard, "-o", "h.csv").code == 0
    with open("h.csv", encoding="utf-8") as file:
        assert name in file.read()


def test_a_report_marks_groups_in_several_parts_of_a_data_set(run, yolo):
    facts = run("report", yolo / "data.yaml", "--json").json()
    assert facts["counts"]["leaks"] == 1
    assert {image["part"] for image in facts["images"]} == {"train", "val"}


def test_stages_take_the_images_that_a_data_set_names(run, yolo):
    shutil.copy(yolo / "images" / "train" / "000.png", yolo / "cover.png")
    done = run("stages", yolo / "data.yaml", "-o", "run", "-j", "1", "--json")
    assert done.code == 0, done.err
    assert done.json()["images"] == 24
    assert "YOLO layout" in done.err


@pytest.mark.parametrize("command", ["hash", "duplicates", "report", "split", "calibrate"])
def test_every_command_counts_what_a_folder_holds_beside_images(
    command, run, photos_folder, without_heif
):
    for name in ("notes.md", "IMG_1.HEIC", ".DS_Store"):
        (photos_folder / name).write_bytes(b"no image")
    told = run(command, photos_folder).err
    for part in ("1 .md", "1 .HEIC", "1 hidden", "heif"):
        assert part in told


def test_every_command_for_parts_counts_what_they_hold_beside_images(
    run, photos_folder, without_heif
):
    os.rename(photos_folder / "a", photos_folder / "train")
    os.rename(photos_folder / "b", photos_folder / "test")
    for part in ("train", "test"):
        (photos_folder / part / "IMG_1.HEIC").write_bytes(b"no image")
        (photos_folder / part / ".hidden").write_bytes(b"no image")
    for command in ("leaks", "audit"):
        told = run(command, photos_folder / "train", photos_folder / "test").err
        assert told.count("1 .HEIC, 1 hidden") == 2


def test_images_that_pillow_cannot_read_leave_a_data_set_unchecked(run, yolo, without_heif):
    """A part of a data set with HEIC does not pass as checked, as that of a folder does not."""
    (yolo / "images" / "val" / "016.png").unlink()
    assert run("leaks", yolo / "data.yaml").code == 0
    (yolo / "images" / "test" / "IMG_1.HEIC").write_bytes(b"no image")
    done = run("leaks", yolo / "data.yaml")
    assert done.code == 4
    assert "Pillow cannot read the format of 1 image" in done.err
    assert run("leaks", yolo / "data.yaml", "--allow-unreadable", "1").code == 0
    assert run("audit", yolo / "data.yaml").code == 4


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff\xfe{\0", b"[]", b'{"images": [1]}', b'{"annotations": 0}', b"{" * 9000],
)
def test_broken_json_is_refused_by_its_name(content, run):
    """No broken file of a data set ends in a traceback."""
    with open("set.json", "wb") as file:
        file.write(content)
    done = run("duplicates", "set.json")
    assert done.code == 3
    assert "set.json" in done.err
    assert "Traceback" not in done.err


def test_yaml_of_something_else_is_no_data_set(run):
    with open("config.yaml", "w", encoding="utf-8") as file:
        json.dump({"learning_rate": 0.1}, file)
    assert run("duplicates", "config.yaml").code == 3


def test_patterns_with_braces_name_shards(run, tmp_path, encode, noise_image):
    """A pattern as in webdataset names tar shards, also where no shell expands it."""
    for number in (0, 1):
        with tarfile.open(tmp_path / f"shard-{number:03}.tar", "w") as tar:
            info = tarfile.TarInfo(f"{number}.png")
            content = encode(noise_image(number))
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    done = run("duplicates", tmp_path / "shard-{000..001}.tar", "--json")
    assert done.json()["counts"]["images"] == 2
    assert "shard-002.tar is missing" in run("hash", tmp_path / "shard-{000..002}.tar").refusal()
