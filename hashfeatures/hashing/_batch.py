"""Many image sources to arrays of hashes: in parallel, cached, row-aligned, failures recorded."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence, Sized
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

import PIL

from .._utils.progress import progress_bar
from ..exceptions import (
    CacheWarning,
    FailedImagesWarning,
    ImageReadError,
    warn_user,
)
from ..images._decoding import Decoding, Reduction
from ..images._errors import describe_error
from ..images._pillow_state import PillowState
from ..images._process_state import ProcessState
from ..images._quiet import quiet_decoding
from ..images._references import ImageReference
from ..images._sources import describe_source
from ._algorithms import BITS_VERSION, REDUCED_VERSION
from ._best_effort_cache import BestEffortCache
from ._hash_arrays import HashArrays
from ._pool import HashJob, HashPool, Outcome
from ._record import ImageRecord
from ._source_keys import SourceKey, key_of
from ._spec import HashSpec
from ._worker import needs_color

# Images that are looked up in the cache, hashed and stored before the next ones: what a run holds
# in memory beside its result. Many workers take more at a time, so that few wait for the last
# image of a block.
_BLOCK = 1024

_SHOWN = 5  # failures that a warning lists


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

    A path that occurs more than once is read once. Beside the result, the run holds about a
    thousand images in memory at a time. It starts its workers once, when there is something to
    hash.

    Parameters
    ----------
    sources : iterable of image sources
        See `hashfeatures.images._read.read_image`.
    specs : tuple of HashSpec
        The hashes.
    decoding : Decoding
        How files become pixels.
    errors : {"raise", "coerce"}
        "raise" ends the run at the first image that fails. "coerce" goes on, and one
        `FailedImagesWarning` lists all failures at the end.
    min_detail : int or None
        Images of less detail than this get a digest of their pixels. None measures the detail for
        the cache alone.
    n_jobs : int, optional
        The number of joblib workers. The caller chooses the backend by `joblib.parallel_config`.
    cache : path-like, optional
        The file that stores hashes, see `hashfeatures.hashing._cache.HashCache`.
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
        If the cache file is damaged or is not a cache of this package.
    MissingExtraError
        If a hash needs a package that is not installed.
    """
    for spec in specs:
        spec.check_installed()
    process_state = ProcessState.here()
    decoding = decoding.with_limit()
    reduction = reduction_for(specs) if decoding.decode == "reduced" else Reduction()
    n_images = len(sources) if isinstance(sources, Sized) else None
    hashes = HashArrays(specs, n_images or 0)
    stop_early = errors == "raise"
    if cache is not None and min_detail is None:
        min_detail = 0
    with ExitStack() as stack:
        stack.enter_context(quiet_decoding(decoding.max_pixels))
        store: BestEffortCache | None = None
        if cache is not None:
            key = _cache_settings(decoding, reduction, process_state.pillow)
            store = stack.enter_context(BestEffortCache(cache, key))
        bar = stack.enter_context(progress_bar(progress, total=n_images, unit="img"))
        pool = stack.enter_context(
            HashPool(decoding, reduction, process_state, min_detail, stop_early, n_jobs)
        )
        run = _Run(hashes, pool, store, bar)
        left = iter(sources)
        n_block = max(_BLOCK, pool.n_at_once)
        while block := list(islice(left, n_block)):
            run.hash_block(block)
            if stop_early and hashes.errors:
                raise hashes.errors[min(hashes.errors)]
    if store is not None and store.problem is not None:
        warn_user(store.problem, CacheWarning)
    if hashes.errors:
        _warn_of_failures(hashes)
    return hashes.close()


def reduction_for(specs: Sequence[HashSpec]) -> Reduction:
    """Return how much of a JPEG the hashes need."""
    side = max(spec.algorithm.reduced_side(spec.size) for spec in specs)
    return Reduction(side, needs_color(specs), any(spec.needs_chroma for spec in specs))


def _cache_settings(decoding: Decoding, reduction: Reduction, state: PillowState) -> str:
    """Return everything but the file that determines its bits, as JSON.

    The names stay as they are: under other names, no hash in an existing cache would be found.
    """
    settings = {
        "bits": BITS_VERSION,
        "pillow": PIL.__version__,
        "state": state.settings(),
        "decode": decoding.decode,
        "orient": decoding.orient,
        "background": decoding.background,
        "max_pixels": decoding.max_pixels,
        "reduced_side": reduction.min_side,
        "colour": reduction.color,
        "trim_borders": decoding.trim_borders,
    }
    if decoding.decode == "reduced":
        settings["reduced_bits"] = REDUCED_VERSION
    return json.dumps(settings, sort_keys=True, default=list)


