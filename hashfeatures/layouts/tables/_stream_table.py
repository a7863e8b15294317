"""Tables that are computed when they are read: LazyFrames, relations, Datasets of pyarrow."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from .._row_references import Block, ForwardReader, RowReader, RowReference, rows_per_block
from ._arrow_table import BATCH_ROWS, ArrowTable, import_arrow, refer

_SAMPLE = 64  # rows whose size tells that of the others


class StreamTable(ArrowTable):
    """A table that is computed when it is read: a LazyFrame, a relation, a Dataset of pyarrow.

    Every reading must give the same rows in the same order. Rows are read in batches of about
    16 MB, by the size of the first rows.

    Parameters
    ----------
    source : LazyFrame, DuckDBPyRelation or pyarrow Dataset
        The table.
    """

    def __init__(self, source: Any) -> None:
        import_arrow("Reading a table that is computed")  # or the error that it is missing
        package = type(source).__module__.partition(".")[0].lstrip("_")
        self._open = {"polars": _open_lazy, "duckdb": _open_relation}.get(package, _open_dataset)
        self._source = source
        self._first, self.n_rows = self._measure()
        self.schema = self._first.schema
        self.file_of_row = np.zeros(self.n_rows, dtype=np.intp)

    def _measure(self) -> tuple[Any, int]:
        """Return the first rows, and the number of all."""
        source = self._source
        if self._open is _open_dataset:
            first = source.head(_SAMPLE, batch_size=_SAMPLE, **_IN_TURN)
            return first, source.count_rows()
        if self._open is _open_relation:
            return source.limit(_SAMPLE).to_arrow_table(), source.shape[0]
        n_rows = source.select(sys.modules["polars"].len()).collect().item()
        return source.limit(_SAMPLE).collect().to_arrow(), n_rows

    def _batches(self, columns: list[str]) -> Iterator[Any]:
        """Yield all rows of some columns as RecordBatches, in order."""
        return self._open(self._source, columns, self._batch_rows(columns))

    def _cells(self, column: str) -> Iterator[Any]:
        """Yield the batches of a column."""
        return (batch.column(0) for batch in self._batches([column]))

    def _batch_rows(self, columns: list[str]) -> int:
        first = self._first.select(columns)
        return min(rows_per_block(first.nbytes, first.num_rows), BATCH_ROWS)

    def read(self, column: str) -> Any:
        """Return a column as a ChunkedArray."""
        arrow = import_arrow("Reading a table that is computed")
        pieces = list(self._cells(column))
        return arrow.chunked_array(pieces, type=self.schema.field(column).type)

    def batches(self) -> Iterator[Any]:
        """Yield all rows as RecordBatches, in order."""
        return self._batches(self.columns)

    def references(self, column: str) -> list[RowReference]:
        """Return references to the encoded images in a column."""
        reader: RowReader
        if self._open is _open_relation:
            relation = self._source.project(_quote(column))
            first = self._first.select([column])
            reader = _RelationReader(
                self.name, relation, rows_per_block(first.nbytes, first.num_rows)
            )
        else:
            reader = ForwardReader(self.name, partial(self._cells, column), self.n_rows)
        return refer(reader, self.n_rows)


class _RelationReader(RowReader):
    """Reads a column of a relation of DuckDB in blocks.

    Each block is a query of its own, as an open result would block the connection.

    Parameters
    ----------
    name : str
        The name of the table.
    relation : DuckDBPyRelation
        The column.
    block_rows : int
        The rows of a block.
    """

    def __init__(self, name: str, relation: Any, block_rows: int) -> None:
        super().__init__(name)
        self._relation = relation
        self._block_rows = block_rows

    def begin(self, row: int) -> tuple[int, int, Iterator[Block]]:
        """Return the block that holds `row`."""
        start = row // self._block_rows * self._block_rows
        table = self._relation.limit(self._block_rows, start).to_arrow_table()
        return start, start + table.num_rows, iter([Block(start, table.column(0))])


# A Dataset of pyarrow would read many batches and files ahead.
_IN_TURN = {"batch_readahead": 1, "fragment_readahead": 1}


def _open_dataset(dataset: Any, columns: list[str], n_rows: int) -> Iterator[Any]:
    """Yield the batches of some columns of a Dataset of pyarrow."""
    yield from dataset.to_batches(columns=columns, batch_size=n_rows, **_IN_TURN)


def _open_lazy(frame: Any, columns: list[str], n_rows: int) -> Iterator[Any]:
    """Yield the batches of some columns of a LazyFrame."""
    chosen = frame.select(columns)
    if hasattr(chosen, "collect_batches"):
        for piece in chosen.collect_batches(chunk_size=n_rows, maintain_order=True):
            yield from piece.to_arrow().to_batches(max_chunksize=n_rows)
        return
    start = 0
    while (piece := chosen.slice(start, n_rows).collect()).height:  # older releases
        yield from piece.to_arrow().to_batches(max_chunksize=n_rows)
        start += piece.height


def _open_relation(relation: Any, columns: list[str], n_rows: int) -> Iterator[Any]:
    """Yield the batches of some columns of a relation of DuckDB."""
    chosen = relation.project(", ".join(map(_quote, columns)))
    method = "to_arrow_reader" if hasattr(chosen, "to_arrow_reader") else "fetch_arrow_reader"
    yield from getattr(chosen, method)(n_rows)


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
