"""Measure how much detail images have, and how often different images of little detail match.

The finder compares images of less detail than ``min_detail`` by their pixels alone. This benchmark
justifies that limit. Photos and icons (from folders of your own) must lie above it. Flat images,
gradients and blank pages (made here) must lie below it.
"""

from __future__ import annotations

import argparse
import random
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from hashfeatures import FailedImagesWarning, NearDuplicateFinder, hash_images
from hashfeatures.hashing._hex import hex_to_bits

WORDS = ("lorem", "ipsum", "dolor", "sit", "amet", "consetetur", "sadipscing", "elitr", "sed")
LINES = (0, 1, 2, 3, 5, 10, 26)


def make_flat(rng: np.random.Generator) -> Image.Image:
    """Make an image of one color."""
    return Image.new("RGB", random_size(rng), tuple(rng.integers(0, 256, 3).tolist()))


def make_noisy(rng: np.random.Generator) -> Image.Image:
    """Make an image of one color, with faint noise."""
    width, height = random_size(rng)
    noise = rng.normal(0, rng.choice([1, 2, 4]), (height, width, 3))
    return as_image(rng.integers(20, 236, 3) + noise)


def make_gradient(rng: np.random.Generator) -> Image.Image:
    """Make a gradient from one color to another, in any direction."""
    width, height = random_size(rng)
    down, across = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    turn = rng.uniform(0, 2 * np.pi)
    along = np.cos(turn) * across + np.sin(turn) * down
    along = (along - along.min()) / np.ptp(along)
    one, other = rng.integers(0, 256, (2, 3))
    return as_image(one + (other - one) * along[..., None])


def make_scan(rng: np.random.Generator, n_lines: int) -> Image.Image:
    """Make a scanned page: paper that is lit unevenly, with grain, and some lines of text."""
    width, height = 850, 1200
    down, across = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    light = rng.uniform(0, 12) * (across * rng.uniform(-1, 1) + down * rng.uniform(-1, 1))
    light += rng.uniform(0, 6) * (across**2 + down**2)
    page = as_image((rng.uniform(235, 252) - light + rng.normal(0, 2, light.shape))[..., None])
    draw = ImageDraw.Draw(page)
    font = ImageFont.load_default(int(rng.choice([22, 26, 30])))
    top = rng.integers(60, 160)
    for line in range(n_lines):
        text = " ".join(rng.choice(WORDS, rng.integers(5, 9)))
        draw.text((int(rng.integers(50, 100)), int(top + 40 * line)), text, (30, 30, 30), font)
    return page


def random_size(rng: np.random.Generator) -> tuple[int, int]:
    """Return a width and a height."""
    width, height = rng.integers(60, 400, 2)
    return int(width), int(height)


def as_image(values: Any) -> Image.Image:
    """Return an RGB image of an array with one or three numbers per pixel."""
    pixels = np.clip(np.broadcast_to(values, (*values.shape[:2], 3)), 0, 255)
    return Image.fromarray(pixels.astype(np.uint8))


def list_files(folder: Path, most: int) -> list[str]:
    """Return some files of a folder, and only the largest of icons in several sizes."""
    largest: dict[tuple[str, str], Path] = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in (".jpg", ".jpeg", ".png") and path.is_file():
            name = path.parent.name, path.name
            known = largest.get(name)
            if known is None or path.stat().st_size > known.stat().st_size:
                largest[name] = path
    chosen = sorted(map(str, largest.values()))
    random.Random(0).shuffle(chosen)
    return chosen[:most]


def print_family(name: str, images: list[Any]) -> None:
    """Print the detail of images of one kind, and the number of pairs that match."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FailedImagesWarning)
        table = hash_images(images, ["phash", "dhash"], decode="reduced").dropna(subset="phash")
    detail = table["detail"].to_numpy(dtype=int)
    bits = np.hstack([hex_to_bits(table[name], 64) for name in ("phash", "dhash")]).astype(float)
    distances = bits.sum(axis=1)[:, None] + bits.sum(axis=1) - 2 * bits @ bits.T
    finder = NearDuplicateFinder()
    near = np.triu(distances <= finder._radius_for_bits(0), k=1)
    n_pairs = len(bits) * (len(bits) - 1) // 2
    low = (detail < finder.min_detail).mean()
    least, typical = detail.min(), int(np.median(detail))
    print(
        f"| {name} | {len(bits)} | {least} | {typical} | {detail.max()} | {low:.1%} | "
        f"{near.sum() / n_pairs:.3%} |",
        flush=True,
    )


def main() -> None:
    """Run the measurement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", type=Path, nargs="*", metavar="DIR", help="photos, icons, ...")
    parser.add_argument("--most", type=int, default=1000, help="images of a folder (1000)")
    parser.add_argument("--made", type=int, default=200, help="images of each kind made (200)")
    options = parser.parse_args()
    finder = NearDuplicateFinder()
    print(
        f"| images | number | least detail | median | most | below {finder.min_detail} |", end=""
    )
    print(f" pairs within {finder._radius_for_bits(0)} bits |")
    print("| --- |" + " ---: |" * 6)
    for folder in options.folders:
        print_family(folder.name, list_files(folder, options.most))
    rng = np.random.default_rng(0)
    makers: dict[str, Callable[[], Image.Image]] = {
        "flat": lambda: make_flat(rng),
        "flat, with noise": lambda: make_noisy(rng),
        "gradients": lambda: make_gradient(rng),
    }
    for name, make in makers.items():
        print_family(name, [make() for _ in range(options.made)])
    for n_lines in LINES:
        name = f"scans, {n_lines} lines of text"
        print_family(name, [make_scan(rng, n_lines) for _ in range(options.made // 2)])


if __name__ == "__main__":
    main()
