"""Compile loops with numba, and cache them on disk wherever possible.

Numba caches compiled functions beside their source or below the home directory. It raises where
neither can be written, as in a container without a home, and when the disk is full.
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

from numba import njit, types
from numba.core import config
from numba.extending import intrinsic

_LOGGER = logging.getLogger(__name__)


def compile_loop(*signature: Any, **options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Compile a function at once, or load it from the cache. It releases the interpreter.

    The cache is numba's own. If that cannot be written, it is a directory of the user below the
    one for temporary files. If that fails too, each process compiles the function.

    Parameters
    ----------
    *signature, **options
        The arguments of `numba.njit`.

    Returns
    -------
    callable
        A decorator.
    """

    def compile_(function: Callable[..., Any], cache: bool = False) -> Any:
        decorator: Any = njit(*signature, cache=cache, nogil=True, **options)
        return decorator(function)

    def decorate(function: Callable[..., Any]) -> Any:
        for find_folder in (str, _private_folder):  # str() is "": numba's own
            try:
                with _cached_in(find_folder()):
                    return compile_(function, cache=True)
            except Exception as error:  # of an unwritable or damaged cache, or of the code
                _LOGGER.debug("numba cannot cache %s: %s", function.__name__, error)
        return compile_(function)

    return decorate


@contextmanager
def _cached_in(folder: str) -> Iterator[None]:
    """Let numba cache functions in a folder; "" means its own."""
    before = config.CACHE_DIR
    config.CACHE_DIR = folder or before
    try:
        yield
    finally:
        config.CACHE_DIR = before


@cache
def _private_folder() -> str:
    """Return a directory that no other user can write to, as numba runs what it loads from it."""
    owner = os.getuid() if hasattr(os, "getuid") else None
    folder = os.path.join(tempfile.gettempdir(), f"hashfeatures-numba-{owner or 0}")
    os.makedirs(folder, mode=0o700, exist_ok=True)
    status = os.lstat(folder)
    is_open = owner is not None and (status.st_uid != owner or status.st_mode & 0o022)
    if is_open or not stat.S_ISDIR(status.st_mode):
        raise PermissionError(f"{folder} belongs to another user, or others can write to it.")
    return folder


@intrinsic
def count_ones(typing_context: Any, word: Any) -> Any:
    """Count the ones of a uint64 inside a compiled loop."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return types.uint64(types.uint64), generate


def read_only(dtype: Any, n_dimensions: int = 1) -> Any:
    """Return the type of a contiguous array that a loop reads."""
    return types.Array(dtype, n_dimensions, "C", readonly=True)


def writable(dtype: Any, n_dimensions: int = 1) -> Any:
    """Return the type of a contiguous array that a loop writes."""
    return types.Array(dtype, n_dimensions, "C")
