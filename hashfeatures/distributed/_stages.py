"""Stage directories: Parquet parts that are written once, and a manifest of how they were made.

A directory is on a local disk or in any store that fsspec speaks. A part is written under a
temporary name and renamed, so that what has its own name is whole, and is never made again. Names
that begin with "_" or "." are passed over by readers of Parquet directories.

Two runs that write to one directory would sweep away each other's temporary files, and so the
second is refused by a lock that ends with its process. Stores behind URLs have no such locks.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from hashlib import blake2b
from types import ModuleType
from typing import TYPE_CHECKING, Any

from .._utils.descriptions import describe_value, shorten
from .._utils.optional import import_extra
from .._utils.regular_files import open_regular
from ..exceptions import StageError
from ..images._errors import describe_error
from ..images._sources import local_path

if TYPE_CHECKING:
    import pandas as pd

_FORMAT = 1
_MANIFEST = "_manifest.json"
_CURRENT = "_current.json"
_LOCK = "_lock"
_SUFFIX = ".parquet"
_PURPOSE = "A stage directory"


def arrow() -> ModuleType:
    """Import pyarrow on first use."""
    import_extra("pyarrow.parquet", "parquet", _PURPOSE)
    return import_extra("pyarrow", "parquet", _PURPOSE)


def locate(path: str | os.PathLike[str]) -> tuple[Any, str, str]:
    """Return the fsspec file system of a path or URL, its path there, and its whole address.

    Workers may run in another directory, so a local path is made absolute.
    """
    fsspec = import_extra("fsspec", "parquet", _PURPOSE)
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
    """Open a file where `locate` has found it; on a disk that is mounted here, a regular one."""
    return open_regular(path) if "file" in system.protocol else system.open(path, "rb")


class PartDirectory:
    """A directory of Parquet parts.

    Parameters
    ----------
    address : path or URL
        Where it is.
    """

    def __init__(self, address: str | os.PathLike[str]) -> None:
        self.system, self.path, self.address = locate(address)

    @property
    def is_local(self) -> bool:
        """Whether its files are those of a disk that is mounted here."""
        protocol = self.system.protocol
        return "file" in ((protocol,) if isinstance(protocol, str) else protocol)

    def names(self, prefix: str = "") -> list[str]:
        """Return the names of the finished parts, sorted."""
        with self._telling("read"):
            self.system.invalidate_cache()
            if not self.system.exists(self.path):
                return []
            found = [path.rpartition("/")[2] for path in self.system.ls(self.path, detail=False)]
        ours = [name for name in found if name.endswith(_SUFFIX) and name[0] not in "._"]
        return sorted(name for name in ours if name.startswith(prefix))

    def has(self, name: str) -> bool:
        """Tell whether a part is finished."""
        return bool(self.system.exists(self.place(name)))

    def place(self, name: str) -> str:
        """Return the path of a file in the file system of the directory."""
        return f"{self.path}/{name}"

    def write(self, name: str, tables: Iterable[Any], schema: Any) -> None:
        """Write a part, whole or not at all.

        Parameters
        ----------
        name : str
            The part.
        tables : iterable of pyarrow.Table
            What it holds; never held all at once.
        schema : pyarrow.Schema
            The columns.
        """
        arrow()
        parquet = import_extra("pyarrow.parquet", "parquet", _PURPOSE)
        with self.renaming(name) as file, parquet.ParquetWriter(file, schema) as writer:
            for table in tables:
                writer.write_table(table)

    def count(self, name: str) -> int:
        """Return how many rows a part has, without reading them."""
        return int(self._parse(name, lambda file: arrow().parquet.read_metadata(file).num_rows))

    def read(self, name: str, columns: Sequence[str] | None = None) -> Any:
        """Return a part as a table of Arrow."""
        return self._parse(name, lambda file: arrow().parquet.read_table(file, columns=columns))

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
                f"{self.address}/{name} is damaged ({describe_error(error)}): delete this file, "
                f"and run the stage that wrote it again."
            ) from error
        except OSError as error:
            raise self._unusable("read", error) from error

    def remove(self, names: Iterable[str]) -> None:
        """Delete files that are there."""
        for name in names:
            with suppress(FileNotFoundError):
                self.system.rm(self.place(name))

    @contextmanager
    def renaming(self, name: str) -> Iterator[Any]:
        """Open a file to be written, which gets its name when all of it is."""
        temporary = self.place(f".{name}.{secrets.token_hex(4)}.tmp")
        with self._telling("written"):
            self.system.makedirs(self.path, exist_ok=True)
            try:
                with self.system.open(temporary, "wb") as file:
                    yield file
                self.system.mv(temporary, self.place(name))
            except BaseException:
                with suppress(OSError):
                    self.system.rm(temporary)
                raise

    def write_json(self, name: str, value: Any) -> None:
        """Write a small file, whole or not at all."""
        with self.renaming(name) as file:
            file.write(json.dumps(value, indent=1).encode("ascii"))

    def read_json(self, name: str) -> Any:
        """Return what a small file holds; None if there is none."""
        with self._telling("read"):
            try:
                with open_located(self.system, self.place(name)) as file:
                    content = file.read()
            except FileNotFoundError:
                return None
        try:
            return json.loads(content)
        except ValueError as error:
            raise StageError(
                f"{self.address}/{name} is no JSON that was written here: name another directory, "
                f"or delete this one and run the stage again."
            ) from error

    def clear(self) -> None:
        """Delete the directory and all that is in it."""
        with self._telling("written"), suppress(FileNotFoundError):
            self.system.rm(self.path, recursive=True)

    def sweep(self) -> None:
        """Delete what a killed run left half-written."""
        with self._telling("written"):
            for path in self.system.ls(self.path, detail=False):
                name = path.rpartition("/")[2]
                if name.startswith(".") and name.endswith(".tmp"):
                    with suppress(FileNotFoundError):
                        self.system.rm(path)

    @contextmanager
    def _telling(self, what: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise self._unusable(what, error) from error

    def _unusable(self, what: str, error: OSError) -> StageError:
        return StageError(f"{shorten(self.address)} cannot be {what}: {describe_error(error)}")


class Stage(PartDirectory):
    """A directory of parts that were all made in one way.

    Attributes
    ----------
    settings : dict of str to object
        What decided the contents of the parts.
    """

    settings: dict[str, Any]

    @classmethod
    @contextmanager
    def create(
        cls, address: str | os.PathLike[str], kind: str, settings: Mapping[str, Any]
    ) -> Iterator[Stage]:
        """Open a directory to be written, made now or by an earlier run with these settings.

        On a local disk it belongs to this run until the context is left.

        Parameters
        ----------
        address : path or URL
            Where it is.
        kind : str
            What the stage makes.
        settings : mapping of str to object
            What decides the contents of its parts, as JSON can tell it.

        Raises
        ------
        StageError
            If it cannot be written, holds what was made otherwise, or belongs to another run.
        """
        stage = cls(address)
        with stage._alone():
            stage._begin(kind, json.loads(json.dumps(dict(settings))))
            yield stage

    @contextmanager
    def _alone(self) -> Iterator[None]:
        if not self.is_local:
            yield
            return
        filelock = import_extra("filelock", "parquet", _PURPOSE)
        lock = filelock.FileLock(self.place(_LOCK), timeout=0)
        with self._telling("written"):
            self.system.makedirs(self.path, exist_ok=True)
            try:
                lock.acquire()
            except filelock.Timeout:
                raise StageError(
                    f"Another run is writing to {self.address}: wait until it has ended, or name "
                    f"another directory."
                ) from None
        try:
            yield
        finally:
            lock.release()

    def _begin(self, kind: str, wanted: dict[str, Any]) -> None:
        manifest = self.read_json(_MANIFEST)
        if manifest is None:
            if self.names():
                raise StageError(
                    f"{self.address} holds Parquet files and no {_MANIFEST}: it is no stage "
                    f"directory, or half of one. Delete it or name another directory."
                )
            self.write_json(_MANIFEST, {"format": _FORMAT, "kind": kind, "settings": wanted})
        else:
            self._check(manifest, kind)
            if manifest["settings"] != wanted:
                made, asked = _tell_apart(manifest["settings"], wanted)
                raise StageError(
                    f"{self.address} was made with other settings: {made}; asked for is {asked}. "
                    f"Name another directory, or ask for the settings it has."
                )
        self.sweep()
        self.settings = wanted

    @classmethod
    def open(cls, address: str | os.PathLike[str], kind: str) -> Stage:
        """Open a directory to be read.

        Raises
        ------
        StageError
            If there is none, or it holds something else.
        """
        stage = cls(address)
        manifest = stage.read_json(_MANIFEST)
        if manifest is None:
            raise _no_stage(stage.address)
        stage._check(manifest, kind)
        stage.settings = manifest["settings"]
        return stage

    def parts(self) -> list[str]:
        """Return the names of the parts of the version that was published."""
        return _published(self)

    def publish(self, version: str) -> None:
        """Let the parts whose names begin with `version` take the place of all others."""
        self.write_json(_CURRENT, {"version": version})
        self.remove(name for name in self.names() if not name.startswith(version))

    def sub(self, name: str) -> PartDirectory:
        """Return the directory of a name below this one."""
        return PartDirectory(f"{self.address}/{name}")

    def _check(self, manifest: Any, kind: str) -> None:
        if not isinstance(manifest, dict) or not {"format", "kind", "settings"} <= set(manifest):
            raise StageError(
                f"{self.address}/{_MANIFEST} is no manifest of hashfeatures: name another "
                f"directory."
            )
        if manifest["format"] > _FORMAT:
            raise StageError(
                f"{self.address} was made by a newer release of hashfeatures (format "
                f"{manifest['format']}; this one reads up to {_FORMAT}): upgrade."
            )
        if manifest["kind"] != kind:
            raise StageError(
                f"{self.address} holds {manifest['kind']}, not {kind}: name the directory of "
                f"{kind}."
            )


def _no_stage(address: str) -> StageError:
    return StageError(
        f"{shorten(address)} is no stage directory: it has no {_MANIFEST}. "
        f"Name one that hash_dataset, "
        f"find_pairs, components or assign wrote."
    )


def read_stage(path: str | os.PathLike[str]) -> pd.DataFrame:
    """Read all parts of a stage directory into one table.

    Parameters
    ----------
    path : path or URL
        The directory, of any stage.

    Returns
    -------
    pandas.DataFrame
        The rows of all parts, in the order of their names.

    Raises
    ------
    StageError
        If it is no stage directory.

    See Also
    --------
    pandas.read_parquet : Reads the directory too, and chosen columns of it.
    """
    stage = PartDirectory(path)
    if stage.read_json(_MANIFEST) is None:
        raise _no_stage(stage.address)
    names = _published(stage) or stage.names()
    if not names:
        raise StageError(f"{stage.address} has no finished parts yet: run the stage again.")
    table: pd.DataFrame = arrow().concat_tables([stage.read(name) for name in names]).to_pandas()
    return table


def version_of(names: Sequence[str]) -> str:
    """Return the name of the version of a stage that is made of parts of these names."""
    return "part-" + blake2b("\n".join(names).encode(), digest_size=6).hexdigest()


def _published(directory: PartDirectory) -> list[str]:
    current = directory.read_json(_CURRENT)
    return [] if current is None else directory.names(current["version"])


def _tell_apart(made: Mapping[str, Any], asked: Mapping[str, Any]) -> tuple[str, str]:
    names = [name for name in {**made, **asked} if made.get(name) != asked.get(name)]
    return (
        ", ".join(f"{name}={describe_value(made.get(name))}" for name in names),
        ", ".join(f"{name}={describe_value(asked.get(name))}" for name in names),
    )
