"""Listing of a source: what names its images, one by one or many at a time."""

from __future__ import annotations

import logging
import os
import sys
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain, repeat
from typing import Any, NamedTuple

from ..._utils.descriptions import describe_value, shorten
from ..._utils.frames import column_names, is_collection, is_frame, is_table_stream, list_column
from ..._utils.validation import refuse
from ...exceptions import StageError
from ...images._errors import describe_error
from ...images._files import LeftOut, has_image_suffix, holds_image
from ...images._references import ImageReference
from ...images._sources import list_sources, local_path
from ...layouts import read_collection
from ...layouts._read_collection import recognize_layouts
from ...layouts._reference_text import file_of_reference, name_absolutely, write_reference
from ...layouts.archives._shards import expand_braces
from ...layouts.coco._bucket import list_bucket_images
from .._part_directory import is_local, locate
from .._stages import MANIFEST
from ._entries import Entry, address_of, whole_name
from ._part_sources import is_archive
from ._table_listing import find_row_groups, is_parquet, is_table, list_table

# Files that describe a data set, which `read_collection` reads.
_DESCRIPTIONS = (".json", ".yaml", ".yml", ".zip")
_N_LOOKS = 16  # requests at a time
_LOGGER = logging.getLogger(__name__)


class SourceImages(NamedTuple):
    """The images of a source.

    Parameters
    ----------
    entries : iterable of Entry
        What workers read, in order.
    references : list of ImageReference
        The images that only this process can read.
    """

    entries: Iterable[Entry]
    references: list[ImageReference]


def find_images(source: Any, column: str | None = None) -> SourceImages:
    """Return the images of a source. Those in files are listed on first use.

    Parameters
    ----------
    source : path, URL, container of these, Collection, or what `read_collection` reads
        A table (.parquet, .csv), a directory or bucket, which is searched with its subfolders, a
        pattern such as "s3://bucket/shards/*.tar", a file that describes a data set, or a list,
        array or column of names.
    column : str, optional
        The column of a table that holds the names or the images.

    Raises
    ------
    StageError
        If the source cannot be read.
    LayoutError
        If it is a data set in a layout that is broken.
    ValueError
        If a table has no such column.
    """
    if isinstance(source, str | os.PathLike):
        images = _read_description(source)
        if images is None:
            return SourceImages(_list_address(os.fspath(source), column), [])
    else:
        images = _list_container(source, column)
    kept = [image for image in images if _is_for_this_process(image)]
    return SourceImages(_list_images(images, column), kept)


def _read_description(source: str | os.PathLike[str]) -> Sequence[Any] | None:
    """Return the images of a local file that describes a data set; None for other sources."""
    path = local_path(source)
    if path is None or is_table(path) or is_archive(path):
        return None
    is_known = os.path.isfile(path) or (
        os.path.isdir(path) and not _holds_images(path) and bool(recognize_layouts(path))
    )
    return read_collection(path).images if is_known else None


def _holds_images(folder: str) -> bool:
    """Return whether a folder holds images, tar files or Parquet files by their names."""
    return any(
        has_image_suffix(name) or is_archive(name) or is_parquet(name)
        for _, _, names in os.walk(folder)
        for name in names
    )


def _list_container(source: Any, column: str | None) -> Sequence[Any]:
    """Return the images of a collection, a data set, a table in memory or a list."""
    if is_collection(source):
        return source.images  # type: ignore[no-any-return]
    if is_frame(source) and column is not None:
        if column not in column_names(source):
            expected = f"one of the columns {describe_value(column_names(source))}"
            raise refuse("hash_dataset", "column", expected, column)
        return list_column(source, column)
    is_list = isinstance(source, list | tuple)
    is_described = is_list and bool(source) and all(map(_is_description, source))
    is_once = isinstance(source, Iterator) and not is_table_stream(source)
    is_of_pandas = is_frame(source) and hasattr(source, "iloc")
    is_plain = is_list or is_once or is_of_pandas
    if is_described or (not is_plain and recognize_layouts(source)):
        return read_collection(source).images
    return list_sources(source, "hash_dataset")


def _is_description(item: Any) -> bool:
    path = local_path(item)
    return path is not None and path.lower().endswith(_DESCRIPTIONS)


def _is_for_this_process(image: Any) -> bool:
    return isinstance(image, ImageReference) and file_of_reference(image) is None


def _list_images(images: Iterable[Any], column: str | None) -> Iterator[Entry]:
    """Yield the entries of images that workers can read."""
    for image in images:
        if isinstance(image, ImageReference):
            file = file_of_reference(image)
            if file is not None:
                yield Entry(name_absolutely(image), write_reference(image), file=file)
        else:
            name = whole_name(image)
            yield from _list_address(name, column) if is_table(name) else [_entry_of(name)]


