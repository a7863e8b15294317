"""Measure how good and how fast splits are, compared with scikit-learn's own.

It answers four questions. How fast and how even are splits of a million rows whose groups are
known? How fast are splits by thousands of classes? Does anything leak through a split, counted by
comparing every training with every test row? How many of the copies planted among photos are
found?
"""

from __future__ import annotations

import argparse
import platform
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import numpy as np
import sklearn.model_selection
from numpy.typing import NDArray

from hashfeatures import NearDuplicateFinder, NearDuplicateKFold, train_test_split
from hashfeatures.cli.demo._planted import build_images
from hashfeatures.exceptions import ChainingWarning

N_FOLDS = 5
TEST_SIZE = 0.2
# The shares of ten imbalanced classes: from a third of all rows down to one in two hundred.
CLASSES = (0.33, 0.22, 0.15, 0.1, 0.07, 0.05, 0.04, 0.025, 0.01, 0.005)

Rows = NDArray[np.intp]


@dataclass
class Made:
    """Rows with known groups and classes."""

    groups: Rows
    y: Rows

    @property
    def n_rows(self) -> int:
        """The number of rows."""
        return len(self.y)


def make_rows(n_groups: int, seed: int = 0) -> Made:
    """Make ten rows for nine groups: most groups have one row, a few have up to fifty.

    The members of a group have its class, but for one in twenty, which is labeled at random.
    """
    rng = np.random.default_rng(seed)
    n_extra = n_groups // 9
    larger = np.repeat(
        rng.integers(0, n_groups, n_extra), rng.geometric(0.4, n_extra).clip(max=49)
    )
    groups = np.concatenate([np.arange(n_groups), larger[:n_extra]])
    y = rng.choice(len(CLASSES), n_groups, p=CLASSES)[groups]
    mislabeled = rng.random(len(y)) < 0.05
    y[mislabeled] = rng.choice(len(CLASSES), mislabeled.sum(), p=CLASSES)
    order = rng.permutation(len(groups))
    return Made(groups[order], y[order])


# ---- Speed and evenness ----


@dataclass
class Split:
    """The result of a splitter.

    Parameters
    ----------
    seconds : float
        How long it took.
    size_error : float
        How far the size of a test part is from the requested size, in rows, at the worst.
    class_error : float
        How far a class of a test part is from its share, in rows, at the worst.
    leaks : int
        Test rows whose group has rows in the training part.
    """

    seconds: float
    size_error: float
    class_error: float
    leaks: int


def try_splitter(
    rows: Made, split: Callable[[Made], Iterable[tuple[Rows, Rows]]], share: float
) -> Split:
    """Time a splitter and check every part that it makes."""
    start = perf_counter()
    parts = list(split(rows))
    seconds = perf_counter() - start
    in_class = np.bincount(rows.y)
    sizes, classes, leaks = [], [], 0
    for train, test in parts:
        sizes.append(abs(len(test) - share * rows.n_rows))
        counts = np.bincount(rows.y[test], minlength=len(in_class))
        classes.append(np.abs(counts - share * in_class).max())
        leaks += int(np.isin(rows.groups[test], rows.groups[train]).sum())
    return Split(seconds, max(sizes), max(classes), leaks)


def our_folds(rows: Made) -> Iterable[tuple[Rows, Rows]]:
    """Make stratified folds of known groups."""
    folds = NearDuplicateKFold(N_FOLDS, stratify=True, finder="precomputed")
    return folds.split(rows.y, rows.y, rows.groups)


def their_folds(rows: Made) -> Iterable[tuple[Rows, Rows]]:
    """Make stratified folds of known groups, by scikit-learn."""
    folds = sklearn.model_selection.StratifiedGroupKFold(N_FOLDS)
    return folds.split(rows.y, rows.y, rows.groups)


def our_split(rows: Made) -> Iterable[tuple[Rows, Rows]]:
    """Split once, stratified, by known groups."""
    train, test = train_test_split(
        np.arange(rows.n_rows),
        test_size=TEST_SIZE,
        stratify=rows.y,
        groups=rows.groups,
        finder="precomputed",
        random_state=0,
    )
    return [(train, test)]


def their_split(rows: Made) -> Iterable[tuple[Rows, Rows]]:
    """Split once, stratified, as if there were no groups."""
    train, test = sklearn.model_selection.train_test_split(
        np.arange(rows.n_rows), test_size=TEST_SIZE, stratify=rows.y, random_state=0
    )
    return [(train, test)]


def their_group_split(rows: Made) -> Iterable[tuple[Rows, Rows]]:
    """Split once, by known groups: scikit-learn has no such split that is stratified."""
    splits = sklearn.model_selection.GroupShuffleSplit(1, test_size=TEST_SIZE, random_state=0)
    return splits.split(rows.y, rows.y, rows.groups)


