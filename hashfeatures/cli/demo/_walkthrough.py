"""The demo: it plants copies among photos, finds, splits and ranks them, and shows some."""

from __future__ import annotations

import os
from collections import Counter
from contextlib import AbstractContextManager, nullcontext
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


def run_demo(output: Path, seed: int = 0, photos: Path | None = None) -> None:
    """Run the demo and print what it finds.

    Parameters
    ----------
    output : Path
        The contact sheet to write, a PNG file.
    seed : int, default=0
        Seed for the choice of images and the splits.
    photos : Path, optional
        The new folder to write the images to. None means a temporary one.

    Raises
    ------
    MissingExtraError
        If scikit-image or matplotlib is not installed.
    OSError
        If the contact sheet or the images cannot be written.
    """
    check_output(output)
    for module in ("skimage", "matplotlib.figure"):
        import_extra(module, "demo", "The demo")
    with open_folder(photos) as folder:
        show_title()
        images = build_images(Path(folder), seed)
        show_images(images)

        show_heading("2. Find the copies: NearDuplicateFinder().fit(images)")
        finder = NearDuplicateFinder(progress=True).fit(images.paths)
        show_findings(compare_groups(images, finder))

        show_heading("3. Split the images: how leaks inflate the score of a classifier")
        bits = ImageHashFeaturizer(progress=True).fit_transform(images.paths)
        naive, grouped = try_splits(images, bits, finder.labels_, seed)
        show_splits(naive, grouped, bits.shape[1])

        query = images.most_copied()
        show_heading(f"4. Rank by similarity: find_similar(images, {images.paths[query].name!r})")
        similar = find_similar(images.paths, images.paths[query], by="phash", n=_N_SIMILAR)
        show_similar(images, query, similar)

        groups = choose_groups(images, finder.labels_)
        write_contact_sheet(output, images, groups, finder)
        show_contact_sheet(output, groups)


def open_folder(photos: Path | None) -> AbstractContextManager[str | Path]:
    """Return a context of a new folder: `photos`, which stays, or else a temporary one."""
    if photos is None:
        return TemporaryDirectory(prefix="hashfeatures-demo-")
    if photos.exists():
        raise FileExistsError(f"The photos need a new folder. This one exists: {photos}")
    photos.mkdir()
    return nullcontext(photos)


def check_output(output: Path) -> None:
    """Raise `OSError` if a file cannot be written at `output`."""
    folder = output.parent
    if not folder.is_dir():
        raise FileNotFoundError(f"The folder of the contact sheet does not exist: {folder}")
    if output.is_dir():
        raise IsADirectoryError(
            f"The contact sheet needs the name of a file, not of a folder: {output}"
        )
    if not os.access(folder, os.W_OK):
        raise PermissionError(
            f"No permission to write to the folder of the contact sheet: {folder}"
        )


