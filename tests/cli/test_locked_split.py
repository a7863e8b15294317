"""The command that keeps a split as it is in a lock."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def split(run, photos_folder):
    """Return a function that splits the folder by a lock, and returns the part of each file."""

    def run_split(*arguments):
        done = run("split", photos_folder, "--lock", "split.lock.json", *arguments)
        assert done.code == 0, done.err
        lines = [line.split("\t") for line in done.out.splitlines()]
        return {Path(path).name: part for part, path in lines}, done.err

    return run_split


def test_images_keep_their_part_when_others_are_added(split, photos_folder, noise_image):
    before, _ = split("--test-size", "4")
    content = Path("split.lock.json").read_bytes()
    assert split() == (before, _)
    assert Path("split.lock.json").read_bytes() == content
    for seed in range(20, 32):
        noise_image(seed).save(photos_folder / "b" / f"0 new {seed}.png")
    shutil.copy(photos_folder / "b" / "image_0.png", photos_folder / "a" / "0 copy.png")
    after, _ = split()
    assert before.items() <= after.items()
    assert after["0 copy.png"] == before["image_0.png"]
    assert len(after) == len(before) + 13
    assert "/" not in json.loads(content)[1]["name"].partition("/")[0]
    assert str(photos_folder) not in content.decode()


def test_moves_are_noted_and_listed(split, run, photos_folder, noise_image):
    """Steps from one image to another connect what is in different parts."""
    folder = photos_folder / "c"
    folder.mkdir()
    ends = [np.asarray(noise_image(seed, size=(96, 72)).convert("L"), float) for seed in (7, 8)]

    def add(*steps):
        for step in steps:
            mixed = ends[0] + (ends[1] - ends[0]) * step / 9
            Image.fromarray(mixed.astype(np.uint8)).save(folder / f"step {step}.png")

    add(0, 9)
    options = ("--no-verify", "--radius", "24")
    split(*options)
    lines = Path("split.lock.json").read_text(encoding="utf-8").splitlines()
    for row, line in enumerate(lines):  # whatever the seed, the ends are apart now
        if "step 0" in line:
            lines[row] = line.replace('"train"', '"test"')
        if "step 9" in line:
            lines[row] = line.replace('"test"', '"train"')
    Path("split.lock.json").write_text("\n".join(lines), encoding="utf-8")
    add(*range(1, 9))
    shutil.copy("split.lock.json", "copy.lock.json")
    after, notes = split(*options)
    assert after["step 0.png"] == after["step 9.png"] == "train"
    assert "moved " in notes and "step 0.png from test to train, joined by " in notes
    done = run(
        *("split", photos_folder, "--lock", "copy.lock.json", *options),
        *("--priority", "test", "--json"),
    )
    (move,) = done.json()["moved"]
    assert move["image"].endswith("step 9.png")
    assert (move["from"], move["to"]) == ("train", "test")
    assert "step" in move["joined_by"]


def test_lists_are_written_beside_the_lock(run, photos_folder):
    lists = ("--out", "train.txt", "test.txt", "--lock", "split.lock.json")
    done = run("split", photos_folder, *lists)
    assert done.code == 0 and "no near duplicates in different parts" in done.err
    content = Path("test.txt").read_bytes()
    assert run("split", photos_folder, *lists, "--force").code == 0
    assert Path("test.txt").read_bytes() == content
    assert run("leaks", "train.txt", "test.txt").code == 0


def test_a_lock_knows_its_sizes(run, photos_folder):
    lock = ("split", photos_folder, "--lock", "split.lock.json")
    sizes = ("--test-size", "3", "--validation-size", "3")
    first = run(*lock, *sizes, "--json").json()
    assert run(*lock, "--json").json() == first
    assert first["moved"] == [] and len(first["validation"]) == 3
    lists = ("--out", "train.txt", "test.txt")
    refusal = run(*lock, *lists).refusal()
    assert "split.lock.json has a validation part. Add --validation-out FILE." in refusal
    assert run(*lock, *lists, "--validation-out", "validation.txt").code == 0


def test_frames_of_a_sequence_stay_in_one_part(run, photos_folder, noise_image):
    frames = photos_folder / "frames"
    frames.mkdir()
    seed = iter(range(100, 200))

    def add(*numbers):
        for track in range(6):
            for number in numbers:
                noise_image(next(seed)).save(frames / f"{track:03d}_{number:04d}.png")

    def part_of_tracks():
        lock = ("split", frames, "--groups", "sequences", "--lock", "split.lock.json")
        lines = [line.split("\t") for line in run(*lock).out.splitlines()]
        return {(Path(path).name.partition("_")[0], part) for part, path in lines}

    add(*range(4))
    before = part_of_tracks()
    assert len(before) == 6
    add(4, 5)
    assert part_of_tracks() == before


def test_files_of_hashes_can_be_locked(run, photos_folder):
    assert run("hash", photos_folder, "--output", "hashes.csv").code == 0
    lock = ("split", "hashes.csv", "--lock", "split.lock.json", "--json")
    first = run(*lock)
    assert first.code == 0, first.err
    content = Path("split.lock.json").read_bytes()
    assert run(*lock).json() == first.json()
    assert Path("split.lock.json").read_bytes() == content


def test_images_that_can_no_longer_be_read_keep_their_part(split, photos_folder):
    (photos_folder / "b" / "broken.png").write_bytes(b"no image")
    before, notes = split("--glob", "*.png")
    assert before["broken.png"] == "unreadable" and "so it is in no part" in notes
    (photos_folder / "b" / "image_1.png").write_bytes(b"no image")
    after, notes = split("--glob", "*.png")
    assert after == before
    assert "1 image could not be read and keeps its part, as in the lock" in notes


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--priority", "test"], "--priority has no effect without --lock"),
        (["--lock", "a.json", "--keep-unreadable"], "--keep-unreadable has no effect with --lock"),
        (["--lock", "no/a.json"], "the folder no does not exist"),
        (["--lock", "."], "is a folder"),
        (["--lock", "a.json", "--out", "a.json", "b.txt"], "are not all different"),
        (["--lock", "a.json", "--priority", "first"], "'priority' parameter of assign_split"),
        (["--lock", "damaged.json"], "'damaged.json' is not a lock of a split"),
    ],
)
def test_what_cannot_be_locked_is_refused(run, photos_folder, arguments, message):
    Path("damaged.json").write_text("{}", encoding="utf-8")
    assert message in run("split", photos_folder, *arguments).refusal()
    assert sorted(path.name for path in Path().iterdir()) == ["damaged.json"]
