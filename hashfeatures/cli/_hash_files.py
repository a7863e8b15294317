"""Files of hashes: tables with one row an image and one hex column a hash.

They are CSV, Parquet or JSON, and every program reads them: the hex strings are ImageHash's. The
column "settings" says how they were made, so that what cannot be compared is not.
"""

from __future__ import annotations

import io
import json
import os
from typing import BinaryIO

import pandas as pd

from .._utils.atomic_write import write_whole
from .._utils.optional import import_extra
from .._utils.path_text import encoding_of, show_path, write_path
from .._utils.regular_files import open_regular
from .._utils.stored_columns import read_numbers
from ..exceptions import MissingExtraError, ParameterError
from ..hashing._algorithms import BITS_VERSION
from ..hashing._spec import HashSpec
from ._errors import CommandError

SETTINGS = "settings"
SUFFIXES = (".parquet", ".csv", ".json")
_NUMBERS = ("width", "height", "detail")


def say_settings(decode: str) -> str:
    """Return the text that stands in a file of hashes for how they were made."""
    return f"decode={decode} orient=True background=white version={BITS_VERSION}"


def is_hash(column: object) -> bool:
    """Tell whether a column is named like a hash."""
    try:
        HashSpec.parse(column)  # type: ignore[arg-type]
    except ParameterError:
        return False
    return True


def check_format(path: str) -> str:
    """Return the suffix of a file of hashes, or fail before the work."""
    suffix = os.path.splitext(path)[1].lower()
    if suffix not in SUFFIXES:
        raise CommandError(f"{path}: a file of hashes ends in {', '.join(SUFFIXES)}.")
    if suffix == ".parquet":
        import_extra("pyarrow", "parquet", "A Parquet file")
    return suffix


def to_bytes(table: pd.DataFrame, suffix: str) -> bytes:
    """Return a table as the content of a file."""
    table = table.assign(image=[write_path(str(image)) for image in table["image"]])
    if suffix == ".csv":
        return table.to_csv(index=False).encode("utf-8", "backslashreplace")
    if suffix == ".json":
        text: str = table.to_json(orient="records", indent=1)
        return text.encode("utf-8")
    buffer = io.BytesIO()
    table.to_parquet(buffer, engine="pyarrow", index=False)
    return buffer.getvalue()


def write_table(table: pd.DataFrame, path: str) -> None:
    """Write a file of hashes, whole or not at all."""
    write_whole(path, to_bytes(table, check_format(path)))


def read_table(path: str) -> pd.DataFrame:
    """Read a table; columns of hashes are strings, whatever their digits look like.

    Raises
    ------
    CommandError
        If it cannot be read.
    """
    suffix = os.path.splitext(path)[1].lower()
    try:
        with open_regular(path) as file:
            table = _read(file, suffix)
    except (FileNotFoundError, PermissionError, IsADirectoryError, MissingExtraError):
        raise
    except UnicodeDecodeError as error:
        raise CommandError(
            f"{show_path(path)} cannot be read as a table: it is not in UTF-8. Save it as UTF-8."
        ) from error
    except Exception as error:  # each reader raises what it likes for broken content
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise CommandError(f"{show_path(path)} cannot be read as a table: {reason}") from error
    for column in _NUMBERS:
        if column in table.columns:
            table[column] = read_numbers(table[column]).astype("Int64")
    return table


def _read(file: BinaryIO, suffix: str) -> pd.DataFrame:
    if suffix == ".csv":
        encoding = encoding_of(file.read(4))
        file.seek(0)
        return pd.read_csv(
            file, dtype=str, keep_default_na=False, na_values=[""], encoding=encoding
        )
    if suffix == ".parquet":
        import_extra("pyarrow", "parquet", "A Parquet file")
        return pd.read_parquet(file, engine="pyarrow")
    records = json.loads(file.read())
    if not isinstance(records, list) or not all(isinstance(row, dict) for row in records):
        raise ValueError("expected a list of objects, one an image")
    return pd.DataFrame(records) if records else pd.DataFrame({"image": []}, dtype=object)
