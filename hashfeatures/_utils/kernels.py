"""Modules of compiled loops, imported on first use."""

from __future__ import annotations

import logging
import os
import threading
from functools import cache
from importlib import import_module
from types import ModuleType

from .progress import COMPILING, busy

_LOGGER = logging.getLogger(__name__)

_LOADED: dict[str, ModuleType] = {}


@cache
def load_kernels(package: str) -> ModuleType:
    """Import the compiled loops of a package on first use, as numba takes a while to import.

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
    _LOADED[package] = kernels
    return kernels


def has_loaded_kernels(package: str) -> bool:
    """Return whether `load_kernels` has imported the compiled loops of a package."""
    return package in _LOADED


class KernelsInBackground:
    """The compiled loops of a package, for code that can do without until they are loaded.

    Parameters
    ----------
    package : str
        As in `load_kernels`.
    budget : int
        The work that is done without them, in any unit, before a thread begins to load them. It
        should take about as long as loading.
    """

    def __init__(self, package: str, budget: int) -> None:
        self._package = package
        self._budget = budget
        self._spent = 0
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def get(self, work: int) -> ModuleType | None:
        """Return the module if it is loaded, or at once needed for more work than the budget."""
        loaded = _LOADED.get(self._package)
        if loaded is not None:
            return loaded
        if work > self._budget:
            return load_kernels(self._package)
        with self._lock:
            self._spent += work
            if self._spent > self._budget and self._thread is None:
                self._start()
        return None

    def _start(self) -> None:
        thread = threading.Thread(target=self._load, name="hashfeatures-kernels")
        try:
            thread.start()
        except RuntimeError:  # the system has no more threads, or the interpreter ends
            return
        self._thread = thread
        if hasattr(os, "register_at_fork"):  # a fork would never see the end of a running import
            os.register_at_fork(before=self._finish)

    def _load(self) -> None:
        try:
            load_kernels(self._package)
        except Exception:  # whoever cannot do without them loads them again, and raises
            _LOGGER.debug("Cannot load the kernels of %s", self._package, exc_info=True)

    def _finish(self) -> None:
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()
