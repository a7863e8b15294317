"""Progressive JPEGs are decoded from their first scans, and whole wherever that would not do."""

import io
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from hashfeatures import ImageHashFeaturizer, ImageReadError
from hashfeatures.hashing._spec import parse_hashes
from hashfeatures.hashing._worker import hash_one
from hashfeatures.images import _read
from hashfeatures.images._decoding import Decoding, Reduction
from hashfeatures.images._progressive import FirstScans
from hashfeatures.images._read import read_image
from hashfeatures.images._remote_scans import RemoteImage

REDUCED = Decoding("reduced")
LUMA = Reduction(8, color=False)


@pytest.fixture(scope="module")
def photo():
    """Smooth colors with some detail, 203 by 131 pixels."""
    rng = np.random.default_rng(0)
    small = Image.fromarray(rng.integers(0, 256, (9, 12, 3), dtype=np.uint8))
    smooth = np.asarray(small.resize((203, 131), Image.Resampling.BICUBIC)).astype(int)
    noisy = smooth + rng.integers(-20, 21, (131, 203, 1))
    return Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))


def encode(image, **options):
    file = io.BytesIO()
    image.save(file, "JPEG", **{"quality": 90, "progressive": True} | options)
    return file.getvalue()


def read_whole(monkeypatch, source, decoding=REDUCED, reduction=LUMA):
    """Read without the cut."""
    with monkeypatch.context() as patch:
        patch.setattr(_read, "cut_behind_first_scans", lambda image, reduction: None)
        return read_image(source, decoding, reduction)


def is_cut(content, reduction=LUMA):
    return FirstScans(reduction).look_at(content).n_bytes is not None


@pytest.mark.parametrize("size", [(203, 131), (64, 64), (65, 127), (160, 72)])
@pytest.mark.parametrize("subsampling", [0, 1, 2])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_pixels_are_those_of_all_scans_but_for_the_lowest_bit(
    monkeypatch, photo, size, subsampling, mode
):
    """The last bit of a mean is in a later scan: its step is that of the quantization."""
    content = encode(photo.resize(size).convert(mode), subsampling=subsampling)
    assert is_cut(content)
    whole = read_whole(monkeypatch, content)
    cut = read_image(content, REDUCED, LUMA)
    assert (cut.width, cut.height, cut.format) == (*size, "JPEG")
    assert cut.image.size == whole.image.size
    assert cut.image.mode == "L"
    assert cut.shown is None
    difference = np.asarray(cut.image).astype(int) - np.asarray(whole.image)
    step = Image.open(io.BytesIO(content)).quantization[0][0]
    assert np.abs(difference).max() <= step // 8 + 1


@pytest.mark.parametrize("color", [False, True])
@pytest.mark.parametrize("subsampling", [0, 1, 2])
def test_a_quarter_of_the_size_has_the_lowest_bits_of_the_means(
    monkeypatch, photo, subsampling, color
):
    """Frequencies are cut, and the means of blocks, of 2 by 2 pixels here, are exact."""
    content = encode(photo.resize((208, 144)), subsampling=subsampling)
    reduction = Reduction(30, color)
    assert is_cut(content, reduction)
    whole = read_whole(monkeypatch, content, reduction=reduction)
    cut = read_image(content, REDUCED, reduction)
    assert cut.image.size == whole.image.size == (52, 36)
    blocks = [
        np.asarray(one.image.convert("L")).astype(float).reshape(18, 2, 26, 2).mean((1, 3))
        for one in (whole, cut)
    ]
    assert np.abs(blocks[0] - blocks[1]).max() <= 1.5
    assert np.abs(np.asarray(whole.image).astype(int) - np.asarray(cut.image)).mean() < 3


def test_restarts_end_with_the_first_scans(monkeypatch, photo):
    content = encode(photo, restart_marker_blocks=3)
    assert b"\xff\xd0" in content
    whole = np.asarray(read_whole(monkeypatch, content).image).astype(int)
    assert np.abs(np.asarray(read_image(content, REDUCED, LUMA).image) - whole).max() <= 1


