"""Segments and their hashes are ImageHash's, also where its search ends early."""

import imagehash
import numpy as np
import pytest
from PIL import Image

from hashfeatures import ParameterError
from hashfeatures.hashing import crop_resistant_hash
from hashfeatures.hashing._planes import ImagePlanes, measure_detail
from hashfeatures.hashing._spec import parse_hashes
from hashfeatures.hashing.views._segment_hashes import SegmentsSpec
from hashfeatures.hashing.views._segments import cut_segments


def assert_equal(image, **options):
    theirs = imagehash.crop_resistant_hash(image, **options).segment_hashes
    ours = crop_resistant_hash(image)
    assert len(ours) == len(theirs)
    for our, their in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(our, their.hash)
    return ours


def test_photos(photos):
    """One in three, as ImageHash takes a second for each."""
    numbers = []
    for path in photos[::3]:
        with Image.open(path) as opened:
            opened.load()
            if max(opened.size) < 2000 and opened.mode in ("L", "RGB", "RGBA"):
                numbers.append(len(assert_equal(opened)))
    assert len(numbers) > 8
    assert max(numbers) > 5


def checks(side, shades, size=(300, 300)):
    """Return a chessboard, whose fields touch at their corners and hang together nowhere."""
    rows, columns = np.indices(size[::-1]) // side
    return Image.fromarray(np.array(shades, dtype=np.uint8)[(rows + columns) % 2])


def smooth_noise(seed, cells, size):
    noise = np.random.default_rng(seed).integers(0, 256, (cells, cells), dtype=np.uint8)
    return Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC)


def hill_and_valleys():
    """Return a bright image with dark spots of 900 pixels, the last of which ImageHash skips."""
    pixels = np.full((300, 300), 255, dtype=np.uint8)
    for place in (10, 60, 110, 160, 210, 260):
        pixels[place : place + 30, place : place + 30] = 0
    return Image.fromarray(pixels)


@pytest.mark.parametrize(
    "image",
    [
        checks(30, (0, 255)),
        checks(50, (128, 129), (400, 700)),
        smooth_noise(0, 5, (640, 480)),
        smooth_noise(1, 12, (301, 299)),
        smooth_noise(2, 40, (1200, 90)),
        hill_and_valleys(),
        Image.new("L", (70, 50), 128),
        Image.new("L", (70, 50), 129),
        Image.linear_gradient("L"),
        Image.radial_gradient("L").convert("RGB"),
    ],
    ids=lambda image: f"{image.mode}{image.size}",
)
def test_made_images(image):
    assert_equal(image)


def test_the_search_ends_where_theirs_does():
    assert len(crop_resistant_hash(hill_and_valleys())) == 6, "the hill and all valleys but one"


def test_an_image_without_segments_is_one():
    noise = np.random.default_rng(0).integers(0, 2, (300, 300), dtype=np.uint8)
    image = Image.fromarray(noise * 255)
    hashes = assert_equal(image)
    assert len(hashes) == 1 or len(hashes) == len(cut_segments(ImagePlanes(image)))


def test_images_on_which_imagehash_fails():
    tiny = Image.fromarray(np.array([[0, 255], [255, 0]], dtype=np.uint8)).resize((3, 3))
    assert len(crop_resistant_hash(tiny)) >= 1
    assert len(crop_resistant_hash(Image.new("L", (1, 1)))) == 1


def test_other_hashes_and_colors(photos):
    image = Image.open(photos[0]).convert("RGB")
    theirs = imagehash.crop_resistant_hash(image, imagehash.phash).segment_hashes
    ours = crop_resistant_hash(image, "phash")
    for our, their in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(our, their.hash)
    with pytest.raises(ParameterError, match="'colorhash' needs colors"):
        crop_resistant_hash(image, "colorhash")


def test_codes_are_those_of_segments_with_structure():
    spec = SegmentsSpec.of(parse_hashes("dhash"))
    pixels = np.full((300, 300), 20, dtype=np.uint8)
    pixels[:140, :140] = 220  # flat, and so is what is around it
    pixels[160:, 160:] = np.asarray(smooth_noise(3, 6, (140, 140))) // 3 + 150
    planes = ImagePlanes(Image.fromarray(pixels))
    codes = spec.algorithm.compute(planes, spec.size)
    parts = [spec.hashes[0].algorithm.compute(part, 8).ravel() for part in cut_segments(planes)]
    assert codes.shape == spec.shape
    n_codes = np.count_nonzero(codes.any(axis=1))
    assert 1 <= n_codes < len(parts)
    assert not codes[n_codes:].any(), "filled from the first on"
    for code in codes[:n_codes]:
        assert any(np.array_equal(code, part) for part in parts)


def test_of_a_flat_image_the_whole_is_the_code():
    spec = SegmentsSpec.of(parse_hashes(["phash", "dhash"]))
    codes = spec.algorithm.compute(ImagePlanes(Image.linear_gradient("L")), spec.size)
    assert np.count_nonzero(codes.any(axis=1)) == 1


def test_a_segment_whose_bits_are_all_zero_comes_first():
    """Bits of zero stand for no segment everywhere but there."""
    spec = SegmentsSpec.of(parse_hashes("dhash"))
    pixels = np.full((300, 300), 20, dtype=np.uint8)
    pixels[:140, :140] = np.asarray(smooth_noise(3, 6, (140, 140))) // 3 + 150
    darker_to_the_right = np.linspace(255, 175, 140) - np.arange(140)[:, None] // 20 % 2 * 40
    pixels[160:, 160:] = darker_to_the_right.astype(np.uint8)
    codes = spec.algorithm.compute(ImagePlanes(Image.fromarray(pixels)), spec.size)
    assert codes.any(axis=1)[:4].tolist() == [False, True, True, False]
    assert not codes[4:].any()


def test_segments_of_less_detail_than_is_asked_for_are_left_out():
    image = smooth_noise(0, 5, (640, 480))
    planes = ImagePlanes(image)
    details = sorted({measure_detail(part) for part in cut_segments(planes)})
    by_dhash = parse_hashes("dhash")
    every, most = SegmentsSpec.of(by_dhash), SegmentsSpec.of(by_dhash, details[-1])
    n_every, n_most = (
        np.count_nonzero(spec.algorithm.compute(planes, spec.size).any(axis=1))
        for spec in (every, most)
    )
    assert 1 <= n_most < n_every
    assert str(every) != str(most), "a cache tells them apart"
    assert SegmentsSpec.of(by_dhash, 3) == every
