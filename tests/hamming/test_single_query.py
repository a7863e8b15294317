"""One query at a time finds what brute force finds, while rows are added and removed."""

import copy
import pickle
from threading import Event, Thread

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hashfeatures import HammingNeighbors, ParameterError, TooManyPairsError
from hashfeatures.hamming import _query_tables, _single_query
from hashfeatures.hamming._packing import words_from_bits
from hashfeatures.hamming._single_query import Snapshot


def brute_force(bits, query, radius, k=None):
    """Return what a query should find; rows with a NaN are missing."""
    distances = (bits != query).sum(axis=1)
    near = [
        (int(distance), row)
        for row, distance in enumerate(distances)
        if distance <= radius and not np.isnan(bits[row]).any()
    ]
    near = sorted(near)[:k]
    return [distance for distance, _ in near], [row for _, row in near]


def as_lists(found):
    return tuple(array.tolist() for array in found)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([1, 2, 7, 30, 64, 65, 128, 300]),
    st.integers(1, 300),
    st.sampled_from(["uniform", "crowded", "equal"]),
    st.sampled_from(["auto", "brute", "multi_index"]),
    st.integers(0, 2**32 - 1),
)
def test_a_query_finds_what_brute_force_finds(n_bits, n_rows, kind, algorithm, seed):
    """By radius, the nearest, and the nearest within a radius; with missing and removed rows."""
    rng = np.random.default_rng(seed)
    bits = rng.integers(0, 2, (n_rows, n_bits)).astype(float)
    if kind != "uniform":
        bits[:] = bits[rng.integers(0, 3, n_rows) % n_rows]
        bits = np.abs(bits - (rng.random(bits.shape) < (0.1 if kind == "crowded" else 0)))
    bits[rng.random(n_rows) < 0.1] = np.nan
    neighbors = HammingNeighbors(algorithm=algorithm).fit(bits)
    removed = np.flatnonzero(rng.random(n_rows) < 0.1)
    for _ in range(2):
        for query in (rng.integers(0, 2, n_bits), np.nan_to_num(bits[0])):
            radius, k = rng.integers(0, n_bits + 1), int(rng.integers(1, 70))
            expected = brute_force(bits, query, radius)
            assert as_lists(neighbors.query(query, radius)) == expected
            expected = brute_force(bits, query, n_bits, k)
            assert as_lists(neighbors.query(query, n_neighbors=k)) == expected
            expected = brute_force(bits, query, radius, k)
            assert as_lists(neighbors.query(query, radius, k)) == expected
        neighbors.remove(removed)
        bits[removed] = np.nan


@pytest.fixture
def few_rows_in_tables(monkeypatch):
    """Let tables begin at a few rows, and after a few queries."""
    monkeypatch.setattr(_single_query, "_SMALL", 30)
    monkeypatch.setattr(_single_query, "_SCANS", 3)
    monkeypatch.setattr(_query_tables, "_SHARE", 1)
    monkeypatch.setattr(_query_tables, "_NEAREST_SHARE", 1)
    _query_tables.greatest_radius.cache_clear()
    yield
    _query_tables.greatest_radius.cache_clear()


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(1, 200), min_size=2, max_size=6), st.integers(0, 2**32 - 1))
def test_tables_follow_rows_that_come_and_go(batches, seed):
    """Runs of tables are merged; rows behind them, and removed ones, are right at any time."""
    rng = np.random.default_rng(seed)
    centers = rng.integers(0, 2, (20, 64))
    bits = np.zeros((0, 64))
    neighbors = HammingNeighbors(radius=6)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_single_query, "_SMALL", 30)
        patch.setattr(_single_query, "_SCANS", 3)
        patch.setattr(_query_tables, "_SHARE", 1)
        _query_tables.greatest_radius.cache_clear()
        for n_rows in batches:
            new = centers[rng.integers(0, 20, n_rows)] ^ (rng.random((n_rows, 64)) < 0.05)
            neighbors.partial_fit(new)
            bits = np.vstack([bits, new])
            for _ in range(8):
                query = centers[rng.integers(20)]
                assert as_lists(neighbors.query(query)) == brute_force(bits, query, 6)
                expected = brute_force(bits, query, 64, 3)
                assert as_lists(neighbors.query(query, n_neighbors=3)) == expected
            removed = rng.integers(0, len(bits), 5)
            neighbors.remove(removed)
            bits[removed] = np.nan
    _query_tables.greatest_radius.cache_clear()


