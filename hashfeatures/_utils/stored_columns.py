"""Tables of hashes that were stored and read back, whatever types their columns have by then."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
from pandas.api.types import is_numeric_dtype

from .descriptions import describe_value

# What stands for a missing value where a reader took everything for text; no hash is spelled so.
_MISSING = ("", "nan", "NaN", "NA", "N/A", "<NA>", "None", "null")


def read_numbers(column: Any) -> pd.Series[Any]:
    """Return a column of numbers, or of their digits, as numbers; missing where there is none.

    Examples
    --------
    >>> import pandas as pd
    >>> from hashfeatures._utils.stored_columns import read_numbers
    >>> read_numbers(pd.Series(["640", "", None])).tolist()
    [640.0, nan, nan]
    """
    values = pd.Series(column.to_list(), dtype=object).replace({pd.NA: None})
    return pd.to_numeric(values, errors="coerce").astype(float)


def rank_values(values: Sequence[Any]) -> pd.Series[Any]:
    """Return values that can be ranked: as numbers, if all that are there are numbers."""
    column = pd.Series(values)
    numbers = read_numbers(column)
    is_there = ~(column.isna() | column.isin(_MISSING))
    return numbers if numbers[is_there].notna().all() else column


def read_hashes(column: Any) -> pd.Series[Any]:
    """Return a column of hashes as strings, missing where there is none.

    Raises
    ------
    ValueError
        If the column holds numbers: digits that a reader took for such have lost their zeros.
    """
    cells = column.astype(object)
    values: pd.Series[Any] = cells.where(cells.notna() & ~cells.isin(_MISSING), None)
    if is_numeric_dtype(column.dtype) and values.notna().any():
        raise ValueError(
            f"The column {describe_value(column.name)} holds numbers in place of hashes, whose "
            f"leading zeros are lost. Read it as text: pd.read_csv(..., dtype=str)."
        )
    return values
