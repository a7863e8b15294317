"""From a split that leaks to one that does not, by moving few images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils.validation import _num_samples

from .._utils.containers import as_column, join_rows, take_rows
from .._utils.descriptions import describe_value
from .._utils.display import rows_as_html
from ..duplicates._finder_hints import point_to_finder
from ..duplicates._labels import Labels
from ..exceptions import ParameterError, SplitSizeWarning, warn_user
from ..images._sources import describe_source
from ._parts import ComparedParts, compare_parts, name_parts, tell_uncompared

_MAJORITY = "majority"


@dataclass(frozen=True, repr=False)
class SplitRepair:
    """What `repair_split` moved.

    Attributes
    ----------
    moved : pandas.DataFrame
        One row an image that was moved: "image", "from_part" and "from_row" where it was,
        "to_part" and "to_row" where it is now.
    unreadable : dict of str to int
        How many images of each part could not be read: they stay where they are.
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
        """How many images of each part could not be read."""
        return dict(zip(self._parts.names, self._parts.unreadable, strict=True))

    def apply(self, *parts: Any) -> list[Any]:
        """Move the rows of something else that is split alike, such as labels.

        Parameters
        ----------
        *parts : list, tuple, array, sparse matrix, Series or DataFrame
            One for each part of the split, in the same order and of the same lengths.

        Returns
        -------
        list
            The parts after the move, in containers of their kinds.
        """
        for part in parts:
            if isinstance(part, str | bytes):
                raise TypeError(
                    f"Expected one container for each part of the split. Got the single "
                    f"{type(part).__name__} {describe_value(part)}: of a table, give the columns "
                    f"of its parts."
                )
        lengths = [_num_samples(part) for part in parts]
        if lengths != self._parts.sizes:
            raise ValueError(
                f"The split has parts of {self._parts.sizes} images. Got parts of {lengths}."
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
        """Show the first images that were moved in a notebook."""
        moved = self.moved
        columns = {str(name): moved[name].tolist() for name in moved.columns}
        columns["image"] = [describe_source(image) for image in columns["image"]]
        return rows_as_html(str(self), columns)

    def __repr__(self) -> str:
        return f"<SplitRepair: {self}>"

    def __str__(self) -> str:
        moves = self.moved.groupby(["from_part", "to_part"], sort=False).size().reset_index()
        told = ", ".join(f"{n} from {one} to {other}" for one, other, n in moves.to_numpy())
        names = self._parts.names
        before = ", ".join(
            f"{name} {size}" for name, size in zip(names, self._parts.sizes, strict=True)
        )
        sizes = np.bincount(self._target, minlength=len(names))
        after = ", ".join(f"{name} {size}" for name, size in zip(names, sizes, strict=True))
        n_moved = len(self._moved_rows())
        return (
            f"{n_moved} of {len(self._target)} images moved{f': {told}' if told else ''}. "
            f"Images before: {before}; after: {after}.{tell_uncompared(self._parts)}"
        )

    def _moved_rows(self) -> Labels:
        return np.flatnonzero(self._target != self._parts.part)

    def _rows_of(self, number: int) -> Labels:
        """Return the rows that a part has after the move: its own, then those that came."""
        rows = np.flatnonzero(self._target == number)
        return rows[np.argsort(self._parts.part[rows] != number, kind="stable")]


@point_to_finder
def repair_split(
    train: Any, test: Any = None, *, priority: Any = "train", finder: Any = None
) -> Any:
    """Move images between the parts of a split until no near duplicates straddle them.

    A group of near duplicates that stands in more than one part goes as a whole to the part that
    keeps it. No other image is moved.

    Parameters
    ----------
    train, test : list, tuple, array, Series or DataFrame
        As for `leakage_report`; or a mapping of names to parts, as `train` alone.
    priority : str or sequence of str, default="train"
        Which part keeps a group: the named one, if it has an image of the group. Of several names
        the first that has; parts that are not named come last, in their order. "majority": the
        part that has most of the group, so that the fewest images are moved (of equal ones the
        first).
    finder : estimator with ``fit_predict(X) -> labels``, default=None
        What says what a near duplicate is; None means ``NearDuplicateFinder()``.

    Returns
    -------
    train, test : container
        Of the kinds that were given: what stays, in its order, then what was moved there. Pandas
        indexes go along. If a mapping was given, a dict of all parts stands in their place.
    repair : SplitRepair
        What was moved; ``repair.apply(y_train, y_test)`` moves labels likewise.

    Warns
    -----
    SplitSizeWarning
        If a part is empty afterwards.

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
    majority = isinstance(priority, str) and priority == _MAJORITY
    order = _order_of_priority(list(parts), [] if majority else priority)
    compared = compare_parts("repair_split", parts, finder)
    groups = compared.near.labels()
    counts = compared.count(groups)
    if majority:
        keeper = counts.argmax(axis=1)
    else:
        keeper = np.array(order)[(counts[:, order] > 0).argmax(axis=1)]
    repair = SplitRepair(compared, keeper[groups])
    repaired = repair.apply(*parts.values())
    _warn_of_empty(compared, keeper[groups])
    if isinstance(train, Mapping):
        return dict(zip(train, repaired, strict=True)), repair
    return *repaired, repair


def _warn_of_empty(parts: ComparedParts, target: Labels) -> None:
    sizes = np.bincount(target, minlength=len(parts.names))
    for name, before, after in zip(parts.names, parts.sizes, sizes, strict=True):
        if before and not after:
            warn_user(
                f"All {before} images of {name} have near duplicates in other parts, which keep "
                f"them: {name} is empty now. Another priority, or a smaller radius, leaves more.",
                SplitSizeWarning,
            )


def _order_of_priority(names: list[str], priority: Any) -> list[int]:
    """Return the parts in the order in which they keep groups: those named, then the rest."""
    is_list = isinstance(priority, list | tuple)
    wanted = [str(name) for name in priority] if is_list else [str(priority)]
    if any(name not in names for name in wanted):
        raise ParameterError(
            f"The 'priority' parameter of repair_split must name parts among {names}, or be "
            f"'majority'. Got {describe_value(priority)} instead."
        )
    rest = [name for name in names if name not in wanted]
    return [names.index(name) for name in dict.fromkeys([*wanted, *rest])]
