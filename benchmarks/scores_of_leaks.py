"""Measure how often the intervals of scores without leaks contain the truth.

On simulated leaks, the truth is known: the score of a clean part with the class mix of the test
part. In a folder with a training and a test folder of classes, a model is trained on the published
split and on the repaired one. Then the corrected score of the first should contain the score of
the second.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray
from PIL import Image
from skimage.feature import hog
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.linear_model import RidgeClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from hashfeatures import LeakageScore, NearDuplicateFinder, leakage_report

Rows = NDArray[np.intp]

SIZES = (30, 100, 500)  # clean images
N_CLASSES = (2, 4, 10)
MEMORIZED = 0.9  # the share of leaking images that a model predicts by memory
SHARED = 0.7  # how often a member of a group is predicted as its group is


class NumberedGroups(ClusterMixin, BaseEstimator):
    """A finder of groups whose numbers are the images."""

    def fit(self, X: Any, y: Any = None) -> NumberedGroups:
        """Read the groups."""
        self.labels_ = np.asarray(X)[:, 0].astype(int)
        return self


# ---- Simulated leaks ----


@dataclass
class World:
    """A simulated test part, and the truth about its model.

    Parameters
    ----------
    groups, y_true, y_pred : ndarray of shape (n_images,)
        The groups, true and predicted classes of the test images.
    leaking : ndarray of shape (n_images,), dtype bool
        Which images leak.
    predicted : ndarray of shape (n_classes, n_classes)
        The share of clean images of each class that are predicted as each class.
    mix, leak_rates : ndarray of shape (n_classes,)
        The share of each class, and the share of its images that leak.
    """

    groups: Rows
    y_true: Rows
    y_pred: Rows
    leaking: NDArray[np.bool_]
    predicted: NDArray[np.float64]
    mix: NDArray[np.float64]
    leak_rates: NDArray[np.float64]


def simulate(n_clean: int, n_classes: int, rng: np.random.Generator) -> World:
    """Draw a test part with about so many clean images.

    Each class has its own share, its own rate of leaks of 0.1 to 0.9, and an accuracy of 0.5 to 1.
    Wrong predictions prefer some classes. Groups have 1.5 images on average.
    """
    predicted = np.zeros((n_classes, n_classes))
    for number, right in enumerate(rng.uniform(rng.uniform(0.5, 0.9), 1, n_classes)):
        wrong = (1 - right) * rng.dirichlet(np.ones(n_classes - 1))
        predicted[number] = np.insert(wrong, number, right)
    mix, leak_rates = rng.dirichlet(np.full(n_classes, 5)), rng.uniform(0.1, 0.9, n_classes)
    n_images = int(n_clean / (1 - mix @ leak_rates))
    groups = np.repeat(np.arange(n_images), rng.geometric(1 / 1.5, n_images))[:n_images]
    of_group = rng.choice(n_classes, n_images, p=mix)
    y_true = of_group[groups]
    leaking = (rng.random(n_images) < leak_rates[of_group])[groups]
    cumulated = predicted.cumsum(axis=1)
    ranks = np.where(rng.random(n_images) < SHARED, rng.random(n_images)[groups], 2)
    ranks = np.where(ranks > 1, rng.random(n_images), ranks)
    y_pred = (ranks[:, None] > cumulated[y_true][:, :-1]).sum(axis=1)
    y_pred = np.where(leaking & (rng.random(n_images) < MEMORIZED), y_true, y_pred)
    return World(groups, y_true, y_pred, leaking, predicted, mix, leak_rates)


def accuracy(
    y_true: Rows, y_pred: Rows, sample_weight: NDArray[np.float64] | None = None
) -> float:
    """Return the share of right predictions, in less time than scikit-learn's checks take."""
    return float(np.average(y_true == y_pred, weights=sample_weight))


def f1_macro(
    y_true: Rows, y_pred: Rows, sample_weight: NDArray[np.float64] | None = None
) -> float:
    """Return the mean F1 score of the classes, in less time than scikit-learn's checks take."""
    weights = np.ones(len(y_true)) if sample_weight is None else sample_weight
    n_classes = max(y_true.max(), y_pred.max()) + 1
    right = np.bincount(y_true, weights * (y_true == y_pred), minlength=n_classes)
    sums = np.bincount(y_true, weights, minlength=n_classes)
    sums += np.bincount(y_pred, weights, minlength=n_classes)
    return float((2 * right[sums > 0] / sums[sums > 0]).mean())


METRICS = {"accuracy": accuracy, "f1_macro": f1_macro}


