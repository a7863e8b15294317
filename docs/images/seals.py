"""Figures of what a seal gives away."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from _photos import PHOTOS, SAMPLES, open_photo
from _themes import save
from numpy.typing import NDArray
from PIL import Image
from sklearn.linear_model import Ridge

from hashfeatures import ImageHashFeaturizer

SEALED = ("chelsea.png", "coffee.png", "astronaut.png", "camera.png")
N_CUTS = 150  # from each other photo
SIDE = 16


def draw_seal() -> None:
    """Draw photos, and the brightness that a linear fit restores from their bits."""
    others = [
        *sorted(path for path in PHOTOS.iterdir() if path.suffix in (".png", ".jpg")),
        *sorted(SAMPLES.glob("*.jpg")),
    ]
    rng = np.random.default_rng(0)
    cuts = [cut for path in others if path.name not in SEALED for cut in cut_out(path, rng)]
    photos = [open_photo(PHOTOS / name) for name in SEALED]
    featurizer = ImageHashFeaturizer(["phash", "dhash"])
    bits = np.asarray(featurizer.fit_transform(cuts))
    fit = Ridge(20).fit(bits, measure_brightness(cuts))
    restored = fit.predict(np.asarray(featurizer.transform(photos)))
    figure, axes = plt.subplots(2, len(photos), figsize=(9, 4.3), layout="constrained")
    for axis, photo in zip(axes[0], photos, strict=True):
        axis.imshow(photo.convert("L").resize((240, 240)), cmap="gray")
        axis.set_title("a photo", fontsize=11)
    for axis, values, truth in zip(axes[1], restored, measure_brightness(photos), strict=True):
        axis.imshow(values.reshape(SIDE, SIDE), cmap="gray", interpolation="bicubic")
        correlation = np.corrcoef(values, truth)[0, 1]
        axis.set_title(f"restored, correlation {correlation:.2f}", fontsize=10.5)
    for axis in axes.flat:
        axis.set_axis_off()
    save(figure, "seal")


def cut_out(path: Path, rng: np.random.Generator) -> Iterator[Image.Image]:
    """Yield random rectangles of a photo."""
    photo = open_photo(path)
    if min(photo.size) < 80:
        return
    for _ in range(N_CUTS):
        width = int(rng.integers(60, photo.width + 1))
        height = min(photo.height, max(60, int(width * rng.uniform(0.6, 1))))
        left = int(rng.integers(0, photo.width - width + 1))
        top = int(rng.integers(0, photo.height - height + 1))
        yield photo.crop((left, top, left + width, top + height))


def measure_brightness(images: list[Image.Image]) -> NDArray[np.float64]:
    """Return the brightness of 16 by 16 pixels of each image, standardized."""
    values = np.array([np.asarray(image.convert("L").resize((SIDE, SIDE))) for image in images])
    flat = values.reshape(len(images), -1).astype(float)
    return (flat - flat.mean(axis=1, keepdims=True)) / (flat.std(axis=1, keepdims=True) + 1e-9)
