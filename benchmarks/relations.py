"""Count how often the relation of a copy to its original names the right edit.

Images are edited in single ways, geometric and tonal. Each copy is aligned with its original as
`NearDuplicateFinder` does it. A relation is right if it names the kind of edit, every share within
1.5 % of a side, and every angle within 1.5 degrees.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image
from same_picture import find_files, make_files

from hashfeatures import NearDuplicateFinder
from hashfeatures.duplicates._described_pairs import describe_near
from hashfeatures.duplicates.fingerprints._confirmation import Confirmation
from hashfeatures.edits import Edit
from hashfeatures.hamming._pairs import Pairs

TOLERANCE = 1.5
LEAST_STRETCH = 3  # percent; less is not named

# From an original to the text that is expected.
Expected = Callable[[Image.Image], str]


def stretched(image: Image.Image) -> str:
    """Return what becomes of an image that is squeezed to a square of 256 pixels."""
    width, height = image.size
    more = 100 * (max(width, height) / min(width, height) - 1)
    if more < LEAST_STRETCH:
        return f"resized to {25600 / (width * height) ** 0.5} %"
    return f"stretched by {more} % in {'height' if width > height else 'width'}"


def padded(image: Image.Image) -> str:
    """Return what becomes of an image that is padded to a square."""
    width, height = image.size
    share = 50 * (max(width, height) / min(width, height) - 1)
    sides = "top and bottom" if width > height else "left and right"
    return f"with a border of {share} % at the {sides}"


def recolored(image: Image.Image) -> str:
    """Return what becomes of an image whose channels are multiplied."""
    red, green, blue = image.split()
    return "in color" if red == green == blue else "in other colors"


def always(text: str) -> Expected:
    """Return what is expected of all images."""
    return lambda image: text


EDITS: list[tuple[Edit, Expected]] = [
    (Edit("resize", scale=0.5), always("resized to 50 %")),
    (Edit("squeeze", width=256, height=256), stretched),
    (Edit("recompress", quality=50), always("recompressed")),
    (Edit("crop", share=0.025), always("cropped by 2.5 % at each side")),
    (Edit("crop", share=0.05), always("cropped by 5 % at each side")),
    (Edit("crop_sides", right=0.1), always("cropped by 10 % at the right")),
    (
        Edit("crop_sides", left=0.06, bottom=0.04),
        always("cropped by 6 % at the left and 4 % at the bottom"),
    ),
    (Edit("zoom", factor=1.1), always("cropped by 4.5 % at each side, resized to 110 %")),
    (Edit("rotate", degrees=2), always("rotated by 2° to the left")),
    (Edit("rotate", degrees=-4), always("rotated by 4° to the right")),
    (Edit("mirror"), always("mirrored")),
    (Edit("flip"), always("flipped")),
    (Edit("turn", quarters=1), always("turned by 90° to the left")),
    (Edit("turn", quarters=2), always("turned by 180°")),
    (Edit("bars", share=0.05), always("with a border of 5 % at the top and bottom")),
    (
        Edit("bars", share=0.1, sides="left and right"),
        always("with a border of 10 % at the left and right"),
    ),
    (Edit("pad"), padded),
    (Edit("caption", share=0.12), always("with a border of 12 % at the bottom")),
    (Edit("grayscale"), always("gray")),
    (Edit("saturation", factor=2), always("more saturated")),
    (Edit("saturation", factor=0.4), always("less saturated")),
    (Edit("hue", shift=90), always("in other colors")),
    (Edit("recolor"), recolored),
    (Edit("brightness", factor=0.7), always("darker")),
    (Edit("brightness", factor=1.3), always("brighter")),
    (Edit("contrast", factor=1.5), always("with more contrast")),
    (Edit("contrast", factor=0.6), always("with less contrast")),
    (Edit("gamma", value=0.6), always("brighter")),
    (Edit("gamma", value=2), always("darker")),
]
_NUMBER = re.compile(r"\d+(?:\.\d+)?")


def is_named(relation: str, expected: str) -> bool:
    """Return whether a relation has the expected words in a row, and numbers within tolerance."""
    pattern = _NUMBER.sub("#", expected)
    numbers = [float(number) for number in _NUMBER.findall(expected)]
    words = _NUMBER.sub("#", relation)
    start = words.find(pattern)
    if start < 0:
        return False
    before = words[:start].count("#")
    found = [float(number) for number in _NUMBER.findall(relation)][before:]
    return all(abs(one - other) <= TOLERANCE for one, other in zip(found, numbers, strict=False))


def relate(originals: list[Image.Image], copies: list[Image.Image]) -> tuple[list[str], float]:
    """Return the relation of each copy to its original, "" where unconfirmed, and their share."""
    finder = NearDuplicateFinder(views="dihedral", n_jobs=2)
    images, others = finder.fingerprint(originals), finder.fingerprint(copies)
    rows = np.arange(len(originals))
    confirmation = Confirmation(finder.min_agreement, views=finder.views)
    pairs = Pairs(rows, rows, np.zeros(len(rows), dtype=np.int64))
    described = describe_near(images, others, pairs, confirmation, 2)
    assert described is not None
    confirmed = described.agreement >= finder.min_agreement
    return list(np.where(confirmed, described.relation, "")), float(confirmed.mean())


def is_changed(image: Image.Image, copy: Image.Image) -> bool:
    """Return whether an edit changed an image: a gray one has no colors to lose."""
    return image.size != copy.size or image.tobytes() != copy.tobytes()


def main() -> int:
    """Run the benchmark; return 1 if less than 0.9 of the confirmed copies are named rightly."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, nargs="?", metavar="DIR", help="images to edit")
    parser.add_argument("--edited", type=int, default=100, help="the most images to edit (100)")
    parser.add_argument("--quick", action="store_true", help="edit 10 images")
    options = parser.parse_args()
    with TemporaryDirectory(prefix="hashfeatures-benchmark-") as temporary:
        files = find_files(options.folder) if options.folder else make_files(Path(temporary))
        chosen = np.random.default_rng(0).permutation(len(files))[
            : 10 if options.quick else options.edited
        ]
        originals = []
        for row in chosen:
            with Image.open(files[row]) as opened:
                originals.append(opened.convert("RGB"))
    print(
        f"{len(originals)} images\n\n| edit | confirmed | named rightly |\n| --- | ---: | ---: |"
    )
    shares = []
    for edit, expected in EDITS:
        copies = [edit(image, number) for number, image in enumerate(originals)]
        relations, confirmed = relate(originals, copies)
        hits = [
            is_named(relation, expected(image))
            for relation, image, copy in zip(relations, originals, copies, strict=True)
            if relation and is_changed(image, copy)
        ]
        shares.append(float(np.mean(hits)) if hits else 0.0)
        print(f"| {edit} | {confirmed:.3f} | {shares[-1]:.3f} |", flush=True)
    print(f"| mean | | {np.mean(shares):.3f} |")
    return int(np.mean(shares) < 0.9)


if __name__ == "__main__":
    sys.exit(main())
