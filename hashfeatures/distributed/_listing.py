"""Listing of a source: the names of its images, or of its tar files of images."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator
from typing import Any

from .._utils.descriptions import describe_value, shorten
from ..exceptions import StageError
from ..images._errors import describe_error
from ..images._files import LeftOut, has_image_suffix, holds_image
from ..images._references import ImageReference
from ..images._sources import IMAGE_COLUMNS, list_sources, local_path
from ._part_directory import arrow, is_local, locate, open_located

_TABLES = (".parquet", ".csv")
_BLOCK_ROWS = 1 << 16  # of a table in memory
_LOGGER = logging.getLogger(__name__)


def list_names(source: Any, column: str | None = None) -> Iterator[str]:
    """Yield the absolute path or the URL of each image, or of each tar file, in a source.

    Parameters
    ----------
    source : path, URL or container of these
        A table (.parquet, .csv), a directory or bucket, which is searched with its subfolders, a
        pattern such as "s3://bucket/shards/*.tar", or a list, array or column of names.
    column : str, optional
        The column of a table that holds the names.

    Raises
    ------
    StageError
        If the source cannot be read.
    ValueError
        If a table has no such column.
    """
    if not isinstance(source, str | os.PathLike):
        yield from map(_whole_name, list_sources(source, "hash_dataset"))
        return
    text = os.fspath(source)
    system, path, address = locate(text)
    try:
        if text.lower().endswith(_TABLES):
            yield from map(_whole_name, _read_column(system, path, address, column))
        elif "*" in text:
            yield from (_address_of(system, found) for found in sorted(system.glob(path)))
        elif text.lower().endswith(".tar"):
            if not system.exists(path):
                raise FileNotFoundError("there is no such file")
            yield address
        else:
            yield from _walk(system, path)
    except OSError as error:
        raise StageError(
            f"{shorten(address)} cannot be listed: {describe_error(error)}"
        ) from error


def _walk(system: Any, path: str) -> Iterator[str]:
    if not system.isdir(path):
        raise NotADirectoryError(
            "expected a directory, a table (.parquet, .csv), a pattern or .tar files"
        )
    is_wanted = holds_image if is_local(system) else has_image_suffix
    left_out = LeftOut()
    for found in sorted(system.find(path)):
        if is_wanted(found):
            yield _address_of(system, found)
        else:
            left_out.add(found)
    if description := left_out.describe():
        _LOGGER.info("%s: %s", path, description)


def _address_of(system: Any, path: str) -> str:
    if is_local(system):
        return path
    address: str = system.unstrip_protocol(path)
    return address


def _whole_name(source: Any) -> str:
    if isinstance(source, ImageReference):
        raise TypeError(
            f"A data set is a list of paths and URLs, which any worker can read. Got "
            f"{shorten(source.name)!r}, which is inside another file. For tar shards, pass their "
            f"pattern, such as 'shards/*.tar'. For others, call hash_images."
        )
    if not isinstance(source, str | os.PathLike):
        raise TypeError(
            f"A data set is a list of paths and URLs, which any worker can read. Got "
            f"{type(source).__name__}. For images in memory, call hash_images."
        )
    path = local_path(source)
    return os.fspath(source) if path is None else os.path.abspath(path)


def _read_column(system: Any, path: str, address: str, column: str | None) -> Iterator[Any]:
    with open_located(system, path) as file:
        if address.lower().endswith(".csv"):
            import pandas as pd

            header = list(pd.read_csv(file, nrows=0).columns)
            file.seek(0)
            name = _pick(header, column, address)
            for frame in pd.read_csv(file, usecols=[name], dtype=str, chunksize=_BLOCK_ROWS):
                yield from frame[name].dropna().tolist()
            return
        parquet = arrow().parquet.ParquetFile(file)
        name = _pick(parquet.schema_arrow.names, column, address)
        for batch in parquet.iter_batches(_BLOCK_ROWS, columns=[name]):
            yield from (value for value in batch.column(0).to_pylist() if value is not None)


def _pick(columns: Iterable[str], column: str | None, address: str) -> str:
    """Return the name of the column with the names of images."""
    known = list(columns)
    wanted = IMAGE_COLUMNS if column is None else (column,)
    named = known if column is None and len(known) == 1 else [c for c in wanted if c in known]
    if named:
        return named[0]
    raise ValueError(
        f"{shorten(address)} has the columns {describe_value(known[:10])}, and none of "
        f"{list(wanted)}. Pass the name of the column with paths or URLs as column=..."
    )
