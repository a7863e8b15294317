"""Compare the stages of hashfeatures.distributed with the finder, under many settings.

Each setting is a `NearDuplicateFinder`. On the same images, the stages must give its pairs with
all their columns, its groups with their diameters and weakest links, and the split of
`assign_split`, value for value. The images are hashed at once and in two increments, in processes
of this machine and on a Ray cluster. The command fails if anything differs.

Settings that need the same hashes share them, so the table also compares what one directory of
hashes gives to several finders.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from planted_images import plant

from hashfeatures import NearDuplicateFinder, assign_split
from hashfeatures.distributed import (
    LocalExecutor,
    RayExecutor,
    assign,
    components,
    find_pairs,
    hash_dataset,
    read_stage,
)
from hashfeatures.exceptions import ChainingWarning
from hashfeatures.hamming._pairs import Pairs

# The first settings of each list are those that the images are hashed for.
SETTINGS: dict[str, list[dict[str, Any]]] = {
    "identity": [
        {},
        {"linkage": "complete"},
        {"radius": 12, "min_agreement": 0.95},
        {"radius": 40, "linkage": "complete", "min_agreement": 0.8},
        {"verify": False},
        {"verify": False, "radius": 0},
    ],
    "identity, hashes alone": [
        {"verify": False},
        {"verify": False, "radius": 24},
        {"verify": False, "radius": 24, "linkage": "complete"},
    ],
    "colors": [
        {"color_radius": 40},
        {"color_radius": 12, "linkage": "complete"},
        {"color_radius": 20, "verify": False, "radius": 20},
    ],
    # With reduced decoding, the bits depend on whether colors are computed too.
    "colors, in full": [
        {"decode": "full", "color_radius": 40},
        {"decode": "full", "radius": 20},
        {"decode": "full", "verify": False},
    ],
    "borders": [
        {"trim_borders": True},
        {"trim_borders": True, "linkage": "complete", "verify": False, "radius": 20},
    ],
    "flips": [
        {"views": "flips"},
        {"views": "flips", "linkage": "complete"},
    ],
    "dihedral": [
        {"views": "dihedral", "color_radius": 60},
        {"views": "dihedral", "color_radius": 20, "linkage": "complete"},
        {"views": "dihedral", "color_radius": 100, "verify": False},
    ],
    "robust": [
        {"views": "robust"},
        {"views": "robust", "linkage": "complete", "radius": 14},
        {"views": "robust", "verify": False, "min_agreement": 0.5},
    ],
    "segments": [
        {"views": "segments"},
        {"views": "segments", "linkage": "complete"},
        {"views": "segments", "verify": False, "radius": 16},
    ],
    "full": [{"decode": "full", "min_detail": 30, "background": "black"}],
    "as stored": [{"orient": False, "background": None, "views": "flips", "verify": False}],
    "many hashes": [
        {"hashes": ["ahash", "whash", "colorhash"], "radius": 8},
        {"hashes": ["ahash", "whash", "colorhash"], "verify": False, "radius": 3},
    ],
    "large hash": [{"hashes": "phash:16", "min_detail": 0, "linkage": "complete"}],
    "small hash": [
        {"hashes": "dhash", "views": "dihedral", "min_detail": 20, "trim_borders": True}
    ],
}
PARTS = {"test_size": 0.2, "validation_size": 0.1}
WAYS = ("whole", "first increment", "both increments")


class Outcome(NamedTuple):
    """How the stages compare with the finder.

    Parameters
    ----------
    setting : dict
        The parameters of the finder.
    way : str
        One of `WAYS`.
    n_pairs, n_groups : int
        What the finder finds.
    differences : list of str
        What differs.
    """

    setting: dict[str, Any]
    way: str
    n_pairs: int
    n_groups: int
    differences: list[str]


def check_settings(
    settings: Sequence[dict[str, Any]],
    images: Sequence[str],
    place: Path,
    executor: Any,
    part_size: int = 256,
    cache: Any = None,
) -> Iterator[Outcome]:
    """Compare the stages with the finder, under settings that need the same hashes.

    Parameters
    ----------
    settings : sequence of dict
        Parameters of `NearDuplicateFinder`. The images are hashed for the first.
    images : sequence of str
        The paths of images, whose folders are their classes.
    place : Path
        A directory for the stages.
    executor : object
        An executor of the stages.
    part_size : int
        The number of images in a part.
    cache : object
        The cache of hashes of the finder.
    """
    for way in WAYS:
        some = list(images[: len(images) * 3 // 5] if way == WAYS[1] else images)
        folder = place / ("whole" if way == WAYS[0] else "increments")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            hash_dataset(
                some,
                folder / "hashes",
                NearDuplicateFinder(**settings[0]),
                part_size=part_size,
                executor=executor,
            )
            for number, setting in enumerate(settings):
                finder = NearDuplicateFinder(**setting, cache=cache, n_jobs=2)
                found: list[str] = []
                try:
                    found.extend(
                        compare(finder, some, folder / "hashes", folder / str(number), executor)
                    )
                except Exception as error:  # so that the other settings are compared too
                    found.append(f"{type(error).__name__}: {error}")
                n_pairs, n_groups = 0, 0
                if hasattr(finder, "graph_"):
                    n_pairs, n_groups = finder.graph_.n_pairs, len(finder.groups_)
                yield Outcome(setting, way, n_pairs, n_groups, found)


def compare(
    finder: NearDuplicateFinder, images: list[str], hashes: Path, out: Path, executor: Any
) -> Iterator[str]:
    """Fit the finder, run the stages, and yield what differs."""
    with warnings.catch_warnings(record=True) as expected:
        warnings.simplefilter("always", ChainingWarning)
        finder.fit(images)
    with warnings.catch_warnings(record=True) as given:
        warnings.simplefilter("always", ChainingWarning)
        find_pairs(hashes, out / "pairs", finder, part_seconds=0.05, executor=executor)
        components(out / "pairs", out / "groups", hashes=hashes, executor=executor)
    if len(chains_of(expected)) != len(chains_of(given)):
        yield f"warnings of chains: {chains_of(given)} instead of {chains_of(expected)}"
    yield from compare_tables("pairs", read_stage(out / "pairs"), pairs_of(finder))
    groups = read_stage(out / "groups")
    if groups["image"].tolist() != images:
        yield "the order of images"
        return
    yield from compare_tables("groups", numbered(groups), groups_of(finder))
    classes = [Path(image).parent.name for image in images]
    parts = assign_split(images, stratify=classes, finder=finder, lock=out / "lock.json", **PARTS)
    expected_parts = pd.DataFrame({"split": parts.to_numpy()})
    locked = {"lock": out / "lock of stages.json", "hashes": hashes}
    for what, options in {"splits": {}, "locked splits": locked}.items():
        assign(out / "groups", out / what, stratify="parent", **PARTS, **options)
        yield from compare_tables(what, read_stage(out / what)[["split"]], expected_parts)


def chains_of(caught: list[warnings.WarningMessage]) -> list[str]:
    """Return the warnings of chains."""
    return [str(each.message) for each in caught if each.category is ChainingWarning]


def pairs_of(finder: NearDuplicateFinder) -> pd.DataFrame:
    """Return the pairs of first images among equal ones, and of the others with these."""
    pairs = Pairs.concatenate(finder.graph_.pairs_of_firsts()).in_order()
    return pd.DataFrame(finder._describe(pairs, finder._images)._asdict())


def groups_of(finder: NearDuplicateFinder) -> pd.DataFrame:
    """Return the group of each image, and what the finder says of it."""
    labels = finder.labels_
    table = pd.DataFrame({"group": labels, "component": finder.graph_.labels()})
    table["size"] = np.bincount(labels)[labels]
    known = finder.groups_.reindex(labels)
    table["diameter"] = known["diameter"].fillna(0).to_numpy()
    table["exact"] = known["exact"].fillna(True).to_numpy(dtype=bool)
    if "weakest_link" in known.columns:
        table["weakest_link"] = known["weakest_link"].to_numpy()
    return table if finder.linkage == "complete" else table.drop(columns="component")


def numbered(groups: pd.DataFrame) -> pd.DataFrame:
    """Return the groups of a stage, with numbers in order of first appearance for their keys."""
    table = groups.drop(columns=["image", "key", "error"])
    for name in {"group", "component"} & set(table.columns):
        table[name] = pd.factorize(table[name])[0]
    return table


def compare_tables(what: str, ours: pd.DataFrame, expected: pd.DataFrame) -> Iterator[str]:
    """Yield how a table of the stages differs from what the finder gives."""
    if set(ours.columns) != set(expected.columns):
        yield f"{what}: the columns {sorted(ours.columns)}, not {sorted(expected.columns)}"
        return
    if what == "pairs":
        ours = ours.sort_values(["left", "right"], ignore_index=True)
    if len(ours) != len(expected):
        yield f"{what}: {len(ours)} rows instead of {len(expected)}"
        return
    for name in expected.columns:
        mine, theirs = ours[name].to_numpy(), expected[name].to_numpy()
        differing = np.flatnonzero((mine != theirs) & ~(pd.isna(mine) & pd.isna(theirs)))
        if len(differing):
            row = differing[0]
            yield (
                f"{what}: {name} differs in {len(differing)} of {len(ours)} rows, first in row "
                f"{row}: {mine[row]!r} instead of {theirs[row]!r}"
            )


def draw_settings(n_settings: int) -> dict[str, list[dict[str, Any]]]:
    """Return random settings, other ones in each run, by the names of their hashes."""
    rng = random.Random()
    drawn: dict[str, list[dict[str, Any]]] = {}
    while len(drawn) < n_settings:
        views = rng.choice(["identity", "flips", "dihedral", "robust", "segments"])
        hashes = ["phash", "dhash", "phash:16", "dhash:12"]
        hashes += ["ahash", "whash", "colorhash", "dhash_vertical"] * (views == "identity")
        setting = {
            "hashes": rng.sample(hashes, rng.randint(1, 2)),
            "views": views,
            "linkage": rng.choice(["single", "complete"]),
            "min_detail": rng.choice([0, 10, 40]),
            "decode": rng.choice(["full", "reduced"]),
            "orient": rng.random() < 0.7,
            "background": rng.choice(["white", "black", None]),
            "trim_borders": rng.random() < 0.3,
            "color_radius": None if views == "segments" else rng.choice([None, 0, 20, 100]),
            "verify": rng.random() < 0.6,
            "min_agreement": rng.choice([0.0, 0.5, 0.85, 1.0]),
        }
        usual = NearDuplicateFinder(**setting)._comparison().usual_radius
        setting["radius"] = rng.choice([None, 0, usual // 2, usual * 5 // 4])
        drawn[f"random {len(drawn)}"] = [setting]
    return drawn


def main() -> None:
    """Compare all settings, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--images", type=int, default=3000, help="the number of images")
    parser.add_argument("--only", nargs="+", choices=SETTINGS, help="the hashes to compare by")
    parser.add_argument("--no-ray", action="store_true", help="leave the Ray cluster out")
    parser.add_argument("--no-local", action="store_true", help="leave local processes out")
    parser.add_argument("--jobs", type=int, default=2, help="the number of processes")
    parser.add_argument("--random", type=int, metavar="N", help="compare by N random settings")
    parser.add_argument("--quick", action="store_true", help="a few images, to see that it runs")
    options = parser.parse_args()
    executors: dict[str, Any] = {}
    if not options.no_local:
        executors["local"] = LocalExecutor(options.jobs)
    if not (options.no_ray or options.quick):
        import ray

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ray.init(num_cpus=options.jobs, include_dashboard=False, log_to_driver=False)
        executors["Ray"] = RayExecutor()
    n_images = 150 if options.quick else options.images
    chosen = {name: SETTINGS[name] for name in options.only or SETTINGS}
    if options.random:
        chosen = draw_settings(options.random)
    n_different = 0
    with tempfile.TemporaryDirectory() as folder:
        images = plant(Path(folder, "images"), n_images)
        print(f"{n_images} images with planted copies\n")
        print("| hashes | setting | executor | way | pairs | groups | result |")
        print("| --- | --- | --- | --- | ---: | ---: | --- |")
        for name, settings in chosen.items():
            for by, executor in executors.items():
                place = Path(folder, name, by)
                cache = Path(folder, f"{name}.sqlite")
                for outcome in check_settings(
                    settings, images, place, executor, n_images // 12, cache
                ):
                    described = ", ".join(f"{k}={v}" for k, v in outcome.setting.items())
                    result = "; ".join(outcome.differences) or "equal"
                    n_different += bool(outcome.differences)
                    print(
                        f"| {name} | {described or 'defaults'} | {by} | {outcome.way} | "
                        f"{outcome.n_pairs} | {outcome.n_groups} | {result} |",
                        flush=True,
                    )
    n_settings = sum(map(len, chosen.values()))
    print(f"\n{n_settings} settings. {n_different} results differ from the finder's.")
    sys.exit(bool(n_different))


if __name__ == "__main__":
    main()
