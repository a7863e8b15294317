"""The leaks of two data sets in stages are those of `leakage_report`, in words and numbers."""

import json
import shutil
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from hashfeatures import NearDuplicateFinder, StageError, leakage_report
from hashfeatures.distributed import (
    LocalExecutor,
    find_leaks,
    find_pairs,
    hash_dataset,
    read_stage,
)
from hashfeatures.distributed._paired_sets import KIND
from hashfeatures.distributed._part_directory import arrow
from hashfeatures.distributed._stage_finder import note_of
from hashfeatures.distributed._stages import Stage

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


def write_pairs(out, hashes, against, finder):
    """Write the pairs that the finder finds between the images of two directories."""
    sides = [read_stage(place) for place in (hashes, against)]
    fitted = finder.fit([name for table in sides for name in table["image"]])
    starts = [0, len(sides[0]), len(fitted.labels_)]
    nodes = fitted.graph_.node_of_image
    held = [nodes[first:last] for first, last in pairwise(starts)]
    firsts = [
        {int(node): int(row) for row, node in reversed(list(enumerate(each))) if node >= 0}
        for each in held
    ]
    found = [(node, node, 0) for node in set(firsts[0]) & set(firsts[1])]
    for block in fitted.graph_.edges.blocks():
        for left, right, distance in zip(*block, strict=True):
            found += [(int(left), int(right), distance), (int(right), int(left), distance)]
    rows = [
        (firsts[0][left], firsts[1][right], distance)
        for left, right, distance in found
        if left in firsts[0] and right in firsts[1]
    ]
    left, right, distance = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    table = {
        "left": left.astype(np.uint32),
        "right": right.astype(np.uint32),
        "distance": distance.astype(np.int32),
    }
    if finder.verify:
        every = fitted.pairs_
        known = {
            (a, b): (agreement, relation)
            for a, b, agreement, relation in zip(
                every.left, every.right, every.agreement, every.relation, strict=True
            )
        }
        described = [known[a, b + starts[1]] for a, b in zip(left, right, strict=True)]
        table["agreement"] = np.array([each[0] for each in described], dtype=np.float32)
        table["relation"] = [each[1] for each in described]
    generation = {"done": True}
    with Stage.create(out, KIND, {"radius": int(fitted.radius_)}, note_of(finder)) as stage:
        for number, (side, place) in enumerate((("left", hashes), ("right", against))):
            parts = Stage.open(place, "hashes").names()
            generation[side] = {"parts": parts, "n_rows": len(sides[number])}
            copies = [
                (firsts[number][int(node)], row)
                for row, node in enumerate(held[number])
                if node >= 0 and firsts[number][int(node)] != row
            ]
            first, copy = np.array(copies, dtype=np.uint32).reshape(-1, 2).T
            content = arrow().table({"first": first, "copy": copy})
            stage.sub(f"_copies_{side}").write("copies-0000.parquet", [content], content.schema)
        half = len(left) // 2
        for number, rows in enumerate((slice(half), slice(half, None))):
            content = arrow().table({name: values[rows] for name, values in table.items()})
            stage.write(f"pairs-{number}.parquet", [content], content.schema)
        stage.write_json("_generations.json", [generation])


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


def hash_both(folders, out, finder):
    """Hash two folders in parts of five images, and return the images of each in order."""
    images = []
    for folder in folders:
        place = out / folder.name
        hash_dataset(folder, place, finder, part_size=5, executor=LocalExecutor(1))
        images.append(read_stage(place)["image"].tolist())
    return images


@pytest.mark.parametrize("verify", [True, False])
def test_leaks_are_those_of_the_report(folders, tmp_path, verify):
    """All copies count, and a copy of another size has its own relation."""
    finder = NearDuplicateFinder(verify=verify)
    train, test = hash_both(folders, tmp_path, finder)
    hashes, against = tmp_path / "train", tmp_path / "test"
    write_pairs(tmp_path / "pairs", hashes, against, finder)
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


def test_other_directories_are_refused(folders, tmp_path):
    """Pairs within one set, unfinished pairs and pairs of other hashes give a clear error."""
    finder = NearDuplicateFinder(verify=False)
    hash_both(folders, tmp_path, finder)
    hashes, against, pairs = tmp_path / "train", tmp_path / "test", tmp_path / "pairs"
    find_pairs(hashes, tmp_path / "single", executor=LocalExecutor(1))
    with pytest.raises(StageError, match="holds pairs, not pairs of two sets"):
        find_leaks(tmp_path / "single", tmp_path / "out", hashes=hashes, against=against)
    write_pairs(pairs, hashes, against, finder)
    with pytest.raises(StageError, match="holds the pairs of other hashes than"):
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
