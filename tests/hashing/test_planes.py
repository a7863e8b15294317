"""What is measured of an image beside its hashes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from hashfeatures._utils.kernels import load_kernels
from hashfeatures.hashing import _planes
from hashfeatures.hashing._planes import ImagePlanes, measure_detail


def detail(image):
    return measure_detail(ImagePlanes(image))


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


def test_digest_is_of_the_colors_that_are_seen():
    """Whatever the mode holds them in: palettes of one index may be of any color."""
    colors = ["red", "blue", "white"]
    by_mode = {
        mode: [ImagePlanes(Image.new("RGB", (6, 4), c).convert(mode)).digest() for c in colors]
        for mode in ("RGB", "P", "RGBA")
    }
    assert len(set(by_mode["RGB"])) == 3
    assert by_mode["P"] == by_mode["RGBA"] == by_mode["RGB"]
    assert ImagePlanes(Image.new("L", (6, 4), 255)).digest() == by_mode["RGB"][2]
    assert ImagePlanes(Image.new("RGB", (4, 6), "white")).digest() != by_mode["RGB"][2]


def test_without_agreement_pillow_resizes(monkeypatch, noise_image, caplog):
    """Where the compiled loop gave other pixels than the installed Pillow, it is not used."""
    load_kernels("hashing")
    image = noise_image(0, size=(300, 200), mode="L")
    expected = np.asarray(image.resize((32, 32), Image.Resampling.LANCZOS))
    _planes.kernel_agrees_with_pillow.cache_clear()
    with monkeypatch.context() as patch:
        patch.setattr(
            _planes, "_lanczos", lambda _, sizes: [np.zeros((8, 8), np.uint8)] * len(sizes)
        )
        with caplog.at_level("DEBUG", logger="hashfeatures"):
            np.testing.assert_array_equal(ImagePlanes(image).lanczos(32, 32), expected)
        assert "Resizing with Pillow" in caplog.text
    _planes.kernel_agrees_with_pillow.cache_clear()
    assert _planes.kernel_agrees_with_pillow()
    np.testing.assert_array_equal(ImagePlanes(image).lanczos(32, 32), expected)


@given(st.integers(1, 300), st.integers(1, 300), st.integers(1, 90), st.integers(1, 90))
def test_the_compiled_resize_is_pillow_s(height, width, new_height, new_width):
    """In both orders of the passes, whether lines are lost or won."""
    rng = np.random.default_rng(height * width)
    noise = rng.integers(0, 256, (height, width), dtype=np.uint8)
    for pixels in (noise, np.where(noise > 127, 255, 0).astype(np.uint8)):
        resized = Image.fromarray(pixels).resize((new_width, new_height), Image.Resampling.LANCZOS)
        image = Image.fromarray(pixels)
        np.testing.assert_array_equal(ImagePlanes(image).lanczos(new_width, new_height), resized)


@given(
    st.tuples(st.integers(1, 300), st.integers(1, 300)),
    st.lists(
        st.tuples(st.integers(1, 90), st.integers(1, 90)), min_size=1, max_size=4, unique=True
    ),
)
def test_one_pass_to_several_sizes_is_as_many_resizes(shape, sizes):
    """Whichever order of the two passes each of the sizes takes."""
    pixels = np.random.default_rng(shape[0]).integers(0, 256, shape, dtype=np.uint8)
    image = Image.fromarray(pixels)
    planes = ImagePlanes(image, sizes=tuple(sizes))
    for size in sizes:
        resized = image.resize(size, Image.Resampling.LANCZOS)
        np.testing.assert_array_equal(planes.lanczos(*size), resized)


def test_every_color_is_counted_as_by_pillow():
    """All 2 ** 24 colors fall into the classes that Pillow's own conversion gives."""
    levels = np.arange(256, dtype=np.uint8)
    green, blue = np.meshgrid(levels, levels, indexing="ij")
    for red in levels:
        pixels = np.stack([np.full_like(green, red), green, blue], axis=-1)
        image = Image.fromarray(pixels)
        fast, slow = ImagePlanes(image, color=True), ImagePlanes(image)
        np.testing.assert_array_equal(fast.color_counts, slow.color_counts, err_msg=str(red))
        np.testing.assert_array_equal(fast.luma, slow.luma)


@pytest.mark.parametrize("are_loaded", [True, False])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_planes_of_decoded_pixels_are_those_of_the_image(
    mode, are_loaded, noise_image, monkeypatch
):
    """Whether the compiled loops are loaded or not."""
    image = noise_image(0, size=(123, 77), mode=mode)
    pixels = np.asarray(image if mode == "L" else image.convert("RGBX"))
    if not are_loaded:
        monkeypatch.setattr(_planes._KERNELS, "get", lambda work: None)
    theirs, ours = ImagePlanes(image, color=True), ImagePlanes(pixels, color=True)
    assert ours.size == theirs.size
    np.testing.assert_array_equal(ours.color_counts, theirs.color_counts)
    for plane in ("luma", "rgb"):
        np.testing.assert_array_equal(getattr(ours, plane), getattr(theirs, plane))
    np.testing.assert_array_equal(ours.lanczos(9, 8), theirs.lanczos(9, 8))
    np.testing.assert_array_equal(ours.mean_chroma(3), theirs.mean_chroma(3))


def test_large_images_are_unpacked_in_bands(noise_image, monkeypatch):
    monkeypatch.setattr(_planes, "_BAND_PIXELS", 1000)
    for size in ((123, 77), (1500, 3), (3, 1500)):
        image = noise_image(0, size=size)
        fast, slow = ImagePlanes(image, color=True), ImagePlanes(image)
        np.testing.assert_array_equal(fast.color_counts, slow.color_counts)
        np.testing.assert_array_equal(fast.luma, slow.luma)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 200), st.integers(1, 200), st.sampled_from([1, 3, 4]), st.integers(0, 2**32))
def test_the_first_images_are_measured_as_all_others(width, height, n_channels, seed):
    """They are hashed without compiled loops, which are not loaded yet."""
    load_kernels("hashing")
    shape = (height, width, n_channels)[: 2 + (n_channels > 1)]
    levels = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    image = levels if n_channels == 4 else Image.fromarray(levels)
    compiled, plain = (ImagePlanes(image, n_channels > 1) for _ in range(2))
    plain._kernels, plain._in_one_pass = None, False
    assert compiled._kernels is not None
    for size in ((8, 8), (9, 8), (64, 64)):
        np.testing.assert_array_equal(plain.lanczos(*size), compiled.lanczos(*size))
    np.testing.assert_array_equal(plain.luma, compiled.luma)
    np.testing.assert_array_equal(plain.color_counts, compiled.color_counts)
    np.testing.assert_array_equal(plain.block_sums(32, 8), compiled.block_sums(32, 8))
    assert measure_detail(plain) == measure_detail(compiled)
