"""What a lock knows images by: no name depends on the machine, and contents come before names."""

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashfeatures.duplicates.fingerprints._fingerprints import Fingerprints
from hashfeatures.hamming._packing import words_from_bits
from hashfeatures.model_selection.locks._image_keys import (
    ImageKeys,
    find_near_locked,
    match_keys,
    name_images,
)

TEXTS = st.sampled_from([None, *"abcdef"])
KEYS = st.lists(st.tuples(TEXTS, TEXTS, TEXTS), max_size=12)


def make_keys(rows):
    columns = zip(*rows, strict=True) if rows else [(), (), ()]
    return ImageKeys(*(np.array([*column, None], dtype=object)[:-1] for column in columns))


@given(KEYS, KEYS)
def test_each_image_is_matched_by_the_best_that_is_left(rows, locked):
    """No image of the lock is two images, unless both have its name; equal contents find it."""
    # In a lock, no name is listed twice.
    locked = list({row[0] or number: row for number, row in enumerate(locked)}.values())
    entry, by_content = match_keys(make_keys(rows), make_keys(locked))
    for row, place in enumerate(entry):
        if place < 0:
            continue
        (name, *content), (other, *other_content) = rows[row], locked[place]
        same_hash = content[0] is not None and content[0] == other_content[0]
        assert by_content[row] == ((content == other_content and any(content)) or same_hash)
        assert by_content[row] or (name is not None and name == other)
        shared = [again for again in np.flatnonzero(entry == place) if again != row]
        assert all(rows[again][0] == name == other for again in shared)
    left = set(range(len(locked))) - set(entry)
    for row in np.flatnonzero(entry < 0):
        name, *content = rows[row]
        for place in left:
            assert name is None or locked[place][0] != name
            assert not any(content) or content != list(locked[place][1:])


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("abcd")), max_size=8))
def test_renamed_images_are_found_in_any_order(rows):
    locked = [(str(number), *row) for number, row in enumerate(rows)]
    renamed = [(f"new {number}", *row) for number, row in enumerate(rows)][::-1]
    entry, by_content = match_keys(make_keys(renamed), make_keys(locked))
    assert by_content.all()
    assert sorted(entry) == list(range(len(rows)))
    assert [locked[place][1:] for place in entry] == [row[1:] for row in renamed]


@pytest.mark.parametrize("n_bits", [8, 30, 64, 100, 128])
def test_near_images_of_a_lock_are_those_of_brute_force(n_bits):
    rng = np.random.default_rng(n_bits)
    bits = (rng.random((60, n_bits)) < 0.1).astype(np.uint8)
    prints = Fingerprints.of_words(*words_from_bits(bits), n_bits)
    names = np.array([str(row) for row in range(60)], dtype=object)
    keys = ImageKeys.of(names, prints)
    assert {len(text) for text in keys.hashes} == {-(-n_bits // 4)}
    keys.hashes[3] = "0"  # of another length, as a hand may leave it
    radius = n_bits // 10
    near = find_near_locked(prints.take(np.arange(40, 60)), keys.take(np.arange(40)), radius)
    distance = (bits[40:, None] != bits[None, :40]).sum(axis=2)
    distance[:, 3] = n_bits
    found = set(zip(near.left.tolist(), near.right.tolist(), strict=True))
    assert found == set(zip(*map(np.ndarray.tolist, np.nonzero(distance <= radius)), strict=True))


def test_names_are_relative_and_hold_no_secret(tmp_path):
    folder = tmp_path / "data"
    sources = [
        folder / "cats" / "1.png",
        f"file://{folder}/2.png",
        os.path.join(os.path.relpath(folder), "cats", "..", "3.png"),
        "https://example.org/4.png",
        "https://example.org/5.png?signature=secret",
        "https://user:secret@example.org/6.png",
        f"zip://7.png::{folder}/images.zip",
        "data:image/png;base64,AAAA",
        b"bytes",
        None,
    ]
    below, root = name_images(sources, str(tmp_path))
    urls = ["https://example.org/4.png", *[None] * 6]
    assert below.tolist() == ["data/cats/1.png", "data/2.png", "data/3.png", *urls]
    assert root == str(tmp_path)
    beside, root = name_images(sources, str(tmp_path / "locks"))
    assert beside.tolist() == ["cats/1.png", "2.png", "3.png", *urls]
    assert root == str(folder)
    assert name_images(sources[3:], str(tmp_path))[1] is None
    assert name_images([Path("a.png")], None)[0].tolist() == ["a.png"]
