"""The audit recognizes parts and classes, writes its card, and fails where it must."""

import csv
import json
import os
import shutil
from pathlib import Path

import pytest

from hashfeatures import UncheckedLeakageError, assert_no_leakage
from hashfeatures.cli._part_folders import name_paths


@pytest.fixture
def split(family, image_files, tmp_path):
    """Return a folder with parts that leak: one identical image and one copy of another class."""
    files, _ = family
    folder = tmp_path / "data"
    kept = {
        "Training/cats": [files[3], files[4], image_files[0]],
        "Training/dogs": [files[0], image_files[1], image_files[2]],
        "Testing/cats": [files[1], image_files[3]],
        "Testing/dogs": [files[0], image_files[4]],
    }
    for name, paths in kept.items():
        (folder / name).mkdir(parents=True)
        for path in paths:
            shutil.copy(path, folder / name)
    (folder / "Model").mkdir()
    return folder


@pytest.fixture
def clean(image_files, tmp_path):
    """Return the folders of two parts that do not leak."""
    folder = tmp_path / "clean"
    for name, paths in (("train", image_files[:3]), ("test", image_files[3:])):
        (folder / name).mkdir(parents=True)
        for path in paths:
            shutil.copy(path, folder / name)
    return folder


def test_parts_and_classes_are_recognized(run, split):
    """One folder is enough: usual names are parts, shared folders are classes, and it says so."""
    done = run("audit", split, "--json")
    assert done.code == 1
    facts = done.json()
    assert list(facts["parts"]) == ["Training", "Testing"]
    assert facts["parts"]["Testing"]["classes"] == {"cats": 2, "dogs": 2}
    leaks = facts["parts"]["Testing"]["leaks"]
    assert (leaks["identical"], leaks["near"]) == (1, 1)
    assert facts["conflicts"]["groups"] == 1
    assert facts["exceeded"] == ["Images with a near duplicate in another part: 2, and 0 allowed."]
    assert "not in a part: Model" in done.err
    assert "parts: Training (6 images), Testing (4 images)" in done.err
    assert "classes: the folders cats, dogs" in done.err


def test_parts_may_be_named(run, split):
    """Two paths are a training and a test part, whatever their names are."""
    facts = run("audit", split / "Training", split / "Testing", "--json").json()
    assert list(facts["parts"]) == ["Training", "Testing"]
    done = run("audit", split / "Training" / "dogs", split / "Testing", "--json")
    assert list(done.json()["parts"]) == ["train", "test"]
    assert done.json()["conflicts"] is None
    folders = [split / "Training" / "cats", split / "Training" / "dogs", split / "Testing"]
    assert list(run("audit", *folders, "--json").json()["parts"]) == ["cats", "dogs", "Testing"]


