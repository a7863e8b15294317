"""Make a folder of images with planted copies of all kinds that comparisons tell apart.

The pictures are blurred noise with a few shapes, so that no two are alike, and small, so that
thousands are made and hashed in seconds. Most copies are edited. Others are copies of copies,
equal files, equal pixels in another format, turned by a tag of the camera, or laid on a
transparent background. There are blank images, images of low detail, and files that are not
images. One image in 16 is a frame of a pan over a long picture: neighbors are near, and the ends
differ. Another one in 32 is the same picture again.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from hashfeatures.edits import Edit

CLASSES = ("apples", "birds", "cars")
SIDES = (120, 90)
LARGE = (800, 600)  # so large that JPEG files of it are decoded at a reduced size
PAN_STEP = 3  # pixels
ORIGINALS = 14  # pictures of a block, which are followed by their copies
EDITS = (
    Edit("resize", scale=0.6),
    Edit("recompress", quality=40),
    Edit("crop", share=0.04),
    Edit("mirror"),
    Edit("turn", quarters=1),
    Edit("turn", quarters=2).then("crop", share=0.03),
    Edit("flip").then("brightness", factor=0.8),
    Edit("hue", shift=60),
    Edit("grayscale"),
    Edit("bars", share=0.1, sides="all"),
    Edit("pad", color="white").then("resize", scale=0.8),
    Edit("crop", share=0.22),
    Edit("caption"),
)
ORIENTATION = 0x0112  # the tag of how a camera was held
TURNED = 6  # by a quarter


def plant(folder: Path, n_images: int, seed: int = 0) -> list[str]:
    """Write images to folders that are named after classes, and return their paths.

    Parameters
    ----------
    folder : Path
        Where to write them.
    n_images : int
        Their number.
    seed : int
        Another number gives other images.

    Returns
    -------
    list of str
        The paths in random order, which is the same for the same seed.
    """
    rng = np.random.default_rng(seed)
    for name in CLASSES:
        (folder / name).mkdir(parents=True)
    long = draw(rng, (SIDES[0] + PAN_STEP * (n_images // 16), SIDES[1]))
    often = draw(rng)
    paths: list[Path] = []
    originals: list[Path] = []
    for number in range(n_images):
        place = folder / CLASSES[rng.integers(len(CLASSES))] / f"{number:05}"
        within = number % (ORIGINALS + len(COPIES))
        if number % 16 == 1:
            left = PAN_STEP * (number // 16)
            frame = long.crop((left, 0, left + SIDES[0], SIDES[1]))
            paths.append(save(frame, place.with_suffix(".png")))
        elif number % 32 == 2:
            paths.append(save(often, place.with_suffix((".png", ".bmp")[number % 64 == 2])))
        elif within < ORIGINALS:
            originals = originals[1 - ORIGINALS :]
            picture = draw(rng)
            if number % 72 == 0:
                picture = picture.resize(LARGE, Image.Resampling.BICUBIC)
            paths.append(save(picture, place.with_suffix((".jpg", ".png")[number % 2])))
            originals.append(paths[-1])
        else:
            original = originals[rng.integers(len(originals))]
            paths.append(COPIES[within - ORIGINALS](original, place, number))
    return [str(paths[row]) for row in rng.permutation(n_images)]


def draw(rng: np.random.Generator, sides: tuple[int, int] = SIDES) -> Image.Image:
    """Return a picture that is like no other."""
    cells = (6, max(8, 8 * sides[0] // (sides[1] * 4 // 3)))
    noise = Image.fromarray(rng.integers(0, 256, (*cells, 3), dtype=np.uint8))
    picture = noise.resize(sides, Image.Resampling.BICUBIC)
    canvas = ImageDraw.Draw(picture)
    for _ in range(3):
        x, y = (int(rng.integers(0, side)) for side in sides)
        box = (x, y, x + int(rng.integers(10, 40)), y + int(rng.integers(10, 30)))
        color = tuple(int(level) for level in rng.integers(0, 256, 3))
        (canvas.ellipse if rng.random() < 0.5 else canvas.rectangle)(box, fill=color)
    return picture


def save(picture: Image.Image, path: Path) -> Path:
    """Save a picture, and return its path."""
    options = {"quality": 90} if path.suffix == ".jpg" else {}
    picture.save(path, **options)
    return path


def edit_copy(edit: Edit, original: Path, place: Path, number: int) -> Path:
    """Save an edited copy."""
    with Image.open(original) as opened:
        copy = edit(opened, seed=number)
    return save(copy, place.with_suffix((".jpg", ".png")[number % 2]))


def edit_twice(original: Path, place: Path, number: int) -> Path:
    """Save a copy of a copy."""
    cut = dict.fromkeys(("left", "top"), 0.06)
    return edit_copy(Edit("crop_sides", **cut).then("gamma", value=0.7), original, place, number)


def copy_file(original: Path, place: Path, number: int) -> Path:
    """Copy a file as it is."""
    return Path(shutil.copy(original, place.with_suffix(original.suffix)))


def copy_pixels(original: Path, place: Path, number: int) -> Path:
    """Save the same pixels in another format."""
    with Image.open(original) as opened:
        return save(opened.convert("RGB"), place.with_suffix(".bmp"))


def turn_by_tag(original: Path, place: Path, number: int) -> Path:
    """Save the image turned, with the tag by which viewers turn it back."""
    with Image.open(original) as opened:
        turned = opened.convert("RGB").transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[ORIENTATION] = TURNED
    turned.save(place.with_suffix(".jpg"), quality=90, exif=exif)
    return place.with_suffix(".jpg")


def cut_out(original: Path, place: Path, number: int) -> Path:
    """Save the image with transparent corners."""
    with Image.open(original) as opened:
        picture = opened.convert("RGB")
    mask = Image.new("L", picture.size, 0)
    ImageDraw.Draw(mask).ellipse((0, 0, picture.width - 1, picture.height - 1), fill=255)
    picture.putalpha(mask)
    return save(picture, place.with_suffix(".png"))


def blank(original: Path, place: Path, number: int) -> Path:
    """Save an image of one color."""
    color = ("white", "black", "gray")[number % 3]
    return save(Image.new("RGB", SIDES, color), place.with_suffix((".jpg", ".png")[number % 2]))


def faint(original: Path, place: Path, number: int) -> Path:
    """Save an image of low detail, one of four."""
    levels = 200 + np.arange(SIDES[0]) // (30 + 10 * (number % 4))
    picture = np.repeat(levels[None].astype(np.uint8), SIDES[1], axis=0)
    return save(Image.fromarray(picture), place.with_suffix(".png"))


def spoil(original: Path, place: Path, number: int) -> Path:
    """Save a file that is not an image, is empty, or ends too early."""
    content = (b"no image", b"", original.read_bytes()[:200])[number % 3]
    place.with_suffix(".jpg").write_bytes(content)
    return place.with_suffix(".jpg")


COPIES: list[Callable[[Path, Path, int], Path]] = [
    *(partial(edit_copy, edit) for edit in EDITS),
    *(edit_twice, copy_file, copy_pixels, turn_by_tag, cut_out, blank, faint, spoil),
]
