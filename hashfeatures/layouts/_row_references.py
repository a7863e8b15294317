"""Images in the rows of a table or data set, read in blocks when they are needed."""

from __future__ import annotations

import os
import threading
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, ClassVar, NamedTuple

import numpy as np

from .._utils.optional import import_extra
from ..images._references import FileState, ImageReference, identify_file

# The most bytes of encoded images that are read at a time, where the format tells their size.
BLOCK_BYTES = 16 * 2**20
# The blocks that a reader holds, so that the two images of a pair are read once.
_HELD = 3


class Block(NamedTuple):
    """Consecutive rows that were read together: `column` holds the rows from `start` on."""

    start: int
    column: Any

    @property
    def stop(self) -> int:
        """The row after the last one."""
        return self.start + len(self.column)


class RowReader(ABC):
    """Reads the images of one column, row by row.

    It reads forward from where it is, and holds the last few blocks. A row before these makes it
    begin again. So a pass over the rows in their order reads each block once.

    Parameters
    ----------
    name : str
        The name of the table, which begins the names of its images.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._reset()

    def _reset(self) -> None:
        self._lock = threading.Lock()
        self._held: OrderedDict[int, Block] = OrderedDict()
        self._blocks: Iterator[Block] = iter(())
        self._next, self._stop = 0, 0  # the rows that `_blocks` still yields

    def __getstate__(self) -> dict[str, Any]:
        left_out = ("_lock", "_held", "_blocks", "_next", "_stop")
        return {name: value for name, value in vars(self).items() if name not in left_out}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._reset()

    @abstractmethod
    def begin(self, row: int) -> tuple[int, int, Iterator[Block]]:
        """Return the first and last row, exclusive, of consecutive blocks that hold `row`."""

    def read(self, row: int) -> Any:
        """Return the image in a row."""
        with self._lock:
            for start, block in self._held.items():
                if block.start <= row < block.stop:
                    self._held.move_to_end(start)
                    return self.open(block.column[row - start])
            if not self._next <= row < self._stop:
                self._next, self._stop, self._blocks = self.begin(row)
            for block in self._blocks:
                self._next = block.stop
                if row < block.stop:
                    self._held[block.start] = block
                    if len(self._held) > _HELD:
                        self._held.popitem(last=False)
                    return self.open(block.column[row - block.start])
            self._next, self._stop = 0, 0
            raise ValueError(f"{self.name} holds fewer rows than when its images were listed")

    def open(self, cell: Any) -> Any:
        """Return the image in a cell: bytes, a path or a mapping of both."""
        return as_image(cell.as_py() if hasattr(cell, "as_py") else cell)

    def identify(self, row: int) -> tuple[Any, ...] | None:
        """Return facts that change whenever an image may have changed: those of its content."""
        try:
            image = self.read(row)
        except Exception:  # a foreign data set may raise anything, and does so again when read
            return None
        if isinstance(image, str):
            return identify_file(image)
        if isinstance(image, bytes):
            return "bytes", blake2b(image, digest_size=16).digest()
        if isinstance(image, np.ndarray) and image.dtype == np.uint8:
            return "array", image.shape, blake2b(image.tobytes(), digest_size=16).digest()
        return None


@dataclass(frozen=True, slots=True)
class RowReference(ImageReference):
    """The image in a row.

    Parameters
    ----------
    reader : RowReader
        What reads the rows, shared by all references to them.
    row : int
        The row.
    """

    reader: RowReader
    row: int

    # Workers would each read all blocks.
    reads_in_worker: ClassVar[bool] = False

    @property
    def name(self) -> str:  # type: ignore[override]
        """The name of the table and the row."""
        return f"{self.reader.name}/{self.row}"

    def resolve(self) -> Any:
        """Return the image."""
        return self.reader.read(self.row)

    def identify(self) -> tuple[Any, ...] | None:
        """Return facts that change whenever the image may have changed."""
        return self.reader.identify(self.row)


class ColumnReader(RowReader):
    """Reads a column in memory, of Arrow or of another package whose items are cells.

    Parameters
    ----------
    name : str
        The name of the table.
    column : sequence
        The column.
    """

    def __init__(self, name: str, column: Any) -> None:
        super().__init__(name)
        self.column = column

    def begin(self, row: int) -> tuple[int, int, Iterator[Block]]:
        """Return the whole column as one block."""
        return 0, len(self.column), iter([Block(0, self.column)])


class ForwardReader(RowReader):
    """Reads what can be read only from its beginning, such as a stream.

    Parameters
    ----------
    name : str
        The name of the table.
    open_blocks : callable
        Returns an iterator of sequences of cells, from the first row on.
    n_rows : int
        The number of rows.
    """

    def __init__(self, name: str, open_blocks: Callable[[], Iterator[Any]], n_rows: int) -> None:
        super().__init__(name)
        self.open_blocks = open_blocks
        self.n_rows = n_rows

    def begin(self, row: int) -> tuple[int, int, Iterator[Block]]:
        """Return all rows, from the first one on."""
        return 0, self.n_rows, self._number()

    def _number(self) -> Iterator[Block]:
        start = 0
        for column in self.open_blocks():
            if len(column):
                yield Block(start, column)
                start += len(column)


class ParquetReader(RowReader):
    """Reads a column of encoded images of a Parquet file.

    Row groups are read in order and in batches of about 16 MB. Beside a few of these, memory holds
    one page of the file, however large a row group is. To read a row in the middle of a row group,
    the reader reads the group up to that row.

    Parameters
    ----------
    path : str
        The file.
    column : str
        The column, of bytes or of structs with the fields "bytes" and "path".
    name : str
        The name of the file, which begins the names of its images.
    state : FileState, optional
        The state of the file when its images were listed. By default, the one now.
    """

    def __init__(self, path: str, column: str, name: str, state: FileState | None = None) -> None:
        super().__init__(name)
        self.path = path
        self.column = column
        self.state = FileState.of(os.stat(path)) if state is None else state

    def _reset(self) -> None:
        super()._reset()
        self._file: Any = None

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        return {name: value for name, value in state.items() if name not in ("_file", "_starts")}

    def begin(self, row: int) -> tuple[int, int, Iterator[Block]]:
        """Return the rows of the row group that holds `row`."""
        if self._file is None:
            self._file, self._starts = self._open()
        starts = self._starts
        group = next((n for n in range(len(starts) - 1) if row < starts[n + 1]), None)
        if group is None:
            raise ValueError(f"{self.name} holds fewer rows than when its images were listed")
        return starts[group], starts[group + 1], self._read_group(group)

    def _open(self) -> tuple[Any, list[int]]:
        parquet = import_extra("pyarrow.parquet", "parquet", "Reading a Parquet file")
        self.state.check(os.stat(self.path), self.name, self.path)
        # With these, a column of a row group is not read into memory as a whole.
        file = parquet.ParquetFile(self.path, buffer_size=2**20, pre_buffer=False)
        starts = [0]
        for group in range(file.num_row_groups):
            starts.append(starts[-1] + file.metadata.row_group(group).num_rows)
        return file, starts

    def _read_group(self, group: int) -> Iterator[Block]:
        start = self._starts[group]
        for column in read_row_group(self._file, group, self.column):
            yield Block(start, column)
            start += len(column)

    def identify(self, row: int) -> tuple[Any, ...] | None:
        """Return the state of the file now, and the row."""
        facts = identify_file(self.path)
        return None if facts is None else ("parquet", *facts, self.column, row)


def read_row_group(file: Any, group: int, column: str) -> Iterator[Any]:
    """Yield a column of a row group of a ParquetFile as arrays of about 16 MB."""
    facts = file.metadata.row_group(group)
    # The size of all columns, as pyarrow ends the process at damaged facts of one column.
    n_rows = min(rows_per_block(facts.total_byte_size, facts.num_rows), facts.num_rows)
    for batch in file.iter_batches(n_rows, row_groups=[group], columns=[column]):
        yield batch.column(0)


def rows_per_block(n_bytes: int, n_rows: int) -> int:
    """Return how many rows to read at a time if `n_rows` take `n_bytes`."""
    return max(1, BLOCK_BYTES * n_rows // max(n_bytes, 1))


def as_image(value: Any) -> Any:
    """Return a cell as an image: of a struct with "bytes" and "path", the one that it has."""
    if isinstance(value, dict):
        data = value.get("bytes")
        return value.get("path") if data is None else data
    return value
