"""The named parts of a split, and the near duplicates within and among them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .._utils.frames import is_collection
from .._utils.sklearn_internals import count_samples
from ..duplicates._described_pairs import DescribePairs
from ..duplicates._labels import Labels, merge_labels
from ..duplicates._pair_graph import PairGraph
from ..duplicates._resolve import SupportsFitPredict, find_near, is_bit_matrix, read_bits
from ..images._gather import gather_images
from ..images._sources import check_container, list_sources
from ._groups import OwnGroups, read_groups_of_parts
from ._part_counts import PartCounts


@dataclass(frozen=True)
class ComparedParts:
    """Parts of a split, one after the other.

    Parameters
    ----------
    names : list of str
        The names of the parts.
    sizes : list of int
        The number of images in each part.
    sources : list
        The images of all parts; None for each row of a matrix of bits.
    graph : PairGraph
        The near pairs of all images.
    unreadable : list of int
        The number of images of each part that could not be read.
    has_distances : bool
        False if the finder returned groups alone.
    describe : callable
        Describes pairs of the images by their pixels, see `describe_near`.
    settings : dict or None
        The "hashes", "bits", "radius" and "min_agreement" of a `NearDuplicateFinder`.
    n_pixels : ndarray of shape (n_images,), dtype int64
        The sizes of the images; 0 where they are not known.
    own : OwnGroups, optional
        The groups that a user names, such as sequences.
    """

    names: list[str]
    sizes: list[int]
    sources: list[Any]
    graph: PairGraph
    unreadable: list[int]
    has_distances: bool
    describe: DescribePairs
    settings: dict[str, Any] | None
    n_pixels: NDArray[np.int64]
    own: OwnGroups | None = None

    @cached_property
    def part(self) -> Labels:
        """The part of each image."""
        return np.repeat(np.arange(len(self.sizes)), self.sizes)

    @cached_property
    def low_detail(self) -> list[int]:
        """The number of images in each part with too little detail for their hashes.

        Such images are compared by their pixels, except in a table of hashes.
        """
        uncompared = np.bincount(
            self.part[self.graph.node_of_image < 0], minlength=len(self.sizes)
        )
        return [int(n) - known for n, known in zip(uncompared, self.unreadable, strict=True)]

    @cached_property
    def counts(self) -> PartCounts:
        """The numbers of images in the parts."""
        return PartCounts(self.names, self.sizes, self.unreadable, self.low_detail)

    @property
    def own_groups(self) -> Labels | None:
        """The group of each image that a user names; None without groups."""
        return None if self.own is None else self.own.labels

    @cached_property
    def groups(self) -> Labels:
        """The group of each image, of near duplicates merged with the groups of a user."""
        labels = self.graph.labels()
        return labels if self.own is None else merge_labels(labels, self.own.labels)

    @cached_property
    def shares_group(self) -> NDArray[np.bool_]:
        """Whether each image has an image of its own group in each other part."""
        if self.own is None:
            return np.zeros((len(self.part), len(self.sizes)), dtype=bool)
        shares: NDArray[np.bool_] = (self.count(self.own.labels) > 0)[self.own.labels]
        shares[np.arange(len(self.part)), self.part] = False
        return shares

    @cached_property
    def row(self) -> Labels:
        """The row of each image in its part."""
        return np.concatenate([np.arange(size) for size in self.sizes])

    def count(self, groups: Labels) -> NDArray[np.int64]:
        """Count the images of each group in each part, without the group -1."""
        known = groups >= 0
        n_groups, n_parts = int(groups.max(initial=-1)) + 1, len(self.sizes)
        cells = groups[known] * n_parts + self.part[known]
        return np.bincount(cells, minlength=n_groups * n_parts).reshape(n_groups, n_parts)


def name_parts(caller: str, train: Any, test: Any) -> dict[str, Any]:
    """Return the parts by name: "train" and "test", or the items of a mapping."""
    if test is None and is_collection(train):
        train = train.by_part()
    if isinstance(train, Mapping):
        if test is not None:
            raise TypeError(
                f"{caller} takes a training and a test part, or one mapping of names to parts. "
                f"Got a mapping and a test part."
            )
        parts = {str(name): part for name, part in train.items()}
    else:
        parts = {"train": train, "test": test}
    missing = [name for name, part in parts.items() if part is None]
    if len(parts) < 2 or missing:
        raise TypeError(
            f"{caller} needs at least two parts, as in {caller}(train, test) or "
            f"{caller}({{'train': ..., 'validation': ..., 'test': ...}}). "
            f"Got {', '.join(missing) + ' = None' if missing else f'{len(parts)} part'}."
        )
    parts = {name: gather_images(part) for name, part in parts.items()}
    for part in parts.values():
        check_container(part, caller)
    return parts


def compare_parts(
    caller: str,
    parts: dict[str, Any],
    finder: SupportsFitPredict | None = None,
    *,
    use_hashes: bool = False,
    groups: Any = None,
) -> ComparedParts:
    """Find the near duplicates within and among the parts of a split.

    Parameters
    ----------
    caller : str
        The name of the function, for messages.
    parts : dict of str to container
        Image sources, tables with a column of them, or matrices of bits: all of one kind.
    finder : estimator with ``fit_predict(X) -> labels``, optional
        None means ``NearDuplicateFinder()``.
    use_hashes : bool, default=False
        Whether to compare the hex columns of tables instead of reading their images.
    groups : list, mapping, str or estimator, optional
        Groups that must not be in more than one part, see `read_groups_of_parts`.

    Returns
    -------
    ComparedParts
        The parts, and the near pairs.
    """
    sizes = [count_samples(part) for part in parts.values()]
    images = _join(caller, parts, use_hashes)
    own = read_groups_of_parts(caller, groups, parts, sizes, images)
    found = find_near(images, finder, use_hashes=use_hashes, caller=caller)
    of_part = np.searchsorted(np.cumsum(sizes), found.unreadable, side="right")
    unreadable = np.bincount(of_part, minlength=len(sizes)).tolist()
    return ComparedParts(
        list(parts),
        sizes,
        found.sources,
        found.graph,
        unreadable,
        found.has_distances,
        found.describe,
        found.settings,
        found.n_pixels,
        own,
    )


def _join(caller: str, parts: dict[str, Any], use_hashes: bool) -> Any:
    """Return the images of all parts, one part after the other."""
    if use_hashes:
        return pd.concat(list(parts.values()), ignore_index=True)
    filled = [part for part in parts.values() if count_samples(part)] or list(parts.values())
    are_bits = [is_bit_matrix(part) for part in filled]
    if not any(are_bits):
        return [source for part in parts.values() for source in list_sources(part, caller)]
    if not all(are_bits):
        raise TypeError(
            f"{caller} expects parts of one kind, images or matrices of bits. Got both, in "
            f"{', '.join(parts)}."
        )
    checked = [read_bits(part) for part in filled]
    widths = [part.shape[1] for part in checked]
    if len(set(widths)) > 1:
        raise ValueError(f"{caller} expects parts of the same number of bits. Got {widths}.")
    return np.vstack(checked)
