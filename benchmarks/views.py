"""Measure what views cost: hashing compared with hashing images as they are, and the join.

Both read the same files in the same process with as many workers, in turn. The join takes the
images in the folders, or images that are made: each is a window of random place and turn in the
mean of two photos, at the size of the square that views come from. If more are joined than were
hashed, each further image has the phashes of one of them and the dhashes of another. For
comparison, faiss' flat index compares the images as they are, without views.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Sequence
from importlib.util import find_spec
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
from same_picture import find_files

from hashfeatures.duplicates.fingerprints._views import ViewCodes
from hashfeatures.hamming._pairs import Pairs
from hashfeatures.hashing._batch import hash_sources
from hashfeatures.hashing._default_radius import default_radius
from hashfeatures.hashing._planes import ImagePlanes
from hashfeatures.hashing._spec import HashSpec, parse_hashes
from hashfeatures.hashing.views._view_hashes import ViewsSpec
from hashfeatures.hashing.views._windows import VIEW_SETS
from hashfeatures.images._decoding import Decoding

TWO = parse_hashes(("phash", "dhash"))
ROBUST = (ViewsSpec.of(TWO, "robust"),)
RADIUS = default_radius(TWO, "robust").bits
N_LARGE = 24
SIDE = 256
CHUNK = 1000
N_MADE = 10_000  # images that are hashed for the join: more are put together of these
N_ASKED = 10_000  # queries that faiss answers

Words = NDArray[np.uint64]


def specs_of(views: str) -> tuple[HashSpec, ...]:
    """Return the hashes for a set of views."""
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


def make_codes(paths: Sequence[str], n_images: int, jobs: int) -> Words:
    """Return the robust codes of images that are generated from those in `paths`."""
    photos = np.empty((len(paths), SIDE, SIDE), dtype=np.uint8)
    for number, path in enumerate(paths):
        with Image.open(path) as image:
            photos[number] = image.convert("L").resize((SIDE, SIDE))
    starts = range(0, n_images, CHUNK)
    parts = Parallel(n_jobs=jobs)(
        delayed(hash_windows)(photos, min(CHUNK, n_images - start), start) for start in starts
    )
    return np.concatenate(parts)


def hash_windows(photos: NDArray[np.uint8], count: int, seed: int) -> Words:
    """Return the codes of some generated images."""
    rng = np.random.default_rng(seed)
    (spec,) = ROBUST
    codes = []
    for _ in range(count):
        mixed = np.zeros((96, 96), dtype=np.float32)
        for photo in rng.choice(len(photos), size=2, replace=False):
            left, top = rng.integers(0, SIDE - 96, size=2)
            window = photos[photo][top : top + 96, left : left + 96]
            mixed += np.rot90(window, rng.integers(4)) / 2
        image = Image.fromarray(mixed.astype(np.uint8))
        codes.append(np.packbits(spec.algorithm.compute(ImagePlanes(image), spec.size)))
    return np.stack(codes).view(np.uint64).reshape(count, spec.views.n_views, spec.n_words)


def hash_folders(folders: Sequence[Path], jobs: int) -> Words:
    """Return the robust codes of the readable images in folders."""
    paths = [path for folder in folders for path in find_files(folder)]
    (spec,) = ROBUST
    hashes = hash_sources(paths, ROBUST, Decoding("reduced"), n_jobs=jobs, errors="coerce")
    codes = np.delete(hashes.packed(0), list(hashes.errors), axis=0)
    return codes.view(np.uint64).reshape(len(codes), spec.views.n_views, spec.n_words)


def multiply(codes: Words, n_images: int) -> Words:
    """Return codes of images, each with the phash of one and the dhash of another image."""
    rng = np.random.default_rng(0)
    many = np.empty((n_images, *codes.shape[1:]), dtype=np.uint64)
    for start in range(0, n_images, len(codes)):
        part = many[start : start + len(codes)]
        part[...] = codes[: len(part)]
        if start:
            part[..., 1] = codes[rng.permutation(len(codes))[: len(part)], :, 1]
    return many


def time_join(words: Words, jobs: int) -> tuple[float, Pairs]:
    """Return the seconds of a warm join over robust views, and the pairs that it found."""
    views = VIEW_SETS["robust"]
    ViewCodes(words[:1000], views).pairs(RADIUS, jobs)
    codes = ViewCodes(words, views)
    start = perf_counter()
    found = codes.pairs(RADIUS, jobs)
    return perf_counter() - start, found


def time_faiss(words: Words, found: Pairs, jobs: int) -> float:
    """Return the seconds of faiss' flat join of the images as they are, scaled from a part.

    What it finds within the radius of the robust views has to be among what these found.
    """
    import faiss

    faiss.omp_set_num_threads(jobs)
    codes = np.ascontiguousarray(words[:, 0])
    index = faiss.IndexBinaryFlat(64 * codes.shape[1])
    index.add(codes.view(np.uint8))
    sampled = np.random.default_rng(1).permutation(len(codes))[:N_ASKED]
    start = perf_counter()
    # faiss' radius is exclusive.
    ends, far, rows = index.range_search(
        codes[sampled].view(np.uint8), default_radius(TWO).bits + 1
    )
    seconds = (perf_counter() - start) * len(codes) / len(sampled)
    left = np.repeat(sampled, np.diff(ends.astype(np.intp)))
    near = (far <= RADIUS) & (left != rows)
    known = set(zip(found.left.tolist(), found.right.tolist(), strict=True))
    lower, upper = np.minimum(left, rows)[near], np.maximum(left, rows)[near]
    missed = set(zip(lower.tolist(), upper.tolist(), strict=True)) - known
    if missed:
        sys.exit(f"The robust join missed {len(missed)} pairs that faiss found.")
    return seconds


def compare_join(words: Words, rate: float, jobs: int) -> None:
    """Print the time of the robust join compared with those of hashing and of faiss."""
    taken, found = time_join(words, jobs)
    print(
        f"Over robust views: {taken:.1f} s, {len(found.left)} pairs; "
        f"{taken / rate / len(words):.2f} times the hashing of as many images of the first set.",
        flush=True,
    )
    if find_spec("faiss"):
        flat = time_faiss(words, found, jobs)
        print(
            f"faiss, flat, as they are: {flat:.1f} s ({min(N_ASKED, len(words))} queries, "
            f"multiplied), {flat / taken:.1f} times as long."
        )


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="*", type=Path, metavar="DIR", help="images of your own")
    parser.add_argument("--images", type=int, default=400, help="the most images of a set")
    parser.add_argument("--join", type=int, default=100_000, help="images to join; 0: none")
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
            if options.folders:
                words = hash_folders(options.folders, options.jobs)
            else:
                words = make_codes(paths, min(n_joined, N_MADE), options.jobs)
            print(f"The join is of {n_joined} images; {min(len(words), n_joined)} were hashed.")
            compare_join(multiply(words, n_joined), rates[0], options.jobs)
    return 0


if __name__ == "__main__":
    sys.exit(main())
