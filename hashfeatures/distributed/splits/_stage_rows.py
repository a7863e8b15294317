"""The images of a directory of groups, row by row in the order in which stages number them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..._utils.path_text import read_path
from ...duplicates._components import Labels
from ...duplicates._labels import relabel
from .._part_directory import arrow
from .._stages import Stage
from ..groups._groups import COMPONENT

Keys = NDArray[np.uint64]


class StageRows:
    """The images of a directory of groups. Each column is read when it is needed.

    Parameters
    ----------
    stage : Stage
        The directory that `components` wrote.
    """

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.parts = stage.parts()
        self._ends = np.cumsum([0, *map(stage.count, self.parts)])

    def __len__(self) -> int:
        return int(self._ends[-1])

    def slices(self) -> Iterator[tuple[str, slice]]:
        """Yield each part, and its rows."""
        for part, start, end in zip(self.parts, self._ends[:-1], self._ends[1:], strict=True):
            yield part, slice(int(start), int(end))

    @cached_property
    def _columns(self) -> list[str]:
        return self.stage.columns(self.parts[0]) if self.parts else []

    @cached_property
    def keys(self) -> Keys:
        """The key of each image."""
        return self._read("key", np.uint64, _as_numbers)

    @cached_property
    def is_readable(self) -> NDArray[np.bool_]:
        """Which images could be read."""
        if "error" not in self._columns:
            return np.ones(len(self), dtype=bool)  # of earlier releases
        return self._read("error", np.bool_, lambda column: column.is_null().to_numpy())

    def read_groups(self) -> Labels:
        """Return what stays together, counted from 0 in order of first appearance."""
        name = COMPONENT if COMPONENT in self._columns else "group"
        return relabel(self._read(name, np.uint64, _as_numbers))

    def read_names(self) -> list[str]:
        """Return the name of each image."""
        return [name for part in self.parts for name in self._names_of(part)]

    def read_folders(self) -> Any:
        """Return the name of the folder of each image, as a column of categories."""
        codes = np.empty(len(self), dtype=np.int32)
        number_of: dict[str, int] = {}
        for part, rows in self.slices():
            folders = map(os.path.dirname, self._names_of(part))
            codes[rows] = [number_of.setdefault(folder, len(number_of)) for folder in folders]
        names = pd.Series([*map(os.path.basename, number_of)], dtype=object)
        of_folder, distinct = pd.factorize(names)
        return pd.Categorical.from_codes(of_folder[codes], categories=pd.Index(distinct))

    def name(self, row: int) -> str:
        """Return the name of one image."""
        place = int(np.searchsorted(self._ends, row, side="right")) - 1
        image = self.stage.read(self.parts[place], ["image"]).column(0)
        return read_path(image[int(row - self._ends[place])].as_py())

    def _names_of(self, part: str) -> Iterator[str]:
        return map(read_path, self.stage.read(part, ["image"]).column(0).to_pylist())

    def _read(self, name: str, kind: Any, convert: Callable[[Any], Any]) -> NDArray[Any]:
        values = np.empty(len(self), dtype=kind)
        for part, rows in self.slices():
            values[rows] = convert(self.stage.read(part, [name]).column(0))
        return values


def _as_numbers(column: Any) -> NDArray[Any]:
    numbers: NDArray[Any] = column.to_numpy()
    return numbers


def match_keys(known: Keys, wanted: Keys) -> Labels:
    """Return the first row of `known` with each wanted key; -1 where there is none.

    Examples
    --------
    >>> import numpy as np
    >>> from hashfeatures.distributed.splits._stage_rows import match_keys
    >>> match_keys(np.array([7, 5, 7], np.uint64), np.array([5, 6, 7], np.uint64))
    array([ 1, -1,  0])
    """
    places = np.full(len(wanted), -1, dtype=np.intp)
    if not len(known):
        return places
    order, queries = np.argsort(known, kind="stable"), np.argsort(wanted)
    ordered = known[order]
    found = np.searchsorted(ordered, wanted[queries])  # in order, which is kind to caches
    np.minimum(found, len(known) - 1, out=found)
    is_same = ordered[found] == wanted[queries]
    places[queries[is_same]] = order[found[is_same]]
    return places


def name_codes(column: Any, names: list[str]) -> NDArray[np.int8]:
    """Return the number of each name of a column of pyarrow; -1 where it is null."""
    compute = arrow().compute
    found = compute.index_in(column, value_set=arrow().array(names, arrow().string()))
    codes: NDArray[np.int8] = compute.fill_null(found, -1).to_numpy().astype(np.int8)
    return codes
