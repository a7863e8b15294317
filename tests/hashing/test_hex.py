"""Hex strings agree with the bits and with ImageHash."""

import imagehash
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hashfeatures.hashing._hex import BitLayout, bits_to_hex, hex_to_bits

matrices = st.tuples(st.integers(0, 5), st.integers(1, 300)).flatmap(
    lambda shape: arrays(np.uint8, shape, elements=st.integers(0, 1))
)


@given(matrices)
def test_hex_is_imagehash_s(bits):
    expected = [str(imagehash.ImageHash(row)) for row in bits]
    assert bits_to_hex(bits).tolist() == expected
    np.testing.assert_array_equal(hex_to_bits(expected, bits.shape[1]), bits)


def test_imagehash_objects_are_hashes():
    bits = np.random.default_rng(0).integers(0, 2, (3, 64)).astype(bool)
    hashes = [imagehash.ImageHash(row.reshape(8, 8)) for row in bits]
    np.testing.assert_array_equal(hex_to_bits(hashes, 64), bits)


def test_colorhash_has_eleven_digits():
    """42 bits are ten and a half digits: the half stands in front."""
    assert bits_to_hex(np.ones((1, 42), dtype=int)).tolist() == ["3ffffffffff"]


@pytest.mark.parametrize(
    ("text", "n_bits", "message"),
    [
        ("ff", 64, "Row 1 is not a hash of 64 bits: expected 16 hex digits, got 'ff'"),
        ("zz", 8, "expected 2 hex digits, got 'zz'"),
        (" f", 8, "got ' f'"),
        ("", 8, "got ''"),
        ("fffffffffff", 42, "'fffffffffff' needs 44 bits"),
    ],
)
def test_what_is_no_hash_is_named(text, n_bits, message):
    good = "0" * -(-n_bits // 4)
    with pytest.raises(ValueError, match=message):
        hex_to_bits([good, text], n_bits)


def test_layout_names_every_column_once():
    layout = BitLayout(["ahash", "colorhash", "phash16"], [64, 42, 256])
    names = layout.column_names()
    assert len(set(names)) == len(names) == layout.n_bits == 362
    assert names[layout.slices()[1]].tolist()[::41] == ["colorhash_00", "colorhash_41"]
    assert names.dtype == object
