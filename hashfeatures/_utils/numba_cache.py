"""Load compiled functions from numba's cache, whatever state it is in, without all of numba.

This module uses numba's private names. `hashfeatures._utils.compiling` does without it if a
release of numba renames them.
"""

from __future__ import annotations

import logging
import os
import pickle
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from hashlib import sha256
from typing import Any

from numba.core import config
from numba.core.caching import CompileResultCacheImpl, FunctionCache, NullCache
from numba.core.compiler_lock import global_compiler_lock
from numba.core.runtime import rtsys
from numba.core.serialize import dumps

_LOGGER = logging.getLogger(__name__)


@contextmanager
def configured(**settings: Any) -> Iterator[None]:
    """Change settings of numba for a while, in one thread at a time."""
    with global_compiler_lock:
        before = {name: getattr(config, name) for name in settings}
        try:
            for name, value in settings.items():
                setattr(config, name, value)
            yield
        finally:
            for name, value in before.items():
                setattr(config, name, value)


class _CheckedContent(CompileResultCacheImpl):
    """Keeps a digest with each function: numba would run whatever is left of a damaged one."""

    def reduce(self, result: Any) -> tuple[bytes, bytes]:
        content: bytes = dumps(super().reduce(result))
        return sha256(content).digest(), content

    def rebuild(self, context: Any, stored: tuple[bytes, bytes]) -> Any:
        digest, content = stored
        if sha256(content).digest() != digest:
            raise ValueError("The stored function is damaged.")
        return super().rebuild(context, pickle.loads(content))


class _FolderCache(FunctionCache):
    """Numba's cache in one folder.

    Before it loads a function, numba itself prepares to compile others. That takes ten times as
    long as loading, and numba repeats it when it compiles.
    """

    _impl_class = _CheckedContent

    def load_overload(self, signature: Any, context: Any) -> Any:
        rtsys.initialize(context)  # the functions that allocate memory need it
        with self._guard_against_spurious_io_errors():
            return self._load_overload(signature, context)


class AnyFolder(NullCache):
    """The first folder that a compiled function can be loaded from, or stored in.

    The first is numba's own: beside the source, below the home directory, or where the variable
    NUMBA_CACHE_DIR says. The second is a directory of the user below the one for temporary files.

    Parameters
    ----------
    function : callable
        What is compiled.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function

    def load_overload(self, signature: Any, context: Any) -> Any:
        """Return the compiled function, or None if no folder holds it whole."""
        for folder in self._folders():
            try:
                found = folder.load_overload(signature, context)
            except Exception as error:  # a damaged file may raise anything
                _LOGGER.debug("%s is compiled again: %s", self._function.__name__, error)
                with suppress(Exception):
                    folder.flush()
            else:
                if found is not None:
                    return found
        return None

    def save_overload(self, signature: Any, result: Any) -> None:
        """Store the compiled function in the first folder that takes it."""
        for folder in self._folders():
            try:
                folder.save_overload(signature, result)
            except Exception as error:  # of a disk that is full, say
                _LOGGER.debug("numba cannot cache %s: %s", self._function.__name__, error)
            else:
                return

    def _folders(self) -> Iterator[_FolderCache]:
        for find_folder in (lambda: config.CACHE_DIR, private_folder):
            try:
                with configured(CACHE_DIR=find_folder()):
                    folder = _FolderCache(self._function)
            except Exception as error:  # of a disk that is read-only, say
                _LOGGER.debug("numba cannot cache %s: %s", self._function.__name__, error)
            else:
                yield folder


@cache
def private_folder() -> str:
    """Return a directory that no other user can write to, as numba runs what it loads from it."""
    owner = os.getuid() if hasattr(os, "getuid") else None
    folder = os.path.join(tempfile.gettempdir(), f"hashfeatures-numba-{owner or 0}")
    os.makedirs(folder, mode=0o700, exist_ok=True)
    status = os.lstat(folder)
    is_open = owner is not None and (status.st_uid != owner or status.st_mode & 0o022)
    if is_open or not stat.S_ISDIR(status.st_mode):
        raise PermissionError(f"{folder} belongs to another user, or others can write to it.")
    return folder
