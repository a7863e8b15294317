"""Stage directories: Parquet parts, with a manifest of the settings that made them.

Two runs that write to one directory would delete each other's temporary files. A lock, which ends
with its process, therefore refuses the second run. Stores behind URLs have no such locks.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from .._utils.descriptions import describe_value, shorten
from .._utils.optional import import_extra
from ..exceptions import StageError
from ._part_directory import PURPOSE, PartDirectory, arrow

if TYPE_CHECKING:
    import pandas as pd

_FORMAT = 1
MANIFEST = "_manifest.json"
_CURRENT = "_current.json"
_LOCK = "_lock"


class Stage(PartDirectory):
    """A directory of parts that were all made with the same settings.

    Attributes
    ----------
    settings : dict of str to object
        The settings that determine the contents of the parts.
    notes : dict of str to object
        What else the last run noted, which later stages use as their default.
    """

    settings: dict[str, Any]
    notes: dict[str, Any]

    @classmethod
    @contextmanager
    def create(
        cls,
        address: str | os.PathLike[str],
        kind: str,
        settings: Mapping[str, Any],
        notes: Mapping[str, Any] | None = None,
    ) -> Iterator[Stage]:
        """Open a directory for writing, a new one or that of an earlier run with these settings.

        On a local disk, the directory is locked until the context ends.

        Parameters
        ----------
        address : path-like or URL
            The address of the directory.
        kind : str
            The kind of results, such as "hashes".
        settings : mapping of str to object
            The settings that determine the contents of the parts, as JSON values.
        notes : mapping of str to object, optional
            What else to note, as JSON values. It replaces the notes of earlier runs.

        Raises
        ------
        StageError
            If the directory cannot be written, holds results of other settings, or is locked by
            another run.
        """
        stage = cls(address)
        with stage._lock():
            stage._begin(kind, _as_json(settings), _as_json(notes or {}))
            yield stage

    @contextmanager
    def _lock(self) -> Iterator[None]:
        if not self.is_local:
            yield
            return
        filelock = import_extra("filelock", "parquet", PURPOSE)
        lock = filelock.FileLock(self.place(_LOCK), timeout=0)
        with self._reporting("written"):
            self.system.makedirs(self.path, exist_ok=True)
            try:
                lock.acquire()
            except filelock.Timeout:
                raise StageError(
                    f"Another run is writing to {self.address}. Wait until it has ended, or name "
                    f"another directory."
                ) from None
        try:
            yield
        finally:
            lock.release()

    def _begin(self, kind: str, settings: dict[str, Any], notes: dict[str, Any]) -> None:
        manifest = self.read_json(MANIFEST)
        wanted = {"format": _FORMAT, "kind": kind, "settings": settings, **notes}
        if manifest is None:
            if self.names():
                raise StageError(
                    f"{self.address} holds Parquet files and no {MANIFEST}, so it is not a "
                    f"complete stage directory. Delete it, or name another directory."
                )
        else:
            self._check(manifest, kind)
            if manifest["settings"] != settings:
                made = manifest["settings"]
                names = list_differing(made, settings)
                raise StageError(
                    f"{self.address} was made with other settings. It has "
                    f"{show_settings(made, names)}, and this run has "
                    f"{show_settings(settings, names)}. Name another directory, or use the "
                    f"settings of this one."
                )
        if manifest != wanted:
            self.write_json(MANIFEST, wanted)
        self.sweep()
        self.settings, self.notes = settings, notes

    @classmethod
    def open(cls, address: str | os.PathLike[str], kind: str) -> Stage:
        """Open a directory for reading.

        Raises
        ------
        StageError
            If the directory does not exist, or holds other results.
        """
        stage = cls(address)
        manifest = stage.read_json(MANIFEST)
        if manifest is None:
            raise _no_stage(stage.address)
        stage._check(manifest, kind)
        stage.settings = manifest.pop("settings")
        stage.notes = {name: manifest[name] for name in manifest if name not in ("format", "kind")}
        return stage

    def parts(self) -> list[str]:
        """Return the names of the parts of the published version."""
        return _published(self)

    def publish(self, version: str) -> None:
        """Replace all other parts by those whose names begin with `version`."""
        self.write_json(_CURRENT, {"version": version})
        self.remove(name for name in self.names() if not name.startswith(version))

    def _check(self, manifest: Any, kind: str) -> None:
        if not isinstance(manifest, dict) or not {"format", "kind", "settings"} <= set(manifest):
            raise StageError(
                f"{self.address}/{MANIFEST} is not a manifest of hashfeatures. Name another "
                f"directory."
            )
        if manifest["format"] > _FORMAT:
            raise StageError(
                f"A newer release of hashfeatures made {self.address}, in format "
                f"{manifest['format']}. This release reads formats up to {_FORMAT}. Upgrade "
                f"hashfeatures."
            )
        if manifest["kind"] != kind:
            raise StageError(
                f"{self.address} holds {manifest['kind']}, not {kind}. Name the directory of the "
                f"{kind}."
            )


def _no_stage(address: str) -> StageError:
    return StageError(
        f"{shorten(address)} is not a stage directory, because it has no {MANIFEST}. Name a "
        f"directory that hash_dataset, find_pairs, components or assign wrote."
    )


def read_stage(path: str | os.PathLike[str]) -> pd.DataFrame:
    """Read all parts of a stage directory into one table.

    Read more in the :doc:`User Guide </user-guide/large-collections>`.

    Parameters
    ----------
    path : path-like or URL
        The directory of any stage.

    Returns
    -------
    pandas.DataFrame
        The rows of all parts, in the order of the parts' names.

    Raises
    ------
    StageError
        If the directory is not a stage directory.

    See Also
    --------
    pandas.read_parquet : Reads the directory too, and selected columns of it.
    hash_dataset, find_pairs, components, assign, find_leaks : The stages.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from skimage import data
    >>> from hashfeatures.distributed import LocalExecutor, hash_dataset, read_stage
    >>> with TemporaryDirectory() as out:
    ...     done = hash_dataset(
    ...         [f"{data.__path__[0]}/coins.png"], out, executor=LocalExecutor(1)
    ...     )
    ...     table = read_stage(done.out)
    >>> table[["width", "height"]]
       width  height
    0    384     303
    """
    stage = PartDirectory(path)
    if stage.read_json(MANIFEST) is None:
        raise _no_stage(stage.address)
    names = _published(stage) or stage.names()
    if not names:
        raise StageError(f"{stage.address} has no finished parts yet. Run the stage again.")
    table: pd.DataFrame = arrow().concat_tables([stage.read(name) for name in names]).to_pandas()
    return table


def version_of(names: Sequence[str]) -> str:
    """Return the version of a stage that is made from parts with these names."""
    return "part-" + blake2b("\n".join(names).encode(), digest_size=6).hexdigest()


def _as_json(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values as a manifest gives them back."""
    return json.loads(json.dumps(dict(values)))  # type: ignore[no-any-return]


def _published(directory: PartDirectory) -> list[str]:
    current = directory.read_json(_CURRENT)
    return [] if current is None else directory.names(current["version"])


def list_differing(settings: Mapping[str, Any], others: Mapping[str, Any]) -> list[str]:
    """Return the names of the settings that differ."""
    return [name for name in {**settings, **others} if settings.get(name) != others.get(name)]


def show_settings(settings: Mapping[str, Any], names: Iterable[str]) -> str:
    """Return some settings as they are passed."""
    return ", ".join(f"{name}={describe_value(settings.get(name))}" for name in names)
