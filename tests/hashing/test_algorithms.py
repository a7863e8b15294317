"""Promise 1: every hash equals ImageHash's, bit for bit."""

import re
import sys

import imagehash
import numpy as np
import pytest
from PIL import Image

from hashfeatures import ImageHashFeaturizer, ImageReadError, MissingExtraError
from hashfeatures._utils.optional import install_command
from hashfeatures.hashing._hex import bits_to_hex
from hashfeatures.hashing._planes import ImagePlanes
from hashfeatures.hashing._spec import HashSpec, parse_hashes

ORACLE = {
    "ahash": imagehash.average_hash,
    "phash": imagehash.phash,
    "phash_simple": imagehash.phash_simple,
    "dhash": imagehash.dhash,
    "dhash_vertical": imagehash.dhash_vertical,
    "whash": imagehash.whash,
    "colorhash": lambda image, size: imagehash.colorhash(image, binbits=size),
}
SPECS = parse_hashes(
    [f"{name}:{size}" for name in ORACLE for size in ((3, 4) if name == "colorhash" else (8, 16))]
)
ODD_SPECS = parse_hashes(["ahash:5", "phash:3", "dhash:7", "whash:2", "whash:4", "colorhash:1"])
SIZES = [(1, 1), (1, 7), (7, 1), (2, 3), (8, 8), (17, 31), (64, 64), (100, 37), (33, 128)]
MODES = [
    *("1", "L", "P", "RGB", "RGBA", "RGBX", "RGBa", "CMYK", "YCbCr", "HSV", "LA", "PA"),
    *("I", "F", "I;16", "I;16L", "I;16B", "I;16N"),
]

# ahash, phash, dhash, whash and colorhash of scikit-image's camera.png
KNOWN = [
    "ffcf8f07071f1f1f",
    "bff1c1c0434e8cbc",
    "509a3c7fbc756cec",
    "ffcf8f0107171606",
    "0e000000000",
]


def expected_bits(image, specs):
    parts = [ORACLE[spec.name](image, spec.size).hash.ravel() for spec in specs]
    return np.concatenate(parts).astype(np.uint8)


def our_bits(sources, specs, **keywords):
    return ImageHashFeaturizer([str(spec) for spec in specs], **keywords).transform(sources)


def make_image(mode, size, seed):
    """Return an image of a mode, filled with what the mode can hold."""
    rng = np.random.default_rng(seed)
    if mode in ("I", "F"):
        values = rng.integers(-300, 70_000, size[::-1])
        return Image.fromarray(values.astype(np.int32 if mode == "I" else np.float32))
    if mode == "P":
        return Image.fromarray(rng.integers(0, 256, (*size[::-1], 3), dtype=np.uint8)).quantize(7)
    template = Image.new(mode, size)
    return Image.frombytes(mode, size, rng.bytes(len(template.tobytes())))


def without_structure(image):
    luma = np.asarray(image.convert("L"))
    return luma.min() == luma.max()


def test_photos(photos):
    """Photos and drawings as files: what ImageHash sees, and for opaque ones by default too."""
    expected, opaque = [], []
    for row, path in enumerate(photos):
        with Image.open(path) as image:
            expected.append(expected_bits(image, SPECS))
            if not image.has_transparency_data:
                opaque.append(row)
    expected = np.array(expected)
    raw = our_bits(photos, SPECS, orient=False, background=None)
    np.testing.assert_array_equal(raw, expected)
    assert len(opaque) > 25
    np.testing.assert_array_equal(our_bits([photos[i] for i in opaque], SPECS), expected[opaque])


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("mode", MODES)
def test_every_mode_and_size(mode, size):
    """Noise of every mode that ImageHash can hash, landscape and portrait, down to one pixel."""
    image = make_image(mode, size, seed=sum(size))
    specs = [spec for spec in SPECS if spec.name != "whash" or not without_structure(image)]
    actual = our_bits([image], specs, orient=False, background=None)[0]
    np.testing.assert_array_equal(actual, expected_bits(image, specs))


@pytest.mark.parametrize("mode", ["LAB", "La"])
def test_modes_that_imagehash_refuses_are_refused_alike(mode):
    image = Image.new(mode, (9, 9))
    with pytest.raises(ValueError, match="not supported"):
        imagehash.phash(image)
    with pytest.raises(ImageReadError, match=f"'<{mode} image of 9x9>': .*not supported"):
        our_bits([image], SPECS, orient=False, background=None)


