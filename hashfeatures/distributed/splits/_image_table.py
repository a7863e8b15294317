"""Tables with a row for each image: in memory, in a file, or a collection."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import pandas as pd

from ..._utils.descriptions import describe_value, shorten
from ..._utils.frames import column_names, is_dataset, is_frame, list_column
from ..._utils.validation import refuse
from ...exceptions import StageError
from ...images._errors import describe_error
from ...images._references import ImageReference
from ...images._sources import IMAGE_COLUMNS, local_path, name_source, pick_image_column
from ...layouts import read_collection
from ...layouts._reference_text import name_absolutely
from .._part_directory import arrow, locate, open_located
from ..sources._table_listing import choose_column, is_parquet, is_table, pick_images, whole_names

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
    whole_names : callable
        Returns the names of images, of some in `images`, as stages name them.
    """

    images: Any
    columns: list[Any]
    kept: dict[Any, Any]
    whole_names: Callable[[list[Any]], list[str]]

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
            The column of images. None finds it by its name, as where images are hashed.
        wanted : sequence of str
            The columns to keep, if the table has them.

        Raises
        ------
        ParameterError
            If this is not a table.
        StageError
            If the file cannot be read.
        ValueError
            If the table has no column of images.
        """
        if not isinstance(table, str | os.PathLike):
            return cls._of_frame(caller, table, column, wanted)
        if not is_table(os.fspath(table)):
            raise _refuse(caller, table)
        with _open_table(table) as opened:
            read = cls._of_parquet if is_parquet(opened.address) else cls._of_csv
            return read(opened, column, wanted)

    @classmethod
    def _of_frame(
        cls, caller: str, table: Any, column: str | None, wanted: Sequence[Any]
    ) -> ImageTable:
        tables = list(table.values()) if isinstance(table, Mapping) else [table]
        if tables and all(is_dataset(each) and is_frame(each) for each in tables):
            table = read_collection(table)  # under the names that `hash_dataset` gives its images
        if not is_frame(table):
            raise _refuse(caller, table)
        columns = column_names(table)
        name = pick_image_column(table, caller) if column is None else column
        if name not in columns:
            expected = f"the name of a column of the table, which has {describe_value(columns)}"
            raise refuse(caller, "column", expected, column)
        kept = {each: table[each] for each in wanted if each in columns}
        return cls(list_column(table, name), columns, kept, name_wholly)

    @classmethod
    def _of_csv(cls, opened: _OpenTable, column: str | None, wanted: Sequence[Any]) -> ImageTable:
        columns = opened.columns()
        name = choose_column(columns, column, opened.address, IMAGE_COLUMNS)
        used = [each for each in columns if each == name or each in wanted]
        frame = pd.read_csv(opened.file, usecols=used, low_memory=False, sep=opened.separator)
        texts = frame[name].astype(object)
        images = texts.where(texts.notna(), None).tolist()
        kept = {each: frame[each] for each in wanted if each in columns}
        return cls(images, columns, kept, opened.whole_names)

    @classmethod
    def _of_parquet(
        cls, opened: _OpenTable, column: str | None, wanted: Sequence[Any]
    ) -> ImageTable:
        parquet = arrow().parquet.ParquetFile(opened.file)
        columns = list(parquet.schema_arrow.names)
        name, holds_images = pick_images(parquet.schema_arrow, column, opened.address)
        used = [each for each in columns if each in wanted]
        read = used if holds_images or name in used else [name, *used]
        table = parquet.read(columns=read)
        if holds_images:  # a row is named by its number
            n_rows = parquet.metadata.num_rows
            images: Any = [f"{opened.address}/{row}" for row in range(n_rows)]
        else:
            images = table.column(name)
        frame = table.select(used).to_pandas()
        return cls(images, columns, {each: frame[each] for each in used}, opened.whole_names)


def list_columns(path: str | os.PathLike[str]) -> list[Any]:
    """Return the names of the columns of a Parquet or CSV file.

    Raises
    ------
    StageError
        If the file cannot be read.
    """
    with _open_table(path) as opened:
        return opened.columns()


class _OpenTable(NamedTuple):
    """A table in a file that is open."""

    file: Any
    system: Any
    path: str
    address: str

    @property
    def separator(self) -> str:
        return "\t" if self.address.lower().endswith(".tsv") else ","

    def columns(self) -> list[Any]:
        """Return the names of the columns."""
        if is_parquet(self.address):
            return list(arrow().parquet.read_schema(self.file).names)
        columns = list(pd.read_csv(self.file, nrows=0, sep=self.separator).columns)
        self.file.seek(0)
        return columns

    def whole_names(self, images: list[Any]) -> list[str]:
        """Name images whose paths may be relative to the folder of the table."""
        present = [image for image in images if isinstance(image, str)]
        named = (entry.name for entry in whole_names(iter(present), self.system, self.path))
        return [next(named) if isinstance(image, str) else "" for image in images]


@contextmanager
def _open_table(path: str | os.PathLike[str]) -> Iterator[_OpenTable]:
    system, inner, address = locate(path)
    try:
        with open_located(system, inner) as file:
            yield _OpenTable(file, system, inner, address)
    except (OSError, UnicodeDecodeError, *_DAMAGES, arrow().ArrowException) as error:
        raise StageError(
            f"The table {shorten(address)} cannot be read: {describe_error(error)}"
        ) from error


def name_wholly(images: list[Any]) -> list[str]:
    """Return the names that stages give to images; empty ones for images without."""
    return [_name(image) for image in images]


def _name(image: Any) -> str:
    if isinstance(image, ImageReference):
        return name_absolutely(image)
    name = name_source(image)
    path = None if name is None else local_path(name)
    return name or "" if path is None else os.path.abspath(path)


def _refuse(caller: str, table: Any) -> Exception:
    expected = "a table, a Collection, or the path or URL of a Parquet or CSV file"
    return refuse(caller, "table", expected, table)
