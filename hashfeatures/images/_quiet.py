"""Silence from Pillow and libtiff while odd files are decoded."""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image

from ._pillow_state import at_least

_is_quiet = False  # whether the main thread is in a context of `quiet_decoding`


@contextmanager
def quiet_decoding(max_pixels: int | None = None) -> Iterator[None]:
    """Silence what Pillow warns of while it reads odd files, and allow files of a size.

    Warnings belong to the whole process, so only its main thread may silence them: a pool of
    threads is started from inside this context.

    Parameters
    ----------
    max_pixels : int, optional
        The most pixels that an image may have; None leaves Pillow's own limit.
    """
    global _is_quiet
    with at_least(max_pixels):
        if _is_quiet or threading.current_thread() is not threading.main_thread():
            yield
            return
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _is_quiet = True
            try:
                yield
            finally:
                _is_quiet = False


@contextmanager
def quiet_libtiff(image: Image.Image) -> Iterator[None]:
    """Keep what libtiff prints of a broken file from the terminal.

    It writes to the file descriptor, which belongs to the whole process: other threads could lose
    their words, so only the main thread turns it away, and for no longer than it decodes.
    """
    is_alone = threading.current_thread() is threading.main_thread()
    try:
        stderr = os.dup(2) if image.format == "TIFF" and is_alone else None
    except OSError:  # there is no stderr
        stderr = None
    if stderr is None:
        yield
        return
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