@pytest.mark.parametrize("seed", range(12))
def test_drawings_with_ties(seed):
    """Large plain areas put many blocks exactly on the median of the wavelet hash."""
    rng = np.random.default_rng(seed)
    pixels = np.full((96, 128), 255, dtype=np.uint8)
    for _ in range(seed):
        y, x = rng.integers(0, 90, 2)
        pixels[y : y + rng.integers(1, 50), x : x + rng.integers(1, 50)] = rng.integers(0, 256)
    image = Image.fromarray(pixels)
    specs = SPECS if seed else [spec for spec in SPECS if spec.name != "whash"]
    np.testing.assert_array_equal(our_bits([image], specs)[0], expected_bits(image, specs))


@pytest.mark.parametrize("seed", range(6))
def test_other_sizes_of_hash(noise_image, seed):
    image = noise_image(seed, size=(200 + seed, 150))
    np.testing.assert_array_equal(our_bits([image], ODD_SPECS)[0], expected_bits(image, ODD_SPECS))


@pytest.mark.parametrize("level", [0, 1, 127, 128, 255])
def test_flat_images(level):
    """The one exception: an image of one luma has no structure, and its wavelet hash is zero."""
    image = Image.new("L", (50, 40), level)
    specs = [spec for spec in SPECS if spec.name != "whash"]
    np.testing.assert_array_equal(our_bits([image], specs)[0], expected_bits(image, specs))
    assert not our_bits([image], parse_hashes(["whash", "whash:16"])).any()


def test_colorhash_of_every_color():
    """Every hue and saturation, the borders of the bins included, at every number of bits."""
    hue, saturation = np.meshgrid(np.arange(256), np.arange(0, 256, 5))
    hsv = np.stack([hue, saturation, np.full_like(hue, 200)], axis=-1).astype(np.uint8)
    images = [Image.frombytes("HSV", hue.shape[::-1], hsv.tobytes())]
    images += [image.crop((0, 0, 60, image.height)) for image in images]
    specs = parse_hashes([f"colorhash:{size}" for size in range(1, 9)])
    for image in images:
        np.testing.assert_array_equal(our_bits([image], specs)[0], expected_bits(image, specs))


def test_known_answers(photos):
    """Hashes of one photo, written down: neither we nor ImageHash may drift unnoticed."""
    (camera,) = [path for path in photos if path.name == "camera.png"]
    specs = parse_hashes(["ahash", "phash", "dhash", "whash", "colorhash"])
    hexes = [bits_to_hex(our_bits([camera], [spec]))[0] for spec in specs]
    assert hexes == KNOWN


def test_pdq(photos, noise_image):
    """PDQ is that of pdqhash, on the same pixels and for images of every mode."""
    import pdqhash

    opened = [noise_image(seed, mode=mode) for seed, mode in enumerate(["L", "P", "CMYK", "1"])]
    for path in photos[:10]:
        with Image.open(path) as image:
            opened.append(image.convert("RGB"))
    expected = [pdqhash.compute(np.asarray(image.convert("RGB")))[0] for image in opened]
    np.testing.assert_array_equal(ImageHashFeaturizer("pdq").transform(opened), expected)


def test_pdq_without_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "pdqhash", None)
    with pytest.raises(MissingExtraError, match=re.escape(install_command("pdq"))):
        ImageHashFeaturizer("pdq", errors="coerce").transform(["no such file.png"])


def test_views_are_made_once(noise_image, monkeypatch):
    """Five hashes convert once: the conversion costs more than the hashes."""
    calls = []
    convert = Image.Image.convert
    monkeypatch.setattr(
        Image.Image,
        "convert",
        lambda self, mode, *a: calls.append(mode) or convert(self, mode, *a),
    )
    planes = ImagePlanes(noise_image(0))
    for spec in parse_hashes(["ahash", "phash", "dhash", "whash", "colorhash"]):
        spec.algorithm.compute(planes, spec.size)
    assert calls.count("L") == calls.count("HSV") == 1


@pytest.mark.parametrize(
    "name", ["ahash", "phash", "phash:3", "phash:16", "dhash", "dhash_vertical:5", "colorhash"]
)
def test_hashes_of_many_images_are_those_of_each(name, noise_image):
    """What is computed for many images at once rounds as for a single one."""
    spec = HashSpec.parse(name)
    planes = [ImagePlanes(noise_image(seed, size=(99, 70 + seed)), True) for seed in range(17)]
    measured = [spec.measure(each) for each in planes]
    together = spec.pack_all(measured)
    assert together == [packed for each in measured for packed in spec.pack_all([each])]
    assert together == [
        np.packbits(spec.algorithm.compute(each, spec.size)).tobytes() for each in planes
    ]
