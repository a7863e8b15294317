"""Uniform borders are found, and nothing of a picture is taken for one."""

import io

import numpy as np
import pytest
from PIL import Image

from hashfeatures.edits import Edit
from hashfeatures.hashing.views._borders import Box, find_picture


def picture_of(image, **options):
    return find_picture(np.asarray(image.convert("L")), **options)


def as_jpeg(image, quality):
    buffer = io.BytesIO()
    image.convert("RGB").save(buffer, "JPEG", quality=quality)
    return Image.open(buffer)


@pytest.fixture
def photo(photos):
    return Image.open(next(path for path in photos if path.name == "chelsea.png"))


@pytest.mark.parametrize("quality", [95, 50, 20])
@pytest.mark.parametrize("color", ["black", "white", "teal"])
@pytest.mark.parametrize("sides", ["top and bottom", "left and right", "all"])
def test_borders_are_found_in_jpeg_files(photo, sides, color, quality):
    bordered = Edit("bars", share=0.1, sides=sides, color=color)(photo)
    box = picture_of(as_jpeg(bordered, quality))
    left = 45 if sides in ("left and right", "all") else 0
    top = 30 if sides in ("top and bottom", "all") else 0
    expected = (left, top, bordered.width - left, bordered.height - top)
    np.testing.assert_allclose(box, expected, atol=5 if quality < 50 else 2)


def test_bars_within_bars(photo):
    letterbox = Edit("bars", share=0.15)(photo)
    both = Edit("bars", share=0.1, sides="left and right", color="white")(letterbox)
    left, top, right, bottom = picture_of(both)
    assert (right - left, bottom - top) == photo.size
    assert (left, top) == (45, 45)


def test_photos_have_no_border(photos):
    """Skies and night are soft or noisy. What has one is a drawing, or a disc on black."""
    bordered = {"horse.png", "logo.png", "phantom.png", "retina.jpg"}
    for path in photos:
        with Image.open(path) as image:
            found = picture_of(image)
            assert (found == (0, 0, *image.size)) == (path.name not in bordered), path


def test_a_rotated_image_has_no_border(photo):
    rotated = Edit("rotate", degrees=4)(photo)
    assert picture_of(rotated) == Box(0, 0, *rotated.size)


@pytest.mark.parametrize("luma", [0, 128, 255])
def test_what_is_all_border_has_none(luma):
    flat = np.full((40, 60), luma, dtype=np.uint8)
    assert find_picture(flat) == (0, 0, 60, 40)
    assert find_picture(flat[:1, :1]) == (0, 0, 1, 1)
    flat[20, 30] = 255 - luma
    assert find_picture(flat) == (0, 0, 60, 40), "a dot on a page is not a picture"


@pytest.mark.parametrize("where", ["bottom", "top"])
def test_captions_belong_to_the_border_where_text_may(photo, where):
    captioned = Edit("caption", share=0.15, where=where, text="a cat, looking")(photo)
    band = captioned.height - photo.height
    found = picture_of(captioned, with_text=True)
    top, bottom = (band, captioned.height) if where == "top" else (0, photo.height)
    np.testing.assert_allclose(found, (0, top, captioned.width, bottom), atol=2)
    strict = picture_of(captioned)
    assert strict.bottom - strict.top > photo.height + band / 5
