"""Near pairs of images in which equal images count once: a million copies are no million squared.

Images with equal signatures are near the same images, so it is enough to know the pairs of
signatures and who has which. What the pairs lead to (groups, nearest distances, their number) is
kept; the pairs themselves are held as long as they are few, and searched again where they are not,
block by block, so that memory grows with the images.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from .duplicates import Labels, label_components, relabel
from .exceptions import TooManyPairsError
from .hamming.bands import kernels
from .hamming.pairs import Bits, Pairs

# Pairs of images that are written out at the most: three numbers each, 2.4 GB in all.
MOST_PAIRS = 100_000_000

# Pairs of signatures that are held at the most: so many, or so many a signature.
_MOST_HELD = 2**20
_MOST_HELD_EACH = 8

# Pairs that are spread out to those of images at a time, and that questions find at a time.
_STEP = 2**18
_MOST_FOUND = 2**22
_ASKED = 64

_FAR = np.iinfo(np.int64).max


class PairSearch(Protocol):
    """What finds the near pairs of different signatures, as often as it is asked."""

    def blocks(self) -> Iterator[Pairs]:
        """Yield every two signatures that are near, each pair once, with ``left < right``."""

    def neighbors(self, asked: Labels, limit: int | None) -> Pairs:
        """Return what is near signatures: left the place in `asked`, right the signature.

        Raises `TooManyPairsError` if there are more pairs than `limit`.
        """


class HeldPairs:
    """Near pairs of signatures that are in memory; a `PairSearch`."""

    def __init__(self, pairs: Pairs, n_codes: int) -> None:
        self.pairs = pairs
        self._n_codes = n_codes

    def blocks(self) -> Iterator[Pairs]:
        """Yield the pairs."""
        yield self.pairs

    def neighbors(self, asked: Labels, limit: int | None = None) -> Pairs:
        """Return what is near signatures, however much it is: it is in memory already."""
        starts, right, distance = self._edges
        n_found = starts[asked + 1] - starts[asked]
        left = np.repeat(np.arange(len(asked)), n_found)
        place = np.arange(len(left)) + np.repeat(
            starts[asked] - np.cumsum(n_found) + n_found, n_found
        )
        return Pairs(left, right[place], distance[place])

    @cached_property
    def _edges(self) -> tuple[Labels, Labels, Bits]:
        """Where the neighbours of each signature start, which they are, and how far."""
        left, right, distance = self.pairs
        both = np.concatenate([left, right])
        order = np.argsort(both, kind="stable")
        starts = np.zeros(self._n_codes + 1, dtype=np.intp)
        np.cumsum(np.bincount(both, minlength=self._n_codes), out=starts[1:])
        others, apart = np.concatenate([right, left]), np.concatenate([distance, distance])
        return starts, others[order], apart[order]


@dataclass(frozen=True)
class CompactPairs:
    """Near pairs of images; made by `survey`.

    Parameters
    ----------
    codes : ndarray of shape (n_images,), dtype intp
        The number of each image's signature, from 0 on; -1 for an image that is near none.
    n_codes : int
        How many signatures there are.
    near : PairSearch
        What finds the pairs of different signatures.
    components : ndarray of shape (n_codes,), dtype intp
        The group of each signature: numbers that are equal where near pairs join.
    nearest_code : ndarray of shape (n_codes,), dtype int64
        The distance of each signature to the nearest other one within the radius; a number
        beyond all distances where there is none.
    n_pairs : int
        How many pairs of images there are, equal ones included.
    """

    codes: Labels
    n_codes: int
    near: PairSearch
    components: Labels
    nearest_code: Bits
    n_pairs: int

    @classmethod
    def survey(cls, codes: Labels, n_codes: int, near: PairSearch) -> CompactPairs:
        """Go through the pairs once, and hold them if they are few."""
        n_of_code = _count(codes, n_codes)
        tally = _Tally(np.arange(n_codes), np.full(n_codes, _FAR))
        n_pairs = int((n_of_code * (n_of_code - 1) // 2).sum())
        all_differ = n_of_code.max(initial=1) == 1
        for block in near.blocks():
            tally.add(block)
            left, right, _ = block
            n_across = len(left) if all_differ else (n_of_code[left] * n_of_code[right]).sum()
            n_pairs += int(n_across)
        return tally.finish(codes, n_codes, near, n_pairs)

    @classmethod
    def of_labels(cls, labels: Labels) -> CompactPairs:
        """Take the members of a group for near each other."""
        n_codes = int(labels.max(initial=-1)) + 1
        return cls.survey(labels, n_codes, HeldPairs(Pairs.concatenate([]), n_codes))

    def grow(self, codes: Labels, n_codes: int, near: PairSearch) -> CompactPairs:
        """Add images: only what is near the new ones is searched.

        Parameters
        ----------
        codes : ndarray of shape (n_images,), dtype intp
            The signatures of all images, those of the images before first. A signature that is
            new has a greater number than all that can be near it and are not.
        n_codes : int
            How many signatures there are now.
        near : PairSearch
            What finds the pairs among them.
        """
        n_known = len(self.codes)
        known = np.flatnonzero(self.codes >= 0)
        number = np.zeros(self.n_codes, dtype=np.intp)  # what each signature is called now
        number[self.codes[known]] = codes[known]
        before, added = _count(codes[:n_known], n_codes), _count(codes[n_known:], n_codes)
        components, nearest = np.arange(n_codes), np.full(n_codes, _FAR)
        components[number] = number[_heads(self.components)]
        nearest[number] = self.nearest_code
        held = self.near.pairs if isinstance(self.near, HeldPairs) else None
        tally = _Tally(components, nearest, held is not None)
        if held is not None:
            tally.hold(Pairs(number[held.left], number[held.right], held.distance))
        twice = int((added * (2 * before + added - 1)).sum())
        for asked, found in ask(near, np.flatnonzero(added)):
            left, right = asked[found.left], found.right
            twice += int((added[left] * (2 * before[right] + added[right])).sum())
            # Pairs of two old signatures are known; two new ones are found from both sides.
            new = (before[left] == 0) & ((before[right] > 0) | (right < left))
            tally.add(Pairs(right[new], left[new], found.distance[new]))
        return tally.finish(codes, n_codes, near, self.n_pairs + twice // 2)

    def labels(self) -> Labels:
        """Label the groups that near pairs join, in order of first appearance."""
        alone = np.flatnonzero(self.codes < 0)
        none = np.zeros(len(self.codes), dtype=np.intp)
        labels = self.components[self.codes] if self.n_codes else none
        labels[alone] = self.n_codes + alone
        return relabel(labels)

    def n_of_code(self) -> NDArray[np.int64]:
        """Return how many images have each signature."""
        return _count(self.codes, self.n_codes)

    def has_company(self) -> NDArray[np.bool_]:
        """Tell which images have a near duplicate."""
        return self.nearest() >= 0

    def nearest(self) -> NDArray[np.int64]:
        """Return the distance of each image to the one nearest to it, -1 where none is near."""
        nearest = np.where(self.n_of_code() > 1, 0, self.nearest_code)
        of_image = np.full(len(self.codes), -1, dtype=np.int64)
        known = np.flatnonzero(self.codes >= 0)
        of_image[known] = nearest[self.codes[known]]
        of_image[of_image == _FAR] = -1
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
        check_room(self.n_pairs)
        return Pairs.sorted_from(self._image_blocks(), len(self.codes))

    def _image_blocks(self) -> Iterator[Pairs]:
        """Yield the pairs of images, each once, in no order."""
        members = Members(self.codes)
        for block in self.near.blocks():
            for found in expand(block, members):
                # Of the pair of codes, either may have the earlier images.
                left, right = found.left, found.right
                yield Pairs(np.minimum(left, right), np.maximum(left, right), found.distance)
        equal = np.flatnonzero(self.n_of_code() > 1)
        itself = Pairs(equal, equal, np.zeros(len(equal), dtype=np.int64))
        for found in expand(itself, members):
            # An image is no pair with itself, and equal ones are met from both sides.
            yield found.where(found.left < found.right)


class _Tally:
    """What pairs of signatures lead to, as they come by.

    Parameters
    ----------
    components : ndarray of shape (n_codes,), dtype intp
        For each signature one of its group, itself for instance.
    nearest : ndarray of shape (n_codes,), dtype int64
        The nearest distances so far; changed.
    holds : bool
        Whether to hold the pairs as long as they are few.
    """

    def __init__(self, components: Labels, nearest: Bits, holds: bool = True) -> None:
        self._components = components
        self._nearest = nearest
        self._most_held = max(_MOST_HELD, _MOST_HELD_EACH * len(components))
        self._held: list[Pairs] | None = [] if holds else None
        self._n_held = 0
        self._waiting: list[Pairs] = []
        self._n_waiting = 0
        self._parents: NDArray[np.uint32] | None = None

    def hold(self, pairs: Pairs) -> None:
        """Hold pairs, or give up holding any."""
        if self._held is None:
            return
        self._n_held += len(pairs.left)
        self._held.append(pairs)
        if self._n_held > self._most_held:
            self._held = None

    def add(self, pairs: Pairs) -> None:
        """Note pairs."""
        self.hold(pairs)
        self._waiting.append(pairs)
        self._n_waiting += len(pairs.left)
        if self._held is None and self._n_waiting > _STEP:
            self._unite()

    def finish(self, codes: Labels, n_codes: int, near: PairSearch, n_pairs: int) -> CompactPairs:
        """Return what was found."""
        if self._parents is None:  # so few that scipy joins them before a loop is even loaded
            links = Pairs.concatenate(self._waiting)
            for side in (links.left, links.right):
                np.minimum.at(self._nearest, side, links.distance)
            own = np.flatnonzero(self._components != np.arange(n_codes))
            old = Pairs(own, self._components[own], np.zeros(len(own), dtype=np.int64))
            components = label_components(n_codes, Pairs.concatenate([links, old]))
        else:
            self._unite()
            kernels().flatten(self._parents)
            components = self._parents.astype(np.intp)
        if self._held is not None:
            near = HeldPairs(Pairs.concatenate(self._held), n_codes)
        return CompactPairs(codes, n_codes, near, components, self._nearest, n_pairs)

    def _unite(self) -> None:
        if self._parents is None:
            self._parents = _heads(self._components).astype(np.uint32)
        for pairs in self._waiting:
            kernels().note_pairs(self._parents, self._nearest, *pairs)
        self._waiting, self._n_waiting = [], 0


def ask(
    near: PairSearch, codes: Labels, still: Callable[[Labels], NDArray[np.bool_]] | None = None
) -> Iterator[tuple[Labels, Pairs]]:
    """Look for what is near signatures, as many of them at a time as find a bounded number.

    Parameters
    ----------
    near : PairSearch
        What finds it.
    codes : ndarray of shape (n_codes,), dtype intp
        The signatures, which are asked for in their order.
    still : callable, optional
        Tells for which of some signatures it is still to be looked, just before that is done.

    Yields
    ------
    asked : ndarray, dtype intp
        The next of the signatures.
    found : Pairs
        What is near them, as `PairSearch.neighbors` returns it, ordered by left.
    """
    start, step = 0, _ASKED
    while start < len(codes):
        asked = codes[start : start + step]
        if still is not None:
            asked = asked[still(asked)]
        try:
            found = near.neighbors(asked, _MOST_FOUND if len(asked) > 1 else None)
        except TooManyPairsError:
            step = max(1, step // 4)
            continue
        yield asked, found
        start += step
        if len(found.left) < _MOST_FOUND // 4:
            step *= 2


def check_room(n_pairs: int) -> None:
    """Raise if so many pairs cannot be written out."""
    if n_pairs > MOST_PAIRS:
        raise TooManyPairsError(
            f"There are {n_pairs} near pairs of images, more than the {MOST_PAIRS} that are "
            f"written out. The groups and their sizes are known without them; a smaller radius, "
            f"or drop_duplicates beforehand, leaves fewer pairs."
        )


def expand(near: Pairs, left: Members, right: Members | None = None) -> Iterator[Pairs]:
    """Write out pairs of codes as pairs of the images that have them, block by block.

    Parameters
    ----------
    near : Pairs
        Pairs of codes.
    left, right : Members
        The images that have them on the left, and on the right if these are others.

    Yields
    ------
    Pairs
        Rows on the left and on the right, as many for each pair of codes as they have images.
    """
    left_rows, left_starts, n_left = left.of(near.left)
    right_rows, right_starts, n_right = (right or left).of(near.right)
    ends = np.cumsum(n_left * n_right)
    n_pairs = int(ends[-1]) if len(ends) else 0
    for start in range(0, n_pairs, _STEP):
        place = np.arange(start, min(start + _STEP, n_pairs))
        which = np.searchsorted(ends, place, side="right")
        row, column = np.divmod(place - (ends - n_left * n_right)[which], n_right[which])
        yield Pairs(
            left_rows[left_starts[which] + row],
            right_rows[right_starts[which] + column],
            near.distance[which],
        )


class Members:
    """Which images have each code.

    Parameters
    ----------
    codes : ndarray of shape (n_images,), dtype intp
        The code of each image; -1 for none.
    """

    def __init__(self, codes: Labels) -> None:
        self._rows = np.argsort(codes, kind="stable")
        self._ordered = codes[self._rows]

    def of(self, asked: Labels) -> tuple[Labels, Labels, Labels]:
        """Return rows ordered by code, where those of each code asked for begin, how many."""
        starts = np.searchsorted(self._ordered, asked)
        return self._rows, starts, np.searchsorted(self._ordered, asked, side="right") - starts


def in_order(pairs: Pairs) -> Pairs:
    """Return pairs ordered by left, then right."""
    order = np.lexsort((pairs.right, pairs.left))
    return Pairs(*(column[order] for column in pairs))


def _count(codes: Labels, n_codes: int) -> NDArray[np.int64]:
    return np.bincount(codes[codes >= 0], minlength=n_codes)


def _heads(components: Labels) -> Labels:
    """Return the least member of each one's group."""
    n_codes = len(components)
    heads = np.full(int(components.max(initial=-1)) + 1, n_codes, dtype=np.intp)
    np.minimum.at(heads, components, np.arange(n_codes))
    return heads[components]
