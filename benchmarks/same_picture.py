"""Find the pairs of images that show the same picture, which no benchmark counts as different.

Pairs of public data sets that were looked at are listed in `same_pictures.json` by their folders
and names: copies, crops, recolored copies, and the same studio shot in other colors. Pairs that
were in doubt are not listed, nor are two photos of one object.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import skimage
from numpy.typing import NDArray
from PIL import Image

LISTED = Path(__file__).with_name("same_pictures.json")
SIDE = 32
# Chosen by looking at what lies around it in Caltech 101: above are copies, mirrored ones and the
# same drawing in other colors; below are other motorbikes of the same catalog.
SAME_PICTURE = 0.99
GRID = 6  # rows and columns of cells that a photo of the default data is cut into
LEAST_CONTRAST = 12
PHOTOS = (
    *("astronaut.png", "brick.png", "camera.png", "chelsea.png", "coffee.png", "coins.png"),
    *("grass.png", "gravel.png", "hubble_deep_field.jpg", "ihc.png", "motorcycle_left.png"),
    "rocket.jpg",
)


def find_files(folder: Path) -> list[str]:
    """Return the paths of the images in a folder and below."""
    found = []
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            try:
                with Image.open(path):
                    found.append(str(path))
            except Exception:  # whatever a file that is not an image leads Pillow to
                continue
    if not found:
        sys.exit(f"There are no images in {folder}.")
    return found


def make_files(folder: Path) -> list[str]:
    """Cut the photos in scikit-image's wheel into cells that share no pixel, and save them."""
    data = Path(skimage.__file__).parent / "data"
    for name in PHOTOS:
        with Image.open(data / name) as opened:
            photo = opened.convert("RGB")
        width, height = photo.width // GRID, photo.height // GRID
        for row, column in np.ndindex(GRID, GRID):
            left, top = column * width, row * height
            cell = photo.crop((left, top, left + width, top + height))
            if np.asarray(cell.convert("L")).std() >= LEAST_CONTRAST:
                path = folder / f"{Path(name).stem}-{row}{column}.png"
                cell.resize((4 * width, 4 * height), Image.Resampling.LANCZOS).save(path)
    return find_files(folder)


def thumbnail(path: str) -> NDArray[np.float32]:
    """Return the luma of an image at 32 by 32 pixels, with mean 0 and norm 1."""
    with Image.open(path) as image:
        image.draft("L", (8 * SIDE, 8 * SIDE))
        small = image.convert("L").resize((SIDE, SIDE), Image.Resampling.LANCZOS)
    pixels = np.asarray(small, dtype=np.float32)
    pixels = pixels - pixels.mean()
    return pixels / max(float(np.linalg.norm(pixels)), 1e-6)


def find_same(thumbnails: Sequence[NDArray[np.float32]]) -> set[tuple[int, int]]:
    """Return the pairs that show the same picture, in any of the eight orientations.

    The judge is the correlation of the pixels, which none of the contestants looks at.
    """
    squares = np.stack(thumbnails)
    flat = squares.reshape(len(squares), -1)
    same = set()
    for turn in range(8):
        turned = squares.swapaxes(1, 2) if turn & 4 else squares
        turned = turned[:, :: -1 if turn & 1 else 1, :: -1 if turn & 2 else 1]
        others = np.ascontiguousarray(turned).reshape(len(squares), -1).T
        for start in range(0, len(flat), 2048):
            alike: Any = flat[start : start + 2048] @ others > SAME_PICTURE
            left, right = np.nonzero(alike)
            pairs = zip((left + start).tolist(), right.tolist(), strict=True)
            same |= {(a, b) for a, b in pairs if a < b}
    return same


def read_listed(paths: Sequence[str]) -> set[tuple[int, int]]:
    """Return the pairs of images that are listed, by their positions in `paths`."""
    rows = {Path(path).parts[-2:]: row for row, path in enumerate(paths)}
    same = set()
    for pairs in json.loads(LISTED.read_text()).values():
        for names in pairs:
            found = [rows.get(tuple(name.split("/"))) for name in names]
            if None not in found:
                same.add((min(found), max(found)))
    return same
