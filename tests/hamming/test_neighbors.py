"""The estimators keep scikit-learn's conventions, and graphs do what its own graphs do."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy.sparse import csr_matrix
from sklearn.cluster import DBSCAN, HDBSCAN
from sklearn.exceptions import NotFittedError
from sklearn.manifold import TSNE
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors
from sklearn.pipeline import make_pipeline

from hashfeatures import (
    HammingNeighbors,
    HammingNeighborsTransformer,
    Pairs,
    ParameterError,
    StoreError,
    TooManyPairsError,
)

N_BITS = 64


@pytest.fixture(scope="module")
def bits():
    """Return 120 rows around 12 centers, some of them equal."""
    rng = np.random.default_rng(0)
    centers = rng.integers(0, 2, (12, N_BITS))
    rows = centers[rng.integers(0, 12, 120)]
    flips = rng.random(rows.shape) < 0.06
    flips[::5] = False
    return (rows ^ flips).astype(np.uint8)


@pytest.fixture(scope="module")
def peer(bits):
    """Return scikit-learn's own neighbors, which count fractions of the bits."""
    return NearestNeighbors(metric="hamming", algorithm="brute").fit(bits.astype(bool))


def rounded(fractions):
    return np.rint(np.asarray(fractions) * N_BITS).astype(int)


@pytest.mark.parametrize("queries", ["other rows", None])
def test_kneighbors_finds_what_nearest_neighbors_finds(bits, peer, queries):
    X = None if queries is None else bits[:30] ^ 1
    ours = HammingNeighbors(n_neighbors=7).fit(bits)
    distances, rows = ours.kneighbors(X)
    theirs, _ = peer.kneighbors(None if X is None else X.astype(bool), 7)
    np.testing.assert_array_equal(distances, rounded(theirs))
    assert distances.dtype == np.int64
    assert rows.dtype == np.intp
    all_rows = bits if X is None else X
    counted = (all_rows[:, None] != bits[rows]).sum(axis=2)
    np.testing.assert_array_equal(counted, distances)
    if X is None:
        assert (rows != np.arange(len(bits))[:, None]).all()
    np.testing.assert_array_equal(ours.kneighbors(X, return_distance=False), rows)


@pytest.mark.parametrize("queries", ["other rows", None])
def test_radius_neighbors_finds_what_nearest_neighbors_finds(bits, peer, queries):
    X = None if queries is None else bits[:30]
    ours = HammingNeighbors(radius=9).fit(bits)
    distances, rows = ours.radius_neighbors(X, sort_results=True)
    theirs = peer.radius_neighbors(
        None if X is None else X.astype(bool), 9.5 / N_BITS, sort_results=True
    )
    assert distances.dtype == rows.dtype == object
    for ours_row, theirs_row, number in zip(distances, theirs[0], range(len(rows)), strict=True):
        np.testing.assert_array_equal(ours_row, rounded(theirs_row))
        assert set(rows[number]) == set(theirs[1][number])
    unsorted = ours.radius_neighbors(X, return_distance=False)
    for by_distance, by_row in zip(rows, unsorted, strict=True):
        np.testing.assert_array_equal(np.sort(by_distance), by_row)


def test_rows_of_equal_length_stay_an_array_of_arrays():
    _, rows = HammingNeighbors(radius=0).fit([[0, 1], [1, 0]]).radius_neighbors([[0, 1], [1, 0]])
    assert rows.shape == (2,)
    assert [row.tolist() for row in rows] == [[0], [1]]


def test_ties_come_in_the_order_of_rows():
    X = np.zeros((6, 8))
    distances, rows = HammingNeighbors(n_neighbors=3).fit(X).kneighbors(X[:2])
    assert rows.tolist() == [[0, 1, 2], [0, 1, 2]]
    assert not distances.any()
    assert HammingNeighbors(n_neighbors=2).fit(X).kneighbors()[1][1].tolist() == [0, 2]


