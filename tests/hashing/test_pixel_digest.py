"""Images are identical only if all that they show is: no more is dropped than what nobody sees."""

import io
import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms, ImageDraw

from hashfeatures import NearDuplicateFinder, drop_duplicates, find_duplicates, hash_images
from hashfeatures.hashing._pixel_digest import digest_pixels
from hashfeatures.hashing._spec import parse_hashes
from hashfeatures.hashing._worker import hash_one
from hashfeatures.images._decoding import Decoding
from hashfeatures.images._flatten import flatten

SPECS = parse_hashes(["phash"])


def digest(source, **decoding):
    """Return the digest that an image is given as one of little detail."""
    return hash_one(source, SPECS, Decoding(**decoding), min_detail=101).digest


def drawing(number, color, size=(120, 90), ground=(0, 0, 0, 0)):
    """Return one of a few drawings on a transparent ground."""
    image = Image.new("RGBA", size, ground)
    pen = ImageDraw.Draw(image)
    box = (10 + 9 * number, 10, 100, 80 - 9 * number)
    shapes = (pen.ellipse, pen.rectangle, pen.line, pen.chord)
    options = [{"outline": color}, {"outline": color}, {"fill": color}]
    options.append({"start": 0, "end": 200, "outline": color})
    shapes[number](box, width=7, **options[number])
    return image


GROUNDS = [("white", (255, 255, 255)), ("black", (0, 0, 0)), ((200, 30, 30), (200, 30, 30))]


@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize(("background", "color"), GROUNDS, ids=str)
def test_drawings_of_the_color_of_their_background_are_told_apart(
    tmp_path, background, color, n_jobs
):
    """White ones on a transparent ground are blank on white: they are hashed on black."""
    paths = []
    for number in range(4):
        paths.append(str(tmp_path / f"{number}.png"))
        drawing(number, (*color, 255)).save(paths[-1])
    images = [*paths, *(drawing(number, (*color, 255)) for number in range(4))]
    finder = NearDuplicateFinder(background=background, n_jobs=n_jobs)
    assert finder.fit(images).labels_.tolist() == [0, 1, 2, 3] * 2
    assert len(drop_duplicates(images, keep="largest", finder=finder)) == 4
    assert len(find_duplicates(images, finder=finder)) == 8
    table = hash_images(images, ["phash", "dhash"], background=background, n_jobs=n_jobs)
    assert (table["detail"] > 10).all()
    assert table["phash"].nunique() == table["dhash"].nunique() == 4


def test_faint_drawings_are_told_apart_by_their_pixels():
    """What has little detail on any ground is identical only if all of it is."""
    faint = [drawing(number, (128, 128, 128, 3)) for number in range(4)]
    labels = NearDuplicateFinder().fit_predict([*faint, *faint])
    assert labels.tolist() == [0, 1, 2, 3] * 2


def test_an_image_that_shows_on_its_background_stays_there():
    opaque = drawing(0, (90, 90, 90, 255), ground=(200, 200, 200, 255))
    clear = drawing(0, (90, 90, 90, 255))
    for image in (opaque, clear):
        laid = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
        np.testing.assert_array_equal(np.asarray(flatten(image)), np.asarray(laid))
    nothing = Image.new("RGBA", (9, 9), (255, 255, 255, 0))
    assert flatten(nothing).getpixel((0, 0)) == (255, 255, 255)


