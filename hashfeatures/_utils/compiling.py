"""Loops compiled by numba, kept on disk where there is a place for them, and never failing for it.

numba keeps what it compiled beside the source or below the home directory. Where neither can be
written, as in a container without a home, or the disk is full, it raises.
"""

from __future__ import annotations

import logging
import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from numba import njit
from numba.core import config

_LOGGER = logging.getLogger(__name__)


def compile_loop(*signature: Any, **options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Compile a function now, or fetch it from where it is kept.

    It releases the interpreter. It is kept where numba keeps functions; or else in a directory of
    the user's below the one for temporary files; or else not at all, and compiled in each process.

    Parameters
    ----------
    *signature, **options
        As `numba.njit` takes them.

    Returns
    -------
    callable
        A decorator.
    """

    def compile_(function: Callable[..., Any], cache: bool = False) -> Any:
        decorator: Any = njit(*signature, cache=cache, nogil=True, **options)
        return decorator(function)

    def decorate(function: Callable[..., Any]) -> Any:
        for find_folder in (str, _private_folder):  # "" leaves it to numba
            try:
                with _kept_in(find_folder()):
                    return compile_(function, cache=True)
            except Exception as error:  # whatever of a damaged or unwritable cache; or of the code
                _LOGGER.debug("%s is not kept by numba: %s", function.__name__, error)
        return compile_(function)

    return decorate


@contextmanager
def _kept_in(folder: str) -> Iterator[None]:
    """Let numba keep what is compiled in a folder; "" leaves it to numba."""
    before = config.CACHE_DIR
    config.CACHE_DIR = folder or before
    try:
        yield
    finally:
        config.CACHE_DIR = before


@cache
def _private_folder() -> str:
    """Return a directory that no other user can write to, for numba loads what it finds there."""
    owner = os.getuid() if hasattr(os, "getuid") else None
    folder = os.path.join(tempfile.gettempdir(), f"hashfeatures-numba-{owner or 0}")
    os.makedirs(folder, mode=0o700, exist_ok=True)
    status = os.lstat(folder)
    is_open = owner is not None and (status.st_uid != owner or status.st_mode & 0o022)
    if is_open or not stat.S_ISDIR(status.st_mode):
        raise PermissionError(f"{folder} belongs to somebody else, or others can write to it")
    return folder
