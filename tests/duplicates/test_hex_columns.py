"""Hashes of a table are read once, and never answered from what the table held before."""

import gc

import imagehash
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashfeatures import find_similar, is_known
from hashfeatures.duplicates import _hex_columns as hex_columns
from hashfeatures.duplicates._hex_columns import HexColumn, read_column

N = 5000
KINDS = [object, "string", "str"]


def make_table(kind=object):
    digits = [f"{number * 0x9E3779B97F4A7C15 % 2**64:016x}" for number in range(N)]
    column = pd.Series(digits, dtype=kind)
    column[7] = None
    return pd.DataFrame({"image": [f"{number}.jpg" for number in range(N)], "phash": column})


@given(st.integers(1, 200), st.integers(0, 2**32), st.sampled_from(["bits", "hex"]))
def test_distances_are_those_of_the_strings(n_bits, seed, unit):
    rng = np.random.default_rng(seed)
    numbers = [int.from_bytes(rng.bytes(25)) % 2**n_bits for _ in range(6)]
    digits = [f"{number:0{-(-n_bits // 4)}x}" for number in numbers]
    spelled = [text.upper() if rng.random() < 0.3 else text for text in digits]
    column = HexColumn.read(pd.Series([*spelled, None], dtype=object), n_bits)
    assert column.rows.tolist() == [0, 1, 2, 3, 4, 5]
    found = column.distances(column.words[0], unit)
    expected = {
        "bits": [(number ^ numbers[0]).bit_count() for number in numbers],
        "hex": [sum(a != b for a, b in zip(text, digits[0], strict=True)) for text in digits],
    }
    assert found.tolist() == expected[unit]


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_table_that_stands_unchanged_is_read_once(kind):
    table = make_table(kind)
    first = read_column(table, table["phash"], 64)
    assert read_column(table, table["phash"], 64) is first
    other = make_table(kind)
    assert read_column(other, other["phash"], 64) is not first


@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize(
    "change",
    [
        lambda table: table.__setitem__("phash", table["phash"].iloc[::-1].to_numpy()),
        lambda table: table.loc.__setitem__((4000, "phash"), "0123456789abcdef"),
        lambda table: table.iloc.__setitem__((N - 1, 1), "0123456789abcdef"),
        lambda table: table.__setitem__("phash", table["phash"].shift(1)),
        lambda table: table.pop("phash").pipe(
            lambda column: table.insert(1, "phash", column[::-1].array)
        ),
        lambda table: table.loc.__setitem__((5, "phash"), None),
    ],
    ids=["replaced", "one value", "by place", "shifted", "put in anew", "one missing"],
)
def test_a_table_that_was_changed_in_place_is_read_anew(kind, change):
    table = make_table(kind)
    query = table["phash"][4000]
    assert is_known(table, query)
    assert not is_known(table, "0123456789abcdef")
    change(table)
    fresh = table.copy()
    for asked in (query, table["phash"].iloc[3], "0123456789abcdef"):
        assert is_known(table, asked) == is_known(fresh, asked)
        assert is_known(table, asked) == (table["phash"] == asked).any()
        ours = find_similar(table, asked, n=20)
        pd.testing.assert_frame_equal(ours, find_similar(fresh, asked, n=20))


def test_hash_objects_that_change_are_read_anew():
    """Strings cannot change; ImageHash objects can, and stay equal to themselves."""
    table = make_table()
    table["phash"] = [imagehash.hex_to_hash(text or "0" * 16) for text in table["phash"]]
    wanted = "0123456789abcdef"
    assert not is_known(table, wanted)
    table["phash"][3].hash[:] = imagehash.hex_to_hash(wanted).hash
    assert is_known(table, wanted)


def test_what_was_read_goes_with_the_table():
    before = len(hex_columns._KEPT)
    table = make_table()
    is_known(table, "0123456789abcdef")
    assert len(hex_columns._KEPT) == before + 1
    del table
    gc.collect()
    assert len(hex_columns._KEPT) == before


def test_a_wrong_hash_is_told_however_often_it_is_asked_for():
    table = make_table()
    table.loc[50, "phash"] = "xyz"
    for _ in range(2):
        with pytest.raises(ValueError, match=r"Row 49 is not a hash of 64 bits: .* got 'xyz'"):
            is_known(table, "0123456789abcdef")


def test_long_lists_of_images_are_no_table(noise_image):
    images = [noise_image(0)] * N
    assert is_known(images, noise_image(0))