@pytest.mark.parametrize("decode", ["full", "reduced"])
def test_what_is_dropped_on_the_way_to_the_hashes_is_compared(encode, decode, noise_image):
    """16 bits, floats, the size, transparency, colors, a border, other frames."""
    gray = np.zeros((20, 30), np.uint16)
    one_more = gray.copy()
    one_more[3, 4] = 1
    palette = Image.new("P", (30, 20))
    palette.putpalette([7, 7, 7, 9, 9, 9])
    other_palette = palette.copy()
    other_palette.putpalette([8, 7, 7, 9, 9, 9])
    clear = Image.new("RGBA", (30, 20), (255, 255, 255, 255))
    clear.putpixel((3, 4), (255, 255, 255, 254))
    frames = [Image.new("L", (30, 20), 0), noise_image(0, (30, 20), "L")]
    other_frames = [frames[0], noise_image(1, (30, 20), "L")]
    different = [
        encode(Image.fromarray(gray)),
        encode(Image.fromarray(one_more)),
        encode(Image.fromarray(one_more.astype(np.float32) - 1), "TIFF"),
        encode(Image.fromarray(one_more.astype(np.float32) - 2), "TIFF"),
        encode(Image.fromarray(np.zeros((20, 31), np.uint16))),
        encode(palette),
        encode(other_palette),
        encode(clear),
        encode(Image.new("CMYK", (30, 20), (9, 9, 9, 0)), "TIFF"),
        encode(Image.new("CMYK", (30, 20), (0, 0, 0, 9)), "TIFF"),
        encode(frames[0], "GIF", save_all=True, append_images=frames[1:]),
        encode(frames[0], "GIF", save_all=True, append_images=other_frames[1:]),
        b"P6 1 1 65535\n" + bytes([9, 1, 9, 1, 9, 1]),
        b"P6 1 1 65535\n" + bytes([9, 2, 9, 1, 9, 1]),
    ]
    digests = [digest(source, decode=decode) for source in different]
    assert len(set(digests)) == len(different)
    assert digests == [digest(source, decode=decode) for source in different]
    bordered = [np.pad(np.full((30, 30), 90, np.uint8), n, constant_values=255) for n in (9, 10)]
    assert len({digest(image, trim_borders=True) for image in bordered}) == 2


def test_colors_of_16_bits_are_compared(encode):
    """Pillow decodes 8 of them: such files are identical only if their bytes are."""
    import struct
    import zlib

    def deep_png(value):
        def chunk(name, data):
            body = name + data
            return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

        rows = b"".join(b"\0" + struct.pack(">H", value) * 3 * 4 for _ in range(4))
        head = struct.pack(">IIBBBBB", 4, 4, 16, 2, 0, 0, 0)
        data = [chunk(b"IHDR", head), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")]
        return b"\x89PNG\r\n\x1a\n" + b"".join(data)

    assert Image.open(io.BytesIO(deep_png(9000))).mode == "RGB"
    assert digest(deep_png(9000)) != digest(deep_png(9001))
    assert digest(deep_png(9000)) == digest(deep_png(9000))


def test_equal_pictures_are_equal_in_any_lossless_container(tmp_path, encode, noise_image):
    """PNG, BMP, TIFF and GIF; by palette, with an opaque alpha, and with 16 bits for 8."""
    gray = noise_image(3, (40, 30), "L").quantize(16).convert("L")
    wide = Image.fromarray(np.asarray(gray).astype(np.uint16) * 257)
    opaque = gray.convert("RGBA")
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = gray.transpose(Image.Transpose.ROTATE_90)
    same = [encode(gray, kind) for kind in ("PNG", "BMP", "TIFF", "PPM")]
    same += [encode(gray.convert("RGB")), encode(gray.convert("P"), "GIF"), encode(opaque)]
    same += [encode(gray.convert("LA")), encode(wide), encode(wide, "TIFF"), np.asarray(gray)]
    same += [gray, wide, opaque, encode(turned, exif=exif), encode(gray.convert("RGB"), "TGA")]
    same += [Image.fromarray(np.asarray(gray).astype(np.int32))]
    path = tmp_path / "a.png"
    path.write_bytes(same[0])
    same += [path, str(path), {"path": path}, io.BytesIO(same[0])]
    assert len({digest(source) for source in same}) == 1
    assert digest(same[0], orient=False) != digest(encode(turned, exif=exif), orient=False)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA", "P", "I;16"])
def test_colors_that_are_not_seen_make_no_difference(mode, encode):
    """Under full transparency, an editor may leave anything."""
    if mode == "I;16":
        one = Image.fromarray(np.array([[5, 514]], np.uint16))
        other = Image.fromarray(np.array([[9, 514]], np.uint16))
        sources = [encode(one, transparency=5), encode(other, transparency=9)]
    elif mode == "P":
        images = [Image.new("P", (2, 1)) for _ in range(2)]
        for image, red in zip(images, (0, 200), strict=True):
            image.putpalette([red, 0, 0, 2, 2, 2])
            image.putpixel((1, 0), 1)
        sources = [encode(image, transparency=0) for image in images]
    else:
        sources = []
        for level in (7, 8):
            image = Image.new("RGBA", (2, 1), (level, level, level, 0))
            image.putpixel((1, 0), (2, 2, 2, 255))
            sources.append(image.convert(mode) if mode != "PA" else image.convert("LA"))
    assert digest(sources[0]) == digest(sources[1])


@given(
    st.integers(1, 9),
    st.integers(1, 9),
    st.sampled_from(["L", "RGB", "RGBA", "LA", "P", "1", "CMYK", "I;16", "I", "F"]),
    st.randoms(use_true_random=False),
)
def test_one_pixel_more_or_less_is_another_digest(width, height, mode, random):
    """Of any mode and size, whatever pixel is changed to whatever is seen to be different."""
    rng = np.random.default_rng(random.randrange(2**32))
    if mode in ("I;16", "I", "F"):
        kind = {"I;16": np.uint16, "I": np.int32, "F": np.float32}[mode]
        pixels = rng.integers(0, 3 * 10**4, (height, width)).astype(kind)
        changed = pixels.copy()
        changed[rng.integers(height), rng.integers(width)] += 1
        one, other = Image.fromarray(pixels), Image.fromarray(changed)
    else:
        base = Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8))
        one = base.convert("1").convert("L").convert(mode) if mode == "1" else base.convert(mode)
        if mode in ("RGBA", "LA"):
            one.putalpha(200)
        other = one.copy()
        place = (int(rng.integers(width)), int(rng.integers(height)))
        if mode == "P":
            other = one.convert("RGB")
            red, green, blue = other.getpixel(place)
            other.putpixel(place, (red ^ 1, green, blue))
        else:
            value = one.getpixel(place)
            changed = (value[0] ^ 1, *value[1:]) if isinstance(value, tuple) else value ^ 255
            other.putpixel(place, changed)
    assert digest_pixels(one) == digest_pixels(one.copy())
    assert digest_pixels(one) != digest_pixels(other)


