"""Each command does what its name says, as text and as JSON."""

import csv
import errno
import json
import os
import shutil

import numpy as np
import pytest
from PIL import Image

from hashfeatures import NearDuplicateFinder, find_duplicates
from hashfeatures.hashing._default_radius import default_radius, nomination_radius
from hashfeatures.hashing._spec import parse_hashes


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def test_hash_prints_a_table(run, photos_folder):
    rows = list(
        csv.DictReader(run("hash", photos_folder / "b", "--hashes", "ahash").out.splitlines())
    )
    assert len(rows) == 6
    assert all(len(row["ahash"]) == 16 for row in rows)
    assert json.loads(run("hash", photos_folder / "b", "--json").out)[0]["width"] == 40


def test_duplicates_are_those_of_the_package(run, photos_folder, tree):
    summary = run("duplicates", photos_folder, "--json").json()
    paths = sorted(str(photos_folder / name) for name in tree(photos_folder))
    expected = set(find_duplicates(paths)["image"])
    assert {image["path"] for image in summary["images"]} == expected
    text = run("duplicates", photos_folder).out
    assert all(path in text for path in expected)
    assert text.count("*") == 2


def test_duplicates_in_files(run, photos_folder):
    assert run("duplicates", photos_folder, "-o", "d.csv").out == ""
    with open("d.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert sorted(row["kept"] for row in rows) == ["False"] * 4 + ["True"] * 2
    assert run("duplicates", photos_folder, "-o", "d.json").code == 0
    assert json.loads(read("d.json"))["counts"]["groups"] == 2
    assert ".csv or .json" in run("duplicates", photos_folder, "-o", "d.txt").refusal()


def test_similar(run, photos_folder):
    query = photos_folder / "a" / "astronaut_small.png"
    answer = run("similar", query, "--in", photos_folder, "-n", "3", "--json").json()
    names = [os.path.basename(row["path"]) for row in answer[0]["similar"]]
    assert names[0].startswith("astronaut")
    assert set(names) == {"astronaut_original.png", "astronaut_small.png", "astronaut_jpeg.jpg"}
    agreements = {row["path"]: row["agreement"] for row in answer[0]["similar"]}
    assert agreements[str(query)] == 1
    assert all(row["relation"] for row in answer[0]["similar"])
    strangers = run("similar", query, "--in", photos_folder / "b", "--json").json()
    assert {row["relation"] for row in strangers[0]["similar"]} == {None}
    none = run("similar", "0" * 16, "--in", photos_folder / "b", "--radius", "0")
    assert "none" in none.out
    refused = run("similar", query, "--in", photos_folder, "--by", "dhash", "--radius", "65")
    assert "'--radius' parameter of similar must be an int in the range [0, 64]" in refused.err


def test_the_radius_by_default_is_that_of_the_hashes(run, photos_folder):
    """The default radius depends on the hashes, and on whether pixels confirm them."""
    defaults = {
        "--verify": nomination_radius,
        "--no-verify": lambda specs: default_radius(specs).bits,
    }
    for hashes in ("phash,dhash", "dhash"):
        for option, default in defaults.items():
            run("duplicates", photos_folder, "--hashes", hashes, option, "-o", "d.json", "--force")
            radius = json.loads(read("d.json"))["settings"]["radius"]
            assert radius == default(parse_hashes(hashes.split(",")))
    refused = run("duplicates", photos_folder, "--hashes", "dhash", "--radius", "65")
    assert refused.code == 2
    assert "range [0, 64]" in refused.err


def test_pixels_confirm_what_hashes_find(run, photos_folder):
    """Pairs have an agreement and a relation, and none of a lower agreement is found."""
    found = run("duplicates", photos_folder, "--json").json()
    copies = [image for image in found["images"] if not image["kept"]]
    assert all(found["settings"]["min_agreement"] <= copy["agreement"] for copy in copies)
    assert all(copy["relation"] for copy in copies)
    run("duplicates", photos_folder, "-o", "d.csv")
    assert "agreement,relation" in read("d.csv").splitlines()[0]
    strict = run("duplicates", photos_folder, "--min-agreement", 1, "--json").json()
    assert len(strict["images"]) < len(found["images"])
    alone = run("duplicates", photos_folder, "--no-verify", "--json").json()
    assert {image["agreement"] for image in alone["images"]} == {None}
    leaks = run("leaks", photos_folder / "a", photos_folder / "a", "--json").json()["worst"]
    assert all(leak["agreement"] == 1 for leak in leaks if leak["train"] == leak["test"])
    assert all(leak["relation"] for leak in leaks)
    leaks = run("leaks", photos_folder / "a", photos_folder / "a", "--no-verify", "--json")
    assert set(leaks.json()["worst"][0]) == {"train", "test", "distance"}


@pytest.mark.parametrize("command", ["duplicates", "report", "split", "leaks", "calibrate"])
def test_options_about_pixels_without_pixels(command, run, photos_folder):
    """Options about pixels are refused where hashes are compared alone."""
    folder = [photos_folder] * (2 if command == "leaks" else 1)
    done = run(command, *folder, "--no-verify", "--min-agreement", "0.9")
    assert done.code == 2
    assert "--min-agreement" in done.err
    if command == "calibrate":
        return
    run("hash", photos_folder, "-o", "h.csv")
    hashes = ["h.csv"] * len(folder)
    for option in (["--verify"], ["--min-agreement", "0.9"]):
        assert f"{option[0]} concerns pixels" in run(command, *hashes, *option).refusal()


def test_the_help_states_the_default_agreement(run):
    """The help of a command states the default agreement of the finder."""
    least = NearDuplicateFinder().min_agreement
    assert f"[default: {least}]" in " ".join(run("duplicates", "--help").out.split())


def test_split_writes_lists_without_leaks(run, photos_folder, tree):
    arguments = ("--test-size", "4", "--stratify-by", "parent", "--out", "train.txt", "test.txt")
    done = run("split", photos_folder, *arguments)
    assert done.code == 0, done.err
    train, test = read("train.txt").splitlines(), read("test.txt").splitlines()
    assert len(test) == 4 or "note" in done.err
    assert sorted(train + test) == sorted(
        str(photos_folder / name) for name in tree(photos_folder)
    )
    assert run("leaks", "train.txt", "test.txt").code == 0
    assert "exists already" in run("split", photos_folder, *arguments).refusal()
    assert run("split", photos_folder, *arguments, "--force").code == 0
    assert read("test.txt").splitlines() == test  # the same seed, the same split


def test_split_into_three_parts(run, photos_folder):
    done = run(
        *("split", photos_folder, "--test-size", "3", "--validation-size", "3", "--json")
    ).json()
    assert sum(done["sizes"].values()) == 12
    assert list(done["sizes"]) == ["train", "validation", "test"]


def test_split_needs_different_files(run, photos_folder):
    assert "not all different" in run("split", photos_folder, "--out", "a", "a").refusal()
    assert "not all different" in run("split", photos_folder, "--out", "a", "./a").refusal()


def test_leaks_end_with_1(run, photos_folder):
    """A split that leaks ends with exit code 1, and one that does not with 0."""
    small = photos_folder / "a" / "astronaut_small.png"
    os.mkdir("test")
    shutil.move(small, "test")
    leaking = run("leaks", photos_folder, "test")
    assert leaking.code == 1
    assert "1 of 1 images in test" in leaking.out
    assert "astronaut_original.png" in leaking.out
    facts = run("leaks", photos_folder, "test", "--json")
    assert facts.code == 1
    assert facts.json()["leaking"] == 1
    assert run("leaks", photos_folder / "b", "test").code == 0


def test_leaks_between_files_of_hashes(run, photos_folder):
    os.mkdir("test")
    shutil.move(photos_folder / "a" / "astronaut_small.png", "test")
    run("hash", photos_folder, "-o", "train.csv")
    run("hash", "test", "-o", "test.csv")
    assert run("leaks", "train.csv", "test.csv").code == 1
    assert run("leaks", "test.csv", "test.csv").code == 1
    assert "Hash both parts, or neither" in run("leaks", "train.csv", "test").refusal()


def test_calibrate(run, photos):
    from pathlib import Path

    folder = Path("photos")
    folder.mkdir()
    for path in photos[:12]:
        shutil.copy(path, folder)
    done = run("calibrate", folder, "--edited", "2", "-o", "table.csv", "--json")
    assert done.code == 0, done.err
    assert isinstance(done.json()["radius"], int)
    assert "comparing 12 images with each other" in done.err
    assert "recall" in read("table.csv").splitlines()[0]
    run("hash", folder, "-o", "h.csv")
    assert "needs images and not their hashes" in run("calibrate", "h.csv").refusal()


@pytest.mark.parametrize("name", ["page.html", "page.json", "page.txt"])
def test_report(name, run, photos_folder):
    done = run("report", photos_folder, "-o", name, "--classes-by", "parent")
    assert done.code == 0, done.err
    assert "2 groups" in done.out
    assert "astronaut_small.png" in read(name)
    if name == "page.html":  # its own page is not a loss
        assert run("report", photos_folder / "b", "-o", name).code == 0
        assert "astronaut_small.png" not in read(name)
        with open(name, "w", encoding="utf-8") as file:
            file.write("<!DOCTYPE html><title>somebody's own</title>")
    assert "exists already" in run("report", photos_folder, "-o", name).refusal()


def test_index_grows_answers_and_shrinks(run, photos_folder):
    assert run("index", "add", "i.csv", photos_folder / "b").code == 0
    original = photos_folder / "a" / "astronaut_original.png"
    assert run("index", "query", "i.csv", original, "--json").json()[0]["matches"] == []
    assert run("index", "add", "i.csv", original, "--json").json() == {
        "added": 1,
        "replaced": 0,
        "images": 7,
    }
    small = photos_folder / "a" / "astronaut_small.png"
    (answer,) = run("index", "query", "i.csv", small, "--json").json()
    assert [match["path"] for match in answer["matches"]] == [str(original)]
    assert run("index", "add", "i.csv", original, "--json").json()["replaced"] == 1
    assert run("index", "remove", "i.csv", photos_folder / "b", "--json").json() == {
        "removed": 6,
        "images": 1,
    }
    assert "is not in i.csv" in run("index", "remove", "i.csv", "nowhere").refusal()
    assert original.exists()


@pytest.mark.parametrize("suffix", ["csv", "json", "parquet"])
def test_an_index_that_was_emptied_knows_nothing_and_grows_again(run, photos_folder, suffix):
    index, photos = f"i.{suffix}", photos_folder / "b"
    assert run("index", "add", index, photos, "--hashes", "phash,dhash").code == 0
    assert run("index", "remove", index, photos, "--json").json()["images"] == 0
    answers = run("index", "query", index, photos, "--json").json()
    assert [answer["matches"] for answer in answers] == [[]] * 6
    assert "No images found" in run("duplicates", index).refusal()
    assert run("index", "add", index, photos, "--json").json()["images"] == 6
    assert run("index", "query", index, photos, "--json").json()[0]["matches"]


def test_all_commands_share_a_cache(run, photos_folder):
    run("duplicates", photos_folder, "--cache", "cache.sqlite")
    before = os.path.getsize("cache.sqlite")
    run("report", photos_folder, "--cache", "cache.sqlite")
    assert os.path.getsize("cache.sqlite") == before


def test_a_cache_that_is_none(run, photos_folder):
    with open("cache.sqlite", "w", encoding="utf-8") as file:
        file.write("something else, and long enough to be looked at" * 30)
    assert "cache.sqlite" in run("duplicates", photos_folder, "--cache", "cache.sqlite").refusal()


def test_groups_of_names_that_are_no_utf_8(run, same_bytes):
    """A file name that is not UTF-8 does not stop the writing of groups."""
    name = os.path.join(os.fsencode(same_bytes), b"caf\xe9.png")
    try:
        os.rename(same_bytes / "second.png", name)
    except OSError:
        pytest.skip("this file system has no such names")
    done = run("duplicates", same_bytes, "-o", "groups.csv")
    assert done.code == 0, done.err
    assert "caf\\udce9.png" in read("groups.csv")


def test_similar_to_digits_among_reduced_hashes(run, photos_folder):
    run("hash", photos_folder, "-o", "h.csv", "--decode", "reduced")
    with open("h.csv", encoding="utf-8") as file:
        row = next(csv.DictReader(file))
    done = run("similar", row["phash"], "--in", "h.csv", "-n", "1", "--json")
    assert done.code == 0, done.err
    assert done.json()[0]["similar"] == [{"path": row["image"], "distance": 0}]


def test_stages_count_what_they_leave_out(run, photos_folder):
    (photos_folder / "notes.txt").write_text("no image")
    done = run("stages", photos_folder, "-o", "run", "-j", 1)
    assert "skipped 1 .txt" in done.err
    assert run("stages", photos_folder, "-o", "run", "-j", 1, "--quiet").err == ""


def test_the_note_on_chains_says_what_the_command_has(run, tmp_path):
    """A warning about chains advises an option of the command, and the option works."""
    folder = tmp_path / "chain"
    folder.mkdir()
    start, end = (np.random.default_rng(seed).integers(0, 256, (9, 9)) for seed in (1, 2))
    for step in range(30):
        mixed = (start * (29 - step) + end * step) / 29
        Image.fromarray(mixed.astype(np.uint8)).resize((90, 90)).save(folder / f"{step:02}.png")
    folder = [folder, "--no-verify"]
    for command in (["duplicates", *folder], ["report", *folder], ["stages", *folder]):
        more = {"report": ["--force"], "stages": ["-o", "run", "-j", 1]}.get(command[0], [])
        done = run(*command, *more)
        assert "--linkage complete" in done.err
        assert "groups_" not in done.err
        assert "linkage=" not in done.err
    split = run("split", *folder)
    assert "smaller --radius" in split.out + split.err
    assert "linkage" not in split.err
    whole = run("duplicates", *folder, "--json").json()
    parted = run("duplicates", *folder, "--linkage", "complete", "--json")
    assert "chains" not in parted.err
    assert len(parted.json()["groups"]) > len(whole["groups"])
    assert all(group["diameter"] <= 12 for group in parted.json()["groups"])


@pytest.mark.parametrize(
    "command",
    [
        "split PHOTOS --out IMAGE b.txt",
        "split PHOTOS --out a.txt IMAGE",
        "split PHOTOS --out a.txt b.txt --unreadable IMAGE",
        "report PHOTOS -o IMAGE",
    ],
)
def test_no_image_is_overwritten_by_force(command, run, photos_folder, tree):
    before = tree(photos_folder)
    image = next(path for path in (photos_folder / "a").iterdir())
    words = {"PHOTOS": photos_folder, "IMAGE": image}
    arguments = [words.get(word, word) for word in command.split()]
    assert "is an image, which is never overwritten" in run(*arguments, "--force").refusal()
    assert tree(photos_folder) == before


def test_lists_of_a_split_are_replaced_together(run, photos_folder, monkeypatch, tree):
    """If the second list cannot be written, the first keeps its old content."""
    arguments = ("split", photos_folder, "--out", "train.txt", "test.txt", "--force", "--seed")
    assert run(*arguments, 0).code == 0
    before = tree(".")
    real, calls = os.fsync, []

    def fill_the_disk(descriptor):
        calls.append(descriptor)
        if len(calls) > 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(descriptor)

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", fill_the_disk)
        assert "No space left" in run(*arguments, 1).err
    assert tree(".") == before
    assert run(*arguments, 1).code == 0
    assert tree(".") != before
