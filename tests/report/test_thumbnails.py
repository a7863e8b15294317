"""The facts about a file describe the upright image, and its thumbnail what was compared."""

import base64
import io

import pytest
from PIL import Image

from hashfeatures import hash_images
from hashfeatures.report._thumbnails import View, make_thumbnails, read_facts


@pytest.mark.parametrize("kind", ["jpg", "png", "tif"])
@pytest.mark.parametrize("orientation", [1, 3, 6])
def test_the_size_is_that_of_the_table(kind, orientation, tmp_path):
    """The width and height equal those in the table of hashes, whatever the orientation."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = tmp_path / f"image.{kind}"
    Image.new("RGB", (300, 100)).save(file, exif=exif)
    table = hash_images([file], ["ahash"])
    facts = read_facts(file)
    assert (facts.width, facts.height) == (table["width"][0], table["height"][0])
    assert (facts.width, facts.height) == ((100, 300) if orientation == 6 else (300, 100))


def size_of(uri):
    return Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))).size


def test_some_thumbnails_are_large_in_little_room():
    """In little room, the images to compare are large and the others small, within the limit."""
    images = [Image.effect_noise((900, 600), 9).convert("RGB") for _ in range(9)]
    settings = {"max_number": 9, "max_bytes": 300_000, "fetch": False}
    thumbnails = make_thumbnails(images, **settings, large=[1, 3, 5])[1]
    assert [place for place, uri in thumbnails.items() if max(size_of(uri)) == 512] == [1]
    assert max(size_of(thumbnails[0])) < 300
    assert sum(map(len, thumbnails.values())) <= 300_000
    large = make_thumbnails(images[:1], **settings)[1]
    assert max(size_of(large[0])) == 512


def test_a_thumbnail_shows_what_was_compared():
    """A thumbnail is cropped as the images were, and its facts are those of the whole image."""
    view = View(find_part=lambda image: (0, 0, 100, 50))
    facts, thumbnails = make_thumbnails(
        [Image.new("RGB", (300, 200))], max_number=1, max_bytes=10_000, fetch=False, view=view
    )
    assert size_of(thumbnails[0]) == (100, 50)
    assert (facts[0].width, facts[0].height) == (300, 200)
