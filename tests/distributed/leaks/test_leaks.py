"""The leaks of two data sets in stages are those of `leakage_report`, in words and numbers."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from hashfeatures import NearDuplicateFinder, StageError, leakage_report
from hashfeatures.distributed import (
    find_leaks,
    find_pairs,
    hash_dataset,
    read_stage,
)

pytestmark = pytest.mark.filterwarnings("ignore:.*could not be read")


@pytest.fixture(scope="module")
def folders(tmp_path_factory, noise_image):
    """Make two folders that share images: edited, equal, of another size, blank, and broken."""
    root = tmp_path_factory.mktemp("sets")
    train, test = root / "train", root / "test"
    train.mkdir()
    test.mkdir()
    for seed in range(9):
        image = noise_image(seed, size=(96, 72))
        image.save(train / f"{seed:02}.png")
        if seed % 3 == 0:
            image.resize((120, 90)).save(test / f"{seed:02}_near.png")
            image.save(test / f"{seed:02}_equal.png")
            image.save(train / f"{seed:02}_again.png")
    noise_image(50, size=(96, 72)).save(test / "alone.png")
    # Its thumbnail is that of the original, and its size is not.
    large = noise_image(60, size=(640, 640))
    large.save(train / "large.png")
    large.resize((1280, 1280), Image.Resampling.NEAREST).save(train / "larger.png")
    large.crop((8, 0, 640, 640)).save(test / "cut.png")
    for folder in (train, test):
        Image.new("RGB", (64, 48), "white").save(folder / "blank.png")
        Image.new("RGB", (64, 48), "black").save(folder / f"blank_{folder.name}.png")
        (folder / "broken.png").write_bytes(b"no image")
    Image.new("RGB", (64, 48), "white").save(test / "blank_again.png")
    return train, test


def assert_equal_to_report(summary, out, train, test, finder):
    """Compare everything that both say, and each image's nearest with the pairs of the report."""
    report = leakage_report(train, test, finder=finder)
    assert summary.summary() == report.summary()
    assert str(summary) == str(report)
    assert summary.leaks == report.leaks
    assert summary.why_unchecked() == report.why_unchecked()
    pd.testing.assert_frame_equal(summary.shares, report.shares)
    for n in (0, 1, 3, 1000):
        worst = summary.worst(n)
        pd.testing.assert_frame_equal(worst, report.worst(n), check_dtype=n > 0)
    table = read_stage(out)
    assert table["image"].tolist() == [*train, *test]
    assert (table["part"] == np.repeat(["train", "test"], [len(train), len(test)])).all()
    pairs = report.pairs
    for part, own, other in (("train", "left", "right"), ("test", "right", "left")):
        rows = table[table["part"] == part].reset_index(drop=True)
        nearest = pairs.sort_values(["distance", other], kind="stable").groupby(own).first()
        assert np.flatnonzero(rows["leaks"]).tolist() == nearest.index.tolist()
        leaking = rows[rows["leaks"]]
        assert leaking["nearest"].tolist() == nearest[f"{other}_image"].tolist()
        for name in [each for each in ("distance", "agreement", "relation") if each in pairs]:
            assert leaking[name].tolist() == nearest[name].tolist()
            assert rows.loc[~rows["leaks"], name].isna().all()


def hash_both(folders, out, finder, executor):
    """Hash two folders in parts of five images, and return the images of each in order."""
    images = []
    for folder in folders:
        place = out / folder.name
        hash_dataset(folder, place, finder, part_size=5, executor=executor)
        images.append(read_stage(place)["image"].tolist())
    return images


@pytest.mark.parametrize("verify", [True, False])
def test_leaks_are_those_of_the_report(folders, tmp_path, verify, in_process):
    """All copies count, and a copy of another size has its own relation."""
    finder = NearDuplicateFinder(verify=verify)
    train, test = hash_both(folders, tmp_path, finder, in_process)
    hashes, against = tmp_path / "train", tmp_path / "test"
    find_pairs(hashes, tmp_path / "pairs", against=against, executor=in_process)
    out = tmp_path / "leaks"
    summary = find_leaks(tmp_path / "pairs", out, hashes=hashes, against=against)
    assert summary.n_leaking > 5
    assert_equal_to_report(summary, out, train, test, finder)
    if verify:
        relations = read_stage(out).set_index("image")["relation"]
        assert (
            relations[str(folders[0] / "large.png")] != relations[str(folders[0] / "larger.png")]
        )
    before = sorted(out.iterdir())
    again = find_leaks(tmp_path / "pairs", out, hashes=hashes, against=against)
    assert again.summary() == summary.summary()
    assert sorted(out.iterdir()) == before


def test_other_directories_are_refused(folders, tmp_path, in_process):
    """Pairs within one set, unfinished pairs and pairs of other hashes give a clear error."""
    finder = NearDuplicateFinder(verify=False)
    hash_both(folders, tmp_path, finder, in_process)
    hashes, against, pairs = tmp_path / "train", tmp_path / "test", tmp_path / "pairs"
    find_pairs(hashes, tmp_path / "single", executor=in_process)
    with pytest.raises(StageError, match="holds pairs, not pairs of two sets"):
        find_leaks(tmp_path / "single", tmp_path / "out", hashes=hashes, against=against)
    find_pairs(hashes, pairs, against=against, executor=in_process)
    with pytest.raises(StageError, match="was made from other hashes than"):
        find_leaks(pairs, tmp_path / "out", hashes=hashes, against=_without_last_part(against))
    generations = json.loads((pairs / "_generations.json").read_text())
    generations[-1]["done"] = False
    (pairs / "_generations.json").write_text(json.dumps(generations))
    with pytest.raises(StageError, match=r"are not complete\. Run find_pairs again"):
        find_leaks(pairs, tmp_path / "out", hashes=hashes, against=against)


def _without_last_part(hashes):
    copy = hashes.with_name("less")
    shutil.copytree(hashes, copy)
    max(copy.glob("part-*")).unlink()
    return copy