def test_a_small_batch_and_a_removal_leave_the_tables(few_rows_in_tables):
    bits = np.random.default_rng(0).integers(0, 2, (500, 64), dtype=np.uint8)
    neighbors = HammingNeighbors(radius=3).fit(bits)
    for _ in range(4):
        neighbors.query(bits[0])
    (run,) = neighbors._rows.history.tables._runs
    neighbors.partial_fit(bits[:5]).remove([0])
    assert as_lists(neighbors.query(bits[0])) == ([0], [500])
    assert neighbors._rows.history.tables._runs == (run,)


@pytest.mark.parametrize("search", ["radius_neighbors", "kneighbors"])
def test_the_searches_of_one_row_get_tables(few_rows_in_tables, search):
    bits = np.random.default_rng(0).integers(0, 2, (500, 64), dtype=np.uint8)
    neighbors = HammingNeighbors(radius=3, n_neighbors=1).fit(bits)
    for _ in range(4):
        distances, rows = getattr(neighbors, search)(bits[7:8])
        assert (distances[0].tolist(), rows[0].tolist()) == ([0], [7])
    assert neighbors._rows.history.tables._runs


def test_copies_of_an_estimator_go_ways_of_their_own(few_rows_in_tables):
    """They share rows until one of them adds or removes some."""
    bits = np.random.default_rng(0).integers(0, 2, (200, 64), dtype=np.uint8)
    one = HammingNeighbors(radius=0).fit(bits[:199]).partial_fit(bits[199:])
    for make in (copy.copy, copy.deepcopy, lambda each: pickle.loads(pickle.dumps(each))):
        other = make(one)
        one.remove([3]).partial_fit(bits[10:11])
        other.remove([4]).partial_fit(bits[11:12])
        for _ in range(9):
            assert as_lists(one.query(bits[4])) == ([0], [4])
            assert as_lists(other.query(bits[3])) == ([0], [3])
            assert as_lists(one.query(bits[3])) == as_lists(other.query(bits[4])) == ([], [])
            assert as_lists(one.query(bits[10]))[1][-1] >= 200
            assert as_lists(other.query(bits[10])) == ([0], [10])
            assert as_lists(other.query(bits[11])) == ([0, 0], [11, 200])
        one = HammingNeighbors(radius=0).fit(bits[:199]).partial_fit(bits[199:])


def test_a_loaded_estimator_answers_adds_and_removes(tmp_path, few_rows_in_tables):
    """Its rows are mapped into memory and cannot be written to."""
    bits = np.random.default_rng(1).integers(0, 2, (300, 128), dtype=np.uint8)
    HammingNeighbors(radius=2).fit(bits).save(tmp_path / "codes.hf")
    loaded = HammingNeighbors.load(tmp_path / "codes.hf")
    for _ in range(5):
        assert as_lists(loaded.query(bits[7])) == ([0], [7])
    assert loaded._rows.history.tables._runs
    loaded.partial_fit(bits[7:8]).remove([7])
    assert as_lists(loaded.query(bits[7])) == ([0], [300])


def test_threads_see_the_rows_before_or_after_each_update(few_rows_in_tables):
    """Rows come and go in pairs of equal codes; no answer ever holds one of a pair."""
    rng = np.random.default_rng(2)
    firsts = rng.integers(0, 2, (400, 64), dtype=np.uint8)
    neighbors = HammingNeighbors(radius=0).fit(np.repeat(firsts[:100], 2, axis=0))
    done, wrong = Event(), []

    def ask():
        seed = 0
        while not done.is_set() and not wrong:
            code = seed % 400
            distances, rows = neighbors.query(firsts[code])
            _, (same,) = neighbors.radius_neighbors(firsts[code : code + 1])
            whole = [], [2 * code, 2 * code + 1]
            if rows.tolist() not in whole or same.tolist() not in whole or distances.any():
                wrong.append((code, rows, same))
            seed += 7

    readers = [Thread(target=ask) for _ in range(3)]
    for reader in readers:
        reader.start()
    for code in range(100, 400):
        neighbors.partial_fit(np.repeat(firsts[code : code + 1], 2, axis=0))
        if code % 3 == 0:
            neighbors.remove([2 * code - 60, 2 * code - 59])
    done.set()
    for reader in readers:
        reader.join()
    assert not wrong
    assert neighbors._rows.history.tables._runs


