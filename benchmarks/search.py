"""Measure how fast near codes are found, by hashfeatures, faiss, usearch, PyNear and others.

Every contestant runs in a process of its own. The first call of the process, which loads what is
compiled and builds tables, stands apart from a later one. Peers that would take hours answer a
part of the queries, and their seconds are multiplied. The table says which part. All answers to
that part are compared.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import replace
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import numpy as np
import searchers
import single_searchers
from code_sets import Case, hash_photos
from searchers import Outcome

PACKAGES = (
    *("hashfeatures", "numpy", "numba", "faiss-cpu", "usearch", "pynear", "scikit-learn"),
    "imagededup",
)
Contestant = Callable[[Case, int], Outcome]


class Duel(NamedTuple):
    """One kind of search: ours, and those of the peers."""

    name: str
    case: Case
    ours: Contestant
    peers: dict[str, Contestant]
    is_single: bool = False  # so that its first call is one of many


FLAT = {"faiss flat": searchers.faiss_flat}
RADIUS_PEERS = FLAT | {
    "faiss multi-hash": searchers.faiss_multi_hash,
    "scikit-learn": searchers.scikit_learn,
}
NEAREST_PEERS = {
    "faiss flat": searchers.faiss_nearest,
    "usearch exact": searchers.usearch_nearest,
}


IMAGEDEDUP = {"imagededup": searchers.imagededup}
SINGLE_PEERS = {
    "faiss flat": single_searchers.faiss_flat,
    "faiss multi-hash": single_searchers.faiss_multi_hash,
    "PyNear": single_searchers.pynear_radius,
}
SINGLE_NEAREST_PEERS = {
    "faiss flat": single_searchers.faiss_flat_nearest,
    "faiss multi-hash": single_searchers.faiss_multi_hash_nearest,
    "PyNear": single_searchers.pynear_nearest,
}


def list_duels(n_codes: int) -> Iterator[Duel]:
    """Yield the searches among made codes to compare for each number of them."""
    join = searchers.our_self_join
    default = Case("uniform", n_codes, 128, 12)
    if n_codes > 2_000_000:
        yield Duel("self-join", default, join, FLAT)
        return
    for kind in ("uniform", "skewed"):
        yield Duel("self-join", Case(kind, n_codes, 64, 10), join, RADIUS_PEERS)
    yield Duel("self-join", default, join, RADIUS_PEERS)
    yield Duel("self-join", replace(default, kind="skewed"), join, FLAT)
    many = replace(default, n_queries=min(n_codes, 100_000))
    yield Duel("queries", many, searchers.our_queries, FLAT)
    for kind in ("crowded", "unrelated"):
        case = replace(default, kind=kind, n_queries=min(n_codes, 1000))
        yield Duel("five nearest", case, searchers.our_nearest, NEAREST_PEERS)
    yield from list_single_duels(default)
    yield Duel("self-join", Case("skewed", 11_000, 64, 10), join, IMAGEDEDUP)


def list_photo_duels(stored: str) -> Iterator[Duel]:
    """Yield the searches among the hashes of photos."""
    n_codes = len(np.load(stored, mmap_mode="r"))
    for n_bits, radius, kind in ((64, 10, "photos' phash"), (128, 12, "photos' phash and dhash")):
        case = Case(kind, n_codes, n_bits, radius, stored=stored)
        peers = RADIUS_PEERS | (IMAGEDEDUP if n_bits == 64 else {})
        yield Duel("self-join", case, searchers.our_self_join, peers)
        some = replace(case, n_queries=min(n_codes, 1000))
        yield Duel("queries", some, searchers.our_queries, FLAT)
        yield Duel("five nearest", some, searchers.our_nearest, NEAREST_PEERS)
        yield from list_single_duels(case)


def list_single_duels(case: Case) -> Iterator[Duel]:
    """Yield the searches of one query at a time, through the class and through `query`."""
    case = replace(case, n_queries=min(case.n_codes, 1000))
    for name, ours in (
        ("radius_neighbors", single_searchers.our_radius_neighbors),
        ("query", single_searchers.our_query),
    ):
        yield Duel(f"one by one, {name}", case, ours, SINGLE_PEERS, True)
    if not case.stored:
        case = replace(case, kind="crowded")
    for name, ours in (
        ("kneighbors", single_searchers.our_kneighbors),
        ("query of the nearest", single_searchers.our_nearest_query),
    ):
        yield Duel(f"one by one, {name}", case, ours, SINGLE_NEAREST_PEERS, True)


def compare(duel: Duel, jobs: int) -> bool:
    """Print a line for each peer; return whether all answers are equal."""
    ours = run_apart(duel.ours, duel.case, jobs)
    all_equal = True
    for name, peer in duel.peers.items():
        try:
            theirs = run_apart(peer, duel.case, jobs)
        except ImportError as error:
            print(f"(Left out: {name}, {error})", flush=True)
            continue
        n_compared = min(len(ours.answers), len(theirs.answers))
        equal = ours.answers[:n_compared] == theirs.answers[:n_compared]
        all_equal &= equal and n_compared > 0
        cells = [
            f"{duel.name}, {duel.case.name}",
            name,
            f"{theirs.seconds / ours.seconds:,.1f}",
            "" if duel.is_single else f"{theirs.seconds / ours.first:,.1f}",
            f"{ours.seconds:.3g}",
            f"{ours.first:.3g}",
            f"{theirs.seconds:.3g}" + ("" if theirs.share == 1 else f" (of {theirs.share:.2%})"),
            f"{ours.memory:.2f}",
            f"{theirs.memory:.2f}",
            f"equal ({n_compared})" if equal else "DIFFERENT",
            ours.note,
            theirs.note,
        ]
        print(f"| {' | '.join(cells)} |", flush=True)
    return all_equal


@cache
def run_apart(contestant: Contestant, case: Case, jobs: int) -> Outcome:
    """Run a contestant in a new process, once."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, context) as pool:
        return pool.submit(searchers.run, contestant, case, jobs).result()


