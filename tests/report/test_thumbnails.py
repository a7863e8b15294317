"""The facts about a file describe the upright image."""

import pytest
from PIL import Image

from hashfeatures import hash_images
from hashfeatures.report._thumbnails import read_facts


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