def test_lists_and_tables(run, split):
    """Lists of paths and a table with a column of parts give the same counts as folders."""
    expected = run("audit", split, "--json").json()["parts"]
    rows = []
    for part in ("Training", "Testing"):
        paths = sorted(str(path) for path in (split / part).rglob("*.*"))
        with open(f"{part}.txt", "w", encoding="utf-8") as file:
            file.write("\n".join(paths))
        rows += [(path, part, os.path.basename(os.path.dirname(path))) for path in paths]
    assert run("audit", "Training.txt", "Testing.txt", "--json").json()["parts"] == expected
    with open("table.csv", "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("path", "split", "kind"), *reversed(rows)])
    table = ["audit", "table.csv", "--column", "path", "--json"]
    done = run(*table, "--part-column", "split", "--classes-by", "kind")
    assert done.code == 1
    parts = done.json()["parts"]
    assert list(parts) == ["Training", "Testing"]
    for part, facts in parts.items():
        assert facts["leaks"] == expected[part]["leaks"]
        assert facts["classes"] == expected[part]["classes"]
    by_default = run(*table, "--classes-by", "kind")
    assert by_default.json()["parts"] == parts
    assert "the parts are those in the column 'split'" in by_default.err
    with open("other.csv", "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("path", "kind"), *([path, kind] for path, _, kind in rows)])
    refused = run("audit", "other.csv", "--column", "path").refusal()
    assert "--part-column" in refused
    assert "has the columns path, kind" in refused
    assert "no column 'x'" in run(*table, "--part-column", "x").refusal()
    done = run("audit", split, "--part-column", "grandparent", "--json")
    assert list(done.json()["parts"]) == ["Training", "Testing"]


def test_a_column_must_name_two_parts(run, split):
    with open("table.csv", "w", encoding="utf-8", newline="") as file:
        path = next((split / "Training").rglob("*.png"))
        csv.writer(file).writerows([("path", "split"), (path, "train"), (path, "")])
    done = run("audit", "table.csv", "--column", "path", "--part-column", "split")
    assert "at least two parts. It has only 'train'" in done.refusal()


def test_files_of_hashes(run, split):
    """Files of hashes hold no pixels, so identical images are not counted."""
    for part in ("Training", "Testing"):
        assert run("hash", split / part, "-o", f"{part}.csv").code == 0
    facts = run("audit", "Training.csv", "Testing.csv", "--json").json()
    leaks = facts["parts"]["Testing"]["leaks"]
    assert leaks["total"] == 2
    assert leaks["identical"] is None
    assert "Hash all parts" in run("audit", "Training.csv", split, split / "Model", "-q").refusal()
    assert "Hash both parts" in run("audit", "Training.csv", split, "-q").refusal()


def test_cards_are_written(run, split):
    """The card is written in every form; a page of an earlier run is replaced."""
    files = ["card.html", "card.md", "card.json", "card.txt"]
    done = run("audit", split, *(word for file in files for word in ("-o", file)))
    assert done.code == 1
    assert done.out.startswith(f"Audit of {split}\n\n2 of 4 images in Testing (50.0%")
    assert "# Audit of" in Path("card.md").read_text(encoding="utf-8")
    facts = json.loads(Path("card.json").read_text(encoding="utf-8"))
    assert facts["parts"]["Testing"]["images"] == 4
    page = Path("card.html").read_text(encoding="utf-8")
    assert page.count("data:image/jpeg") >= 4
    assert run("audit", split, "-o", "card.html", "--title", "Pets").code == 1
    assert "<h1>Pets</h1>" in Path("card.html").read_text(encoding="utf-8")
    assert "exists already" in run("audit", split, "-o", "card.md").refusal()
    assert run("audit", split, "-o", "card.md", "--force").code == 1
    assert "must end in" in run("audit", split, "-o", "card.pdf").refusal()
    assert "twice" in run("audit", split, "-o", "a.md", "-o", "./a.md").refusal()


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        ([], 1),
        (["leaks=2"], 0),
        (["leaks=1"], 1),
        (["leaks=0.5"], 0),
        (["leaks=0.49"], 1),
        (["leaks=2", "identical=0"], 1),
        (["conflicts=1"], 0),
        (["conflicts=0"], 1),
        (["duplicates=2", "unreadable=0"], 0),
        (["duplicates=1"], 1),
        (["duplicates=0.25"], 0),
        (["leak=1"], 2),
        (["leaks"], 2),
        (["leaks=x"], 2),
        (["leaks=1.5"], 2),
        (["leaks=-1"], 2),
        (["straddling=0"], 3),
    ],
)
def test_limits(run, split, limits, code):
    """The exit code is 1 exactly if a limit is exceeded; without limits, no leak is allowed."""
    options = [word for limit in limits for word in ("--fail-on", limit)]
    done = run("audit", split, *options, "-q")
    assert done.code == code, done
    assert (", and " in done.err) == (code == 1)


def test_groups_are_kept_apart(run, clean):
    """A group in two parts is a leak, though no two images are alike."""
    assert run("audit", clean).code == 0
    with open("table.csv", "w", encoding="utf-8", newline="") as file:
        rows = [(path, path.parent.name, "ann") for path in sorted(clean.rglob("*.png"))]
        csv.writer(file).writerows([("path", "split", "patient"), *rows])
    table = ["audit", "table.csv", "--column", "path", "--part-column", "split", "-q"]
    done = run(*table, "--groups", "patient", "--json")
    assert done.code == 1
    straddling = done.json()["straddling"]
    assert (straddling["groups"], straddling["noun"]) == (1, "group")
    for limit, code in (("straddling=0", 1), ("straddling=1", 0), ("leaks=0", 1)):
        assert run(*table, "--groups", "patient", "--fail-on", limit).code == code
    done = run("audit", clean, "--groups", "sequences", "--json")
    assert done.json()["straddling"]["noun"] == "sequence"
    assert "no column 'doctor'" in run(*table, "--groups", "doctor").refusal()


