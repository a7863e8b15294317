"""The photos of the figures: those that ship with scikit-image and scikit-learn, and copies."""

from __future__ import annotations

from pathlib import Path

import skimage
import sklearn.datasets
from PIL import Image

from hashfeatures.edits import Edit

PHOTOS = Path(skimage.__file__).parent / "data"
SAMPLES = Path(sklearn.datasets.__file__).parent / "images"
COPIES = {
    "small": Edit("resize", scale=0.5),
    "low": Edit("recompress", quality=10),
    "stamped": Edit("watermark", text="SAMPLE"),
    "cropped": Edit("crop", share=0.05),
    "mirrored": Edit("mirror"),
}


def open_photo(path: Path) -> Image.Image:
    """Return a photo as RGB, at most 480 pixels wide."""
    with Image.open(path) as opened:
        photo = opened.convert("RGB")
    photo.thumbnail((480, 480))
    return photo


def make_split(folder: Path) -> list[Path]:
    """Write photos with edited copies into the folders of a split that leaks."""
    names = ("chelsea.png", "coffee.png", "rocket.jpg", "astronaut.png", "motorcycle_left.png")
    paths = [SAMPLES / "china.jpg", SAMPLES / "flower.jpg", *(PHOTOS / name for name in names)]
    for part in ("train", "test"):
        (folder / part).mkdir(parents=True)
    for number, path in enumerate(paths):
        photo = open_photo(path)
        photo.save(folder / "train" / f"{path.stem}.jpg", quality=95)
        for at, (name, edit) in enumerate(list(COPIES.items())[: max(0, 5 - number)]):
            part = "test" if at % 2 else "train"
            edit(photo).save(folder / part / f"{path.stem}_{name}.jpg", quality=90)
    for at, name in enumerate(("brick", "camera", "coins", "gravel", "moon", "page", "text")):
        part = "test" if at % 3 == 0 else "train"
        open_photo(PHOTOS / f"{name}.png").save(folder / part / f"{name}.jpg")
    return sorted(folder.rglob("*.jpg"))
