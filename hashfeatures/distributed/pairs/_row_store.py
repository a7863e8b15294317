"""Fingerprints of chosen images, copied from the parts of hashes to files that workers map.

A part holds thousands of images, compressed, so a few of them are slow to read from it. A task
copies the chosen images of some parts to one file, where any of them can be read at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...duplicates.fingerprints._base import Codes
from ...duplicates.fingerprints._computed import ComputedHashes
from ...duplicates.fingerprints._fingerprints import Fingerprints
from ...duplicates.fingerprints._segments import SegmentCodes
from ...duplicates.fingerprints._thumbnails import Thumbnails
from ...duplicates.fingerprints._views import ViewCodes
from ...hashing._thumbnail import THUMBNAIL
from ...hashing.views._view_hashes import ViewsSpec
from .._hash_stage import KIND as HASHES
from .._part_directory import PartDirectory
from .._shared_arrays import map_arrays, share_arrays
from .._stages import Stage
from .._task_runner import TaskRunner
from ..hashes._stored_fingerprints import read_fingerprints
from ._nodes import read_sizes

# Images of a file: so many, or more if there were too many files otherwise.
_ROWS_PER_FILE = 1 << 14
_MOST_FILES = 1 << 10


class StoredRows(NamedTuple):
    """Images that were read from a `RowStore`.

    Parameters
    ----------
    fingerprints : Fingerprints
        Their fingerprints. The thumbnails stay in the files until they are looked at.
    n_pixels : ndarray of shape (n_rows,), dtype int64
        The sizes of the images.
    """

    fingerprints: Fingerprints
    n_pixels: NDArray[np.int64]


class RowStore(NamedTuple):
    """Images of a stage of hashes in files, any of which can be read at once.

    Parameters
    ----------
    work : str
        The address of the directory of the files.
    name : str
        The name of the store, with which all its files begin.
    computed : ComputedHashes
        What is known of the images.
    """

    work: str
    name: str
    computed: ComputedHashes

    def read(self, rows: NDArray[np.integer]) -> StoredRows:
        """Return images by their numbers, which the store must hold, in any order."""
        index = map_arrays(self.work, self._index)
        places = np.searchsorted(index["rows"], rows)
        files = np.searchsorted(index["ends"], places, side="right")
        parts, sizes, order = [], [], []
        for number in np.unique(files).tolist() or [0]:  # of no images, too
            here = np.flatnonzero(files == number)
            start = int(index["ends"][number - 1]) if number else 0
            arrays = map_arrays(self.work, self._file(number))
            parts.append(_load(arrays, places[here] - start, self.computed))
            sizes.append(arrays["n_pixels"][places[here] - start])
            order.append(here)
        back = np.argsort(np.concatenate(order))
        joined = Fingerprints.join(parts)
        return StoredRows(joined.take(back), np.concatenate(sizes)[back])

    def rows(self) -> NDArray[np.uint32] | None:
        """Return the numbers of the images, ascending; None if the store does not exist yet."""
        if not PartDirectory(self.work).has(self._index):
            return None
        rows: NDArray[np.uint32] = map_arrays(self.work, self._index)["rows"]
        return rows

    @property
    def _index(self) -> str:
        return f"{self.name}-index.store"

    def _file(self, number: int) -> str:
        return f"{self.name}-{number:05d}.store"


class _GatherTask(NamedTuple):
    """A file of a store, and the parts of hashes that its images are in, with their first rows."""

    hashes: str
    store: RowStore
    number: int
    parts: tuple[tuple[str, int], ...]

    @property
    def name(self) -> str:
        return self.store._file(self.number)


def gather(
    hashed: Stage,
    parts: Sequence[tuple[str, int]],
    rows: NDArray[np.integer],
    store: RowStore,
    runner: TaskRunner,
) -> None:
    """Copy images of a stage of hashes to a store. Files that exist already are kept.

    Parameters
    ----------
    hashed : Stage
        The directory of hashes.
    parts : sequence of (str, int)
        Its parts in the order that numbers the images, and the number of images in each.
    rows : ndarray of shape (n_rows,), dtype int
        The numbers of one image or more, ascending, and the same whenever a store is continued.
    store : RowStore
        The store.
    runner : TaskRunner
        It runs a task for each file.
    """
    work = PartDirectory(store.work)
    starts = np.cumsum([0, *(n_images for _, n_images in parts)])
    wanted = np.searchsorted(rows, starts)
    ends, first_parts = _cut(np.diff(wanted))
    if not work.has(store._index):
        written: dict[str, NDArray[Any]] = {
            "rows": rows.astype(np.uint32),
            "ends": wanted[ends].astype(np.int64),
        }
        share_arrays(work, store._index, written)

    def tasks() -> Iterator[_GatherTask]:
        for number, (first, last) in enumerate(zip(first_parts, ends, strict=True)):
            named = [
                (parts[place][0], int(starts[place]))
                for place in range(first, last)
                if wanted[place] < wanted[place + 1]
            ]
            task = _GatherTask(hashed.address, store, number, tuple(named))
            if not work.has(task.name):
                yield task

    runner.run(_gather_rows, tasks())


def _cut(n_wanted: NDArray[np.intp]) -> tuple[list[int], list[int]]:
    """Return where the parts of each file end, and where they begin, given their wanted images."""
    most = max(_ROWS_PER_FILE, int(n_wanted.sum()) // _MOST_FILES)
    ends: list[int] = []
    held = 0
    for place, n_rows in enumerate(n_wanted.tolist()):
        if n_rows and held and held + n_rows > most:
            ends.append(place)
            held = 0
        held += n_rows
    ends.append(len(n_wanted))
    return ends, [0, *ends[:-1]]


def _gather_rows(task: _GatherTask) -> None:
    """Write a file of a store."""
    hashed = Stage.open(task.hashes, HASHES)
    store = task.store
    index = map_arrays(store.work, store._index)
    start = int(index["ends"][task.number - 1]) if task.number else 0
    rows = index["rows"][start : int(index["ends"][task.number])].astype(np.int64)
    parts, sizes = [], []
    bounds = [*(first for _, first in task.parts), np.iinfo(np.int64).max]
    for (name, first), last in zip(task.parts, bounds[1:], strict=True):
        here = rows[np.searchsorted(rows, first) : np.searchsorted(rows, last)] - first
        parts.append(read_fingerprints(hashed, name, store.computed, here))
        sizes.append(read_sizes(hashed, name)[here])
    arrays = _dump(Fingerprints.join(parts)) | {"n_pixels": np.concatenate(sizes)}
    share_arrays(PartDirectory(store.work), task.name, arrays)


def _dump(images: Fingerprints) -> dict[str, NDArray[Any]]:
    arrays: dict[str, NDArray[Any]] = {
        "words": images.words,
        "comparable": images.comparable,
        "pixel_digests": images.pixel_digests,
        "low_detail": images.low_detail,
    }
    if images.views is not None:
        arrays["views"] = images.views.words
    if images.colors is not None:
        arrays["colors"] = images.colors
    if images.thumbnails is not None:
        arrays["thumbnails"] = images.thumbnails.as_bytes()
        arrays["thumbnail_digests"] = images.thumbnails.digests
    return arrays


def _load(
    arrays: dict[str, NDArray[Any]], places: NDArray[np.intp], computed: ComputedHashes
) -> Fingerprints:
    thumbnails = None
    if "thumbnails" in arrays:
        records = arrays["thumbnails"].view(THUMBNAIL)[:, 0]
        thumbnails = Thumbnails([records], places, arrays["thumbnail_digests"][places])
    return Fingerprints(
        arrays["words"][places],
        arrays["comparable"][places],
        arrays["pixel_digests"][places],
        arrays["low_detail"][places],
        computed.n_bits,
        _as_codes(arrays["views"][places], computed) if "views" in arrays else None,
        arrays["colors"][places] if "colors" in arrays else None,
        thumbnails,
    )


def _as_codes(words: NDArray[np.uint64], computed: ComputedHashes) -> Codes:
    spec = computed.compared[0]
    return ViewCodes(words, spec.views) if isinstance(spec, ViewsSpec) else SegmentCodes(words)
