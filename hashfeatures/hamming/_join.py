"""Compare candidates on several threads, and yield the near pairs block by block."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import NamedTuple, TypeVar

import numpy as np
from joblib import cpu_count
from numpy.typing import NDArray

from .._utils.jobs import count_jobs
from .._utils.kernels import load_kernels
from ._bands import Band, Buckets, Numbers, Words, flips
from ._costs import TILE_CODES, task_size
from ._plan import Plan

_Result = TypeVar("_Result")

_BLOCK_PAIRS = 1 << 16
# So few queries are looked up, and so few pairs compared, before threads would have started.
_FEW = 64
_FEW_PAIRS = 1 << 22
_FEW_NANOSECONDS = 3e6
_FEW_CODES = 1 << 14
_TILE = TILE_CODES
_FEW_NEIGHBORS = 64  # above this number, a counting sort of all distances is faster


class Block(NamedTuple):
    """Pairs of code numbers, the number of candidates compared, and the share of work done."""

    left: Numbers
    right: Numbers
    distance: NDArray[np.int32]
    n_candidates: int = 0
    share: float = 0.0


class _Task(NamedTuple):
    """A range of codes to compare with the buckets of others."""

    codes: Buckets
    first: int
    last: int
    others: Buckets
    starts: Numbers
    flips: Numbers
    same: bool
    radius: int
    masks: Words
    limits: NDArray[np.int64]
    state: NDArray[np.int64]
    share: float

    def run(self) -> tuple[Block, _Task | None]:
        """Return pairs, and the rest of the task if the block is full."""
        kernels = load_kernels("hamming")
        room = _BLOCK_PAIRS + kernels.SPARE_PAIRS
        left = np.empty(room, dtype=np.uint32)
        right = np.empty(room, dtype=np.uint32)
        distance = np.empty(room, dtype=np.int32)
        state = self.state.copy()
        before = int(state[3])
        n_found = kernels.join_of(self.codes.codes.shape[1])(
            self.codes.codes, self.codes.keys, self.codes.numbers, self.first, self.last,
            self.others.codes, self.starts, self.others.numbers,
            self.flips, self.same, self.radius, self.masks, self.limits,
            left, right, distance, state,
        )  # fmt: skip
        done = state[0] == len(self.flips)
        found = Block(
            left[:n_found].copy(),
            right[:n_found].copy(),
            distance[:n_found].copy(),
            int(state[3]) - before,
            self.share if done else 0.0,
        )
        return found, None if done else self._replace(state=state)


def self_join(codes: Words, plan: Plan, radius: int, n_jobs: int | None) -> Iterator[Block]:
    """Find all pairs of unique codes within `radius` bits of each other."""

    def tasks() -> Iterator[_Task]:
        if not plan.bands:
            yield from _tiles(one := Buckets.of_one(codes), one, True, radius)
        for rank, buckets in enumerate(_lay_out(codes, plan)):
            yield from _stretches(plan, rank, buckets, buckets, True, radius)

    yield from _stream(tasks(), 1 if plan.cost < _FEW_NANOSECONDS else n_jobs)


def _lay_out(codes: Words, plan: Plan) -> Iterator[Buckets]:
    """Group codes by each band; of many codes the next while the threads still search the last."""
    if len(codes) <= _FEW_CODES:
        yield from (Buckets.of(codes, band) for band in plan.bands)
        return
    with ThreadPoolExecutor(1) as pool:
        waiting: deque[Future[Buckets]] = deque()
        for band in plan.bands:
            waiting.append(pool.submit(Buckets.of, codes, band))
            if len(waiting) == 2:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def join(
    queries: Words,
    codes: Words,
    plan: Plan,
    buckets: Callable[[Band], Buckets],
    radius: int,
    n_jobs: int | None,
) -> Iterator[Block]:
    """Find every code within `radius` bits of each query; `buckets` groups codes by a band."""

    def tasks() -> Iterator[_Task]:
        if not plan.bands:
            yield from _tiles(Buckets.of_one(queries), Buckets.of_one(codes), False, radius)
        for rank, band in enumerate(plan.bands):
            asked = Buckets.of_queries(queries, band)
            yield from _stretches(plan, rank, asked, buckets(band), False, radius)

    n_looked = len(queries) if plan.bands else len(queries) * len(codes)
    yield from _stream(tasks(), 1 if n_looked <= (_FEW if plan.bands else _FEW_PAIRS) else n_jobs)


def nearest(
    queries: Words, codes: Words, k: int, n_bits: int, n_jobs: int | None
) -> tuple[NDArray[np.int32], Numbers]:
    """Scan for the `k` nearest codes of each query; ``n_bits + 1`` where there are fewer."""
    distances = np.full((len(queries), k), n_bits + 1, dtype=np.int32)
    numbers = np.zeros((len(queries), k), dtype=np.uint32)
    step = max(1, min(1024, len(queries) // (4 * count_threads(n_jobs)) + 1))

    def scan(start: int) -> None:
        rows = slice(start, start + step)
        if k > _FEW_NEIGHBORS:
            kernel = load_kernels("hamming").many_nearest_of(codes.shape[1])
            kernel(queries[rows], codes, distances[rows], numbers[rows])
            return
        kernel = load_kernels("hamming").nearest_of(codes.shape[1])
        for first in range(0, len(codes), _TILE):
            tile = codes[first : first + _TILE]
            kernel(queries[rows], tile, first, distances[rows], numbers[rows])

    calls = (partial(scan, start) for start in range(0, len(queries), step))
    for _ in in_threads(calls, 1 if len(queries) * len(codes) <= _FEW_PAIRS else n_jobs):
        pass
    return distances, numbers


def count_threads(n_jobs: int | None) -> int:
    """Return the number of threads, at most one per processor of this machine."""
    return int(min(count_jobs(n_jobs), cpu_count()))


def in_threads(calls: Iterable[Callable[[], _Result]], n_jobs: int | None) -> Iterator[_Result]:
    """Yield the results of calls in order, and run only a few calls ahead."""
    n_threads = count_threads(n_jobs)
    if n_threads == 1:
        for call in calls:
            yield call()
        return
    with ThreadPoolExecutor(n_threads) as pool:
        waiting: deque[Future[_Result]] = deque()
        for call in calls:
            waiting.append(pool.submit(call))
            if len(waiting) > 2 * n_threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _stream(tasks: Iterator[_Task], n_jobs: int | None) -> Iterator[Block]:
    rest: deque[_Task] = deque()

    def calls() -> Iterator[Callable[[], tuple[Block, _Task | None]]]:
        for task in tasks:
            yield task.run

    for found, more in in_threads(calls(), n_jobs):
        yield found
        if more is not None:
            rest.append(more)
            while rest:  # finish a task with many pairs before the next one
                found, more = rest.popleft().run()
                yield found
                if more is not None:
                    rest.append(more)


def _stretches(
    plan: Plan, rank: int, codes: Buckets, others: Buckets, same: bool, radius: int
) -> Iterator[_Task]:
    earlier = plan.bands[:rank]
    masks = np.zeros((rank, codes.codes.shape[1]), dtype=np.uint64)
    for place, band in enumerate(earlier):
        masks[place] = band.mask
    limits = np.array(plan.limits[:rank], dtype=np.int64)
    wanted = flips(plan.bands[rank].width, plan.limits[rank])
    n_codes = len(codes.codes)
    step = task_size(n_codes)
    for first in range(0, n_codes, step):
        last = min(first + step, n_codes)
        state = np.array([0, first, 0, 0], dtype=np.int64)
        yield _Task(
            codes, first, last, others, others.starts, wanted, same, radius, masks, limits, state,
            (last - first) / n_codes / len(plan.bands),
        )  # fmt: skip


def _tiles(codes: Buckets, others: Buckets, same: bool, radius: int) -> Iterator[_Task]:
    """Compare all codes, in tiles that stay in the cache."""
    n_words = codes.codes.shape[1]
    masks = np.zeros((0, n_words), dtype=np.uint64)
    nothing = np.zeros(0, dtype=np.int64)
    step = 4 * _TILE
    corners = [
        (first, start)
        for first in range(0, len(codes.codes), step)
        for start in range(0, len(others.codes), _TILE)
        if not same or start + _TILE > first
    ]
    for first, start in corners:
        last = min(first + step, len(codes.codes))
        starts = np.array([start, min(start + _TILE, len(others.codes))], dtype=np.uint32)
        state = np.array([0, first, 0, 0], dtype=np.int64)
        yield _Task(
            codes, first, last, others, starts, flips(0, 0), same, radius, masks, nothing, state,
            1 / len(corners),
        )  # fmt: skip
