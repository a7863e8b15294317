"""Repair of a split that leaks, by moving few images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ..._utils.containers import as_column, join_rows, take_rows
from ..._utils.descriptions import describe_value
from ..._utils.display import rows_as_html
from ..._utils.docstrings import fill_in_parameters
from ..._utils.sklearn_internals import count_samples
from ...duplicates._finder_hints import point_to_finder
from ...duplicates._labels import Labels
from ...duplicates._resolve import SupportsFitPredict
from ...exceptions import SplitSizeWarning, warn_user
from ...images._sources import describe_source
from .._groups import or_another_image
from .._parts import ComparedParts, compare_parts, name_parts
from .._priority import choose_keepers, order_of_priority


@dataclass(frozen=True, repr=False)
class SplitRepair:
    """The moves of images between the parts of a split.

    `repair_split` returns it.

    Read more in the :doc:`User Guide </user-guide/leaks>`.

    Attributes
    ----------
    moved : pandas.DataFrame
        One row for each image that was moved: "image", its place before in "from_part" and
        "from_row", and its place now in "to_part" and "to_row".
    unreadable : dict of str to int
        The number of images in each part that could not be read. They are not moved.

    See Also
    --------
    repair_split : Moves the images.

    Examples
    --------
    >>> from hashfeatures import DuplicateGroups, repair_split
    >>> train, test, repair = repair_split(
    ...     [[0, 0], [1, 1]], [[0, 0], [0, 1]], finder=DuplicateGroups(radius=0)
    ... )
    >>> repair.moved[["from_part", "from_row", "to_part", "to_row"]]
      from_part  from_row to_part  to_row
    0      test         0   train       2
    >>> repair.apply(["a", "b"], ["a", "c"])
    [['a', 'b', 'a'], ['c']]
    """

    _parts: ComparedParts
    _target: Labels

    @property
    def moved(self) -> pd.DataFrame:
        """The images that were moved."""
        names = np.array(self._parts.names, dtype=object)
        rows = self._moved_rows()
        to_row = np.empty(len(self._target), dtype=np.intp)
        for number in range(len(names)):
            now = self._rows_of(number)
            to_row[now] = np.arange(len(now))
        return pd.DataFrame(
            {
                "image": as_column([self._parts.sources[row] for row in rows]),
                "from_part": names[self._parts.part[rows]],
                "from_row": self._parts.row[rows],
                "to_part": names[self._target[rows]],
                "to_row": to_row[rows],
            }
        )

    @property
    def unreadable(self) -> dict[str, int]:
        """The number of images in each part that could not be read."""
        return dict(zip(self._parts.names, self._parts.unreadable, strict=True))

    def apply(self, *parts: Any) -> list[Any]:
        """Move the rows of other data with the same split, such as labels.

        Parameters
        ----------
        *parts : list, tuple, array, sparse matrix, Series or DataFrame
            One container for each part of the split, in the same order and of the same length.

        Returns
        -------
        list
            The parts after the moves, as containers of the input's types.
        """
        for part in parts:
            if isinstance(part, str | bytes):
                raise TypeError(
                    f"Expected one container for each part of the split. Got the single "
                    f"{type(part).__name__} {describe_value(part)}. Pass the columns themselves, "
                    f"train[column] and test[column]."
                )
        lengths = [count_samples(part) for part in parts]
        if lengths != self._parts.sizes:
            raise ValueError(
                f"Expected parts of {self._parts.sizes} rows, as in the split. Got parts of "
                f"{lengths} rows."
            )
        repaired = []
        for number in range(len(parts)):
            rows = self._rows_of(number)
            pieces = [
                take_rows(parts[origin], self._parts.row[rows[self._parts.part[rows] == origin]])
                for origin in [number, *np.delete(range(len(parts)), number)]
            ]
            repaired.append(join_rows(pieces))
        return repaired

    def _repr_html_(self) -> str:
        """Show the first moved images in a notebook."""
        moved = self.moved
        columns = {str(name): moved[name].tolist() for name in moved.columns}
        columns["image"] = [describe_source(image) for image in columns["image"]]
        return rows_as_html(str(self), columns)

    def __repr__(self) -> str:
        return f"<SplitRepair: {self}>"

    def __str__(self) -> str:
        moves = self.moved.groupby(["from_part", "to_part"], sort=False).size().reset_index()
        listed = ", ".join(f"{n} from {one} to {other}" for one, other, n in moves.to_numpy())
        before = _join_sizes(self._parts.names, self._parts.sizes)
        sizes = np.bincount(self._target, minlength=len(self._parts.names)).tolist()
        after = _join_sizes(self._parts.names, sizes)
        n_moved = len(self._moved_rows())
        return (
            f"{n_moved} of {len(self._target)} images moved{f': {listed}' if listed else ''}. "
            f"Images before: {before}; after: {after}.{self._parts.counts.describe_uncompared()}"
        )

    def _moved_rows(self) -> Labels:
        return np.flatnonzero(self._target != self._parts.part)

    def _rows_of(self, number: int) -> Labels:
        """Return the rows of a part after the moves: its own rows first, then the new ones."""
        rows = np.flatnonzero(self._target == number)
        return rows[np.argsort(self._parts.part[rows] != number, kind="stable")]


def _join_sizes(names: Sequence[str], sizes: Sequence[int]) -> str:
    return ", ".join(f"{name} {size}" for name, size in zip(names, sizes, strict=True))


@fill_in_parameters
@point_to_finder
def repair_split(
    train: Any,
    test: Any = None,
    *,
    priority: Any = "train",
    groups: Any = None,
    finder: SupportsFitPredict | None = None,
) -> Any:
    """Move images between the parts of a split until it leaks no near duplicates.

    A group of near duplicates in more than one part moves as a whole to the part that keeps it.
    No other image is moved.

    Read more in the :doc:`User Guide </user-guide/leaks>`.

    Parameters
    ----------
    $parts
    priority : str or sequence of str, default="train"
        The part that keeps a group, if it has an image of the group. Among several names, the
        first part with an image of the group keeps it. Parts that are not named come last, in
        their order. With "majority", the part with most images of the group keeps it, so
        that the fewest images move. Ties go to the first part.
    $groups_of_parts
        They are merged with the groups of near duplicates.
    $finder

    Returns
    -------
    train, test : container
        The images that stay, in their order, then the images that were moved there. The containers
        are of the input's types, and pandas objects keep their index. For a mapping of parts, one
        dict of all parts takes the place of `train` and `test`.
    repair : SplitRepair
        The moves. ``repair.apply(y_train, y_test)`` moves labels in the same way.

    Warns
    -----
    SplitSizeWarning
        If a part is empty afterwards.

    See Also
    --------
    leakage_report : Finds what leaks.
    train_test_split : Makes a new split.

    Examples
    --------
    >>> from hashfeatures import DuplicateGroups, repair_split
    >>> bits_train, bits_test = [[0, 0, 0], [1, 1, 1]], [[0, 0, 0], [0, 1, 1], [1, 0, 1]]
    >>> train, test, repair = repair_split(bits_train, bits_test, finder=DuplicateGroups(radius=0))
    >>> train, test
    ([[0, 0, 0], [1, 1, 1], [0, 0, 0]], [[0, 1, 1], [1, 0, 1]])
    >>> print(repair)
    1 of 5 images moved: 1 from test to train. Images before: train 2, test 3; after: train 3,
    test 2.
    >>> repair.apply(["a", "b"], ["a", "c", "d"])
    [['a', 'b', 'a'], ['c', 'd']]
    """
    parts = name_parts("repair_split", train, test)
    priority = order_of_priority("repair_split", list(parts), priority)
    compared = compare_parts("repair_split", parts, finder, groups=groups)
    target = find_targets(compared, priority)
    repair = SplitRepair(compared, target)
    repaired = repair.apply(*parts.values())
    _warn_of_empty(compared, target)
    if test is None:
        names = train if isinstance(train, Mapping) else parts
        return dict(zip(names, repaired, strict=True)), repair
    return *repaired, repair


def find_targets(parts: ComparedParts, priority: str | Sequence[int]) -> Labels:
    """Return the part of each image after a repair.

    Parameters
    ----------
    parts : ComparedParts
        The parts before.
    priority : sequence of int, or "majority"
        All parts, in the order in which they keep groups; or "majority", as in `repair_split`.

    Returns
    -------
    ndarray of shape (n_images,), dtype intp
        The number of the part.
    """
    groups = parts.groups
    targets: Labels = choose_keepers(parts.count(groups), priority)[groups]
    return targets


def _warn_of_empty(parts: ComparedParts, target: Labels) -> None:
    sizes = np.bincount(target, minlength=len(parts.names))
    for name, before, after in zip(parts.names, parts.sizes, sizes, strict=True):
        if before and not after:
            warn_user(
                f"All {before} images of {name} have near duplicates"
                f"{or_another_image(parts.own)} in other parts, which keep them, so {name} is "
                f"empty now. To leave images there, pass another priority or a finder with a "
                f"smaller radius.",
                SplitSizeWarning,
            )
