"""The demo: its output as a user sees it, its data set, and its honesty about errors."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hashfeatures import NearDuplicateFinder
from hashfeatures.cli._app import main
from hashfeatures.cli.demo._planted import _crop_cells, build_images
from hashfeatures.cli.demo._walkthrough import (
    _N_LISTED,
    compare_groups,
    open_folder,
    show_findings,
)


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """Run the demo in an empty folder; return the process and the folder."""
    folder = tmp_path_factory.mktemp("demo")
    options = ("-o", "sheet.png", "--photos", "photos")
    command = [sys.executable, "-m", "hashfeatures", "demo", *options]
    run = subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8", timeout=120)
    return run, folder


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    return build_images(tmp_path_factory.mktemp("images"), seed=0)


def percentages(text, name):
    """Return the percentages on the line that begins with `name`."""
    (line,) = [line for line in text.splitlines() if line.strip().startswith(name)]
    return [float(number) for number in re.findall(r"([\d.]+)%", line)]


def table_row(text, name):
    """Return the two numbers at the end of the line that begins with `name`."""
    (line,) = [line for line in text.splitlines() if line.strip().startswith(name)]
    naive, grouped = line.split()[-2:]
    return float(naive.rstrip("%")), float(grouped.rstrip("%"))


@pytest.mark.slow
def test_runs_without_complaint(demo):
    """The demo succeeds, and stderr holds only progress bars."""
    run, _ = demo
    assert run.returncode == 0, run.stderr
    assert "img/s" in run.stderr
    assert "Warning" not in run.stderr
    assert "Traceback" not in run.stderr


@pytest.mark.slow
def test_output_fits_a_terminal(demo):
    """Every line fits into 80 columns and is ASCII."""
    run, _ = demo
    assert run.stdout.isascii()
    assert max(map(len, run.stdout.splitlines())) <= 80


@pytest.mark.slow
def test_contact_sheet_is_an_image(demo):
    """The contact sheet is written to the given path, and is not blank."""
    run, folder = demo
    assert {path.name for path in folder.iterdir()} == {"sheet.png", "photos"}
    assert "sheet.png" in run.stdout
    with Image.open(folder / "sheet.png") as sheet:
        sheet.load()
        assert sheet.format == "PNG"
        assert min(sheet.size) > 500
        assert len(sheet.convert("RGB").getcolors(maxcolors=2**24)) > 1000


@pytest.mark.slow
def test_photos_stay_in_the_folder_that_was_named(demo, capsys, monkeypatch):
    """A folder that exists is refused, so that no photo of a user is overwritten."""
    _, folder = demo
    assert len(list((folder / "photos").glob("*/*"))) == 326
    monkeypatch.chdir(folder)
    assert main(["demo", "--photos", "photos"]) == 3
    printed = capsys.readouterr()
    assert "This one exists: photos" in printed.err
    assert printed.out == ""


def test_photos_vanish_if_no_folder_was_named():
    with open_folder(None) as folder:
        assert Path(folder).is_dir()
    assert not Path(folder).exists()


@pytest.mark.slow
def test_finds_most_copies(demo):
    """The demo prints its recall and precision, and both are high."""
    run, _ = demo
    (recall,), (precision,) = percentages(run.stdout, "recall"), percentages(run.stdout, "prec")
    assert 80 < recall <= 100
    assert 80 < precision <= 100


@pytest.mark.slow
def test_split_keeps_found_copies_from_leaking(demo):
    """No found copy crosses the grouped split, many cross the random one, and few are missed."""
    run, _ = demo
    naive_found, our_found = table_row(run.stdout, "that leak through copies found")
    _, our_missed = table_row(run.stdout, "that leak through copies missed")
    assert our_found == 0 < naive_found
    assert our_missed < naive_found / 5


@pytest.mark.slow
def test_naive_score_is_inflated(demo):
    """The random split scores higher on as many test images, because of images that leak."""
    run, _ = demo
    n_naive, n_ours = table_row(run.stdout, "test images")
    assert n_ours == pytest.approx(n_naive, abs=1)
    naive, ours = table_row(run.stdout, "score on all")
    assert naive > ours + 10
    assert table_row(run.stdout, "score on images that leak")[0] > naive
    assert table_row(run.stdout, "score on images that do not")[0] < naive


@pytest.mark.slow
def test_ranking_begins_with_the_image_itself(demo):
    """The ranking lists the image first, then its copies, then other images."""
    run, _ = demo
    section = run.stdout.partition("find_similar")[2].partition("5. See")[0]
    ranked = re.findall(r"^ +(\S+\.(?:jpg|png)) +(\d+)   (.+)$", section, re.MULTILINE)
    bits = [int(distance) for _, distance, _ in ranked]
    assert bits == sorted(bits)
    assert ranked[0][1:] == ("0", "the image itself")
    assert ranked[1][2].startswith("copy")


def read_all(images):
    return {path.name: path.read_bytes() for path in images.paths}


def test_same_seed_same_files(images, tmp_path):
    """The same seed writes the same bytes, and another seed writes others."""
    for name, seed in (("again", 0), ("other", 1)):
        (tmp_path / name).mkdir()
        built = build_images(tmp_path / name, seed)
        assert (read_all(built) == read_all(images)) == (seed == 0)


def test_ground_truth_is_true(images):
    """Each copy has other bytes than its original, the same label, and the size of its kind."""
    contents = read_all(images)
    assert len(set(contents.values())) == len(images)
    assert {path.suffix for path in images.paths} == {".jpg", ".png"}
    for row, origin in enumerate(images.origins):
        assert images.kinds[origin] == "original"
        assert images.labels[row] == images.labels[origin]
        assert (row == origin) == (images.kinds[row] == "original")
        with Image.open(images.paths[row]) as copy, Image.open(images.paths[origin]) as original:
            shrink = 2 if images.kinds[row] == "half size" else 1
            assert copy.size == tuple(round(side / shrink) for side in original.size)


def test_every_photo_gives_many_crops(images):
    """Each class has enough different images for training and testing."""
    originals = images.labels[[kind == "original" for kind in images.kinds]]
    photos, counts = np.unique(originals, return_counts=True)
    assert len(photos) >= 12
    assert counts.min() >= 8


def test_crops_share_no_pixel():
    """Crops of one photo share no pixel."""
    numbers = np.random.default_rng(0).permutation(120 * 100).reshape(100, 120)
    photo = Image.fromarray(
        np.stack([numbers // 64, numbers % 64 * 4, numbers * 0], axis=2).astype(np.uint8)
    )
    crops = list(_crop_cells(photo, np.random.default_rng(0)))
    pixels = np.concatenate([np.asarray(crop).reshape(-1, 3) for crop in crops])
    assert len(crops) == 16
    assert len(np.unique(pixels, axis=0)) == len(pixels)


def test_flat_crops_are_left_out():
    """Flat crops, such as clear sky, are skipped."""
    flat = Image.new("RGB", (120, 100), "skyblue")
    assert not list(_crop_cells(flat, np.random.default_rng(0)))


def test_misses_are_owned_up_to(images, capsys):
    """Missed copies lower the printed recall, and the demo names them."""
    findings = compare_groups(images, NearDuplicateFinder(radius=0).fit(images.paths))
    show_findings(findings)
    text = capsys.readouterr().out
    assert findings.recall < 0.9
    assert findings.missed[0][0] in text
    assert f"and {len(findings.missed) - _N_LISTED} more" in text
    assert percentages(text, "recall") == [pytest.approx(100 * findings.recall, abs=0.05)]


@pytest.mark.filterwarnings("ignore::hashfeatures.ChainingWarning")  # a radius that is too large
def test_wrong_matches_are_owned_up_to(images, capsys):
    """Wrong matches lower the printed precision, and the demo names them."""
    findings = compare_groups(
        images, NearDuplicateFinder(radius=45, verify=False).fit(images.paths)
    )
    show_findings(findings)
    text = capsys.readouterr().out
    assert findings.precision < 0.9
    assert findings.recall > 0.9
    assert all(name in text for name in findings.wrong[0][:2])
