"""Answer one query at a time among rows that other threads may add to and remove from.

A search reads one `Snapshot`, which never changes. What is added and removed makes another one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from .._utils.progress import busy
from ..exceptions import TooManyPairsError
from ._bands import Words
from ._log_structured import merge_runs
from ._packing import hamming_distances
from ._pairs import MAX_PAIRS, Bits, Rows
from ._query_tables import QueryTables, greatest_radius, query_kernels

MAX_NEIGHBORS = 64  # above, sorting all distances is faster than keeping the nearest

_SMALL = 2048  # numpy compares so few rows in less time than loading compiled loops takes
_ROOM = 64
_SCANS = 100  # building tables takes as long as so many scans of the same rows
_ROW_BITS = 32
_ROW = (1 << _ROW_BITS) - 1


class TableRuns:
    """The tables of rows, which all snapshots of the same growing rows share.

    They cover the rows in runs, which are merged as rows are added (the logarithmic method). The
    last rows are compared without tables until that has taken as long as building tables.
    """

    def __init__(self) -> None:
        self._runs: tuple[QueryTables, ...] = ()
        self._spent = 0
        self._building = Lock()

    def of(self, snapshot: Snapshot, radius: int, algorithm: str) -> tuple[QueryTables, ...]:
        """Return the tables to look up for a snapshot; they cover its first rows.

        Searches never wait for each other. While one of them builds tables, others do without.
        """
        runs = self._runs
        if algorithm == "brute" or any(run.version > snapshot.version for run in runs):
            return ()
        n_rows, n_bits = len(snapshot.words), snapshot.n_bits
        n_covered = runs[-1].last if runs else 0
        n_more = n_rows - n_covered
        forced = algorithm == "multi_index" and not runs and n_rows > 0
        if not forced:
            if n_more <= _SMALL or radius > greatest_radius(1 << n_rows.bit_length(), n_bits):
                return runs
            self._spent += n_more
            if self._spent < _SCANS * n_more:
                return runs
        if self._building.acquire(blocking=False):
            try:
                if self._runs is runs:
                    runs = self._runs = self._extended(runs, snapshot)
                    self._spent = 0
            finally:
                self._building.release()
        return runs

    @staticmethod
    @busy("building tables for queries")
    def _extended(runs: tuple[QueryTables, ...], snapshot: Snapshot) -> tuple[QueryTables, ...]:
        n_rows = len(snapshot.words)
        first = (0, *merge_runs([run.last for run in runs], n_rows))[-2]
        kept = tuple(run for run in runs if run.last <= first)
        words, present = snapshot.words, snapshot.present
        span = (first, n_rows)
        return *kept, QueryTables.of(words, present, snapshot.n_bits, span, snapshot.version)


@dataclass(frozen=True, eq=False)
class Snapshot:
    """Rows as they are at one time.

    Parameters
    ----------
    words : ndarray of shape (n_rows, n_words), dtype uint64
        The packed bits of each row.
    present : ndarray of shape (n_rows,), dtype bool
        False where a row is missing or was removed.
    n_bits : int
        The number of bits of a row.
    version : int
        Grows with each change.
    tables : TableRuns
        The tables of this snapshot, and of those before and after it.
    """

    words: Words
    present: NDArray[np.bool_]
    n_bits: int
    version: int = 0
    tables: TableRuns = field(default_factory=TableRuns)

    def search(
        self, query: Words, radius: int, k: int, algorithm: str, limit: int = MAX_PAIRS
    ) -> tuple[Bits, Rows]:
        """Find the rows within a radius of a query, or the nearest of them.

        Parameters
        ----------
        query : ndarray of shape (n_words,), dtype uint64
            The packed bits of the query.
        radius : int
            The greatest distance in bits.
        k : int
            The greatest number of neighbors, at most `MAX_NEIGHBORS`. Zero means all.
        algorithm : {"auto", "brute", "multi_index"}
            How to search.
        limit : int
            The greatest number of rows to return.

        Returns
        -------
        distances : ndarray of shape (n_found,), dtype int64
            The distances in bits, ascending.
        rows : ndarray of shape (n_found,), dtype intp
            The rows. Those at the same distance are in order.

        Raises
        ------
        TooManyPairsError
            If more than `limit` rows are within the radius.
        """
        if len(self.words) <= _SMALL and algorithm != "multi_index":
            return self._search_few(query, radius, k)
        # Tables are worth their time for the nearest, which may be near, whatever the radius.
        runs = self.tables.of(self, 0 if k else radius, algorithm)
        found = np.empty(k or _ROOM, dtype=np.int64)
        n_found = self._find(runs, query, radius, k, found)
        if n_found > len(found):
            if n_found > limit:
                raise TooManyPairsError(
                    f"More than {MAX_PAIRS:,} rows are within the radius, too many to return as "
                    f"arrays. To avoid this, use a smaller radius, or search fewer queries at a "
                    f"time."
                )
            found = np.empty(n_found, dtype=np.int64)
            self._find(runs, query, radius, k, found)
        found = found[:n_found]
        if not k:
            found.sort()
        return found >> _ROW_BITS, found & _ROW

    def _find(
        self,
        runs: tuple[QueryTables, ...],
        query: Words,
        radius: int,
        k: int,
        found: NDArray[np.int64],
    ) -> int:
        n_found = n_covered = 0
        for run in runs:
            n_found = run.look_up(query, self.words, self.present, radius, k, found, n_found)
            if n_found < 0:
                n_found = n_covered = 0
                break
            n_covered = run.last
        n_rows = len(self.words)
        if n_covered == n_rows:
            return n_found
        n_found = query_kernels().scan_of(len(query))(
            query, self.words, self.present, n_covered, n_rows, radius, k, found, n_found
        )
        return int(n_found)

    def _search_few(self, query: Words, radius: int, k: int) -> tuple[Bits, Rows]:
        distances = hamming_distances(self.words, query)
        rows = np.flatnonzero((distances <= radius) & self.present)
        order = np.argsort(distances[rows], kind="stable")
        rows = rows[order[:k] if k else order]
        return distances[rows], rows
