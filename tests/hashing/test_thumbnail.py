"""Thumbnails take the way of the hashes, and hold what an image shows."""

import numpy as np
import pytest
from PIL import Image

from hashfeatures import hash_images
from hashfeatures.hashing._batch import hash_sources
from hashfeatures.hashing._planes import ImagePlanes
from hashfeatures.hashing._spec import parse_hashes
from hashfeatures.hashing._thumbnail import THUMBNAIL, ThumbnailSpec, read_thumbnails
from hashfeatures.images._decoding import Decoding

SPECS = (*parse_hashes(("phash", "dhash")), ThumbnailSpec())


def thumbnails(sources, **settings):
    hashes = hash_sources(sources, SPECS, Decoding("reduced"), **settings)
    return read_thumbnails(hashes.packed(2)), hashes


def test_a_thumbnail_is_small():
    assert THUMBNAIL.itemsize <= 5000


def test_it_shows_the_luma_of_the_whole_image(photos):
    chosen = [path for path in photos if path.suffix == ".png"]
    for record, path in zip(thumbnails(chosen)[0], chosen, strict=True):
        with Image.open(path) as opened:
            image = opened.convert("RGB")
        expected = ImagePlanes(image).lanczos(64, 64)
        assert np.abs(record["luma"].astype(int) - expected).mean() < 2
        assert record["size"].tolist() == list(image.size)


def test_hashes_are_the_same_with_and_without_it(tmp_path, photos):
    """Chroma is decoded beside the luma, and changes no bit of it."""
    paths = []
    for path in photos:
        paths.append(tmp_path / f"{path.stem}.jpg")
        with Image.open(path) as opened:
            opened.convert("RGB").resize((800, 700)).save(paths[-1])
    with_it = thumbnails(paths)[1]
    alone = hash_sources(paths, SPECS[:2], Decoding("reduced"))
    for place in range(2):
        np.testing.assert_array_equal(with_it.packed(place), alone.packed(place))


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_it_holds_the_mean_chroma_of_nine_cells(tmp_path, suffix):
    path = tmp_path / f"halves{suffix}"
    image = Image.new("RGB", (900, 900), "red")
    image.paste("gray", (600, 0, 900, 900))
    image.save(path)
    (record,), _ = thumbnails([path])
    expected = np.array(Image.new("RGB", (1, 1), "red").convert("YCbCr").getpixel((0, 0)))[1:]
    np.testing.assert_allclose(record["chroma"][:, :2], np.tile(expected, (3, 2, 1)), atol=2)
    np.testing.assert_allclose(record["chroma"][:, 2], 128, atol=2)


def test_it_holds_the_opacity_of_its_cells():
    rgba = np.full((160, 160, 4), 200, dtype=np.uint8)
    rgba[..., 3] = 255
    rgba[:80, :80, 3] = 0
    (clear, opaque), _ = thumbnails([Image.fromarray(rgba), Image.fromarray(rgba[..., :3])])
    assert (clear["opacity"][:8, :8] == 0).all()
    assert (clear["opacity"][8:] == 255).all()
    assert (opaque["opacity"] == 255).all()


def test_a_cache_from_before_reads_the_images_once_more(tmp_path, photos, monkeypatch):
    cache = tmp_path / "hashes.sqlite"
    hash_images(photos, ["phash", "dhash"], decode="reduced", cache=cache)
    first, _ = thumbnails(photos, cache=cache)
    monkeypatch.setattr(
        "hashfeatures.hashing._worker.read_image", lambda *a, **k: pytest.fail("read again")
    )
    again, _ = thumbnails(photos, cache=cache)
    np.testing.assert_array_equal(again, first)


def test_large_collections_keep_them_in_a_file(monkeypatch, photos):
    small, _ = thumbnails(photos)
    monkeypatch.setattr("hashfeatures._utils.large_arrays.MOST_IN_MEMORY", 1000)
    large, hashes = thumbnails(iter([str(path) for path in photos]))
    assert isinstance(hashes.codes.base, np.memmap) or hashes.codes.base is not None
    np.testing.assert_array_equal(large, small)
