"""What is measured of an image beside its hashes."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from hashfeatures.hashing.plate import Plate, measure_detail


def detail(image):
    return measure_detail(Plate(image))


def test_photos_have_detail_and_flat_images_none(photos):
    with Image.open(next(path for path in photos if path.name == "astronaut.png")) as photo:
        assert detail(photo) == 100
    assert detail(Image.new("L", (300, 200), 77)) == 0


@pytest.mark.parametrize("sigma", [1, 3])
def test_noise_is_no_detail(sigma):
    noise = np.random.default_rng(0).normal(200, sigma, (500, 500))
    assert detail(Image.fromarray(noise.astype(np.uint8))) == 0


def test_a_soft_gradient_is_no_detail():
    ramp = np.tile(np.linspace(100, 160, 256).astype(np.uint8), (256, 1))
    assert detail(Image.fromarray(ramp)) == 0


def test_more_text_is_more_detail():
    page = Image.new("L", (600, 800), 255)
    draw = ImageDraw.Draw(page)
    measured = []
    for line in range(20):
        draw.text((50, 100 + 20 * line), "how vexingly quick daft zebras jump " * 2, fill=0)
        measured.append(detail(page))
    assert 0 < measured[0] < measured[9] < measured[19] < 100


def test_detail_is_whole_and_bounded():
    for pixels in (np.zeros((1, 1)), np.indices((64, 64)).sum(axis=0) % 2 * 255):
        value = detail(Image.fromarray(pixels.astype(np.uint8)))
        assert isinstance(value, int)
        assert 0 <= value <= 100


def test_digest_tells_pixels_modes_and_shapes_apart():
    images = [
        Image.new("L", (4, 6)),
        Image.new("L", (6, 4)),
        Image.new("L", (4, 6), 1),
        Image.new("RGB", (4, 6)),
    ]
    digests = [Plate(image).digest() for image in images]
    assert len(set(digests)) == 4
    assert digests[0] == Plate(Image.new("L", (4, 6))).digest()
