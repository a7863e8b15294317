"""Values that a user has of images, in whatever order, for the images of a stage."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import issparse

from ..._utils.containers import check_length, take_rows
from ..._utils.descriptions import describe_value
from ..._utils.labels import list_labels
from ..._utils.quantities import count
from ..._utils.sklearn_internals import count_samples
from ..._utils.validation import refuse
from ...duplicates._components import Labels
from .._hash_stage import keys_of
from ._image_table import ImageTable, name_wholly
from ._stage_rows import Keys, StageRows, match_keys

_NOUNS = {"stratify": "class", "groups": "group"}


class ImageValues(NamedTuple):
    """Values of images.

    Parameters
    ----------
    values : container
        The values in the user's order.
    places : ndarray of shape (n_images,), dtype intp
        Where in `values` that of each image of the stage is, the first one if there are several;
        -1 where there is none.
    repeats : tuple of ndarray of shape (n_repeats,), dtype intp, or None
        Two places of an image that is listed again.
    """

    values: Any
    places: Labels
    repeats: tuple[Labels, Labels] | None = None

    def take(self, rows: Labels) -> Any:
        """Return the values of some images of the stage, which must all have one."""
        return take_rows(self.values, self.places[rows])

    def find_contradiction(self) -> tuple[int, int] | None:
        """Return two places that give one image different values, if there are any."""
        if self.repeats is None or issparse(self.values):
            return None
        one, other = (np.asarray(take_rows(self.values, places)) for places in self.repeats)
        differs = (one != other) & ~(np.asarray(pd.isna(one)) & np.asarray(pd.isna(other)))
        differing = np.flatnonzero(differs.reshape(len(one), -1).any(axis=1))
        if not len(differing):
            return None
        return tuple(int(places[differing[0]]) for places in self.repeats)  # type: ignore[return-value]

    def number(self) -> Labels:
        """Return the number of each image's value; an image without one has a number alone."""
        is_plain = isinstance(self.values, pd.Series | np.ndarray) and self.values.ndim == 1
        listed = self.values if is_plain else list_labels(self.values, count_samples(self.values))
        of_values = pd.factorize(listed)[0].astype(np.intp)
        numbers = np.where(self.places < 0, -1, of_values[self.places])
        missing = np.flatnonzero(numbers < 0)
        numbers[missing] = len(of_values) + np.arange(len(missing))
        return numbers

    def are_missing(self) -> NDArray[np.bool_]:
        """Return which images of the stage have no value."""
        missing: NDArray[np.bool_] = self.places < 0
        if issparse(self.values):
            return missing
        cells: Any = np.asarray(pd.isna(self.values))
        is_empty = cells.reshape(len(cells), -1).any(axis=1)
        return missing | is_empty[self.places] if is_empty.any() else missing


class ValueReader:
    """Reads the values of the parameters of a function for the images of a stage.

    Parameters
    ----------
    caller : str
        The name of the function, for messages.
    rows : StageRows
        The images of the stage.
    table : ImageTable or None
        A table of images.
    """

    def __init__(self, caller: str, rows: StageRows, table: ImageTable | None) -> None:
        self._caller, self._rows, self._table = caller, rows, table

    def has(self, given: Any) -> bool:
        """Return whether a parameter is the name of a column of the table."""
        is_name = self._table is not None and isinstance(given, str)
        return is_name and given in self._table.columns  # type: ignore[union-attr]

    def read(self, parameter: str, given: Any, needed: NDArray[np.bool_]) -> ImageValues:
        """Return the values of a parameter.

        Parameters
        ----------
        parameter : str
            The name of the parameter, for messages.
        given : str, mapping, Series, DataFrame or array-like
            The name of a column of the table; values by the names of images; or values in the
            order of the stage, which a Series and a DataFrame with a default index hold too.
        needed : ndarray of shape (n_images,), dtype bool
            Which images must have a value.

        Raises
        ------
        ParameterError
            If a string is not the name of a column.
        ValueError
            If an image has no value or two of them, or an array has another length than the stage.
        """
        found = self._find(parameter, given)
        if (places := found.find_contradiction()) is not None:
            row = int(np.flatnonzero(found.places == places[0])[0])
            one, other = np.asarray(take_rows(found.values, np.array(places))).tolist()
            raise ValueError(
                f"The image {describe_value(self._rows.name(row))} has two values in "
                f"`{parameter}`: {describe_value(one)} and "
                f"{describe_value(other)}. List each image once."
            )
        missing = np.flatnonzero(found.are_missing() & needed)
        if len(missing):
            first = describe_value(self._rows.name(int(missing[0])))
            has = "has" if len(missing) == 1 else "have"
            raise ValueError(
                f"{count(len(missing), 'image')} {has} no {_NOUNS[parameter]} in `{parameter}`, "
                f"the first is {first}. Name each image by its absolute path or URL, as in the "
                f"column 'image' of the groups."
            )
        return found

    def _find(self, parameter: str, given: Any) -> ImageValues:
        if isinstance(given, str):
            if not self.has(given):
                known = "there is no table"
                if self._table is not None:
                    known = f"the table has the columns {describe_value(self._table.columns)}"
                expected = f"values of images, or the name of a column of `table` ({known})"
                raise refuse(self._caller, parameter, expected, given)
            return ImageValues(self._table.kept[given], *self._matched)  # type: ignore[union-attr]
        if isinstance(given, Mapping):
            named = pd.Series([*given.values(), None], dtype=object)[:-1].infer_objects()
            return ImageValues(named, *self._match([list(given)]))
        is_named = isinstance(given, pd.Series | pd.DataFrame)
        if is_named and not isinstance(given.index, pd.RangeIndex):
            return ImageValues(given, *self._match([given.index.tolist()]))
        check_length(parameter, given, len(self._rows))
        return ImageValues(given, np.arange(len(self._rows)))

    @cached_property
    def _matched(self) -> tuple[Labels, tuple[Labels, Labels] | None]:
        assert self._table is not None
        return self._match(self._table.blocks(), self._table.whole_names)

    def _match(
        self, blocks: Sequence[Any], whole_names: Callable[[list[Any]], list[str]] = name_wholly
    ) -> tuple[Labels, tuple[Labels, Labels] | None]:
        """Return where each image of the stage is among names, which come in blocks."""
        none = np.zeros(0, dtype=np.uint64)
        keys = np.concatenate([none, *(keys_of(_as_given(block)) for block in blocks)])
        places = match_keys(keys, self._rows.keys)
        if (places < 0).any():  # other names may be relative, or file: URLs
            is_used = np.zeros(len(keys), dtype=bool)
            is_used[places[places >= 0]] = True
            start, rest = 0, []
            for block in blocks:
                listed = _list(block)
                rest += [listed[row] for row in np.flatnonzero(~is_used[start:][: len(listed)])]
                start += len(listed)
            keys[~is_used] = keys_of(whole_names(rest))
            places = match_keys(keys, self._rows.keys)
        return places, self._find_repeats(keys, places)

    def _find_repeats(self, keys: Keys, places: Labels) -> tuple[Labels, Labels] | None:
        """Return the first place and another one of images that are listed again."""
        rows = match_keys(self._rows.keys, keys)
        listed = np.flatnonzero(rows >= 0)
        again = listed[places[rows[listed]] != listed]
        return (places[rows[again]], again) if len(again) else None


def _list(block: Any) -> list[Any]:
    listed: list[Any] = block if isinstance(block, list) else block.to_pylist()
    return listed


def _as_given(block: Any) -> list[str]:
    return [each if isinstance(each, str) else "" for each in _list(block)]
