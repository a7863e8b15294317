"""Modules of compiled loops, imported on first use."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from types import ModuleType

from .progress import COMPILING, busy

_LOADED: set[str] = set()


@cache
def load_kernels(package: str) -> ModuleType:
    """Import the compiled loops of a package on first use, as numba takes a second to import.

    Parameters
    ----------
    package : str
        The package that holds the module ``_kernels``, such as "hashing.views".

    Returns
    -------
    module
        The module ``_kernels``.
    """
    with busy(COMPILING):
        kernels = import_module(f"hashfeatures.{package}._kernels")
    _LOADED.add(package)
    return kernels


def has_loaded_kernels(package: str) -> bool:
    """Return whether `load_kernels` has imported the compiled loops of a package."""
    return package in _LOADED
