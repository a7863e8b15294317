"""Many image sources to one table of hashes: in parallel, cached, row-aligned, failures told."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence, Sized
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from itertools import islice
from typing import Any, NamedTuple

import joblib
import PIL

from .._utils.joblib_internals import TerminatedWorkerError
from .._utils.jobs import choose_backend, count_jobs
from .._utils.progress import COMPILING, busy, progress_bar
from ..exceptions import (
    CacheWarning,
    FailedImagesWarning,
    ImageReadError,
    warn_user,
)
from ..images._decoding import Decoding
from ..images._errors import describe_error
from ..images._pillow_state import PillowState
from ..images._process_state import ProcessState
from ..images._quiet import quiet_decoding
from ..images._sources import describe_source
from ._algorithms import BITS_VERSION
from ._best_effort_cache import BestEffortCache
from ._cache import SourceKey, key_of
from ._hash_arrays import HashArrays
from ._pickling import to_picklable
from ._record import ImageRecord
from ._spec import HashSpec
from ._worker import hash_chunk, needs_color

# Images that a worker is handed at a time, at the most: enough to hide the cost of handing them
# over. Few images are cut into smaller chunks, so that all workers finish together.
_CHUNK = 16
_CHUNKS_A_WORKER = 8

# Images that are looked up in the cache, hashed and stored before the next are looked at: what a
# run holds in memory beside its result. Many workers take more at a time, lest they wait for the
# last of each block.
_BLOCK = 1024


def hash_sources(
    sources: Iterable[Any],
    specs: tuple[HashSpec, ...],
    decoding: Decoding,
    *,
    errors: str = "raise",
    min_detail: int | None = 0,
    n_jobs: int | None = None,
    cache: str | os.PathLike[str] | None = None,
    progress: bool = False,
) -> HashArrays:
    """Hash many images.

    A path that occurs more than once is read once. Beside the result, memory is held for some
    thousand images at a time. Workers are started once, when there is something to hash.

    Parameters
    ----------
    sources : iterable of image sources
        See `hashfeatures.images._read.read_image`.
    specs : tuple of HashSpec
        The hashes.
    decoding : Decoding
        How files become pixels.
    errors : {"raise", "coerce"}
        Whether the first image that fails ends the run, or all that fail are told at its end in
        one `FailedImagesWarning`.
    min_detail : int or None
        Images of less detail than this are given a digest of their pixels. None: nobody asks for
        the detail, and it is measured for the cache alone.
    n_jobs : int, optional
        How many joblib workers; the backend is the caller's, by `joblib.parallel_config`.
    cache : path, optional
        Where hashes are looked up and kept, see `hashfeatures.hashing._cache.HashCache`.
    progress : bool
        Whether to show a bar.

    Returns
    -------
    HashArrays
        Row i is image i, whatever failed, was cached, or ran in which worker.

    Raises
    ------
    ImageReadError
        With ``errors="raise"``: for the first image that cannot be read or hashed.
    CacheError
        If the cache is a file of something else, or damaged.
    MissingExtraError
        If a hash needs a package that is not installed.
    """
    for spec in specs:
        spec.check_installed()
    process_state = ProcessState.here()
    decoding = _suit(decoding, specs)
    n_images = len(sources) if isinstance(sources, Sized) else None
    hashes = HashArrays(specs, n_images or 0)
    stop_early = errors == "raise"
    if cache is not None and min_detail is None:
        min_detail = 0
    with ExitStack() as stack:
        stack.enter_context(quiet_decoding(decoding.max_pixels))
        store: BestEffortCache | None = None
        if cache is not None:
            store = stack.enter_context(
                BestEffortCache(cache, _settings(decoding, process_state.pillow))
            )
        bar = stack.enter_context(progress_bar(progress, total=n_images, unit="img"))
        run = _Run(
            hashes, decoding, process_state, min_detail, stop_early, n_jobs, store, bar, stack
        )
        left = iter(sources)
        n_block = max(_BLOCK, _CHUNK * _CHUNKS_A_WORKER * count_jobs(n_jobs))
        while block := list(islice(left, n_block)):
            run.hash_block(block)
            if stop_early and hashes.errors:
                raise hashes.errors[min(hashes.errors)]
    if store is not None and store.trouble is not None:
        warn_user(store.trouble, CacheWarning)
    if hashes.errors:
        _warn_of(hashes)
    return hashes.close()


def _suit(decoding: Decoding, specs: Sequence[HashSpec]) -> Decoding:
    """Add what a decoding depends on: Pillow's limit, and what of a JPEG the hashes need."""
    decoding = decoding.with_limit()
    if decoding.decode == "full":
        return decoding
    side = 8 * max(spec.algorithm.input_side(spec.size) for spec in specs)
    return replace(decoding, reduced_side=side, color=needs_color(specs))


