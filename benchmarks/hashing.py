"""Measure how fast images become hashes, compared with ImageHash, Pillow and native libraries.

Every contestant reads the same files, which are in the system's memory, with as many workers. Each
lives in a process of its own. Its first call hashes all the images, and starts its workers and
imports its packages. Then the contestants are timed in turn: A B C, A B C. These warm runs count
neither the start of a pool nor an import.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import platform
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import numpy as np
import psutil
from contestants import (
    CACHED,
    CONTESTANTS,
    DECODE,
    DECODE_LUMA,
    FIVE,
    FULL,
    IMAGEHASH,
    NATIVE_FULL,
    NATIVE_REDUCED,
    REDUCED,
    REDUCED_TWO,
    TWO,
    hash_by_hashfeatures,
    hash_by_imagehash,
)
from image_sets import ImageSet, make_sets
from joblib.externals.loky import get_reusable_executor

PACKAGES = (
    *("hashfeatures", "numpy", "numba", "pillow", "ImageHash", "imgdd", "python-libphash"),
    *("opencv-contrib-python-headless", "imagededup"),
)
N_LARGE = 24  # images of 4000 x 3000 pixels


# ---- Timing ----


@dataclass
class Result:
    """The seconds of a contestant's first call and of each warm run, and the peak memory in MB."""

    n_images: int
    first: float
    seconds: list[float] = field(default_factory=list)
    memory: float = float("nan")

    @property
    def speed(self) -> float:
        """Images per second in the median run."""
        return self.n_images / median(self.seconds)

    @property
    def spread(self) -> float:
        """The range of the runs relative to their median, which is large on a busy machine."""
        return (max(self.seconds) - min(self.seconds)) / median(self.seconds)


def measure(images: ImageSet, jobs: int, repeats: int) -> dict[str, Result]:
    """Time all contestants that can be imported, in turn."""
    context = multiprocessing.get_context("spawn")
    processes = {name: ProcessPoolExecutor(1, context) for name in CONTESTANTS}
    results = {}
    for path in images.paths:  # into the system's memory, or the first contestant would pay for it
        Path(path).read_bytes()
    try:
        for name, process in processes.items():
            try:
                first = process.submit(run, name, images, jobs).result()
            except (ImportError, BrokenProcessPool) as error:
                print(f"Left out: {name} ({type(error).__name__}: {error})\n", flush=True)
            else:
                results[name] = Result(len(images.paths), first)
        for _ in range(repeats):
            for name, result in results.items():
                result.seconds.append(processes[name].submit(run, name, images, jobs).result())
        for name, result in results.items():
            result.memory = processes[name].submit(measure_memory).result()
    finally:
        for process in processes.values():
            with suppress(BrokenProcessPool):
                process.submit(stop_workers).result()
            process.shutdown()
    return results


def run(name: str, images: ImageSet, jobs: int) -> float:
    """Return the seconds that a contestant takes, in its own process."""
    start = perf_counter()
    CONTESTANTS[name](images, jobs)
    return perf_counter() - start


def measure_memory() -> float:
    """Return the sum of the peaks of resident memory of this process and its workers, in MB."""
    kilobytes = 0
    for process in (psutil.Process(), *psutil.Process().children(recursive=True)):
        status = Path(f"/proc/{process.pid}/status")
        if not status.exists():
            return float("nan")  # no Linux
        peak = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        kilobytes += int(peak.split()[1])
    return kilobytes * 1024 / 1e6


def stop_workers() -> None:
    """Stop joblib's processes, for which the interpreter would wait until they time out."""
    get_reusable_executor().shutdown(kill_workers=True)


# ---- Bits ----


def compare_bits(images: ImageSet, jobs: int) -> tuple[int, int, list[list[str]]]:
    """Count the bits that differ from ImageHash's, and those that a reduced decode changes.

    All hash the pixels that ImageHash hashes, without orientation and background. The function
    returns the number of bits compared with ImageHash's, the number that differ, and a
    table of the changes.
    """
    plain = {"orient": False, "background": None}
    five = hash_by_hashfeatures(images, jobs, hashes=FIVE, **plain)
    n_differing = int((five != hash_by_imagehash(images, jobs)).sum())
    full = split_bits(five, FIVE)
    drift = [
        ["reduced compared with full", "no bit differs", "at most 1", "at most 2", "the most"]
    ]
    for hashes in (FIVE, TWO, *((name,) for name in FIVE)):
        bits = hash_by_hashfeatures(images, jobs, hashes=hashes, decode="reduced", **plain)
        for name, reduced in split_bits(bits, hashes).items():
            distances = (reduced != full[name]).sum(axis=1)
            shares = [f"{(distances <= limit).mean():.1%}" for limit in (0, 1, 2)]
            beside = {FIVE: "(of five)", TWO: "(of phash and dhash)"}.get(hashes, "alone")
            title = f"{name} {beside}"
            drift.append([title, *shares, str(distances.max())])
    return five.size, n_differing, drift