def compare_splitters(n_groups: int, n_small: int, repeats: int) -> None:
    """Print tables of folds and of single splits."""
    large, small = make_rows(n_groups), make_rows(n_small)
    our_folds(small), our_split(small)
    print_heading(f"Folds: {N_FOLDS}, stratified by {len(CLASSES)} classes")
    ours = [try_splitter(large, our_folds, 1 / N_FOLDS) for _ in range(repeats)]
    both = [(f"{small.n_rows} rows in {n_small} groups", small)]
    print_columns("folds by", "seconds", "size error", "class error", "leaking rows")
    for name, rows in both:
        print_split(f"NearDuplicateKFold, {name}", try_splitter(rows, our_folds, 1 / N_FOLDS))
        theirs = try_splitter(rows, their_folds, 1 / N_FOLDS)
        print_split(f"StratifiedGroupKFold, {name}", theirs)
    ours = middle(ours)
    print_split(f"NearDuplicateKFold, {large.n_rows} rows in {n_groups} groups", ours)
    scaled = theirs.seconds * n_groups / n_small
    print(f"\nStratifiedGroupKFold takes a step for each group: scaled to {n_groups} groups,")
    print(f"{scaled:.1f} s, it takes {scaled / ours.seconds:.0f} times as long.")

    print_heading(
        f"One split, {TEST_SIZE:.0%} for testing: {large.n_rows} rows, {n_groups} groups"
    )
    print_columns("split by", "seconds", "size error", "class error", "leaking rows")
    for name, split in (
        ("hashfeatures.train_test_split", our_split),
        ("sklearn train_test_split, groups ignored", their_split),
        ("sklearn GroupShuffleSplit, not stratified", their_group_split),
    ):
        results = [try_splitter(large, split, TEST_SIZE) for _ in range(repeats)]
        print_split(name, middle(results))


def middle(results: list[Split]) -> Split:
    """Return the result with the median time."""
    typical = median(result.seconds for result in results)
    return min(results, key=lambda result: abs(result.seconds - typical))


