import gc

import numpy as np
import PIL
import pytest
from PIL import Image

from hashfeatures.hashing import _pillow_buffer as memory
from hashfeatures.hashing import _planes
from hashfeatures.hashing._pillow_buffer import borrow_memory
from hashfeatures.hashing._planes import ImagePlanes

lends = int(PIL.__version__.partition(".")[0]) >= 13
if_lent = pytest.mark.skipif(not lends, reason="this Pillow does not lend its memory")


@if_lent
@pytest.mark.parametrize("size", [(1, 1), (7, 3), (500, 375), (1023, 77)])
def test_the_bytes_are_those_of_the_image(noise_image, size):
    image = noise_image(0, size=size)
    pixels = borrow_memory(image).reshape(size[1], size[0], 4)
    np.testing.assert_array_equal(pixels[..., :3], image)
    luma = image.convert("L")
    np.testing.assert_array_equal(borrow_memory(luma).reshape(size[::-1]), luma)


@if_lent
def test_borrowed_memory_outlives_its_image_and_cannot_be_written(noise_image):
    image = noise_image(0, size=(300, 200), mode="L")
    expected = np.array(image)
    borrowed = borrow_memory(image)
    del image
    gc.collect()
    _ = [Image.new("L", (300, 200), 1) for _ in range(50)]  # would take the place of what is free
    np.testing.assert_array_equal(borrowed.reshape(200, 300), expected)
    with pytest.raises(ValueError, match="read-only"):
        borrowed[0] = 1


@pytest.mark.parametrize("kind", ["array", "BMP", "PPM"])
def test_images_in_the_memory_of_others_are_read(kind, noise_image, tmp_path):
    """Pillow maps gray arrays and plain gray files, and crashed when some releases lent them."""
    luma = np.asarray(noise_image(0, size=(320, 200), mode="L"))
    mapped = Image.fromarray(luma)
    if kind != "array":
        mapped.save(tmp_path / "mapped", kind)
        mapped = Image.open(tmp_path / "mapped")
    assert mapped.readonly
    np.testing.assert_array_equal(ImagePlanes(mapped).luma, luma)


def test_an_image_in_several_blocks_is_not_lent(noise_image):
    """Pillow cuts large images up; their hashes do not tell."""
    image = Image.new("RGB", (3000, 3000))
    image.paste(noise_image(0, size=(3000, 50)))
    assert borrow_memory(image) is None
    small = image.resize((300, 300))
    np.testing.assert_array_equal(ImagePlanes(image).luma, image.convert("L"))
    assert ImagePlanes(small).luma.shape == (300, 300)


def test_without_borrowing_the_views_are_the_same(noise_image, monkeypatch):
    image = noise_image(0, size=(321, 123))
    lent = ImagePlanes(image, color=True)
    lent_luma, lent_counts = lent.luma, lent.color_counts
    monkeypatch.setattr(_planes, "borrow_memory", lambda image: None)
    copied = ImagePlanes(image, color=True)
    np.testing.assert_array_equal(copied.luma, lent_luma)
    np.testing.assert_array_equal(copied.color_counts, lent_counts)
    luma = image.convert("L")
    np.testing.assert_array_equal(ImagePlanes(luma).luma, luma)


def test_a_pillow_that_does_not_lend_is_not_asked(noise_image, monkeypatch):
    monkeypatch.setattr(memory, "_pillow_exports", lambda: False)
    assert borrow_memory(noise_image(0)) is None
