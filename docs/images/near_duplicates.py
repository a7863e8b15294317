"""Figures of near duplicates and their confirmation."""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from _photos import PHOTOS, SAMPLES, open_photo
from _themes import save
from numpy.typing import NDArray
from PIL import Image

from hashfeatures import NearDuplicateFinder, find_duplicates
from hashfeatures.edits import Edit
from hashfeatures.plotting import plot_groups, plot_images

VIEWS = {
    "mirrored": Edit("mirror"),
    "turned": Edit("turn", quarters=1),
    "rotated by 3°": Edit("rotate", degrees=3),
    "cropped by 8 %": Edit("crop", share=0.08),
    "framed": Edit("bars", share=0.08, sides="all"),
    "captioned": Edit("caption", share=0.12),
}


def draw_contact_sheet() -> None:
    """Draw the first groups of the same photos."""
    paths = sorted(Path("photos").rglob("*.jpg"))
    table = find_duplicates(paths, finder=NearDuplicateFinder(views="robust"))
    save(plot_groups(table, n_groups=3, n_columns=4)[0, 0].figure, "contact_sheet", dpi=105)


def draw_chain() -> None:
    """Draw frames of a pan, each near the next, and the groups of either linkage."""
    with Image.open(SAMPLES / "china.jpg") as opened:
        frames = [opened.crop((24 * step, 0, 24 * step + 520, 346)) for step in range(5)]
    distances = NearDuplicateFinder(radius=128, verify=False).fit(frames).pairs_
    apart = {
        (left, right): distance
        for left, right, distance in zip(
            distances.left, distances.right, distances.distance, strict=True
        )
    }
    figure, axes = plt.subplots(1, 5, figsize=(10, 2.5), layout="constrained")
    groups = {
        linkage: NearDuplicateFinder(linkage=linkage).fit(frames).labels_
        for linkage in ("single", "complete")
    }
    for place, (axis, frame) in enumerate(zip(axes, frames, strict=True)):
        axis.imshow(frame)
        step = f"{apart[place - 1, place]} bits from frame {place}" if place else ""
        axis.set_title(f"frame {place + 1}\n{step}", fontsize=11)
        lines = [f"{linkage}: group {groups[linkage][place] + 1}" for linkage in groups]
        axis.set_xlabel("\n".join(lines), fontsize=11)
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set_visible(False)
    figure.suptitle(f"The first and the last frame differ in {apart[0, 4]} bits", fontsize=12)
    save(figure, "chain")


def draw_views() -> None:
    """Draw edited copies of a photo, with their distances to it without and with robust views."""
    photo = open_photo(PHOTOS / "chelsea.png")
    copies = [edit(photo) for edit in VIEWS.values()]
    plain, robust = (
        NearDuplicateFinder(views=views, radius=128, verify=False).fit([photo]).matches(copies)
        for views in ("identity", "robust")
    )
    titles = [
        f"{name}\n{before} bits, over views {after}"
        for name, before, after in zip(VIEWS, plain.distance, robust.distance, strict=True)
    ]
    figure, axes = plt.subplots(2, 4, figsize=(10, 5.2), layout="constrained")
    plot_images([photo, *copies], ["the photo", *titles], ax=axes)
    for axis in axes.flat:
        axis.title.set_fontsize(12)
        axis.set_axis_off()
    save(figure, "views")


def draw_matching() -> None:
    """Draw a copy that its pixels confirm, and a look-alike that they refuse."""
    left, right = (open_photo(PHOTOS / f"motorcycle_{side}.png") for side in ("left", "right"))
    copy = Edit("crop_sides", left=0.06).then("brightness", factor=0.75)(left)
    figure, axes = plt.subplots(2, 4, figsize=(10, 4.5), layout="constrained")
    others = {"a copy": copy, "from beside it": right}
    for row, (name, other) in zip(axes, others.items(), strict=True):
        finder = NearDuplicateFinder(min_agreement=0).fit([left, other])
        pairs = finder.pairs_
        moved = lay_over(left, other, finder)
        apart = difference(np.asarray(left, dtype=float), np.asarray(moved, dtype=float))
        verdict = "confirmed" if pairs.agreement[0] >= 0.85 else "refused"
        titles = (
            "a photo",
            f"{name}\n{pairs.distance[0]} of 128 bits apart",
            "the second, aligned",
            f"their difference\nagreement {pairs.agreement[0]:.2f}: {verdict}",
        )
        shown = (left, other, moved, np.clip(2 * apart, 0, 255).astype(np.uint8))
        for axis, title, picture in zip(row, titles, shown, strict=True):
            axis.imshow(picture)
            axis.set_title(title, fontsize=12)
            axis.set_axis_off()
    save(figure, "matching")


def difference(left: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how pictures differ where both are, apart from brightness and contrast."""
    overlap = right.any(axis=-1)
    gain, offset = np.polyfit(right[overlap].ravel(), left[overlap].ravel(), 1)
    return np.abs(left - (gain * right + offset)) * overlap[..., None]


def lay_over(left: Image.Image, right: Image.Image, finder: NearDuplicateFinder) -> Image.Image:
    """Return the right image as the alignment lays it over the left one."""
    described = finder._describer(finder._images, finder.graph_)(finder.graph_.pairs())
    assert described is not None
    a, b, c, d, e, f = described.maps[0].tolist()
    (width, height), (across, down) = left.size, right.size
    inverse = (
        *(a * across / width, b * across / height, c * across),
        *(d * down / width, e * down / height, f * down),
    )
    return right.transform(left.size, Image.Transform.AFFINE, inverse, Image.Resampling.BICUBIC)
