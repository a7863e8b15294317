"""One route for every source: upright, opaque, 8 bits, the file closed."""

import io
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from hashfeatures import ImageHashFeaturizer, ImageReadError
from hashfeatures.images._decoding import Decoding, Reduction
from hashfeatures.images._read import read_image

RAW = Decoding(orient=False, background=None)


def pixels(source, decoding=RAW):
    return np.asarray(read_image(source, decoding).image)


@pytest.fixture
def sources(tmp_path, png_bytes):
    """Return the same image from every kind of source."""
    path = tmp_path / "image.png"
    path.write_bytes(png_bytes)
    image = Image.open(io.BytesIO(png_bytes))
    image.load()
    return {
        "str": str(path),
        "Path": path,
        "numpy str": np.str_(path),
        "bytes": png_bytes,
        "bytearray": bytearray(png_bytes),
        "memoryview": memoryview(png_bytes),
        "file object": io.BytesIO(png_bytes),
        "PIL image": image,
        "array": np.asarray(image),
        "mapping with bytes": {"bytes": png_bytes, "path": None},
        "mapping with path": {"bytes": None, "path": str(path)},
        "mapping with both": {"bytes": png_bytes, "path": "elsewhere.png"},
        "mapping with path alone": {"path": path},
        "file url": path.as_uri(),
    }


def test_every_source_gives_the_same_pixels(sources):
    expected = np.asarray(sources["PIL image"])
    for name, source in sources.items():
        np.testing.assert_array_equal(pixels(source), expected, err_msg=name)


def test_size_and_format(sources):
    for name, source in sources.items():
        decoded = read_image(source)
        assert (decoded.width, decoded.height) == (40, 30), name
        from_memory = name in ("PIL image", "array")
        assert decoded.format == (None if from_memory else "PNG"), name


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 1), (5, 7, 3), (5, 7, 4)])
def test_arrays(shape):
    array = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    np.testing.assert_array_equal(pixels(array), array.squeeze())
    np.testing.assert_array_equal(pixels(array[::-1, ::2]), array[::-1, ::2].squeeze())


@pytest.mark.parametrize(
    ("source", "cause"),
    [
        (None, "missing value None"),
        (float("nan"), "missing value nan"),
        (np.float32("nan"), "missing value"),
        (7, "int is not an image source"),
        (["a.png"], "list is not an image source"),
        ("no such file.png", "FileNotFoundError"),
        ("", "FileNotFoundError: the path is empty"),
        (".", "is a directory, not an image file"),
        ("with\0nul.png", "the path holds a NUL character"),
        (b"", "the file is empty"),
        (b"plain text, no image", "begins with b'plain text, no i'"),
        ({"url": "a.png"}, "a mapping needs the key 'bytes' or 'path'"),
        ({"bytes": None, "path": None}, "missing value None"),
        pytest.param(io.StringIO("text"), "Open it in binary mode", id="text file"),
        (np.zeros((4, 4)), "dtype uint8 .*got float64"),
        (np.zeros((4, 4), bool), "dtype uint8 .*got bool"),
        (np.zeros(4, np.uint8), r"shape \(height, width\).*got \(4,\)"),
        (np.zeros((4, 4, 2), np.uint8), r"got \(4, 4, 2\)"),
        (np.zeros((0, 4), np.uint8), "no pixels"),
    ],
    ids=repr,
)
def test_what_is_no_image_says_why(source, cause):
    with pytest.raises(ImageReadError, match=cause):
        read_image(source)


def test_pandas_missing_values():
    pd = pytest.importorskip("pandas")
    for missing in (pd.NA, pd.NaT):
        with pytest.raises(ImageReadError, match="missing value"):
            read_image(missing)


def test_an_open_file_is_left_as_it_was(png_bytes):
    file = io.BytesIO(png_bytes)
    file.seek(5)
    assert pixels(file).shape == (30, 40, 3)
    assert file.tell() == 5
    assert not file.closed


def test_an_unseekable_file_is_read_from_where_it_is(png_bytes):
    class Pipe(io.RawIOBase):
        def __init__(self):
            self.data = io.BytesIO(png_bytes)

        def readable(self):
            return True

        def readinto(self, buffer):
            return self.data.readinto(buffer)

    assert pixels(Pipe()).shape == (30, 40, 3)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="open files are counted in /proc")
