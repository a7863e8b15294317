"""A small labelled set of images with planted copies: the data of the demo."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from ..._utils.optional import import_extra

# What ships in scikit-image's wheel and is a photo: no drawing, nothing tiny or mostly flat, and
# only one of the two views of the motorcycle, as nobody is to plant near duplicates but the demo.
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

# Rows and columns of cells in a photo; one crop is taken from each cell.
_GRID = 4

# The standard deviation of the luma below which a crop shows nothing: plain sky, plain night.
_LEAST_CONTRAST = 10

_COPIED_SHARE = 0.25

_WATERMARK = "SAMPLE"


@dataclass(frozen=True)
class PlantedImages:
    """Image files of which it is known which are copies of which.

    Parameters
    ----------
    paths : list of Path
        The files.
    labels : ndarray of shape (n_images,), dtype str
        The photo that each image was cropped from.
    kinds : list of str
        "original", or how the copy was made.
    origins : ndarray of shape (n_images,), dtype intp
        The row of the original that each image is a copy of; an original's is its own.
    """

    paths: list[Path]
    labels: NDArray[np.str_]
    kinds: list[str]
    origins: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.paths)

    def most_copied(self) -> int:
        """Return the row of the first original that has the most copies."""
        return int(np.bincount(self.origins).argmax())

    def relation(self, row: int, to: int) -> str:
        """Say what an image is to another."""
        if row == to:
            return "the image itself"
        if self.origins[row] == self.origins[to]:
            return f"copy: {self.kinds[row]}"
        same_photo = self.labels[row] == self.labels[to]
        return "another crop of the photo" if same_photo else "another photo"


@dataclass(frozen=True)
class CopyKind:
    """A way to make a copy that looks the same and is another file.

    Parameters
    ----------
    name : str
        What the copy is called.
    text : str
        What is done to it.
    change : callable
        Takes an image and returns the changed one.
    suffix : str
        The ending of the file, which chooses its format.
    quality : int
        Of a JPEG file; other formats ignore it.
    """

    name: str
    text: str
    change: Callable[[Image.Image], Image.Image]
    suffix: str
    quality: int = 90


def halve(image: Image.Image) -> Image.Image:
    """Return the image at half its width and height."""
    return image.resize((image.width // 2, image.height // 2), Image.Resampling.LANCZOS)


def recolour(image: Image.Image) -> Image.Image:
    """Return the image in a warmer and brighter tone."""
    warmth = np.array([1.2, 1.05, 0.75])
    pixels = np.asarray(image, dtype=float) * warmth
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def watermark(image: Image.Image) -> Image.Image:
    """Return the image with a half transparent word in its lower right corner."""
    layer = Image.new("RGBA", image.size)
    draw: Any = ImageDraw.Draw(layer)
    draw.text(
        (0.96 * image.width, 0.96 * image.height),
        _WATERMARK,
        font=ImageFont.load_default(size=image.height // 6),
        fill=(255, 255, 255, 128),
        anchor="rs",
    )
    return Image.alpha_composite(image.convert("RGBA"), layer).convert("RGB")


COPY_KINDS = (
    CopyKind("half size", "half the width, half the height", halve, ".png"),
    CopyKind("JPEG 20", "saved again, at JPEG quality 20", Image.Image.copy, ".jpg", quality=20),
    CopyKind("recoloured", "warmer and brighter", recolour, ".jpg"),
    CopyKind("watermark", "half transparent text in a corner", watermark, ".png"),
)

_AS_IT_IS = CopyKind("original", "a crop of a photo", Image.Image.copy, ".jpg")

ALL_KINDS = (_AS_IT_IS, *COPY_KINDS)


def build_images(folder: Path, seed: int) -> PlantedImages:
    """Write crops of photos, and copies of some of the crops, as JPEG and PNG files.

    Crops of one photo share its label and no pixel: they are different images of one class.

    Parameters
    ----------
    folder : Path
        Where to write; each photo gets a folder of its own.
    seed : int
        Chooses the crops, and which of them are copied how. The same seed writes the same files.

    Returns
    -------
    PlantedImages
        What was written.

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
            for kind in (_AS_IT_IS, *_choose_copies(rng)):
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
    """Yield a crop from each cell of a grid, of random size and place in it, unless it is flat."""
    cell = np.array(photo.size) // _GRID
    for row, column in np.ndindex(_GRID, _GRID):
        size = (cell * rng.uniform(0.85, 1.0)).astype(int)
        left, top = np.array([column, row]) * cell + rng.integers(0, cell - size, endpoint=True)
        crop = photo.crop((left, top, left + size[0], top + size[1]))
        if np.asarray(crop.convert("L")).std() >= _LEAST_CONTRAST:
            yield crop


def _choose_copies(rng: np.random.Generator) -> list[CopyKind]:
    """Draw what copies a crop gets: mostly none, else one to all kinds."""
    if rng.random() >= _COPIED_SHARE:
        return []
    count = rng.integers(1, len(COPY_KINDS), endpoint=True)
    chosen = rng.choice(len(COPY_KINDS), size=count, replace=False)
    return [COPY_KINDS[place] for place in sorted(chosen)]


def _save(crop: Image.Image, kind: CopyKind, stem: Path) -> Path:
    ending = "" if kind is _AS_IT_IS else "-" + kind.name.lower().replace(" ", "-")
    path = stem.with_name(stem.name + ending + kind.suffix)
    kind.change(crop).save(path, quality=kind.quality)
    return path