def test_a_missing_row_has_no_neighbor_and_is_none():
    X = np.array([[0, 0, 0], [np.nan] * 3, [0, 0, 1], [np.nan] * 3], dtype=np.float32)
    neighbors = HammingNeighbors(n_neighbors=3, radius=3).fit(X)
    distances, rows = neighbors.kneighbors()
    assert rows.tolist() == [[2, -1, -1], [-1] * 3, [0, -1, -1], [-1] * 3]
    assert distances.tolist() == [[1, 4, 4], [4] * 3, [1, 4, 4], [4] * 3]
    assert [row.tolist() for row in neighbors.radius_neighbors()[1]] == [[2], [], [0], []]
    assert [row.tolist() for row in neighbors.radius_neighbors(X)[1]] == [[0, 2], [], [0, 2], []]
    assert neighbors.pairs().left.tolist() == [0]
    assert neighbors.pairs().right.tolist() == [2]
    assert neighbors.kneighbors_graph().nnz == 2
    assert neighbors.radius_neighbors_graph(X).nnz == 4


@pytest.mark.parametrize(
    "X",
    [
        [[0, 1, None], [0, 1, 1], [0, 1, 1]],
        [[0, 1, pd.NA], [0, 1, 1], [0, 1, 1]],
        np.array([[0, 1, None], [0, 1, 1], [0, 1, 1]], dtype=object),
        pl.DataFrame({"a": [False] * 3, "b": [True] * 3, "c": [None, True, True]}),
    ],
    ids=["list of None", "list of NA", "objects", "polars"],
)
def test_what_is_missing_may_be_spelt_otherwise(X):
    """Containers that become an array of objects hold bits all the same."""
    assert HammingNeighbors().fit(X).pairs(0).left.tolist() == [1]


def test_every_row_missing():
    X = np.full((3, 8), np.nan)
    neighbors = HammingNeighbors(n_neighbors=2, radius=8).fit(X)
    assert (neighbors.kneighbors()[1] == -1).all()
    assert len(neighbors.pairs().left) == 0
    assert neighbors.radius_neighbors_graph().nnz == 0


def test_partial_fit_is_fit_on_all(bits):
    parts = HammingNeighbors()
    for start in range(0, len(bits), 50):
        parts.partial_fit(bits[start : start + 50])
    whole = HammingNeighbors().fit(bits)
    np.testing.assert_array_equal(parts.kneighbors(bits)[1], whole.kneighbors(bits)[1])
    assert parts.n_samples_fit_ == len(bits)
    with pytest.raises(ValueError, match="expecting 64 features"):
        parts.partial_fit(bits[:, :10])


@pytest.mark.parametrize("method", ["kneighbors_graph", "radius_neighbors_graph"])
@pytest.mark.parametrize("queries", ["other rows", None])
def test_graphs_hold_what_the_searches_find(bits, method, queries):
    X = None if queries is None else bits[:30]
    neighbors = HammingNeighbors(n_neighbors=4, radius=9).fit(bits)
    graph = getattr(neighbors, method)(X, mode="distance")
    ones = getattr(neighbors, method)(X)
    assert isinstance(graph, csr_matrix)
    assert graph.dtype == ones.dtype == np.float64
    assert graph.shape == (120 if X is None else 30, 120)
    assert (ones.data == 1).all()
    search = neighbors.kneighbors if method == "kneighbors_graph" else neighbors.radius_neighbors
    distances, rows = search(X)
    for number in range(graph.shape[0]):
        edges = slice(graph.indptr[number], graph.indptr[number + 1])
        np.testing.assert_array_equal(graph.indices[edges], rows[number])
        np.testing.assert_array_equal(graph.data[edges], distances[number])
    assert (graph.data == 0).any(), "equal rows must be edges of length zero"


def test_the_transformer_s_graph(bits):
    graph = HammingNeighborsTransformer(n_neighbors=4).fit_transform(bits)
    assert (np.diff(graph.indptr) == 5).all()
    assert (HammingNeighborsTransformer("connectivity", 4).fit_transform(bits).data == 1).all()
    for row in range(len(bits)):
        values = graph.data[graph.indptr[row] : graph.indptr[row + 1]]
        assert (np.diff(values) >= 0).all()
        assert values[0] == 0


