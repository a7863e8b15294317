"""Count the planted leaks that checkers of splits find, each with its own defaults.

The training part is a folder of photos. The test part holds other photos, and copies of training
photos, each made by one edit. All checkers look at the same two folders. A checker that is not
installed is named, and left out:
``pip install imgcheck vision-data-doctor dataeval imagededup cleanvision``.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import itertools
import os
import sys
import warnings
from collections.abc import Callable, Iterable
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
from hashing import show
from held_out_edits import HELD_OUT_EDITS
from PIL import Image
from same_picture import find_files, make_files

from hashfeatures import NearDuplicateFinder, leakage_report
from hashfeatures.edits import EVERYDAY_EDITS

CLASS = "photos"  # some checkers compare folders of classes
KINDS = {"everyday": EVERYDAY_EDITS, "other": HELD_OUT_EDITS}


class Split(NamedTuple):
    """The two folders, with the files in them by what they show."""

    train: Path
    test: Path
    copies: dict[str, set[str]]
    others: set[str]


def make_split(photos: list[str], folder: Path, n_test: int, n_copies: int) -> Split:
    """Save the photos in two parts, and `n_copies` copies by each edit in the test part."""
    train, test = (folder / part / CLASS for part in ("train", "test"))
    train.mkdir(parents=True)
    test.mkdir(parents=True)
    rng = np.random.default_rng(0)
    order = rng.permutation(len(photos))
    others = {save(photos[row], test / f"other{row:05}.png") for row in order[:n_test]}
    for row in order[n_test:]:
        save(photos[row], train / f"{row:05}.png")
    rows = itertools.cycle(order[n_test:])
    copies: dict[str, set[str]] = {kind: set() for kind in KINDS}
    for kind, edits in KINDS.items():
        for number, edit in enumerate(edits):
            for row in itertools.islice(rows, n_copies):
                path = test / f"{kind}{number:02}-{row:05}.png"
                with Image.open(photos[row]) as opened:
                    edit(opened.convert("RGB"), int(row)).save(path)
                copies[kind].add(path.name)
    return Split(train, test, copies, others)


def save(photo: str, path: Path) -> str:
    """Save a photo as RGB without loss, and return the name of the file."""
    with Image.open(photo) as opened:
        opened.convert("RGB").save(path)
    return path.name


# ---- Checkers: the names of test images that leak ----


def check_by_hashfeatures(split: Split, views: str = "identity") -> Iterable[str]:
    """Return what `leakage_report` lists."""
    parts = [sorted(map(str, part.iterdir())) for part in (split.train, split.test)]
    report = leakage_report(*parts, finder=NearDuplicateFinder(views=views, n_jobs=2))
    return {Path(path).name for path in report.pairs["right_image"]}


def check_by_hashfeatures_robust(split: Split) -> Iterable[str]:
    """Return what `leakage_report` lists with robust views."""
    return check_by_hashfeatures(split, "robust")


def check_by_imgcheck(split: Split, *, turns: bool = False) -> Iterable[str]:
    """Return what imgcheck's report of leaks marks."""
    import imgcheck
    import pandas as pd

    report = split.train.parents[1] / "leakage.xlsx"
    imgcheck.check_train_test_leakage(
        str(split.train.parent), str(split.test.parent), str(report), rotation_invariant=turns
    )
    matches = pd.read_excel(report, sheet_name="Matches")
    return set(matches.loc[matches.iloc[:, -1] == "Yes", "Test Image"])


def check_by_imgcheck_turns(split: Split) -> Iterable[str]:
    """Return what imgcheck marks if it compares turned and mirrored images too."""
    return check_by_imgcheck(split, turns=True)


def check_by_data_doctor(split: Split) -> Iterable[str]:
    """Return the exact and near leaks of vision-data-doctor."""
    from data_doctor import check_leakage

    result = check_leakage(split.train, split.test)
    return {leak["val"] for leak in (*result.exact_leaks, *result.near_leaks)}


def check_by_dataeval(split: Split, *, turns: bool = False) -> Iterable[str]:
    """Return the test images that DataEval groups with a training image."""
    from dataeval.flags import ImageStats
    from dataeval.quality import Duplicates

    flags = ImageStats.HASH_DUPLICATES_D4 if turns else ImageStats.HASH_DUPLICATES_BASIC
    paths = [sorted(part.iterdir()) for part in (split.train, split.test)]
    found = Duplicates(flags=flags).evaluate(*(Arrays(part) for part in paths))
    leaks = set()
    for row in found.data().iter_rows(named=True):
        if len(set(row["dataset_indices"])) == 2:
            members = zip(row["dataset_indices"], row["item_indices"], strict=True)
            leaks |= {paths[1][item].name for part, item in members if part == 1}
    return leaks


