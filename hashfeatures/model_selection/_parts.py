"""The named parts of a split, and which of their images are near each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._utils.frames import is_missing
from .._utils.sklearn_internals import count_samples
from ..duplicates._finder import NearDuplicateFinder
from ..duplicates._groups import DuplicateGroups
from ..duplicates._labels import Labels
from ..duplicates._pair_graph import CompactPairs
from ..duplicates._resolve import check_finder, group_images, is_bit_matrix
from ..duplicates.fingerprints._fingerprints import Signatures
from ..hamming._neighbors import HammingNeighbors
from ..hamming._packing import words_from_bits
from ..images._sources import check_container, image_column, list_sources


@dataclass(frozen=True)
class ComparedParts:
    """Parts of a split, one after the other.

    Parameters
    ----------
    names : list of str
        What the parts are called.
    sizes : list of int
        How many images each has.
    sources : list
        The images of all; the rows of a matrix of bits have None.
    near : CompactPairs
        Which of all images are near each other.
    unreadable : list of int
        How many images of each part could not be read.
    has_distances : bool
        False if a finder told groups alone.
    """

    names: list[str]
    sizes: list[int]
    sources: list[Any]
    near: CompactPairs
    unreadable: list[int]
    has_distances: bool

    @cached_property
    def part(self) -> Labels:
        """The part of each image."""
        return np.repeat(np.arange(len(self.sizes)), self.sizes)

    @cached_property
    def low_detail(self) -> list[int]:
        """How many images of each part have too little detail to be compared by hashes alone.

        Their pixels are compared, but where there are only hashes, as in a table.
        """
        uncompared = np.bincount(self.part[self.near.codes < 0], minlength=len(self.sizes))
        return [int(n) - known for n, known in zip(uncompared, self.unreadable, strict=True)]

    @property
    def uncompared(self) -> list[int]:
        """How many images of each part were compared with none, for either reason."""
        return [one + other for one, other in zip(self.unreadable, self.low_detail, strict=True)]

    @property
    def unseen(self) -> list[bool]:
        """Whether a part has images of which none was compared: nothing is known of it."""
        return [0 < size == n for size, n in zip(self.sizes, self.uncompared, strict=True)]

    def why_unchecked(self, allowed: float | int = 0) -> str | None:
        """Say why it was not found out whether the parts share near duplicates.

        Parameters
        ----------
        allowed : int or float, default=0
            How many images, or which share of them, may be left uncompared.

        Returns
        -------
        str or None
            A sentence or two; None if it was found out.
        """
        what = "read or compared" if any(self.low_detail) else "read"
        for name, size, is_unseen in zip(self.names, self.sizes, self.unseen, strict=True):
            if not size:
                return f"Not checked: {name} has no images."
            if is_unseen:
                return f"Not checked: none of {_count(size)} in {name} could be {what}."
        n_uncompared, n_images = sum(self.uncompared), sum(self.sizes)
        n_or_share = n_uncompared / n_images if isinstance(allowed, float) else n_uncompared
        if n_or_share <= allowed:
            return None
        which = ", ".join(
            f"{name} {n} of {size}"
            for name, n, size in zip(self.names, self.uncompared, self.sizes, strict=True)
            if n
        )
        how_many = f"{n_uncompared} of {_count(n_images)}"
        return f"Not checked: {how_many} could not be {what} ({which}), and {allowed:g} may be."

    @cached_property
    def row(self) -> Labels:
        """The row of each image in its part."""
        return np.concatenate([np.arange(size) for size in self.sizes])

    def count(self, groups: Labels) -> NDArray[np.int64]:
        """Count the images of each group in each part, those of the group -1 left out."""
        known = groups >= 0
        n_groups, n_parts = int(groups.max(initial=-1)) + 1, len(self.sizes)
        cells = groups[known] * n_parts + self.part[known]
        return np.bincount(cells, minlength=n_groups * n_parts).reshape(n_groups, n_parts)


def tell_uncompared(parts: ComparedParts) -> str:
    """Say how many images of each part were compared with none; "" if all were compared."""
    detail = "too little detail for their hashes"
    reasons = [
        (parts.unreadable, "could not be read", "could not be read"),
        (parts.low_detail, f"has {detail}", f"have {detail}"),
    ]
    text = ""
    for counts, one, many in reasons:
        if n_images := sum(counts):
            text += f" {_count(n_images)} "
            text += f"{one} and was" if n_images == 1 else f"{many} and were"
            where = zip(parts.names, counts, strict=True)
            by_part = ", ".join(f"{name} {n}" for name, n in where)
            text += f" compared with none. By part: {by_part}."
    return text


def _count(n_images: int) -> str:
    return "1 image" if n_images == 1 else f"{n_images} images"


def name_parts(caller: str, train: Any, test: Any) -> dict[str, Any]:
    """Return the parts by name: "train" and "test", or those of a mapping in its order."""
    if isinstance(train, Mapping):
        if test is not None:
            raise TypeError(
                f"{caller} takes a training and a test part, or one mapping of names to parts. "
                f"Got a mapping and something beside it."
            )
        parts = {str(name): part for name, part in train.items()}
    else:
        parts = {"train": train, "test": test}
    missing = [name for name, part in parts.items() if part is None]
    if len(parts) < 2 or missing:
        raise TypeError(
            f"{caller} needs two parts or more: {caller}(train, test), or "
            f"{caller}({{'train': ..., 'validation': ..., 'test': ...}}). "
            f"Got {', '.join(missing) + ' = None' if missing else f'{len(parts)} part'}."
        )
    for part in parts.values():
        check_container(part, caller)
    return parts


def compare_parts(caller: str, parts: dict[str, Any], finder: Any = None) -> ComparedParts:
    """Find the near duplicates within and among the parts of a split.

    Parameters
    ----------
    caller : str
        Who asks, for the messages.
    parts : dict of str to container
        Image sources, frames with a column of them, or matrices of bits: all of one kind.
    finder : estimator with ``fit_predict(X) -> labels``, optional
        None means ``NearDuplicateFinder()``.

    Returns
    -------
    ComparedParts
        The parts, and what is near.
    """
    finder = check_finder(finder)
    filled = [part for part in parts.values() if count_samples(part)]
    are_bits = [is_bit_matrix(part) for part in filled or parts.values()]
    if any(are_bits):
        if not all(are_bits):
            raise TypeError(
                f"{caller} expects parts of one kind, images or matrices of bits. Got both, in "
                f"{', '.join(parts)}."
            )
        return _compare_bits(caller, parts, finder)
    images = {name: image_column(part, caller) for name, part in parts.items()}
    listed = [list_sources(part, caller) for part in images.values()]
    sources = [source for part in listed for source in part]
    sizes = [len(part) for part in listed]
    if isinstance(finder, NearDuplicateFinder) and finder._is_fitted_on(sources):
        near = finder._near
        ends = np.cumsum(sizes)
        of_part = np.searchsorted(ends, finder.failures_["position"], side="right")
        unreadable = np.bincount(of_part, minlength=len(sizes)).tolist()
    elif isinstance(finder, NearDuplicateFinder):
        signed = [finder._sign(part) for part in images.values()]
        unreadable = [len(part.failures) for part in signed]
        joined = Signatures.join([part.signatures for part in signed])
        radius = finder._choose_radius(sources)
        finder._warn_of_crowd(joined, radius)
        near = joined.near(radius, finder.n_jobs, color_radius=finder.color_radius)
    else:
        # What else it could not read, such a finder alone knows.
        missing = [[is_missing(source) for source in part] for part in listed]
        unreadable = [sum(part) for part in missing]
        present = ~np.array([each for part in missing for each in part], dtype=bool)
        near = CompactPairs.of_labels(np.where(present, group_images(sources, finder), -1))
    has_distances = isinstance(finder, NearDuplicateFinder)
    return ComparedParts(list(parts), sizes, sources, near, unreadable, has_distances)


def _compare_bits(caller: str, parts: dict[str, Any], finder: Any) -> ComparedParts:
    given = [part for part in parts.values() if count_samples(part)] or list(parts.values())
    checked = [HammingNeighbors()._check_bits(part, reset=True) for part in given]
    widths = [part.shape[1] for part in checked]
    if len(set(widths)) > 1:
        raise ValueError(f"{caller} expects parts of as many bits each. Got {widths}.")
    bits = np.vstack(checked)
    knows_distances = isinstance(finder, NearDuplicateFinder | DuplicateGroups)
    if knows_distances:
        words, present = words_from_bits(bits)
        nothing = np.zeros(len(bits), dtype=bool)
        pixels = np.zeros((len(bits), 2), dtype=np.uint64)
        signatures = Signatures(words, present, pixels, nothing, widths[0])
        is_finder = isinstance(finder, NearDuplicateFinder)
        radius = finder._given_radius(*bits.shape) if is_finder else finder.radius
        near = signatures.near(radius, finder.n_jobs)
    else:
        present = ~np.isnan(bits).any(axis=1)
        near = CompactPairs.of_labels(np.where(present, group_images(bits, finder), -1))
    sizes = [count_samples(part) for part in parts.values()]
    # A row of NaN is of an image that could not be read.
    unreadable = [int((~rows).sum()) for rows in np.split(present, np.cumsum(sizes)[:-1])]
    sources = [None] * len(bits)
    return ComparedParts(list(parts), sizes, sources, near, unreadable, knows_distances)
