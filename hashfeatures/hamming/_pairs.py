"""Pairs of near rows and their distances."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._utils.display import rows_as_html, rows_as_text
from ..exceptions import TooManyPairsError

Rows = NDArray[np.intp]
Bits = NDArray[np.int64]  # distances

# Arrays of this many pairs, and the copies made while sorting them, take about 6 GB.
MAX_PAIRS = 100_000_000

# No hash is so long that a distance could be greater.
_FARTHEST = 2**16 - 1

_FEWER_QUERIES = "use a smaller radius, or search fewer queries at a time"


class Pairs(NamedTuple):
    """Pairs of rows and the distance of each.

    Read more in the :doc:`User Guide </user-guide/neighbors>`.

    Attributes
    ----------
    left, right : ndarray of shape (n_pairs,), dtype intp
        The rows.
    distance : ndarray of shape (n_pairs,), dtype int64
        The Hamming distance in bits.

    See Also
    --------
    HammingNeighbors.pairs : Returns the pairs of rows within a radius.
    ViewPairs : Pairs over views of images.
    ConfirmedPairs : Pairs that the pixels confirm.

    Examples
    --------
    >>> from hashfeatures import HammingNeighbors
    >>> pairs = HammingNeighbors(radius=1).fit([[0, 0, 0], [0, 0, 1], [0, 1, 1]]).pairs()
    >>> pairs
    Pairs: 2 pairs
    left  right  distance
       0      1         1
       1      2         1
    >>> pairs.right
    array([1, 2])
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
        """Concatenate blocks of pairs.

        Parameters
        ----------
        blocks : iterable of Pairs
            The blocks.
        limit : int, default=None
            The greatest number of pairs. None means no limit.
        cure : str, optional
            The advice in the message if there are more.

        Returns
        -------
        Pairs
            All pairs, block after block.

        Raises
        ------
        TooManyPairsError
            If there are more than `limit` pairs. Later blocks are not computed.
        """
        held, n_pairs = [cls(np.empty(0, np.intp), np.empty(0, np.intp), np.empty(0, np.int64))], 0
        for block in blocks:
            n_pairs += len(block.left)
            _check_limit(n_pairs, limit, cure)
            held.append(block)
        return cls(*(np.concatenate(arrays) for arrays in zip(*held, strict=True)))

    @classmethod
    def sorted_from(
        cls,
        blocks: Iterable[Pairs],
        n_rows: int,
        farthest: int = _FARTHEST,
        limit: int | None = None,
        cure: str = _FEWER_QUERIES,
    ) -> Pairs:
        """Concatenate blocks of pairs, sorted by left, then right.

        This needs less memory than sorting afterwards, as each pair is packed into one integer.

        Parameters
        ----------
        blocks : iterable of Pairs
            The blocks. No pair may appear twice.
        n_rows : int
            The number of rows, above every row number.
        farthest : int, default=65535
            An upper bound of the distances.
        limit : int, default=None
            The greatest number of pairs. None means no limit.
        cure : str, optional
            The advice in the message if there are more.

        Returns
        -------
        Pairs
            All pairs.

        Raises
        ------
        TooManyPairsError
            If there are more than `limit` pairs. Later blocks are not computed.
        """
        row_bits, bits = n_rows.bit_length(), farthest.bit_length()
        if 2 * row_bits + bits > 64:
            return cls.concatenate(blocks, limit, cure).in_order()
        keys: list[NDArray[np.uint64]] = []
        n_pairs = 0
        for block in blocks:
            n_pairs += len(block.left)
            _check_limit(n_pairs, limit, cure)
            rows = block.left.astype(np.uint64) << np.uint64(row_bits)
            rows |= block.right.astype(np.uint64)
            keys.append((rows << np.uint64(bits)) | block.distance.astype(np.uint64))
        whole = np.concatenate(keys) if keys else np.empty(0, dtype=np.uint64)
        keys.clear()
        whole.sort()
        distance = (whole & np.uint64((1 << bits) - 1)).astype(np.int64)
        whole >>= np.uint64(bits)
        right = (whole & np.uint64((1 << row_bits) - 1)).astype(np.intp)
        whole >>= np.uint64(row_bits)
        return cls(whole.view(np.int64).astype(np.intp, copy=False), right, distance)

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> Pairs:
        """Return the pairs at the given positions, or where a mask is true.

        Parameters
        ----------
        rows : ndarray of int or bool
            The positions of pairs, or a mask.

        Returns
        -------
        Pairs
            These pairs.
        """
        return Pairs(*(column[rows] for column in self))

    def in_order(self) -> Pairs:
        """Return the pairs sorted by left, then right.

        Returns
        -------
        Pairs
            The same pairs.
        """
        if not len(self.left):
            return self
        width = int(self.right.max()) + 1
        order = np.argsort(self.left * width + self.right, kind="stable")
        return self.take(order)

    def by_distance(self) -> Pairs:
        """Return the pairs sorted by left, then distance, then right.

        Returns
        -------
        Pairs
            The same pairs.
        """
        return self.take(np.lexsort((self.right, self.distance, self.left)))


def count_pairs(pairs: Any) -> str:
    """Return a text with the type and number of pairs."""
    n_pairs = len(pairs.left)
    return f"{type(pairs).__name__}: {n_pairs:,} pair{'' if n_pairs == 1 else 's'}"


def _check_limit(n_pairs: int, limit: int | None, cure: str) -> None:
    if limit is not None and n_pairs > limit:
        raise TooManyPairsError(
            f"More than {limit:,} pairs are within the radius, too many to return as arrays. To "
            f"avoid this, {cure}."
        )
