"""Pairs of rows that are near each other."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..exceptions import TooManyPairsError
from ..showing import rows_as_html, rows_as_text

Rows = NDArray[np.intp]
Bits = NDArray[np.int64]  # distances

# Arrays of so many pairs, and the copies made while they are sorted, take some 6 GB.
MAX_PAIRS = 100_000_000

_FEWER_QUERIES = "take a smaller radius, or ask for fewer queries at a time"


class Pairs(NamedTuple):
    """Pairs of rows and the distance of each.

    Parameters
    ----------
    left, right : ndarray of shape (n_pairs,), dtype intp
        The rows.
    distance : ndarray of shape (n_pairs,), dtype int64
        The Hamming distance in bits.
    """

    left: Rows
    right: Rows
    distance: Bits

    def __repr__(self) -> str:
        return rows_as_text(count_pairs(self), self._asdict())

    def _repr_html_(self) -> str:
        return rows_as_html(count_pairs(self), self._asdict())

    @classmethod
    def concatenate(
        cls, blocks: Iterable[Pairs], limit: int | None = None, cure: str = _FEWER_QUERIES
    ) -> Pairs:
        """Join blocks of pairs into one.

        Parameters
        ----------
        blocks : iterable of Pairs
            The blocks.
        limit : int, optional
            How many pairs to hold at most.
        cure : str
            What to do if there are more.

        Raises
        ------
        TooManyPairsError
            If there are more than `limit`; the blocks that follow are not asked for.
        """
        held, n_pairs = [cls(np.empty(0, np.intp), np.empty(0, np.intp), np.empty(0, np.int64))], 0
        for block in blocks:
            n_pairs += len(block.left)
            if limit is not None and n_pairs > limit:
                raise TooManyPairsError(
                    f"More than {limit:,} pairs are within the radius, too many to return as "
                    f"arrays: {cure}."
                )
            held.append(block)
        return cls(*(np.concatenate(arrays) for arrays in zip(*held, strict=True)))

    def in_order(self) -> Pairs:
        """Return the pairs ordered by left, then right."""
        if not len(self.left):
            return self
        width = int(self.right.max()) + 1
        order = np.argsort(self.left * width + self.right, kind="stable")
        return Pairs(*(column[order] for column in self))


def count_pairs(pairs: Any) -> str:
    """Say what holds how many pairs."""
    n_pairs = len(pairs.left)
    return f"{type(pairs).__name__}: {n_pairs:,} pair{'' if n_pairs == 1 else 's'}"