def test_dbscan_chained_equals_compact(bits):
    chained = make_pipeline(
        HammingNeighborsTransformer(radius=9), DBSCAN(eps=9, min_samples=3, metric="precomputed")
    )
    compact = DBSCAN(eps=9.5 / N_BITS, min_samples=3, metric="hamming")
    labels = compact.fit_predict(bits.astype(bool))
    np.testing.assert_array_equal(chained.fit_predict(bits), labels)
    assert len(set(labels)) > 5


def test_exact_duplicates_are_no_noise():
    """An edge of length zero that is dropped would make DBSCAN call copies noise."""
    X = np.repeat(np.eye(4, 8, dtype=int), 3, axis=0)
    chained = make_pipeline(
        HammingNeighborsTransformer(radius=1), DBSCAN(eps=1, min_samples=3, metric="precomputed")
    )
    assert chained.fit_predict(X).tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]


def test_hdbscan_chained_equals_compact():
    """On rows that all differ: scikit-learn's HDBSCAN drops edges of length zero from graphs."""
    rng = np.random.default_rng(1)
    bits = np.unique(rng.integers(0, 2, (4, N_BITS)).repeat(25, axis=0), axis=0)
    bits = (bits.repeat(25, axis=0) ^ (rng.random((100, N_BITS)) < 0.1)).astype(np.uint8)
    assert len(np.unique(bits, axis=0)) == 100
    options = {"min_cluster_size": 5, "copy": True}
    graph = HammingNeighborsTransformer(radius=N_BITS).fit_transform(bits)
    dense = (bits[:, None] != bits[None]).sum(axis=2).astype(float)
    chained = HDBSCAN(metric="precomputed", **options).fit_predict(graph)
    np.testing.assert_array_equal(
        chained, HDBSCAN(metric="precomputed", **options).fit_predict(dense)
    )
    assert set(chained) == {0, 1, 2, 3}


def test_tsne_chained_equals_compact():
    """On rows whose distances are all different, so that no tie is broken otherwise."""
    positions = np.sort(np.random.default_rng(4).permutation(20_000)[:40])
    bits = (np.arange(20_000) < positions[:, None]).astype(np.uint8)
    distances = np.abs(positions[:, None] - positions)
    assert all(len(set(row)) == len(row) for row in distances.tolist())
    options = {"init": "random", "random_state": 0, "perplexity": 5, "max_iter": 250}
    n_neighbors = 3 * 5 + 1  # what TSNE asks for
    chained = make_pipeline(
        HammingNeighborsTransformer(n_neighbors=n_neighbors), TSNE(metric="precomputed", **options)
    )
    compact = TSNE(metric="precomputed", **options)
    np.testing.assert_allclose(chained.fit_transform(bits), compact.fit_transform(distances))


