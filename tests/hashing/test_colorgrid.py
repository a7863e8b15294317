"""The color grid is a distance of colors: blind to light and shape, not to hue."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from hashfeatures import ImageHashFeaturizer
from hashfeatures.edits import Edit

SIDE = 96
colors = st.tuples(*[st.integers(0, 255)] * 3)


def bits(*images, size=3):
    return ImageHashFeaturizer(f"colorgrid:{size}").transform(list(images)).astype(bool)


def distance(left, right, size=3):
    one, other = bits(left, right, size=size)
    return (one != other).sum()


@given(colors, colors)
def test_the_distance_is_that_of_quantised_colors(left, right):
    images = [Image.new("RGB", (SIDE, SIDE), color) for color in (left, right)]
    chroma = [np.array(image.convert("YCbCr").getpixel((0, 0))[1:], int) for image in images]
    levels = [((part - 68) / 8).clip(0, 16) for part in chroma]
    expected = sum(abs(np.ceil(a) - np.ceil(b)) for a, b in zip(*levels, strict=True))
    assert distance(*images) == 9 * expected


def test_codes_are_thermometers():
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (50, 60, 3), np.uint8))
    scales = bits(image)[0].reshape(18, 16).astype(int)
    assert (np.diff(scales, axis=1) <= 0).all(), "no bit is set above one that is not"


def test_light_and_shape_are_not_seen_but_hue_is(photos):
    by_name = {path.name: path for path in photos}
    for name in ("astronaut.png", "chelsea.png", "coffee.png"):
        photo = Image.open(by_name[name]).convert("RGB")
        near = [distance(photo, Edit(edit)(photo)) for edit in ("recompress", "resize", "sharpen")]
        assert max(near) <= 6
        assert distance(photo, Edit("hue", shift=90)(photo)) > 40
        assert distance(photo, Edit("hue", shift=90)(photo)) > 3 * max(
            distance(photo, Edit("brightness", factor=0.8)(photo)), *near
        )


def test_equal_shapes_in_other_colors_are_told_apart():
    pixels = np.full((SIDE, SIDE, 3), 255, dtype=np.uint8)
    pixels[32:64, 32:64] = (200, 40, 40)
    red = Image.fromarray(pixels)
    blue = Image.fromarray(pixels[..., ::-1].copy())
    phash = ImageHashFeaturizer("phash").transform([red, blue]).astype(bool)
    assert (phash[0] != phash[1]).sum() <= 4
    assert distance(red, blue) >= 15


@pytest.mark.parametrize("size", [1, 2, 8])
def test_sizes(size):
    assert bits(Image.new("L", (40, 30), 9), size=size).shape == (1, 32 * size * size)
    assert not distance(Image.new("L", (40, 30), 9), Image.new("RGB", (4, 3), "white"), size)
