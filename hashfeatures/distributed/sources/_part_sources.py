"""The images of one part of the listing, read in a worker: files, members of tars, rows of tables.

A worker holds no more than a batch of encoded images, however large an archive or a row group is.
"""

from __future__ import annotations

import json
import lzma
import tarfile
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar

from ...exceptions import ImageReadError, LayoutError
from ...images._errors import as_read_error
from ...images._files import HEAD, has_image_suffix, is_image_head
from ...images._remote import ATTEMPTS
from ...layouts._plan import safe_name
from ...layouts._reference_text import read_reference
from ...layouts._row_references import as_image, read_row_group
from ...layouts._unique_names import number_repeat
from ...layouts.archives._samples import LABEL, choose_suffix, is_meta, split_name
from ...layouts.archives._shards import SUFFIXES
from .._part_directory import arrow, is_local, locate, open_located

MAX_BATCH_BYTES = 1 << 26  # of encoded images in memory

ROWS = "rows"  # the kind of an entry that is a row group of a Parquet file

_PAUSE = 0.5  # seconds, before a file is read again
_DAMAGES = (tarfile.TarError, zlib.error, lzma.LZMAError, EOFError)

T = TypeVar("T")
Batch = tuple[list[str], list[Any]]


def is_archive(name: str) -> bool:
    """Return whether an entry of the listing is a tar file of images."""
    return name.lower().endswith(SUFFIXES)


def read_batches(units: Sequence[str], references: Sequence[str | None]) -> Iterator[Batch]:
    """Yield the names and the sources of the images of a part, in batches.

    Parameters
    ----------
    units : sequence of str
        The path or URL of each entry of the listing: an image, a tar file or a Parquet file.
    references : sequence of str or None
        What tells more than the path does, as JSON.
    """
    names: list[str] = []
    sources: list[Any] = []
    for unit, reference in zip(units, references, strict=True):
        facts = {} if reference is None else json.loads(reference)
        if facts.get("kind") == ROWS:
            yield from cut_by_size(_read_rows(unit, facts))
        elif reference is None and is_archive(unit):
            yield from cut_by_size(_read_shard(unit))
        else:  # these are read one by one, when they are hashed
            names.append(unit)
            sources.append(unit if reference is None else read_reference(reference))
    if names:
        yield names, sources


def cut_by_size(images: Iterable[tuple[str, Any]]) -> Iterator[Batch]:
    """Yield named images in batches of a bounded size in bytes."""
    names: list[str] = []
    sources: list[Any] = []
    held = 0
    for name, source in images:
        names.append(name)
        sources.append(source)
        held += size_of(source)
        if held > MAX_BATCH_BYTES:
            yield names, sources
            names, sources, held = [], [], 0
    if names:
        yield names, sources


def size_of(source: Any) -> int:
    """Return how many bytes an image takes in memory."""
    if isinstance(source, dict):
        return len(source["bytes"])
    return int(getattr(source, "nbytes", 0))


def _read_shard(archive: str) -> Iterator[tuple[str, Any]]:
    """Yield the images of a tar file, and an error under its name where it is damaged."""
    system, path, _ = locate(archive)
    taken: set[str] = set()
    try:
        for member, content in _read_on(lambda: _open_shard(system, path), system):
            name = number_repeat(f"{archive}/{_name_in_shard(member)}", taken)
            is_read = isinstance(content, bytes)
            yield name, {"bytes": content, "path": name} if is_read else content
    except Exception as error:  # a foreign file system may raise anything
        yield archive, as_read_error(archive, error)


def _name_in_shard(member: str) -> str:
    try:
        return safe_name(member, "")
    except LayoutError:  # here it names nothing on a disk
        return member


