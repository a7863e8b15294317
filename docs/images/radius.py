"""Figures of the choice of a radius."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import sklearn.datasets
from _photos import PHOTOS, open_photo
from _themes import save
from PIL import Image

from hashfeatures import HammingNeighbors, ImageHashFeaturizer, calibrate
from hashfeatures.edits import EVERYDAY_EDITS


def draw_calibration() -> None:
    """Draw the recall and the false matches of handwritten digits, which look alike."""
    digits = [
        Image.fromarray((255 - 15 * digit).astype(np.uint8)).resize(
            (96, 96), Image.Resampling.BICUBIC
        )
        for digit in sklearn.datasets.load_digits().images
    ]
    save(calibrate(digits, target=100).plot().figure, "calibration")


def draw_distances() -> None:
    """Draw the distances of edited copies to their originals, and of different images."""
    names = ("astronaut.png", "chelsea.png", "coffee.png", "ihc.png", "retina.jpg", "rocket.jpg")
    cells = [cell for name in names for cell in cut(open_photo(PHOTOS / name))]
    edits = [edit for edit in EVERYDAY_EDITS if not str(edit).startswith(("mirror", "turn"))]
    featurizer = ImageHashFeaturizer(["phash", "dhash"])
    bits = featurizer.fit_transform(cells)
    apart = [
        (bits != featurizer.transform([edit(cell) for cell in cells])).sum(axis=1)
        for edit in edits
    ]
    pairs = HammingNeighbors(radius=128).fit(bits).pairs()
    figure, axis = plt.subplots(figsize=(8, 3.6), layout="constrained")
    for distances, label, color in (
        (np.concatenate(apart), "copies", "tab:blue"),
        (pairs.distance, "different images", "tab:orange"),
    ):
        share = np.bincount(distances, minlength=100) / len(distances)
        axis.bar(np.arange(len(share)), share, width=1, color=color, alpha=0.75, label=label)
    for radius, name, height in ((12, "hashes alone: 12", 0.97), (28, "with pixels: 28", 0.87)):
        axis.axvline(radius + 0.5, color="gray", ls="--")
        axis.text(radius + 1.2, height, name, transform=axis.get_xaxis_transform(), va="top")
    axis.set(xlim=(-0.5, 90), ylim=(0, 0.1), xlabel="Hamming distance (128 bits)")
    axis.set_ylabel("share of the pairs")
    axis.legend(loc="center right")
    save(figure, "distances")


def cut(photo: Image.Image) -> list[Image.Image]:
    """Return the cells of a photo that share no pixel."""
    width, height = photo.width // 4, photo.height // 4
    corners = [(column * width, row * height) for column in range(4) for row in range(4)]
    return [photo.crop((x, y, x + width, y + height)) for x, y in corners]