def time_many_classes(n_rows: int) -> None:
    """Print the times of splits with thousands of classes, and with several labels per image."""
    rng = np.random.default_rng(0)
    rows = np.arange(n_rows)
    targets = {
        f"{n_rows // 10} classes": rng.integers(0, n_rows // 10, n_rows),
        f"{n_rows // 2} classes of two": rows // 2,
        "20 labels, five an image": (rng.random((n_rows, 20)) < 0.25).astype(np.int64),
    }
    print_heading(f"Many classes: {n_rows} single rows")
    print_columns("stratified by", f"seconds of {N_FOLDS} folds", "seconds of a split")
    folds = NearDuplicateKFold(N_FOLDS, stratify=True, finder="precomputed")
    for name, y in targets.items():
        start = perf_counter()
        list(folds.split(rows, y, rows))
        middle = perf_counter()
        train_test_split(rows, stratify=y, groups=rows, finder="precomputed", random_state=0)
        print(f"| {name} | {middle - start:.2f} | {perf_counter() - middle:.2f} |", flush=True)


# ---- Leaks ----


def make_bits(n_rows: int, seed: int = 0) -> NDArray[np.uint8]:
    """Make rows of 128 bits; one in five is a copy of another with up to 12 bits flipped."""
    rng = np.random.default_rng(seed)
    bits = rng.integers(0, 2, (n_rows, 128), dtype=np.uint8)
    for row in rng.choice(np.arange(1, n_rows), n_rows // 5, replace=False):
        bits[row] = bits[rng.integers(0, row)]
        bits[row, rng.choice(128, rng.integers(0, 13), replace=False)] ^= 1
    return bits


def count_leaks(bits: NDArray[np.uint8], train: Rows, test: Rows, radius: int) -> int:
    """Count the test rows with a training row within the radius, comparing each with each."""
    # For zeros and ones, the distance is |a| + |b| - 2 a.b, exact in float32.
    left, right = bits[train].astype(np.float32), bits[test].astype(np.float32)
    leaks = 0
    for start in range(0, len(right), 2000):
        block = right[start : start + 2000]
        distances = left.sum(axis=1) + block.sum(axis=1)[:, None] - 2 * (block @ left.T)
        leaks += int((distances <= radius).any(axis=1).sum())
    return leaks


def compare_leaks(n_rows: int, n_splits: int) -> int:
    """Print the number of leaking rows, and return the number of ours."""
    bits = make_bits(n_rows)
    y = np.random.default_rng(1).choice(len(CLASSES), n_rows, p=CLASSES)
    rows, radius = np.arange(n_rows), NearDuplicateFinder()._radius_for_bits(n_rows)
    leaks = {"sklearn train_test_split": 0, "hashfeatures.train_test_split": 0}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ChainingWarning)  # copies of copies of copies
        for seed in range(n_splits):
            options: dict[str, Any] = {
                "test_size": TEST_SIZE,
                "stratify": y,
                "random_state": seed,
            }
            train, test = sklearn.model_selection.train_test_split(rows, **options)
            leaks["sklearn train_test_split"] += count_leaks(bits, train, test, radius)
            _, _, train, test = train_test_split(bits, rows, **options)
            leaks["hashfeatures.train_test_split"] += count_leaks(bits, train, test, radius)
        ours = 0
        for train, test in NearDuplicateKFold(N_FOLDS, stratify=True).split(bits, y):
            ours += count_leaks(bits, train, test, radius)
    leaks[f"NearDuplicateKFold({N_FOLDS})"] = ours
    print_heading(f"Leaks: {n_rows} rows of 128 bits, one in five a copy, radius {radius}")
    print(f"Every training row is compared with every test row, in {n_splits} random splits and")
    print(f"in {N_FOLDS} folds.\n")
    print_columns("split by", "leaking test rows")
    for name, n_leaks in leaks.items():
        print(f"| {name} | {n_leaks} |")
    return leaks["hashfeatures.train_test_split"] + ours


# ---- Copies that are found ----


def find_planted(n_seeds: int) -> None:
    """Print the recall and the precision of groups of planted copies, by radius."""
    print_heading("Found: crops of the photos in scikit-image, some with edited copies")
    print_columns("radius", "planted groups", "found groups", "recall", "precision")
    finders, images = [], []
    for seed in range(n_seeds):
        with TemporaryDirectory() as folder:
            images.append(build_images(Path(folder), seed))
            finders.append(NearDuplicateFinder().fit(images[-1].paths))
    for radius in (4, 8, 10, 12, 14, 16, 20):
        counts = np.zeros(5, dtype=np.int64)
        for finder, planted in zip(finders, images, strict=True):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ChainingWarning)
                labels = finder.with_radius(radius).labels_
            same_planted = planted.origins[:, None] == planted.origins
            same_found = labels[:, None] == labels
            above = np.triu(np.ones_like(same_found), k=1)
            counts += [
                (np.bincount(planted.origins) > 1).sum(),
                (np.bincount(labels) > 1).sum(),
                (same_planted & same_found & above).sum(),
                (same_planted & above).sum(),
                (same_found & above).sum(),
            ]
        n_planted, n_found, common, planted_pairs, found_pairs = counts
        recall, precision = common / planted_pairs, common / max(found_pairs, 1)
        print(f"| {radius} | {n_planted} | {n_found} | {recall:.1%} | {precision:.1%} |")
    print(
        "\nRecall and precision count pairs of images: the share of planted pairs that are found"
    )
    print("in one group, and the share of found pairs that were planted in one.")


# ---- Printing ----


def print_heading(text: str) -> None:
    """Begin a section."""
    print(f"\n#### {text}\n", flush=True)


def print_columns(*names: str) -> None:
    """Begin a table."""
    print(f"| {' | '.join(names)} |")
    print(f"| --- |{' ---: |' * (len(names) - 1)}", flush=True)


def print_split(name: str, split: Split) -> None:
    """Print the result of a splitter as a row of a table."""
    errors = f"{split.size_error:.1f} | {split.class_error:.1f}"
    print(f"| {name} | {split.seconds:.2f} | {errors} | {split.leaks} |", flush=True)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--groups", type=int, default=900_000, help="groups (900000)")
    parser.add_argument("--small", type=int, default=100_000, help="for StratifiedGroupKFold")
    parser.add_argument("--repeats", type=int, default=3, help="timed runs (3)")
    parser.add_argument("--quick", action="store_true", help="to see that it runs")
    options = parser.parse_args()
    n_groups, n_small, repeats = options.groups, options.small, options.repeats
    n_bits_rows, n_seeds = 20_000, 5
    if options.quick:
        n_groups, n_small, repeats, n_bits_rows, n_seeds = 9_000, 900, 1, 1_000, 1
    packages = ", ".join(f"{name} {version(name)}" for name in ("hashfeatures", "scikit-learn"))
    print(f"Python {platform.python_version()}, {packages}; {platform.machine()}")
    compare_splitters(n_groups, n_small, repeats)
    time_many_classes(n_groups // 9)
    n_leaks = compare_leaks(n_bits_rows, 3)
    find_planted(n_seeds)
    if n_leaks:
        raise SystemExit(f"{n_leaks} rows leak through our splits.")


if __name__ == "__main__":
    main()