@pytest.mark.parametrize("weights", ["uniform", "distance"])
def test_kneighbors_classifier_chained_equals_compact(weights):
    rng = np.random.default_rng(3)
    X, y = rng.integers(0, 2, (200, 256)), rng.integers(0, 3, 200)
    train, test = slice(0, 150), slice(150, 200)
    chained = make_pipeline(
        HammingNeighborsTransformer(n_neighbors=1),
        KNeighborsClassifier(1, metric="precomputed", weights=weights),
    ).fit(X[train], y[train])
    compact = KNeighborsClassifier(1, metric="hamming", weights=weights, algorithm="brute")
    compact.fit(X[train].astype(bool), y[train])
    distances, _ = compact.kneighbors(X[test].astype(bool), 2)
    clear = distances[:, 0] < distances[:, 1]  # a tie may go either way
    assert clear.sum() > 25
    np.testing.assert_array_equal(
        chained.predict(X[test])[clear], compact.predict(X[test].astype(bool))[clear]
    )


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda X: HammingNeighbors(0).fit(X), r"'n_neighbors'.*range \[1, inf\). Got 0 instead"),
        (lambda X: HammingNeighbors(True).fit(X), r"'n_neighbors' .* Got True instead"),
        (
            lambda X: HammingNeighbors(radius=-1).fit(X),
            r"^The 'radius' parameter of HammingNeighbors must be an int in the range \[0, inf\). "
            r"Got -1 instead\.$",
        ),
        (lambda X: HammingNeighbors(radius=1.5).fit(X), r"'radius' .* Got 1.5 instead"),
        (
            lambda X: HammingNeighbors(algorithm="lsh").fit(X),
            r"among {'auto', 'brute', 'multi_index'}. Got 'lsh'",
        ),
        (lambda X: HammingNeighbors(n_jobs="2").fit(X), "'n_jobs' .* or None. Got '2' instead"),
        (lambda X: HammingNeighbors().fit(X).kneighbors(n_neighbors=0), "'n_neighbors'"),
        (lambda X: HammingNeighbors().fit(X).pairs(radius=-1), "'radius' .* Got -1"),
        (lambda X: HammingNeighbors().fit(X).pairs(limit=-1), "'limit' .* Got -1"),
        (lambda X: HammingNeighbors().fit(X).pairs(limit="x"), "'limit' .* Got 'x'"),
        (
            lambda X: HammingNeighbors().fit(X).set_params(radius="x").save("none.hf"),
            "'radius' .* Got 'x'",
        ),
        (lambda X: HammingNeighbors().fit(X).kneighbors_graph(mode="bits"), "'mode'.*Got 'bits'"),
        (lambda X: HammingNeighborsTransformer("bits").fit(X), "'mode'.*Got 'bits'"),
        (lambda X: HammingNeighborsTransformer(radius=-1).fit(X), "'radius'.*Got -1"),
        (
            lambda X: HammingNeighborsTransformer(n_jobs=0).fit(X),
            "'n_jobs' parameter of HammingNeighborsTransformer",
        ),
    ],
)
def test_wrong_parameters_are_named(bits, make, message):
    with pytest.raises(ParameterError, match=message):
        make(bits)


def test_wrong_calls_are_told(bits):
    neighbors = HammingNeighbors().fit(bits)
    with pytest.raises(ValueError, match="Expected n_neighbors <= n_samples_fit"):
        neighbors.kneighbors(bits, 121)
    with pytest.raises(ValueError, match="Expected n_neighbors < n_samples_fit"):
        neighbors.kneighbors(None, 120)
    with pytest.raises(ValueError, match="return_distance must be True"):
        neighbors.radius_neighbors(return_distance=False, sort_results=True)
    with pytest.raises(ValueError, match="0 and 1"):
        neighbors.kneighbors(bits * 2)
    with pytest.raises(TypeError, match="Sparse data was passed"):
        HammingNeighbors().fit(csr_matrix(bits))
    for method in ("kneighbors", "radius_neighbors", "pairs", "kneighbors_graph"):
        with pytest.raises(NotFittedError):
            getattr(HammingNeighbors(), method)()


@pytest.mark.parametrize("n_jobs", [2, -1])
def test_threads_change_nothing(bits, n_jobs):
    one, many = HammingNeighbors().fit(bits), HammingNeighbors(n_jobs=n_jobs).fit(bits)
    np.testing.assert_array_equal(one.kneighbors()[1], many.kneighbors()[1])
    for left, right in zip(one.pairs(), many.pairs(), strict=True):
        np.testing.assert_array_equal(left, right)