def true_scores(world: World, metric: Any) -> dict[str, float]:
    """Return the scores that each estimate should contain."""
    n_classes = len(world.mix)
    y_true, y_pred = (codes.ravel() for codes in np.indices((n_classes, n_classes)))

    def score(mix: NDArray[np.float64], predicted: NDArray[np.float64]) -> float:
        return float(metric(y_true, y_pred, (mix[:, None] * predicted).ravel()))

    memorized = MEMORIZED * np.eye(n_classes) + (1 - MEMORIZED) * world.predicted
    rates = world.leak_rates[:, None]
    everything = score(world.mix, rates * memorized + (1 - rates) * world.predicted)
    drawn, clean = (
        np.bincount(classes, minlength=n_classes) / max(len(classes), 1)
        for classes in (world.y_true, world.y_true[~world.leaking])
    )
    corrected = score(world.mix, world.predicted)
    return {
        "clean": score(clean, world.predicted),
        "corrected": score(drawn, world.predicted),
        "corrected, mix of the population": corrected,
        "inflation": everything - corrected,
    }


def judge(n_clean: int, n_classes: int, seed: int, n_resamples: int) -> list[Any]:
    """Return which estimates of a simulated test part contain the truth."""
    world = simulate(n_clean, n_classes, np.random.default_rng([n_clean, n_classes, seed]))
    train, test = world.groups[world.leaking][:, None], world.groups[:, None]
    if not len(train):
        return []
    report = leakage_report(train, test, finder=NumberedGroups())
    found = []
    for name, metric in METRICS.items():
        score = report.score(
            world.y_true, world.y_pred, metric, n_resamples=n_resamples, random_state=seed
        )
        for kind, truth in true_scores(world, metric).items():
            one = getattr(score, kind.partition(",")[0])
            held = (truth < one.low, truth > one.high, one.high - one.low)
            found.append(((n_clean, n_classes, name, kind), None if one.reason else held))
    return found


def show_coverage(sizes: list[int], n_runs: int, n_resamples: int, n_jobs: int) -> None:
    """Print how often the intervals contain the truth."""
    print_row("clean images", "classes", "metric", "estimate", "runs", "no number", "coverage",
              "truth below", "truth above", "mean width")  # fmt: skip
    print_row(*["---"] * 10)
    for n_clean in sizes:
        tallies: dict[Any, list[Any]] = defaultdict(list)
        runs = [(n_clean, N_CLASSES[run % len(N_CLASSES)], run) for run in range(n_runs)]
        for found in Parallel(n_jobs)(delayed(judge)(*run, n_resamples) for run in runs):
            for (size, n_classes, name, kind), held in found:
                tallies[size, n_classes, name, kind].append(held)
                tallies[size, "any", name, kind].append(held)
        for key, held in sorted(tallies.items(), key=str):
            show_tally(key, held)


def show_tally(key: tuple[Any, ...], held: list[Any]) -> None:
    """Print in how many runs an estimate contains the truth, without those with no number."""
    known = np.array([one for one in held if one is not None], dtype=float)
    if len(known):
        below, above, width = known.mean(axis=0)
        cells = [f"{value:.3f}" for value in (1 - below - above, below, above, width)]
        print_row(*key, len(held), len(held) - len(known), *cells)


# ---- A data set with a published split ----


@dataclass
class DataSet:
    """The images of a published split.

    Parameters
    ----------
    features : ndarray of shape (n_images, n_features)
        What models learn from.
    y : ndarray of shape (n_images,)
        The classes.
    groups : ndarray of shape (n_images,)
        The groups of near duplicates.
    is_test : ndarray of shape (n_images,), dtype bool
        Which images are in the test part.
    """

    features: NDArray[np.float64]
    y: NDArray[Any]
    groups: Rows
    is_test: NDArray[np.bool_]


MODELS = {
    "nearest neighbor": KNeighborsClassifier(1),
    "extra trees": ExtraTreesClassifier(100, n_jobs=2, random_state=0),
    "ridge classifier": make_pipeline(StandardScaler(), RidgeClassifier(100)),
}


def describe(path: Path) -> NDArray[np.float64]:
    """Return a histogram of oriented gradients and a thumbnail of 16 x 16 pixels."""
    with Image.open(path) as image:
        gray = image.convert("L").resize((64, 64), Image.Resampling.BOX)
    small = np.asarray(gray.resize((16, 16), Image.Resampling.BOX), dtype=float).ravel() / 255
    shapes = hog(np.asarray(gray), 8, pixels_per_cell=(16, 16), cells_per_block=(2, 2))
    return np.concatenate([shapes, small])


def read_data_set(folder: Path, names: list[str], cache: Path, n_jobs: int) -> DataSet:
    """Read a folder with one folder for each part, and in it one for each class."""
    parts = [
        sorted(
            path
            for path in (folder / name).glob("*/*")
            if path.is_file() and not path.parent.name.startswith(".")
        )
        for name in names
    ]
    if not all(parts):
        raise SystemExit(f"There are no images {folder}/{{{','.join(names)}}}/CLASS/FILE.")
    report = leakage_report(*parts, finder=NearDuplicateFinder(cache=cache, n_jobs=n_jobs))
    print(report)
    paths = [path for part in parts for path in part]
    features = Parallel(n_jobs)(delayed(describe)(path) for path in paths)
    is_test = np.arange(len(paths)) >= len(parts[0])
    y = np.array([path.parent.name for path in paths])
    return DataSet(np.array(features), y, report._parts.graph.labels(), is_test)


