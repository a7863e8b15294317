"""Commands report images that they cannot read, and never count them as checked."""

import os
import shutil

import pandas as pd
import pytest

from hashfeatures.cli._hash_files import read_table


@pytest.fixture
def broken(tmp_path):
    """Return a folder of files that cannot be read."""
    folder = tmp_path / "broken"
    folder.mkdir()
    for name in ("1.jpg", "2.png"):
        (folder / name).write_bytes(b"no image")
    return folder


@pytest.fixture
def mixed(photos_folder, broken):
    """Return a folder of images, one of which cannot be read."""
    shutil.copy(broken / "1.jpg", photos_folder / "b" / "broken.jpg")
    return photos_folder


@pytest.mark.parametrize(
    "command",
    [
        "duplicates BROKEN",
        "duplicates BROKEN --delete --yes",
        "hash BROKEN",
        "hash BROKEN -o out.csv",
        "report BROKEN -o out.html",
        "split BROKEN",
        "split BROKEN --out out.txt other.txt",
        "calibrate BROKEN -o out.csv",
        "similar PHOTO --in BROKEN",
        "similar BROKEN/1.jpg --in PHOTOS",
        "index add out.csv BROKEN",
        "index query known.csv BROKEN",
        "stages BROKEN -o out --jobs 1",
    ],
)
def test_a_command_that_read_nothing_ends_with_3(command, run, broken, photos_folder):
    """If no image can be read, the command fails."""
    run("index", "add", "known.csv", photos_folder / "b")
    places = {
        "BROKEN": str(broken),
        "PHOTOS": str(photos_folder),
        "PHOTO": str(photos_folder / "b" / "image_0.png"),
    }
    for name, path in places.items():
        command = command.replace(name, path)
    done = run(*command.split())
    assert done.code == 3, done
    assert "could be read" in done.err or "not be read" in done.err or "Could not read" in done.err
    assert done.out == ""
    assert not [name for name in os.listdir() if name.startswith("out.")]


@pytest.mark.parametrize("suffix", ["", ".csv"])
def test_leaks_of_what_cannot_be_read_end_with_4(suffix, run, mixed, broken, tmp_path):
    """Unreadable images end the check for leaks with exit code 4, unless they are allowed."""
    train, test, gone = mixed / "a", mixed / "b", "gone.txt"
    with open(gone, "w", encoding="utf-8") as file:
        file.write("no/such/1.png\nno/such/2.png\n")
    if suffix:
        for name, folder in (("train", train), ("test", test)):
            assert run("hash", folder, "-o", f"{name}{suffix}").code == 0
        table = read_table("test.csv")
        table[table["error"].notna()].to_csv("gone.csv", index=False)
        train, test, gone = "train.csv", "test.csv", "gone.csv"
    for sides in ((train, gone), (gone, train)):
        done = run("leaks", *sides)
        assert done.code == 4, done
        assert "%" not in done.out
        assert "could be read" in done.err
        assert run("leaks", *sides, "--allow-unreadable", "99").code == 4
        told = run("leaks", *sides, "--json")
        assert told.code == 4
        assert "could be read" in told.json()["unchecked"]
    done = run("leaks", train, test)
    assert done.code == 4, done
    assert "1 of 13 images could not be read (test 1 of 7)" in done.err
    for allowed, code in (("1", 0), ("0.1", 0), ("0.01", 4), ("0", 4), ("1.5", 2), ("-1", 2)):
        assert run("leaks", train, test, "--allow-unreadable", allowed).code == code
    assert (
        run("leaks", train, test, "--allow-unreadable", "1", "--json").json()["unchecked"] is None
    )


def test_leaks_that_are_found_win(run, mixed):
    os.mkdir("test")
    for name in ("a/astronaut_small.png", "b/broken.jpg"):
        shutil.copy(mixed / name, "test")
    done = run("leaks", mixed, "test")
    assert done.code == 1
    assert "By part: train 1, test 1" in done.out


