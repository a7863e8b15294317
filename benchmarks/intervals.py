"""Measure how often the intervals of a calibration hold the truth, where the truth is known.

Each folder is a population of images. All its pairs are compared, and some of its images are
edited. The last population is all images, reduced to 32 x 32 pixels. `hashfeatures.calibrate`
judges samples of each, by hashes alone at each radius, and at each agreement of the pixels of
pairs that are nominated by the default radius. An interval of 95 % should hold the truth in 95 of
100 samples. If fewer than ten pairs were counted, it claims the upper end alone. For comparison,
the table shows what the interval would hold if it took pairs for independent.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from hashing import show
from joblib import Parallel, delayed
from numpy.typing import NDArray
from PIL import Image
from same_picture import find_files, find_same, make_files, thumbnail

from hashfeatures import NearDuplicateFinder
from hashfeatures.duplicates._components import label_components
from hashfeatures.duplicates.calibration._error_rates import (
    LEAST_COUNT,
    NearCounts,
    count_near,
    estimate_rates,
    estimate_shares,
)
from hashfeatures.duplicates.calibration._limits import TARGET, choose_rate_column
from hashfeatures.duplicates.calibration._trial import SAME_PICTURE
from hashfeatures.duplicates.fingerprints._search import build_graph
from hashfeatures.edits import EVERYDAY_EDITS
from hashfeatures.hamming._packing import hamming_distances
from hashfeatures.hamming._pairs import Pairs
from hashfeatures.images._read import read_image

SIDE = 32
N_EDITED = 100  # of a sample, as by default
FIRST_REACH, STEP, ENOUGH = 24, 8, 200  # how far a calibration of 128 bits looks
REACH = 64
AGREEMENTS = np.arange(round(100 * SAME_PICTURE), 69, -1) / 100  # that a calibration judges
FAR = 254  # stands for the level of two images that no agreement joins
SAME = 255  # stands for the level of two images of one picture


class Population(NamedTuple):
    """A population of images whose distances and pictures are all known.

    Parameters
    ----------
    name : str
        The name of the population.
    levels : ndarray of shape (n_images, n_images), dtype uint8
        The narrowest limit within which every two images are: their distance in bits, or the place
        of their agreement in `AGREEMENTS`.
    pictures : ndarray of shape (n_images,), dtype intp
        Which picture each image shows.
    copies : ndarray of shape (n_edited, n_edits), dtype int64
        The same limits of edited copies and their originals.
    n_levels : int
        The number of limits.
    by_pixels : bool
        Whether the limits are agreements.
    """

    name: str
    levels: NDArray[np.uint8]
    pictures: NDArray[np.intp]
    copies: NDArray[np.int64]
    n_levels: int = REACH
    by_pixels: bool = False

    def rates(self) -> NDArray[np.float64]:
        """Return the share of the pairs of different pictures that is within each limit."""
        counts = np.zeros(SAME + 1, dtype=np.int64)
        for row, levels in enumerate(self.levels):
            counts += np.bincount(levels[row + 1 :], minlength=SAME + 1)
        rates: NDArray[np.float64] = np.cumsum(counts)[: self.n_levels] / counts[:SAME].sum()
        return rates


def reduce_image(path: str) -> Image.Image:
    """Return an image at 32 by 32."""
    image = read_image(path).image.convert("RGB")
    return image.resize((SIDE, SIDE), Image.Resampling.LANCZOS)


def edit_images(images: Sequence[Any], n_jobs: int) -> Iterator[Any]:
    """Yield the copies of all images by each edit."""
    opened = [read_image(image).image for image in images]
    for edit in EVERYDAY_EDITS:
        yield Parallel(n_jobs=n_jobs)(
            delayed(edit)(image, seed) for seed, image in enumerate(opened)
        )


def make_population(name: str, images: Sequence[Any], thumbnails: Any, options: Any) -> Population:
    """Compare the hashes of all images with each other, and edit some of them."""
    finder = NearDuplicateFinder(n_jobs=options.jobs, verify=False)
    prints = finder.fingerprint(images).fingerprints
    kept = np.flatnonzero(prints.comparable)
    words = prints.words[kept]
    same = np.array(sorted(find_same([thumbnails[row] for row in kept])), dtype=np.intp)
    left, right = same.reshape(-1, 2).T
    pictures = label_components(len(kept), Pairs(left, right, np.zeros(len(left), dtype=np.int64)))
    distances = np.empty((len(kept), len(kept)), dtype=np.uint8)
    for row, code in enumerate(words):
        distances[row] = hamming_distances(words, code)
        distances[row, pictures == pictures[row]] = SAME
    edited = np.random.default_rng(0).permutation(kept)[: options.edited]
    originals = prints.take(edited)
    copies = [
        originals.distances(finder.fingerprint(changed).fingerprints)
        for changed in edit_images([images[row] for row in edited], options.jobs)
    ]
    return Population(name, distances, pictures, np.stack(copies, axis=1))


def make_confirmed(name: str, images: Sequence[Any], options: Any) -> Population:
    """Align all pairs of images that hashes nominate, and edit some of them."""
    finder = NearDuplicateFinder(n_jobs=options.jobs)
    comparison = finder._comparison()
    radius, confirmation = comparison.usual_radius, comparison.confirmation
    prints = finder.fingerprint(images).fingerprints
    kept = np.flatnonzero(prints.comparable)
    prints = prints.take(kept)
    nominated = build_graph(prints, radius, options.jobs).pairs()
    agreement = confirmation.align(
        prints.thumbnails, prints.thumbnails, nominated, options.jobs
    ).agreement
    n_images = len(prints.comparable)
    pictures = label_components(n_images, nominated.take(agreement >= np.float32(SAME_PICTURE)))
    levels = np.full((n_images, n_images), FAR, dtype=np.uint8)
    levels[nominated.left, nominated.right] = find_levels(agreement)
    levels[nominated.right, nominated.left] = find_levels(agreement)
    for row, picture in enumerate(pictures):
        levels[row, pictures == picture] = SAME
    edited = np.random.default_rng(0).permutation(n_images)[: options.edited]
    originals, copies = prints.take(edited), []
    rows = np.arange(len(edited))
    for changed in edit_images([images[row] for row in kept[edited]], options.jobs):
        others = finder.fingerprint(changed).fingerprints
        pairs = Pairs(rows, rows, originals.distances(others))
        found = confirmation.align(originals.thumbnails, others.thumbnails, pairs, options.jobs)
        is_near = (pairs.distance <= radius) & others.comparable
        copies.append(np.where(is_near, find_levels(found.agreement), FAR))
    return Population(
        name, levels, pictures, np.stack(copies, axis=1), len(AGREEMENTS), by_pixels=True
    )


def find_levels(agreement: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return the place of the greatest of `AGREEMENTS` that pairs reach; FAR for none."""
    ascending = AGREEMENTS[::-1].astype(np.float32)
    levels = len(ascending) - np.searchsorted(ascending, agreement, side="right")
    return np.where(levels < len(ascending), levels, FAR)


