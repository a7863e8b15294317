"""Tables that are read as batches of Arrow: Parquet files, tables of pyarrow and polars."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..._utils.frames import is_table_stream
from ..._utils.optional import import_extra
from ..._utils.path_text import show_path
from ...exceptions import LayoutError
from .._row_references import (
    ColumnReader,
    ParquetReader,
    RowReader,
    RowReference,
    rows_per_block,
)

BATCH_ROWS = 1024
_PAGE_ROWS = 16  # rows of which a page consists at least
_WRITTEN_BYTES = 32 * 2**20  # what is collected before it is written as a row group


def import_arrow(purpose: str) -> Any:
    """Return pyarrow, or raise `MissingExtraError`."""
    return import_extra("pyarrow", "parquet", purpose)


class ArrowTable(ABC):
    """The rows of a table that is read as batches of Arrow.

    Attributes
    ----------
    name : str
        The name of the table, which begins the names of the images that it holds.
    schema : pyarrow.Schema
        The names and types of its columns.
    n_rows : int
        The number of rows.
    file_of_row : ndarray of shape (n_rows,), dtype intp
        The number of the file that holds each row.
    """

    suffix = ".parquet"
    name = "table"
    schema: Any
    n_rows: int
    file_of_row: NDArray[np.intp]

    @property
    def columns(self) -> list[str]:
        """The names of the columns."""
        return list(self.schema.names)

    @abstractmethod
    def read(self, column: str) -> Any:
        """Return a column as a ChunkedArray."""

    @abstractmethod
    def batches(self) -> Iterator[Any]:
        """Yield all rows as RecordBatches, in order."""

    @abstractmethod
    def references(self, column: str) -> list[RowReference]:
        """Return references to the encoded images in a column."""

    def holds_files(self, column: str) -> bool:
        """Return whether a column holds encoded images, as bytes or as structs with "bytes"."""
        return holds_files(self.schema.field(column).type)

    def holds_text(self, column: str) -> bool:
        """Return whether a column holds text, or is empty."""
        return holds_text(self.schema.field(column).type)

    def holds_numbers(self, column: str) -> bool:
        """Return whether a column can hold no images."""
        return not self.holds_text(column) and not self.holds_files(column)

    def images(self, column: str) -> list[Any]:
        """Return the paths and URLs in a column, or references to the images in it."""
        kind = self.schema.field(column).type
        if self.holds_text(column):
            with self._explain(column):
                return list(self.read(column).to_pylist())
        if self.holds_files(column):
            return list(self.references(column))
        raise LayoutError(
            f"{self.name}, column {column!r}: expected paths, URLs or encoded images. Got values "
            f"of the type {kind}."
        )

    def values(self, column: str) -> pd.Series[Any]:
        """Return a column as one of pandas."""
        with self._explain(column):
            values = self.read(column)
            values.validate(full=True)  # pandas would fail later, where nobody expects it
            if values.null_count:  # whole numbers stay whole
                return pd.Series(values.to_pylist(), dtype=object)
            return pd.Series(values.to_pandas())

    @contextmanager
    def _explain(self, column: str) -> Iterator[None]:
        """Raise `LayoutError` with the name of a column whose values are damaged."""
        try:
            yield
        except (UnicodeError, import_arrow("Reading a table of Arrow").ArrowException) as error:
            cause = " ".join(str(error).split())
            raise LayoutError(
                f"{self.name}, column {column!r}: its values are damaged ({cause})."
            ) from error

    def write(
        self, rows: NDArray[np.intp], replaced: Mapping[str, NDArray[np.object_]], path: Path
    ) -> None:
        """Write some rows in the order of the table, with new values in some columns."""
        arrow = import_arrow("Writing a table of Arrow")
        parquet = import_extra("pyarrow.parquet", "parquet", "Writing a Parquet file")
        wanted = np.zeros(self.n_rows, dtype=bool)
        wanted[rows] = True
        schema = self.schema
        for name in replaced:
            place = schema.get_field_index(name)
            if not _is_text(schema.field(place).type):
                schema = schema.set(place, schema.field(place).with_type(arrow.string()))
        # Small pages let readers keep little in memory.
        with parquet.ParquetWriter(path, schema, write_batch_size=_PAGE_ROWS) as writer:
            pending: list[Any] = []
            start = 0
            for batch in self.batches():
                mask = wanted[start : start + batch.num_rows]
                if mask.any():
                    piece = arrow.Table.from_batches([batch])
                    for name, values in replaced.items():
                        place = schema.get_field_index(name)
                        new = values[start : start + batch.num_rows].tolist()
                        column = arrow.array(new, arrow.string(), from_pandas=True)
                        column = column.cast(schema.field(place).type)
                        piece = piece.set_column(place, schema.field(place), column)
                    pending.append(piece.filter(arrow.array(mask)).cast(schema))
                start += batch.num_rows
                if sum(piece.nbytes for piece in pending) > _WRITTEN_BYTES:
                    writer.write_table(arrow.concat_tables(pending))
                    pending.clear()
            if pending:
                writer.write_table(arrow.concat_tables(pending))
        if start != self.n_rows:
            raise LayoutError(
                f"{self.name} had {self.n_rows} rows when it was read, and has {start} now. Read "
                f"it again."
            )


def holds_files(kind: Any) -> bool:
    """Return whether a type of Arrow is that of encoded images, see `ArrowTable.holds_files`."""
    return _is_binary(kind) or _has_field(kind, "bytes")


def holds_text(kind: Any) -> bool:
    """Return whether a type of Arrow is that of text, see `ArrowTable.holds_text`."""
    return _is_text(getattr(kind, "value_type", kind)) or str(kind) == "null"


def _has_field(kind: Any, name: str) -> bool:
    is_struct = str(kind).startswith("struct<")
    return is_struct and any(kind.field(n).name == name for n in range(kind.num_fields))


def _is_binary(kind: Any) -> bool:
    return str(kind) in ("binary", "large_binary", "binary_view")


def _is_text(kind: Any) -> bool:
    return str(kind) in ("string", "large_string", "string_view")


class MemoryTable(ArrowTable):
    """A Table or RecordBatch of pyarrow, a DataFrame of polars, or what gives a table once.

    Parameters
    ----------
    table : Table, RecordBatch, DataFrame, RecordBatchReader or another stream of Arrow
        The table. Streams are read into memory.
    """

    def __init__(self, table: Any) -> None:
        arrow = import_arrow("Reading a table of polars or Arrow")
        if hasattr(table, "to_arrow"):  # of polars
            table = table.to_arrow()
        if isinstance(table, arrow.RecordBatch):
            table = arrow.Table.from_batches([table])
        if is_table_stream(table):
            try:
                table = arrow.RecordBatchReader.from_stream(table).read_all()
            except (TypeError, ValueError, OSError, arrow.ArrowException) as error:
                cause = " ".join(str(error).split())
                raise LayoutError(
                    f"The {type(table).__name__} cannot be read as a table ({cause})."
                ) from error
        self._table = table
        self.schema = table.schema
        self.n_rows = table.num_rows
        self.file_of_row = np.zeros(self.n_rows, dtype=np.intp)

    def read(self, column: str) -> Any:
        """Return a column as a ChunkedArray."""
        return self._table.column(column)

    def batches(self) -> Iterator[Any]:
        """Yield all rows as RecordBatches, in order."""
        yield from self._table.to_batches(max_chunksize=BATCH_ROWS)

    def references(self, column: str) -> list[RowReference]:
        """Return references to the encoded images in a column."""
        return refer(ColumnReader(self.name, self._table.column(column)), self.n_rows)


class ParquetTable(ArrowTable):
    """The rows of one or more Parquet files.

    Parameters
    ----------
    paths : sequence of Path
        The files, with the same columns. Their rows follow each other.

    Raises
    ------
    LayoutError
        If a file is not Parquet, or has other columns than the first.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self.paths = list(paths)
        self.name = paths[0].name
        sizes = []
        for number, path in enumerate(paths):
            with self._open(path) as file:
                schema, facts = file.schema_arrow, file.metadata
            if number and not schema.equals(self.schema):
                raise LayoutError(
                    f"{show_path(str(path))}: its columns are not those of {self.name}. Expected "
                    f"{self.schema.names} of the same types. Got {schema.names}."
                )
            if not number:
                self.schema = schema
            groups = [facts.row_group(group).num_rows for group in range(facts.num_row_groups)]
            if sum(groups) != facts.num_rows:
                raise LayoutError(
                    f"{show_path(str(path))}: not a whole Parquet file (it announces "
                    f"{facts.num_rows} rows and holds {sum(groups)})."
                )
            sizes.append(facts.num_rows)
        self.n_rows = sum(sizes)
        self._sizes = sizes
        self.file_of_row = np.repeat(np.arange(len(paths)), sizes)

    def read(self, column: str) -> Any:
        """Return a column as a ChunkedArray."""
        pieces = []
        for path in self.paths:
            with self._open(path) as file:
                pieces.extend(file.read(columns=[column]).column(column).chunks)
        arrow = import_arrow("Reading a Parquet file")
        return arrow.chunked_array(pieces, type=self.schema.field(column).type)

    def batches(self) -> Iterator[Any]:
        """Yield all rows as RecordBatches, in order and in bounded memory."""
        for path in self.paths:
            with self._open(path, buffer_size=2**20, pre_buffer=False) as file:
                yield from file.iter_batches(_rows_per_batch(file.metadata))

    @contextmanager
    def _open(self, path: Path, **options: Any) -> Iterator[Any]:
        """Open a file, and raise `LayoutError` with its name if it is damaged."""
        arrow = import_arrow("Reading a Parquet file")
        parquet = import_extra("pyarrow.parquet", "parquet", "Reading a Parquet file")
        try:
            with parquet.ParquetFile(path, **options) as file:
                yield file
        except (OSError, ValueError, arrow.ArrowException) as error:
            cause = " ".join(str(error).split())
            raise LayoutError(
                f"{show_path(str(path))}: not a whole Parquet file ({cause})."
            ) from error

    def references(self, column: str) -> list[RowReference]:
        """Return references to the encoded images in a column."""
        found = []
        for path, size in zip(self.paths, self._sizes, strict=True):
            found += refer(ParquetReader(str(path), column, path.as_posix()), size)
        return found


def refer(reader: RowReader, n_rows: int) -> list[RowReference]:
    return [RowReference(reader, row) for row in range(n_rows)]


def _rows_per_batch(facts: Any) -> int:
    """Return how many rows of a Parquet file to read at a time."""
    groups = [facts.row_group(number) for number in range(facts.num_row_groups)]
    n_bytes = sum(group.total_byte_size for group in groups)
    return min(rows_per_block(n_bytes, facts.num_rows), BATCH_ROWS)
