"""Tables with a column of images: CSV, Parquet, pandas, polars, Arrow, DuckDB."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from ..._utils.containers import as_column
from ..._utils.descriptions import describe_value
from ..._utils.frames import (
    is_collection,
    is_dataset,
    is_frame,
    is_missing,
    is_table_stream,
)
from ..._utils.path_text import show_path
from ...exceptions import LayoutError, MissingExtraError
from ...images._files import has_image_suffix, is_foreign_image
from ...images._references import ImageReference
from ...images._sources import IMAGE_COLUMNS, is_data_uri, is_url
from .._collection import Collection
from .._layout import Layout
from .._plan import Plan
from ..folders._class_folders import ClassFoldersLayout
from ._arrow_table import ArrowTable, MemoryTable, ParquetTable
from ._csv_table import SUFFIXES as CSV_SUFFIXES
from ._csv_table import CsvTable
from ._pandas_table import PandasTable, has_pyarrow
from ._stream_table import StreamTable
from ._table_folders import holds_more, list_tables, may_hold_images_below, names_all_images
from ._table_images import TRIED, file_of, is_relative, locate, make_absolute, make_keys, name_file

PART_COLUMNS = ("part", "split")
LABEL_COLUMNS = ("label", "class", "target")

# What this package writes beside hashes.
_OF_HASHES = {"settings", "error"}
PARQUET_SUFFIXES = (".parquet", ".pq")
_OWN_COLUMNS = ("image", "key", "part", "label", "annotations")
# The end of the names of files that hold one part together, such as train-00000-of-00002.
_SHARD = re.compile(r"[-_.]\d+-of-\d+$")

_Table = CsvTable | PandasTable | ArrowTable


class TableLayout(Layout):
    """A table with a column of paths, URLs or encoded images.

    The images are in the column that is named "image", "path", "url", "file" or "filename", or
    else in the only column of paths. A column "part" or "split" names the part of each image,
    and a column "label", "class" or "target" its class. Several files are one table, and so is a
    folder that holds Parquet or CSV files alone, or tables that name all images below it. Without
    a column of parts, the name of a file is the part of its images. Numbers of shards, as in
    train-00000-of-00002.parquet, do not count.

    Relative paths in a file are relative to ``root``. By default, that is the folder of the file
    if one of the first images is there, and else the working directory. Paths in an object are
    relative to ``root`` or else the working directory.

    The key of an image is its path as written, or the number of its row if it has no path. If
    the same path is in several rows, all but the first get a number, as in "1 (2).png".

    Parquet files, relations of DuckDB, a LazyFrame and a Dataset of pyarrow are read in batches,
    so the images that they hold need not fit into memory. The images are read in the main
    process, in the order of the rows. Other columns of encoded images are left out of the
    collection, and are written with a split.

    A split is written as one table per part, in the format that was read: CSV for CSV, and Parquet
    for all others (CSV for a DataFrame without pyarrow). Relative paths become absolute ones. The
    column of parts names the new part. All other columns stay as they are.

    Parameters
    ----------
    table : CsvTable, PandasTable or ArrowTable
        The table.
    image_column : label
        The column of images.
    part_column : label or None
        The column of parts.
    keys : sequence of str
        The key of each row.
    written : sequence
        The value of the column of images in each row.
    """

    name: ClassVar[str] = "table"
    title: ClassVar[str] = "table"

    def __init__(
        self,
        table: _Table,
        image_column: Any,
        part_column: Any,
        keys: Sequence[str],
        written: Sequence[Any],
    ) -> None:
        self._table = table
        self._image_column = image_column
        self._part_column = part_column
        self._written = written
        self._row_of = {key: row for row, key in enumerate(keys)}

    @classmethod
    def recognize(cls, source: Any) -> str | None:
        """Return why a source is a table, or None if it is not."""
        files = _list_files(source)
        if files is not None:
            kind = _kind_of(files)
            if kind is None:
                return None
            if isinstance(source, Path) and source.is_dir():
                if not holds_more(source):
                    return f"it is a folder of {kind} files"
                is_whole = may_hold_images_below(source) and _names_all_images(files, source)
                return f"its {kind} files name the images below it" if is_whole else None
            return f"it is a {kind} file" if len(files) == 1 else f"they are {kind} files"
        is_other = is_collection(source) or is_dataset(source)
        is_table = is_frame(source) or is_table_stream(source)
        if _is_computed(source) or (not is_other and is_table):
            return f"it is a {type(source).__name__}"
        return None

    @classmethod
    def read(cls, source: Any, root: Path | None = None) -> Collection:
        """Read a table, see `Layout.read`."""
        files = _list_files(source) or []
        if missing := [path for path in files if not path.is_file()]:
            raise LayoutError(f"{show_path(str(missing[0]))}: there is no such file.")
        if files and _kind_of(files) is None:
            raise LayoutError(
                f"{show_path(str(files[0]))}: expected CSV (.csv, .tsv) or Parquet (.parquet) "
                f"files, all of one kind."
            )
        table = _open_table(files or source)
        where = show_path(str(files[0])) if files else f"The {type(source).__name__}"
        return cls._collect(table, where, files, root)

    @classmethod
    def _collect(
        cls, table: _Table, where: str, files: Sequence[Path], root: Path | None
    ) -> Collection:
        if len(set(table.columns)) < len(table.columns):
            raise LayoutError(f"{where}: two columns have the same name, {table.columns}.")
        image_column = _pick_image_column(table, where)
        part_column = next((name for name in PART_COLUMNS if name in table.columns), None)
        label_column = next((name for name in LABEL_COLUMNS if name in table.columns), None)
        written = table.images(image_column)
        root = None if root is None else Path(os.path.abspath(root))
        images = locate(written, table.file_of_row, files, root)
        keys = make_keys(written)
        columns: dict[Any, Any] = {"image": as_column(images), "key": as_column(keys)}
        if part_column is not None:
            columns["part"] = _as_names(table.values(part_column))
        elif len(files) > 1:
            names = [_SHARD.sub("", path.stem) for path in files]
            columns["part"] = as_column([names[number] for number in table.file_of_row])
        if label_column is not None:
            columns["label"] = table.values(label_column)
        for name in table.columns:
            is_taken = name in (image_column, part_column, label_column) and name in columns
            if not is_taken and not (isinstance(table, ArrowTable) and table.holds_files(name)):
                columns[f"{name}_" if name in _OWN_COLUMNS else name] = table.values(name)
        return Collection(
            pd.DataFrame(columns),
            cls(table, image_column, part_column, keys, written),
            root=root or (files[0].absolute().parent if files else None),
        )

    def plan_split(
        self, collection: Collection, parts: Mapping[str, NDArray[np.intp]], how: str, out: Path
    ) -> Plan:
        """Return one table per part, and with "link" or "copy" the images, see `Layout`."""
        plan = Plan()
        images = collection.frame["image"].tolist()
        keys = collection.frame["key"].tolist()
        taken: set[str] = set()
        for part, rows in parts.items():
            places = np.array([self._row_of[keys[row]] for row in rows], dtype=np.intp)
            replaced: dict[Any, NDArray[np.object_]] = {}
            chosen = [images[row] for row in rows]
            if how != "lists":
                names = [
                    name_file(image, keys[row], part, taken)
                    for row, image in zip(rows, chosen, strict=True)
                ]
                plan.files.update(zip(names, map(file_of, chosen), strict=True))
                replaced[self._image_column] = self._scatter(places, names)
            else:
                named = [make_absolute(image) for image in chosen]
                old = [self._written[place] for place in places]
                if any(new is not was and new != was for new, was in zip(named, old, strict=True)):
                    replaced[self._image_column] = self._scatter(places, named)
            if self._part_column is not None:
                replaced[self._part_column] = self._scatter(places, [part] * len(rows))
            write = partial(self._table.write, np.sort(places), replaced)
            plan.streams[f"{part}{self._table.suffix}"] = write
        return plan

    def _scatter(self, places: NDArray[np.intp], values: Sequence[Any]) -> NDArray[np.object_]:
        """Return a column of the table with values in some rows, None in the others."""
        column = np.full(self._table.n_rows, None, dtype=object)
        for place, value in zip(places.tolist(), values, strict=True):
            column[place] = value
        return column


def _list_files(source: Any) -> list[Path] | None:
    """Return the files of a table in files, or None for an object."""
    if isinstance(source, Path):
        return list_tables(source) or [source] if source.is_dir() else [source]
    is_list = isinstance(source, list) and bool(source)
    return source if is_list and all(isinstance(path, Path) for path in source) else None


def _names_all_images(files: Sequence[Path], folder: Path) -> bool:
    """Return whether tables name every image below a folder, and are not files of hashes.

    Folders of classes tell more than a table without labels.
    """
    try:
        table = _open_table(files)
        column = _pick_image_column(table, folder.name)
        images = table.images(column)
        if _OF_HASHES & set(table.columns) or not all(map(is_relative, images)):
            return False
        tells_more = len(files) > 1 or {*PART_COLUMNS, *LABEL_COLUMNS} & set(table.columns)
        if not tells_more and ClassFoldersLayout.recognize(folder) is not None:
            return False
        # Masks and the like are named in other columns.
        texts = [table.values(name) for name in table.columns if table.holds_text(name)]
        return names_all_images(folder, [images, *texts])
    except (LayoutError, MissingExtraError, OSError):
        return False


def _kind_of(files: Sequence[Path]) -> str | None:
    """Return the kind of table that all of some files are, or None."""
    suffixes = {path.suffix.lower() for path in files}
    if any(path.is_dir() for path in files):
        return None
    if suffixes <= set(CSV_SUFFIXES):
        return "CSV"
    return "Parquet" if suffixes <= set(PARQUET_SUFFIXES) else None


def _is_computed(source: Any) -> bool:
    """Return whether a source is a LazyFrame, a relation of DuckDB or a Dataset of pyarrow."""
    kind = type(source)
    package = kind.__module__.partition(".")[0]
    return (package.lstrip("_"), kind.__name__) in {
        ("polars", "LazyFrame"),
        ("duckdb", "DuckDBPyRelation"),
    } or any(base.__module__ == "pyarrow._dataset" for base in kind.__mro__)


def _open_table(source: Any) -> _Table:
    if isinstance(source, Sequence):
        is_csv = source[0].suffix.lower() in CSV_SUFFIXES
        return CsvTable(source) if is_csv else ParquetTable(source)
    if isinstance(source, pd.DataFrame):
        return PandasTable(source)
    if _is_computed(source):
        table = StreamTable(source)
        files = getattr(source, "files", None)
        if files and all(map(os.path.isfile, files)) and _is_parquet(source):
            whole = ParquetTable([Path(file) for file in files])
            # A filter leaves out rows, and a partitioned data set has columns of its own.
            if whole.n_rows == table.n_rows and whole.schema.equals(table.schema):
                return whole
        return table
    package = type(source).__module__.partition(".")[0]
    if package == "polars" and not has_pyarrow():
        columns = {name: as_column(source[name].to_list()) for name in source.columns}
        return PandasTable(pd.DataFrame(columns))
    if package in ("polars", "pyarrow") or is_table_stream(source):
        return MemoryTable(source)
    raise LayoutError(
        f"Expected a table of pandas, polars, pyarrow or DuckDB, or a CSV or Parquet file. Got "
        f"{describe_value(source)}."
    )


def _is_parquet(dataset: Any) -> bool:
    return getattr(dataset.format, "default_extname", "") == "parquet"


def _pick_image_column(table: _Table, where: str) -> Any:
    usual = [name for name in IMAGE_COLUMNS if name in table.columns]
    named = [name for name in usual if not table.holds_numbers(name)]
    if not named:
        named = [name for name in table.columns if _may_hold_images(table, name)] or usual
    if len(named) == 1 or (named and named[0] == IMAGE_COLUMNS[0]):
        return named[0]
    if not named and not table.n_rows:
        raise LayoutError(
            f"{where}: the table has no rows, so the column of images cannot be recognized. Its "
            f"columns are {describe_value(table.columns[:10])}."
        )
    expected = ", ".join(map(repr, IMAGE_COLUMNS))
    found = f"several, {named}" if named else "none"
    raise LayoutError(
        f"{where}: expected the images in a column named {expected}, or in the only column of "
        f"paths. Found {found}, in the columns {describe_value(table.columns[:10])}. Rename the "
        f"column that holds the images to 'image'."
    )


def _may_hold_images(table: _Table, column: Any) -> bool:
    """Return whether the first values of a column are names of image files, or images."""
    if isinstance(table, ArrowTable) and table.holds_files(column):
        return True
    if not table.holds_text(column):
        return False
    given = (value for value in table.values(column) if not is_missing(value))
    first = [value for value, _ in zip(given, range(TRIED), strict=False)]
    return bool(first) and all(map(_looks_like_image, first))


def _looks_like_image(value: Any) -> bool:
    if isinstance(value, bytes | ImageReference | Image.Image):
        return True
    if not isinstance(value, str | os.PathLike):
        return False
    name = os.fspath(value)
    is_named = has_image_suffix(name) or is_foreign_image(name)
    return is_data_uri(name) or is_url(name) or is_named


def _as_names(values: pd.Series[Any]) -> pd.Series[Any]:
    return as_column([None if is_missing(value) else str(value) for value in values])
