"""The sequences that were found, in numbers and in words."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..._utils.quantities import count
from ...duplicates._labels import Labels, relabel

# The description lists so many patterns one by one.
_SHOWN = 3


class FoundSequences:
    """The sequences that were found so far.

    Parameters
    ----------
    n_images : int
        The number of images.
    """

    def __init__(self, n_images: int) -> None:
        self._labels = np.full(n_images, -1, dtype=np.intp)
        self._places = np.zeros(n_images, dtype=np.int64)
        self._ways = np.full(n_images, "", dtype=object)
        self._patterns = np.full(n_images, "", dtype=object)
        self.notes: list[str] = []

    def add(
        self,
        rows: Labels,
        labels: Labels,
        places: NDArray[np.int64],
        way: str,
        patterns: str | NDArray[np.object_],
    ) -> None:
        """Enter the sequences of some images, and the values that order these images."""
        self._labels[rows] = int(self._labels.max(initial=-1)) + 1 + labels
        self._places[rows] = places
        self._ways[rows] = way
        self._patterns[rows] = patterns

    def missing(self, present: NDArray[np.bool_]) -> Labels:
        """Return the rows that are in no sequence yet and hold an image."""
        return np.flatnonzero(present & (self._labels < 0))

    def labels_and_positions(self) -> tuple[Labels, Labels]:
        """Return the sequence of each image, and its place in it."""
        alone = np.flatnonzero(self._labels < 0)
        self.add(alone, np.arange(len(alone)), self._places[alone], "", "")
        labels = relabel(self._labels)
        places = pd.Series(self._places).groupby(labels).rank("dense").to_numpy()
        return labels, places.astype(np.intp) - 1

    def tabulate(self, labels: Labels) -> pd.DataFrame:
        """Return a row for each pattern that made sequences of two images or more."""
        columns = ["way", "pattern"]
        facts = pd.DataFrame({"way": self._ways, "pattern": self._patterns, "label": labels})
        sizes = facts.groupby("label").agg(
            way=("way", "first"), pattern=("pattern", "first"), size=("way", "size")
        )
        sizes = sizes[(sizes["size"] > 1) & (sizes["way"] != "")]
        by_pattern = sizes.groupby(columns, sort=False)
        table = by_pattern.agg(
            sequences=("size", "size"),
            images=("size", "sum"),
            shortest=("size", "min"),
            longest=("size", "max"),
        )
        return table.sort_values("images", ascending=False, kind="stable").reset_index()

    def describe(self, table: pd.DataFrame) -> str:
        """Return in words what was found, from the table of it."""
        named = table[table["way"] == "name"]
        n_shown = len(named) if len(named) <= _SHOWN else _SHOWN - 1
        parts = [
            f"{_count_sequences(named.iloc[[row]])} by the pattern {named['pattern'].iloc[row]}"
            for row in range(n_shown)
        ]
        if n_more := len(named) - n_shown:
            parts.append(f"{_count_sequences(named.iloc[n_shown:])} by {n_more:,} more patterns")
        others = table[table["way"] != "name"]
        parts += [
            f"{_count_sequences(others.iloc[[row]])} {others['pattern'].iloc[row]}"
            for row in range(len(others))
        ]
        n_alone = len(self._labels) - int(table["images"].sum())
        if not parts:
            parts = [f"no sequences among {count(len(self._labels), 'image')}"]
        elif n_alone:
            parts.append(f"{count(n_alone, 'image')} in no sequence")
        return "; ".join([*parts, *self.notes])


def _count_sequences(rows: pd.DataFrame) -> str:
    low, high = int(rows["shortest"].min()), int(rows["longest"].max())
    sizes = f"{low:,}" if low == high else f"{low:,} to {high:,}"
    return f"{count(int(rows['sequences'].sum()), 'sequence')} of {sizes}"
