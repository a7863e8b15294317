"""Files of hashes: written by one command, read by the others and by other programs."""

import os

import imagehash
import pandas as pd
import pytest
from PIL import Image

from hashfeatures._utils.optional import install_command
from hashfeatures.cli._hash_files import read_table


@pytest.mark.parametrize("suffix", [".csv", ".json", ".parquet"])
def test_there_and_back(suffix, run, photos_folder):
    """A file of hashes of any format gives the same groups as the images."""
    file = f"hashes{suffix}"
    done = run("hash", photos_folder, "-o", file, "--hashes", "phash,dhash,colorhash")
    assert done.code == 0, done.err
    table = read_table(file)
    assert len(table) == 12
    with Image.open(table["image"][0]) as image:
        assert table["phash"][0] == str(imagehash.phash(image))
        assert table["colorhash"][0] == str(imagehash.colorhash(image))
    groups = run("duplicates", file, "--json").json()
    direct = run("duplicates", photos_folder, "--json").json()
    assert [len(group["images"]) for group in groups["groups"]] == [3, 3]
    assert {image["path"] for image in groups["images"]} == {
        image["path"] for image in direct["images"]
    }


def test_the_file_of_an_imagehash_user(run, image_files, tmp_path):
    """A table with a column of ImageHash's strings works as a file of hashes."""
    rows = []
    for path in [*image_files, image_files[0]]:
        with Image.open(path) as image:
            rows.append({"image": path, "phash": str(imagehash.phash(image))})
    pd.DataFrame(rows).to_csv("theirs.csv", index=False)
    done = run("similar", image_files[2], "--in", "theirs.csv", "-n", "1", "--json")
    assert done.json()[0]["similar"] == [{"path": image_files[2], "distance": 0}]
    found = run("duplicates", "theirs.csv", "--hashes", "phash", "--json").json()
    assert found["counts"]["duplicates"] == 1


def test_digits_stay_text(run, image_files):
    """A hash of decimal digits stays a string with its leading zeros."""
    pd.DataFrame({"image": ["x"], "phash": ["0000000000000012"]}).to_csv("d.csv", index=False)
    pd.DataFrame({"image": ["x"], "phash": ["0000000000000012"]}).to_json(
        "d.json", orient="records"
    )
    assert read_table("d.csv")["phash"].tolist() == ["0000000000000012"]
    assert read_table("d.json")["phash"].tolist() == ["0000000000000012"]


@pytest.mark.parametrize("suffix", [".csv", ".json", ".parquet"])
def test_odd_names_survive(suffix, run, tmp_path, image_files):
    folder = tmp_path / "odd"
    folder.mkdir()
    names = [b"two\nlines.png", b'"quoted".png', b"caf\xe9.png", "zürich.png".encode()]
    try:
        for name, source in zip(names, image_files, strict=False):
            os.rename(source, os.path.join(os.fsencode(folder), name))
    except OSError:
        pytest.skip("this file system has no such names")
    assert run("hash", folder, "-o", f"odd{suffix}").code == 0
    done = run("index", "query", f"odd{suffix}", folder, "--json")
    assert done.code == 0, done.err
    for source in done.json():
        assert source["matches"][0] == {"path": source["path"], "distance": 0}
        assert os.path.exists(source["path"])


def test_other_settings_are_refused_with_both_named(run, photos_folder):
    assert run("hash", photos_folder / "a", "-o", "full.csv").code == 0
    assert run("hash", photos_folder / "b", "-o", "less.csv", "--decode", "reduced").code == 0
    for arguments in (
        ["duplicates", "full.csv", "less.csv"],
        ["leaks", "full.csv", "less.csv"],
        ["duplicates", "full.csv", "--decode", "reduced"],
        [
            "similar",
            photos_folder / "b" / "image_0.png",
            "--in",
            "full.csv",
            "--decode",
            "reduced",
        ],
        ["index", "add", "full.csv", photos_folder / "b", "--decode", "reduced"],
    ):
        message = run(*arguments).refusal()
        assert "decode=full" in message
        assert "decode=reduced" in message


def test_other_hashes_are_refused_with_both_named(run, photos_folder):
    run("hash", photos_folder, "-o", "h.csv", "--hashes", "whash,phash:16")
    message = run("duplicates", "h.csv").refusal()
    assert "phash, dhash" in message
    assert "whash, phash:16" in message
    assert run("duplicates", "h.csv", "--hashes", "whash", "--radius", "2").code == 0


@pytest.mark.parametrize("content", ["", "\x00\x01", "[1, 2", '{"a": 1}'])
@pytest.mark.parametrize("name", ["x.csv", "x.json", "x.parquet"])
def test_broken_files(name, content, run):
    with open(name, "w", encoding="utf-8") as file:
        file.write(content)
    assert name in run("duplicates", name).refusal()


def test_without_pyarrow_the_extra_is_named(run, image_files, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    message = run("hash", image_files[0], "-o", "h.parquet").refusal()
    assert install_command("parquet") in message


def test_outputs_are_not_overwritten(run, image_files):
    with open("h.csv", "w", encoding="utf-8") as file:
        file.write("precious")
    assert "h.csv exists already" in run("hash", image_files[0], "-o", "h.csv").refusal()
    assert os.path.getsize("h.csv") == 8
    assert run("hash", image_files[0], "-o", "h.csv", "--force").code == 0
    assert "must end in" in run("hash", image_files[0], "-o", "h.xlsx").refusal()
    assert "is a folder" in run("hash", image_files[0], "-o", ".").refusal()
