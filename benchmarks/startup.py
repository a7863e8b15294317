"""Measure what the first call of a process takes, beside the bare imports of its libraries.

Every measurement is a process of its own, from start to exit: the bare imports of numpy, scipy,
pandas, scikit-learn, Pillow and numba; `find_duplicates` on 50 photos that all differ, and on 45
of them with edited copies of five; and the command `hashfeatures duplicates` on both. They run in
turn, A B C, A B C, so that what else the machine does slows all down alike. Each is divided by
the bare imports of its round. The medians are printed, of the time that passed and of that of the
processor. Then processes that have imported numba search the near pairs of codes twice. The
answers are compared with those of this process, in which all compiled functions are loaded.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np
from image_sets import PHOTOS, TILE
from PIL import Image

from hashfeatures import HammingNeighbors, find_duplicates
from hashfeatures._utils.kernels import load_kernels

N_PHOTOS = 50
N_COPIES = 5
N_CODES, N_BITS, RADIUS = 20_000, 128, 12

BARE = "import numpy, scipy, pandas, sklearn, PIL, numba"
FIND = """
import sys
from pathlib import Path
from hashfeatures import find_duplicates
found = find_duplicates(sorted(Path(sys.argv[1]).iterdir()))
print(found[["group", "distance"]].to_csv())
"""
COMMAND = """
import sys
from hashfeatures.cli import main
sys.argv = ["hashfeatures", "duplicates", sys.argv[1]]
main()
"""
SEARCH = """
import sys
from time import perf_counter, process_time
import numba
import numpy as np
from hashfeatures import HammingNeighbors
codes = np.unpackbits(np.load(sys.argv[1]), axis=1)
for _ in range(2):
    neighbors = HammingNeighbors().fit(codes)
    start, worked = perf_counter(), process_time()
    found = neighbors.pairs(int(sys.argv[2]))
    print(perf_counter() - start, process_time() - worked, len(found.left))
"""


@dataclass(frozen=True)
class Run:
    """What a process took, in seconds, and what it printed."""

    passed: float
    processor: float
    printed: str


def run(script: str, *arguments: object) -> Run:
    """Run a script in a process of its own."""
    # Without files of bytecode, Python would compile the package at each start.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    before, start = os.times(), perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env=environment,
    )
    passed, after = perf_counter() - start, os.times()
    processor = after.children_user + after.children_system
    return Run(passed, processor - before.children_user - before.children_system, done.stdout)


def write_photos(folders: Sequence[Path], differing: Path, copied: Path) -> None:
    """Write photos that all differ, and most of them with edited copies of a few."""
    differing.mkdir()
    copied.mkdir()
    photos = [
        Image.open(path).convert("RGB")
        for folder in folders
        for path in sorted(folder.rglob("*.[jJ][pP]*[gG]"))[:N_PHOTOS]
    ] or list(_cut_tiles())
    for number, photo in enumerate(photos[:N_PHOTOS]):
        name = f"{number:02}.jpg"
        photo.save(differing / name, quality=90)
        if number < N_PHOTOS - N_COPIES:
            photo.save(copied / name, quality=90)
        if number < N_COPIES:
            width, height = photo.size
            smaller = photo.resize((width * 3 // 4, height * 3 // 4))
            smaller.save(copied / f"copy-{name}", quality=80)


def _cut_tiles() -> list[Image.Image]:
    """Cut the photos in scikit-image's wheel into six tiles each."""
    import skimage

    data = Path(skimage.__file__).parent / "data"
    tiles = []
    for photo in PHOTOS:
        image = Image.open(data / photo).convert("RGB")
        width, height = image.width // 3, image.height // 2
        for left in range(0, 3 * width, width):
            for top in range(0, 2 * height, height):
                box = (left, top, left + width, top + height)
                tiles.append(image.resize(TILE, Image.Resampling.LANCZOS, box))
    return tiles


def measure_first_calls(differing: Path, copied: Path, rounds: int) -> bool:
    """Print the ratios; return whether all answers are right."""
    contestants = {
        "bare imports": (BARE,),
        "find_duplicates, photos that differ": (FIND, differing),
        "find_duplicates, with copies": (FIND, copied),
        "hashfeatures duplicates, photos that differ": (COMMAND, differing),
        "hashfeatures duplicates, with copies": (COMMAND, copied),
    }
    for contestant in contestants.values():  # compiles what is not compiled yet
        run(*contestant)
    runs: dict[str, list[Run]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, contestant in contestants.items():
            runs[name].append(run(*contestant))
    bare = runs["bare imports"]
    print("| process | time | by processor |")
    print("| --- | ---: | ---: |")
    for name, measured in runs.items():
        pairs = list(zip(measured, bare, strict=True))
        passed = median(one.passed / base.passed for one, base in pairs)
        processor = median(one.processor / base.processor for one, base in pairs)
        print(f"| {name} | {passed:.2f} | {processor:.2f} |")
    print(f"\nThe bare imports took {median(each.passed for each in bare):.2f} s.\n")
    right = True
    load_kernels("hashing")
    for folder, name in ((differing, "photos that differ"), (copied, "with copies")):
        found = find_duplicates(sorted(folder.iterdir()))
        expected = found[["group", "distance"]].to_csv()
        right &= all(
            each.printed.strip() == expected.strip() for each in runs[f"find_duplicates, {name}"]
        )
        told = runs[f"hashfeatures duplicates, {name}"]
        right &= all(
            (Path(image).name in each.printed) for each in told for image in found["image"]
        )
    return right


def measure_first_search(folder: Path, rounds: int) -> bool:
    """Print how much longer the first search takes; return whether the answers are right."""
    codes = np.random.default_rng(0).integers(0, 256, (N_CODES, N_BITS // 8), dtype=np.uint8)
    codes[N_CODES // 2 : N_CODES // 2 + 100] = codes[:100]
    np.save(folder / "codes.npy", codes)
    longer, processor, counts = [], [], set()
    for _ in range(rounds + 1):  # the first compiles what is not compiled yet
        first, second = np.reshape(
            run(SEARCH, folder / "codes.npy", RADIUS).printed.split(), (2, 3)
        ).astype(float)
        longer.append(first[0] - second[0])
        processor.append(first[1] - second[1])
        counts |= {int(first[2]), int(second[2])}
    print(
        f"With numba imported, the first search among {N_CODES} codes of {N_BITS} bits takes "
        f"{median(longer[1:]):.2f} s longer than the second, and {median(processor[1:]):.2f} s of "
        f"the processor."
    )
    bits = np.unpackbits(codes, axis=1)
    return counts == {len(HammingNeighbors(algorithm="brute").fit(bits).pairs(RADIUS).left)}


def main() -> int:
    """Run the benchmark; return 1 if an answer is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="*", type=Path, metavar="DIR", help="photos of your own")
    parser.add_argument("--rounds", type=int, default=9, help="processes of each kind")
    parser.add_argument("--quick", action="store_true", help="one process of each kind")
    options = parser.parse_args()
    rounds = 1 if options.quick else options.rounds
    with TemporaryDirectory() as temporary:
        differing, copied = Path(temporary) / "differing", Path(temporary) / "copied"
        write_photos(options.folders, differing, copied)
        right = measure_first_calls(differing, copied, rounds)
        right &= measure_first_search(Path(temporary), rounds)
    if not right:
        print("Some answers differ from those of a process with all compiled functions.")
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
