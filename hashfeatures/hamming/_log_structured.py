"""Rows that grow in batches, searched without indexing all of them again for each batch.

The rows stand in runs, each with an index of its own. A new batch is a run. Runs are merged while
the last is at least as large as the one before it. So the number of runs, and of the times that a
row is indexed, grows with the logarithm of the number of rows (the logarithmic method).

References
----------
J. L. Bentley, J. B. Saxe, "Decomposable Searching Problems I: Static-to-Dynamic Transformation",
Journal of Algorithms, 1980.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ._bands import Words
from ._index import HammingIndex
from ._pairs import MAX_PAIRS, Bits, Pairs, Rows


def merge_runs(ends: Iterable[int], n_rows: int) -> tuple[int, ...]:
    """Return where the runs end once there are `n_rows` rows.

    Examples
    --------
    >>> from hashfeatures.hamming._log_structured import merge_runs
    >>> ends = ()
    >>> for n_rows in range(1, 8):
    ...     ends = merge_runs(ends, n_rows)
    >>> ends
    (4, 6, 7)
    """
    merged = [0, *ends, n_rows]
    while len(merged) > 2 and merged[-1] - merged[-2] >= merged[-2] - merged[-3]:
        del merged[-2]
    return tuple(merged[1:])


class LogStructuredIndex:
    """The indexes of all runs, searched as one.

    Parameters
    ----------
    indexes : list of HammingIndex
        The index of each run.
    ends : tuple of int
        The row behind the last of each run.
    """

    def __init__(self, indexes: list[HammingIndex], ends: tuple[int, ...]) -> None:
        self._indexes = indexes
        self._spans = list(pairwise((0, *ends)))

    def kneighbors(self, words: Words, k: int, own: Rows | None = None) -> tuple[Bits, Rows]:
        """Find the `k` nearest codes to each query; see `HammingIndex.kneighbors`."""
        found = [
            index.kneighbors(words, k, _within(own, *span))
            for index, span in zip(self._indexes, self._spans, strict=True)
        ]
        if len(found) == 1:
            return found[0]
        distances = np.hstack([distance for distance, _ in found])
        rows = np.hstack(
            [
                np.where(row < 0, -1, row + start)
                for (_, row), (start, _) in zip(found, self._spans, strict=True)
            ]
        )
        # The rows of a run are in order, and so are the runs: a stable sort breaks ties by row.
        order = np.argsort(distances, axis=1, kind="stable")[:, :k]
        return np.take_along_axis(distances, order, 1), np.take_along_axis(rows, order, 1)

    def radius(
        self, words: Words, radius: int, own: Rows | None = None, limit: int | None = MAX_PAIRS
    ) -> Pairs:
        """Find every code within `radius` bits of each query; see `HammingIndex.radius`."""
        found = [
            index.radius(words, radius, _within(own, *span), limit)
            for index, span in zip(self._indexes, self._spans, strict=True)
        ]
        if len(found) == 1:
            return found[0]
        blocks = (
            near._replace(right=near.right + start)
            for near, (start, _) in zip(found, self._spans, strict=True)
        )
        return Pairs.concatenate(blocks, limit).in_order()


def _within(own: NDArray[np.intp] | None, start: int, end: int) -> NDArray[np.intp] | None:
    """Return row numbers within a run; -1 for rows of other runs."""
    if own is None:
        return None
    return np.where((own >= start) & (own < end), own - start, -1)