def _settings(decoding: Decoding, state: PillowState) -> str:
    """Name everything but the file that decides its bits."""
    settings = {"bits": BITS_VERSION, "pillow": PIL.__version__, "state": state.settings()}
    return json.dumps(settings | asdict(decoding), sort_keys=True, default=list)


class _Job(NamedTuple):
    """One image to be hashed: its row, what is left to do, and where to keep it."""

    row: int
    source: Any
    specs: tuple[HashSpec, ...]
    key: SourceKey | None = None
    known: ImageRecord | None = None


@dataclass
class _Run:
    """One call of `hash_sources`: what its blocks share."""

    hashes: HashArrays
    decoding: Decoding
    process_state: ProcessState
    min_detail: int | None
    stop_early: bool
    n_jobs: int | None
    store: BestEffortCache | None
    bar: Any
    stack: ExitStack
    first_rows: dict[Any, int] = field(default_factory=dict)

    @cached_property
    def pool(self) -> joblib.Parallel:
        """The workers, which are kept to the end of the run."""
        backend = choose_backend()
        try:
            pool = joblib.Parallel(n_jobs=self.n_jobs, backend=backend, return_as="generator")
        except ValueError:  # the backend gives its results all at once
            pool = joblib.Parallel(n_jobs=self.n_jobs, backend=backend)
        return self.stack.enter_context(pool)

    def hash_block(self, sources: Sequence[Any]) -> None:
        """Hash some images, and write them down below those before."""
        jobs, repeated = [], []
        for row, source in enumerate(sources, self.hashes.extend(len(sources))):
            try:
                name = os.fspath(source) if isinstance(source, str | os.PathLike) else None
            except Exception as error:  # whatever a path of somebody else raises
                cause = describe_error(error)
                name, source = None, ImageReadError(f"<{type(source).__name__}>", cause)
            if name is not None:
                first = self.first_rows.setdefault(name, row)
                if first != row:
                    repeated.append((row, first))
                    continue
            key = key_of(source) if self.store is not None and self.store.is_open else None
            jobs.append(_Job(row, source, self.hashes.specs, key))
        if self.store is not None:
            jobs = self._leave_out_known(jobs, self.store)
        if self.stop_early and self.hashes.errors:
            jobs = [job for job in jobs if job.row < min(self.hashes.errors)]
        for done, outcomes in self._hash(jobs):
            self._write_down(done, outcomes)
            if self.stop_early and isinstance(outcomes[-1], ImageReadError):
                return
        for row, first in repeated:
            self.hashes.repeat(row, first)
            self.bar.update()

    def _leave_out_known(self, jobs: list[_Job], store: BestEffortCache) -> list[_Job]:
        """Write down what the cache knows, and return what it does not."""
        left: list[_Job] = []
        rows: list[int] = []
        outcomes: list[ImageRecord | ImageReadError] = []
        for job, known in zip(jobs, store.get_many([job.key for job in jobs]), strict=True):
            missing = self._missing(known)
            if missing or known is None:
                left.append(job._replace(specs=missing, known=known))
                continue
            rows.append(job.row)
            if known.error is None:
                outcomes.append(known)
            else:
                outcomes.append(ImageReadError(describe_source(job.source), known.error))
        self._tell(rows, outcomes)
        return left

    def _missing(self, known: ImageRecord | None) -> tuple[HashSpec, ...]:
        """Return the hashes that are still to be computed of an image."""
        specs = self.hashes.specs
        if known is None:
            return specs
        if known.error is not None:
            return ()
        if known.digest is None and known.detail < (self.min_detail or 0):
            return specs
        if known.hashes.keys() >= self.hashes.names:
            return ()
        return tuple([spec for spec in specs if str(spec) not in known.hashes])

    def _write_down(self, jobs: list[_Job], outcomes: list[ImageRecord | ImageReadError]) -> None:
        """Keep what came of some images, in the cache first."""
        if self.store is not None:
            self.store.put_many(_entries_of(jobs, outcomes))
        told = [
            replace(outcome, hashes=job.known.hashes | outcome.hashes)
            if job.known is not None and isinstance(outcome, ImageRecord)
            else outcome
            for job, outcome in zip(jobs, outcomes, strict=True)
        ]
        self._tell([job.row for job in jobs], told)

    def _tell(self, rows: list[int], outcomes: list[ImageRecord | ImageReadError]) -> None:
        self.hashes.store(rows, outcomes)
        if self.hashes.errors:
            self.bar.set_postfix(failed=len(self.hashes.errors), refresh=False)
        self.bar.update(len(rows))

    def _hash(
        self, jobs: list[_Job]
    ) -> Iterator[tuple[list[_Job], list[ImageRecord | ImageReadError]]]:
        """Yield jobs with what comes of each, in order; a worker that dies takes one image along.

        A chunk that stopped at an error comes with the jobs up to that one.
        """
        if not jobs:
            return
        n_chunks = _CHUNKS_A_WORKER * count_jobs(self.n_jobs)
        size = min(_CHUNK, -(-len(jobs) // n_chunks))
        chunks = [jobs[start : start + size] for start in range(0, len(jobs), size)]
        n_done = 0
        try:
            with ExitStack() as stack:
                waiting = stack.enter_context(ExitStack())
                if "pool" not in vars(self) and count_jobs(self.n_jobs) > 1:
                    waiting.enter_context(busy(f"starting workers; {COMPILING}"))
                results = iter(self.pool(map(self._task, chunks)))
                if hasattr(results, "close"):
                    stack.callback(results.close)
                for outcomes in results:
                    waiting.close()
                    chunk = chunks[n_done]
                    n_done += 1
                    yield chunk[: len(outcomes)], outcomes
        except TerminatedWorkerError:
            del self.pool  # the next block starts workers anew: older releases leave this one dead
            for chunk in chunks[n_done:]:
                yield from self._hash_apart(chunk)

    def _hash_apart(
        self, jobs: list[_Job]
    ) -> Iterator[tuple[list[_Job], list[ImageRecord | ImageReadError]]]:
        """Hash jobs in a process of their own, and if it dies, each in one of its own."""
        try:
            (outcomes,) = joblib.Parallel(n_jobs=2, backend="loky")([self._task(jobs)])
            yield jobs[: len(outcomes)], outcomes
        except TerminatedWorkerError:
            if len(jobs) == 1:
                cause = "the process that decoded it died, perhaps for want of memory"
                yield jobs, [ImageReadError(describe_source(jobs[0].source), cause, lasting=False)]
                return
            for job in jobs:
                yield from self._hash_apart([job])

    def _task(self, jobs: list[_Job]) -> Any:
        return joblib.delayed(hash_chunk)(
            [(to_picklable(job.source, self.decoding), job.specs) for job in jobs],
            self.decoding,
            self.min_detail,
            self.stop_early,
            self.process_state,
        )


def _entries_of(
    jobs: list[_Job], outcomes: list[ImageRecord | ImageReadError]
) -> Iterator[tuple[SourceKey, ImageRecord]]:
    """Yield what is worth keeping in the cache."""
    for job, outcome in zip(jobs, outcomes, strict=True):
        if job.key is None:
            continue
        if isinstance(outcome, ImageRecord):
            yield job.key, outcome
        elif outcome.lasting:
            yield job.key, ImageRecord(error=outcome.cause)


def _warn_of(hashes: HashArrays) -> None:
    failures = hashes.errors
    shown = "\n".join(f"  {failures[row]}" for row in sorted(failures)[:5])
    more = f"\n  and {len(failures) - 5} more" if len(failures) > 5 else ""
    # A relative name that is not there may be one of another folder.
    is_lost = all(
        error.cause.startswith(FileNotFoundError.__name__)
        and not (os.path.isabs(error.source) or "://" in error.source)
        for error in failures.values()
    )
    hint = (
        f"\n  Is it the right folder? Names are looked for from {os.getcwd()}" if is_lost else ""
    )
    warn_user(
        f"{len(failures)} of {hashes.n_images} images could not be read:\n{shown}{more}{hint}",
        FailedImagesWarning,
    )
