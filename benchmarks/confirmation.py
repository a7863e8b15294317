"""Measure what the confirmation by pixels takes, beside hashes alone at their own radius.

Both finders look at the same files, one after the other, in turns. The ratio of their times is
printed, the peak of memory, and the bytes that a thumbnail takes in a saved file. Both must find
the copies that are planted among the images: equal files under other names.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import sys
import time
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image
from same_picture import find_files, make_files

from hashfeatures import NearDuplicateFinder

N_PLANTED = 20


def fit(paths: list[str], jobs: int, *, verify: bool) -> tuple[NearDuplicateFinder, float]:
    """Fit a finder, and return it with the seconds that this took."""
    start = time.perf_counter()
    finder = NearDuplicateFinder(verify=verify, n_jobs=jobs).fit(paths)
    return finder, time.perf_counter() - start


def cut(paths: list[str], n_images: int, folder: Path) -> list[str]:
    """Cut images into random quarters until there are enough, and return the files."""
    rng = np.random.default_rng(0)
    made = []
    while len(made) < n_images:
        for path in paths:
            with Image.open(path) as opened:
                image = opened.convert("RGB")
            width, height = image.width // 2, image.height // 2
            left, top = rng.integers(0, width + 1), rng.integers(0, height + 1)
            made.append(str(folder / f"{len(made):06}.jpg"))
            image.crop((left, top, left + width, top + height)).save(made[-1], quality=85)
            if len(made) == n_images:
                break
    return made


def main() -> int:
    """Run the benchmark; return 1 if a planted copy is not found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", type=Path, nargs="*", metavar="DIR", help="images")
    parser.add_argument("--images", type=int, help="cut the images into so many (all as they are)")
    parser.add_argument("--rounds", type=int, default=3, help="turns (3)")
    parser.add_argument("--jobs", type=int, default=2, help="workers (2)")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    with TemporaryDirectory(prefix="hashfeatures-benchmark-") as temporary:
        folder = Path(temporary)
        paths = [path for one in options.folders for path in find_files(one)]
        paths = paths or make_files(folder)
        if options.images is not None:
            paths = cut(paths, options.images, folder)
        n_images = len(paths)
        for number, path in enumerate(paths[:N_PLANTED]):
            paths.append(str(folder / f"planted-{number:02}{Path(path).suffix}"))
            shutil.copy(path, paths[-1])
        fit(paths[:50], options.jobs, verify=True)  # what starts once is not measured
        ratios = []
        for _ in range(options.rounds):
            alone, seconds = fit(paths, options.jobs, verify=False)
            verified, more = fit(paths, options.jobs, verify=True)
            ratios.append(more / seconds)
            print(f"hashes alone {seconds:.1f} s, verified {more:.1f} s", flush=True)
        saved = folder / "known.finder"
        verified.save(saved)
        size = saved.stat().st_size
        alone.save(saved)
        n_bytes = (size - saved.stat().st_size) / len(paths)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    rows = np.arange(len(paths) - n_images)
    print(
        f"\n{len(paths)} images: verified takes {np.median(ratios):.2f} times as long; "
        f"{verified.graph_.n_pairs} pairs are confirmed, {alone.graph_.n_pairs} are within "
        f"{alone.radius_} bits. {n_bytes:.0f} bytes an image in a file; peak {peak:.0f} MB."
    )
    found = [
        (finder.labels_[rows] == finder.labels_[n_images + rows]).all()
        for finder in (alone, verified)
    ]
    return 0 if all(found) else 1


if __name__ == "__main__":
    sys.exit(main())
