"""Figures of near duplicates and their confirmation."""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from _photos import PHOTOS, open_photo
from _themes import save
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
    save(plot_groups(table, n_groups=3)[0, 0].figure, "contact_sheet")


def draw_views() -> None:
    """Draw edited copies of a photo, with their distances to it without and with robust views."""
    photo = open_photo(PHOTOS / "chelsea.png")
    copies = [edit(photo) for edit in VIEWS.values()]
    plain, robust = (
        NearDuplicateFinder(views=views, radius=128, verify=False).fit([photo]).matches(copies)
        for views in ("identity", "robust")
    )
    titles = [
        f"{name}\n{before} bits as it is\n{after} bits over views"
        for name, before, after in zip(VIEWS, plain.distance, robust.distance, strict=True)
    ]
    axes = plot_images([photo, *copies], ["the photo", *titles], n_columns=7)
    save(axes[0, 0].figure, "views")


def draw_matching() -> None:
    """Draw a copy that its pixels confirm, and a look-alike that they refuse."""
    left, right = (open_photo(PHOTOS / f"motorcycle_{side}.png") for side in ("left", "right"))
    copy = Edit("crop_sides", left=0.06).then("brightness", factor=0.75)(left)
    figure, axes = plt.subplots(2, 4, figsize=(11, 4.6), layout="constrained")
    for row, other in zip(axes, (copy, right), strict=True):
        finder = NearDuplicateFinder(min_agreement=0).fit([left, other])
        pairs = finder.pairs_
        moved = lay_over(left, other, finder)
        apart = np.abs(np.asarray(left, dtype=float) - np.asarray(moved))
        verdict = "confirmed" if pairs.agreement[0] >= 0.85 else "refused"
        titles = (
            "a photo",
            f"{pairs.distance[0]} of 128 bits apart",
            "the second, aligned with the first",
            f"difference: agreement {pairs.agreement[0]:.2f}, {verdict}",
        )
        shown = (left, other, moved, np.clip(2 * apart, 0, 255).astype(np.uint8))
        for axis, title, picture in zip(row, titles, shown, strict=True):
            axis.imshow(picture)
            axis.set_title(title, fontsize=9)
            axis.set_axis_off()
    save(figure, "matching")


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
