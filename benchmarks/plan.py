"""Measure how well "auto" chooses between comparing all codes and searching bands.

Each cell of the grid is a self-join: a number of codes, of bits, a radius, and a kind of codes. It
is searched by `algorithm="brute"`, "multi_index" and "auto", each time by a new index, so that the
time includes planning. Compiled loops are loaded before. The table shows what "auto" takes, in
times of the faster of the other two.

Comparing a million codes of 512 bits takes minutes. So a search is cut into its tasks, as threads
would take them, and of a long search evenly spaced tasks are timed and multiplied. What comes
before them, such as planning and grouping the codes, is timed in full. Such cells have a "~". Ways
that take the same plan share the time of its tasks.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
from code_sets import Case, Words, hash_photos, make_skewed

from hashfeatures.hamming import _join
from hashfeatures.hamming._index import HammingIndex

N_CODES = (1_000, 3_000, 10_000, 30_000, 100_000, 1_000_000)
N_BITS = (64, 128, 256, 512)
RADII = (4, 10, 12, 16, 24, 28, 32, 48)
KINDS = ("uniform", "skewed")
WAYS = ("brute", "multi_index", "auto")

_NONE = 1 << 62  # of so many tasks, not even one is run
_WHOLE = 10_000  # so few codes are always searched in whole
_MOST_ROUNDS = 20  # more than asked for, of searches that take milliseconds


@dataclass(frozen=True)
class Cell:
    """A self-join, the seconds that each way takes, and the way that "auto" chooses."""

    case: Case
    seconds: dict[str, float]
    chosen: str
    is_sampled: bool
    is_equal: bool

    @property
    def ratio(self) -> float:
        """The time of "auto" in times of the faster of its two ways."""
        return self.seconds["auto"] / min(self.seconds["brute"], self.seconds["multi_index"])


@dataclass(frozen=True)
class Timer:
    """What times the three ways of a self-join.

    Parameters
    ----------
    jobs, rounds : int
        The number of threads, and how often short searches are timed. The least time counts.
    cap : float
        The seconds after which a search counts as long.
    clock : callable
        Returns the time.
    """

    jobs: int
    rounds: int
    cap: float
    clock: Callable[[], float]

    def measure(self, codes: Words, case: Case) -> Cell:
        """Time the three ways."""

        def index(way: str) -> HammingIndex:
            present = np.ones(len(codes), dtype=bool)
            return HammingIndex(codes, present, case.n_bits, self.jobs, way)

        def run(way: str, every: int = 1) -> Run:
            return self._run(lambda: index(way).pairs(case.radius), every)

        bands = {way: name_bands(index(way), case.radius) for way in WAYS}
        chosen = next((way for way in WAYS[:2] if bands[way] == bands["auto"]), "other bands")
        if case.n_codes <= _WHOLE:
            runs = {way: [run(way)] for way in WAYS}
            n_rounds = self.rounds + int(min(_MOST_ROUNDS, self.cap / runs["auto"][0].seconds / 4))
            for number in range(1, n_rounds):
                for way in WAYS[:: -1 if number % 2 else 1]:  # none always follows the same one
                    if runs[way][0].seconds < self.cap:
                        runs[way].append(run(way))
            seconds = {way: min(each.seconds for each in runs[way]) for way in WAYS}
            found = {each.n_pairs for way in WAYS for each in runs[way]}
            return Cell(case, seconds, chosen, False, len(found) == 1)
        before = {way: min(run(way, _NONE).seconds for _ in range(self.rounds)) for way in WAYS}
        tasks: dict[str, Run] = {}
        for way in WAYS:
            if bands[way] not in tasks:
                tasks[bands[way]] = self._time_tasks(partial(run, way), before[way])
        seconds = {
            way: before[way] + tasks[bands[way]].within / tasks[bands[way]].share for way in WAYS
        }
        whole = [each.n_pairs for each in tasks.values() if each.share == 1]
        return Cell(case, seconds, chosen, len(whole) < len(tasks), len({*whole}) <= 1)

    def _run(self, search: Callable[[], Iterable[Any]], every: int) -> Run:
        """Search all pairs, but run only one of so many tasks."""
        clock = time.thread_time if self.clock is time.process_time else self.clock
        n_pairs = 0
        with part_of_tasks(every, clock) as part:
            start = self.clock()
            for pairs in search():
                n_pairs += len(pairs.left)
            seconds = self.clock() - start
        share = sum(part.shares) if every > 1 else 1.0
        return Run(seconds, share, sum(part.seconds) / self.jobs, n_pairs)

    def _time_tasks(self, run: Callable[[int], Run], before: float) -> Run:
        """Time as many tasks as the cap allows, without what comes before them."""
        every = 1 << 12
        while (part := run(every)).within < self.cap / 2 and every > 1:
            faster = self.cap / part.within if part.within else 16
            every = max(1, int(every / np.clip(faster, 2, 16)))
        if every > 1:
            return part
        again = (run(1) for _ in range(self.rounds - 1) if part.seconds < self.cap)
        whole = min([part, *again], key=lambda each: each.seconds)
        return whole._replace(within=whole.seconds - before)


class Run(NamedTuple):
    """A search: its seconds, the share of its tasks that ran, their seconds, and pairs found."""

    seconds: float
    share: float
    within: float
    n_pairs: int


class Part(NamedTuple):
    """The shares of the work that tasks did, and the seconds that they took."""

    shares: list[float]
    seconds: list[float]


class TimedTask(NamedTuple):
    """A task of a search that tells how long it takes."""

    task: Any
    clock: Callable[[], float]
    seconds: list[float]

    def run(self) -> tuple[Any, TimedTask | None]:
        """Run the task; return pairs, and the rest of the task if there is one."""
        start = self.clock()
        found, rest = self.task.run()
        self.seconds.append(self.clock() - start)
        return found, None if rest is None else self._replace(task=rest)


@contextmanager
def part_of_tasks(every: int, clock: Callable[[], float]) -> Iterator[Part]:
    """Let searches run one of so many tasks only, and time it."""
    whole, part = _join._stream, Part([], [])

    def stream(tasks: Iterator[Any], n_jobs: int | None) -> Iterator[Any]:
        some = islice(tasks, every // 2, None, every)
        timed = (TimedTask(task, clock, part.seconds) for task in some)
        for block in whole(timed, n_jobs):
            part.shares.append(block.share)
            yield block

    _join._stream = stream
    try:
        yield part
    finally:
        _join._stream = whole


def name_bands(index: HammingIndex, radius: int) -> str:
    """Return a text that tells the bands of the plan from others."""
    plan = index._plan_pairs(radius)
    widths = Counter(
        (band.width, limit) for band, limit in zip(plan.bands, plan.limits, strict=True)
    )
    return " + ".join(f"{n} of {width}, {limit}" for (width, limit), n in widths.items())


def make_codes(kind: str, n_codes: int, n_bits: int) -> Words:
    """Return codes as those of the benchmark of search, and of more bits too."""
    if kind == "uniform" or n_bits <= 128:
        return Case(kind, n_codes, n_bits, 0).codes()
    return make_skewed(n_codes, n_bits // 64, side=16)


def list_cells(options: argparse.Namespace) -> Iterator[tuple[Words, list[Case]]]:
    """Yield codes, and the searches among them."""
    if options.folders:
        codes = hash_photos(options.folders)
        yield codes, [Case("photos'", len(codes), 64, radius) for radius in options.radii]
    for n_codes in options.codes if not options.folders else ():
        for kind in options.kinds:
            for n_bits in options.bits:
                cases = [Case(kind, n_codes, n_bits, radius) for radius in options.radii]
                yield make_codes(kind, n_codes, n_bits), cases


def main() -> int:
    """Run the benchmark; return 1 if answers differ."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="*", metavar="DIR", help="phashes of photos instead")
    parser.add_argument("--codes", type=int, nargs="+", default=N_CODES, help="numbers of codes")
    parser.add_argument("--bits", type=int, nargs="+", default=N_BITS, help="multiples of 64")
    parser.add_argument("--radii", type=int, nargs="+", default=RADII, help="radii in bits")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS, help="kinds of codes")
    parser.add_argument("--jobs", type=int, default=2, help="threads of every search")
    parser.add_argument("--rounds", type=int, default=3, help="how often searches are timed")
    parser.add_argument("--cap", type=float, default=0.4, help="seconds that a search may take")
    parser.add_argument("--processor", action="store_true", help="time of processors, not clocks")
    parser.add_argument("--quick", action="store_true", help="run four small cells only")
    options = parser.parse_args()
    if options.quick:
        options.codes, options.bits, options.radii = [1000, 11_000], [128], [12]
    clock = time.process_time if options.processor else time.perf_counter
    timer = Timer(options.jobs, options.rounds, options.cap, clock)
    print(f"{options.jobs} threads on {os.cpu_count()} cores.\n")
    print("| codes | bits | radius | brute s | multi_index s | auto s | ratio | auto takes |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |", flush=True)
    cells = []
    for codes, cases in list_cells(options):
        timer.measure(codes, cases[0])  # loads the compiled loops
        for case in cases:
            cells.append(timer.measure(codes, case))
            print(describe(cells[-1]), flush=True)
    ratios = np.array([cell.ratio for cell in cells])
    share = (ratios <= 1.3).mean()
    print(
        f"\n{len(cells)} cells. auto takes at most 1.3 times the faster way on {share:.1%}, and "
        f"at most {ratios.max():.2f} times on all."
    )
    return int(not all(cell.is_equal for cell in cells))


def describe(cell: Cell) -> str:
    """Return a line of the table."""
    case = cell.case
    about = "~" if cell.is_sampled else ""
    cells = [
        f"{case.n_codes:,} {case.kind}",
        f"{case.n_bits}",
        f"{case.radius}",
        *(f"{about}{cell.seconds[way]:.3g}" for way in WAYS),
        f"{cell.ratio:.2f}",
        cell.chosen + ("" if cell.is_equal else ", answers DIFFER"),
    ]
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    sys.exit(main())
