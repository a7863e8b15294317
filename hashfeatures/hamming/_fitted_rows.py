"""The rows that an estimator searches: added in batches, removed, indexed on first use."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._index import HammingIndex
from ._log_structured import LogStructuredIndex, merge_runs


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
    room : ndarray of shape (n_rows or more, n_words), dtype uint64, optional
        The array that `words` is the beginning of, with room for more rows.
    indexes : dict, optional
        The indexes by their first row, the row behind their last, and their settings.
    """

    words: NDArray[np.uint64]
    present: NDArray[np.bool_]
    n_bits: int
    ends: tuple[int, ...] | None = None
    room: NDArray[np.uint64] | None = None
    indexes: dict[tuple[Any, ...], HammingIndex] = field(default_factory=dict)

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
        room = self.words if self.room is None else self.room
        if n_rows > len(room):
            # Doubling the room copies each row a few times at most, however small the batches.
            room = np.zeros((2 * n_rows, words.shape[1]), dtype=np.uint64)
            room[:n_before] = self.words
        room[n_before:n_rows] = words
        ends = merge_runs(self._run_ends, n_rows)
        return FittedRows(
            room[:n_rows],
            np.concatenate([self.present, present]),
            self.n_bits,
            ends,
            room,
            self._indexes_of(pairwise((0, *ends))),
        )

    def without(self, rows: NDArray[np.intp]) -> FittedRows:
        """Return these rows with some marked as missing; the others keep their numbers."""
        present = self.present.copy()
        present[rows] = False
        touched = np.unique(np.searchsorted(self._run_ends, rows, side="right"))
        untouched = [span for run, span in enumerate(self.spans) if run not in touched]
        return FittedRows(
            self.words, present, self.n_bits, self.ends, self.room, self._indexes_of(untouched)
        )

    def index(self, algorithm: str, n_jobs: int | None) -> HammingIndex:
        """Return one index of all rows, which searches for pairs."""
        return self._index_of((0, len(self.words)), algorithm, n_jobs)

    def index_of_runs(self, algorithm: str, n_jobs: int | None) -> LogStructuredIndex:
        """Return the indexes of the runs as one, which answers queries."""
        indexes = [self._index_of(span, algorithm, n_jobs) for span in self.spans]
        return LogStructuredIndex(indexes, self._run_ends)

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
        return {key: index for key, index in self.indexes.items() if key[:2] in wanted}