@dataclass
class _Run:
    """One call of `hash_sources`: what its blocks share.

    Parameters
    ----------
    hashes : HashArrays
        The result, to which each block adds its rows.
    pool : HashPool
        The workers.
    store : BestEffortCache or None
        The cache.
    bar : tqdm
        The progress bar.
    """

    hashes: HashArrays
    pool: HashPool
    store: BestEffortCache | None
    bar: Any
    _first_rows: dict[str | ImageReference, int] = field(default_factory=dict)
    _keys: dict[int, SourceKey | None] = field(default_factory=dict)  # by row, of one block
    _cached: dict[int, ImageRecord] = field(default_factory=dict)  # what lacks some hashes

    def hash_block(self, sources: Sequence[Any]) -> None:
        """Hash some images and store them in the rows after the previous block."""
        stop_early = self.pool.stop_early
        jobs, repeated = self._list_jobs(sources)
        if self.store is not None:
            jobs = self._use_cached(jobs, self.store)
        if stop_early and self.hashes.errors:
            jobs = [job for job in jobs if job.row < min(self.hashes.errors)]
        for done, outcomes in self.pool.run(jobs):
            self._store_outcomes(done, outcomes)
            if stop_early and isinstance(outcomes[-1], ImageReadError):
                return
        for row, first in repeated:
            self.hashes.repeat(row, first)
            self.bar.update()

    def _list_jobs(self, sources: Sequence[Any]) -> tuple[list[HashJob], list[tuple[int, int]]]:
        """Return a job for each distinct image, and repeated rows with the first of each."""
        jobs, repeated = [], []
        self._keys.clear()
        self._cached.clear()
        for row, source in enumerate(sources, self.hashes.extend(len(sources))):
            try:
                name = _identity_of(source)
            except Exception as error:  # a foreign path object may raise anything
                cause = describe_error(error)
                name, source = None, ImageReadError(f"<{type(source).__name__}>", cause)
            if name is not None:
                first = self._first_rows.setdefault(name, row)
                if first != row:
                    repeated.append((row, first))
                    continue
            if self.store is not None and self.store.is_open:
                self._keys[row] = key_of(source)
            jobs.append(HashJob(row, source, self.hashes.specs))
        return jobs, repeated

    def _use_cached(self, jobs: list[HashJob], store: BestEffortCache) -> list[HashJob]:
        """Store the records that the cache holds, and return the jobs that are left."""
        left: list[HashJob] = []
        rows: list[int] = []
        outcomes: list[Outcome] = []
        records = store.get_many([self._keys.get(job.row) for job in jobs])
        for job, record in zip(jobs, records, strict=True):
            missing = self._missing(record)
            if record is None:
                left.append(job)
            elif missing:
                self._cached[job.row] = record
                left.append(job._replace(specs=missing))
            else:
                rows.append(job.row)
                is_read = record.error is None
                outcomes.append(
                    record
                    if is_read
                    else ImageReadError(describe_source(job.source), str(record.error))
                )
        self._store_rows(rows, outcomes)
        return left

    def _missing(self, record: ImageRecord | None) -> tuple[HashSpec, ...]:
        """Return the hashes of an image that are still to be computed."""
        specs = self.hashes.specs
        if record is None:
            return specs
        if record.error is not None:
            return ()
        if record.digest is None and record.detail < (self.pool.min_detail or 0):
            return specs
        if record.hashes.keys() >= self.hashes.names:
            return ()
        return tuple([spec for spec in specs if str(spec) not in record.hashes])

    def _store_outcomes(self, jobs: Sequence[HashJob], outcomes: list[Outcome]) -> None:
        """Store the outcomes of some images, in the cache first."""
        if self.store is not None:
            self.store.put_many(self._cache_entries(jobs, outcomes))
        complete = [
            replace(outcome, hashes=self._cached[job.row].hashes | outcome.hashes)
            if job.row in self._cached and isinstance(outcome, ImageRecord)
            else outcome
            for job, outcome in zip(jobs, outcomes, strict=True)
        ]
        self._store_rows([job.row for job in jobs], complete)

    def _cache_entries(
        self, jobs: Sequence[HashJob], outcomes: list[Outcome]
    ) -> Iterator[tuple[SourceKey, ImageRecord]]:
        """Yield the records worth keeping. An error that may pass is not."""
        for job, outcome in zip(jobs, outcomes, strict=True):
            key = self._keys.get(job.row)
            if key is None:
                continue
            if isinstance(outcome, ImageRecord):
                yield key, outcome
            elif outcome.lasting:
                yield key, ImageRecord(error=outcome.cause)

    def _store_rows(self, rows: list[int], outcomes: list[Outcome]) -> None:
        self.hashes.store(rows, outcomes)
        if self.hashes.errors:
            self.bar.set_postfix(failed=len(self.hashes.errors), refresh=False)
        self.bar.update(len(rows))


def _identity_of(source: Any) -> str | ImageReference | None:
    """Return what two sources have in common if they are the same image, or None if unknown."""
    if isinstance(source, ImageReference):
        return source
    return os.fspath(source) if isinstance(source, str | os.PathLike) else None


def _warn_of_failures(hashes: HashArrays) -> None:
    failures = hashes.errors
    shown = "\n".join(f"  {failures[row]}" for row in sorted(failures)[:_SHOWN])
    more = f"\n  and {len(failures) - _SHOWN} more" if len(failures) > _SHOWN else ""
    # A missing relative path may exist in another folder.
    are_missing = all(
        error.cause.startswith(FileNotFoundError.__name__)
        and not (os.path.isabs(error.source) or "://" in error.source)
        for error in failures.values()
    )
    hint = (
        f"\n  Is it the right folder? Relative paths start from {os.getcwd()}"
        if are_missing
        else ""
    )
    warn_user(
        f"{len(failures)} of {hashes.n_images} images could not be read:\n{shown}{more}{hint}",
        FailedImagesWarning,
    )