def test_a_large_page_is_digested_in_bands(monkeypatch):
    image = Image.new("RGBA", (300, 200), (3, 4, 5, 6))
    image.putpixel((299, 199), (3, 4, 5, 7))
    whole = digest_pixels(image)
    monkeypatch.setattr("hashfeatures.hashing._pixel_digest._BAND_PIXELS", 301)
    assert digest_pixels(image) == whole


def test_stages_pair_plain_images_by_all_that_they_show(tmp_path):
    pytest.importorskip("pyarrow")
    from hashfeatures.distributed import LocalExecutor, find_pairs, hash_dataset

    for number in range(4):
        drawing(number, (128, 128, 128, 3)).save(tmp_path / f"{number}.png")
    os.link(tmp_path / "0.png", tmp_path / "copy.png")
    executor = LocalExecutor(1)
    hashed = hash_dataset(str(tmp_path), tmp_path / "hashes", executor=executor)
    paired = find_pairs(hashed.out, tmp_path / "pairs", executor=executor)
    assert (hashed.n_images, paired.n_pairs) == (5, 1)


@pytest.mark.parametrize("decode", ["full", "reduced"])
@pytest.mark.parametrize("suffix", ["png", "jpg", "tif"])
def test_a_color_profile_decides_what_is_shown(suffix, decode, tmp_path):
    """That of sRGB is what images without one have, so it makes no difference."""
    image = Image.new("RGB", (300, 200), (200, 50, 50))
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    other = ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ")).tobytes()
    paths = [str(tmp_path / f"{number}.{suffix}") for number in range(4)]
    for path, profile in zip(paths, (None, srgb, other, other), strict=True):
        image.save(path, **({} if profile is None else {"icc_profile": profile}))
    digests = [digest(path, decode=decode) for path in paths]
    assert digests[0] == digests[1] != digests[2] == digests[3]
    with Image.open(paths[2]) as opened:
        assert digest(opened) == digests[2]