def test_what_was_not_compared_does_not_pass(run, clean):
    """Nothing to compare ends with 4, and so does too little, whatever limits are set."""
    assert run("audit", clean).code == 0
    (clean / "test" / "broken.png").write_bytes(b"no image")
    done = run("audit", clean, "--json")
    assert done.code == 4
    assert "1 of 7 images could not be read" in done.json()["unchecked"]
    for options, code in (
        (["--allow-unreadable", "1"], 0),
        (["--allow-unreadable", "0.2"], 0),
        (["--allow-unreadable", "0.1"], 4),
        (["--fail-on", "unreadable=1"], 0),
        (["--fail-on", "unreadable=0"], 4),
        (["--fail-on", "leaks=3"], 4),
    ):
        assert run("audit", clean, *options).code == code, options
    for path in (clean / "test").glob("image*"):
        path.write_bytes(b"no image either")
    done = run("audit", clean, "--allow-unreadable", "99", "-o", "card.md")
    assert done.code == 4
    assert "none of 4 images in test could be read" in done.err
    assert "0.0%" not in done.out.partition("COPIES WITHIN")[0]
    shutil.rmtree(clean / "test")
    (clean / "test").mkdir()
    done = run("audit", clean)
    assert done.code == 4
    assert "test has no images" in done.err


def test_folders_that_cannot_be_understood_are_refused(run, split, clean, tmp_path):
    assert "no folders with the usual names" in run("audit", split / "Training").refusal()
    assert "There are splits in" in run("audit", tmp_path).refusal()
    assert "neither a file nor a folder" in run("audit", "missing", clean / "test").refusal()
    assert "Name the parts" in run("audit", next(clean.rglob("*.png"))).refusal()
    assert "needs the classes" in run("audit", clean, "--fail-on", "conflicts=0").refusal()


def test_parts_further_down_are_found(run, clean, tmp_path):
    """Parts may be in a folder of the folder, as in images/train of an object detector."""
    deep = tmp_path / "deep" / "images"
    shutil.copytree(clean, deep)
    (tmp_path / "deep" / "notes").mkdir()
    assert run("audit", tmp_path / "deep").code == 0


def test_paths_of_parts_are_named_by_their_files_where_these_are_usual():
    assert name_paths(["a/train.txt", "a/test.txt"]) == ["train", "test"]
    assert name_paths(["a/train", "b/train"]) == ["train", "test"]
    assert name_paths(["x", "y", "z"]) == ["x", "y", "z"]
    assert name_paths(["a/x", "b/x", "z"]) == ["a/x", "b/x", "z"]


@pytest.mark.filterwarnings("ignore::hashfeatures.FailedImagesWarning")
def test_an_assertion_that_compared_nothing_raises(image_files):
    """No kind of nothing passes as a split without leaks."""
    nothings = ([], ["missing.png"], [None], ["missing.png", None], [b"no image"])
    for nothing in nothings:
        for parts in ((image_files[:2], nothing), (nothing, image_files[:2]), (nothing, nothing)):
            with pytest.raises(UncheckedLeakageError):
                assert_no_leakage(*parts, allow_unreadable=99)
    three = {"train": image_files[:2], "validation": [], "test": image_files[2:4]}
    with pytest.raises(UncheckedLeakageError, match="validation has no images"):
        assert_no_leakage(three)
    assert_no_leakage(image_files[:2], image_files[2:4])


@pytest.mark.parametrize("layout", ["yolo", "coco"])
def test_copies_whose_boxes_disagree_are_counted(run, layout, request):
    """A data set brings its objects; other images have none to hold to a limit."""
    folder = request.getfixturevalue(layout)
    where = folder / ("data.yaml" if layout == "yolo" else "annotations")
    done = run("audit", where, "--json", "--fail-on", "annotations=0")
    annotations = done.json()["annotations"]
    assert annotations["compared"] == 1
    assert annotations["pairs"] == (1 if layout == "yolo" else 0)
    assert done.code == annotations["pairs"]
    images = folder / "images" if layout == "yolo" else folder
    done = run("audit", images, "--layout", "folder", "--fail-on", "annotations=0")
    assert (done.code, done.out) == (3, "")
    assert "--fail-on annotations needs boxes or masks" in done.err
