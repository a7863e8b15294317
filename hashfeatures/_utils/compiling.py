"""Compile loops with numba, and cache them on disk wherever possible.

The variable NUMBA_DISABLE_JIT has no effect on these loops. As plain Python they would take hours,
and some count bits with an instruction that Python does not have.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from numba import njit, types
from numba.core import config
from numba.core.compiler_lock import global_compiler_lock
from numba.extending import intrinsic

_LOGGER = logging.getLogger(__name__)


def compile_loop(signature: Any, **options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Compile a function at once, or load it from the cache. It releases the interpreter.

    The cache is numba's own. If that cannot be written, it is a directory of the user below the
    one for temporary files. If that fails too, each process compiles the function.

    Parameters
    ----------
    signature, **options
        The arguments of `numba.njit`.

    Returns
    -------
    callable
        A decorator.
    """

    def with_any_folder(function: Callable[..., Any]) -> Any:
        from .numba_cache import AnyFolder, configured

        with configured(DISABLE_JIT=0):
            dispatcher: Any = njit(nogil=True, **options)(function)
            dispatcher._cache = AnyFolder(function)
            dispatcher.compile(signature)
        dispatcher.disable_compile()
        return dispatcher

    def with_numba_alone(function: Callable[..., Any], cache: bool = True) -> Any:
        return njit(signature, cache=cache, nogil=True, **options)(function)

    def decorate(function: Callable[..., Any]) -> Any:
        for compile_ in (with_any_folder, with_numba_alone):
            try:
                return compile_(function)
            except Exception as error:  # of a release of numba that names other things, say
                _LOGGER.debug("%s of %s: %s", compile_.__name__, function.__name__, error)
        return with_numba_alone(function, cache=False)

    return decorate


def inline(function: Callable[..., Any]) -> Any:
    """Let compiled loops include a function, which is not compiled by itself."""
    with global_compiler_lock:  # another thread may be changing the setting, too
        before = config.DISABLE_JIT
        config.DISABLE_JIT = 0
        try:
            return njit(inline="always")(function)
        finally:
            config.DISABLE_JIT = before


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