def check_by_dataeval_turns(split: Split) -> Iterable[str]:
    """Return what DataEval groups by its hashes of turned and mirrored images."""
    return check_by_dataeval(split, turns=True)


class Arrays:
    """Images as arrays of shape (channels, height, width), read one at a time."""

    def __init__(self, paths: list[Path]) -> None:
        self.paths = paths

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, row: int) -> np.ndarray:
        with Image.open(self.paths[row]) as image:
            return np.asarray(image).transpose(2, 0, 1)


def check_by_imagededup(split: Split) -> Iterable[str]:
    """Return the test images with a training image within the radius of imagededup's PHash."""
    from imagededup.methods import PHash

    parts = [PHash(verbose=False).encode_images(str(part)) for part in (split.train, split.test)]
    train, test = ({f"{at}/{k}": v for k, v in part.items()} for at, part in enumerate(parts))
    found = PHash(verbose=False).find_duplicates(encoding_map=train | test)
    return {
        name.partition("/")[2]
        for name in test
        if any(other.startswith("0/") for other in found[name])
    }


def check_by_cleanvision(split: Split) -> Iterable[str]:
    """Return the test images in a set of exact or near duplicates with a training image."""
    from cleanvision import Imagelab

    lab = Imagelab(data_path=str(split.train.parents[1]))
    lab.find_issues({"exact_duplicates": {}, "near_duplicates": {}}, verbose=False)
    return {
        Path(path).name
        for kind in ("exact_duplicates", "near_duplicates")
        for members in lab.info[kind]["sets"]
        if any(Path(path).parent == split.train for path in members)
        for path in members
        if Path(path).parent == split.test
    }


CHECKERS: dict[str, tuple[str, str, Callable[[Split], Iterable[str]]]] = {
    "hashfeatures": ("hashfeatures", "hashfeatures", check_by_hashfeatures),
    'hashfeatures, views="robust"': ("hashfeatures", "hashfeatures", check_by_hashfeatures_robust),
    "imagededup, PHash": ("imagededup", "imagededup", check_by_imagededup),
    "imgcheck": ("imgcheck", "imgcheck", check_by_imgcheck),
    "imgcheck, rotation invariant": ("imgcheck", "imgcheck", check_by_imgcheck_turns),
    "vision-data-doctor": ("vision-data-doctor", "data_doctor", check_by_data_doctor),
    "DataEval": ("dataeval", "dataeval", check_by_dataeval),
    "DataEval, D4 hashes": ("dataeval", "dataeval", check_by_dataeval_turns),
    "cleanvision": ("cleanvision", "cleanvision", check_by_cleanvision),
}


def run_checkers(split: Split) -> list[list[str]]:
    """Return a row for each checker that is installed."""
    rows = []
    for name, (package, module, check) in CHECKERS.items():
        if find_spec(module) is None:
            print(f"Left out: {name}, as {package} is not installed.", flush=True)
            continue
        print(f"{name}, {package} {version(package)} ...", file=sys.stderr, flush=True)
        with contextlib.redirect_stdout(io.StringIO()):
            leaks = set(check(split))
        found = [f"{len(leaks & made) / len(made):.3f}" for made in split.copies.values()]
        rows.append([name, *found, str(len(leaks & split.others))])
    return rows


def main() -> int:
    """Run the benchmark; return 1 if hashfeatures does not find most of the everyday copies."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, metavar="DIR", help="photos")
    parser.add_argument("--test", type=int, default=300, help="photos in the test part (300)")
    parser.add_argument("--copies", type=int, default=5, help="copies by each edit (5)")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    with TemporaryDirectory(prefix="hashfeatures-benchmark-") as temporary:
        folder = Path(temporary)
        photos = find_files(options.folder) if options.folder else make_files(folder)
        n_test = min(options.test, len(photos) // 3)
        split = make_split(photos, folder / "split", n_test, options.copies)
        os.chdir(temporary)  # where checkers leave their files
        rows = run_checkers(split)
        os.chdir(Path(__file__).parent)
    n_copies = ", ".join(f"{len(made)} {kind}" for kind, made in split.copies.items())
    print(f"{len(photos) - n_test} training photos; {n_test} other photos and copies in the test")
    print(f"part: {n_copies}.\n")
    header = ["checker", *KINDS, "other photos that it lists"]
    show([header, *rows], markdown=True)
    return int(float(rows[0][1]) < 0.8)


if __name__ == "__main__":
    sys.exit(main())
