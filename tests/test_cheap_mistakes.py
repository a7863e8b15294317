"""What is asked wrongly is said before any image is read: hashing a large set takes hours."""

import numpy as np
import pandas as pd
import pytest

from hashfeatures import (
    ImageHashFeaturizer,
    NearDuplicateFinder,
    NearDuplicateKFold,
    NearDuplicateShuffleSplit,
    assert_no_leakage,
    calibrate,
    check_against_seal,
    drop_duplicates,
    find_duplicates,
    find_similar,
    hash_images,
    is_known,
    leakage_report,
    make_report,
    repair_split,
    seal_images,
    train_test_split,
)
from hashfeatures.cli import main
from hashfeatures.hashing._batch import hash_sources


class Watched:
    """Images that count how often any of them is read."""

    n_reads = 0

    def __init__(self, n_images):
        self.images = [self.Image(self) for _ in range(n_images)]

    class Image:
        """An open file."""

        def __init__(self, watch):
            self.watch = watch

        def read(self, size=-1):
            self.watch.n_reads += 1
            return b""


GROUPS = np.arange(40) % 30

MISTAKES = {
    "more folds than groups": lambda X: next(NearDuplicateKFold(40).split(X, groups=GROUPS)),
    "more folds than images": lambda X: next(NearDuplicateKFold(41).split(X)),
    "one group, two parts": lambda X: train_test_split(X, groups=[0] * 40),
    "two groups, three parts": lambda X: train_test_split(
        X, groups=[0, 1] * 20, validation_size=0.2
    ),
    "one group, random": lambda X: next(NearDuplicateShuffleSplit().split(X, groups=[0] * 40)),
    "no such size": lambda X: train_test_split(X, test_size=41),
    "shares beyond one": lambda X: train_test_split(X, test_size=0.51, train_size=0.5),
    "no such random size": lambda X: next(NearDuplicateShuffleSplit(test_size=41).split(X)),
    "short labels": lambda X: train_test_split(X, stratify=[0, 1]),
    "short array": lambda X: train_test_split(X, [0, 1]),
    "missing labels": lambda X: train_test_split(X, stratify=[0, None] * 20),
    "short groups": lambda X: next(NearDuplicateKFold(2).split(X, groups=[0, 1])),
    "missing groups": lambda X: next(NearDuplicateKFold(2).split(X, groups=[0, None] * 20)),
    "no labels": lambda X: next(NearDuplicateKFold(2, stratify=True).split(X)),
    "short labels of folds": lambda X: next(NearDuplicateKFold(2, stratify=True).split(X, [0, 1])),
    "no such seed": lambda X: train_test_split(X, random_state="seed"),
    "no finder": lambda X: train_test_split(X, finder="finder"),
    "no such column": lambda X: train_test_split(
        pd.DataFrame({"image": pd.Series(X, dtype=object)}), stratify="label"
    ),
    "no such hash": lambda X: NearDuplicateFinder("nohash").fit(X),
    "no such views": lambda X: NearDuplicateFinder(views="noviews").fit(X),
    "no such features": lambda X: ImageHashFeaturizer("nohash").fit_transform(X),
    "no such table": lambda X: hash_images(X, ["nohash"]),
    "no such n_jobs": lambda X: hash_images(X, n_jobs=0),
    "no query": lambda X: find_similar(X, "no such file.png"),
    "no hash to rank by": lambda X: find_similar(X, "0" * 16, by="nohash"),
    "several queries": lambda X: find_similar(X, ["a.png", "b.png"]),
    "no image to look for": lambda X: is_known(X, "no such file.png"),
    "no such keep": lambda X: drop_duplicates(X, keep="score"),
    "no such keep of a report": lambda X: make_report(X, keep="score"),
    "short classes": lambda X: make_report(X, classes=[0, 1]),
    "no finder of a report": lambda X: make_report(X, finder="finder"),
    "no finder of duplicates": lambda X: find_duplicates(X, finder="finder"),
    "short labels of a report": lambda X: leakage_report(X[:20], X[20:], y=[0, 1]),
    "one part": lambda X: leakage_report({"train": X}),
    "no such part": lambda X: repair_split(X[:20], X[20:], priority="training"),
    "no finder of leaks": lambda X: assert_no_leakage(X[:20], X[20:], finder="finder"),
    "no finder of a seal": lambda X: seal_images(X, "test.seal", finder="finder"),
    "no seal": lambda X: check_against_seal(X, seal=X),
    "no such target": lambda X: calibrate(X, target=0),
    "no edits": lambda X: calibrate(X, edits=["crop"]),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_functions_read_no_image_before_they_refuse(mistake):
    watched = Watched(40)
    with pytest.raises((ValueError, TypeError)):
        MISTAKES[mistake](watched.images)
    assert watched.n_reads == 0


@pytest.fixture
def n_hashed(monkeypatch):
    """Return a list that grows by the number of images whenever some are hashed."""
    hashed = []

    def watch(sources, *arguments, **options):
        hashed.append(len(sources))
        return hash_sources(sources, *arguments, **options)

    for module in (
        "duplicates._comparison",
        "duplicates._representatives",
        "hashing._hash_table",
        "distributed.hashes._hash_worker",
    ):
        monkeypatch.setattr(f"hashfeatures.{module}.hash_sources", watch)
    return hashed


@pytest.fixture
def work(tmp_path, monkeypatch, image_files):
    """Enter a folder that holds images, a file of classes that is none, and an odd folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "classes.csv").write_text("image,label,more\n")
    (tmp_path / "taken").write_text("")
    (tmp_path / "old.journal").write_text("")
    return tmp_path


COMMANDS = [
    "hash . --hashes nohash",
    "hash . -o nowhere/hashes.csv",
    "seal . -o nowhere/test.seal",
    "seal . -o taken",
    "leaks . --against classes.csv",
    "leaks . --against no.seal",
    "hash . -o hashes.xlsx",
    "duplicates . --hashes nohash",
    "duplicates . --views noviews",
    "duplicates . -o nowhere/groups.csv",
    "duplicates . --move-to taken",
    "duplicates . --move-to copies --yes --journal old.journal",
    "duplicates . --delete --yes --journal nowhere/a.journal",
    "report . -o nowhere/report.html",
    "report . --classes-by label",
    "report . --parts-by label",
    "split . --test-size 7",
    "split . --test-size 0.6 --validation-size 0.5",
    "split . --validation-size 0",
    "split . --stratify-by label",
    "split . --out nowhere/train.txt test.txt",
    "leaks . nowhere",
    "leaks . . --hashes nohash",
    "similar nothing.png --in .",
    "similar 0123 --in .",
    "similar image_0.png nothing.png --in . --by nohash",
    "calibrate . -o nowhere/table.csv",
    "index add nowhere/i.csv .",
    "index add i.csv . --hashes nohash",
    "stages . -o run --hashes nohash",
    "stages . -o run --stratify-by classes.csv",
    "stages . -o run --stratify-by nowhere.csv",
    "stages . -o taken/run",
]


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_hash_no_image_before_they_refuse(command, work, n_hashed):
    before = sorted(work.iterdir())
    assert main(command.split()) in (2, 3)
    assert sum(n_hashed) <= command.startswith("similar")  # a query itself is looked for
    if command.startswith("stages"):  # which hash in other processes
        assert not list(work.rglob("*.parquet"))
    else:
        assert sorted(work.iterdir()) == before
