"""0/1 matrices become words that keep every distance, and wrong values are named."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hashfeatures.hamming._packing import words_from_bits, words_from_query

matrices = st.tuples(st.integers(0, 5), st.integers(1, 300)).flatmap(
    lambda shape: arrays(np.uint8, shape, elements=st.integers(0, 1))
)


@given(matrices)
def test_words_keep_distances(bits):
    words, present = words_from_bits(bits)
    assert present.all()
    counted = np.bitwise_count(words[:, None] ^ words[None, :]).sum(axis=2, dtype=int)
    np.testing.assert_array_equal(counted, (bits[:, None] != bits[None, :]).sum(axis=2))


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int64, np.float32, np.float64])
def test_any_dtype_packs_alike(dtype):
    bits = np.random.default_rng(0).integers(0, 2, (4, 70))
    for order in ("C", "F"):
        words, _ = words_from_bits(np.array(bits, dtype=dtype, order=order))
        np.testing.assert_array_equal(words, words_from_bits(bits)[0])


def test_a_nan_makes_a_row_missing():
    bits = np.array([[0, 1, 1], [np.nan, 1, 1], [1, np.nan, 0]], dtype=np.float32)
    words, present = words_from_bits(bits)
    assert present.tolist() == [True, False, False]
    assert words[:, 0].astype(bool).tolist() == [True, False, False]


@pytest.mark.parametrize("last", [0, np.nan])
@pytest.mark.parametrize("wrong", [2, -1, 0.5, np.inf])
def test_other_values_are_named(wrong, last):
    """In a row that a NaN makes missing, too: they tell that the matrix holds no bits."""
    bits = np.zeros((3, 4))
    bits[2, [1, 3]] = wrong, last
    with pytest.raises(ValueError, match=rf"0 and 1.*Got {wrong}.* in row 2, column 1"):
        words_from_bits(bits)


def test_other_values_are_found_past_the_first_block(monkeypatch):
    monkeypatch.setattr("hashfeatures.hamming._packing._BLOCK_ROWS", 2)
    bits = np.zeros((5, 4))
    bits[3, 0] = 7
    with pytest.raises(ValueError, match="in row 3, column 0"):
        words_from_bits(bits)


@pytest.mark.parametrize("n_bits", [1, 3, 8, 64, 70, 128])
def test_a_query_has_the_same_words_in_every_form(n_bits):
    bits = np.random.default_rng(n_bits).integers(0, 2, n_bits)
    packed = np.packbits(bits)
    digits = f"{int(''.join(map(str, bits)), 2):0{-(-n_bits // 4)}x}"
    words = words_from_bits(bits[None])[0][0]
    for form in (bits, bits[None].astype(float), packed.tobytes(), digits):
        np.testing.assert_array_equal(words_from_query(form, n_bits), words)
    if n_bits > 1:
        np.testing.assert_array_equal(words_from_query(packed, n_bits), words)
