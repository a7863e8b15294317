"""The contestants of the benchmark of search, each in a process of its own."""

from __future__ import annotations

import resource
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
from code_sets import Case, Words

Answers = list[Any]


@dataclass
class Outcome:
    """The time of a contestant for all queries, its peak memory, and some of its answers.

    `first` are the seconds of the first call of the process; peers are timed at theirs. `share` is
    the part of the work that was done and timed; `seconds` are those of all of it. `answers` are
    those of the first queries: sets of rows, or sorted distances.
    """

    seconds: float
    answers: Answers
    share: float = 1.0
    memory: float = 0.0
    note: str = ""
    first: float = 0.0


def timed(call: Callable[[], Any]) -> tuple[float, Any]:
    """Return the seconds that a call takes, and what it returns."""
    start = perf_counter()
    result = call()
    return perf_counter() - start, result


def run(contestant: Callable[[Case, int], Outcome], case: Case, jobs: int) -> Outcome:
    """Run a contestant, and measure the memory of this process."""
    outcome = contestant(case, jobs)
    outcome.memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return outcome


# ---- hashfeatures ----


def our_index(words: Words, jobs: int) -> Any:
    """Return an index of codes."""
    from hashfeatures.hamming._index import HammingIndex

    return HammingIndex(words, np.ones(len(words), bool), 64 * words.shape[1], jobs)


def our_self_join(case: Case, jobs: int) -> Outcome:
    """Find all pairs, in no order as those of faiss; answer with the neighbors of some rows."""
    from hashfeatures.hamming._pairs import Pairs

    words = case.codes()
    first, _ = timed(lambda: Pairs.concatenate(our_index(words, jobs).pairs(case.radius)))
    index = our_index(words, jobs)
    seconds, pairs = timed(lambda: Pairs.concatenate(index.pairs(case.radius)))
    sampled = sample_rows(case)
    is_sampled = np.zeros(len(words), dtype=bool)
    is_sampled[sampled] = True
    answers_of = {row: {row} for row in sampled.tolist()}
    for one, other in ((pairs.left, pairs.right), (pairs.right, pairs.left)):
        chosen = is_sampled[one]
        for row, near in zip(one[chosen].tolist(), other[chosen].tolist(), strict=True):
            answers_of[row].add(near)
    answers = list(answers_of.values())
    note = f"{len(pairs.left):,} pairs, {index.n_candidates_ / 1e6:,.0f} million candidates"
    return Outcome(seconds, answers, note=note, first=first)


def our_queries(case: Case, jobs: int) -> Outcome:
    """Find all codes near queries, in an index that has answered queries before."""
    index, queries = our_index(case.codes(), jobs), case.queries()
    first, _ = timed(lambda: index.radius(queries, case.radius))
    seconds, found = timed(lambda: index.radius(queries, case.radius))
    return Outcome(seconds, as_sets(found.left, found.right, len(queries)), first=first)


def our_nearest(case: Case, jobs: int) -> Outcome:
    """Find the five nearest codes to queries, in an index that has answered queries before."""
    index, queries = our_index(case.codes(), jobs), case.queries()
    first, _ = timed(lambda: index.kneighbors(queries, 5))
    seconds, (distances, _) = timed(lambda: index.kneighbors(queries, 5))
    return Outcome(seconds, distances.tolist(), first=first)


# ---- Peers ----


def faiss_flat(case: Case, jobs: int) -> Outcome:
    """Compare queries with all codes."""
    import faiss

    faiss.omp_set_num_threads(jobs)
    index = faiss.IndexBinaryFlat(case.n_bits)
    index.add(case.codes().view(np.uint8))
    return faiss_search(index, case, n_asked=2000)


def faiss_multi_hash(case: Case, jobs: int) -> Outcome:
    """Search buckets, with as many flips as an exact search needs."""
    import faiss

    faiss.omp_set_num_threads(jobs)
    n_bands = case.n_bits // 16
    index = faiss.IndexBinaryMultiHash(case.n_bits, n_bands, 16)
    index.nflip = case.radius // n_bands
    index.add(case.codes().view(np.uint8))
    return faiss_search(index, case, n_asked=200)


