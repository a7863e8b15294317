"""Pairs of images are those of brute force, though equal images are searched once."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashfeatures.duplicates import _linkage as linkage
from hashfeatures.duplicates import _pair_graph as graphs
from hashfeatures.duplicates._components import label_components
from hashfeatures.duplicates._labels import relabel
from hashfeatures.duplicates._pair_search import HeldPairs
from hashfeatures.duplicates.fingerprints._confirmation import Confirmation
from hashfeatures.duplicates.fingerprints._fingerprints import Fingerprints
from hashfeatures.duplicates.fingerprints._search import build_graph, extend_graph
from hashfeatures.duplicates.fingerprints._views import ViewCodes
from hashfeatures.exceptions import TooManyPairsError
from hashfeatures.hamming import _row_lookup as row_lookup
from hashfeatures.hamming._packing import words_from_bits
from hashfeatures.hamming._row_lookup import RowLookup
from hashfeatures.hamming._unique import number_rows
from hashfeatures.hashing.views._windows import VIEW_SETS


def fingerprints_of(seed, n_images):
    """Return fingerprints, many of them equal: of bits, of pixels, and of nothing."""
    rng = np.random.default_rng(seed)
    bits = (rng.random((n_images, 12)) < 0.1).astype(int)
    pixels = rng.integers(0, 3, (n_images, 2)).astype(np.uint64)
    kind = rng.choice(3, n_images, p=[0.6, 0.3, 0.1])
    fingerprints = Fingerprints(words_from_bits(bits)[0], kind == 0, pixels, kind == 1, 12)
    distances = (bits[:, None] != bits[None]).sum(axis=2)
    distances[(kind != 0)[:, None] | (kind != 0)] = 99
    same = (pixels[:, None] == pixels[None]).all(axis=2) & (kind == 1)[:, None] & (kind == 1)
    return fingerprints, np.where(same, 0, distances)


def take(fingerprints, rows):
    return fingerprints.take(np.arange(len(fingerprints.comparable))[rows])


@given(st.integers(0, 2**32), st.integers(0, 40), st.integers(0, 4), st.floats(0, 1))
def test_pairs_and_labels_are_those_of_brute_force(
    memory_bounds, seed, n_images, radius, share_known
):
    fingerprints, distances = fingerprints_of(seed, n_images)
    left, right = np.nonzero(np.triu(distances <= radius, k=1))
    n_known = int(share_known * n_images)
    first, later = (take(fingerprints, rows) for rows in (slice(n_known), slice(n_known, None)))
    whole = build_graph(fingerprints, radius, None)
    grown = extend_graph(build_graph(first, radius, None), later, None)
    for near in (whole, grown):
        n_held = sum(len(block.left) for block in near.edges.blocks())
        assert isinstance(near.edges, HeldPairs) == (memory_bounds == "ample" or n_held == 0)
        found = near.pairs()
        np.testing.assert_array_equal(found.left, left)
        np.testing.assert_array_equal(found.right, right)
        np.testing.assert_array_equal(found.distance, distances[left, right])
        assert near.n_pairs == len(left)
        expected = np.where(distances <= radius, distances, 99)
        np.fill_diagonal(expected, 99)
        nearest = expected.min(axis=1, initial=99)
        np.testing.assert_array_equal(near.nearest(), np.where(nearest == 99, -1, nearest))
        np.testing.assert_array_equal(near.labels(), label_components(n_images, found))


def test_too_many_pairs_are_refused_and_counted(monkeypatch):
    monkeypatch.setattr(graphs, "MOST_PAIRS", 5)
    near = graphs.PairGraph.of_labels(np.zeros(4, dtype=np.intp))
    with pytest.raises(
        TooManyPairsError, match="There are 6 near pairs of images, more than the 5"
    ):
        near.pairs()
    assert near.labels().tolist() == [0] * 4


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), max_size=30))
def test_equal_rows_have_one_number(rows):
    matrix = np.array(rows, dtype=np.uint64).reshape(-1, 2)
    numbers, firsts = number_rows(matrix)
    expected = relabel(np.array([10 * a + b for a, b in rows], dtype=int))
    np.testing.assert_array_equal(numbers, expected)
    np.testing.assert_array_equal(firsts, np.unique(expected, return_index=True)[1])


@given(st.integers(0, 2**32), st.integers(0, 30), st.integers(0, 6), st.integers(0, 12))
def test_colors_part_groups_however_pairs_are_held(memory_bounds, seed, n_images, radius, reach):
    """A pair of near bits in far colors joins nothing, nor is it near to anything."""
    rng = np.random.default_rng(seed)
    bits, painted = ((rng.random((n_images, n)) < 0.1).astype(np.uint8) for n in (12, 288))
    present, nothing = np.ones(n_images, dtype=bool), np.zeros((n_images, 2), dtype=np.uint64)
    fingerprints = Fingerprints(
        words_from_bits(bits)[0],
        present,
        nothing,
        ~present,
        12,
        None,
        np.packbits(painted, axis=1),
    )
    distances = (bits[:, None] != bits[None]).sum(axis=2)
    apart = (painted[:, None] != painted[None]).sum(axis=2)
    reach += 45
    left, right = np.nonzero(np.triu((distances <= radius) & (apart <= reach), k=1))
    near = build_graph(fingerprints, radius, None, Confirmation(color_radius=reach))
    found = near.pairs()
    np.testing.assert_array_equal(found.left, left)
    np.testing.assert_array_equal(found.right, right)
    np.testing.assert_array_equal(near.labels(), label_components(n_images, found))


@given(
    st.integers(0, 2**32),
    st.integers(1, 30),
    st.integers(0, 6),
    st.integers(0, 12),
    st.sampled_from(["linked", "grown", "dihedral"]),
)
def test_complete_groups_hold_near_pairs_alone(seed, n_images, radius, reach, how):
    """Near in their bits and in their colors, as pairs are."""
    rng = np.random.default_rng(seed)
    bits, painted = ((rng.random((n_images, n)) < 0.1).astype(np.uint8) for n in (12, 288))
    present, nothing = np.ones(n_images, dtype=bool), np.zeros((n_images, 2), dtype=np.uint64)
    words = words_from_bits(bits)[0]
    views = None
    if how == "dihedral":
        turned = words[:, None] ^ rng.integers(0, 4, (n_images, 8, 1)).astype(np.uint64)
        views = ViewCodes(turned, VIEW_SETS["dihedral"])
    fingerprints = Fingerprints(
        words, present, nothing, ~present, 12, views, np.packbits(painted, axis=1)
    )
    reach += 45
    confirmation = Confirmation(None, reach, "dihedral" if how == "dihedral" else "identity")
    near = build_graph(fingerprints, radius, None, confirmation)
    with pytest.MonkeyPatch.context() as patch:
        if how == "grown":
            patch.setattr(linkage.split_chains, "__defaults__", (None, 1, None))
        agreement = confirmation.as_agreement(fingerprints, None)
        labels, _ = fingerprints.group(near.labels(), radius, "complete", None, agreement)
    together = np.triu(labels[:, None] == labels, k=1)
    pairs = near.pairs()
    assert set(zip(*np.nonzero(together), strict=True)) <= set(
        zip(pairs.left, pairs.right, strict=True)
    )
    if len(pairs.left):
        assert together.any(), "what is near is not all parted"


@pytest.mark.parametrize("mixed", ["well", "all alike"])
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), max_size=30), st.integers(0, 12))
def test_rows_are_found_again_by_what_they_hold(mixed, rows, n_first):
    """However often what is mixed of different rows is the same."""
    matrix = np.array(rows, dtype=np.uint64).reshape(-1, 2)
    every = np.array([(a, b) for a in range(4) for b in range(3)], dtype=np.uint64)
    with pytest.MonkeyPatch.context() as patch:
        if mixed == "all alike":
            nothing = np.uint64(7)
            patch.setattr(row_lookup, "_mix", lambda rows, _: np.full(len(rows), nothing))
        lookup = RowLookup(every[:n_first]).extended(every[n_first:])
        found = lookup.find(matrix)
        some = RowLookup(every[:n_first]).find(matrix)
    expected = [3 * a + b for a, b in rows]
    assert found.tolist() == expected
    assert some.tolist() == [place if place < n_first else -1 for place in expected]


def test_memory_grows_with_images_and_not_with_their_pairs():
    """Of images that all look alike no pairs are held; written out, they take few bytes each."""
    rng = np.random.default_rng(0)
    bits = np.zeros((3000, 128), dtype=np.uint8)
    bits[np.arange(3000)[:, None], rng.integers(0, 128, (3000, 5))] = 1
    present, nothing = np.ones(3000, dtype=bool), np.zeros((3000, 2), dtype=np.uint64)
    fingerprints = Fingerprints(words_from_bits(bits)[0], present, nothing, ~present, 128)
    build_graph(fingerprints.take(slice(2500)), 12, 1)  # compiled loops are loaded
    tracemalloc.start()
    try:
        near = build_graph(fingerprints, 12, 1)
        to_find = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        pairs = near.pairs()
        to_write = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert near.held is None
    assert not near.labels().any()
    assert near.n_pairs == len(pairs.left) == 3000 * 2999 // 2
    assert to_find < 20 * near.n_pairs, "less than the pairs themselves"
    assert to_write < 45 * near.n_pairs
