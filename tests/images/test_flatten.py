"""Pixels of any mode become opaque 8-bit pixels that look the same."""

import io

import numpy as np
import pytest
from PIL import Image

from hashfeatures import ImageHashFeaturizer, ImageReadError
from hashfeatures.images._decoding import Decoding
from hashfeatures.images._flatten import flatten
from hashfeatures.images._read import read_image


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA", "La", "RGBa", "P", "tRNS L", "tRNS RGB"])
def test_the_background_shows_through(mode, encode):
    """The left half is opaque gray, the right half transparent black."""
    alpha = Image.new("RGBA", (8, 4), (90, 90, 90, 255))
    alpha.paste((0, 0, 0, 0), (4, 0, 8, 4))
    if mode == "PA":
        image = Image.new("PA", (8, 4))
        image.putdata([(0, 255) if x < 4 else (1, 0) for _ in range(4) for x in range(8)])
        image.putpalette([90, 90, 90, 0, 0, 0])
    elif mode == "P":
        image = Image.open(io.BytesIO(encode(alpha.quantize(3))))
    elif mode.startswith("tRNS"):
        solid = alpha.convert(mode[5:])
        clear = 0 if mode == "tRNS L" else (0, 0, 0)
        image = Image.open(io.BytesIO(encode(solid, transparency=clear)))
    elif mode in ("La", "RGBa"):
        image = alpha.convert("LA" if mode == "La" else "RGBA").convert(mode)
    else:
        image = alpha.convert(mode)
    with image:
        for background, rgb in (("white", 255), ("black", 0), ((7, 7, 7), 7), ("#fff8", 255)):
            flat = read_image(image, Decoding(background=background)).image
            assert flat.mode == "RGB"
            assert {flat.getpixel((x, 1)) for x in range(4)} == {(90, 90, 90)}
            assert {flat.getpixel((x, 1)) for x in range(4, 8)} == {(rgb, rgb, rgb)}


def test_opaque_images_are_not_converted(noise_image):
    """What ImageHash is to see alike must not pass through another mode first."""
    for mode in ("1", "L", "P", "RGB", "CMYK", "YCbCr", "HSV"):
        image = noise_image(0, mode=mode)
        assert flatten(image) is image


@pytest.mark.parametrize("mode", ["I;16", "I;16B", "I", "F"])
def test_16_bits_are_scaled_not_clipped(mode):
    values = np.array([[0, 257, 128 * 257, 65535]], dtype=np.uint16)
    image = Image.fromarray(values.astype({"I": np.int32, "F": np.float32}.get(mode, np.uint16)))
    if mode == "I;16B":
        image = Image.frombytes("I;16B", (4, 1), values.astype(">u2").tobytes())
    assert np.asarray(flatten(image)).tolist() == [[0, 1, 128, 255]]


def test_16_bits_with_a_transparent_value(encode):
    values = np.array([[0, 257, 1000, 65535]], dtype=np.uint16)
    data = encode(Image.fromarray(values), "PNG", transparency=1000)
    flat = read_image(data, Decoding(background=(255, 0, 9))).image
    assert list(
        flat.get_flattened_data() if hasattr(flat, "get_flattened_data") else flat.getdata()
    ) == [*((0, 0, 0), (1, 1, 1), (255, 0, 9), (255, 255, 255))]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.0, 0.5, 1.0], [0, 128, 255]),
        ([0.0, 10.0, 255.0], [0, 10, 255]),
        ([-1.0, 0.0, 1.0], [0, 128, 255]),
        ([0.0, 5e5, 1e6], [0, 128, 255]),
        ([3.0, 3.0, 3.0], [3, 3, 3]),
        ([-3.0, -3.0, -3.0], [0, 0, 0]),
    ],
)
def test_floats_of_any_range(values, expected):
    image = Image.fromarray(np.array([values], dtype=np.float32))
    assert np.asarray(flatten(image)).tolist() == [expected]


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_floats_that_are_no_numbers(wrong):
    image = Image.fromarray(np.array([[0, wrong]], dtype=np.float32))
    with pytest.raises(ImageReadError, match="NaN or infinite"):
        read_image(image)


def test_16_bit_files_hash_like_their_8_bit_twins(noise_image, encode):
    small = np.asarray(noise_image(3, mode="L"))
    wide = Image.fromarray(small.astype(np.uint16) * 257)
    bits = ImageHashFeaturizer(["phash", "dhash"]).transform(
        [small, encode(wide, "PNG"), encode(wide, "TIFF")]
    )
    assert (bits == bits[0]).all()


def test_lab_is_seen_in_its_colors(noise_image):
    from PIL import ImageCms

    color = noise_image(2)
    to_lab = ImageCms.buildTransform(
        ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB"
    )
    lab = ImageCms.applyTransform(color, to_lab)
    assert lab.mode == "LAB"
    difference = np.asarray(flatten(lab)).astype(int) - np.asarray(color)
    assert np.abs(difference).mean() < 4