def describe_run(jobs: int) -> str:
    """Return a text that describes the machine and the releases."""
    found = [f"Python {platform.python_version()}"]
    for name in PACKAGES:
        with suppress(PackageNotFoundError):
            found.append(f"{name} {version(name)}")
    return f"{jobs} threads on {os.cpu_count()} cores ({platform.machine()}). {', '.join(found)}."


def main() -> int:
    """Run the benchmark; return 1 if an answer differs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "folders", nargs="*", metavar="DIR", help="search the hashes of these photos"
    )
    parser.add_argument(
        "--codes", type=int, nargs="+", default=[10_000, 1_000_000], help="numbers of codes"
    )
    parser.add_argument("--jobs", type=int, default=2, help="threads of every contestant")
    parser.add_argument("--only", default="", help="run searches with this in their name")
    options = parser.parse_args()
    print(describe_run(options.jobs), flush=True)
    heads = ["search", "peer", "ratio", "of first call", "s", "first call, s", "peer's s", "GB"]
    heads += ["peer's GB", "answers", "", "peer"]
    print(f"\n| {' | '.join(heads)} |")
    print(f"| --- | --- |{' ---: |' * 7} --- | --- | --- |", flush=True)
    equal = True
    with tempfile.TemporaryDirectory() as folder:
        if options.folders:
            stored = str(Path(folder) / "codes.npy")
            np.save(stored, hash_photos(options.folders, ("phash", "dhash")))
            duels = list_photo_duels(stored)
        else:
            duels = chain.from_iterable(map(list_duels, options.codes))
        for duel in duels:
            if options.only in f"{duel.name}, {duel.case.name}":
                equal &= compare(duel, options.jobs)
    return int(not equal)


if __name__ == "__main__":
    sys.exit(main())
