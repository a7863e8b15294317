"""Workers that hash images. An image that crashes its worker fails alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from types import TracebackType
from typing import Any, NamedTuple

import joblib

from .._utils.joblib_internals import TerminatedWorkerError
from .._utils.jobs import choose_backend, count_jobs
from .._utils.progress import COMPILING, busy
from ..exceptions import ImageReadError
from ..images._decoding import Decoding, Reduction
from ..images._process_state import ProcessState
from ..images._sources import describe_source
from ._pickling import to_picklable
from ._record import ImageRecord
from ._spec import HashSpec
from ._worker import hash_chunk

# The most images that a worker receives at a time: enough to hide the cost of sending them. Few
# images are split into smaller chunks, so that all workers finish together.
_CHUNK = 16
_CHUNKS_PER_WORKER = 8


class HashJob(NamedTuple):
    """One image to hash: its row, its source, the hashes to compute."""

    row: int
    source: Any
    specs: tuple[HashSpec, ...]


Outcome = ImageRecord | ImageReadError


@dataclass
class HashPool:
    """The workers of a run, which start when there is something to hash and stop with the context.

    Parameters
    ----------
    decoding : Decoding
        How files become pixels.
    reduction : Reduction
        How much of a JPEG the hashes of the run need.
    process_state : ProcessState
        The state that workers take over.
    min_detail : int or None
        Images of less detail get a digest of their pixels.
    stop_early : bool
        Whether a chunk ends at its first image that fails.
    n_jobs : int or None
        The number of joblib workers.
    """

    decoding: Decoding
    reduction: Reduction
    process_state: ProcessState
    min_detail: int | None
    stop_early: bool
    n_jobs: int | None

    def __enter__(self) -> HashPool:
        self._stack = ExitStack()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.__exit__(kind, error, traceback)

    @property
    def n_at_once(self) -> int:
        """The number of images that keep all workers busy."""
        return _CHUNK * _CHUNKS_PER_WORKER * count_jobs(self.n_jobs)

    def run(self, jobs: Sequence[HashJob]) -> Iterator[tuple[Sequence[HashJob], list[Outcome]]]:
        """Hash images in order, and yield jobs with their outcomes.

        Where a worker dies, its image fails and the others are hashed. A chunk that stopped at a
        failed image is yielded with the jobs up to that one.
        """
        if not jobs:
            return
        n_chunks = _CHUNKS_PER_WORKER * count_jobs(self.n_jobs)
        size = min(_CHUNK, -(-len(jobs) // n_chunks))
        chunks = [jobs[start : start + size] for start in range(0, len(jobs), size)]
        n_done = 0
        try:
            with ExitStack() as stack:
                waiting = stack.enter_context(ExitStack())
                if "_workers" not in vars(self) and count_jobs(self.n_jobs) > 1:
                    waiting.enter_context(busy(f"starting workers; {COMPILING}"))
                results = iter(self._workers(map(self._task, chunks)))
                if hasattr(results, "close"):
                    stack.callback(results.close)
                for outcomes in results:
                    waiting.close()
                    chunk = chunks[n_done]
                    n_done += 1
                    yield chunk[: len(outcomes)], outcomes
        except TerminatedWorkerError:
            # The next block starts new workers, as older releases of joblib cannot reuse these.
            del self._workers
            for chunk in chunks[n_done:]:
                yield from self._isolate(chunk)

    @cached_property
    def _workers(self) -> joblib.Parallel:
        backend = choose_backend()
        try:
            workers = joblib.Parallel(n_jobs=self.n_jobs, backend=backend, return_as="generator")
        except ValueError:  # the backend returns its results all at once
            workers = joblib.Parallel(n_jobs=self.n_jobs, backend=backend)
        return self._stack.enter_context(workers)

    def _isolate(
        self, jobs: Sequence[HashJob]
    ) -> Iterator[tuple[Sequence[HashJob], list[Outcome]]]:
        """Hash jobs in a process of their own, and if it dies, each job in its own process."""
        try:
            (outcomes,) = joblib.Parallel(n_jobs=2, backend="loky")([self._task(jobs)])
            yield jobs[: len(outcomes)], outcomes
        except TerminatedWorkerError:
            if len(jobs) == 1:
                cause = "the process that decoded it died, perhaps for lack of memory"
                yield jobs, [ImageReadError(describe_source(jobs[0].source), cause, lasting=False)]
                return
            for job in jobs:
                yield from self._isolate([job])

    def _task(self, jobs: Sequence[HashJob]) -> Any:
        return joblib.delayed(hash_chunk)(
            [(to_picklable(job.source, self.decoding), job.specs) for job in jobs],
            self.decoding,
            self.reduction,
            self.min_detail,
            self.stop_early,
            self.process_state,
        )
