"""Measure how fast near codes are found, by hashfeatures, faiss, usearch and others.

Every contestant runs in a process of its own, on codes that it makes there, with all its loops
loaded before it is timed. Peers that would take hours answer a part of the queries, and their
seconds are multiplied. The table says which part. All answers to that part are compared.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import platform
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from typing import NamedTuple

import searchers
from code_sets import Case
from searchers import Outcome

PACKAGES = (
    *("hashfeatures", "numpy", "numba", "faiss-cpu", "usearch", "scikit-learn", "imagededup"),
)
Contestant = Callable[[Case, int], Outcome]


class Duel(NamedTuple):
    """One kind of search: ours, and those of the peers."""

    name: str
    case: Case
    ours: Contestant
    peers: dict[str, Contestant]


FLAT = {"faiss flat": searchers.faiss_flat}
RADIUS_PEERS = FLAT | {
    "faiss multi-hash": searchers.faiss_multi_hash,
    "scikit-learn": searchers.scikit_learn,
}
NEAREST_PEERS = {
    "faiss flat": searchers.faiss_nearest,
    "usearch exact": searchers.usearch_nearest,
}


def list_duels(n_codes: int, folders: tuple[str, ...]) -> Iterator[Duel]:
    """Yield the searches to compare for each number of codes."""
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
    few = replace(default, n_queries=min(n_codes, 1000))
    yield Duel("queries, one by one", few, searchers.our_single_queries, FLAT)
    for kind in ("crowded", "unrelated"):
        case = replace(default, kind=kind, n_queries=min(n_codes, 1000))
        yield Duel("five nearest", case, searchers.our_nearest, NEAREST_PEERS)
    photos = Case("photos'" if folders else "skewed", 11_000, 64, 10, folders=folders)
    yield Duel("self-join", photos, join, {"imagededup": searchers.imagededup})


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
            f"{ours.seconds:.3g}",
            f"{theirs.seconds:.3g}" + ("" if theirs.share == 1 else f" (of {theirs.share:.2%})"),
            f"{ours.memory:.2f}",
            f"{theirs.memory:.2f}",
            f"equal ({n_compared})" if equal else "DIFFERENT",
            ours.note,
        ]
        print(f"| {' | '.join(cells)} |", flush=True)
    return all_equal


def run_apart(contestant: Contestant, case: Case, jobs: int) -> Outcome:
    """Run a contestant in a new process."""
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
    parser.add_argument("folders", nargs="*", metavar="DIR", help="photos of your own")
    parser.add_argument(
        "--codes", type=int, nargs="+", default=[10_000, 1_000_000], help="numbers of codes"
    )
    parser.add_argument("--jobs", type=int, default=2, help="threads of every contestant")
    parser.add_argument("--only", default="", help="run searches with this in their name")
    options = parser.parse_args()
    print(describe_run(options.jobs), flush=True)
    heads = ["search", "peer", "ratio", "s", "peer's s", "GB", "peer's GB", "answers", ""]
    print(f"\n| {' | '.join(heads)} |")
    print("| --- | --- | ---: | ---: | ---: | ---: | ---: | --- | --- |", flush=True)
    equal = True
    for n_codes in options.codes:
        for duel in list_duels(n_codes, tuple(options.folders)):
            if options.only in f"{duel.name}, {duel.case.name}":
                equal &= compare(duel, options.jobs)
    return int(not equal)


if __name__ == "__main__":
    sys.exit(main())
