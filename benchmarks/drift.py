"""Count the bits that decode="reduced" changes, for each hash alone, for pairs, and by scans.

A hash that is computed alone may be decoded to fewer pixels than beside others. So each hash has a
row of its own, and the pair of hashes that changes most has one. Progressive JPEGs of 12
megapixels, which are decoded from their first scans, stand beside baseline files of the same
pixels. They are made from the same photos: enlarged, with some noise, as that of a camera.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import process_time
from typing import Any

import numpy as np
from hashing import show, split_bits
from image_sets import ImageSet, copy_set, make_set, open_set
from numpy.typing import NDArray
from PIL import Image

from hashfeatures import ImageHashFeaturizer
from hashfeatures.hashing._batch import reduction_for
from hashfeatures.hashing._spec import parse_hashes

HASHES = (
    *("ahash", "phash", "phash_simple", "dhash", "dhash_vertical", "whash", "colorhash"),
    *("colorgrid", "pdq"),
)
TWO = ("phash", "dhash")
FIVE = ("ahash", "phash", "dhash", "whash", "colorhash")
PIXELS = 12_000_000
SIDE = 256  # what is left of a large image for phash and dhash
LEAST_SHARE = 0.99

Distances = dict[str, NDArray[Any]]


def hash_by(paths: list[str], hashes: Sequence[str], jobs: int, decode: str) -> Any:
    """Return the bits of each hash."""
    featurizer = ImageHashFeaturizer(hashes=list(hashes), decode=decode, n_jobs=jobs)
    return split_bits(np.asarray(featurizer.transform(paths)), hashes)


def count_changes(
    paths: list[str], full: dict[str, Any], hashes: Sequence[str], jobs: int
) -> Distances:
    """Return the bits of each image that change when these hashes are computed together."""
    reduced = hash_by(paths, hashes, jobs, "reduced")
    return {name: (reduced[name] != full[name]).sum(axis=1) for name in hashes}


def share_within(distances: NDArray[Any], n_bits: int) -> float:
    """Return the share of images with at most 2 changed bits, or 1 bit in 32 of longer hashes."""
    return float((distances <= max(2, n_bits // 32)).mean())


def find_worst_pair(
    paths: list[str], full: dict[str, Any], hashes: Sequence[str], jobs: int
) -> tuple[str, NDArray[Any], int]:
    """Return the hash that changes most in any pair, with the other one of the pair.

    The bits of a pair depend on nothing but how much of the images both need, so all pairs with
    the same needs are computed at once.
    """
    alike: dict[Any, list[tuple[str, str]]] = {}
    for pair in combinations(hashes, 2):
        alike.setdefault(reduction_for(parse_hashes(pair)), []).append(pair)
    rows = []
    for pairs in alike.values():
        names = sorted({name for pair in pairs for name in pair})
        changes = count_changes(paths, full, names, jobs)
        for pair in pairs:
            for name, other in (pair, pair[::-1]):
                n_bits = full[name].shape[1]
                title = f"worst pair: {name}, with {other}"
                rows.append((title, changes[name], n_bits))
    return min(rows, key=lambda row: (share_within(row[1], row[2]), -row[1].max()))


def tabulate(paths: list[str], hashes: Sequence[str], jobs: int) -> tuple[list[list[str]], float]:
    """Return a table of changes, and the least share of images within the bound."""
    full = hash_by(paths, hashes, jobs, "full")
    rows = [
        (f"{name} alone", count_changes(paths, full, (name,), jobs)[name], full[name].shape[1])
        for name in hashes
    ]
    rows.append(find_worst_pair(paths, full, hashes, jobs))
    table = [["hash", "bits", "no bit differs", "at most 1", "at most 2", "1 in 32", "the most"]]
    for title, distances, n_bits in rows:
        shares = [f"{(distances <= limit).mean():.1%}" for limit in (0, 1, 2)]
        within = f"{share_within(distances, n_bits):.1%}"
        table.append([title, str(n_bits), *shares, within, str(distances.max())])
    return table, min(share_within(distances, n_bits) for _, distances, n_bits in rows)


def enlarge(images: ImageSet, folder: Path, n_images: int) -> tuple[ImageSet, ImageSet]:
    """Write photos at 12 megapixels, as baseline and as progressive files of the same pixels."""
    kinds = ("baseline", "progressive")
    for kind in kinds:
        (folder / kind).mkdir(parents=True)
    rng = np.random.default_rng(0)
    for number, path in enumerate(images.paths[:n_images]):
        image = Image.open(path).convert("RGB")
        factor = (PIXELS / (image.width * image.height)) ** 0.5
        size = round(image.width * factor), round(image.height * factor)
        pixels = np.asarray(image.resize(size, Image.Resampling.BICUBIC)).astype(np.int16)
        pixels += rng.normal(0, 3, pixels.shape[:2]).astype(np.int16)[..., None]
        large = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
        for kind in kinds:
            file = folder / kind / f"{number:05}.jpg"
            large.save(file, quality=90, progressive=kind == "progressive")
    baseline, progressive = (
        open_set(f"{images.name}, 12 megapixels, {kind}", folder / kind) for kind in kinds
    )
    return baseline, progressive


def compare_speeds(images: ImageSet, repeats: int) -> list[list[str]]:
    """Compare hashing from the first scans with Pillow's reduced decoding of all scans alone."""
    table = [["speed of", "divided by that of", "ratio"]]
    for hashes, mode in ((TWO, "L"), (FIVE, "RGB")):
        ours, theirs = [], []
        hash_by(images.paths, hashes, 1, "reduced")  # the warm-up
        for _ in range(repeats):
            start = process_time()
            hash_by(images.paths, hashes, 1, "reduced")
            middle = process_time()
            for path in images.paths:
                with Image.open(path) as image:
                    image.draft(mode, (SIDE, SIDE))
                    image.load()
            ours.append(middle - start)
            theirs.append(process_time() - middle)
        ratio = median(theirs) / median(ours)
        what = "phash and dhash" if hashes == TWO else "five hashes"
        decoding = f"Pillow, decoding all scans to {mode} at an eighth"
        table.append([f"hashfeatures, {what}, from the first scans", decoding, f"{ratio:.2f}"])
    return table


