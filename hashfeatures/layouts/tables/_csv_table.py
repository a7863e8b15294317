"""CSV files as tables, whose values stay as they are written."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..._utils.descriptions import shorten
from ..._utils.frames import is_missing
from ..._utils.path_text import encoding_of, read_path, show_path, write_path
from ...exceptions import LayoutError
from ...images._files import has_image_suffix
from ...images._sources import is_data_uri, is_url

SUFFIXES = (".csv", ".tsv")


class CsvTable:
    """The rows of one or more CSV files.

    All values are read as text, so that identifiers such as "007" stay as they are. The separator
    is a tab in a TSV file. In a CSV file it is a comma, or a semicolon or a tab if the header has
    these and no comma.

    Parameters
    ----------
    paths : sequence of Path
        The files. Their rows follow each other.

    Raises
    ------
    LayoutError
        If a file is not CSV in UTF-8 or with a byte order mark.
    """

    suffix = ".csv"

    def __init__(self, paths: Sequence[Path]) -> None:
        self.suffix = paths[0].suffix.lower()
        self.separator = _separator(paths[0])
        frames = [_read(path) for path in paths]
        self.file_of_row: NDArray[np.intp] = np.repeat(
            np.arange(len(paths)), [len(frame) for frame in frames]
        )
        self._frame = pd.concat(frames, ignore_index=True).fillna("")
        self.columns: list[Any] = list(self._frame.columns)
        self.n_rows = len(self._frame)
        self._image_column: str | None = None

    def holds_numbers(self, column: str) -> bool:
        """Return whether the values of a column are numbers."""
        return self.n_rows > 0 and self.values(column).dtype.kind in "if"

    def holds_text(self, column: str) -> bool:
        """Return whether a column holds text, which all may be."""
        return column in self.columns

    def images(self, column: str) -> list[Any]:
        """Return the paths and URLs in a column, None where it is empty."""
        self._image_column = column
        return [_read_name(value) if value else None for value in self._frame[column].tolist()]

    def values(self, column: str) -> pd.Series[Any]:
        """Return a column: numbers if their text can be restored from them, else text."""
        texts = self._frame[column]
        for kind in ("int64", "float64"):
            try:
                numbers = texts.astype(kind)
            except (ValueError, OverflowError):
                continue
            if (numbers.astype(str).to_numpy(object) == texts.to_numpy(object)).all():
                return numbers
        return texts.astype(object).where(texts != "", None)

    def write(
        self, rows: NDArray[np.intp], replaced: Mapping[str, NDArray[np.object_]], path: Path
    ) -> None:
        """Write some rows, with new values in some columns."""
        frame = self._frame.iloc[rows].copy()
        for name, values in replaced.items():
            written = ["" if is_missing(value) else value for value in values[rows]]
            is_image = name == self._image_column
            frame[name] = list(map(write_path, written)) if is_image else written
        frame.to_csv(path, index=False, sep=self.separator, encoding="utf-8", lineterminator="\n")


def _read_name(value: str) -> str:
    """Return a path, of which this package writes unusual ones as JSON; see `write_path`."""
    try:
        return read_path(value)
    except ValueError:
        return value


def _read(path: Path) -> pd.DataFrame:
    where = show_path(str(path))
    try:
        with open(path, "rb") as file:
            encoding = encoding_of(file.read(4))
        frame = pd.read_csv(
            path,
            sep=_separator(path),
            header=None,  # pandas would rename columns with equal or empty names
            dtype=str,
            keep_default_na=False,
            encoding=encoding,
            on_bad_lines="error",
        ).fillna("")  # of rows with fewer values than the header
    except pd.errors.EmptyDataError as error:
        raise LayoutError(f"{where}: the file is empty.") from error
    except UnicodeError as error:
        raise LayoutError(
            f"{where}: the file is not UTF-8 ({error}). Save it as UTF-8."
        ) from error
    except (pd.errors.ParserError, pd.errors.ParserWarning, csv.Error) as error:
        raise LayoutError(f"{where}: {' '.join(str(error).split())}.") from error
    header = frame.iloc[0].tolist()
    if twice := [name for name in header if header.count(name) > 1]:
        raise LayoutError(f"{where}, line 1: two columns have the name {shorten(twice[0])!r}.")
    if first := next(filter(_names_an_image, header), None):
        raise LayoutError(
            f"{where}, line 1: expected the names of columns. Got the image {shorten(first)!r}. "
            f"Add a line above it, such as {'image' if len(header) == 1 else 'image,label'!r}."
        )
    return frame.iloc[1:].set_axis(header, axis=1)


def _names_an_image(value: str) -> bool:
    return has_image_suffix(value) or is_url(value) or is_data_uri(value)


def _separator(path: Path) -> str:
    if path.suffix.lower() == ".tsv":
        return "\t"
    with open(path, "rb") as file:
        start = file.read(2**16)
    header = start.decode(encoding_of(start), errors="replace").partition("\n")[0]
    return next((mark for mark in ",;\t" if mark in header), ",")