def test_writers_lose_no_rows():
    """Threads that add at once, the first of them to an estimator that is not fitted yet."""
    neighbors = HammingNeighbors(radius=0)

    def add(first):
        for row in range(first, first + 50):
            neighbors.partial_fit([[row >> bit & 1 for bit in range(8)]])

    writers = [Thread(target=add, args=[first]) for first in (0, 50, 100, 150)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert neighbors.n_samples_fit_ == 200
    for row in range(200):
        assert len(neighbors.query([row >> bit & 1 for bit in range(8)])[1]) == 1


def test_a_missing_query_has_no_neighbors():
    neighbors = HammingNeighbors(radius=2).fit([[0, 1], [1, 0]])
    distances, rows = neighbors.query([0, np.nan])
    assert (distances.dtype, rows.dtype, len(rows)) == (np.int64, np.intp, 0)


@pytest.mark.parametrize("n_bits", [8, 64, 72, 128])
def test_the_forms_of_a_query_are_equal(n_bits):
    bits = np.random.default_rng(n_bits).integers(0, 2, (50, n_bits), dtype=np.uint8)
    neighbors = HammingNeighbors(radius=n_bits // 2).fit(bits)
    row = bits[3]
    octets = np.packbits(row)
    words, _ = words_from_bits(row[None])
    expected = as_lists(neighbors.query(row))
    assert expected[0][0] == 0
    for form in (row.tolist(), row[None], row == 1, row.astype(float), octets, octets.tobytes(),
                 octets.tobytes().hex(), words[0]):  # fmt: skip
        assert as_lists(neighbors.query(form)) == expected


@pytest.mark.parametrize(
    ("query", "got"),
    [
        ([0, 1, 1], r"shape \(3,\) and dtype int64"),
        (np.zeros((2, 12)), r"shape \(2, 12\)"),
        (["0"] * 12, "dtype <U1"),
        (None, r"shape \(\) and dtype object"),
        ("ff", "Got 'ff'"),
        ("0xf", "Got '0xf'"),
        (" ff", "Got ' ff'"),
        (b"abc", "Got 3 bytes"),
        (np.array([255, 255], dtype=np.uint8), "ones behind bit 12"),
    ],
)
def test_a_wrong_query_raises(query, got):
    neighbors = HammingNeighbors(radius=1).fit(np.eye(3, 12))
    with pytest.raises(ValueError, match=f"Expected one query of 12 bits: .*{got}"):
        neighbors.query(query)


def test_wrong_bits_and_parameters_raise():
    neighbors = HammingNeighbors(radius=1).fit(np.eye(3, 12))
    with pytest.raises(ValueError, match=r"Expected bits, .* Got 2"):
        neighbors.query([2] * 12)
    with pytest.raises(ParameterError, match=r"'radius' .* Got 13 instead"):
        neighbors.query([0] * 12, radius=13)
    with pytest.raises(ParameterError, match=r"'n_neighbors' .* Got 0 instead"):
        neighbors.query([0] * 12, n_neighbors=0)


def test_the_errors_of_one_row_are_those_of_many():
    """A small array skips scikit-learn's checks only if it would pass them."""
    neighbors = HammingNeighbors(radius=1).fit(np.eye(3, 12))
    for wrong in (np.full((1, 12), np.inf), np.full((1, 12), 2), np.zeros((1, 5)), np.zeros(12)):
        messages = set()
        for rows in (wrong, wrong.tolist()):
            with pytest.raises(ValueError) as raised:
                neighbors.radius_neighbors(rows)
            messages.add(str(raised.value).split("array=")[0])
        assert len(messages) == 1


def test_too_many_rows_are_refused():
    words = np.zeros((3000, 1), dtype=np.uint64)
    snapshot = Snapshot(words, np.ones(3000, dtype=bool), 64)
    assert len(snapshot.search(words[0], 0, 0, "auto", limit=3000)[1]) == 3000
    with pytest.raises(TooManyPairsError, match="rows are within the radius"):
        snapshot.search(words[0], 0, 0, "auto", limit=2999)