def test_no_list_and_an_empty_one_are_no_pass(run, mixed):
    open("empty.txt", "w", encoding="utf-8").close()
    for sides in ((mixed, "missing.txt"), (mixed, "empty.txt"), ("empty.txt", mixed)):
        assert run("leaks", *sides).code == 3


def test_images_without_detail_are_not_checked_by_their_hashes(run, mixed, tmp_path):
    """Blank images in a file of hashes count as not compared, because it holds no pixels."""
    from PIL import Image

    for side in ("x", "y"):
        shutil.copytree(mixed / "a", side) if side == "x" else os.mkdir(side)
        Image.new("RGB", (50, 50), "white").save(f"{side}/blank.png")
        shutil.copy(mixed / "b" / "image_1.png", "y/other.png") if side == "y" else None
        run("hash", side, "-o", f"{side}.csv")
    assert run("leaks", "x", "y").code == 1
    done = run("leaks", "x.csv", "y.csv")
    assert done.code == 4
    assert "too little detail for their hashes" in done.out
    assert run("leaks", "x.csv", "y.csv", "--allow-unreadable", "2").code == 0


def test_an_index_holds_what_could_be_read(run, mixed, broken):
    """A file that can no longer be read keeps its row in the index."""
    done = run("index", "add", "i.csv", mixed, "--json")
    assert done.json() == {"added": 12, "replaced": 0, "images": 12, "unreadable": 1}
    assert pd.read_csv("i.csv")["error"].isna().all()
    shutil.copy(broken / "1.jpg", mixed / "b" / "image_0.png")
    assert run("index", "add", "i.csv", mixed).code == 0
    assert len(pd.read_csv("i.csv")) == 12
    answers = run(
        "index", "query", "i.csv", mixed / "b" / "broken.jpg", mixed / "a", "--json"
    ).json()
    assert ["error" in answer for answer in answers] == [True] + [False] * 6
    assert "unread" in run("index", "query", "i.csv", mixed).out


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read().splitlines()


def test_a_split_deals_out_what_can_be_read(run, mixed, tree):
    """A split skips unreadable images and reports them."""
    broken = str(mixed / "b" / "broken.jpg")
    lists = ("--out", "train.txt", "test.txt", "--test-size", "6", "--stratify-by", "parent")
    done = run("split", mixed, *lists)
    assert done.code == 0, done
    assert "1 image could not be read, so it is in no part" in done.err
    assert len(read("test.txt")) == 6
    dealt = read("train.txt") + read("test.txt")
    assert sorted([*dealt, broken]) == sorted(str(mixed / name) for name in tree(mixed))
    assert run("split", mixed, *lists, "--unreadable", "apart.txt", "--force").code == 0
    assert read("apart.txt") == [broken]
    assert run("split", mixed, "--unreadable", "apart.txt").code == 3  # there is one
    assert run("split", mixed, *lists, "--unreadable", "test.txt", "--force").code == 3
    kept = run("split", mixed, *lists, "--keep-unreadable", "--force")
    assert "but it is in the parts" in kept.err
    assert broken in read("train.txt") + read("test.txt")


def test_a_split_on_stdout_tells_what_could_not_be_read(run, mixed):
    broken = str(mixed / "b" / "broken.jpg")
    lines = run("split", mixed).out.splitlines()
    assert [line for line in lines if broken in line] == [f"unreadable\t{broken}"]
    told = run("split", mixed, "--json").json()
    assert told["unreadable"] == [broken]
    assert broken not in told["train"] + told["test"]
    assert sum(told["sizes"].values()) == 12
    kept = run("split", mixed, "--json", "--keep-unreadable").json()
    assert kept["unreadable"] == [broken]
    assert broken in kept["train"] + kept["test"]
    run("hash", mixed, "-o", "h.csv")
    assert run("split", "h.csv", "--json").json()["unreadable"] == [broken]


