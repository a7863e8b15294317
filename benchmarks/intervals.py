"""Measure how often the intervals of a calibration hold the truth, where the truth is known.

Each folder is a population of images. All its pairs are compared, and some of its images are
edited. The last population is all images, reduced to 32 x 32 pixels. `hashfeatures.calibrate`
judges samples of each. An interval of 95 % should hold the truth in 95 of 100 samples. If fewer
than ten pairs were counted, it claims the upper end alone. For comparison, the table shows what
the interval would hold if it took pairs for independent.
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
from hashfeatures.duplicates._labels import label_components
from hashfeatures.duplicates.calibration._error_rates import (
    LEAST_COUNT,
    NearCounts,
    count_near,
    estimate_rates,
    estimate_shares,
)
from hashfeatures.duplicates.calibration._limits import TARGET, choose_rate_column
from hashfeatures.edits import EVERYDAY_EDITS
from hashfeatures.hamming._packing import hamming_distances
from hashfeatures.hamming._pairs import Pairs
from hashfeatures.images._read import read_image

SIDE = 32
N_EDITED = 100  # of a sample, as by default
FIRST_REACH, STEP, ENOUGH = 24, 8, 200  # how far a calibration of 128 bits looks
REACH = 64
SAME = 255  # stands for the distance of two images of one picture


class Population(NamedTuple):
    """A population of images whose distances and pictures are all known.

    Parameters
    ----------
    name : str
        The name of the population.
    distances : ndarray of shape (n_images, n_images), dtype uint8
        The distance of every two images in bits.
    pictures : ndarray of shape (n_images,), dtype intp
        Which picture each image shows.
    copies : ndarray of shape (n_edited, n_edits), dtype int64
        The distances of edited copies to their originals, in bits.
    """

    name: str
    distances: NDArray[np.uint8]
    pictures: NDArray[np.intp]
    copies: NDArray[np.int64]

    def rates(self) -> NDArray[np.float64]:
        """Return the share of the pairs of different pictures that is within each radius."""
        counts = np.zeros(SAME + 1, dtype=np.int64)
        for row, distances in enumerate(self.distances):
            counts += np.bincount(distances[row + 1 :], minlength=SAME + 1)
        rates: NDArray[np.float64] = np.cumsum(counts)[:REACH] / counts[:SAME].sum()
        return rates


def reduce_image(path: str) -> Image.Image:
    """Return an image at 32 by 32."""
    image = read_image(path).image.convert("RGB")
    return image.resize((SIDE, SIDE), Image.Resampling.LANCZOS)


def make_population(name: str, images: Sequence[Any], thumbnails: Any, options: Any) -> Population:
    """Compare all images with each other, and edit some of them."""
    finder = NearDuplicateFinder(n_jobs=options.jobs)
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
    opened = [read_image(images[row]).image for row in edited]
    copies = []
    for edit in EVERYDAY_EDITS:
        changed = Parallel(n_jobs=options.jobs)(
            delayed(edit)(image, seed) for seed, image in enumerate(opened)
        )
        copies.append(originals.distances(finder.fingerprint(changed).fingerprints))
    return Population(name, distances, pictures, np.stack(copies, axis=1))


def draw(population: Population, n_images: int, seed: int) -> tuple[NearCounts, NDArray[np.bool_]]:
    """Draw a sample, and return its near pairs, as a calibration counts them, and its copies."""
    rng = np.random.default_rng(seed)
    rows = rng.permutation(len(population.pictures))[:n_images]
    numbers = np.unique(population.pictures[rows], return_inverse=True)[1]
    distances = np.triu(population.distances[np.ix_(rows, rows)], k=1)
    upper = np.triu(np.ones_like(distances, dtype=bool), k=1)
    reach = FIRST_REACH
    enough = min(ENOUGH, n_images * (n_images - 1) // 4)
    while (distances[upper] <= reach).sum() < enough and reach + STEP < REACH:
        reach += STEP
    left, right = np.nonzero(upper & (distances <= reach))
    near = count_near(
        numbers[left], numbers[right], distances[left, right], np.bincount(numbers), reach + 1
    )
    copies = population.copies[rng.integers(len(population.copies), size=N_EDITED)]
    return near, copies <= np.arange(REACH)[:, None, None]


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
    truth, recall = population.rates(), (population.copies <= np.arange(REACH)[:, None, None])
    share = recall.mean(axis=(1, 2))
    names = ("counted rates", "the same, pairs independent", "fewer than ten: upper end", "recall")
    tallies = {name: Tally() for name in names}
    kept, proved, radii, ends_fall = 0, 0, [], 0
    for seed in range(n_samples):
        near, found = draw(population, n_images, seed)
        rates = estimate_rates(near)[0]
        known = truth[: len(near.within)]
        counted = near.within >= LEAST_COUNT
        tallies[names[0]].add(rates.low, known, rates.high, counted)
        alone = estimate_rates(near._replace(variance=near.within.astype(float)))[0]
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
    middle = f"{np.median(radii):.0f} bits" if radii else "-"
    text = f"radius ({middle}) keeps to {TARGET:g} in a million"
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
            population = make_population(name, paths, thumbnails, options)
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
