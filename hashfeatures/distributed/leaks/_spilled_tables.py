"""Rows of tables that are too many for memory, in a temporary file that is mapped."""

from __future__ import annotations

import os
import tempfile
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from .._part_directory import arrow


class SpilledTables:
    """Tables in a file, which is deleted when the context ends.

    All rows are written first, and then read in any order.

    Parameters
    ----------
    schema : pyarrow.Schema
        The columns.
    """

    def __init__(self, schema: Any) -> None:
        # A thread of Arrow may keep the map a moment longer, and Windows then the file.
        self._folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self._path = os.path.join(self._folder.name, "rows.arrow")
        self._file = arrow().OSFile(self._path, "wb")  # a writer would keep a path open
        self._writer = arrow().ipc.new_file(self._file, schema)
        self.schema = schema
        self._starts = [0]
        self._map: Any = None
        self._reader: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: Any) -> None:
        self._finish()
        if self._map is not None:
            self._reader = None
            self._map.close()
        self._folder.cleanup()

    def _finish(self) -> None:
        if not self._file.closed:
            self._writer.close()
            self._file.close()

    @property
    def n_rows(self) -> int:
        """The number of rows so far."""
        return self._starts[-1]

    def append(self, table: Any) -> None:
        """Write rows below those before."""
        for batch in table.combine_chunks().to_batches():
            self._writer.write_batch(batch)
            self._starts.append(self.n_rows + batch.num_rows)

    def take(self, rows: NDArray[np.int64], exist: NDArray[np.bool_]) -> Any:
        """Return rows by their numbers, in any order, as a pyarrow.Table.

        Parameters
        ----------
        rows : ndarray of shape (n_rows,), dtype int64
            The numbers.
        exist : ndarray of shape (n_rows,), dtype bool
            False where there is no row, and the result is null.
        """
        pyarrow = arrow()
        if self._reader is None:
            self._finish()
            self._map = pyarrow.memory_map(self._path)
            self._reader = pyarrow.ipc.open_file(self._map)
        wanted, places = np.unique(rows[exist], return_inverse=True)
        numbers = np.searchsorted(self._starts, wanted, side="right") - 1
        batches = [
            self._reader.get_batch(int(number)).take(
                pyarrow.array(wanted[numbers == number] - self._starts[number])
            )
            for number in np.unique(numbers)
        ]
        of_row = np.zeros(len(rows), dtype=np.int64)
        of_row[exist] = places
        table = pyarrow.Table.from_batches(batches, self.schema)
        return table.combine_chunks().take(pyarrow.array(of_row, mask=~exist))
