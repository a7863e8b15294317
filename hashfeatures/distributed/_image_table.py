"""Tables with a row for each image: in memory, in a file, or a collection."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, NamedTuple

import pandas as pd

from .._utils.descriptions import describe_value, shorten
from .._utils.frames import column_names, is_frame, list_column
from .._utils.validation import refuse
from ..exceptions import StageError
from ..images._errors import describe_error
from ..images._sources import pick_image_column
from ._part_directory import arrow, locate, open_located

_BLOCK_ROWS = 1 << 17  # of names as strings of Python
_DAMAGES = (pd.errors.ParserError, pd.errors.EmptyDataError)


class ImageTable(NamedTuple):
    """A table with a row for each image.

    Parameters
    ----------
    images : list or pyarrow.ChunkedArray
        The images or their names, None where there is none.
    columns : list of str
        The names of all columns.
    kept : dict of str to column
        The columns that were asked for.
    """

    images: Any
    columns: list[Any]
    kept: dict[Any, Any]

    def blocks(self) -> list[Any]:
        """Return the images in blocks: lists or arrays of pyarrow."""
        if isinstance(self.images, list):
            return [self.images]
        table = arrow().table({"image": self.images})
        return [batch.column(0) for batch in table.to_batches(_BLOCK_ROWS)]

    @classmethod
    def read(
        cls, caller: str, table: Any, column: str | None, wanted: Sequence[Any]
    ) -> ImageTable:
        """Read a table.

        Parameters
        ----------
        caller : str
            The name of the function, for messages.
        table : DataFrame, other table, Collection, path or URL
            The table, or a Parquet or CSV file.
        column : str or None
            The column of images. None finds it by its name, as where images are read.
        wanted : sequence of str
            The columns to keep, if the table has them.

        Raises
        ------
        ParameterError
            If this is no table.
        StageError
            If the file cannot be read.
        ValueError
            If the table has no column of images.
        """
        if not isinstance(table, str | os.PathLike):
            return cls._of_frame(caller, table, column, wanted)
        system, path, address = locate(table)
        read = cls._of_csv if address.lower().endswith(".csv") else cls._of_parquet
        try:
            with open_located(system, path) as file:
                return read(caller, file, column, wanted)
        except (OSError, UnicodeDecodeError, *_DAMAGES) as error:
            raise _unreadable(address, error) from error
        except arrow().ArrowException as error:
            raise _unreadable(address, error) from error

    @classmethod
    def _of_frame(
        cls, caller: str, table: Any, column: str | None, wanted: Sequence[Any]
    ) -> ImageTable:
        if not is_frame(table):
            expected = "a table, a Collection, or the path or URL of a Parquet or CSV file"
            raise refuse(caller, "table", expected, table)
        columns = column_names(table)
        name = _choose(caller, table, column)
        kept = {each: table[each] for each in wanted if each in columns}
        return cls(list_column(table, name), columns, kept)

    @classmethod
    def _of_csv(
        cls, caller: str, file: Any, column: str | None, wanted: Sequence[Any]
    ) -> ImageTable:
        columns = list(pd.read_csv(file, nrows=0).columns)
        file.seek(0)
        name = _choose(caller, pd.DataFrame(columns=columns), column)
        used = [each for each in columns if each == name or each in wanted]
        frame = pd.read_csv(file, usecols=used, low_memory=False)
        texts = frame[name].astype(object)
        images = texts.where(texts.notna(), None).tolist()
        return cls(images, columns, {each: frame[each] for each in wanted if each in columns})

    @classmethod
    def _of_parquet(
        cls, caller: str, file: Any, column: str | None, wanted: Sequence[Any]
    ) -> ImageTable:
        opened = arrow().parquet.ParquetFile(file)
        columns = list(opened.schema_arrow.names)
        name = _choose(caller, pd.DataFrame(columns=columns), column)
        used = list(dict.fromkeys([name, *(each for each in columns if each in wanted)]))
        table = opened.read(columns=used)
        kept = table.select([each for each in used if each in wanted]).to_pandas()
        return cls(
            table.column(name), columns, {each: kept[each] for each in wanted if each in columns}
        )


def list_columns(path: str | os.PathLike[str]) -> list[Any]:
    """Return the names of the columns of a Parquet or CSV file.

    Raises
    ------
    StageError
        If the file cannot be read.
    """
    system, inner, address = locate(path)
    try:
        with open_located(system, inner) as file:
            if address.lower().endswith(".csv"):
                return list(pd.read_csv(file, nrows=0).columns)
            return list(arrow().parquet.read_schema(file).names)
    except (OSError, UnicodeDecodeError, *_DAMAGES, arrow().ArrowException) as error:
        raise _unreadable(address, error) from error


def _choose(caller: str, table: Any, column: str | None) -> Any:
    """Return the name of the column of images."""
    if column is None:
        return pick_image_column(table, caller)
    columns = column_names(table)
    if column not in columns:
        expected = f"the name of a column of the table, which has {describe_value(columns)}"
        raise refuse(caller, "column", expected, column)
    return column


def _unreadable(address: str, error: Exception) -> StageError:
    return StageError(f"The table {shorten(address)} cannot be read: {describe_error(error)}")
