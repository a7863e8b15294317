"""Groups that a command keeps in one part: sequences, folders, columns."""

import csv
from pathlib import Path

import pytest


@pytest.fixture
def frames(tmp_path, noise_image):
    """Return a folder of six clips of four frames each."""
    folder = tmp_path / "frames"
    folder.mkdir()
    for clip in range(6):
        for frame in range(4):
            image = noise_image(10 * clip + frame, size=(64, 48))
            image.save(folder / f"clip{clip}_{frame}.png")
    return folder


def parts_of(run):
    """Return the clips of each part."""
    parts = {}
    for line in run.out.splitlines():
        name, path = line.split("\t")
        parts.setdefault(name, set()).add(path.rpartition("/")[2].partition("_")[0])
    return parts


def test_a_split_keeps_the_frames_of_a_clip_together(run, frames):
    done = run("split", frames, "--groups", "sequences", "--test-size", 8)
    assert done.code == 0
    assert "found 6 sequences of 4 by the pattern clip{clip}_{frame}" in done.err
    parts = parts_of(done)
    assert not parts["train"] & parts["test"]
    assert len(parts["test"]) == 2


def test_a_template_says_what_a_sequence_is(run, frames):
    done = run("split", frames, "--sequence-pattern", "{clip}_{frame}.png", "--test-size", 8)
    assert done.code == 0
    assert not parts_of(done)["train"] & parts_of(done)["test"]
    failed = run("split", frames, "--sequence-pattern", "{clip}-{frame}")
    assert "matches none of 24 names" in failed.refusal()


def test_groups_are_a_column_or_the_names_of_folders(run, frames):
    paths = sorted(frames.iterdir())
    with open("table.csv", "w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["image", "site"])
        rows.writerows([path, f"site {place // 6}"] for place, path in enumerate(paths))
    done = run("split", "table.csv", "--groups", "site", "--test-size", 6, "--out", "a", "b")
    assert "18, test 6; no near duplicates and no groups in different parts" in done.err
    test = Path("b").read_text(encoding="utf-8").split()
    assert len({paths.index(Path(path)) // 6 for path in test}) == 1
    failed = run("split", "table.csv", "--groups", "sight").refusal()
    assert "no column 'sight'" in failed
    together = run("split", frames, "--groups", "parent").refusal()
    assert "one group" in together


def test_a_template_needs_sequences(run, frames):
    wrong = run("split", frames, "--groups", "parent", "--sequence-pattern", "{a}_{frame}")
    assert wrong.code == 2
    assert "needs --groups sequences" in wrong.err


def test_a_sequence_in_both_parts_is_a_leak(run, frames):
    for part, rest in (("train", 0), ("test", 1)):
        (frames / part).mkdir()
        for path in sorted(frames.glob("*.png")):
            if int(path.stem[-1]) % 2 == rest and path.stem[4] in "0123":
                path.rename(frames / part / path.name)
    parts = frames / "train", frames / "test"
    assert run("leaks", *parts).code == 0
    done = run("leaks", *parts, "--groups", "sequences", "-n", 2)
    assert done.code == 1
    assert "8 of 8 images in test (100.0%) have a near duplicate or another" in done.out
    assert "Found 4 sequences of 4 by the pattern clip{clip}_{frame}." in done.out
    assert done.out.count("  sequence ") == 2
    told = run("leaks", *parts, "--groups", "sequences", "--json").json()
    assert told["straddling"] == len(told["worst_groups"]) == 4
    assert told["worst_groups"][0]["train"] == 2
    assert run("leaks", *parts, "--groups", "parent").code == 0
