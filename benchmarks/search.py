"""Measure Hamming search side by side with its peers, and check that the answers are equal.

    python benchmarks/search.py                    # a million codes, some minutes
    python benchmarks/search.py --codes 10000000   # ten million
    python benchmarks/search.py --quick            # to see that it runs

Peers that would take hours are asked a sample of the queries, and the seconds are multiplied: the
table says so. Every peer's answers to that sample are compared with this package's.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from collections.abc import Callable, Iterator

import faiss
import numpy as np
from usearch.index import MetricKind, search

from hashfeatures.hamming.index import HammingIndex
from hashfeatures.hamming.pairs import Pairs

SEED = 0


def make_uniform(n_codes: int, n_words: int) -> np.ndarray:
    """Return random codes, a tenth of them within 4 bits of another."""
    rng = np.random.default_rng(SEED)
    words = rng.integers(0, 2**64, (n_codes, n_words), dtype=np.uint64)
    copies = rng.permutation(n_codes)[: n_codes // 10]
    words[copies] = words[rng.integers(0, n_codes, len(copies))]
    for _ in range(4):
        bits = np.uint64(1) << rng.integers(0, 64, len(copies), dtype=np.uint64)
        words[copies, rng.integers(0, n_words, len(copies))] ^= bits
    return words


def make_skewed(n_codes: int, n_words: int) -> np.ndarray:
    """Return difference hashes of images of 1/f noise on gradients, with flat ones and repeats."""
    rng = np.random.default_rng(SEED)
    blocks = []
    rows, columns = np.fft.fftfreq(9)[:, None], np.fft.fftfreq(9)[None]
    fall = 1 / np.maximum(np.hypot(rows, columns), 1 / 9)
    for start in range(0, n_codes, 100_000):
        n_images = min(100_000, n_codes - start)
        noise = rng.standard_normal((n_images, 9, 9))
        images = np.fft.ifft2(np.fft.fft2(noise) * fall).real
        slopes = rng.standard_normal((n_images, 2)) * rng.exponential(0.4, (n_images, 1))
        images += slopes[:, :1, None] * np.arange(9)[None, :, None]
        images += slopes[:, 1:, None] * np.arange(9)[None, None, :]
        images[rng.random(n_images) < 0.01] = 0
        across = (images[:, :8, 1:] > images[:, :8, :-1]).reshape(n_images, 64)
        down = (images[:, 1:, :8] > images[:, :-1, :8]).reshape(n_images, 64)
        bits = np.hstack([across, down])[:, : 64 * n_words]
        blocks.append(np.packbits(bits, axis=1).view(np.uint64))
    words = np.concatenate(blocks)
    copies = rng.permutation(n_codes)[: n_codes // 20]
    words[copies] = words[rng.integers(0, n_codes, len(copies))]
    return words


def timed(call: Callable[[], object]) -> tuple[float, object]:
    """Return the seconds that a call takes, and what it returns."""
    start = time.perf_counter()
    result = call()
    return time.perf_counter() - start, result


def flat(words: np.ndarray) -> faiss.IndexBinaryFlat:
    """Return faiss' index that compares all with all."""
    index = faiss.IndexBinaryFlat(64 * words.shape[1])
    index.add(words.view(np.uint8))
    return index


def within(index: object, queries: np.ndarray, radius: int) -> list[set[int]]:
    """Ask faiss, whose radius is exclusive."""
    ends, _, rows = index.range_search(queries.view(np.uint8), radius + 1)
    return [set(rows[ends[i] : ends[i + 1]].tolist()) for i in range(len(queries))]


def as_sets(found: Pairs, n_queries: int) -> list[set[int]]:
    """Turn matches into the rows of each query."""
    ends = np.searchsorted(found.left, np.arange(n_queries + 1))
    return [set(found.right[ends[i] : ends[i + 1]].tolist()) for i in range(n_queries)]


def show(name: str, ours: float, peer: str, theirs: float, equal: bool, note: str) -> None:
    """Print a line of the table."""
    verdict = "equal" if equal else "DIFFERENT"
    figures = f"{ours:.4f} | {peer} | {theirs:.4f} | {theirs / ours:.1f}"
    print(f"| {name} | {figures} | {verdict} | {note} |", flush=True)


