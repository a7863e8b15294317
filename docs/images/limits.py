"""Figures of what is found, what is missed and what is wrongly joined."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import matplotlib.pyplot as plt
import numpy as np
import sklearn.datasets
from _photos import PHOTOS, SAMPLES, open_photo
from _themes import HERE, PAPER, is_dark, path_of, reduce_colors, save
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageDraw, ImageFont, ImageOps, ImageSequence

from hashfeatures import NearDuplicateFinder
from hashfeatures.edits import Edit

# Kinds of edits, and words that occur in the names of edits of that kind.
KINDS = {
    "mirrored or turned": ("mirror", "flip", "turn "),
    "captions": ("caption",),
    "bars and padding": ("bars", "pad "),
    "crops above 5 %": ("crop share=0.07", "crop_sides"),
    "rotations up to 5°": ("rotate",),
    "crops up to 5 %": ("crop ",),
    "watermarks and badges": ("watermark", "overlay_text", "badge"),
    "tones and colors": (
        *("gamma", "contrast", "brightness", "vignette"),
        *("grayscale", "saturation", "hue", "recolor"),
    ),
    "size, format, noise": ("",),
}
WAYS = {
    "hashes alone, robust": ("s", "gray"),
    "confirmed, identity": ("v", "tab:orange"),
    "confirmed, dihedral": ("^", "tab:green"),
    "confirmed, robust": ("o", "tab:blue"),
}
LETTERS = (
    (
        "Dear Ms Jones,",
        "thank you for your letter of May 3.",
        "The parts will arrive next week.",
        "Yours sincerely",
        "T. Smith",
    ),
    (
        "Dear Mr Brown,",
        "thank you for your order of June 9.",
        "The books have left our shop today.",
        "Yours sincerely",
        "A. Miller",
    ),
)


def draw_found() -> None:
    """Draw the share of copies that are found, by kinds of edits."""
    rates: dict[str, list[list[float]]] = {kind: [] for kind in KINDS}
    for edit, shares in read_shares():
        kind = next(kind for kind, words in KINDS.items() if any(word in edit for word in words))
        rates[kind].append(shares)
    figure, axis = plt.subplots(figsize=(9, 4.6), layout="constrained")
    places = np.arange(len(KINDS))
    for number, (way, (marker, color)) in enumerate(WAYS.items()):
        found = [np.mean([shares[number] for shares in rates[kind]]) for kind in KINDS]
        shifted = places + 0.16 * (1.5 - number)
        axis.plot(found, shifted, marker, color=color, ms=9, label=way)
    axis.set_yticks(places, list(KINDS), fontsize=12)
    axis.set_xlabel(
        "share of the copies found, at one false match in a million pairs", fontsize=12
    )
    axis.hlines(places[1:] - 0.5, 0, 1, color="gray", lw=0.5, alpha=0.5)
    axis.set(xlim=(-0.02, 1.02), ylim=(-0.5, len(KINDS) - 0.5))
    axis.legend(loc="lower left", bbox_to_anchor=(0.02, 0.28), fontsize=12)
    save(figure, "found")


def read_shares() -> Iterator[tuple[str, list[float]]]:
    """Yield each edit of the last run of ``benchmarks/quality.py``, with the shares found."""
    page = (HERE.parent / "benchmarks" / "copies.md").read_text("utf-8")
    table = page.partition("Each of the 59 edits")[2]
    for line in table.splitlines()[4:]:
        if not line.startswith("|"):
            break
        edit, *shares = line.strip("|").split("|")
        yield edit.strip() + " ", [float(share) for share in shares]


def draw_quality() -> None:
    """Draw the figure of ``benchmarks/quality.py`` for dark pages, with its hues."""
    if is_dark():
        with Image.open(HERE / "quality.png") as opened:
            hue, saturation, value = ImageOps.invert(opened.convert("RGB")).convert("HSV").split()
        turned = Image.merge("HSV", (hue.point(lambda h: (h + 128) % 256), saturation, value))
        paper = Image.new("RGB", turned.size, PAPER)
        ImageChops.screen(turned.convert("RGB"), paper).save(path_of("quality"))
        reduce_colors(path_of("quality"))


def draw_missed() -> None:
    """Draw pairs of images that share what they show, and are not joined."""
    cat = open_photo(PHOTOS / "chelsea.png")
    width, height = cat.size
    middle = cat.crop((width // 4, height // 4, 3 * width // 4, 3 * height // 4))
    with Image.open(PHOTOS / "no_time_for_that_tiny.gif") as opened:
        frames = [frame.convert("RGB") for frame in ImageSequence.Iterator(opened)]
    left, right = (open_photo(PHOTOS / f"motorcycle_{side}.png") for side in ("left", "right"))
    pairs = {
        "in a collage": (cat, make_collage(cat)),
        "the middle alone": (cat, middle),
        "another viewpoint": (left, right),
        "another moment": (frames[0], frames[12]),
    }
    figure = plt.figure(figsize=(10, 4.6), layout="constrained")
    for part, (name, images) in zip(figure.subfigures(2, 2).flat, pairs.items(), strict=True):
        show_pair(part.subplots(1, 2), images)
        part.suptitle(f"{name}: {judge(images)}", fontsize=12)
    save(figure, "missed")


def draw_joined() -> None:
    """Draw pairs of different images that are joined."""
    images, values = sklearn.datasets.load_digits(return_X_y=True)
    digits = [
        Image.fromarray((255 - 15 * digit.reshape(8, 8)).astype(np.uint8)).resize(
            (96, 96), Image.Resampling.BICUBIC
        )
        for digit in images[values == 0][:40]
    ]
    zeros = NearDuplicateFinder().fit(digits).pairs_
    flower = open_photo(SAMPLES / "flower.jpg")
    pairs = {
        "two letters": tuple(map(write_letter, LETTERS)),
        "two handwritten zeros": (digits[zeros.left[0]], digits[zeros.right[0]]),
        "another color": (flower, Edit("hue", shift=90)(flower)),
    }
    figure, axes = plt.subplots(2, len(pairs), figsize=(10, 5.4), layout="constrained")
    for line, (name, images) in zip(axes.T, pairs.items(), strict=True):
        show_pair(line, images)
        line[0].set_title(f"{name}:\n{judge(images)}", fontsize=12)
    save(figure, "joined")


def show_pair(axes: NDArray[np.object_], images: Sequence[Image.Image]) -> None:
    """Draw two images."""
    for axis, image in zip(axes, images, strict=True):
        axis.imshow(image, cmap="gray")
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set_color("gray")


def judge(images: Sequence[Image.Image]) -> str:
    """Return what the default finder says of two images."""
    finder = NearDuplicateFinder().fit(images)
    near = NearDuplicateFinder(radius=128, min_agreement=0).fit(images).pairs_
    if near.distance[0] > finder.radius_:
        return f"{near.distance[0]} of 128 bits, too far"
    verdict = "joined" if finder.n_groups_ == 1 else "refused"
    return f"agreement {near.agreement[0]:.2f}, {verdict}"


def make_collage(photo: Image.Image) -> Image.Image:
    """Return a picture of four photos, one of which is given."""
    others = [open_photo(PHOTOS / name) for name in ("coffee.png", "astronaut.png", "rocket.jpg")]
    collage = Image.new("RGB", (480, 320))
    for number, each in enumerate([others[0], photo, *others[1:]]):
        collage.paste(each.resize((240, 160)), (240 * (number % 2), 160 * (number // 2)))
    return collage


def write_letter(lines: tuple[str, ...]) -> Image.Image:
    """Return a page with some lines of text."""
    page = Image.new("RGB", (620, 620), "white")
    pen, font = ImageDraw.Draw(page), ImageFont.load_default(30)
    for number, line in enumerate(lines):
        pen.text((50, 70 + 80 * number), line, fill="black", font=font)
    return page
