"""Figures of hashes as features, and of neighbors in bits."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import scipy.fftpack
from _photos import PHOTOS, SAMPLES, open_photo
from _themes import is_dark, save
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.patches import Rectangle
from numpy.typing import NDArray
from PIL import Image, ImageOps

from hashfeatures import HammingNeighbors, ImageHashFeaturizer
from hashfeatures.edits import Edit

ONE, DIFFERS = "tab:blue", "tab:orange"


def draw_bits() -> None:
    """Draw how phash turns a photo, a copy of it and another photo into bits."""
    photo = cut_square(open_photo(PHOTOS / "chelsea.png"))
    copy = Edit("resize", scale=0.5).then("recompress", quality=10).then("watermark")(photo)
    rows = {
        "a photo": photo,
        "its copy": copy,
        "another photo": cut_square(open_photo(SAMPLES / "china.jpg")),
    }
    hashes = ImageHashFeaturizer("phash").fit_transform(list(rows.values())).reshape(3, 8, 8)
    figure, axes = plt.subplots(3, 4, figsize=(10, 8), layout="constrained")
    for line, (name, image), bits in zip(axes, rows.items(), hashes, strict=True):
        luma = image.convert("L").resize((32, 32), Image.Resampling.LANCZOS)
        waves = scipy.fftpack.dct(scipy.fftpack.dct(np.asarray(luma), axis=0), axis=1)
        low = waves[:8, :8]
        assert ((low > np.median(low)) == bits).all()
        line[0].imshow(image)
        line[1].imshow(luma, cmap="gray", vmin=0, vmax=255)
        above = low - np.median(low)
        line[2].imshow(np.arcsinh(above / 500), cmap="PuOr", vmin=-4, vmax=4)
        show_bits(line[3], bits, bits != hashes[0])
        count = int((bits != hashes[0]).sum())
        line[0].set_ylabel(name, fontsize=13)
        line[3].set_xlabel(f"{count} bits differ" if count else "", fontsize=13)
    titles = ("the image", "luma, 32 by 32", "lowest frequencies", "64 bits")
    for axis, title in zip(axes[0], titles, strict=True):
        axis.set_title(title, fontsize=13)
    for axis in axes.flat:
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set_visible(False)
    save(figure, "bits")


def draw_neighbors() -> None:
    """Draw the bits of a query and of its nearest rows, sorted by distance."""
    photo = open_photo(PHOTOS / "coffee.png")
    edits = {
        "half the size": Edit("resize", scale=0.5),
        "JPEG, quality 10": Edit("recompress", quality=10),
        "watermark": Edit("watermark"),
        "5 % cropped": Edit("crop", share=0.05),
        "mirrored": Edit("mirror"),
    }
    others = {"a cat": PHOTOS / "chelsea.png", "a rocket": PHOTOS / "rocket.jpg"}
    images = {name: edit(photo) for name, edit in edits.items()}
    images |= {name: open_photo(path) for name, path in others.items()}
    featurizer = ImageHashFeaturizer("phash")
    query, bits = featurizer.transform([photo]), featurizer.transform(list(images.values()))
    distances, rows = HammingNeighbors(len(images)).fit(bits).kneighbors(query)
    figure, axis = plt.subplots(figsize=(10, 3.9), layout="constrained")
    tops = 1.25 * np.arange(1, len(images) + 1) + (distances[0] > 12)
    show_bits(axis, query, np.zeros_like(query, dtype=bool))
    for row, top in zip(rows[0], tops, strict=True):
        show_bits(axis, bits[[row]], bits[[row]] != query, top)
    limit = 1.25 * (distances[0] <= 12).sum() + 1.125
    axis.axhline(limit, color="tab:red", ls="--", lw=1.5)
    axis.set(xlim=(-0.5, 63.5), ylim=(tops[-1] + 0.6, -0.6), xticks=[])
    names = ["the query", *(list(images)[row] for row in rows[0])]
    axis.set_yticks([0, *tops], names, fontsize=12)
    right = axis.secondary_yaxis("right")
    counts = [f"{distance:.0f} bits" for distance in distances[0]]
    right.set_yticks([*tops, limit], [*counts, "radius 12"], fontsize=12)
    right.get_yticklabels()[-1].set_color("tab:red")
    for each in (axis, right):
        each.tick_params(length=0)
        each.spines[:].set_visible(False)
    axis.set_aspect("auto")
    save(figure, "neighbors")


def cut_square(image: Image.Image) -> Image.Image:
    """Return the middle of a photo."""
    return ImageOps.fit(image, (300, 300))


def show_bits(
    axis: Axes, bits: NDArray[np.uint8], differs: NDArray[np.bool_], top: float = 0
) -> None:
    """Draw a matrix of bits, and frame those that differ."""
    zero = "#2f3a47" if is_dark() else "#e4e8ec"
    height, width = bits.shape
    extent = (-0.5, width - 0.5, top + height - 0.5, top - 0.5)
    axis.imshow(bits, cmap=ListedColormap([zero, ONE]), vmin=0, vmax=1, extent=extent)
    for y, x in np.argwhere(differs):
        axis.add_patch(
            Rectangle((x - 0.38, top + y - 0.38), 0.76, 0.76, fill=False, color=DIFFERS, lw=3)
        )