def compare(name: str, words: np.ndarray, radius: int, n_sample: int, jobs: int) -> Iterator[bool]:
    """Compare the self-join, queries and nearest neighbours with faiss; yield what is equal."""
    n_codes, n_words = words.shape
    present = np.ones(n_codes, dtype=bool)
    rng = np.random.default_rng(1)
    sample = np.sort(rng.choice(n_codes, min(n_sample, n_codes), replace=False))
    queries = words[sample]
    scale = n_codes / len(sample)

    index = HammingIndex(words, present, 64 * n_words, jobs)
    ours, pairs = timed(lambda: Pairs.concatenate(block for block in index.pairs(radius)))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    looked = index.n_candidates_
    peer = flat(words)
    theirs, expected = timed(lambda: within(peer, queries, radius))
    near = Pairs(
        np.concatenate([pairs.left, pairs.right]),
        np.concatenate([pairs.right, pairs.left]),
        np.concatenate([pairs.distance, pairs.distance]),
    )
    chosen = np.isin(near.left, sample)
    asked = Pairs(*(column[chosen] for column in near)).in_order()
    places = np.searchsorted(sample, asked.left)
    found = as_sets(asked._replace(left=places), len(sample))
    equal = all(
        {*rows, row} == wanted
        for rows, row, wanted in zip(found, sample.tolist(), expected, strict=True)
    )
    note = (
        f"{len(pairs.left):,} pairs, {looked:,} candidates, peak {peak:.1f} GB; peer x {scale:.0f}"
    )
    show(f"self-join, {name}", ours, "faiss flat", theirs * scale, equal, note)
    yield equal

    bulk = words[rng.permutation(n_codes)[: max(len(sample), min(n_codes, 100_000))]]
    layout, _ = timed(lambda: index.radius(bulk, radius))
    ours, matches = timed(lambda: index.radius(bulk, radius))
    check = as_sets(index.radius(queries, radius), len(queries))
    equal = check == expected
    factor = len(bulk) / len(sample)
    note = f"{len(matches.left):,} matches, first time {layout:.2f} s; peer x {factor:.0f}"
    show(f"{len(bulk):,} queries, {name}", ours, "faiss flat", theirs * factor, equal, note)
    yield equal
    ours, _ = timed(lambda: [index.radius(row[None], radius) for row in queries[:200]])
    show(f"one query, {name}", ours / 200, "faiss flat", theirs / len(queries), equal, "a query")


def compare_nearest(name: str, words: np.ndarray, queries: np.ndarray, jobs: int) -> bool:
    """Compare the five nearest with faiss flat and usearch exact."""
    n_codes, n_words = words.shape
    index = HammingIndex(words, np.ones(n_codes, dtype=bool), 64 * n_words, jobs)
    index.kneighbors(queries, 5)
    ours, (distances, _) = timed(lambda: index.kneighbors(queries, 5))
    peer = flat(words)
    theirs, (expected, _) = timed(lambda: peer.search(queries.view(np.uint8), 5))
    equal = bool((expected == distances).all())
    show(f"k = 5, {name}", ours, "faiss flat", theirs, equal, f"{len(queries)} queries")
    few = queries[: max(1, len(queries) // 10)]
    theirs, matches = timed(
        lambda: search(
            words.view(np.uint8),
            few.view(np.uint8),
            5,
            MetricKind.Hamming,
            exact=True,
            threads=jobs,
        )
    )
    same = bool((np.asarray(matches.distances).astype(int) == distances[: len(few)]).all())
    factor = len(queries) / len(few)
    show(f"k = 5, {name}", ours, "usearch exact", theirs * factor, same, f"peer x {factor:.0f}")
    return equal and same


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--codes", type=int, default=1_000_000)
    parser.add_argument("--sample", type=int, default=2_000, help="queries that peers are asked")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", default="", help="searches whose name holds this")
    parser.add_argument("--quick", action="store_true", help="20,000 codes")
    options = parser.parse_args()
    n_codes = 20_000 if options.quick else options.codes
    faiss.omp_set_num_threads(options.jobs)
    small = make_uniform(5_000, 2)
    for n_words in (1, 2):  # loops are loaded before anything is timed
        warm = HammingIndex(small[:, :n_words], np.ones(5_000, bool), 64 * n_words, options.jobs)
        (
            warm.all_pairs(10),
            warm.radius(small[:, :n_words], 10),
            warm.kneighbors(small[:, :n_words], 5),
        )

    print(f"{n_codes:,} codes, {options.jobs} threads, faiss {faiss.__version__}\n")
    print("| search | seconds | peer | its seconds | ratio | answers | |")
    print("| --- | ---: | --- | ---: | ---: | --- | --- |")
    results = []
    cases = [
        ("64 bits, radius 10, uniform", make_uniform, 1, 10),
        ("64 bits, radius 10, skewed", make_skewed, 1, 10),
        ("128 bits, radius 12, uniform", make_uniform, 2, 12),
        ("128 bits, radius 12, skewed", make_skewed, 2, 12),
    ]
    for name, make, n_words, radius in cases:
        if options.only not in name:
            continue
        if n_codes > 2_000_000 and (n_words == 1 or make is make_skewed):
            continue
        results += compare(name, make(n_codes, n_words), radius, options.sample, options.jobs)
    if n_codes <= 2_000_000 and options.only in "nearest":
        rng = np.random.default_rng(2)
        words = make_uniform(n_codes, 2)
        near = words[rng.integers(0, n_codes, 200)]
        crowd = np.repeat(near, 6, axis=0)
        bits = np.uint64(1) << rng.integers(0, 64, len(crowd), dtype=np.uint64)
        crowd[:, 0] ^= bits
        with_near = np.concatenate([words, crowd])
        results.append(
            compare_nearest("near ones present", with_near, near.repeat(5, 0), options.jobs)
        )
        strangers = rng.integers(0, 2**64, (1000, 2), dtype=np.uint64)
        results.append(compare_nearest("none near", words, strangers, options.jobs))
    return int(not all(results))


if __name__ == "__main__":
    sys.exit(main())
