"""Count how many of the known duplicates between the parts of CIFAR-10 are found, by radius.

The folder holds the images as ``train/CLASS/*.jpg`` and ``test/CLASS/*.jpg`` (or .png), and one
CSV file (or ``--pairs FILE``) of known pairs, such as those that Barz and Denzler found ("Do we
train on test data? Purging CIFAR of near-duplicates", 2020). Its first two columns name a test and
a training image, in either order, by their paths in the folder. Other columns are ignored.
"""

from __future__ import annotations

import argparse
import csv
import sys
import warnings
from pathlib import Path

from hashfeatures import NearDuplicateFinder
from hashfeatures.exceptions import ChainingWarning

RADII = (0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 24, 28, 32)

Pair = tuple[str, str]


def list_images(folder: Path, part: str) -> list[str]:
    """Return the paths of a part's images, as they are named in the folder."""
    found = [
        path.relative_to(folder).as_posix()
        for path in sorted((folder / part).glob("*/*"))
        if path.suffix.lower() in (".jpg", ".jpeg", ".png")
    ]
    if not found:
        sys.exit(f"There are no images {part}/CLASS/*.jpg in {folder}.")
    return found


def find_csv(folder: Path) -> Path:
    """Return the only CSV file of a folder."""
    found = sorted(folder.glob("*.csv"))
    if len(found) != 1:
        sys.exit(
            f"Expected one CSV file of known pairs in {folder}. Got {len(found)}: --pairs FILE"
        )
    return found[0]


def read_pairs(file: Path, known: set[str]) -> set[Pair]:
    """Read known pairs as (training image, test image)."""
    pairs = set()
    with file.open(newline="", encoding="utf-8") as lines:
        for number, cells in enumerate(csv.reader(lines), 1):
            names = [cell.strip().removeprefix("./").replace("\\", "/") for cell in cells[:2]]
            if len(names) < 2:
                continue
            unknown = [name for name in names if name not in known]
            if unknown and number == 1:
                continue  # the header
            if unknown:
                sys.exit(f"{file}, line {number}: there is no image {unknown[0]!r}.")
            in_test = [name.startswith("test/") for name in names]
            if in_test == [True, False]:
                names.reverse()
            if in_test[0] != in_test[1]:  # pairs within a part are not leaks
                pairs.add((names[0], names[1]))
    if not pairs:
        sys.exit(f"{file} names no pair of a training and a test image.")
    return pairs


def find_pairs(folder: Path, train: list[str], test: list[str], n_jobs: int) -> dict[Pair, int]:
    """Return the found pairs of a training and a test image, and their distances in bits."""
    finder = NearDuplicateFinder(radius=max(RADII), verify=False, n_jobs=n_jobs, progress=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ChainingWarning)  # the largest radius is far too large
        finder.fit([folder / name for name in train])
    left, right, distance, *_ = finder.matches([folder / name for name in test])
    return {
        (train[there], test[here]): int(bits)
        for here, there, bits in zip(left, right, distance, strict=True)
    }


def score(found: dict[Pair, int], known: set[Pair], radius: int) -> tuple[int, int, float, float]:
    """Return the numbers of found pairs and of known pairs among them, recall and precision."""
    near = {pair for pair, bits in found.items() if bits <= radius}
    n_known = len(near & known)
    return len(near), n_known, n_known / len(known), n_known / max(len(near), 1)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--pairs", type=Path, metavar="FILE", help="the CSV file, if not in DIR")
    parser.add_argument("--jobs", type=int, default=2, help="workers (2)")
    options = parser.parse_args()
    folder = options.folder
    train, test = list_images(folder, "train"), list_images(folder, "test")
    known = read_pairs(options.pairs or find_csv(folder), {*train, *test})
    found = find_pairs(folder, train, test, options.jobs)
    print(f"{len(train)} training and {len(test)} test images, {len(known)} known pairs\n")
    print("| radius | pairs found | of them known | recall | precision | leaking test images |")
    print("| ---: | ---: | ---: | ---: | ---: | ---: |")
    for radius in RADII:
        n_found, n_known, recall, precision = score(found, known, radius)
        n_leaking = len({pair[1] for pair, bits in found.items() if bits <= radius})
        print(
            f"| {radius} | {n_found} | {n_known} | {recall:.1%} | {precision:.1%} | {n_leaking} |"
        )
    print("\nPrecision counts what is found and not listed as wrong: look at such pairs first.")


if __name__ == "__main__":
    main()
