"""Contexts that silence Pillow and libtiff while they decode odd files."""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from PIL import Image

from ._pillow_state import raised_pixel_limit

_is_quiet = False  # whether the main thread is in a context of `quiet_decoding`


def quiet_decoding(max_pixels: int | None = None) -> AbstractContextManager[None]:
    """Silence warnings of Pillow about odd files, and raise its limit of pixels.

    Warning filters belong to the whole process, so only its main thread may change them. Start a
    pool of threads from inside this context.

    Parameters
    ----------
    max_pixels : int, optional
        The most pixels that an image may have. None means Pillow's own limit.
    """
    if _is_quiet or threading.current_thread() is not threading.main_thread():
        return raised_pixel_limit(max_pixels)
    return _quiet_main_thread(max_pixels)


@contextmanager
def _quiet_main_thread(max_pixels: int | None) -> Iterator[None]:
    global _is_quiet
    with raised_pixel_limit(max_pixels), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _is_quiet = True
        try:
            yield
        finally:
            _is_quiet = False


@contextmanager
def quiet_libtiff(image: Image.Image) -> Iterator[None]:
    """Discard what libtiff prints about a broken file.

    libtiff writes to the file descriptor, which belongs to the whole process. Other threads could
    lose output, so only the main thread redirects it, and only while it decodes.
    """
    is_main = threading.current_thread() is threading.main_thread()
    try:
        stderr = os.dup(2) if image.format == "TIFF" and is_main else None
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