@dataclass(frozen=True)
class Findings:
    """A comparison of the groups that were found with those that were planted.

    Parameters
    ----------
    n_planted, n_found : int
        The number of groups of two images or more.
    planted_pairs, found_pairs, common_pairs : int
        The number of pairs within planted groups, within found groups, and within both.
    missed : list of tuple of str and int
        The copies outside the group of their original, with their distance to it in bits.
    wrong : list of tuple of str, str and int
        The matched pairs that are not copies of each other, with their distance.
    radius, n_bits : int
        The greatest distance of a match, and the number of bits that are compared.
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
        """The fraction of the planted pairs that was found."""
        return self.common_pairs / self.planted_pairs

    @property
    def precision(self) -> float:
        """The fraction of the found pairs that was planted."""
        return self.common_pairs / self.found_pairs


def compare_groups(images: PlantedImages, finder: NearDuplicateFinder) -> Findings:
    """Compare the groups of a fitted finder with those that were planted."""
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
            for left, right, distance in zip(*finder.pairs_[:3], strict=True)
            if images.origins[left] != images.origins[right]
        ],
        radius=finder.radius_,
        n_bits=bits.shape[1],
    )


def finder_bits(paths: list[Path], finder: NearDuplicateFinder) -> NDArray[np.uint8]:
    """Return the bits by which a finder compares images."""
    featurizer = ImageHashFeaturizer(finder.hashes, decode=finder.decode)
    bits: NDArray[np.uint8] = featurizer.fit_transform(paths)
    return bits


def count_pairs(*labels: Rows) -> int:
    """Count the pairs of rows that are equal in all `labels`."""
    sizes = np.unique(np.stack(labels), axis=1, return_counts=True)[1]
    return int((sizes * (sizes - 1) // 2).sum())


def count_groups(labels: Rows) -> int:
    """Count the labels of two rows or more."""
    return int((np.bincount(labels) > 1).sum())


@dataclass(frozen=True)
class Trial:
    """The results of one or more splits, with one value per test image.

    Parameters
    ----------
    leaks : ndarray of bool
        Whether a copy of the image, or its original, is in the training part.
    leaks_known : ndarray of bool
        Whether the finder had grouped the image with such a copy.
    right : ndarray of bool
        Whether the classifier predicted the label of the image.
    """

    leaks: NDArray[np.bool_]
    leaks_known: NDArray[np.bool_]
    right: NDArray[np.bool_]

    @property
    def n_known(self) -> float:
        """The mean number of images per split that leak within a found group."""
        return float(self.leaks_known.sum() / _N_SPLITS)

    @property
    def n_unknown(self) -> float:
        """The mean number of images per split that leak only through missed copies."""
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
    """Split, train and score many times: at random, and with the found groups kept together."""
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
    """Train and score on one split, and find the leaks."""
    # This equals Pipeline([ImageHashFeaturizer(), KNeighborsClassifier()]) on the images: the
    # featurizer learns nothing from them, so one set of bits serves all splits.
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
    """Return the rows of the largest found groups, at most one group per photo."""
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
        The finder, by whose bits distances are measured.
    """
    # Not pyplot, which would search for a display and keep the figure.
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
        # A group with a wrong match may be longer than a row; the row shows its beginning.
        for axis, row, distance in zip(line, rows, (bits != bits[0]).sum(axis=1), strict=False):
            draw_thumbnail(axis, images.paths[row], images.kinds[row], int(distance))
    figure.suptitle(
        f"Groups found by hashfeatures, one per row. Each image shows how many\n"
        f"of its {n_bits} bits differ from the first image in its row."
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
    """Print lines at once, so that they keep their order among progress bars on stderr."""
    print(text, flush=True)


def show_title() -> None:
    """Print the title."""
    show(f"hashfeatures {__version__}: plant copies among photos, then find them")


def show_heading(text: str) -> None:
    """Print the heading of a section."""
    show(f"\n{text}\n{'-' * len(text)}")


def show_images(images: PlantedImages) -> None:
    """Print the kinds of images."""
    counts = Counter(images.kinds)
    show_heading(f"1. The images: crops of {len(set(images.labels))} photos, some with copies")
    for kind in ALL_KINDS:
        show(f"   {kind.name:<14}{counts[kind.name]:>5}   {kind.text}")
    show(f"   {'all':<14}{len(images):>5}")
    show()
    show("   Crops of one photo share its name as their label, but not a single pixel:")
    show("   they are different images. Only the planted copies are duplicates.")


def show_findings(findings: Findings) -> None:
    """Print what was found, what was missed and what was matched wrongly."""
    show(f"   {'':<20}{'planted':>9}{'found':>9}")
    show(f"   {'groups':<20}{findings.n_planted:>9}{findings.n_found:>9}")
    show(f"   {'pairs of images':<20}{findings.planted_pairs:>9}{findings.found_pairs:>9}")
    show(f"   recall    {findings.recall:>7.1%}   of the planted pairs were found")
    show(f"   precision {findings.precision:>7.1%}   of the found pairs were planted")
    show(f"   Near duplicates differ in at most {findings.radius} of {findings.n_bits} bits,")
    show("   and their pixels agree.")
    near = "  (not confirmed by the pixels)"
    show_list(
        "Missed copies, with their distances to the originals:",
        [
            f"{bits:>3} bits  {name}{near if bits <= findings.radius else ''}"
            for name, bits in findings.missed
        ],
    )
    show_list(
        "Wrong matches:",
        [f"{bits:>3} bits  {left}  {right}" for left, right, bits in findings.wrong],
    )


def show_list(title: str, lines: list[str]) -> None:
    """Print a title, and the first of many lines below it."""
    show(f"   {title}{'' if lines else ' none'}")
    for line in lines[:_N_LISTED]:
        show(f"     {line}")
    if len(lines) > _N_LISTED:
        show(f"     and {len(lines) - _N_LISTED} more")


def show_splits(naive: Trial, grouped: Trial, n_bits: int) -> None:
    """Print how many test images leak, and how that changes the score."""
    show("   KNeighborsClassifier(1) predicts the photo that an image comes from, from the")
    show(f"   {n_bits} bits of ImageHashFeaturizer(). The score is its accuracy.")
    show("   Hashing learns nothing from the images, so all splits share the same bits.")
    show(
        f"   Means of {_N_SPLITS} random splits, with {_TEST_SIZE:.0%} of each photo for testing:"
    )
    show()
    show(f"   {'train_test_split of':<48}{'scikit-learn':>14}{'hashfeatures':>14}")
    both = (naive, grouped)
    show_row("test images in a split", [f"{len(t.right) / _N_SPLITS:.1f}" for t in both])
    show_row("  that leak through copies found above", [f"{t.n_known:.1f}" for t in both])
    show_row("  that leak through copies missed above", [f"{t.n_unknown:.1f}" for t in both])
    show_row("score on all test images", [format_score(t.right) for t in both])
    show_row("score on images that leak", [format_score(t.right[t.leaks]) for t in both])
    show_row("score on images that do not leak", [format_score(t.right[~t.leaks]) for t in both])
    show()
    gap = 100 * (naive.right.mean() - grouped.right.mean())
    show("   A test image leaks if a copy of it, or its original, is in the training part.")
    show("   The classifier has then seen the answer, and its score measures memory. This")
    show(f"   raises the score of the plain random split by {gap:.1f} points.")


def show_row(name: str, values: list[str]) -> None:
    """Print a row of the table of splits."""
    show(f"   {name:<48}{values[0]:>14}{values[1]:>14}")


def format_score(right: NDArray[np.bool_]) -> str:
    """Return the fraction of right answers as text."""
    return f"{right.mean():.1%}" if len(right) else "-"


def show_similar(images: PlantedImages, query: int, similar: pd.DataFrame) -> None:
    """Print a ranking, with the relation of each image to the query."""
    show(f"   {'image':<36}{'bits':>5}   relation")
    for row, bits in zip(similar.index, similar["hamming_distance"], strict=True):
        show(f"   {images.paths[row].name:<36}{bits:>5}   {images.relation(row, query)}")


def show_contact_sheet(output: Path, groups: list[Rows]) -> None:
    """Print where the contact sheet is."""
    show_heading("5. See for yourself")
    show(f"   The contact sheet shows {len(groups)} of the groups that were found: {output}")
