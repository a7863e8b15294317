"""What a run says of its progress: bars where they are asked for, and a line for silent seconds.

The line goes to the logger "hashfeatures.progress". Where nobody collects logs it appears on
stderr, if that is a terminal.
"""

from __future__ import annotations

import logging
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import current_process
from typing import Any

COMPILING = "preparing compiled functions (slow at first)"

# Seconds for which nobody wonders what is going on.
_PATIENCE = 2.0

_LOGGER = logging.getLogger("hashfeatures.progress")

_open: list[str] = []  # what is being done, the innermost last
_told = ""
_lock = threading.Lock()


class _Terminal(logging.Handler):
    """Write to stderr if a person looks at it and nobody collects logs."""

    def emit(self, record: logging.LogRecord) -> None:
        if not logging.getLogger().handlers and sys.stderr is not None and sys.stderr.isatty():
            from tqdm import tqdm

            tqdm.write(f"hashfeatures: {record.getMessage()}", file=sys.stderr)


_LOGGER.setLevel(logging.INFO)
_LOGGER.addHandler(_Terminal())


@contextmanager
def busy(doing: str) -> Iterator[None]:
    """Say in one line what is going on, if it takes longer than some seconds.

    Workers say nothing: the process that started them does.
    """
    if current_process().name != "MainProcess":
        yield
        return
    _open.append(doing)
    timer = threading.Timer(_PATIENCE, _tell)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        _open.remove(doing)


def _tell() -> None:
    """Say what is done innermost, once."""
    global _told
    with _lock:
        if _open and _open[-1] != _told:
            _told = _open[-1]
            _LOGGER.info(_told)


def progress_bar(show: bool, **options: Any) -> Any:
    """Return a bar of tqdm: of the notebook, if it can show one, or in text."""
    if not show:
        from tqdm.std import tqdm

        return tqdm(disable=True, **options)
    with warnings.catch_warnings():
        # Without ipywidgets a notebook shows the bar as text, which is as good.
        warnings.simplefilter("ignore")
        from tqdm.auto import tqdm as bar
    return bar(**options)