def test_luma_is_the_same_whatever_else_is_needed(photo):
    """Hashes of luma do not depend on whether colors are hashed beside them."""
    content = encode(photo)
    alone = np.asarray(read_image(content, REDUCED, LUMA).image)
    beside = read_image(content, REDUCED, Reduction(8, color=False, chroma=True)).image
    np.testing.assert_array_equal(np.asarray(beside)[..., 0], alone)


def test_colors_keep_the_detail_of_the_chroma(monkeypatch, photo):
    """Chroma of half the resolution is not blurred to its means."""
    content, reduction = encode(photo, subsampling=2), Reduction(8, color=True)
    whole = np.asarray(read_whole(monkeypatch, content, reduction=reduction).image).astype(int)
    cut = np.asarray(read_image(content, REDUCED, reduction).image)
    assert np.abs(cut - whole).max() <= 4
    assert len(FirstScans(reduction).look_at(content).cut(content)) < len(content) / 2


@pytest.mark.parametrize("quality", [5, 20, 40, 90])
def test_coarse_means_keep_their_lowest_bits(monkeypatch, photo, quality):
    """Where a step is many levels, the scan that halves it is kept."""
    content = encode(photo, quality=quality, subsampling=0)
    whole = np.asarray(read_whole(monkeypatch, content).image).astype(int)
    cut = np.asarray(read_image(content, REDUCED, LUMA).image)
    assert is_cut(content)
    assert np.abs(cut - whole).max() <= 3


def test_colors_are_not_darkened(monkeypatch, photo):
    """Hashes of colors compare them with fixed levels, so no bit of a mean may be left out."""
    content, reduction = encode(photo, quality=50, subsampling=0), Reduction(8, color=True)
    whole = read_whole(monkeypatch, content, reduction=reduction).image
    assert is_cut(content, reduction)
    np.testing.assert_array_equal(read_image(content, REDUCED, reduction).image, whole)


@pytest.mark.parametrize("is_remote", [False, True])
def test_first_scans_that_fail_are_replaced_by_the_whole_file(monkeypatch, photo, is_remote):
    content = encode(photo)
    if is_remote:
        monkeypatch.setattr(_read, "find_address", lambda source: "memory://photo.jpg")
        monkeypatch.setattr(_read, "read_remote", lambda *_: RemoteImage(b"scans", False))
        monkeypatch.setattr(_read, "read_url", lambda address: content)
    monkeypatch.setattr(_read, "cut_behind_first_scans", lambda *_: b"scans")
    found = read_image(content, REDUCED, LUMA)
    np.testing.assert_array_equal(found.image, read_whole(monkeypatch, content).image)
    assert found.file.getvalue() == content


@given(st.lists(st.integers(1, 4000), max_size=6))
def test_the_cut_does_not_depend_on_how_the_bytes_arrive(lengths):
    gradient = Image.linear_gradient("L").resize((160, 120)).convert("RGB")
    content = encode(gradient)
    expected = FirstScans(LUMA).look_at(content)
    walk = FirstScans(LUMA)
    for length in np.cumsum(lengths).tolist():
        walk.look_at(content[:length])
    assert walk.look_at(content).n_bytes == expected.n_bytes
    assert walk.cut(content) == expected.cut(content)


