"""A DataFrame of pandas as a table."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..._utils.frames import holds_numbers
from ...exceptions import LayoutError


class PandasTable:
    """The rows of a DataFrame.

    Parameters
    ----------
    frame : pandas.DataFrame
        The table.
    """

    def __init__(self, frame: pd.DataFrame) -> None:
        self._frame = frame
        self.columns: list[Any] = list(frame.columns)
        self.n_rows = len(frame)
        self.file_of_row: NDArray[np.intp] = np.zeros(len(frame), dtype=np.intp)
        self.suffix = ".parquet" if has_pyarrow() else ".csv"

    def holds_numbers(self, column: Any) -> bool:
        """Return whether the values of a column are numbers."""
        return holds_numbers(self._frame, column)

    def holds_text(self, column: Any) -> bool:
        """Return whether the values of a column may be text or other objects."""
        return not self.holds_numbers(column)

    def images(self, column: Any) -> list[Any]:
        """Return the images in a column."""
        if self.holds_numbers(column) and self._frame[column].notna().any():
            kind = self._frame[column].dtype
            raise LayoutError(
                f"The table, column {column!r}: expected paths, URLs or encoded images. Got "
                f"values of the type {kind}."
            )
        return list(self._frame[column])

    def values(self, column: Any) -> pd.Series[Any]:
        """Return a column."""
        values: pd.Series[Any] = self._frame[column].reset_index(drop=True)
        return values

    def write(
        self, rows: NDArray[np.intp], replaced: Mapping[Any, NDArray[np.object_]], path: Path
    ) -> None:
        """Write some rows, with new values in some columns."""
        frame = self._frame.iloc[rows].copy()
        if self._frame.index.equals(pd.RangeIndex(self.n_rows)):
            frame = frame.reset_index(drop=True)
        for name, values in replaced.items():
            frame[name] = values[rows]
        if self.suffix == ".csv":
            frame.to_csv(path, index=False, lineterminator="\n")
            return
        try:
            frame.to_parquet(path, engine="pyarrow")
        except (TypeError, ValueError, NotImplementedError) as error:  # those of pyarrow are too
            cause = " ".join(str(error).split())
            raise LayoutError(
                f"The table cannot be written as Parquet: {cause}. Keep paths or bytes of images "
                f"in it, and values of one type in each column."
            ) from error


def has_pyarrow() -> bool:
    """Return whether pyarrow is installed, without which pandas writes no Parquet."""
    return find_spec("pyarrow") is not None