def split_bits(bits: Any, hashes: Sequence[str]) -> dict[str, Any]:
    """Return the columns of each hash."""
    from hashfeatures import ImageHashFeaturizer

    widths = [len(ImageHashFeaturizer(hashes=name).get_feature_names_out()) for name in hashes]
    return dict(zip(hashes, np.split(bits, np.cumsum(widths)[:-1], axis=1), strict=True))


# ---- Tables ----


def compare_speeds(results: dict[str, Result]) -> list[list[str]]:
    """Return a table of the contestants compared with ImageHash and decoding alone."""
    heads = ["ImageHash = 1", "first call", "of decoding", "images/s", "spread", "memory, MB"]
    table = [["contestant", *heads]]
    base, limit = results[IMAGEHASH].speed, results[DECODE].speed
    first = results[IMAGEHASH].first
    for name, result in results.items():
        ratios = [f"{result.speed / base:.2f}", f"{first / result.first:.2f}"]
        ratios += [f"{result.speed / limit:.0%}"]
        speed = [f"{result.speed:.1f}", f"{result.spread:.0%}"]
        table.append([name, *ratios, *speed, f"{result.memory:.0f}"])
    return table


def compare_goals(results: dict[str, Result]) -> list[list[str]]:
    """Return a table of the ratios of speed that must not fall."""
    pairs = [(FULL, IMAGEHASH), (REDUCED, IMAGEHASH)]
    for peers in (NATIVE_FULL, NATIVE_REDUCED):
        present = [name for name in peers if name in results]
        if present:
            fastest = max(present, key=lambda name: results[name].speed)
            # The second is the speed that hashes without any cost would reach.
            pairs += [(REDUCED_TWO, fastest), (DECODE_LUMA, fastest)]
    pairs += [(REDUCED_TWO, DECODE_LUMA), (FULL, DECODE), (CACHED, FULL)]
    rows = [[a, b, f"{results[a].speed / results[b].speed:.2f}"] for a, b in pairs]
    return [["speed of", "divided by that of", "ratio"], *rows]


def show(table: list[list[str]], markdown: bool) -> None:
    """Print a table whose first row is its header, with numbers aligned to the right."""
    is_number = [cell[:1].isdigit() or cell == "nan" for cell in table[1]]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    rule = ["-" * (w - n) + ":" * n for w, n in zip(widths, is_number, strict=True)]
    for row in (table[0], rule, *table[1:]):
        cells = [
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(row, widths, is_number, strict=True)
        ]
        print(f"| {' | '.join(cells)} |" if markdown else "  ".join(cells).replace("-:", "--"))
    print(flush=True)


def describe_run(jobs: int, repeats: int) -> str:
    """Return a text that describes the machine and the releases."""
    found = [f"Python {platform.python_version()}"]
    for name in PACKAGES:
        with suppress(PackageNotFoundError):
            found.append(f"{name} {version(name)}")
    return (
        f"{jobs} workers on {os.cpu_count()} cores ({platform.machine()}), medians of {repeats} "
        f"warm runs. {', '.join(found)}."
    )


def main() -> int:
    """Run the benchmark; return 1 if a bit differs from ImageHash's."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="*", type=Path, metavar="DIR", help="images of your own")
    parser.add_argument("--images", type=int, default=1000, help="the most images of a set")
    parser.add_argument("--jobs", type=int, default=2, help="workers of every contestant")
    parser.add_argument("--repeats", type=int, default=3, help="timed runs of every contestant")
    parser.add_argument("--quick", action="store_true", help="one run on a tenth of the images")
    parser.add_argument("--markdown", action="store_true", help="print Markdown tables")
    options = parser.parse_args()
    repeats = 1 if options.quick else options.repeats
    n_images = options.images // 10 if options.quick else options.images
    n_large = N_LARGE // 4 if options.quick else N_LARGE
    print(describe_run(options.jobs, repeats), flush=True)
    total_differing = 0
    with TemporaryDirectory(prefix="hashfeatures-benchmark-") as temporary:
        for images in make_sets(Path(temporary), options.folders, max(1, n_images), n_large):
            print(f"\n#### {len(images.paths)} images: {images.name}\n", flush=True)
            results = measure(images, options.jobs, repeats)
            n_bits, n_differing, drift = compare_bits(images, options.jobs)
            total_differing += n_differing
            for table in (compare_goals(results), compare_speeds(results), drift):
                show(table, options.markdown)
            print(f"Compared with ImageHash: {n_bits} bits, {n_differing} differing", flush=True)
    return int(total_differing > 0)


if __name__ == "__main__":
    sys.exit(main())
