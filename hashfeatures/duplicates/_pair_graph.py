"""Near pairs of images in which equal images count once: a million copies are no million squared.

Images with equal signatures are near the same images, so it is enough to know the pairs of
signatures and who has which. What the pairs lead to (groups, nearest distances, their number) is
kept; the pairs themselves are held as long as they are few, and searched again where they are not,
block by block, so that memory grows with the images.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .._utils.kernels import load_kernels
from ..exceptions import TooManyPairsError
from ..hamming._pairs import Bits, Pairs
from ._labels import Labels, label_components, relabel

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
    search : PairSearch
        What finds the pairs of different signatures.
    held : HeldPairs or None
        The same pairs, if they are few.
    components : ndarray of shape (n_codes,), dtype intp
        The group of each signature, by its least member.
    nearest_code : ndarray of shape (n_codes,), dtype int64
        The distance of each signature to the nearest other one within the radius; a number
        beyond all distances where there is none.
    n_pairs : int
        How many pairs of images there are, equal ones included.
    """

    codes: Labels
    n_codes: int
    search: PairSearch
    held: HeldPairs | None
    components: Labels
    nearest_code: Bits
    n_pairs: int

    @property
    def near(self) -> PairSearch:
        """What tells the pairs of different signatures, in the least time."""
        return self.search if self.held is None else self.held

    @classmethod
    def survey(cls, codes: Labels, n_codes: int, search: PairSearch) -> CompactPairs:
        """Go through the pairs once, and hold them if they are few."""
        n_of_code = _count(codes, n_codes)
        tally = _Tally(np.arange(n_codes), np.full(n_codes, _FAR))
        n_pairs = int((n_of_code * (n_of_code - 1) // 2).sum())
        all_differ = n_of_code.max(initial=1) == 1
        for block in search.blocks():
            tally.add(block)
            left, right, _ = block
            n_across = len(left) if all_differ else (n_of_code[left] * n_of_code[right]).sum()
            n_pairs += int(n_across)
        return cls(codes, n_codes, search, *tally.finish(), n_pairs)

    @classmethod
    def of_labels(cls, labels: Labels) -> CompactPairs:
        """Take the members of a group for near each other."""
        n_codes = int(labels.max(initial=-1)) + 1
        return cls.survey(labels, n_codes, HeldPairs(Pairs.concatenate([]), n_codes))

    def grow(self, more: Labels, n_codes: int, search: PairSearch) -> CompactPairs:
        """Add images: only what is near to them is searched.

        Parameters
        ----------
        more : ndarray of shape (n_added,), dtype intp
            The signatures of the images that are added. Those that are new have the numbers from
            the number of those before on.
        n_codes : int
            How many signatures there are now.
        search : PairSearch
            What finds the pairs among them.

        Returns
        -------
        CompactPairs
            The pairs of all; this object stays as it is.
        """
        before, added = _count(self.codes, n_codes), _count(more, n_codes)
        n_new = n_codes - self.n_codes
        tally = _Tally(
            np.concatenate([self.components, np.arange(self.n_codes, n_codes)]),
            np.concatenate([self.nearest_code, np.full(n_new, _FAR)]),
            None if self.held is None else [self.held.pairs],
        )
        twice = int((added * (2 * before + added - 1)).sum())
        for asked, found in ask(search, np.flatnonzero(added)):
            left, right = asked[found.left], found.right
            twice += int((added[left] * (2 * before[right] + added[right])).sum())
            # Pairs of two old signatures are known; two new ones are found from both sides.
            new = (left >= self.n_codes) & (right < left)
            tally.add(Pairs(right[new], left[new], found.distance[new]))
        codes = np.concatenate([self.codes, more])
        return CompactPairs(codes, n_codes, search, *tally.finish(), self.n_pairs + twice // 2)

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

    def images_of(self, matches: Pairs) -> Pairs:
        """Write out matches, left anything and right a signature, with images on the right.

        They are ordered by left, then right.
        """
        check_room(int(self._members.of(matches.right)[2].sum()))
        rows = Members(np.arange(int(matches.left.max(initial=-1)) + 1))
        return Pairs.concatenate(expand(matches, rows, self._members)).in_order()

    @cached_property
    def _members(self) -> Members:
        return Members(self.codes)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_members"}

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
        for block in self.near.blocks():
            for found in expand(block, self._members):
                # Of the pair of codes, either may have the earlier images.
                left, right = found.left, found.right
                yield Pairs(np.minimum(left, right), np.maximum(left, right), found.distance)
        equal = np.flatnonzero(self.n_of_code() > 1)
        itself = Pairs(equal, equal, np.zeros(len(equal), dtype=np.int64))
        for found in expand(itself, self._members):
            # An image is no pair with itself, and equal ones are met from both sides.
            yield found.take(found.left < found.right)


class _Tally:
    """What pairs of signatures lead to, as they come by.

    Parameters
    ----------
    components : ndarray of shape (n_codes,), dtype intp
        For each signature the least of its group.
    nearest : ndarray of shape (n_codes,), dtype int64
        The nearest distances so far; changed.
    held : list of Pairs, optional
        What is held already; None: nothing is.
    """

    def __init__(
        self, components: Labels, nearest: Bits, held: Sequence[Pairs] | None = ()
    ) -> None:
        self._components = components
        self._nearest = nearest
        self._held = None if held is None else list(held)
        self._n_held = sum(len(pairs.left) for pairs in held or ())
        self._most_held = max(_MOST_HELD, _MOST_HELD_EACH * len(components))
        self._waiting: list[Pairs] = []
        self._n_waiting = 0
        self._parents: NDArray[np.uint32] | None = None

    def add(self, pairs: Pairs) -> None:
        """Note pairs, and hold them as long as they are few."""
        self._waiting.append(pairs)
        self._n_waiting += len(pairs.left)
        if self._held is not None:
            self._held.append(pairs)
            self._n_held += len(pairs.left)
            if self._n_held > self._most_held:
                self._held = None
        if self._held is None and self._n_waiting > _STEP:
            self._unite()

    def finish(self) -> tuple[HeldPairs | None, Labels, Bits]:
        """Return the pairs if they are few, the groups, and the nearest distances."""
        if self._parents is not None:
            self._unite()
            load_kernels("hamming").flatten(self._parents)
            self._components = self._parents.astype(np.intp)
        elif self._n_waiting:  # so few that they are joined before a loop is even loaded
            links = Pairs.concatenate(self._waiting)
            for side in (links.left, links.right):
                np.minimum.at(self._nearest, side, links.distance)
            self._components = _join(self._components, links)
        held = None
        if self._held is not None:
            held = HeldPairs(Pairs.concatenate(self._held), len(self._components))
        return held, self._components, self._nearest

    def _unite(self) -> None:
        if self._parents is None:
            self._parents = self._components.astype(np.uint32)
        for pairs in self._waiting:
            load_kernels("duplicates").note_pairs(self._parents, self._nearest, *pairs)
        self._waiting, self._n_waiting = [], 0


def _join(components: Labels, links: Pairs) -> Labels:
    """Join the groups of signatures that pairs connect; each is known by its least member."""
    ends = np.concatenate([components[links.left], components[links.right]])
    heads, place = np.unique(ends, return_inverse=True)
    left, right = np.split(place, 2)
    joined = label_components(len(heads), Pairs(left, right, links.distance))
    new_heads = np.arange(len(components))
    new_heads[heads] = heads[np.unique(joined, return_index=True)[1]][joined]
    return new_heads[components]


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


def _count(codes: Labels, n_codes: int) -> NDArray[np.int64]:
    return np.bincount(codes[codes >= 0], minlength=n_codes)
