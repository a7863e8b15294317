"""What views cost: hashing beside hashing images as they are, and the join beside hashing.

Both read the same files in the same process with as many workers, in turn. The join is of images
that are made for it: each is a window of random place, size and turn in the mean of two photos, at
the size of the plate that views are drawn from.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np
from hashing import show
from image_sets import ImageSet, make_sets
from joblib import Parallel, delayed
from numpy.typing import NDArray
from PIL import Image

from hashfeatures.batch import hash_sources
from hashfeatures.hashing.plate import Plate
from hashfeatures.hashing.spec import HashSpec, parse_hashes
from hashfeatures.hashing.view_codes import ViewsSpec
from hashfeatures.hashing.views import VIEW_SETS
from hashfeatures.images import Decoding
from hashfeatures.view_pairs import ViewCodes

TWO = parse_hashes(("phash", "dhash"))
N_LARGE = 24
SIDE = 256
CHUNK = 5000


def specs_of(views: str) -> tuple[HashSpec, ...]:
    """Return what is hashed for a set of views."""
    return TWO if views == "identity" else (ViewsSpec.of(TWO, views),)


def time_hashing(images: ImageSet, jobs: int, repeats: int) -> dict[str, float]:
    """Return the median seconds for each set of views, after a warm-up."""
    seconds: dict[str, list[float]] = {views: [] for views in VIEW_SETS}
    for repeat in range(repeats + 1):
        for views, taken in seconds.items():
            start = perf_counter()
            hash_sources(images.paths, specs_of(views), Decoding("reduced"), n_jobs=jobs)
            if repeat:
                taken.append(perf_counter() - start)
    return {views: median(taken) for views, taken in seconds.items()}


def make_codes(paths: Sequence[str], n_images: int, jobs: int) -> ViewCodes:
    """Return the robust codes of `n_images` different images."""
    photos = np.empty((len(paths), SIDE, SIDE), dtype=np.uint8)
    for number, path in enumerate(paths):
        with Image.open(path) as image:
            photos[number] = image.convert("L").resize((SIDE, SIDE))
    starts = range(0, n_images, CHUNK)
    parts = Parallel(n_jobs=jobs)(
        delayed(hash_windows)(photos, min(CHUNK, n_images - start), start) for start in starts
    )
    return ViewCodes(np.concatenate(parts), VIEW_SETS["robust"])


def hash_windows(photos: NDArray[np.uint8], count: int, seed: int) -> NDArray[np.uint64]:
    """Return the codes of some images that are made."""
    rng = np.random.default_rng(seed)
    spec = ViewsSpec.of(TWO, "robust")
    codes = []
    for _ in range(count):
        mixed = np.zeros((96, 96), dtype=np.float32)
        for photo in rng.choice(len(photos), size=2, replace=False):
            left, top = rng.integers(0, SIDE - 96, size=2)
            window = photos[photo][top : top + 96, left : left + 96]
            mixed += np.rot90(window, rng.integers(4)) / 2
        image = Image.fromarray(mixed.astype(np.uint8))
        codes.append(np.packbits(spec.algorithm.compute(Plate(image), spec.size)))
    return np.stack(codes).view(np.uint64).reshape(count, spec.views.n_views, spec.n_words)


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="*", type=Path, metavar="DIR", help="images of your own")
    parser.add_argument("--images", type=int, default=400, help="the most images of a set")
    parser.add_argument(
        "--join", type=int, default=100_000, help="images that are joined; 0: none"
    )
    parser.add_argument("--jobs", type=int, default=2, help="workers")
    parser.add_argument("--repeats", type=int, default=3, help="timed runs")
    parser.add_argument("--quick", action="store_true", help="one run of a tenth of everything")
    parser.add_argument("--markdown", action="store_true", help="print Markdown tables")
    options = parser.parse_args()
    share = 10 if options.quick else 1
    repeats = 1 if options.quick else options.repeats
    n_images = max(1, options.images // share)
    print(
        f"{options.jobs} workers on {os.cpu_count()} cores ({platform.machine()}), medians of "
        f"{repeats} runs after a warm-up. Python {platform.python_version()}, numpy "
        f"{np.__version__}.\n",
        flush=True,
    )
    rates, paths = [], []
    table = [
        ["phash and dhash, reduced", *(f"{views}, img/s" for views in VIEW_SETS), "robust costs"]
    ]
    with TemporaryDirectory(prefix="hashfeatures-benchmark-") as temporary:
        for images in make_sets(Path(temporary), options.folders, n_images, N_LARGE // share):
            seconds = time_hashing(images, options.jobs, repeats)
            speeds = [f"{len(images.paths) / taken:.0f}" for taken in seconds.values()]
            ratio = seconds["robust"] / seconds["identity"]
            table.append([images.name, *speeds, f"{ratio:.2f} times"])
            rates.append(seconds["robust"] / len(images.paths))
            paths += images.paths[:200]
        show(table, options.markdown)
        if options.join:
            n_joined = options.join // share
            codes = make_codes(paths, n_joined, options.jobs)
            start = perf_counter()
            found = codes.pairs(VIEW_SETS["robust"].radius, options.jobs)
            taken = perf_counter() - start
            print(
                f"Robust join of {n_joined} images: {taken:.1f} s, {len(found.left)} pairs; "
                f"{taken / (rates[0] * n_joined):.2f} times the hashing of as many small images.",
                flush=True,
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
