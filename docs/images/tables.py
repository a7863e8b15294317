"""Figures of tables of hashes."""

from __future__ import annotations

import matplotlib.pyplot as plt
from _photos import PHOTOS, SAMPLES, open_photo
from _themes import save

from hashfeatures import find_similar
from hashfeatures.edits import Edit
from hashfeatures.plotting import plot_similar

NAMES = ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg", "retina.jpg", "ihc.png")


def draw_similar() -> None:
    """Draw an image, and photos in the order of their distance to it."""
    paths = [SAMPLES / "china.jpg", SAMPLES / "flower.jpg", *(PHOTOS / name for name in NAMES)]
    paths += [PHOTOS / f"motorcycle_{side}.png" for side in ("left", "right")]
    query = Edit("brightness", factor=1.5)(open_photo(PHOTOS / "motorcycle_left.png"))
    figure, axes = plt.subplots(1, 5, figsize=(10, 2.0), layout="constrained")
    plot_similar(query, find_similar(paths, query, by="phash", n=4), ax=axes)
    for axis in axes:
        axis.title.set_fontsize(12)
        axis.set_axis_off()
    save(figure, "similar")
