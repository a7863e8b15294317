"""JPEGs that are decoded without Pillow's reader, and those that only it must decode."""

import io

import numpy as np
import pytest
from PIL import Image, JpegImagePlugin

from hashfeatures.exceptions import ImageReadError
from hashfeatures.hashing import _worker
from hashfeatures.hashing._spec import parse_hashes
from hashfeatures.hashing._thumbnail import ThumbnailSpec
from hashfeatures.hashing._worker import hash_one
from hashfeatures.images import _fast_jpeg
from hashfeatures.images._decoding import Decoding, Reduction
from hashfeatures.images._fast_jpeg import decode_baseline
from hashfeatures.images._read import read_image

pytest.importorskip("simplejpeg")

FULL = Decoding().with_limit()
REDUCED = Decoding("reduced").with_limit()
LUMA = Reduction(64, color=False)
CHROMA = Reduction(64, color=False, chroma=True)


@pytest.fixture
def jpeg(noise_image):
    """Return the bytes of a JPEG of noise."""

    def encode(mode="RGB", size=(301, 203), **options):
        file = io.BytesIO()
        noise_image(0, size=size, mode=mode).save(file, "JPEG", **options)
        return file.getvalue()

    return encode


def pillows(data, reduction=None):
    with Image.open(io.BytesIO(data)) as image:
        if reduction is not None:
            image.draft(reduction.mode, (reduction.min_side, reduction.min_side))
        return np.asarray(image)


@pytest.mark.parametrize(("mode", "subsampling"), [("L", 0), ("RGB", 0), ("RGB", 1), ("RGB", 2)])
@pytest.mark.parametrize("size", [(301, 203), (8, 8), (1, 1), (700, 640)])
def test_pixels_equal_those_of_pillow(jpeg, mode, subsampling, size):
    data = jpeg(mode, size, subsampling=subsampling, quality=85)
    full = decode_baseline(data, FULL, Reduction())
    assert (full.width, full.height) == size
    np.testing.assert_array_equal(
        full.pixels[..., :3] if mode == "RGB" else full.pixels, pillows(data)
    )
    for reduction in (LUMA, Reduction(300, color=False)):
        reduced = decode_baseline(data, REDUCED, reduction)
        assert (reduced.width, reduced.height) == size
        np.testing.assert_array_equal(reduced.pixels, pillows(data, reduction))
    with_chroma = decode_baseline(data, REDUCED, CHROMA)
    assert (with_chroma.width, with_chroma.height) == size
    np.testing.assert_array_equal(with_chroma.pixels, pillows(data, CHROMA))
    assert with_chroma.least_side == min(pillows(data, CHROMA).shape[:2])


@pytest.mark.parametrize("decoding", [FULL, REDUCED])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_records_are_those_without_simplejpeg(jpeg, decoding, mode, monkeypatch, tmp_path):
    """All hashes, the thumbnail, the detail and the digest, from a path and from bytes."""
    luma = parse_hashes(["ahash", "phash", "dhash", "whash"])
    every = (*luma, *parse_hashes(["colorhash", "colorgrid"]), ThumbnailSpec())
    path = tmp_path / "image.jpg"
    path.write_bytes(jpeg(mode))
    for source in (path, str(path), path.read_bytes()):
        for reduction, specs in ((LUMA, luma), (Reduction(), every)):
            fast = hash_one(source, specs, decoding, 101, reduction)
            with monkeypatch.context() as patch:
                patch.setattr(_fast_jpeg, "load_simplejpeg", lambda: None)
                assert fast == hash_one(source, specs, decoding, 101, reduction)


def with_segment(data, marker, content):
    """Insert a segment of metadata behind the first marker."""
    return (
        data[:2]
        + bytes([0xFF, marker])
        + (len(content) + 2).to_bytes(2, "big")
        + content
        + data[2:]
    )


def exif(orientation):
    tags = Image.Exif()
    tags[0x0112] = orientation
    return tags.tobytes()


