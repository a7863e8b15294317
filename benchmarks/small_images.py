"""Measure what hashing small JPEGs takes beside decoding them, in one thread.

Decoding alone is Pillow's: `open`, for luma at reduced size `draft`, and `load`. Contestants take
turns at a few images at a time, all in one process, so that whatever else the machine does slows
down all of them alike. The least processor time of each turn counts. All hashes with simplejpeg
are compared with those without.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import thread_time
from typing import Any

import numpy as np
from contestants import FIVE, TWO, decode_luma_by_pillow, decode_one_by_pillow
from image_sets import make_sets

TURN = 100  # images that a contestant decodes or hashes at a time

Hash = Callable[[Sequence[str]], Any]


def hash_by(hashes: Sequence[str], decode: str) -> Hash:
    """Return a function that hashes files in this thread."""
    from hashfeatures import ImageHashFeaturizer

    return ImageHashFeaturizer(hashes=hashes, decode=decode, n_jobs=1).transform


@contextmanager
def without_simplejpeg(is_absent: bool) -> Iterator[None]:
    """Let the package behave as if simplejpeg were not installed."""
    from hashfeatures.images import _fast_jpeg

    load = _fast_jpeg.load_simplejpeg
    if is_absent:
        _fast_jpeg.load_simplejpeg = lambda: None
    try:
        yield
    finally:
        _fast_jpeg.load_simplejpeg = load


def measure_one_thread(paths: Sequence[str], repeats: int) -> tuple[list[list[str]], bool]:
    """Return a table of the speeds, and whether all hashes are the same with simplejpeg."""
    from hashfeatures.images._fast_jpeg import load_simplejpeg

    table = [["one thread", "of decoding alone", "without simplejpeg", "simplejpeg gains"]]
    are_equal = True
    for title, bare, hash_files in (
        ("phash and dhash, reduced", decode_luma_by_pillow, hash_by(TWO, "reduced")),
        ("five hashes, in full", decode_one_by_pillow, hash_by(FIVE, "full")),
    ):
        seconds = np.zeros(3)
        for start in range(0, len(paths), TURN):
            part = paths[start : start + TURN]
            least, bits = time_turn(part, bare, hash_files, repeats)
            seconds += least
            are_equal &= np.array_equal(*bits)
        decoding, fast, slow = seconds
        ratios = [f"{decoding / fast:.2f}", f"{decoding / slow:.2f}", f"{slow / fast - 1:.0%}"]
        if load_simplejpeg() is None:
            ratios = [ratios[1], ratios[1], "not installed"]
        table.append([title, *ratios])
    return table, are_equal


def time_turn(
    paths: Sequence[str], bare: Callable[[str], None], hash_files: Hash, repeats: int
) -> tuple[Any, list[Any]]:
    """Return the least times of decoding alone, and of hashing with and without simplejpeg."""
    least = np.full(3, np.inf)
    bits: list[Any] = []
    for _ in range(repeats):
        times = [thread_time()]
        for path in paths:
            bare(path)
        times.append(thread_time())
        bits.clear()
        for is_absent in (False, True):
            with without_simplejpeg(is_absent):
                bits.append(hash_files(paths))
            times.append(thread_time())
        least = np.minimum(least, np.diff(times))
    return least, bits


def main() -> int:
    """Run the benchmark; return 1 if simplejpeg changes a bit."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="*", type=Path, metavar="DIR", help="images of your own")
    parser.add_argument("--images", type=int, default=400, help="the most images of a set")
    parser.add_argument("--repeats", type=int, default=7, help="turns of each contestant")
    parser.add_argument("--quick", action="store_true", help="one turn on 20 images")
    options = parser.parse_args()
    n_images = 20 if options.quick else options.images
    all_equal = True
    with TemporaryDirectory(prefix="hashfeatures-benchmark-") as temporary:
        for images in make_sets(Path(temporary), options.folders, n_images, n_large=4):
            paths = images.paths
            table, are_equal = measure_one_thread(paths, 1 if options.quick else options.repeats)
            all_equal &= are_equal
            print(f"\n{len(paths)} images: {images.name}\n")
            print("| " + " | ".join(table[0]) + " |\n| --- | ---: | ---: | ---: |")
            for row in table[1:]:
                print("| " + " | ".join(row) + " |", flush=True)
    print("\nsimplejpeg changes no bit" if all_equal else "\nsimplejpeg changes bits")
    return int(not all_equal)


if __name__ == "__main__":
    sys.exit(main())