def faiss_search(index: Any, case: Case, n_asked: int) -> Outcome:
    """Search some of the queries with faiss, whose radius is exclusive."""
    queries, n_all = peer_queries(case)
    queries = queries[:n_asked]
    seconds, (ends, _, rows) = timed(
        lambda: index.range_search(queries.view(np.uint8), case.radius + 1)
    )
    answers = [set(rows[ends[i] : ends[i + 1]].tolist()) for i in range(len(queries))]
    return scaled(seconds, answers, len(queries), n_all)


def faiss_nearest(case: Case, jobs: int) -> Outcome:
    """Find the five nearest by comparing with all codes."""
    import faiss

    faiss.omp_set_num_threads(jobs)
    index = faiss.IndexBinaryFlat(case.n_bits)
    index.add(case.codes().view(np.uint8))
    queries = case.queries()
    seconds, (distances, _) = timed(lambda: index.search(queries.view(np.uint8), 5))
    return Outcome(seconds, distances.tolist())


def usearch_nearest(case: Case, jobs: int) -> Outcome:
    """Find the five nearest by usearch's exact search."""
    from usearch.index import MetricKind, search

    queries, words = case.queries(), case.codes()
    few = queries[: max(1, len(queries) // 10)]
    seconds, matches = timed(
        lambda: search(
            words.view(np.uint8),
            few.view(np.uint8),
            5,
            MetricKind.Hamming,
            exact=True,
            threads=jobs,
        )
    )
    distances = np.asarray(matches.distances).astype(int).tolist()
    return scaled(seconds, distances, len(few), len(queries))


def scikit_learn(case: Case, jobs: int) -> Outcome:
    """Search a few of the queries with NearestNeighbors."""
    from sklearn.neighbors import NearestNeighbors

    def as_bits(words: Words) -> Any:
        return np.unpackbits(words.view(np.uint8), axis=1).astype(bool)

    radius = (case.radius + 0.5) / case.n_bits
    neighbors = NearestNeighbors(radius=radius, metric="hamming", algorithm="brute", n_jobs=jobs)
    neighbors.fit(as_bits(case.codes()))
    queries, n_all = peer_queries(case)
    queries = queries[:10]
    bits = as_bits(queries)
    seconds, rows = timed(lambda: neighbors.radius_neighbors(bits, return_distance=False))
    return scaled(seconds, [set(row.tolist()) for row in rows], len(queries), n_all)


def imagededup(case: Case, jobs: int) -> Outcome:
    """Search by imagededup's own handler, as its `find_duplicates` does."""
    from imagededup.handlers.search.retrieval import HashEval
    from imagededup.methods.hashing import Hashing

    words = case.codes()
    octets = words.view(np.uint8)
    encodings = {str(row): octets[row].tobytes().hex() for row in range(len(words))}
    seconds, found = timed(
        lambda: HashEval(
            test=encodings,
            queries=encodings,
            distance_function=Hashing.hamming_distance,
            verbose=False,
            threshold=case.radius,
            search_method="brute_force_cython",
            num_dist_workers=jobs,
        ).retrieve_results()
    )
    answers = [{int(row), *map(int, found[str(row)])} for row in sample_rows(case)]
    return Outcome(seconds, answers)


# ---- Parts of the work ----


def sample_rows(case: Case) -> Any:
    """Return the rows of a self-join whose answers are compared, which peers search."""
    rng = np.random.default_rng(1)
    return np.sort(rng.choice(case.n_codes, min(2000, case.n_codes), replace=False))


def peer_queries(case: Case) -> tuple[Words, int]:
    """Return the queries of a peer, and the number of all queries."""
    if case.n_queries:
        return case.queries(), case.n_queries
    codes = case.codes()
    return codes[sample_rows(case)], len(codes)


def scaled(seconds: float, answers: Answers, n_asked: int, n_all: int) -> Outcome:
    """Return the result for all queries, scaled from a part of them."""
    return Outcome(seconds * n_all / n_asked, answers, n_asked / n_all)


def as_sets(left: Any, right: Any, n_queries: int) -> list[set[int]]:
    """Split matches, sorted by query, into the rows of each query."""
    ends = np.searchsorted(left, np.arange(n_queries + 1))
    return [set(right[ends[i] : ends[i + 1]].tolist()) for i in range(n_queries)]
