"""Arrays that are written once and that all workers map from the disk of their machine."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from .._utils.array_file import read_store, write_store
from .._utils.platforms import IS_WINDOWS
from ._part_directory import PartDirectory

_KIND = "arrays of a join"
_OLD_SECONDS = 3600  # after which a copy makes room for others
# Files that a process keeps mapped, which takes addresses and no memory. Windows reads them.
_MOST_MAPPED = 8 if IS_WINDOWS else 4096


def share_arrays(directory: PartDirectory, name: str, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write arrays to a file of a directory, whole or not at all."""
    if directory.is_local:
        os.makedirs(directory.path, exist_ok=True)
        write_store(directory.place(name), _KIND, arrays, {})
        return
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, name)
        write_store(path, _KIND, arrays, {})
        with directory.renaming(name) as target, open(path, "rb") as file:
            while block := file.read(1 << 24):
                target.write(block)


def forget_arrays() -> None:
    """Unmap files that are not in use, as deleted ones take space on the disk while mapped."""
    map_arrays.cache_clear()


@lru_cache(maxsize=_MOST_MAPPED)
def map_arrays(address: str, name: str) -> dict[str, NDArray[Any]]:
    """Map the arrays of a file, whose name never stands for other arrays."""
    directory = PartDirectory(address)
    if directory.is_local:
        return read_store(directory.place(name), _KIND)[0]
    digest = blake2b(f"{address}/{name}".encode(), digest_size=8).hexdigest()
    folder = Path(tempfile.gettempdir())
    copy = folder / f"hashfeatures-{digest}.store"
    if not copy.exists():  # the workers of a machine share one copy
        for old in folder.glob("hashfeatures-*.store"):
            with suppress(OSError):
                if time.time() - old.stat().st_mtime > _OLD_SECONDS:  # a mapped file stays mapped
                    old.unlink()
        temporary = copy.with_name(f".{copy.name}.{os.getpid()}.tmp")
        directory.system.get_file(directory.place(name), str(temporary))
        os.replace(temporary, copy)
    return read_store(copy, _KIND)[0]
