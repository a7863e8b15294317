"""Directories of Parquet parts, on a local disk or in any store that fsspec supports.

A part is written under a temporary name and then renamed. A part under its own name is therefore
complete, and is never written again. Readers of Parquet directories ignore names that begin with
"_" or ".".
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from hashlib import blake2b
from itertools import accumulate
from types import ModuleType
from typing import Any

from .._utils.descriptions import shorten
from .._utils.optional import import_extra
from .._utils.regular_files import open_regular
from ..exceptions import StageError
from ..images._errors import describe_error
from ..images._sources import local_path

PURPOSE = "A stage directory"

_SUFFIX = ".parquet"
_CONTENT = "hashfeatures.content"  # the key of the digest in the metadata of a part


def arrow() -> ModuleType:
    """Import pyarrow on first use."""
    import_extra("pyarrow.parquet", "parquet", PURPOSE)
    return import_extra("pyarrow", "parquet", PURPOSE)


def locate(path: str | os.PathLike[str]) -> tuple[Any, str, str]:
    """Return the fsspec file system of a path or URL, its path there, and its whole address.

    Workers may run in another directory, so a local path is made absolute.
    """
    fsspec = import_extra("fsspec", "parquet", PURPOSE)
    local = local_path(path)
    address = os.fspath(path)
    if local is not None:
        address = os.path.abspath(os.path.expanduser(local))
    try:
        system, inner = fsspec.core.url_to_fs(address)
    except (ImportError, ValueError, OSError) as error:
        raise StageError(
            f"{shorten(address)!r} cannot be reached: {describe_error(error)}"
        ) from error
    return system, inner, address


def open_located(system: Any, path: str) -> Any:
    """Open a file that `locate` found. On a mounted disk, it must be a regular file."""
    return open_regular(path) if is_local(system) else system.open(path, "rb")


def is_local(system: Any) -> bool:
    """Return whether an fsspec file system is a mounted disk."""
    protocol = system.protocol
    return "file" in ((protocol,) if isinstance(protocol, str) else protocol)


class PartDirectory:
    """A directory of Parquet parts.

    Parameters
    ----------
    address : path-like or URL
        The address of the directory.
    """

    def __init__(self, address: str | os.PathLike[str]) -> None:
        self.system, self.path, self.address = locate(address)

    @property
    def is_local(self) -> bool:
        """Whether the directory is on a mounted disk."""
        return is_local(self.system)

    def names(self, prefix: str = "") -> list[str]:
        """Return the sorted names of the finished parts."""
        with self._reporting("read"):
            self.system.invalidate_cache()
            if not self.system.exists(self.path):
                return []
            found = [path.rpartition("/")[2] for path in self.system.ls(self.path, detail=False)]
        ours = [name for name in found if name.endswith(_SUFFIX) and name[0] not in "._"]
        return sorted(name for name in ours if name.startswith(prefix))

    def has(self, name: str) -> bool:
        """Return whether a part is finished."""
        return bool(self.system.exists(self.place(name)))

    def place(self, name: str) -> str:
        """Return the path of a file in the file system of the directory."""
        return f"{self.path}/{name}"

    def write(
        self, name: str, tables: Iterable[Any], schema: Any, *, is_digested: bool = False
    ) -> None:
        """Write a part, whole or not at all.

        Parameters
        ----------
        name : str
            The name of the part.
        tables : iterable of pyarrow.Table
            The rows of the part. Only one table is in memory at a time.
        schema : pyarrow.Schema
            The columns.
        is_digested : bool, default=False
            Whether to keep a digest of the rows, see `content`.
        """
        parquet = import_extra("pyarrow.parquet", "parquet", PURPOSE)
        digest = _Digest()
        with self.renaming(name) as file, parquet.ParquetWriter(file, schema) as writer:
            for table in tables:
                writer.write_table(table)
                if is_digested:
                    digest.add(table)
            if is_digested:
                writer.add_key_value_metadata({_CONTENT: digest.text()})

    def count(self, name: str) -> int:
        """Return the number of rows in a part, from its metadata."""
        return int(self._parse(name, lambda file: arrow().parquet.read_metadata(file).num_rows))

    def content(self, name: str) -> str | None:
        """Return the digest of the rows of a part; None if it was written without one."""
        metadata = self._parse(name, lambda file: arrow().parquet.read_metadata(file).metadata)
        digest = (metadata or {}).get(_CONTENT.encode())
        return None if digest is None else digest.decode()

    def read(self, name: str, columns: Sequence[str] | None = None) -> Any:
        """Return a part as a pyarrow.Table."""
        return self._parse(name, lambda file: arrow().parquet.read_table(file, columns=columns))

    def read_rows(self, name: str, first: int, last: int) -> Any:
        """Return a range of the rows of a part as a pyarrow.Table, reading no more than needed."""

        def parse(file: Any) -> Any:
            part = arrow().parquet.ParquetFile(file)
            n_rows = [
                part.metadata.row_group(group).num_rows for group in range(part.num_row_groups)
            ]
            ends = list(accumulate(n_rows))
            groups = [
                group
                for group, end in enumerate(ends)
                if end > first and end - n_rows[group] < last
            ]
            start = ends[groups[0]] - n_rows[groups[0]] if groups else 0
            return part.read_row_groups(groups).slice(first - start, last - first)

        return self._parse(name, parse)

    def columns(self, name: str) -> list[str]:
        """Return the names of the columns of a part."""
        names: list[str] = self._parse(name, arrow().parquet.read_schema).names
        return names

    def _parse(self, name: str, parse: Callable[[Any], Any]) -> Any:
        pyarrow = arrow()
        try:
            with open_located(self.system, self.place(name)) as file:
                return parse(file)
        except pyarrow.ArrowException as error:
            raise StageError(
                f"{self.address}/{name} is damaged ({describe_error(error)}). Delete this file, "
                f"and run the stage that wrote it again."
            ) from error
        except OSError as error:
            raise self._unusable("read", error) from error

    def remove(self, names: Iterable[str]) -> None:
        """Delete files, if they exist."""
        for name in names:
            with suppress(FileNotFoundError):
                self.system.rm(self.place(name))

    @contextmanager
    def renaming(self, name: str) -> Iterator[Any]:
        """Open a file for writing that gets its name when it is complete."""
        temporary = self.place(f".{name}.{secrets.token_hex(4)}.tmp")
        with self._reporting("written"):
            self.system.makedirs(self.path, exist_ok=True)
            try:
                with self.system.open(temporary, "wb") as file:
                    yield file
                self._rename(temporary, self.place(name))
            except BaseException:
                with suppress(OSError):
                    self.system.rm(temporary)
                raise

    def _rename(self, temporary: str, place: str) -> None:
        if self.is_local:  # where some releases of fsspec copy, which leaves a half when killed
            os.replace(temporary, place)
        else:
            self.system.mv(temporary, place)

    def sub(self, name: str) -> PartDirectory:
        """Return a directory inside this one."""
        return PartDirectory(f"{self.address}/{name}")

    def write_json(self, name: str, value: Any) -> None:
        """Write a JSON file, whole or not at all."""
        with self.renaming(name) as file:
            file.write(json.dumps(value, indent=1).encode("ascii"))

    def read_json(self, name: str) -> Any:
        """Return the contents of a JSON file, or None if the file does not exist."""
        with self._reporting("read"):
            try:
                with open_located(self.system, self.place(name)) as file:
                    content = file.read()
            except FileNotFoundError:
                return None
        try:
            return json.loads(content)
        except ValueError as error:
            raise StageError(
                f"{self.address}/{name} is not JSON, so hashfeatures did not write it. Name "
                f"another directory, or delete this one and run the stage again."
            ) from error

    def clear(self) -> None:
        """Delete the directory and everything in it."""
        with self._reporting("written"), suppress(FileNotFoundError):
            self.system.rm(self.path, recursive=True)

    def sweep(self) -> None:
        """Delete the temporary files of killed runs."""
        with self._reporting("written"):
            for path in self.system.ls(self.path, detail=False):
                name = path.rpartition("/")[2]
                if name.startswith(".") and name.endswith(".tmp"):
                    with suppress(FileNotFoundError):
                        self.system.rm(path)

    @contextmanager
    def _reporting(self, what: str) -> Iterator[None]:
        """Raise a `StageError` for an error of the file system."""
        try:
            yield
        except OSError as error:
            raise self._unusable(what, error) from error

    def _unusable(self, what: str, error: OSError) -> StageError:
        return StageError(f"{shorten(self.address)} cannot be {what}: {describe_error(error)}")


class _Digest:
    """A digest of tables, which depends on their rows alone."""

    def __init__(self) -> None:
        self._state = blake2b(digest_size=16)

    def add(self, table: Any) -> None:
        """Add the rows of a pyarrow.Table."""
        pyarrow = arrow()
        sink = pyarrow.BufferOutputStream()
        with pyarrow.ipc.new_stream(sink, table.schema) as stream:
            stream.write_table(table.combine_chunks())
        self._state.update(sink.getvalue())

    def text(self) -> str:
        """Return the digest in hex digits."""
        return self._state.hexdigest()
