"""The contestants of the benchmark of search that answer one query at a time."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Any

import numpy as np
from code_sets import Case, Words
from searchers import Outcome, timed

K = 5  # neighbors that the searches for the nearest find
_SETTLING = 300  # queries after which all tables are built


def ask_one_by_one(
    queries: Any,
    n_all: int,
    ask: Callable[[Any], Any],
    read: Callable[[Any], Any],
    n_settling: int = 0,
) -> Outcome:
    """Ask each query by itself, and take the median time for that of each."""
    first, _ = timed(lambda: ask(queries[:1]))
    for place in range(n_settling):
        ask(queries[place % len(queries), None])
    seconds, answers = [], []
    for place in range(len(queries)):
        query = queries[place : place + 1]
        start = perf_counter()
        found = ask(query)
        seconds.append(perf_counter() - start)
        answers.append(read(found))
    typical = float(np.median(seconds))
    note = f"{typical * 1e6:,.0f} µs a query"
    return Outcome(typical * n_all, answers, len(queries) / n_all, first=first, note=note)


# ---- hashfeatures ----


def our_neighbors(case: Case) -> Any:
    """Return the fitted estimator."""
    from hashfeatures import HammingNeighbors

    return HammingNeighbors(K, case.radius).fit(as_bits(case.codes()))


def ask_method(case: Case, search: Callable[..., Any], read: Callable[[Any], Any]) -> Outcome:
    """Ask a method of scikit-learn's estimators, which takes a matrix of one row."""
    neighbors, queries = our_neighbors(case), case.queries()
    rows = as_bits(queries)
    return ask_one_by_one(
        np.arange(len(queries)),
        len(queries),
        lambda place: search(neighbors, rows[int(place[0]), None]),
        read,
        _SETTLING,
    )


def our_radius_neighbors(case: Case, jobs: int) -> Outcome:
    """Search within the radius by the method of scikit-learn's estimators."""
    return ask_method(
        case,
        lambda neighbors, row: neighbors.radius_neighbors(row),
        lambda found: set(found[1][0].tolist()),
    )


def our_query(case: Case, jobs: int) -> Outcome:
    """Search within the radius by `query`, which takes packed bits."""
    neighbors, queries = our_neighbors(case), case.queries()
    return ask_one_by_one(
        queries,
        len(queries),
        lambda query: neighbors.query(query[0]),
        lambda found: set(found[1].tolist()),
        _SETTLING,
    )


def our_kneighbors(case: Case, jobs: int) -> Outcome:
    """Find the nearest by the method of scikit-learn's estimators."""
    return ask_method(
        case,
        lambda neighbors, row: neighbors.kneighbors(row),
        lambda found: near_only(found[0][0], case.radius),
    )


def our_nearest_query(case: Case, jobs: int) -> Outcome:
    """Find the nearest within the radius by `query`."""
    neighbors, queries = our_neighbors(case), case.queries()
    return ask_one_by_one(
        queries,
        len(queries),
        lambda query: neighbors.query(query[0], case.radius, K),
        lambda found: near_only(found[0], case.radius),
        _SETTLING,
    )


# ---- Peers ----


def faiss_flat(case: Case, jobs: int) -> Outcome:
    """Compare each query with all codes."""
    return ask_faiss(flat_index(case, jobs), case, 300)


def faiss_flat_nearest(case: Case, jobs: int) -> Outcome:
    """Compare each query with all codes, and keep the nearest."""
    return ask_faiss_for_nearest(flat_index(case, jobs), case, 300)


def faiss_multi_hash(case: Case, jobs: int) -> Outcome:
    """Look up buckets, with as many flips as an exact search within the radius needs."""
    return ask_faiss(multi_hash_index(case, jobs), case, 300)


def faiss_multi_hash_nearest(case: Case, jobs: int) -> Outcome:
    """Look up buckets for the nearest; exact within the radius."""
    return ask_faiss_for_nearest(multi_hash_index(case, jobs), case, 300)


def pynear_radius(case: Case, jobs: int) -> Outcome:
    """Search PyNear's multi-index, which is exact within a radius, for many neighbors."""
    return ask_pynear(case, 1000, lambda ids, _: set(ids.tolist()))


def pynear_nearest(case: Case, jobs: int) -> Outcome:
    """Search PyNear's multi-index, which is exact within a radius, for the nearest."""
    return ask_pynear(case, K, lambda _, distances: distances.tolist())


def flat_index(case: Case, jobs: int) -> Any:
    """Return faiss' index that compares all codes."""
    import faiss

    faiss.omp_set_num_threads(jobs)
    index = faiss.IndexBinaryFlat(case.n_bits)
    index.add(case.codes().view(np.uint8))
    return index


def multi_hash_index(case: Case, jobs: int) -> Any:
    """Return faiss' index of buckets. It is exact below ``(nflip + 1) * nhash`` bits."""
    import faiss

    faiss.omp_set_num_threads(jobs)
    n_bands = case.n_bits // 16
    index = faiss.IndexBinaryMultiHash(case.n_bits, n_bands, 16)
    index.nflip = case.radius // n_bands
    index.add(case.codes().view(np.uint8))
    return index


def ask_faiss(index: Any, case: Case, n_asked: int) -> Outcome:
    """Search within the radius, which faiss excludes."""
    queries = case.queries()
    return ask_one_by_one(
        queries[:n_asked],
        len(queries),
        lambda query: index.range_search(query.view(np.uint8), case.radius + 1),
        lambda found: set(found[2].tolist()),
    )


def ask_faiss_for_nearest(index: Any, case: Case, n_asked: int) -> Outcome:
    """Search for the nearest."""
    queries = case.queries()
    return ask_one_by_one(
        queries[:n_asked],
        len(queries),
        lambda query: index.search(query.view(np.uint8), K),
        lambda found: near_only(found[0][0], case.radius),
    )


def ask_pynear(case: Case, k: int, read: Callable[[Any, Any], Any]) -> Outcome:
    """Search PyNear's multi-index; what it finds beyond the radius is left out."""
    import pynear

    index = pynear.MIHBinaryIndex(case.n_bits // 16)
    words, queries = case.codes(), case.queries()
    index.set(words.view(np.uint8))

    def read_near(found: Any) -> Any:
        ids, distances = found[0][0], found[1][0]
        near = (ids >= 0) & (distances <= case.radius)
        return read(ids[near], distances[near])

    return ask_one_by_one(
        queries[:300],
        len(queries),
        lambda query: index.searchKNN_arrays(query.view(np.uint8), k, case.radius),
        read_near,
    )


def near_only(distances: Any, radius: int) -> list[int]:
    """Return the distances within the radius, up to which all contestants are exact."""
    return [int(distance) for distance in distances if distance <= radius]


def as_bits(words: Words) -> Any:
    """Return codes as rows of zeros and ones."""
    return np.unpackbits(words.view(np.uint8), axis=1)
