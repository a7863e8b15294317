"""A comparison says which hashes are computed of an image, and reads them as fingerprints."""

import numpy as np
import pytest

from hashfeatures import ParameterError, hash_images
from hashfeatures.duplicates._comparison import Comparison
from hashfeatures.duplicates.fingerprints._computed import COLOR_HASH
from hashfeatures.hashing._spec import parse_hashes

HASHES = parse_hashes(["phash", "dhash"])


@pytest.mark.parametrize("views", ["identity", "flips", "segments"])
def test_colors_are_computed_beside_what_is_compared(views):
    without, with_colors = Comparison(HASHES, views), Comparison(HASHES, views, color_radius=9)
    compared = without.computed.compared
    assert without.computed.specs == compared
    assert with_colors.computed.specs == (*compared, COLOR_HASH)


def test_bits_and_colors_are_told_apart(image_files):
    """The columns of "colorgrid" are not among the bits that are compared."""
    plain, colored = (
        Comparison(HASHES, color_radius=radius).fingerprint(image_files).fingerprints
        for radius in (None, 9)
    )
    assert plain.colors is None
    assert colored.colors.shape == (len(image_files), COLOR_HASH.n_bits // 8)
    assert colored.n_bits == plain.n_bits == 128
    np.testing.assert_array_equal(colored.words, plain.words)


def test_a_table_holds_the_same_fingerprints(image_files):
    comparison = Comparison(HASHES)
    table = hash_images(image_files, ["phash", "dhash"])
    assert comparison.has_table(table)
    assert not comparison.has_table(table[["image", "phash"]])
    assert comparison.fingerprint(image_files).are_same_hashes(comparison.read_table(table))


@pytest.mark.parametrize("settings", [{"views": "flips"}, {"color_radius": 3}], ids=str)
def test_a_table_without_what_is_compared_is_refused(image_files, settings):
    with pytest.raises(ParameterError, match="has no views and no colors"):
        Comparison(HASHES, **settings).read_table(hash_images(image_files, ["phash", "dhash"]))
