"""A relation says what was done to one image to get the other."""

import numpy as np
import pytest
from PIL import Image

from hashfeatures.alignment._align import ORIENTATION_MAPS, align_pairs
from hashfeatures.alignment._relation import describe_relations
from hashfeatures.edits import Edit
from hashfeatures.hashing._planes import ImagePlanes

NAMES = ("astronaut.png", "chelsea.png", "coffee.png", "motorcycle_left.png", "rocket.jpg")
CROPPED = "cropped by 6 % at the left, top and right"


@pytest.fixture(scope="module")
def pictures(photos):
    chosen = []
    for path in photos:
        if path.name in NAMES:
            with Image.open(path) as opened:
                chosen.append(opened.convert("RGB"))
    return chosen


def relate(pictures, copies):
    images = [*pictures, *copies]
    planes = [ImagePlanes(image) for image in images]
    luma = np.stack([each.lanczos(64, 64) for each in planes])
    left = np.arange(len(pictures))
    right = len(pictures) + left
    maps = align_pairs(luma, left, right, ORIENTATION_MAPS, is_thorough=True).maps
    return describe_relations(
        maps,
        luma,
        np.stack([each.mean_chroma(3) for each in planes]),
        np.array([each.size for each in planes]),
        np.array([image.width * image.height for image in images]),
        left,
        right,
    )


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (Edit("resize", scale=0.5), "resized to 50 %"),
        (Edit("recompress", quality=50), "recompressed"),
        (Edit("crop", share=0.05), "cropped by 5 % at each side"),
        (Edit("crop_sides", right=0.1), "cropped by 10 % at the right"),
        (Edit("crop_sides", left=0.06), "cropped by 6 % at the left"),
        (Edit("rotate", degrees=3), "rotated by 3° to the left"),
        (Edit("rotate", degrees=-2), "rotated by 2° to the right"),
        (Edit("mirror"), "mirrored"),
        (Edit("flip"), "flipped"),
        (Edit("turn", quarters=1), "turned by 90° to the left"),
        (Edit("turn", quarters=2), "turned by 180°"),
        (Edit("turn", quarters=3), "turned by 90° to the right"),
        (Edit("bars", share=0.1), "with a border of 10 % at the top and bottom"),
        (Edit("grayscale"), "gray"),
        (Edit("saturation", factor=0.3), "less saturated"),
        (Edit("brightness", factor=0.6), "darker"),
        (Edit("contrast", factor=0.6), "with less contrast"),
        (Edit("mirror").then("crop_sides", left=0.06), "mirrored, cropped by 6 % at the left"),
        (Edit("mirror").then("grayscale"), "mirrored and gray"),
        (Edit("rotate", degrees=-10), "rotated by 10° to the right"),
        (Edit("caption"), "with a border of 12 % at the bottom"),
        (Edit("bars", share=0.01), "with a border of 1 % at the top and bottom"),
        (Edit("crop_sides", left=0.06, right=0.06, top=0.06), CROPPED),
        (
            Edit("crop_sides", left=0.06, bottom=0.03).then("grayscale"),
            "cropped by 6 % at the left and 3 % at the bottom, and gray",
        ),
        (Edit("gamma", value=1.5), "darker"),
        (Edit("hue", shift=90), "in other colors"),
        (Edit("watermark"), "retouched"),
        (Edit("badge"), "retouched"),
        (Edit("mirror").then("badge"), "mirrored and retouched"),
    ],
    ids=str,
)
def test_single_edits_are_named(pictures, edit, expected):
    relations = relate(pictures, [edit(picture) for picture in pictures])
    assert sum(relation == expected for relation in relations) >= len(pictures) - 1, relations


def test_the_other_way_round_is_named_from_there(pictures):
    """What is cut off in one direction is new in the other, and no border."""
    copies = [Edit("crop_sides", right=0.2)(picture) for picture in pictures]
    back = relate(copies, pictures)
    assert sum(text == "extended by 25 % at the right" for text in back) >= 4, back
    framed = [Edit("bars", share=0.125)(picture) for picture in pictures]
    back = relate(framed, pictures)
    assert sum(text == "cropped by 10 % at the top and bottom" for text in back) >= 4, back
    gray = [Edit("grayscale")(picture) for picture in pictures]
    assert sum(text == "in color" for text in relate(gray, pictures)) >= 4


def test_a_relation_does_not_depend_on_the_other_pairs(pictures):
    """Pairs are described in blocks, and each as it is alone."""
    copies = [Edit("crop", share=0.03)(picture) for picture in pictures]
    alone = [relate([picture], [copy])[0] for picture, copy in zip(pictures, copies, strict=True)]
    assert relate(pictures * 120, copies * 120) == alone * 120


def test_sizes_that_are_not_known_are_not_named():
    luma = np.random.default_rng(0).integers(0, 256, (1, 64, 64), dtype=np.uint8).repeat(2, axis=0)
    chroma = np.full((2, 3, 3, 2), 128, dtype=np.uint8)
    sizes = np.array([[400, 300], [200, 150]])
    maps = np.array(ORIENTATION_MAPS[:1], dtype=np.float32)
    one, other = np.array([0]), np.array([1])
    for n_pixels, expected in (([0, 0], "recompressed"), ([120_000, 30_000], "resized to 50 %")):
        said = describe_relations(maps, luma, chroma, sizes, np.array(n_pixels), one, other)
        assert said == [expected]
    assert describe_relations(maps[:0], luma, chroma, sizes, sizes[0], one[:0], other[:0]) == []


def test_a_reduced_decode_does_not_change_the_size():
    """A decoder that halves a large photo leaves a thumbnail of the same size as before."""
    luma = np.random.default_rng(0).integers(0, 256, (1, 64, 64), dtype=np.uint8).repeat(2, axis=0)
    chroma = np.full((2, 3, 3, 2), 128, dtype=np.uint8)
    sizes, n_pixels = np.array([[1000, 750], [500, 375]]), np.array([750_000, 750_000])
    maps = np.array(ORIENTATION_MAPS[:1], dtype=np.float32)
    said = describe_relations(maps, luma, chroma, sizes, n_pixels, np.array([0]), np.array([1]))
    assert said == ["recompressed"]