@pytest.fixture
def unusual(jpeg):
    """Return files that are not plain baseline JPEGs, by what is unusual about them."""
    plain = jpeg()
    return {
        "progressive": jpeg(progressive=True),
        "CMYK": jpeg("CMYK"),
        "turned": jpeg(exif=exif(6)),
        "turned in XMP": with_segment(
            plain, 0xE1, b"http://ns.adobe.com/xap/1.0/\0<tiff:Orientation>6"
        ),
        "no YCbCr": with_segment(plain, 0xEE, b"Adobe\0\x64\0\0\0\0\0"),
        "several pictures": with_segment(plain, 0xE2, b"MPF\0"),
        "cut within JFIF": with_segment(plain, 0xE0, b"JFIF\0"),
        "cut within a profile": with_segment(plain, 0xE2, b"ICC_PROFILE\0\1"),
        "cut within Photoshop's": with_segment(plain, 0xED, b"Photoshop 3.0\x008BIM\3\xed"),
        "cut": plain[: len(plain) // 2],
        "cut in its header": plain[:300],
        "without an end": plain[:-2],
        "damaged": plain[:-900] + bytes(300) + plain[-600:],
        "PNG": b"\x89PNG\r\n\x1a\n",
        "empty": b"",
    }


@pytest.mark.parametrize("has_simplejpeg", [True, False])
def test_thumbnails_are_those_of_pillows_reader(jpeg, unusual, has_simplejpeg, monkeypatch):
    """With the bits beside them, or the error, of ordinary files and of unusual ones."""
    specs = (*parse_hashes(["phash", "dhash"]), ThumbnailSpec())
    if not has_simplejpeg:
        monkeypatch.setattr(_fast_jpeg, "load_simplejpeg", lambda: None)

    def record(data):
        try:
            return hash_one(data, specs, REDUCED, 101, CHROMA)
        except ImageReadError as error:
            return error.cause

    files = {**unusual, "color": jpeg(), "large": jpeg(size=(700, 640)), "gray": jpeg("L")}
    found = {name: record(data) for name, data in files.items()}
    monkeypatch.setattr(_worker, "decode_baseline", lambda *_: None)
    assert found == {name: record(data) for name, data in files.items()}


def test_what_is_unusual_is_left_to_pillow(jpeg, unusual):
    for name, data in unusual.items():
        assert decode_baseline(data, FULL, Reduction()) is None, name
    for plain_enough in (jpeg(exif=exif(1)), jpeg(comment=b"x"), jpeg(icc_profile=b"x" * 99)):
        assert decode_baseline(plain_enough, FULL, Reduction()) is not None
    assert decode_baseline(unusual["turned"], Decoding(orient=False).with_limit(), Reduction())


def test_limits_sources_and_settings_are_respected(jpeg, tmp_path):
    data = jpeg()
    assert decode_baseline(data, Decoding(max_pixels=301 * 203), Reduction()) is not None
    assert decode_baseline(data, Decoding(max_pixels=301 * 203 - 1), Reduction()) is None
    assert decode_baseline(data, REDUCED, Reduction(64, chroma=True)) is None
    assert decode_baseline({"bytes": data, "path": "x.png"}, FULL, Reduction()) is not None
    for source in (
        io.BytesIO(data),
        {"bytes": None},
        {"path": data},
        tmp_path,
        tmp_path / "missing",
        None,
    ):
        assert decode_baseline(source, FULL, Reduction()) is None


def test_a_plugin_that_replaces_pillows_reads_jpegs(jpeg, monkeypatch):
    """A plugin that takes Pillow's place, or comes before it, is not passed by."""
    data = jpeg()
    monkeypatch.setitem(
        Image.OPEN, "JPEG", (lambda *_: JpegImagePlugin.JpegImageFile(*_), lambda head: True)
    )
    assert decode_baseline(data, FULL, Reduction()) is None


def test_pixels_that_differ_from_those_of_pillow_are_not_used(jpeg, monkeypatch, caplog):
    """Where simplejpeg decoded probes otherwise than Pillow, Pillow decodes."""
    data = jpeg()
    _fast_jpeg._agrees_with_pillow.cache_clear()
    with monkeypatch.context() as patch:
        patch.setattr(
            _fast_jpeg,
            "_decode_scaled",
            lambda _, width, height, *rest: np.zeros((height, width, 4), np.uint8),
        )
        with caplog.at_level("DEBUG", logger="hashfeatures"):
            assert decode_baseline(data, FULL, Reduction()) is None
        assert "Pillow decodes JPEGs" in caplog.text
    _fast_jpeg._agrees_with_pillow.cache_clear()
    assert decode_baseline(data, FULL, Reduction()) is not None


def test_errors_are_those_of_pillow(jpeg, tmp_path):
    """Failures are recorded in the same words."""
    path = tmp_path / "cut.jpg"
    path.write_bytes(jpeg()[:2000])
    with pytest.raises(Exception, match="truncated"):
        hash_one(path, parse_hashes("phash"), FULL)
    with pytest.raises(Exception, match="truncated"):
        read_image(path)
