"""What the pixels say of the images of two data sets and their nearest in the other one."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...hamming._pairs import Pairs
from .._part_directory import arrow
from ..pairs._nodes import read_sizes
from ..pairs._paired_sets import DETAILS, PairedSet, PairedSets
from ._nearest_other import NearestOther
from ._spilled_tables import SpilledTables

# Pairs that are described at a time, whose thumbnails are in memory.
_DESCRIBED = 8192


class NearestDetails:
    """The agreement and the relation of images and their nearest in the other set.

    Equal images share the details of the first, unless they have another size: a copy of each
    pixel twice has the same thumbnail.

    Parameters
    ----------
    sets : PairedSets
        The data sets, whose pairs the pixels confirmed.
    nearest : tuple of NearestOther
        What is nearest to the images on the left, and to those on the right.
    details : SpilledTables
        A file for the columns `DETAILS`.
    """

    def __init__(
        self,
        sets: PairedSets,
        nearest: tuple[NearestOther, NearestOther],
        details: SpilledTables,
    ) -> None:
        self._details = details
        self._nearest = nearest
        sides = (sets.left, sets.right)
        self._rows = [np.zeros(images.n_images, dtype=np.int64) for images in sides]
        for pairs, table in sets.tables(list(DETAILS)):
            self._note(pairs, table)
        self._resized = [_resized(*each) for each in zip(sides, nearest, strict=True)]
        self._first_resized = []
        for side, rows in enumerate(self._resized):
            self._first_resized.append(details.n_rows)
            for start in range(0, len(rows), _DESCRIBED):
                block = rows[start : start + _DESCRIBED]
                found = nearest[side].of(block)
                ends = (found.other, block) if side else (block, found.other)
                details.append(sets.describe(Pairs(*ends, found.distance.astype(np.int64))))

    def take(self, side: int, rows: NDArray[np.intp]) -> Any:
        """Return the details of images on the left (0) or right (1) as a pyarrow.Table."""
        nearest = self._nearest[side]
        places = self._rows[side][nearest.first_of[rows]]
        resized = self._resized[side]
        if len(resized):
            at = np.minimum(np.searchsorted(resized, rows), len(resized) - 1)
            is_resized = resized[at] == rows
            places[is_resized] = self._first_resized[side] + at[is_resized]
        return self._details.take(places, nearest.of(rows).exists)

    def _note(self, pairs: Pairs, table: Any) -> None:
        """Keep the details of pairs of an image and its nearest."""
        turned = Pairs(pairs.right, pairs.left, pairs.distance)
        both = (pairs, turned)
        wanted = [each.are_nearest(of) for each, of in zip(self._nearest, both, strict=True)]
        kept = np.flatnonzero(wanted[0] | wanted[1])
        for rows, of, mask in zip(self._rows, both, wanted, strict=True):
            here = mask[kept]
            rows[of.left[kept[here]]] = self._details.n_rows + np.flatnonzero(here)
        self._details.append(table.take(arrow().array(kept)))


def _resized(images: PairedSet, nearest: NearestOther) -> NDArray[np.intp]:
    """Return the leaking images that equal an earlier one of another size, ascending."""
    none = np.zeros(0, dtype=np.intp)
    firsts, copies = [none], [none]
    for first, copy in images.blocks_of_copies():
        leaks = nearest.of(first).exists
        firsts.append(first[leaks])
        copies.append(copy[leaks])
    first, copy = np.concatenate(firsts), np.concatenate(copies)
    known = np.unique(np.concatenate([first, copy]))
    n_pixels = np.zeros(len(known), dtype=np.int64)
    if len(known):
        for name, start, end in zip(images.parts, images.starts, images.starts[1:], strict=False):
            here = slice(*np.searchsorted(known, [start, end]))
            n_pixels[here] = read_sizes(images.hashed, name)[known[here] - start]
    of_first, of_copy = (n_pixels[np.searchsorted(known, rows)] for rows in (first, copy))
    return np.sort(copy[of_first != of_copy])
