"""Compare crop-resistant hashes with ImageHash's: how fast they are, and which crops they find.

Both hash the same decoded images in turn, in one process. The command fails if a bit differs. Then
crops are searched for: by `views="segments"`, and by the rule of ImageHash's own `matches` (one
segment is within a quarter of the bits of a segment of the other image).
"""

from __future__ import annotations

import argparse
import platform
import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

import imagehash
import numpy as np
import PIL
from hashing import show
from image_sets import make_sets
from imagehash import ImageHash, ImageMultiHash
from joblib import Parallel, delayed
from PIL import Image

from hashfeatures import NearDuplicateFinder
from hashfeatures.edits import Edit
from hashfeatures.hashing.views._segments import crop_resistant_hash

CROPS = (
    Edit("recompress", quality=60),
    Edit("crop", share=0.1),
    Edit("crop", share=0.15),
    Edit("crop", share=0.2),
    Edit("crop_sides", left=0.3),
    Edit("crop_sides", bottom=0.4),
    Edit("crop_sides", right=0.2, bottom=0.2),
)
N_STRANGERS = 20_000


def open_image(path: str) -> Image.Image:
    """Return a decoded image."""
    with Image.open(path) as image:
        return image.convert("RGB")


def time_hashing(paths: list[str]) -> tuple[float, float, int, int]:
    """Return the median seconds per image of each side, and the numbers of segments.

    The first image is hashed once before.
    """
    ours, theirs = [], []
    n_segments = n_differing = 0
    crop_resistant_hash(open_image(paths[0]))
    for path in paths:
        image = open_image(path)
        start = perf_counter()
        found = crop_resistant_hash(image)
        middle = perf_counter()
        expected = imagehash.crop_resistant_hash(image).segment_hashes
        ours.append(middle - start)
        theirs.append(perf_counter() - middle)
        n_segments += len(expected)
        n_differing += abs(len(found) - len(expected))
        n_differing += sum(
            not np.array_equal(a, b.hash) for a, b in zip(found, expected, strict=False)
        )
    return median(ours), median(theirs), n_segments, n_differing


def hash_as_imagehash(path: str, edit: Edit | None = None) -> ImageMultiHash:
    """Return ImageHash's object of an image or of an edited copy, made faster."""
    image = open_image(path) if edit is None else edit(open_image(path))
    return ImageMultiHash([ImageHash(bits) for bits in crop_resistant_hash(image)])


def compare_matching(paths: list[str], n_edited: int, jobs: int) -> list[list[str]]:
    """Return a table of the copies and of the different images that match."""
    parallel = Parallel(n_jobs=jobs)
    finder = NearDuplicateFinder(views="segments", n_jobs=jobs).fit(paths)
    known = parallel(delayed(hash_as_imagehash)(path) for path in paths)
    table = [["images matched", 'views="segments"', "ImageHash's matches"]]
    edited = np.linspace(0, len(paths) - 1, min(n_edited, len(paths)), dtype=int)
    for edit in CROPS:
        copies = [edit(open_image(paths[row])) for row in edited]
        found = finder.matches(copies)
        n_ours = np.count_nonzero(edited[found.left] == found.right)
        hashes = parallel(delayed(hash_as_imagehash)(paths[row], edit) for row in edited)
        n_theirs = sum(known[row].matches(copy) for row, copy in zip(edited, hashes, strict=True))
        shares = (n / len(edited) for n in (n_ours, n_theirs))
        table.append([str(edit), *(f"{share:.3f}" for share in shares)])
    n_pairs = len(paths) * (len(paths) - 1) // 2
    left, right = np.random.default_rng(0).integers(0, len(paths), (2, N_STRANGERS))
    rows = [(one, two) for one, two in zip(left, right, strict=True) if one != two]
    n_theirs = sum(known[one].matches(known[two]) for one, two in rows)
    rates = (len(finder.pairs_.left) / n_pairs, n_theirs / len(rows))
    table.append(["different images, in a million", *(f"{1e6 * rate:.1f}" for rate in rates)])
    return table


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="*", type=Path, metavar="DIR", help="images of your own")
    parser.add_argument("--images", type=int, default=40, help="images of a set to time")
    parser.add_argument(
        "--matched", type=int, default=2000, help="images of folders to match; 0: none"
    )
    parser.add_argument("--jobs", type=int, default=2, help="workers that match")
    parser.add_argument("--quick", action="store_true", help="time 2 images, match 20")
    parser.add_argument("--markdown", action="store_true", help="print Markdown tables")
    options = parser.parse_args()
    if options.quick:
        options.images, options.matched = 2, 20
    print(
        f"One process ({platform.machine()}), medians over the images. Python "
        f"{platform.python_version()}, pillow {PIL.__version__}, ImageHash "
        f"{imagehash.__version__}.\n"
    )
    table = [["images", "ours, ms", "ImageHash, ms", "ratio", "segments", "that differ"]]
    paths: list[str] = []
    differing = 0
    with TemporaryDirectory(prefix="hashfeatures-benchmark-") as temporary:
        most = max(options.images, options.matched // max(1, len(options.folders)))
        n_made = options.images if not options.folders else most
        for images in make_sets(Path(temporary), options.folders, n_made, 8):
            ours, theirs, n_segments, n_differing = time_hashing(images.paths[: options.images])
            times = (f"{1000 * ours:.1f}", f"{1000 * theirs:.1f}", f"{theirs / ours:.1f}")
            name = f"{min(options.images, len(images.paths))} images: {images.name}"
            table.append([name, *times, str(n_segments), str(n_differing)])
            differing += n_differing
            paths += images.paths
        show(table, options.markdown)
        # Generated images share parts of photos, so only those of folders count as different.
        if options.folders and options.matched:
            print()
            show(compare_matching(paths, 200, options.jobs), options.markdown)
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