def main() -> int:
    """Run the benchmark; return 1 if a hash keeps fewer than 99 % of ordinary photos."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="*", type=Path, metavar="DIR", help="images of your own")
    parser.add_argument("--images", type=int, default=1000, help="the most images of a set")
    parser.add_argument("--large", type=int, default=100, help="images at 12 megapixels")
    parser.add_argument("--jobs", type=int, default=2, help="workers")
    parser.add_argument("--repeats", type=int, default=3, help="timed runs")
    parser.add_argument("--quick", action="store_true", help="20 images, and 2 large ones")
    parser.add_argument("--markdown", action="store_true", help="print Markdown tables")
    options = parser.parse_args()
    n_images, n_large = options.images, options.large
    if options.quick:
        n_images, n_large = min(n_images, 20), min(n_large, 2)
    hashes = HASHES if importlib.util.find_spec("pdqhash") else HASHES[:-1]
    least = 1.0
    with TemporaryDirectory(prefix="hashfeatures-benchmark-") as temporary:
        folder = Path(temporary)
        sets = [copy_set(one, folder / str(n), n_images) for n, one in enumerate(options.folders)]
        if not sets:
            sets = [make_set("500 x 375 pixels", folder / "small", n_images, n_tiles=1)]
        for number, images in enumerate(sets):
            large = enlarge(images, folder / f"large{number}", n_large) if n_large else ()
            for part in (images, *large):
                table, share = tabulate(part.paths, hashes, options.jobs)
                print(f"\n#### {len(part.paths)} images: {part.name}\n", flush=True)
                show(table, options.markdown)
                if part is images:
                    least = min(least, share)
            if large:
                show(
                    compare_speeds(large[1], 1 if options.quick else options.repeats),
                    options.markdown,
                )
    if least < LEAST_SHARE and not options.quick:
        print(f"A hash keeps {least:.1%} of the photos, fewer than {LEAST_SHARE:.0%}.")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
