"""Read tables of named columns of any package, without importing the package."""

from __future__ import annotations

from typing import Any

import numpy as np

# How the names of numeric types of Arrow and Hugging Face begin.
_NUMERIC = ("int", "uint", "float", "double", "halffloat", "decimal", "bool")


def is_missing(source: object) -> bool:
    """Return whether `source` is None, NaN, NaT or ``pandas.NA``."""
    if source is None or type(source).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(source, float | np.floating) and source != source


def list_values(column: Any) -> list[Any]:
    """Return the values of a column as a list."""
    for method in ("to_list", "to_pylist"):  # pandas and polars; arrow
        if hasattr(column, method):
            return list(getattr(column, method)())
    return list(column)


def is_frame(images: Any) -> bool:
    """Return whether `images` is a table of pandas, polars, Arrow or Hugging Face."""
    return hasattr(images, "shape") and (
        hasattr(images, "columns") or hasattr(images, "column_names")
    )


def is_table_stream(images: Any) -> bool:
    """Return whether `images` is not a table but gives one by Arrow's interface, perhaps once.

    A reader of record batches does, for example. A column gives no names of columns.
    """
    if not hasattr(images, "__arrow_c_stream__") or is_frame(images):
        return False
    known = dir(images)  # as asking a LazyFrame for its schema costs time
    return any(name in known for name in ("schema", "columns", "column_names"))


def holds_numbers(frame: Any, name: Any) -> bool:
    """Return whether the type of a column of a table is numeric, so that it holds no images."""
    if is_dataset(frame):
        return is_numeric_feature(frame.features[name])
    column = frame[name]
    kind: Any = getattr(column, "dtype", None)
    if hasattr(kind, "is_numeric"):  # of polars
        return bool(kind.is_numeric())
    if hasattr(kind, "kind"):  # of pandas
        return str(kind.kind) in "iufcb"
    return str(getattr(column, "type", "")).startswith(_NUMERIC)


def is_numeric_feature(feature: Any) -> bool:
    """Return whether a column of Hugging Face holds one number per row, by its type."""
    is_value = type(feature).__name__ in ("Value", "ClassLabel")
    return is_value and str(feature.dtype).startswith(_NUMERIC)


def is_dataset(frame: Any) -> bool:
    """Return whether a table is a Dataset of Hugging Face, which decodes images on access."""
    return hasattr(frame, "cast_column") and not hasattr(frame, "iloc")


def is_collection(images: Any) -> bool:
    """Return whether `images` is a `Collection`, of which rows are taken by `select`."""
    return hasattr(images, "write_split") and is_frame(images)


def column_names(frame: Any) -> list[Any]:
    """Return the names of the columns of a table; none if `frame` is not a table."""
    if not is_frame(frame):
        return []
    is_other = not hasattr(frame, "iloc") and hasattr(frame, "column_names")
    return list(frame.column_names if is_other else frame.columns)


def list_column(frame: Any, name: Any) -> list[Any]:
    """Return the values of a column of a table; images of Hugging Face stay encoded."""
    feature: Any = frame.features.get(name) if is_dataset(frame) else None
    if getattr(feature, "decode", False):
        frame = frame.cast_column(name, type(feature)(decode=False))
    return list_values(frame[name])