def test_stages_deal_out_what_can_be_read(run, mixed):
    pytest.importorskip("pyarrow")
    from hashfeatures.distributed import read_stage

    for _ in range(2):  # the second run finds all of it done
        told = run("stages", mixed, "-o", "out", "--jobs", "1", "--json").json()
        assert told["failed"] == 1
        assert told["train"] + told["test"] == 12
        table = read_stage("out/split").set_index("image")["split"]
        assert table[table.isna()].index.tolist() == [str(mixed / "b" / "broken.jpg")]
    shutil.copy(mixed / "b" / "broken.jpg", mixed / "b" / "new.jpg")
    told = run("stages", mixed, "-o", "out", "--jobs", "1", "--json").json()
    assert (told["failed"], told["moved"], told["train"] + told["test"]) == (2, 0, 12)


def test_a_folder_that_cannot_be_searched_was_not_checked(run, photos_folder, monkeypatch):
    """A folder that cannot be searched ends with exit code 4; simulated for root."""
    real = os.scandir

    def refuse(path):
        if str(path).endswith("hidden"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    (photos_folder / "b" / "hidden").mkdir()
    assert run("leaks", photos_folder / "a", photos_folder / "b").code == 0
    monkeypatch.setattr(os, "scandir", refuse)
    for sides in (("a", "b"), ("b", "a")):
        done = run("leaks", *(photos_folder / side for side in sides))
        assert done.code == 4, done
        assert "hidden could not be searched" in done.err


def test_images_in_formats_that_pillow_does_not_read_were_not_checked(run, photos_folder):
    """Images in formats that Pillow cannot read end the check for leaks with exit code 4."""
    (photos_folder / "b" / "photo.jxl").write_bytes(b"an image")
    (photos_folder / "b" / "notes.txt").write_bytes(b"no image")
    sides = (photos_folder / "a", photos_folder / "b")
    done = run("leaks", *sides)
    assert done.code == 4, done
    assert "photo.jxl" in done.err
    assert run("leaks", *sides, "--allow-unreadable", "1").code == 0
    assert run("leaks", *sides, "--glob", "*.png", "--glob", "*.jpg").code == 0


def test_folders_behind_links_that_were_not_followed_were_not_checked(run, photos_folder):
    """A link to a folder that was not followed ends the check for leaks with exit code 4."""
    (photos_folder / "b" / "link").symlink_to(photos_folder / "a")
    for sides in (("a", "b"), ("b", "a")):
        done = run("leaks", *(photos_folder / side for side in sides))
        assert done.code == 4, done
        assert "link is a link to a folder, which was not followed. See --follow" in done.err
    assert "skipped 1 link to a folder, such as" in run("duplicates", photos_folder / "b").err
    assert "link to a folder" not in run("duplicates", photos_folder).err  # it is searched itself
    sides = (photos_folder / "a", photos_folder / "b")
    assert run("leaks", *sides, "--follow-links").code == 1


@pytest.mark.parametrize("is_hashed", [False, True])
def test_rows_that_name_no_image_were_not_checked(is_hashed, run, photos_folder):
    """Rows without an image end the check for leaks with exit code 4."""
    for side in ("a", "b"):
        assert run("hash", photos_folder / side, "-o", f"{side}.csv").code == 0
    table = read_table("b.csv")
    table.loc[1:, "image"] = None
    table.to_csv("b.csv", index=False)
    if not is_hashed:
        for side in ("a", "b"):
            read_table(f"{side}.csv")[["image"]].assign(label=1).to_csv(f"{side}.csv", index=False)
    n_lost = len(table) - 1
    done = run("leaks", "a.csv", "b.csv")
    assert done.code == 4, done
    assert f"{n_lost} rows of the tables name no image" in done.err
    assert run("leaks", "a.csv", "b.csv", "--allow-unreadable", n_lost - 1).code == 4
    assert run("leaks", "a.csv", "b.csv", "--allow-unreadable", n_lost).code == 0
    assert f"skipped {n_lost} rows" in run("duplicates", "b.csv").err