def _list_address(text: str, column: str | None) -> Iterator[Entry]:
    """Yield the entries of a file, a folder or a pattern, here or in a bucket."""
    system, path, address = locate(text)
    try:
        if ("*" in path or "{" in path) and not (is_local(system) and os.path.lexists(path)):
            yield from _list_files(system, _match(system, path), column)
        elif is_table(path):
            yield from list_table(system, path, address, column)
        elif is_archive(path):
            if not system.exists(path):
                raise FileNotFoundError("there is no such file")
            yield _entry_of(address)
        elif not is_local(system) and path.lower().endswith(".json"):
            yield from _list_files(system, [path], column)
        else:
            yield from _list_files(system, _walk(system, path), column)
    except _errors_of_files() as error:
        raise StageError(
            f"{shorten(address)} cannot be listed: {describe_error(error)}"
        ) from error


def _errors_of_files() -> tuple[type[Exception], ...]:
    """Return what file systems raise. Those of the web raise errors of aiohttp."""
    module = sys.modules.get("aiohttp")
    return (OSError,) if module is None else (OSError, module.ClientError)


def _list_files(system: Any, paths: Iterable[str], column: str | None) -> Iterator[Entry]:
    for path, row_groups in _find_row_groups(system, paths, column):
        address = address_of(system, path)
        if row_groups is not None:
            yield from row_groups
        elif is_table(path):
            yield from list_table(system, path, address, column)
        elif path.lower().endswith(".json"):
            for image in list_bucket_images(system, path, shorten(address)):
                yield Entry(address_of(system, image))
        else:
            yield _entry_of(address)


def _find_row_groups(
    system: Any, paths: Iterable[str], column: str | None
) -> Iterator[tuple[str, list[Entry] | None]]:
    """Yield paths with the row groups of those that are tables of images, read a few ahead."""
    waiting: deque[tuple[str, Future[list[Entry] | None] | None]] = deque()
    with ThreadPoolExecutor(_N_LOOKS) as pool:
        try:
            for path in chain(paths, repeat("", _N_LOOKS)):
                found = None
                if is_parquet(path):
                    address = address_of(system, path)
                    found = pool.submit(find_row_groups, system, path, address, column)
                waiting.append((path, found))
                if len(waiting) > _N_LOOKS:
                    first, found = waiting.popleft()
                    yield first, None if found is None else found.result()
        finally:
            pool.shutdown(cancel_futures=True)


def _entry_of(address: str) -> Entry:
    return Entry(address, file=address if is_archive(address) else "")


def _match(system: Any, pattern: str) -> Iterator[str]:
    """Yield the files that match a pattern with stars, or with ranges and choices in braces."""
    plain = []
    for path in expand_braces(pattern):
        if "*" in path:
            yield from sorted(system.glob(path))
        else:
            plain.append(path)
    with ThreadPoolExecutor(_N_LOOKS) as pool:
        for path, is_there in zip(plain, pool.map(system.exists, plain), strict=True):
            if not is_there:
                raise FileNotFoundError(f"there is no file {shorten(path)!r}")
            yield path


def _walk(system: Any, path: str) -> Iterator[str]:
    """Yield the images below a folder; if there are none, its tar files or its tables."""
    if not system.isdir(path):
        raise NotADirectoryError(
            "expected a directory, a table (.parquet, .csv), a pattern or .tar files"
        )
    is_wanted = holds_image if is_local(system) else has_image_suffix
    left_out, others = LeftOut(), []
    n_images = 0
    files = sorted(system.find(path))
    stages = tuple(file.removesuffix(MANIFEST) for file in files if file.endswith(f"/{MANIFEST}"))
    for found in files:
        if is_wanted(found):
            n_images += 1
            yield found
        else:
            left_out.add(found)
            if _may_hold_images(found[len(path) :]) and not found.startswith(stages):
                others.append(found)
    if not n_images:
        shards = list(filter(is_archive, others))
        yield from shards or [found for found in others if not is_archive(found)]
    elif description := left_out.describe():
        _LOGGER.info("%s: %s", path, description)


def _may_hold_images(inside: str) -> bool:
    """Return whether a file in a folder is a tar file or a Parquet file, and not of a tool."""
    is_hidden = any(word[:1] in ("_", ".") for word in inside.split("/"))
    return not is_hidden and (is_archive(inside) or is_parquet(inside))
