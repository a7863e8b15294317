"""Files of hashes: tables with one row per image and one hex column per hash.

They are CSV, Parquet or JSON, which other programs read as well, and the hex strings are those of
ImageHash. The column "settings" records how hashes were made, so that hashes made in different
ways are never compared.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, BinaryIO

import pandas as pd

from .._utils.atomic_write import write_whole
from .._utils.containers import as_column
from .._utils.optional import import_extra
from .._utils.path_text import encoding_of, show_path, write_path
from .._utils.regular_files import open_regular
from .._utils.stored_columns import read_numbers
from ..exceptions import MissingExtraError
from ..hashing._algorithms import BITS_VERSION
from ._context import GlobalOptions
from ._errors import CommandError
from ._file_state import to_columns

if TYPE_CHECKING:
    from ._inputs import InputImages

SETTINGS = "settings"
SUFFIXES = (".parquet", ".csv", ".json")
_LISTED = ".parquet, .csv or .json"
_NUMBERS = ("width", "height", "detail")
_TRIMMED = "trim_borders=True"


def describe_settings(decode: str, trim_borders: bool = False) -> str:
    """Return the text by which a file of hashes records how they were made."""
    trimmed = f" {_TRIMMED}" if trim_borders else ""
    return f"decode={decode} orient=True background=white{trimmed} version={BITS_VERSION}"


def parse_settings(settings: str) -> tuple[str, bool]:
    """Return `decode` and `trim_borders` from such a text, or the defaults from an empty one."""
    words = settings.split()
    return "reduced" if "decode=reduced" in words else "full", _TRIMMED in words


def hash_collection(
    collection: InputImages,
    hashes: Sequence[str],
    decode: str,
    trim_borders: bool,
    common: GlobalOptions,
) -> pd.DataFrame:
    """Hash the images of a collection into the table of a file of hashes."""
    from ..hashing._hash_table import hash_images

    table = hash_images(
        collection.sources,
        hashes,
        decode=decode,
        trim_borders=trim_borders,
        n_jobs=common.n_jobs,
        cache=common.cache,
        progress=common.progress,
    )
    table["image"] = as_column(collection.names)
    settings = describe_settings(decode, trim_borders)
    return table.assign(**to_columns(collection.states), **{SETTINGS: settings})


def check_format(path: str) -> str:
    """Return the suffix of a file of hashes, or raise if its format is not known."""
    suffix = os.path.splitext(path)[1].lower()
    if suffix not in SUFFIXES:
        raise CommandError(f"{path}: the name of a file of hashes must end in {_LISTED}.")
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
    """Write a file of hashes atomically."""
    write_whole(path, to_bytes(table, check_format(path)))


def read_table(path: str) -> pd.DataFrame:
    """Read a table. Columns of hashes are strings, even if all digits are decimal.

    Raises
    ------
    CommandError
        If the file cannot be read as a table.
    """
    suffix = os.path.splitext(path)[1].lower()
    try:
        with open_regular(path) as file:
            table = _read(file, suffix)
    except (FileNotFoundError, PermissionError, IsADirectoryError, MissingExtraError):
        raise
    except UnicodeDecodeError as error:
        raise CommandError(
            f"{show_path(path)} cannot be read as a table: its encoding is not UTF-8. "
            f"Save it as UTF-8."
        ) from error
    except Exception as error:  # each reader raises errors of its own
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
        raise ValueError("expected a list of objects, one per image")
    return pd.DataFrame(records) if records else pd.DataFrame({"image": []}, dtype=object)
