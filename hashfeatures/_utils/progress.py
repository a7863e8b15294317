"""Show progress: bars on request, and otherwise a log message when a step takes long.

The messages go to the logger "hashfeatures.progress". If no handler collects logs, they appear on
stderr if that is a terminal.
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

# Steps that take fewer seconds are not reported.
_PATIENCE = 2.0

_LOGGER = logging.getLogger("hashfeatures.progress")

_open: list[str] = []  # the running steps, the innermost last
_last_message = ""
_lock = threading.Lock()


class _Terminal(logging.Handler):
    """Write to stderr if it is a terminal and no handler collects logs."""

    def emit(self, record: logging.LogRecord) -> None:
        if not logging.getLogger().handlers and sys.stderr is not None and sys.stderr.isatty():
            from tqdm import tqdm

            tqdm.write(f"hashfeatures: {record.getMessage()}", file=sys.stderr)


_LOGGER.setLevel(logging.INFO)
_LOGGER.addHandler(_Terminal())


@contextmanager
def busy(doing: str) -> Iterator[None]:
    """Log the name of a step if it takes longer than a few seconds.

    Workers log nothing, as the process that started them does.
    """
    if current_process().name != "MainProcess":
        yield
        return
    _open.append(doing)
    timer = threading.Timer(_PATIENCE, _log_innermost)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        _open.remove(doing)


def _log_innermost() -> None:
    """Log the innermost running step, once."""
    global _last_message
    with _lock:
        if _open and _open[-1] != _last_message:
            _last_message = _open[-1]
            _LOGGER.info(_last_message)


def progress_bar(show: bool, **options: Any) -> Any:
    """Return a progress bar of tqdm, as a widget in notebooks that can show one."""
    if not show:
        from tqdm.std import tqdm

        return tqdm(disable=True, **options)
    with warnings.catch_warnings():
        # Without ipywidgets, tqdm warns and shows the bar as text.
        warnings.simplefilter("ignore")
        from tqdm.auto import tqdm as bar
    return bar(**options)