@pytest.mark.parametrize("damage", ["noise", "table", "marker", "hole", "end", "start"])
def test_damage_behind_the_first_scans_is_seen_as_before(monkeypatch, photo, damage):
    """What libjpeg refuses or may refuse is decoded whole, as the scans that were cut hold it."""
    content = encode(photo)
    cut = FirstScans(LUMA).look_at(content).n_bytes
    rng = np.random.default_rng(0)
    table = content.index(b"\xff\xc4", cut)
    damaged = {
        "noise": content[:-4000] + rng.bytes(2000) + content[-2000:],
        "table": content[: table + 5] + b"\xff" * 16 + content[table + 21 :],
        "marker": content[:-999] + b"\xff\x05" + content[-997:],
        "hole": content[: table + 2] + content[table + 9 :],
        "end": content[:-2] + b"\xff\xd8",
        "start": content[:-999] + b"\xff\xd8" + content[-997:],
    }[damage]
    assert is_cut(damaged)
    seen = []
    decode = _read._decode_opened
    monkeypatch.setattr(
        _read,
        "_decode_opened",
        lambda image, *rest: seen.append(image.fp.seek(0, 2)) or decode(image, *rest),
    )
    with suppress(ImageReadError):
        read_image(damaged, REDUCED, LUMA)
    assert seen == [len(damaged)]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(lambda image: encode(image, progressive=False), id="baseline"),
        pytest.param(lambda image: encode(image.convert("CMYK")), id="CMYK"),
        pytest.param(lambda image: encode(image.resize((31, 90))), id="a half"),
        pytest.param(lambda image: encode(image) + b"more", id="more behind the end"),
        pytest.param(lambda image: encode(image).replace(b"\xff\xc2", b"\xff\xca"), id="coding"),
    ],
)
def test_other_files_are_read_as_before(monkeypatch, photo, content):
    content = content(photo)
    seen = []
    decode = _read._decode_opened
    monkeypatch.setattr(
        _read,
        "_decode_opened",
        lambda image, *rest: seen.append(image.fp.seek(0, 2)) or decode(image, *rest),
    )
    try:
        read_image(content, REDUCED, LUMA)
    except ImageReadError as error:
        assert "JPEG" in error.cause or "broken" in error.cause
    assert seen == [len(content)]


@given(st.data())
def test_truncated_files_fail_as_before(data):
    """A file that ends too early is reported, wherever it ends."""
    gradient = Image.linear_gradient("L").resize((160, 120)).convert("RGB")
    content = encode(gradient)
    end = data.draw(st.integers(700, len(content) - 1))
    with pytest.raises(ImageReadError, match=r"truncated|broken"):
        read_image(content[:end], Decoding("reduced"), LUMA)


@given(st.data())
def test_damaged_files_give_an_image_or_a_reason(data):
    """Whatever bytes are changed, nothing but ImageReadError comes out."""
    gradient = Image.linear_gradient("L").resize((96, 80)).convert("RGB")
    content = bytearray(encode(gradient))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 3))] = data.draw(st.integers(0, 255))
    reduction = Reduction(8, color=data.draw(st.booleans()))
    try:
        read_image(bytes(content), REDUCED, reduction)
    except ImageReadError as error:
        assert error.cause


def test_digests_are_of_all_scans():
    """Images of equal means that differ in later scans are not the same picture."""
    columns = np.tile([118, 138], 64).astype(np.uint8)
    fine = np.tile(columns, (128, 1))
    contents = [encode(Image.fromarray(pixels)) for pixels in (fine, 255 - fine)]
    digests = {
        hash_one(one, parse_hashes("ahash:2"), REDUCED, 101, Reduction(16, color=False)).digest
        for one in contents
    }
    assert len(digests) == 2


def test_bits_stay_near_those_of_a_full_decode(photo, tmp_path):
    """Through the public class, with the orientation that the file asks for."""
    exif = Image.Exif()
    exif[0x0112] = 6
    path = tmp_path / "photo.jpg"
    path.write_bytes(encode(photo.resize((3600, 2400)), exif=exif))
    hashes = ["phash", "dhash", "ahash", "whash"]
    full, reduced = (
        ImageHashFeaturizer(hashes=hashes, decode=decode).transform([path])
        for decode in ("full", "reduced")
    )
    assert (np.asarray(full) != np.asarray(reduced)).sum() <= 4