@pytest.mark.parametrize("algorithm", ["brute", "multi_index"])
def test_algorithms_change_nothing(bits, algorithm):
    auto, other = HammingNeighbors().fit(bits), HammingNeighbors(algorithm=algorithm).fit(bits)
    for ours, theirs in zip(auto.kneighbors(), other.kneighbors(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    for ours, theirs in zip(auto.pairs(9), other.pairs(9), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("make", [np.asfortranarray, lambda X: X[::-1][::-1], lambda X: X == 1])
def test_the_layout_of_a_matrix_changes_nothing(bits, make):
    np.testing.assert_array_equal(
        HammingNeighbors().fit(make(bits)).kneighbors()[1],
        HammingNeighbors().fit(bits).kneighbors()[1],
    )


def test_pairs_block_by_block_and_up_to_a_limit(bits):
    neighbors = HammingNeighbors(radius=9).fit(bits)
    pairs = neighbors.pairs()
    blocks = Pairs.concatenate(neighbors.iter_pairs()).in_order()
    for one, other in zip(pairs, blocks, strict=True):
        np.testing.assert_array_equal(one, other)
    assert len(neighbors.pairs(limit=len(pairs.left)).left) == len(pairs.left)
    with pytest.raises(TooManyPairsError, match="iter_pairs"):
        neighbors.pairs(limit=len(pairs.left) - 1)
    assert len(HammingNeighbors(radius=N_BITS).fit(bits).pairs().left) == 120 * 119 // 2


def test_removed_rows_are_forgotten_and_the_others_keep_their_numbers(bits):
    neighbors = HammingNeighbors(radius=9).fit(bits).remove([3, 50])
    missing = bits.astype(float)
    missing[[3, 50]] = np.nan
    expected = HammingNeighbors(radius=9).fit(missing)
    np.testing.assert_array_equal(neighbors.kneighbors()[1], expected.kneighbors()[1])
    np.testing.assert_array_equal(neighbors.pairs().right, expected.pairs().right)
    neighbors.partial_fit(bits[3:4])
    assert 120 in neighbors.radius_neighbors(bits[3:4], 0)[1][0]
    for wrong in ([120 + 1], [-1]):
        with pytest.raises(IndexError, match="cannot be removed: rows are numbered from 0 to 120"):
            neighbors.remove(wrong)
    with pytest.raises(IndexError, match="Expected row numbers"):
        neighbors.remove([0.5])


def test_what_is_saved_is_loaded(bits, tmp_path):
    frame = pd.DataFrame(bits, columns=[f"phash_{bit:02d}" for bit in range(N_BITS)])
    saved = HammingNeighbors(n_neighbors=3, radius=9, algorithm="brute").fit(frame).remove([7])
    saved.save(tmp_path / "codes.hf", ids=[f"{row}.jpg" for row in range(120)])
    loaded = HammingNeighbors.load(tmp_path / "codes.hf", n_jobs=2)
    assert loaded.get_params() == {**saved.get_params(), "n_jobs": 2}
    assert loaded.ids_[119] == "119.jpg"
    assert list(loaded.feature_names_in_) == list(frame)
    np.testing.assert_array_equal(loaded.kneighbors(frame)[1], saved.kneighbors(frame)[1])
    np.testing.assert_array_equal(loaded.pairs().right, saved.pairs().right)
    loaded.partial_fit(frame[:2])
    assert loaded.n_samples_fit_ == 122
    with pytest.raises(ValueError, match=r"one id for each of 122 rows. Got 120"):
        loaded.save(tmp_path / "codes.hf")
    with pytest.raises(ValueError, match=r"one id for each of 120 rows. Got 1"):
        saved.save(tmp_path / "codes.hf", ids=["a"])
    (tmp_path / "codes.hf").write_bytes(b"PK")
    with pytest.raises(StoreError, match="not a file of hashfeatures"):
        HammingNeighbors.load(tmp_path / "codes.hf")
    with pytest.raises(NotFittedError):
        HammingNeighbors().save(tmp_path / "none.hf")


def test_the_ids_of_a_file_are_those_of_its_rows(tmp_path):
    """Other rows do not take the names of those that a file held, nor save them."""
    HammingNeighbors().fit(np.eye(3)).save(tmp_path / "codes.hf", ids=["a", "b", "c"])
    loaded = HammingNeighbors.load(tmp_path / "codes.hf").fit(np.eye(3)[::-1])
    assert not hasattr(loaded, "ids_")
    loaded.save(tmp_path / "others.hf")
    assert not hasattr(HammingNeighbors.load(tmp_path / "others.hf"), "ids_")
