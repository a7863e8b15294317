"""The images in the rows of a data set of Hugging Face, read in blocks or as a stream."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from .._row_references import Block, ForwardReader, RowReader, as_image, rows_per_block

_MOST_ROWS = 1024


class DatasetReader(RowReader):
    """Reads the images of a Dataset, in memory or memory-mapped, in blocks of about 16 MB."""

    def __init__(self, name: str, encoded: Any) -> None:
        super().__init__(name)
        self._rows = encoded.with_format("arrow")
        n_rows = rows_per_block(encoded.data.nbytes, len(encoded.data))
        self._block_rows = min(n_rows, _MOST_ROWS)

    def begin(self, row: int) -> tuple[int, int, Iterator[Block]]:
        """Return the block that holds `row`."""
        start = row // self._block_rows * self._block_rows
        block = Block(start, self._rows[start : start + self._block_rows].column(0))
        return start, block.stop, iter([block])

    def open(self, cell: Any) -> Any:
        """Return the image in a cell."""
        return as_pixels(super().open(cell))


class StreamReader(ForwardReader):
    """Reads the images of an IterableDataset, from its beginning on."""

    def __init__(self, name: str, encoded: Any, column: str, n_rows: int) -> None:
        super().__init__(name, partial(_read_cells, encoded, column), n_rows)

    def open(self, cell: Any) -> Any:
        """Return the image in a cell."""
        return as_stored(cell)


def as_stored(cell: Any) -> Any:
    """Return the image in a cell of a stream as it is stored: bytes, a path or an array."""
    return as_pixels(as_image(cell))


def _read_cells(stream: Any, column: str) -> Iterator[list[Any]]:
    """Yield the values of a column, each in a list of its own."""
    return ([row[column]] for row in stream)


def as_pixels(image: Any) -> Any:
    """Return an image that is stored as nested lists of bytes as an array."""
    if not isinstance(image, list):
        return image
    pixels = np.asarray(image)
    if pixels.dtype.kind in "iu" and pixels.size and 0 <= pixels.min() <= pixels.max() <= 255:
        return pixels.astype(np.uint8)
    return pixels