def _read_on(begin: Callable[[], Iterator[T]], system: Any) -> Iterator[T]:
    """Yield items that are read from a file, and read it again if a connection breaks."""
    n_read = 0
    for attempt in range(1, ATTEMPTS + 1):
        try:
            for item in islice(begin(), n_read, None):
                n_read += 1
                yield item
            return
        except (*_DAMAGES, FileNotFoundError, PermissionError, ImportError):
            raise
        except Exception:
            if attempt == ATTEMPTS or is_local(system):
                raise
            time.sleep(_PAUSE * 2**attempt)


class _StrictInfo(tarfile.TarInfo):
    """The header of a member, which raises where `tarfile` ends silently: at damage."""

    @classmethod
    def fromtarfile(cls, *arguments: Any, **options: Any) -> Any:
        try:
            return super().fromtarfile(*arguments, **options)
        except (tarfile.InvalidHeaderError, tarfile.TruncatedHeaderError) as error:  # type: ignore[attr-defined]
            raise tarfile.ReadError(f"the tar file is damaged or truncated: {error}") from error


def _open_shard(system: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Yield the name and the content of the image of each sample of a tar file, or its error.

    A sample is a run of members with the same name but for the suffix, as webdataset reads them.
    """
    with (
        open_located(system, path) as file,
        tarfile.open(fileobj=file, mode="r|*", tarinfo=_StrictInfo) as tar,
    ):
        sample: dict[str, tuple[str, Any]] = {}
        recognized: set[str] = set()
        last = ""
        for member in tar:
            key, suffix = split_name(member.name)
            if key != last or suffix in sample:
                yield from _choose(sample, recognized)
                sample, recognized, last = {}, set(), key
            is_named = has_image_suffix(f"x.{suffix}")
            if is_named and (member.islnk() or member.issym()):
                cause = "it is a link. Pack the files themselves, as by tar --dereference"
                sample[suffix] = member.name, ImageReadError(member.name, cause)
            if not member.isfile() or is_meta(member.name):
                continue
            content = tar.extractfile(member)
            assert content is not None
            head = content.read(HEAD)
            if is_named or (is_image_head(head) and not suffix.endswith(LABEL)):
                sample[suffix] = member.name, head + content.read()
                if not is_named:
                    recognized.add(suffix)
        yield from _choose(sample, recognized)
        stream: Any = tar.fileobj
        while rest := stream.read(1 << 20):
            if rest.strip(b"\0"):
                raise tarfile.ReadError(
                    f"the tar file goes on behind its end mark, which follows {last!r}"
                )


def _choose(sample: dict[str, tuple[str, Any]], recognized: set[str]) -> Iterator[tuple[str, Any]]:
    """Yield the image of a sample: one that is named like an image, if there is any."""
    images = sample.keys() - recognized or sample.keys()
    if images:
        yield sample[choose_suffix(images)]


def _read_rows(address: str, facts: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the images of a row group of a Parquet file, and errors for what cannot be read."""
    system, path, _ = locate(address)
    row, stop = facts["start"], facts["stop"]
    try:
        for cell in _read_on(lambda: _open_rows(system, path, facts), system):
            name = f"{address}/{row}"
            image = as_image(cell.as_py())
            row += 1
            yield name, {"bytes": image, "path": name} if isinstance(image, bytes) else image
    except Exception as error:  # damaged pages raise errors of pyarrow, ValueError and others
        failure = as_read_error(address, error)
        for left in range(row, stop):
            name = f"{address}/{left}"
            yield name, ImageReadError(name, failure.cause, lasting=failure.lasting)


def _open_rows(system: Any, path: str, facts: dict[str, Any]) -> Iterator[Any]:
    """Yield the cells of a row group."""
    group, n_rows = facts["group"], facts["stop"] - facts["start"]
    with (
        open_located(system, path) as file,
        # With these, a column of a row group is not read into memory as a whole.
        arrow().parquet.ParquetFile(file, buffer_size=2**20, pre_buffer=False) as table,
    ):
        known = table.metadata
        if group >= known.num_row_groups or known.row_group(group).num_rows != n_rows:
            raise EOFError("the Parquet file has changed since its rows were listed")
        for column in read_row_group(table, group, facts["column"]):
            yield from column
