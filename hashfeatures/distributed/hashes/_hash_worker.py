"""Hashing of one part of a data set, in the workers of `hash_dataset`."""

from __future__ import annotations

import platform
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import joblib
import numpy as np
import PIL
from numpy.typing import NDArray

from ..._utils.path_text import write_path
from ...duplicates.fingerprints._base import digest
from ...duplicates.fingerprints._computed import ComputedHashes
from ...exceptions import EngineError, FailedImagesWarning, StageError
from ...hashing._algorithms import BITS_VERSION, REDUCED_VERSION
from ...hashing._batch import hash_sources
from ...hashing._hash_arrays import HashArrays
from ...hashing._thumbnail import THUMBNAIL_VERSION
from ...hashing.views._modes import VIEWS_VERSION
from ...images._process_state import ProcessState
from .._hash_stage import (
    DIGEST_BYTES,
    FINGERPRINT,
    KIND,
    LISTING,
    HashPlan,
    column_widths,
    keys_of,
    schema_of,
)
from .._part_directory import arrow
from .._stages import Stage
from ..sources._listing_parts import read_listing
from ..sources._part_sources import Batch, read_batches


@dataclass(frozen=True)
class Place:
    """A stage directory for workers to write to, and the state of the process that starts them."""

    out: str
    process_state: ProcessState = field(default_factory=ProcessState.here)


@dataclass(frozen=True)
class HashTask:
    """A part to hash; with `isolated`, a crash on one image does not affect the others."""

    out: str
    name: str
    isolated: bool = False
    process_state: ProcessState = field(default_factory=ProcessState.here)


@dataclass(frozen=True)
class SentTask:
    """A part to hash, with its images, which only the process that started the run can read."""

    out: str
    name: str
    names: Sequence[str]
    sources: Sequence[Any] = field(repr=False)
    isolated: bool = False
    process_state: ProcessState = field(default_factory=ProcessState.here)


def check_worker(place: Place) -> None:
    """Raise unless this process sees the stage directory and computes the same bits."""
    place.process_state.apply()
    try:
        stage = Stage.open(place.out, KIND)
    except StageError as error:
        raise EngineError(
            f"A worker on {platform.node()} does not see the files of this run ({error}). Name a "
            f"directory that all machines share, or a bucket."
        ) from error
    check_versions(stage.settings)


def check_versions(settings: dict[str, Any]) -> None:
    """Raise unless this process computes the bits that a stage holds."""
    ours: dict[str, Any] = {"Pillow": PIL.__version__, "hash version": BITS_VERSION}
    theirs = {"Pillow": settings["pillow"], "hash version": settings["bits"]}
    if settings["decoding"]["decode"] == "reduced":
        ours["version of reduced decoding"] = REDUCED_VERSION
        theirs["version of reduced decoding"] = settings.get("reduced_bits", 1)
    if "views_version" in settings:
        ours["version of views"] = VIEWS_VERSION
        theirs["version of views"] = settings["views_version"]
    if "thumbnails" in settings:
        ours["version of thumbnails"] = THUMBNAIL_VERSION
        theirs["version of thumbnails"] = settings["thumbnails"]
    if ours != theirs:
        worker, run = (
            " and ".join(f"{name} {value}" for name, value in versions.items())
            for versions in (ours, theirs)
        )
        raise EngineError(
            f"A worker has {worker}. The run was started with {run}. Bits could differ. Install "
            f"the same versions on all machines."
        )


def hash_part(task: HashTask) -> None:
    """Hash the images of one part of the listing."""
    task.process_state.apply()
    stage = Stage.open(task.out, KIND)
    batches = read_batches(*read_listing(stage.sub(LISTING), task.name))
    write_part(stage, task.name, batches, task.isolated)


def hash_sent(task: SentTask) -> None:
    """Hash images that were sent with their task."""
    task.process_state.apply()
    batch = (list(task.names), list(task.sources))
    write_part(Stage.open(task.out, KIND), task.name, [batch], task.isolated)


def write_part(stage: Stage, name: str, batches: Iterable[Batch], isolated: bool) -> None:
    """Hash images from whatever source, and write their part.

    Parameters
    ----------
    stage : Stage
        The directory of hashes.
    name : str
        The name of the part.
    batches : iterable of (list of str, list of image sources)
        The names of the images and the images, of which one batch is in memory at a time.
    isolated : bool
        Whether each image is hashed in a process of its own.

    Raises
    ------
    EngineError
        If this process computes other bits than the stage holds.
    """
    check_versions(stage.settings)
    plan = HashPlan.of_settings(stage.settings)
    tables = (hash_batch(names, sources, plan, isolated) for names, sources in batches)
    stage.write(name, tables, schema_of(plan.computed), is_digested=True)


def hash_batch(
    names: Sequence[str],
    sources: Sequence[Any],
    plan: HashPlan,
    isolated: bool = False,
) -> Any:
    """Return the rows of some images as a pyarrow.Table."""
    backend, n_jobs = ("loky", 2) if isolated else ("sequential", 1)
    with warnings.catch_warnings(), joblib.parallel_config(backend=backend):
        warnings.simplefilter("ignore", FailedImagesWarning)
        hashed = hash_sources(
            sources,
            plan.computed.specs,
            plan.decoding,
            errors="coerce",
            min_detail=plan.computed.min_detail,
            n_jobs=n_jobs,
        )
    return _tabulate(names, hashed, plan.computed)


def _tabulate(names: Sequence[str], hashed: HashArrays, computed: ComputedHashes) -> Any:
    pyarrow, schema = arrow(), schema_of(computed)
    rows = range(hashed.n_images)
    missing = np.zeros(hashed.n_images, dtype=bool)
    missing[list(hashed.errors)] = True
    columns: dict[str, Any] = {
        "image": pyarrow.array([write_path(name) for name in names]),
        "key": pyarrow.array(keys_of(names)),
        **_cut_codes(hashed.codes, column_widths(computed), missing),
        "detail": pyarrow.array(hashed.detail, mask=missing),
        "width": pyarrow.array(hashed.width, mask=missing),
        "height": pyarrow.array(hashed.height, mask=missing),
        "format": pyarrow.array([hashed.formats.get(row) for row in rows], pyarrow.string()),
        "digest": pyarrow.array([hashed.digests.get(row) for row in rows], pyarrow.binary()),
        "error": pyarrow.array(
            [hashed.errors[row].cause if row in hashed.errors else None for row in rows],
            type=pyarrow.string(),
        ),
    }
    if FINGERPRINT in schema.names:
        is_compared_by_pixels = missing.copy()
        is_compared_by_pixels[list(hashed.digests)] = True
        digests = digest([row.tobytes() for row in hashed.codes]).view(np.uint8)
        columns |= _cut_codes(digests, {FINGERPRINT: DIGEST_BYTES}, is_compared_by_pixels)
    return pyarrow.table([columns[name] for name in schema.names], schema=schema)


def _cut_codes(
    codes: NDArray[np.uint8], widths: Mapping[str, int], missing: NDArray[np.bool_]
) -> dict[str, Any]:
    """Return the columns of bytes as arrays of pyarrow, null where a row is missing."""
    pyarrow = arrow()
    validity = pyarrow.py_buffer(np.packbits(~missing, bitorder="little").tobytes())
    columns, start = {}, 0
    for name, width in widths.items():
        content = np.ascontiguousarray(codes[:, start : start + width])
        columns[name] = pyarrow.FixedSizeBinaryArray.from_buffers(
            pyarrow.binary(width), len(codes), [validity, pyarrow.py_buffer(content)]
        )
        start += width
    return columns
