"""Rows that grow by batches, searched without being laid out anew for each.

Rows stand in segments, each with an index of its own. A new batch is a segment, and segments are
joined while the last is as large as the one before: a row is laid out a few times, about the
logarithm of how many there are, however small the batches (the logarithmic method).

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


def grow(ends: Iterable[int], n_rows: int) -> tuple[int, ...]:
    """Return where segments end once there are `n_rows` rows.

    Examples
    --------
    >>> from hashfeatures.hamming._log_structured import grow
    >>> ends = ()
    >>> for n_rows in range(1, 8):
    ...     ends = grow(ends, n_rows)
    >>> ends
    (4, 6, 7)
    """
    grown = [0, *ends, n_rows]
    while len(grown) > 2 and grown[-1] - grown[-2] >= grown[-2] - grown[-3]:
        del grown[-2]
    return tuple(grown[1:])


class SegmentedIndex:
    """The indexes of segments, searched as one.

    Parameters
    ----------
    indexes : list of HammingIndex
        One a segment.
    ends : tuple of int
        The row behind the last of each segment.
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
        # Rows of a segment come in order, and segments do: ties stay by row.
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
    """Return rows as a segment counts them; -1 where they are in others."""
    if own is None:
        return None
    return np.where((own >= start) & (own < end), own - start, -1)
