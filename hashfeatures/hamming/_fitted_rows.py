"""The rows that an estimator searches: added in batches, removed, indexed on first use."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._index import HammingIndex
from ._log_structured import LogStructuredIndex, merge_runs
from ._pairs import Bits, Rows
from ._single_query import MAX_NEIGHBORS, Snapshot, TableRuns


@dataclass(eq=False)
class History:
    """What rows share with those that they were made of by adding and removing.

    Only the latest rows are followed by others of the same history, so that copies of an estimator
    never write to the same array.

    Parameters
    ----------
    room : ndarray of shape (n_rows or more, n_words), dtype uint64, optional
        The array that the rows are the beginning of, with room for more.
    latest : int
        The version of the latest rows.
    tables : TableRuns
        The tables that answer one query at a time.
    lock : Lock
        To be held while the latest rows are replaced.
    """

    room: NDArray[np.uint64] | None = None
    latest: int = 0
    tables: TableRuns = field(default_factory=TableRuns)
    lock: Lock = field(default_factory=Lock)


@dataclass(frozen=True, eq=False)
class FittedRows:
    """Packed rows and the indexes that were built of them so far.

    Nothing is changed in place: adding or removing rows returns a new object, which shares the
    arrays and the indexes that are still valid.

    Parameters
    ----------
    words : ndarray of shape (n_rows, n_words), dtype uint64
        The packed bits of each row.
    present : ndarray of shape (n_rows,), dtype bool
        False where a row is missing or was removed.
    n_bits : int
        The number of bits of a row.
    ends : tuple of int, optional
        Where the runs of rows end, each of which has an index. None means one run.
    indexes : dict, optional
        The indexes by their first row, the row behind their last, and their settings.
    version : int
        Grows with each change.
    history : History, optional
        What the rows share with earlier and later ones. None begins another one.
    """

    words: NDArray[np.uint64]
    present: NDArray[np.bool_]
    n_bits: int
    ends: tuple[int, ...] | None = None
    indexes: dict[tuple[Any, ...], HammingIndex] = field(default_factory=dict)
    version: int = 0
    history: History = field(default_factory=History)

    def __len__(self) -> int:
        return len(self.words)

    def __reduce__(self) -> Any:
        return type(self), (self.words, self.present, self.n_bits, self.ends)

    @property
    def spans(self) -> list[tuple[int, int]]:
        """The first row of each run, and the row behind its last."""
        return list(pairwise((0, *self._run_ends)))

    @property
    def _run_ends(self) -> tuple[int, ...]:
        return (len(self.words),) if self.ends is None else self.ends

    def extended(self, words: NDArray[np.uint64], present: NDArray[np.bool_]) -> FittedRows:
        """Return these rows followed by others.

        A batch costs a few times what it costs to index it alone, however many rows there are.
        """
        n_before, n_rows = len(self.words), len(self.words) + len(words)
        history = self._own_history()
        room = history.room
        if room is None or n_rows > len(room):
            # Doubling the room copies each row a few times at most, however small the batches.
            room = np.zeros((2 * n_rows, words.shape[1]), dtype=np.uint64)
            room[:n_before] = self.words
            history.room = room
        room[n_before:n_rows] = words
        ends = merge_runs(self._run_ends, n_rows)
        return self._followed_by(
            history,
            room[:n_rows],
            np.concatenate([self.present, present]),
            ends,
            self._indexes_of(pairwise((0, *ends))),
        )

    def without(self, rows: NDArray[np.intp]) -> FittedRows:
        """Return these rows with some marked as missing; the others keep their numbers."""
        present = self.present.copy()
        present[rows] = False
        touched = np.unique(np.searchsorted(self._run_ends, rows, side="right"))
        untouched = [span for run, span in enumerate(self.spans) if run not in touched]
        indexes = self._indexes_of(untouched)
        return self._followed_by(self._own_history(), self.words, present, self.ends, indexes)

    @cached_property
    def snapshot(self) -> Snapshot:
        """The rows for one query at a time."""
        return Snapshot(
            np.ascontiguousarray(self.words),
            np.ascontiguousarray(self.present),
            self.n_bits,
            self.version,
            self.history.tables,
        )

    def index(self, algorithm: str, n_jobs: int | None) -> HammingIndex:
        """Return one index of all rows, which searches for pairs."""
        return self._index_of((0, len(self.words)), algorithm, n_jobs)

    def index_of_runs(self, algorithm: str, n_jobs: int | None) -> LogStructuredIndex:
        """Return the indexes of the runs as one, which answers queries."""
        indexes = [self._index_of(span, algorithm, n_jobs) for span in self.spans]
        return LogStructuredIndex(indexes, self._run_ends)

    def search_one(
        self, query: NDArray[np.uint64], radius: int, k: int, algorithm: str, n_jobs: int | None
    ) -> tuple[Bits, Rows]:
        """Find the neighbors of one query; see `Snapshot.search`, but `k` has no upper limit."""
        if k <= MAX_NEIGHBORS:
            return self.snapshot.search(query, radius, k, algorithm)
        index = self.index_of_runs(algorithm, n_jobs)
        (distances,), (rows,) = index.kneighbors(query[None], min(k, len(self)))
        near = (rows >= 0) & (distances <= radius)
        return distances[near], rows[near]

    def _own_history(self) -> History:
        """Return the history, or a new one if other rows follow these already."""
        return self.history if self.version == self.history.latest else History()

    def _followed_by(
        self,
        history: History,
        words: NDArray[np.uint64],
        present: NDArray[np.bool_],
        ends: tuple[int, ...] | None,
        indexes: dict[tuple[Any, ...], HammingIndex],
    ) -> FittedRows:
        history.latest = self.version + 1
        return FittedRows(words, present, self.n_bits, ends, indexes, history.latest, history)

    def _index_of(self, span: tuple[int, int], algorithm: str, n_jobs: int | None) -> HammingIndex:
        key = (*span, algorithm, n_jobs)
        if key not in self.indexes:
            rows = slice(*span)
            self.indexes[key] = HammingIndex(
                self.words[rows], self.present[rows], self.n_bits, n_jobs, algorithm
            )
        return self.indexes[key]

    def _indexes_of(self, spans: Iterable[tuple[int, int]]) -> dict[tuple[Any, ...], HammingIndex]:
        wanted = set(spans)
        return {key: index for key, index in self.indexes.copy().items() if key[:2] in wanted}
