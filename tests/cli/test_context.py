"""The options that commands share: limits of size, and trimmed borders."""

import pytest
from PIL import Image

from hashfeatures.cli import main


@pytest.fixture
def large(monkeypatch, tmp_path, noise_image):
    """Return a folder of a photo and a larger copy, which exceeds Pillow's limit."""
    folder = tmp_path / "large"
    folder.mkdir()
    noise_image(0, size=(60, 40)).save(folder / "small.png")
    noise_image(0, size=(120, 80)).save(folder / "large.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 3000)
    return folder


def test_a_bomb_names_its_cure(run, large):
    done = run("hash", large)
    assert "9600 pixels" in done.err
    assert "--max-pixels" in done.err


@pytest.mark.parametrize("n_jobs", ["1", "2"])
def test_commands_allow_more(run, large, n_jobs):
    """The limit applies wherever an image is read: for its hash, its size or its thumbnail."""
    more = ("--max-pixels", "9600", "-j", n_jobs)
    done = run("duplicates", large, "--json", *more)
    summary = done.json()
    assert (done.code, summary["counts"]["unreadable"]) == (0, 0)
    assert [
        image["path"].endswith("large.png") for image in summary["images"] if image["kept"]
    ] == [True]
    assert run("hash", large, "-o", "h.csv", *more).code == 0
    assert run("similar", large / "large.png", "--in", large, *more).code == 0
    assert run("report", large, "-o", "page.html", *more).code == 0
    assert Image.MAX_IMAGE_PIXELS == 3000


def test_commands_allow_less(run, large):
    done = run("hash", large, "--max-pixels", "2398")
    assert done.code == 3
    assert run("hash", large, "--max-pixels", "0").code == 2


@pytest.mark.parametrize(
    "command",
    [
        *[
            "audit",
            "calibrate",
            "duplicates",
            "hash",
            "leaks",
            "report",
            "similar",
            "split",
            "stages",
        ],
        "index add",
    ],
)
def test_all_commands_that_hash_have_the_option(command, capsys):
    assert main([*command.split(), "--help"]) == 0
    assert "--max-pixels" in capsys.readouterr().out


@pytest.mark.parametrize(
    "command",
    [
        *[
            "audit",
            "calibrate",
            "duplicates",
            "hash",
            "leaks",
            "report",
            "similar",
            "split",
            "stages",
        ],
        *["index add", "index query"],
    ],
)
def test_all_commands_that_hash_trim_borders(command, capsys):
    """Every command that hashes images offers the option of the functions."""
    assert main([*command.split(), "--help"]) == 0
    assert "--trim-borders" in capsys.readouterr().out


@pytest.fixture
def framed(tmp_path, noise_image):
    """Return a folder of an image and its copy within a white frame."""
    folder = tmp_path / "framed"
    folder.mkdir()
    noise_image(0, size=(200, 150)).save(folder / "plain.png")
    frame = Image.new("RGB", (320, 270), "white")
    frame.paste(noise_image(0, size=(200, 150)), (60, 60))
    frame.save(folder / "frame.png")
    return folder


def test_borders_are_trimmed_on_request(run, framed):
    """A framed copy is found only with the option."""
    assert run("duplicates", framed, "--json").json()["groups"] == []
    assert len(run("duplicates", framed, "--trim-borders", "--json").json()["groups"]) == 1
    similar = run("similar", framed / "plain.png", "--in", framed, "--trim-borders", "--json")
    assert [row["distance"] for row in similar.json()[0]["similar"]] == [0, 0]


def test_files_of_hashes_record_that_borders_were_trimmed(run, framed):
    """Trimmed and untrimmed hashes are never compared; new images follow the file."""
    assert run("hash", framed, "-o", "plain.csv").code == 0
    assert run("index", "add", "trimmed.csv", framed / "plain.png", "--trim-borders").code == 0
    (answer,) = run("index", "query", "trimmed.csv", framed / "frame.png", "--json").json()
    assert [match["distance"] for match in answer["matches"]] == [0]
    refused = run("duplicates", "plain.csv", "--trim-borders")
    assert "trim_borders=True" in refused.refusal()
    assert "settings differ" in run("duplicates", "plain.csv", "trimmed.csv").refusal()
