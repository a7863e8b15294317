"""Measure how well sequences are found by names, and by pixels in order with names hidden.

The folder holds a folder for each class, with images named TRACK_FRAME, such as GTSRB's training
images. A pair of images is right if both are of one track. By pixels, the images are listed class
by class, track by track and frame by frame, without their names. Then each grouping splits the
images, and the share of test images that have their track in training is counted. With --score, a
model of the nearest neighbor on histograms of gradients predicts the classes of the test images.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from hashing import show
from numpy.typing import NDArray
from PIL import Image
from skimage.feature import hog
from sklearn.model_selection import train_test_split as split_by_image
from sklearn.neighbors import KNeighborsClassifier

from hashfeatures import NearDuplicateFinder, find_sequences, train_test_split

TEST_SIZE = 0.2


def list_tracks(folder: Path, first: int, last: int | None) -> tuple[list[str], NDArray[np.intp]]:
    """Return the images of some classes in order, and the number of the track of each."""
    classes = sorted(path for path in folder.iterdir() if path.is_dir())
    endings = Image.registered_extensions()
    paths = [
        path
        for place in classes[first:last]
        for path in sorted(place.iterdir())
        if path.suffix.lower() in endings and "_" in path.stem
    ]
    if not paths:
        sys.exit(f"There are no images CLASS/TRACK_FRAME.* in {folder}.")
    tracks = [str(path.parent / path.stem.partition("_")[0]) for path in paths]
    return [str(path) for path in paths], np.unique(tracks, return_inverse=True)[1]


def count_pairs(labels: NDArray[np.intp]) -> int:
    """Return the number of pairs of images with one label."""
    sizes = np.unique(labels, return_counts=True)[1]
    return int((sizes * (sizes - 1) // 2).sum())


def rate(labels: NDArray[np.intp], tracks: NDArray[np.intp]) -> list[str]:
    """Return the number of sequences, and the precision and the recall of pairs, as cells."""
    both = count_pairs(labels * (tracks.max() + 1) + tracks)
    precision, recall = both / max(count_pairs(labels), 1), both / max(count_pairs(tracks), 1)
    return [f"{len(np.unique(labels)):,}", f"{precision:.4f}", f"{recall:.4f}"]


def find(paths: list[str], tracks: NDArray[np.intp], options: Any) -> dict[str, NDArray[np.intp]]:
    """Find sequences in each way, and print how right they are."""
    table = [["way", "sequences", "precision", "recall", "seconds"]]
    found = {}
    for name, way in (("names", "name"), ("pixels in order", "pixels")):
        start = time.perf_counter()
        found[name] = find_sequences(paths, by=way, n_jobs=options.jobs)
        seconds = time.perf_counter() - start
        table.append([name, *rate(found[name], tracks), f"{seconds:.1f}"])
    show(table, options.markdown)
    return found


def split(
    paths: list[str],
    tracks: NDArray[np.intp],
    found: dict[str, NDArray[np.intp]],
    options: Any,
) -> None:
    """Split by each grouping, and print how many test images have their track in training."""
    rows = np.arange(len(paths))
    finder = NearDuplicateFinder(n_jobs=options.jobs).fit(paths)
    splits = {
        "image": split_by_image(rows, test_size=TEST_SIZE, random_state=0),
        "near duplicates": split_rows(paths, finder, None),
    }
    for name, groups in found.items():
        splits[f"near duplicates and {name}"] = split_rows(paths, finder, groups)
    table = [["split by", "test images", "with their track in training", "share"]]
    if options.score:
        table[0].append("accuracy")
        features = np.array([describe(path) for path in paths])
        classes = np.array([Path(path).parent.name for path in paths])
    for name, (train, test) in splits.items():
        leaks = np.isin(tracks[test], tracks[train])
        table.append([name, f"{len(test):,}", f"{leaks.sum():,}", f"{leaks.mean():.1%}"])
        if options.score:
            model = KNeighborsClassifier(1).fit(features[train], classes[train])
            table[-1].append(f"{model.score(features[test], classes[test]):.3f}")
    show(table, options.markdown)


def describe(path: str) -> NDArray[np.float32]:
    """Return a histogram of oriented gradients of 32 x 32 pixels."""
    with Image.open(path) as image:
        gray = image.convert("L").resize((32, 32), Image.Resampling.BOX)
    return hog(np.asarray(gray), 9, pixels_per_cell=(8, 8), cells_per_block=(2, 2)).astype(
        np.float32
    )


def split_rows(
    paths: list[str], finder: NearDuplicateFinder, groups: NDArray[np.intp] | None
) -> list[Any]:
    """Return the rows of the training and the test images."""
    parts = train_test_split(
        paths,
        np.arange(len(paths)),
        test_size=TEST_SIZE,
        random_state=0,
        groups=groups,
        finder=finder,
    )
    return list(parts[2:])


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, metavar="DIR", help="a folder of classes")
    parser.add_argument("--first", type=int, default=0, help="the first class, counted from 0")
    parser.add_argument("--last", type=int, default=None, help="the class to stop before")
    parser.add_argument("--no-split", action="store_true", help="find sequences alone")
    parser.add_argument("--score", action="store_true", help="score a model on each split")
    parser.add_argument("--jobs", type=int, default=-1, help="the number of workers")
    parser.add_argument("--markdown", action="store_true", help="print Markdown tables")
    options = parser.parse_args()
    paths, tracks = list_tracks(options.folder, options.first, options.last)
    print(f"{len(paths):,} images of {len(np.unique(tracks)):,} tracks\n")
    found = find(paths, tracks, options)
    if not options.no_split:
        split(paths, tracks, found, options)


if __name__ == "__main__":
    main()
