"""The images of the demo: a small labeled set with planted copies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..._utils.optional import import_extra
from ...edits import recolor, resize, watermark

# The photos that ship in scikit-image's wheel: no drawings, nothing tiny or mostly flat, and only
# one of the two views of the motorcycle, since the demo alone plants near duplicates.
PHOTOS = (
    "astronaut.png",
    "brick.png",
    "camera.png",
    "chelsea.png",
    "coffee.png",
    "coins.png",
    "grass.png",
    "gravel.png",
    "hubble_deep_field.jpg",
    "ihc.png",
    "motorcycle_left.png",
    "retina.jpg",
    "rocket.jpg",
)

# The rows and columns of cells in a photo; each cell yields one crop.
_GRID = 4

# The least standard deviation of the luma; below it, a crop shows plain sky or plain night.
_LEAST_CONTRAST = 10

_COPIED_SHARE = 0.25


@dataclass(frozen=True)
class PlantedImages:
    """Image files, and which of them are copies of which.

    Parameters
    ----------
    paths : list of Path
        The files.
    labels : ndarray of shape (n_images,), dtype str
        The photo that each image was cropped from.
    kinds : list of str
        "original", or the name of the kind of copy.
    origins : ndarray of shape (n_images,), dtype intp
        The row of the original of each image; that of the image itself if it is an original.
    """

    paths: list[Path]
    labels: NDArray[np.str_]
    kinds: list[str]
    origins: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.paths)

    def most_copied(self) -> int:
        """Return the row of the original with the most copies, the first of several."""
        return int(np.bincount(self.origins).argmax())

    def relation(self, row: int, to: int) -> str:
        """Describe the relation of an image to another."""
        if row == to:
            return "the image itself"
        if self.origins[row] == self.origins[to]:
            return f"copy: {self.kinds[row]}"
        same_photo = self.labels[row] == self.labels[to]
        return "another crop of the photo" if same_photo else "another photo"


@dataclass(frozen=True)
class CopyKind:
    """A way to make a copy that looks the same but is another file.

    Parameters
    ----------
    name : str
        The name of the kind.
    text : str
        A description of the change.
    change : callable
        Takes an image and returns the changed one.
    suffix : str
        The suffix of the file, which selects its format.
    quality : int
        The quality of a JPEG file; other formats ignore it.
    """

    name: str
    text: str
    change: Callable[[Image.Image], Image.Image]
    suffix: str
    quality: int = 90


COPY_KINDS = (
    CopyKind("half size", "half the width, half the height", resize, ".png"),
    CopyKind("JPEG 20", "saved again, at JPEG quality 20", Image.Image.copy, ".jpg", quality=20),
    CopyKind("recolored", "warmer and brighter", recolor, ".jpg"),
    CopyKind("watermark", "half-transparent text across the middle", watermark, ".png"),
)

_UNCHANGED = CopyKind("original", "a crop of a photo", Image.Image.copy, ".jpg")

ALL_KINDS = (_UNCHANGED, *COPY_KINDS)


def build_images(folder: Path, seed: int) -> PlantedImages:
    """Write crops of photos, and copies of some of the crops, as JPEG and PNG files.

    Crops of one photo share its label but no pixel: they are different images of one class.

    Parameters
    ----------
    folder : Path
        The folder to write to; each photo gets a subfolder.
    seed : int
        Seed for the choice of crops and copies. The same seed writes the same files.

    Returns
    -------
    PlantedImages
        The images.

    Raises
    ------
    MissingExtraError
        If scikit-image is not installed.
    """
    rng = np.random.default_rng(seed)
    paths: list[Path] = []
    labels, kinds, origins = [], [], []
    for photo_path in _photo_paths():
        (folder / photo_path.stem).mkdir()
        with Image.open(photo_path) as photo:
            crops = list(_crop_cells(photo.convert("RGB"), rng))
        for number, crop in enumerate(crops):
            stem = folder / photo_path.stem / f"{photo_path.stem}-{number:02}"
            origin = len(paths)
            for kind in (_UNCHANGED, *_choose_copies(rng)):
                paths.append(_save(crop, kind, stem))
                labels.append(photo_path.stem)
                kinds.append(kind.name)
                origins.append(origin)
    return PlantedImages(paths, np.array(labels), kinds, np.array(origins))


def _photo_paths() -> list[Path]:
    skimage = import_extra("skimage", "demo", "The demo")
    data = Path(str(skimage.__file__)).parent / "data"
    return [data / name for name in PHOTOS]


def _crop_cells(photo: Image.Image, rng: np.random.Generator) -> Iterator[Image.Image]:
    """Yield a crop of random size and place from each cell of a grid, unless it is flat."""
    cell = np.array(photo.size) // _GRID
    for row, column in np.ndindex(_GRID, _GRID):
        size = (cell * rng.uniform(0.85, 1.0)).astype(int)
        left, top = np.array([column, row]) * cell + rng.integers(0, cell - size, endpoint=True)
        crop = photo.crop((left, top, left + size[0], top + size[1]))
        if np.asarray(crop.convert("L")).std() >= _LEAST_CONTRAST:
            yield crop


def _choose_copies(rng: np.random.Generator) -> list[CopyKind]:
    """Draw the kinds of copies of a crop: most crops get none, the others one or more."""
    if rng.random() >= _COPIED_SHARE:
        return []
    count = rng.integers(1, len(COPY_KINDS), endpoint=True)
    chosen = rng.choice(len(COPY_KINDS), size=count, replace=False)
    return [COPY_KINDS[place] for place in sorted(chosen)]


def _save(crop: Image.Image, kind: CopyKind, stem: Path) -> Path:
    ending = "" if kind is _UNCHANGED else "-" + kind.name.lower().replace(" ", "-")
    path = stem.with_name(stem.name + ending + kind.suffix)
    kind.change(crop).save(path, quality=kind.quality)
    return path