def test_no_file_stays_open(tmp_path, png_bytes, encode, noise_image):
    """Good, broken, unidentified and animated files are all closed again."""
    frames = [noise_image(seed) for seed in range(3)]
    files = {
        "good.png": png_bytes,
        "cut.png": png_bytes[: len(png_bytes) // 2],
        "text.png": b"not an image",
        "moving.gif": encode(frames[0], "GIF", save_all=True, append_images=frames[1:]),
        "pages.tif": encode(frames[0], "TIFF", save_all=True, append_images=frames[1:]),
        "cut.tif": encode(frames[0], "TIFF", compression="tiff_lzw")[:900],
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    before = len(os.listdir("/proc/self/fd"))
    held = []  # exceptions keep the frames of a traceback, and what is open in them, alive
    for name in files:
        try:
            read_image(tmp_path / name)
        except ImageReadError as error:
            held.append(error)
    assert len(held) == 3
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_orientation(noise_image, encode, kind, orientation):
    """However a camera was held, the pixels come out as they were seen."""
    upright = noise_image(1, size=(48, 32))
    turned_by = [None, None, 0, 3, 1, 5, 2, 6, 4][orientation]  # undoing: rotations swap 90, 270
    stored = upright if turned_by is None else upright.transpose(Image.Transpose(turned_by))
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encode(stored, kind, exif=exif, **({"quality": 95} if kind == "JPEG" else {}))
    if kind == "WEBP":
        data = encode(stored, kind, exif=exif, lossless=True)
    decoded = read_image(data)
    assert (decoded.width, decoded.height) == decoded.image.size == upright.size
    difference = np.asarray(decoded.image).astype(int) - np.asarray(upright)
    assert np.abs(difference).mean() < (8 if kind == "JPEG" else 0.01)


def test_orientation_of_an_image_in_memory(noise_image, encode):
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encode(noise_image(1), "PNG", exif=exif)
    with Image.open(io.BytesIO(data)) as image:
        np.testing.assert_array_equal(pixels(image, Decoding()), pixels(data, Decoding()))
        np.testing.assert_array_equal(pixels(image), pixels(data))
    assert pixels(data).shape == (30, 40, 3)
    assert pixels(data, Decoding()).shape == (40, 30, 3)


def test_a_damaged_exif_block_does_not_hide_the_image(noise_image, encode):
    data = encode(
        noise_image(1), "JPEG", exif=b"Exif\0\0MM\0\x2a\0\0\0\x08\xff\xff" + b"\xff" * 40
    )
    assert pixels(data, Decoding()).shape == (30, 40, 3)


def test_animations_show_their_first_frame(noise_image, encode):
    frames = [noise_image(seed) for seed in range(3)]
    for kind in ("PNG", "TIFF", "WEBP"):
        options = {"lossless": True} if kind == "WEBP" else {}
        moving = encode(frames[0], kind, save_all=True, append_images=frames[1:], **options)
        np.testing.assert_array_equal(
            pixels(moving, Decoding()), np.asarray(frames[0]), err_msg=kind
        )


@pytest.mark.parametrize(
    ("size", "reduced"), [(256, (320, 256)), (300, (640, 512)), (64, (80, 64))]
)
def test_reduced_decoding_keeps_enough_pixels(noise_image, encode, size, reduced):
    data = encode(noise_image(0, size=(640, 512)), "JPEG")
    decoded = read_image(data, Decoding("reduced"), Reduction(size))
    assert decoded.image.size == reduced
    assert (decoded.width, decoded.height) == (640, 512)


def test_reduced_decoding_of_luma_alone(noise_image, encode):
    data = encode(noise_image(0, size=(640, 512)), "JPEG")
    assert read_image(data, Decoding("reduced"), Reduction(color=False)).image.mode == "L"
    cmyk = encode(noise_image(0, mode="CMYK"), "JPEG")
    assert read_image(cmyk, Decoding("reduced"), Reduction(color=False)).image.mode == "CMYK"


@given(st.data())
def test_damaged_files_give_an_image_or_a_reason(data):
    """Whatever bytes are cut or changed, nothing but ImageReadError comes out."""
    kind = data.draw(st.sampled_from(["PNG", "JPEG", "GIF", "TIFF", "BMP", "WEBP", "ICO", "PPM"]))
    buffer = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (24, 24, 3), dtype=np.uint8)
    Image.fromarray(noise).save(buffer, kind)
    content = bytearray(buffer.getvalue())
    for _ in range(data.draw(st.integers(0, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    content = content[: data.draw(st.integers(0, len(content)))]
    try:
        read_image(bytes(content))
    except ImageReadError as error:
        assert error.cause


def test_decompression_bombs_are_refused(monkeypatch, png_bytes):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(ImageReadError, match=r"DecompressionBombError.*1200 pixels"):
        read_image(png_bytes)
    assert read_image(png_bytes, Decoding(max_pixels=1200)).width == 40
    assert Image.MAX_IMAGE_PIXELS == 100
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    with pytest.raises(ImageReadError, match="DecompressionBombError"):
        read_image(png_bytes, Decoding(max_pixels=1199))


def test_the_limit_holds_in_every_thread(png_bytes):
    """A web server hashes uploads in threads that are not the main one."""
    with ThreadPoolExecutor(1) as threads:
        small = threads.submit(read_image, png_bytes, Decoding(max_pixels=1200))
        large = threads.submit(read_image, png_bytes, Decoding(max_pixels=1199))
    assert small.result().width == 40
    with pytest.raises(ImageReadError, match="1200 pixels, more than the limit of 1199"):
        large.result()


EXTRA = os.environ.get("HASHFEATURES_TEST_IMAGES")


@pytest.mark.skipif(not EXTRA, reason="HASHFEATURES_TEST_IMAGES names no folder of odd files")
def test_odd_files(capfd):
    """Every file of a folder, however odd, gives bits or a cause; and no noise."""
    paths = sorted(path for path in Path(EXTRA).rglob("*") if path.is_file())
    causes = []
    for path in paths:
        try:
            ImageHashFeaturizer().transform([path])
        except ImageReadError as error:
            causes.append(error.cause)
    assert all(causes)
    assert capfd.readouterr() == ("", "")
