"""The nearest near duplicate of each image of a data set in another one."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...hamming._pairs import Pairs
from ..pairs._paired_sets import PairedSet

_NONE = np.uint64(2**64 - 1)
_ROW_BITS = np.uint64(32)
_ROWS = np.uint64(2**32 - 1)


class Nearest(NamedTuple):
    """What is nearest to some images.

    Parameters
    ----------
    exists : ndarray, dtype bool
        Whether each image has a near duplicate in the other set.
    other : ndarray, dtype intp
        The number of the nearest one in the other set; any number where there is none.
    distance : ndarray, dtype int32
        Its distance in bits.
    """

    exists: NDArray[np.bool_]
    other: NDArray[np.intp]
    distance: NDArray[np.int32]


class NearestOther:
    """The nearest near duplicates of the images of one data set in the other one.

    Distance and number are packed into one integer, so that the least one is the nearest, and
    among equally near ones the first.

    Parameters
    ----------
    images : PairedSet
        The images.
    """

    def __init__(self, images: PairedSet) -> None:
        self.first_of = images.first_of()
        self.n_equal = np.bincount(self.first_of, minlength=images.n_images)
        self._keys = np.full(images.n_images, _NONE)

    def add(self, pairs: Pairs) -> None:
        """Note pairs of first images, which are on the left."""
        np.minimum.at(self._keys, pairs.left, _key(pairs))

    def are_nearest(self, pairs: Pairs) -> NDArray[np.bool_]:
        """Return which pairs of first images connect the left one with its nearest."""
        are_nearest: NDArray[np.bool_] = self._keys[pairs.left] == _key(pairs)
        return are_nearest

    def of(self, rows: NDArray[np.integer] | slice) -> Nearest:
        """Return what is nearest to some images."""
        keys = self._keys[self.first_of[rows]]
        other = (keys & _ROWS).astype(np.intp)
        return Nearest(keys != _NONE, other, (keys >> _ROW_BITS).astype(np.uint32).view(np.int32))

    def count_leaking(self) -> int:
        """Return the number of images that have a near duplicate in the other set."""
        return int(self.n_equal[self._keys != _NONE].sum())

    def others(self) -> NDArray[np.uint32]:
        """Return the numbers of all images of the other set that are nearest, ascending."""
        return np.unique((self._keys[self._keys != _NONE] & _ROWS).astype(np.uint32))


def _key(pairs: Pairs) -> NDArray[np.uint64]:
    return (pairs.distance.astype(np.uint64) << _ROW_BITS) | pairs.right.astype(np.uint64)