@dataclass
class Compared:
    """A model that was trained on the published and on the repaired split.

    Parameters
    ----------
    published : LeakageScore
        The scores of the model that was trained on the published split.
    repaired : float
        The accuracy on the repaired split.
    reweighted : float
        The same, reweighted to the class mix of the published test part.
    """

    published: LeakageScore
    repaired: float
    reweighted: float

    def is_held(self, score: float) -> bool:
        """Return whether the corrected score contains another one."""
        corrected = self.published.corrected
        return corrected.low <= score <= corrected.high


def compare(data: DataSet, rows: Rows, model: Any, n_resamples: int) -> Compared | None:
    """Train a model on the published and the repaired split of some rows of the data set.

    The repaired split has the groups that were on both sides in the training part, as
    `repair_split` moves them. None if a class has no clean image.
    """
    train, test = rows[~data.is_test[rows]], rows[data.is_test[rows]]
    moves = np.isin(data.groups[test], data.groups[train])
    clean = test[~moves]
    published = model.fit(data.features[train], data.y[train]).predict(data.features[test])
    report = leakage_report(
        data.groups[train][:, None], data.groups[test][:, None], finder=NumberedGroups()
    )
    classes, codes = np.unique(data.y, return_inverse=True)
    coded = np.searchsorted(classes, published)
    score = report.score(codes[test], coded, accuracy, n_resamples=n_resamples, random_state=0)
    if score.corrected.reason:
        print(score.corrected.reason)
        return None
    more = np.concatenate([train, test[moves]])
    again = model.fit(data.features[more], data.y[more]).predict(data.features[clean])
    is_right = again == data.y[clean]
    mix, own = np.bincount(codes[test]), np.bincount(codes[clean], minlength=len(classes))
    weights = np.divide(mix, own, out=np.zeros(len(mix)), where=own > 0)[codes[clean]]
    return Compared(score, is_right.mean(), np.average(is_right, weights=weights))


def draw_subsets(data: DataSet, n_subsets: int, share: float) -> Iterator[Rows]:
    """Yield random subsets of the groups of a data set, after the whole of it."""
    yield np.arange(len(data.y))
    for seed in range(n_subsets):
        chosen = np.random.default_rng(seed).random(data.groups.max() + 1) < share
        yield np.flatnonzero(chosen[data.groups])


def show_data_set(data: DataSet, options: argparse.Namespace) -> None:
    """Print the scores of models, and how often the corrected score contains the repaired one."""
    for name, model in MODELS.items():
        if options.only not in name:
            continue
        print(f"\n{name}")
        held, held_reweighted, n_compared = 0, 0, 0
        for place, rows in enumerate(draw_subsets(data, options.subsets, options.share)):
            compared = compare(data, rows, model, options.resamples)
            if compared is None:
                continue
            if place == 0:
                print(compared.published)
                print(f"After the repair: {compared.repaired:.3f} on the repaired test part,")
                print(
                    f"{compared.reweighted:.3f} reweighted to the class mix of the published one."
                )
                continue
            n_compared += 1
            held += compared.is_held(compared.repaired)
            held_reweighted += compared.is_held(compared.reweighted)
        print(f"In {n_compared} subsets of {options.share:.0%} of the groups, the corrected score")
        print(f"contained the reweighted one {held_reweighted} times, the other {held} times.")


def print_row(*cells: Any) -> None:
    """Print a row of a Markdown table."""
    print(f"| {' | '.join(map(str, cells))} |", flush=True)


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, metavar="DIR", help="a data set")
    parser.add_argument("--parts", nargs=2, default=["Training", "Testing"], metavar="NAME")
    parser.add_argument("--sizes", nargs="+", type=int, default=SIZES, help="clean images")
    parser.add_argument("--runs", type=int, default=1500, help="simulations of each size")
    parser.add_argument("--only", default="", metavar="TEXT", help="models with this in the name")
    parser.add_argument("--subsets", type=int, default=50, help="subsets of the data set")
    parser.add_argument("--share", type=float, default=0.8, help="groups of a subset")
    parser.add_argument("--resamples", type=int, default=400, help="for each interval")
    parser.add_argument("--cache", type=Path, help="a file that keeps the hashes")
    parser.add_argument("--jobs", type=int, default=2, help="workers")
    parser.add_argument("--quick", action="store_true", help="few simulations and subsets")
    options = parser.parse_args()
    if options.quick:
        options.runs, options.subsets, options.resamples = 6, 2, 100
    if options.folder is None:
        show_coverage(options.sizes, options.runs, options.resamples, options.jobs)
        return 0
    with TemporaryDirectory(prefix="hashfeatures-benchmark-") as temporary:
        cache = options.cache or Path(temporary) / "hashes.sqlite"
        data = read_data_set(options.folder, options.parts, cache, options.jobs)
    show_data_set(data, options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
