"""Make the images that the benchmarks read from photos, or copy them from a folder.

Two kinds are made from the nine color photos in scikit-image's wheel. A *tile* is a crop of 75 to
100 % of a photo's width, at a random place, flipped or not and up to a fifth darker or brighter.
Lanczos' filter resizes it to 500 x 375 pixels, which enlarges no photo, as most are of about that
size. A small image is one tile. A large image is 8 x 8 tiles, 4000 x 3000 pixels: a single photo
enlarged that far would be blurred, and decode faster than the photos of a camera. The images are
JPEG files of quality 90, of 51 kB and of 3.2 MB on average.
"""

from __future__ import annotations

import importlib.util
import random
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance

LEAST_SIDE = 256  # what hashfeatures' reduced decode leaves a side, and so that of the others
TILE = (500, 375)
PHOTOS = (
    *("astronaut.png", "chelsea.png", "coffee.png", "hubble_deep_field.jpg", "ihc.png"),
    *("motorcycle_left.png", "motorcycle_right.png", "retina.jpg", "rocket.jpg"),
)


@dataclass(frozen=True)
class ImageSet:
    """Images in a folder, and the greatest factor by which their decoding can be reduced."""

    name: str
    folder: Path
    paths: list[str]
    reduction: int


def make_sets(
    temporary: Path, folders: Sequence[Path], n_images: int, n_large: int
) -> Iterator[ImageSet]:
    """Yield sets of at most `n_images`: copies of those in `folders`, or two generated sets."""
    if not folders:
        yield make_set("500 x 375 pixels", temporary / "small", n_images, n_tiles=1)
        yield make_set("4000 x 3000 pixels", temporary / "large", min(n_images, n_large), 8)
    for number, folder in enumerate(folders):
        yield copy_set(folder, temporary / str(number), n_images)


def make_set(name: str, folder: Path, n_images: int, n_tiles: int) -> ImageSet:
    """Write images of `n_tiles` by `n_tiles` tiles, as the docstring of this file describes."""
    skimage = importlib.util.find_spec("skimage")
    if skimage is None or skimage.origin is None:
        sys.exit('The images are made of the photos in scikit-image: pip install ".[bench]"')
    data = Path(skimage.origin).parent / "data"
    photos = [Image.open(data / photo).convert("RGB") for photo in PHOTOS]
    rng = np.random.default_rng(0)
    width, height = TILE
    folder.mkdir()
    for number in range(n_images):
        image = Image.new("RGB", (n_tiles * width, n_tiles * height))
        for column, row in np.ndindex(n_tiles, n_tiles):
            tile = cut_tile(photos[rng.integers(len(photos))], rng)
            image.paste(tile, (column * width, row * height))
        image.save(folder / f"{number:05}.jpg", quality=90)
    return open_set(name, folder)


def cut_tile(photo: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Return a random crop of a photo, randomly flipped and with random brightness."""
    width = min(photo.width, photo.height * TILE[0] / TILE[1]) * rng.uniform(0.75, 1)
    height = width * TILE[1] / TILE[0]
    left, top = rng.uniform(0, photo.width - width), rng.uniform(0, photo.height - height)
    box = (left, top, left + width, top + height)
    tile = photo.resize(TILE, Image.Resampling.LANCZOS, box)
    if rng.random() < 0.5:
        tile = tile.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return ImageEnhance.Brightness(tile).enhance(rng.uniform(0.8, 1.2))


def copy_set(source: Path, folder: Path, n_images: int) -> ImageSet:
    """Copy a random choice of the images in a folder, without those that ImageHash cannot read."""
    files = sorted(path for path in source.rglob("*") if path.is_file())
    random.Random(0).shuffle(files)
    folder.mkdir()
    n_copied = 0
    for file in files:
        try:
            with Image.open(file) as image:
                image.convert("HSV")
        except Exception:  # whatever a file that is not an image leads Pillow to
            continue
        shutil.copy(file, folder / f"{n_copied:05}{file.suffix}")
        n_copied += 1
        if n_copied == n_images:
            break
    if not n_copied:
        sys.exit(f"There are no images in {source}.")
    return open_set(source.name, folder)


def open_set(name: str, folder: Path) -> ImageSet:
    """Return the set of all images in a folder."""
    paths = sorted(map(str, folder.iterdir()))
    sides = []
    for path in paths:
        with Image.open(path) as image:
            sides.append(min(image.size))
    fitting = [scale for scale in (2, 4, 8) if min(sides) // scale >= LEAST_SIDE]
    return ImageSet(name, folder, paths, max(fitting, default=1))
