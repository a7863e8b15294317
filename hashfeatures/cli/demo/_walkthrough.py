"""The demo: copies are planted among photos, found, kept from leaking, ranked and shown."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import sklearn.model_selection
from numpy.typing import NDArray
from PIL import Image
from sklearn.neighbors import KNeighborsClassifier

from ... import __version__
from ..._utils.optional import import_extra
from ...duplicates._finder import NearDuplicateFinder
from ...duplicates._similar import find_similar
from ...hashing._featurizer import ImageHashFeaturizer
from ...model_selection._split import train_test_split
from ._planted import ALL_KINDS, PlantedImages, build_images

_TEST_SIZE = 0.25
_N_SPLITS = 10
_N_SIMILAR = 8
_N_SHEET_ROWS = 6
_N_LISTED = 8

Rows = NDArray[np.intp]


def run_demo(output: Path, seed: int = 0) -> None:
    """Run the demo and print what it finds.

    Parameters
    ----------
    output : Path
        The contact sheet to write, a PNG file.
    seed : int, default=0
        Chooses the images and the splits.

    Raises
    ------
    MissingExtraError
        If scikit-image or matplotlib is not installed.
    OSError
        If the contact sheet cannot be written.
    """
    check_output(output)
    for module in ("skimage", "matplotlib.figure"):
        import_extra(module, "demo", "The demo")
    show_title()
    with TemporaryDirectory(prefix="hashfeatures-demo-") as folder:
        images = build_images(Path(folder), seed)
        show_images(images)

        show_heading("2. Find the copies: NearDuplicateFinder().fit(images)")
        finder = NearDuplicateFinder(progress=True).fit(images.paths)
        show_findings(compare_groups(images, finder))

        show_heading("3. Split the images: what leaks, and what a score is then worth")
        bits = ImageHashFeaturizer(progress=True).fit_transform(images.paths)
        naive, grouped = try_splits(images, bits, finder.labels_, seed)
        show_splits(naive, grouped, bits.shape[1])

        query = images.most_copied()
        show_heading(f"4. Rank look-alikes: find_similar(images, {images.paths[query].name!r})")
        similar = find_similar(images.paths, images.paths[query], by="phash", n=_N_SIMILAR)
        show_similar(images, query, similar)

        groups = choose_groups(images, finder.labels_)
        write_contact_sheet(output, images, groups, finder)
        show_contact_sheet(output, groups)


def check_output(output: Path) -> None:
    """Raise `OSError` if a file cannot be written at `output`, before any work is done."""
    folder = output.parent
    if not folder.is_dir():
        raise FileNotFoundError(f"The folder of the contact sheet does not exist: {folder}")
    if output.is_dir():
        raise IsADirectoryError(f"The contact sheet cannot be written over a folder: {output}")
    if not os.access(folder, os.W_OK):
        raise PermissionError(f"The folder of the contact sheet cannot be written to: {folder}")


@dataclass(frozen=True)
class Findings:
    """The groups that were found beside those that were planted.

    Parameters
    ----------
    n_planted, n_found : int
        How many groups have two images or more.
    planted_pairs, found_pairs, common_pairs : int
        Two images of one planted group, of one found group, and of both.
    missed : list of tuple of str and int
        The copies that are not in the group of their original, and their distance in bits.
    wrong : list of tuple of str, str and int
        Two images that were matched and are no copies of one another, and their distance.
    radius, n_bits : int
        The greatest distance of a match, and how many bits are compared.
    """

    n_planted: int
    n_found: int
    planted_pairs: int
    found_pairs: int
    common_pairs: int
    missed: list[tuple[str, int]]
    wrong: list[tuple[str, str, int]]
    radius: int
    n_bits: int

    @property
    def recall(self) -> float:
        """The share of the planted pairs that was found."""
        return self.common_pairs / self.planted_pairs

    @property
    def precision(self) -> float:
        """The share of the found pairs that was planted."""
        return self.common_pairs / self.found_pairs


def compare_groups(images: PlantedImages, finder: NearDuplicateFinder) -> Findings:
    """Hold the groups of a fitted finder against those that were planted."""
    apart = np.flatnonzero(finder.labels_ != finder.labels_[images.origins])
    bits = finder_bits(images.paths, finder)
    distances = (bits[apart] != bits[images.origins[apart]]).sum(axis=1)
    return Findings(
        n_planted=count_groups(images.origins),
        n_found=count_groups(finder.labels_),
        planted_pairs=count_pairs(images.origins),
        found_pairs=count_pairs(finder.labels_),
        common_pairs=count_pairs(images.origins, finder.labels_),
        missed=[
            (images.paths[row].name, int(distance))
            for row, distance in zip(apart, distances, strict=True)
        ],
        wrong=[
            (images.paths[left].stem, images.paths[right].stem, int(distance))
            for left, right, distance in zip(*finder.pairs_, strict=True)
            if images.origins[left] != images.origins[right]
        ],
        radius=finder.radius_,
        n_bits=bits.shape[1],
    )


def finder_bits(paths: list[Path], finder: NearDuplicateFinder) -> NDArray[np.uint8]:
    """Return the bits that a finder compares images by."""
    featurizer = ImageHashFeaturizer(finder.hashes, decode=finder.decode)
    bits: NDArray[np.uint8] = featurizer.fit_transform(paths)
    return bits


def count_pairs(*labels: Rows) -> int:
    """Count the pairs of rows that are alike in all `labels`."""
    sizes = np.unique(np.stack(labels), axis=1, return_counts=True)[1]
    return int((sizes * (sizes - 1) // 2).sum())


def count_groups(labels: Rows) -> int:
    """Count the labels that two rows or more have."""
    return int((np.bincount(labels) > 1).sum())


@dataclass(frozen=True)
class Trial:
    """What came of one split or more, with a value for each image of the test parts.

    Parameters
    ----------
    leaks : ndarray of bool
        Whether a copy of the image, or what it is a copy of, is in the training part.
    leaks_known : ndarray of bool
        Whether the finder had grouped it with one that is.
    right : ndarray of bool
        Whether the classifier was right about it.
    """

    leaks: NDArray[np.bool_]
    leaks_known: NDArray[np.bool_]
    right: NDArray[np.bool_]

    @property
    def n_known(self) -> float:
        """How many images leak within a found group, on average over the splits."""
        return float(self.leaks_known.sum() / _N_SPLITS)

    @property
    def n_unknown(self) -> float:
        """How many images leak by missed copies alone, on average over the splits."""
        return float((self.leaks & ~self.leaks_known).sum() / _N_SPLITS)

    @classmethod
    def concatenate(cls, trials: list[Trial]) -> Trial:
        """Join many splits into one."""
        return cls(
            np.concatenate([trial.leaks for trial in trials]),
            np.concatenate([trial.leaks_known for trial in trials]),
            np.concatenate([trial.right for trial in trials]),
        )


def try_splits(
    images: PlantedImages, bits: NDArray[Any], groups: Rows, seed: int
) -> tuple[Trial, Trial]:
    """Split, train and score many times: naively, and with the found groups kept together."""
    rows = np.arange(len(images))
    options: dict[str, Any] = {"test_size": _TEST_SIZE, "stratify": images.labels}
    naive, grouped = [], []
    for state in np.random.default_rng(seed).integers(2**32, size=_N_SPLITS):
        options["random_state"] = int(state)
        train, test = sklearn.model_selection.train_test_split(rows, **options)
        naive.append(try_split(images, bits, groups, train, test))
        _, _, train, test = train_test_split(images.paths, rows, **options)
        grouped.append(try_split(images, bits, groups, train, test))
    return Trial.concatenate(naive), Trial.concatenate(grouped)


def try_split(
    images: PlantedImages, bits: NDArray[Any], groups: Rows, train: Rows, test: Rows
) -> Trial:
    """Train and score on one split, and see what leaks."""
    # The same as Pipeline([ImageHashFeaturizer(), KNeighborsClassifier()]) on the images: the
    # featurizer learns nothing from them, so their bits can be made once for all splits.
    classifier = KNeighborsClassifier(n_neighbors=1, metric="hamming")
    guesses = classifier.fit(bits[train], images.labels[train]).predict(bits[test])
    copies = images.origins[test, None] == images.origins[train]
    grouped = groups[test, None] == groups[train]
    return Trial(
        leaks=copies.any(axis=1),
        leaks_known=(copies & grouped).any(axis=1),
        right=guesses == images.labels[test],
    )


def choose_groups(images: PlantedImages, groups: Rows) -> list[Rows]:
    """Return the rows of the largest found groups, one of each photo."""
    sizes = np.bincount(groups)
    chosen: dict[str, Rows] = {}
    for group in np.argsort(-sizes, kind="stable"):
        rows = np.flatnonzero(groups == group)
        if len(rows) > 1:
            chosen.setdefault(str(images.labels[rows[0]]), rows)
    return list(chosen.values())[:_N_SHEET_ROWS]


def write_contact_sheet(
    output: Path, images: PlantedImages, groups: list[Rows], finder: NearDuplicateFinder
) -> None:
    """Write a PNG file with a row of thumbnails for each group.

    Parameters
    ----------
    output : Path
        The file.
    images : PlantedImages
        The images.
    groups : list of ndarray
        The rows of `images` in each group.
    finder : NearDuplicateFinder
        What says how distances are measured.
    """
    # Not pyplot: it would look for a display, and keep the figure.
    figure_module = import_extra("matplotlib.figure", "demo", "The demo")
    n_columns = len(ALL_KINDS)
    figure = figure_module.Figure(figsize=(2 * n_columns, 2 * len(groups)), layout="constrained")
    axes = figure.subplots(len(groups), n_columns, squeeze=False)
    for axis in axes.flat:
        axis.axis("off")
    n_bits = 0
    for line, rows in zip(axes, groups, strict=True):
        bits = finder_bits([images.paths[row] for row in rows], finder)
        n_bits = bits.shape[1]
        # A group with a wrong match may be longer than a line; what is too much is left out.
        for axis, row, distance in zip(line, rows, (bits != bits[0]).sum(axis=1), strict=False):
            draw_thumbnail(axis, images.paths[row], images.kinds[row], int(distance))
    figure.suptitle(
        f"Groups found by hashfeatures, one a row, with the distance of each image\n"
        f"to the first of its row: so many of {n_bits} bits differ"
    )
    figure.savefig(output, format="png", dpi=100)


def draw_thumbnail(axis: Any, path: Path, kind: str, distance: int) -> None:
    """Draw an image with its kind, its size and its distance above it."""
    with Image.open(path) as image:
        axis.imshow(image.convert("RGB"))
        size = f"{image.width} x {image.height} px"
    bits = f"{distance} bit{'' if distance == 1 else 's'}"
    axis.set_title(f"{kind}\n{size}, {bits}", fontsize=9)


def show(text: str = "") -> None:
    """Print one line or more, at once, so that progress bars on stderr come in their place."""
    print(text, flush=True)


def show_title() -> None:
    """Say what follows."""
    show(f"hashfeatures {__version__}: plant copies among photos, and find them again")


def show_heading(text: str) -> None:
    """Begin a section."""
    show(f"\n{text}\n{'-' * len(text)}")


def show_images(images: PlantedImages) -> None:
    """Say what the images are."""
    counts = Counter(images.kinds)
    show_heading(f"1. The images: crops of {len(set(images.labels))} photos, some with copies")
    for kind in ALL_KINDS:
        show(f"   {kind.name:<14}{counts[kind.name]:>5}   {kind.text}")
    show(f"   {'all':<14}{len(images):>5}")
    show()
    show("   Crops of one photo share its name as their label, but not a single pixel:")
    show("   they are different images. Only the planted copies are duplicates.")


def show_findings(findings: Findings) -> None:
    """Say what was found, what was missed and what was matched wrongly."""
    show(f"   {'':<20}{'planted':>9}{'found':>9}")
    show(f"   {'groups':<20}{findings.n_planted:>9}{findings.n_found:>9}")
    show(f"   {'pairs of images':<20}{findings.planted_pairs:>9}{findings.found_pairs:>9}")
    show(f"   recall    {findings.recall:>7.1%}   of the planted pairs were found")
    show(f"   precision {findings.precision:>7.1%}   of the found pairs were planted")
    show(f"   A match is at most {findings.radius} of {findings.n_bits} bits apart.")
    flat = "  (too little detail for its hash to be used)"
    show_list(
        "Missed copies, and how far they are from their originals:",
        [
            f"{bits:>3} bits  {name}{flat if bits <= findings.radius else ''}"
            for name, bits in findings.missed
        ],
    )
    show_list(
        "Wrong matches:",
        [f"{bits:>3} bits  {left}  {right}" for left, right, bits in findings.wrong],
    )


def show_list(title: str, lines: list[str]) -> None:
    """Print the first of many lines, below their title."""
    show(f"   {title}{'' if lines else ' none'}")
    for line in lines[:_N_LISTED]:
        show(f"     {line}")
    if len(lines) > _N_LISTED:
        show(f"     and {len(lines) - _N_LISTED} more")


def show_splits(naive: Trial, grouped: Trial, n_bits: int) -> None:
    """Say how many test images leak, and what that does to the score."""
    show(f"   The {n_bits} bits of ImageHashFeaturizer() go to KNeighborsClassifier(1), which")
    show("   guesses the photo of an image; the score is the share of right guesses.")
    show("   Hashing learns nothing from the images, so it is done once for all splits.")
    show(f"   Means of {_N_SPLITS} random splits, {_TEST_SIZE:.0%} of each photo for testing:")
    show()
    show(f"   {'train_test_split of':<48}{'scikit-learn':>14}{'hashfeatures':>14}")
    both = (naive, grouped)
    show_row("test images in a split", [f"{len(t.right) / _N_SPLITS:.1f}" for t in both])
    show_row("  leaking through copies found above", [f"{t.n_known:.1f}" for t in both])
    show_row("  leaking through copies missed above", [f"{t.n_unknown:.1f}" for t in both])
    show_row("score on all test images", [format_score(t.right) for t in both])
    show_row("score on those that leak", [format_score(t.right[t.leaks]) for t in both])
    show_row("score on those that do not", [format_score(t.right[~t.leaks]) for t in both])
    show()
    gap = 100 * (naive.right.mean() - grouped.right.mean())
    show("   An image leaks if a copy of it, or what it is a copy of, is in the training")
    show("   part. The classifier has then seen the answer, and the score says how well")
    show(f"   it remembers. That lifts the naive score by {gap:.1f} points.")


def show_row(name: str, values: list[str]) -> None:
    """Print a line of the table of splits."""
    show(f"   {name:<48}{values[0]:>14}{values[1]:>14}")


def format_score(right: NDArray[np.bool_]) -> str:
    """Return the share of right answers as text."""
    return f"{right.mean():.1%}" if len(right) else "-"


def show_similar(images: PlantedImages, query: int, similar: pd.DataFrame) -> None:
    """Print a ranking, and what each image in it is."""
    show(f"   {'image':<36}{'bits':>5}   what it is")
    for row, bits in zip(similar.index, similar["hamming_distance"], strict=True):
        show(f"   {images.paths[row].name:<36}{bits:>5}   {images.relation(row, query)}")


def show_contact_sheet(output: Path, groups: list[Rows]) -> None:
    """Say where the contact sheet is."""
    show_heading("5. See for yourself")
    show(f"   {len(groups)} of the groups that were found are shown in {output}")