def draw(population: Population, n_images: int, seed: int) -> tuple[NearCounts, NDArray[np.bool_]]:
    """Draw a sample, and return its near pairs, as a calibration counts them, and its copies."""
    rng = np.random.default_rng(seed)
    rows = rng.permutation(len(population.pictures))[:n_images]
    numbers = np.unique(population.pictures[rows], return_inverse=True)[1]
    levels = np.triu(population.levels[np.ix_(rows, rows)], k=1)
    upper = np.triu(np.ones_like(levels, dtype=bool), k=1)
    reach = population.n_levels - 1 if population.by_pixels else FIRST_REACH
    enough = min(ENOUGH, n_images * (n_images - 1) // 4)
    while (levels[upper] <= reach).sum() < enough and reach + STEP < population.n_levels:
        reach += STEP
    left, right = np.nonzero(upper & (levels <= reach))
    near = count_near(
        numbers[left], numbers[right], levels[left, right], np.bincount(numbers), reach + 1
    )
    copies = population.copies[rng.integers(len(population.copies), size=N_EDITED)]
    return near, copies <= np.arange(population.n_levels)[:, None, None]


def sizes_of(images: Sequence[Any]) -> list[int]:
    """Return the sizes of samples, small enough for the rest to show the truth."""
    return sorted({max(3, len(images) // part) for part in (20, 10)})


class Tally:
    """The number of claims, and of claims that missed the truth on either side."""

    def __init__(self) -> None:
        self.made = self.below = self.above = 0

    def add(self, low: Any, truth: Any, high: Any, claimed: Any) -> None:
        """Count claims of a sample, those in `claimed`."""
        self.made += int(np.sum(claimed))
        self.below += int(np.sum(claimed & (truth < low)))
        self.above += int(np.sum(claimed & (truth > high)))

    def cells(self) -> list[str]:
        """Return the coverage, and the shares of samples with the truth below and above."""
        if not self.made:
            return ["-", "-", "-"]
        shares = (self.made - self.below - self.above, self.below, self.above)
        return [f"{share / self.made:.3f}" for share in shares]


def judge(population: Population, n_images: int, n_samples: int) -> Iterator[list[str]]:
    """Yield the rows of the table for a population."""
    truth = population.rates()
    recall = population.copies <= np.arange(population.n_levels)[:, None, None]
    share = recall.mean(axis=(1, 2))
    names = ("counted rates", "the same, pairs independent", "fewer than ten: upper end", "recall")
    tallies = {name: Tally() for name in names}
    kept, proved, radii, ends_fall = 0, 0, [], 0
    for seed in range(n_samples):
        near, found = draw(population, n_images, seed)
        shape = near.within if population.by_pixels else None
        rates = estimate_rates(near, shape)[0]
        known = truth[: len(near.within)]
        counted = near.within >= LEAST_COUNT
        tallies[names[0]].add(rates.low, known, rates.high, counted)
        alone = estimate_rates(near._replace(variance=near.within.astype(float)), shape)[0]
        tallies[names[1]].add(alone.low, known, alone.high, counted)
        tallies[names[2]].add(rates.low, known, rates.high, ~counted & (known > 0))
        estimate = estimate_shares(found)
        # If all copies of a population are found, or none, no interval can miss the share.
        tallies[names[3]].add(estimate.low, share, estimate.high, (share > 0) & (share < 1))
        ends = (rates.low, rates.high, estimate.low, estimate.high)
        ends_fall += any((np.diff(end) < 0).any() for end in ends)
        table = pd.DataFrame(
            {"false_per_million": 1e6 * rates.value, "false_per_million_high": 1e6 * rates.high}
        )
        column = choose_rate_column(table, TARGET)
        if column.endswith("_high"):
            allowed = np.flatnonzero(table[column] <= TARGET)[-1]
            proved += 1
            kept += bool(1e6 * known[allowed] <= TARGET)
            radii.append(allowed)
    for name, tally in tallies.items():
        yield [population.name, str(n_images), name, str(tally.made), *tally.cells()]
    middle = "-"
    if radii:
        median = np.median(radii)
        middle = f"{AGREEMENTS[int(median)]:g}" if population.by_pixels else f"{median:.0f} bits"
    limit = "agreement" if population.by_pixels else "radius"
    text = f"{limit} ({middle}) keeps to {TARGET:g} in a million"
    made = f"{kept / proved:.3f}" if proved else "-"
    yield [population.name, str(n_images), text, str(proved), made, "", ""]
    yield [
        population.name,
        str(n_images),
        "samples with an end that falls",
        str(ends_fall),
        "",
        "",
        "",
    ]


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="*", type=Path, metavar="DIR", help="images of your own")
    parser.add_argument("--samples", type=int, default=1000, help="samples of each population")
    parser.add_argument("--edited", type=int, default=1000, help="the most images to edit")
    parser.add_argument("--jobs", type=int, default=2, help="workers")
    parser.add_argument("--quick", action="store_true", help="100 images, 20 of them edited")
    parser.add_argument("--markdown", action="store_true", help="print a Markdown table")
    options = parser.parse_args()
    if options.quick:
        options.samples, options.edited = 20, 20
    rows = [["population", "sample", "claim", "times", "held", "truth below", "truth above"]]
    with TemporaryDirectory(prefix="hashfeatures-benchmark-") as temporary:
        made = [] if options.folders else [("made", make_files(Path(temporary)))]
        sets = [(folder.name, find_files(folder)) for folder in options.folders] + made
        if options.quick:
            sets = [(name, paths[:100]) for name, paths in sets]
        pool = Parallel(n_jobs=options.jobs)
        small, of_small = [], []
        for name, paths in sets:
            thumbnails = pool(delayed(thumbnail)(path) for path in paths)
            for population in (
                make_population(name, paths, thumbnails, options),
                make_confirmed(f"{name}, by pixels", paths, options),
            ):
                for n_images in sizes_of(paths):
                    rows += judge(population, n_images, options.samples)
            small += pool(delayed(reduce_image)(path) for path in paths)
            of_small += thumbnails
            show(rows, options.markdown)
        population = make_population(f"{SIDE} x {SIDE}", small, of_small, options)
        for n_images in sizes_of(small):
            rows += judge(population, n_images, options.samples)
    show(rows, options.markdown)
    return 0


if __name__ == "__main__":
    sys.exit(main())
