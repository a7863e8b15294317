"""Listing of tables: the images that they name, or the row groups that hold images."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any

from ..._utils.descriptions import describe_value, shorten
from ..._utils.quantities import count
from ...exceptions import SkippedFilesWarning, StageError, warn_user
from ...images._errors import describe_error
from ...images._remote import name_below
from ...images._sources import IMAGE_COLUMNS
from ...layouts.tables._arrow_table import holds_files, holds_text
from ...layouts.tables._csv_table import SUFFIXES as CSV_SUFFIXES
from ...layouts.tables._table_images import TRIED, are_here, is_relative, put_below
from ...layouts.tables._tables import PARQUET_SUFFIXES
from .._part_directory import arrow, is_local, open_located
from ._entries import Entry, address_of, whole_name
from ._part_sources import ROWS

_BLOCK_ROWS = 1 << 16  # of a table in memory


def is_table(path: str) -> bool:
    """Return whether a file is a table by its suffix."""
    return is_parquet(path) or path.lower().endswith(CSV_SUFFIXES)


def is_parquet(path: str) -> bool:
    """Return whether a file is a Parquet file by its suffix."""
    return path.lower().endswith(PARQUET_SUFFIXES)


def list_table(system: Any, path: str, address: str, column: str | None) -> Iterator[Entry]:
    """Yield the images that a table names, or its row groups if it holds encoded images.

    Relative paths are relative to the folder of the table. On a local disk, they are relative to
    the working directory instead if the first images are there, and none is in the folder.

    Parameters
    ----------
    system : fsspec file system
        What holds the table.
    path, address : str
        Where it is there, and its whole address.
    column : str, optional
        The column of names or images.

    Raises
    ------
    StageError
        If a Parquet file is damaged.
    ValueError
        If the table has no such column.
    """
    with open_located(system, path) as file:
        if not is_parquet(path):
            yield from whole_names(
                _skip_empty(_read_csv(file, address, column), address), system, path
            )
            return
        table = _open_parquet(file, address)
        name, holds_images = pick_images(table.schema_arrow, column, address)
        if holds_images:
            yield from _list_row_groups(table, name, address)
            return
        try:
            yield from whole_names(_skip_empty(_read_names(table, name), address), system, path)
        except arrow().ArrowException as error:
            raise _damaged(address, error) from error


def find_row_groups(
    system: Any, path: str, address: str, column: str | None
) -> list[Entry] | None:
    """Return the row groups of a Parquet file; None if it holds names of images.

    The parameters and errors are those of `list_table`.
    """
    with open_located(system, path) as file:
        table = _open_parquet(file, address)
        name, holds_images = pick_images(table.schema_arrow, column, address)
        return list(_list_row_groups(table, name, address)) if holds_images else None


def _open_parquet(file: Any, address: str) -> Any:
    pyarrow = arrow()
    try:
        return pyarrow.parquet.ParquetFile(file)
    except (ValueError, pyarrow.ArrowException) as error:
        raise _damaged(address, error) from error


def _damaged(address: str, error: Exception) -> StageError:
    return StageError(
        f"{shorten(address)} is not a whole Parquet file, or its server sends no parts of files: "
        f"{describe_error(error)}"
    )


def _read_csv(file: Any, address: str, column: str | None) -> Iterator[str | None]:
    import pandas as pd

    separator = "\t" if address.lower().endswith(".tsv") else ","
    header = list(pd.read_csv(file, nrows=0, sep=separator).columns)
    file.seek(0)
    name = choose_column(header, column, address, IMAGE_COLUMNS)
    options: dict[str, Any] = {"usecols": [name], "dtype": str, "sep": separator}
    for frame in pd.read_csv(file, chunksize=_BLOCK_ROWS, **options):
        texts = frame[name].astype(object)
        yield from texts.where(texts.notna(), None)


def _read_names(table: Any, name: str) -> Iterator[str | None]:
    for batch in table.iter_batches(_BLOCK_ROWS, columns=[name]):
        yield from batch.column(0).to_pylist()


def _skip_empty(values: Iterator[str | None], address: str) -> Iterator[str]:
    """Yield the names of images, and warn of rows without one, which nothing could be told of."""
    n_empty = 0
    for value in values:
        if value is None:
            n_empty += 1
        else:
            yield value
    if n_empty:
        warn_user(
            f"{shorten(address)}: {count(n_empty, 'row')} without the name of an image skipped.",
            SkippedFilesWarning,
        )


def pick_images(schema: Any, column: str | None, address: str) -> tuple[str, bool]:
    """Return the column of images, and whether it holds them and not their names."""
    kinds = {field.name: field.type for field in schema}
    usable = [name for name, kind in kinds.items() if holds_text(kind) or holds_files(kind)]
    files = [name for name in usable if holds_files(kinds[name])]
    # As in `read_collection`: a usual name counts more than a type.
    usual = [name for name in IMAGE_COLUMNS if name in usable]
    wanted = usual or (files if len(files) == 1 else IMAGE_COLUMNS)
    name = choose_column(list(kinds), column, address, wanted)
    if name not in usable:
        raise ValueError(
            f"{shorten(address)}, column {name!r}: expected paths, URLs or encoded images. Got "
            f"values of the type {kinds[name]}."
        )
    return name, name in files


def choose_column(
    columns: list[str], column: str | None, address: str, usual: Iterable[str]
) -> str:
    """Return the column that was named, or the first of the usual ones."""
    wanted = list(usual) if column is None else [column]
    found = columns if column is None and len(columns) == 1 else []
    found = found or [name for name in wanted if name in columns]
    if found:
        return found[0]
    raise ValueError(
        f"{shorten(address)} has the columns {describe_value(columns[:10])}, and none of "
        f"{wanted}. Pass the name of the column with paths, URLs or images as column=..."
    )


def _list_row_groups(table: Any, column: str, address: str) -> Iterator[Entry]:
    start = 0
    for group in range(table.num_row_groups):
        n_rows = table.metadata.row_group(group).num_rows
        facts = {"kind": ROWS, "column": column, "group": group}
        text = json.dumps({**facts, "start": start, "stop": start + n_rows})
        start += n_rows
        if n_rows:
            yield Entry(address, text, n_rows, f"#{group}", address)


def whole_names(values: Iterator[str], system: Any, path: str) -> Iterator[Entry]:
    """Yield the absolute paths and the URLs of images that a table names."""
    if not is_local(system):
        folder = posixpath.dirname(path)
        for value in values:
            if is_relative(value):
                value = address_of(system, name_below(system, folder, value))
            yield Entry(whole_name(value))
        return
    first = list(islice(values, TRIED))
    above = Path(path).parent
    is_here = are_here([value for value in first if is_relative(value)], above)
    for value in chain(first, values):
        yield Entry(whole_name(value if is_here else put_below(value, above)))
