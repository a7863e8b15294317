"""Read columns of stored tables of hashes, whatever types a reader gave them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
from pandas.api.types import is_numeric_dtype

from .descriptions import describe_value

# Missing values in columns that were read as text. No hash has any of these forms.
_MISSING = ("", "nan", "NaN", "NA", "N/A", "<NA>", "None", "null")


def read_numbers(column: Any) -> pd.Series[Any]:
    """Return a column of numbers, or of digits, as floats; NaN where there is no number.

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
    """Return values for ranking: as numbers if all values that are present are numbers."""
    column = pd.Series(values)
    numbers = read_numbers(column)
    is_there = ~(column.isna() | column.isin(_MISSING))
    return numbers if numbers[is_there].notna().all() else column


def read_hashes(column: Any) -> pd.Series[Any]:
    """Return a column of hashes as strings; None where there is no hash.

    Raises
    ------
    ValueError
        If the column holds numbers, as digits that were read as numbers lost leading zeros.
    """
    cells = column.astype(object)
    values: pd.Series[Any] = cells.where(cells.notna() & ~cells.isin(_MISSING), None)
    if is_numeric_dtype(column.dtype) and values.notna().any():
        raise ValueError(
            f"Expected hex strings in the column {describe_value(column.name)}. Got numbers, "
            f"which have lost the leading zeros of hashes. Read the column as text, with "
            f"pd.read_csv(..., dtype=str)."
        )
    return values
