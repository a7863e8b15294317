"""Equal codes get one number, and no set of codes makes the table of them slow."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashfeatures.hamming import _kernels as kernels
from hashfeatures.hamming._row_lookup import RowLookup
from hashfeatures.hamming._unique import number_rows
from hashfeatures.hamming._unique_codes import UniqueCodes

N = 1 << 12
COUNT = np.arange(N, dtype=np.uint64)
FIXED = np.zeros(N, dtype=np.uint64)
TOP = COUNT << np.uint64(52)
SETS = {
    "one word": [COUNT],
    "the last bits of one word": [TOP],
    "the last bits of the last word": [FIXED, TOP],
    "the last bits of the first word": [TOP, FIXED],
    "equal words": [COUNT, COUNT],
    "every fifth bit": [
        sum((COUNT >> np.uint64(k) & np.uint64(1)) << np.uint64(5 * k) for k in range(12))
    ],
    "multiples": [COUNT * np.uint64(0x9E3779B97F4A7C15)],
    "four words": [FIXED, FIXED, FIXED, TOP],
}


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("seed", [0, 2**64 - 1, 12345])
def test_codes_that_are_alike_are_spread_over_the_table(name, seed):
    """As many places are taken as by random codes: 0.79 of as many codes as half of the places."""
    mixed = np.full(N, seed, dtype=np.uint64)
    for word in SETS[name]:
        mixed = kernels.mix.py_func(mixed ^ word)
    places = np.unique(mixed & np.uint64(2 * N - 1))
    assert len(places) > 0.75 * N


@given(st.integers(0, 2**32), st.sampled_from(list(SETS)))
def test_numbers_are_those_of_first_appearance(seed, name):
    rng = np.random.default_rng(seed)
    words = np.column_stack(SETS[name])[rng.integers(0, 300, 200)]
    unique = UniqueCodes(words, np.arange(200))
    seen = {}
    expected = [seen.setdefault(code.tobytes(), len(seen)) for code in words]
    assert unique.numbers.tolist() == expected
    np.testing.assert_array_equal(unique.codes[unique.numbers], words)


@given(st.integers(0, 2**32), st.sampled_from(list(SETS)), st.sampled_from([0, 4096]))
def test_rows_are_numbered_and_found_again(seed, name, few):
    """By sorting or by a table: the same numbers."""
    rng = np.random.default_rng(seed)
    words = np.column_stack(SETS[name])[rng.integers(0, 300, 200)]
    seen = {}
    expected = [seen.setdefault(code.tobytes(), len(seen)) for code in words]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hashfeatures.hamming._unique._FEW", few)
        numbers, firsts = number_rows(words)
    assert numbers.tolist() == expected
    assert firsts.tolist() == [expected.index(number) for number in range(len(seen))]
    lookup = RowLookup(words[firsts][: len(seen) // 2]).extended(words[firsts][len(seen) // 2 :])
    assert lookup.find(words).tolist() == expected
