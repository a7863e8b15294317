"""Near pairs of images in which equal images count once: a million copies are no million squared.

Images with equal signatures are near the same images, so it is enough to know the pairs of
signatures and who has which. The pairs of images are written out when they are asked for.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .duplicates import Labels, label_components, relabel
from .exceptions import TooManyPairsError
from .hamming.pairs import Pairs

# Pairs of images that are written out at the most: three numbers each, 2.4 GB in all.
MOST_PAIRS = 100_000_000


@dataclass(frozen=True)
class CompactPairs:
    """Near pairs of images.

    Parameters
    ----------
    codes : ndarray of shape (n_images,), dtype intp
        The number of each image's signature, from 0 on; -1 for an image that is near none.
    near : Pairs
        Every two different signatures that are near each other, with ``left < right``.
    n_codes : int
        How many signatures there are.
    """

    codes: Labels
    near: Pairs
    n_codes: int

    def labels(self) -> Labels:
        """Label the groups that near pairs join, in order of first appearance."""
        of_code = label_components(self.n_codes, self.near)
        alone = np.flatnonzero(self.codes < 0)
        labels = of_code[self.codes] if self.n_codes else np.zeros(len(self.codes), dtype=np.intp)
        labels[alone] = self.n_codes + alone
        return relabel(labels)

    def n_of_code(self) -> NDArray[np.int64]:
        """Return how many images have each signature."""
        return np.bincount(self.codes[self.codes >= 0], minlength=self.n_codes)

    def n_pairs(self) -> int:
        """Count the pairs of images, equal ones included."""
        n_images = self.n_of_code()
        across = n_images[self.near.left] * n_images[self.near.right]
        return int(across.sum()) + int((n_images * (n_images - 1) // 2).sum())

    def nearest(self) -> NDArray[np.int64]:
        """Return the distance of each image to the one nearest to it, -1 where none is near."""
        far = np.iinfo(np.int64).max
        nearest = np.where(self.n_of_code() > 1, 0, far)
        for side in (self.near.left, self.near.right):
            np.minimum.at(nearest, side, self.near.distance)
        of_image = np.full(len(self.codes), -1, dtype=np.int64)
        known = np.flatnonzero(self.codes >= 0)
        of_image[known] = nearest[self.codes[known]]
        of_image[of_image == far] = -1
        return of_image

    def pairs(self) -> Pairs:
        """Write out every two images that are near each other.

        Returns
        -------
        Pairs
            With ``left < right``, ordered by left, then right.

        Raises
        ------
        TooManyPairsError
            If there are more than `MOST_PAIRS`.
        """
        check_room(self.n_pairs())
        equal = np.flatnonzero(self.n_of_code() > 1)
        itself = Pairs(equal, equal, np.zeros(len(equal), dtype=np.int64))
        blocks = [expand(near, self.codes, self.codes) for near in (self.near, itself)]
        found = Pairs.concatenate(blocks)
        # An image is no pair with itself, and equal ones were met from both sides.
        keep = np.ones(len(found.left), dtype=bool)
        n_across = len(blocks[0].left)
        keep[n_across:] = found.left[n_across:] < found.right[n_across:]
        left = np.minimum(found.left, found.right)[keep]
        right = np.maximum(found.left, found.right)[keep]
        return in_order(Pairs(left, right, found.distance[keep]))


def check_room(n_pairs: int) -> None:
    """Raise if so many pairs cannot be written out."""
    if n_pairs > MOST_PAIRS:
        raise TooManyPairsError(
            f"There are {n_pairs} near pairs of images, more than the {MOST_PAIRS} that are "
            f"written out. The groups and their sizes are known without them; a smaller radius, "
            f"or drop_duplicates beforehand, leaves fewer pairs."
        )


def expand(near: Pairs, left_codes: Labels, right_codes: Labels) -> Pairs:
    """Write out pairs of codes as pairs of the images that have them.

    Parameters
    ----------
    near : Pairs
        Pairs of codes.
    left_codes, right_codes : ndarray of shape (n_images,), dtype intp
        The code of each image on the left and on the right; -1 for none.

    Returns
    -------
    Pairs
        Rows on the left and on the right, as many for each pair of codes as they have images.
    """
    left_rows, left_starts, n_left = _rows_by_code(left_codes, near.left)
    right_rows, right_starts, n_right = _rows_by_code(right_codes, near.right)
    n_pairs = n_left * n_right
    which = np.repeat(np.arange(len(n_pairs)), n_pairs)
    place = np.arange(len(which)) - np.repeat(n_pairs.cumsum() - n_pairs, n_pairs)
    row, column = np.divmod(place, n_right[which]) if len(which) else (place, place)
    return Pairs(
        left_rows[left_starts[which] + row],
        right_rows[right_starts[which] + column],
        near.distance[which],
    )


def in_order(pairs: Pairs) -> Pairs:
    """Return pairs ordered by left, then right."""
    order = np.lexsort((pairs.right, pairs.left))
    return Pairs(*(column[order] for column in pairs))


def _rows_by_code(codes: Labels, asked: Labels) -> tuple[Labels, Labels, Labels]:
    """Return rows ordered by code, and where those of each code asked for begin and how many."""
    order = np.argsort(codes, kind="stable")
    ordered = codes[order]
    starts = np.searchsorted(ordered, asked)
    return order, starts, np.searchsorted(ordered, asked, side="right") - starts
