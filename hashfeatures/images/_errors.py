"""Errors that are met while an image is read, and what they say of it."""

from __future__ import annotations

import errno
import os
import struct
from collections.abc import Mapping
from traceback import clear_frames
from typing import Any

from .._utils.descriptions import describe_value, shorten
from ..exceptions import ImageReadError
from ._sources import (
    describe_source,
    is_remote,
    local_path,
)

_LONGEST_CAUSE = 600  # letters of an error's text


# What Pillow raises if it cannot bring the pixels of an image into another form.
CONVERSION_ERRORS = (ValueError, OSError, MemoryError)


# Errors of the system that are not those of any one file.
_OF_THE_SYSTEM = {errno.EMFILE, errno.ENFILE, errno.ENOSPC, getattr(errno, "EDQUOT", -1)}


# How Pillow begins its message on content that will be as broken the next time.
_OF_THE_CONTENT = ("image file is truncated", "broken data stream", "unrecognized data stream")


def as_read_error(source: Any, error: Exception) -> ImageReadError:
    """Return what an error that was met while an image was opened and decoded says of the image.

    Parameters
    ----------
    source : image source
        The image.
    error : Exception
        The error. What its traceback holds, such as pixels, is let go of.

    Returns
    -------
    ImageReadError
        The error of the image.

    Raises
    ------
    Exception
        The error itself if the image is not to blame: a package cannot be imported, the disk is
        full, too many files are open, or a file other than the image's may not be used.
    """
    if _is_of_the_environment(source, error):
        error.add_note(f"This was met while {describe_source(source)!r} was read.")
        raise error
    release_frames(error)
    lasting = _lasts(error) and not is_remote(source)
    return ImageReadError(describe_source(source), describe_error(error), lasting=lasting)


def release_frames(error: BaseException | None) -> None:
    """Let go of what the frames hold in which an error was met, such as pixels."""
    while error is not None:
        clear_frames(error.__traceback__)
        error = error.__context__


def _is_of_the_environment(source: Any, error: Exception) -> bool:
    if isinstance(error, ImportError):
        return True
    if not isinstance(error, OSError) or error.errno is None:
        return False
    if error.errno in _OF_THE_SYSTEM:
        return True
    if error.filename is None or is_remote(source):
        return False
    is_refused = error.errno in (errno.EACCES, errno.EPERM, errno.EROFS)
    return is_refused and os.fsdecode(error.filename) != _path_of(source)


def _path_of(source: Any) -> str | None:
    """Return the path that an image source names, None if it names none."""
    if isinstance(source, Mapping):
        return _path_of(source.get("path")) if source.get("bytes") is None else None
    return local_path(source)


def _lasts(error: Exception) -> bool:
    """Tell an error that the same content leads to again from one that may pass.

    What Pillow cannot identify may be known to another release, or with another plugin; the limit
    of pixels may be another; codecs and memory may be missing. All of these raise `OSError` too.
    """
    if isinstance(error, OSError):
        return error.errno is None and str(error).startswith(_OF_THE_CONTENT)
    return isinstance(error, SyntaxError | EOFError | struct.error)


def describe_error(error: Exception) -> str:
    """Return the class and the text of an error on one line, which no long name swells."""
    names = {getattr(error, name, None) for name in ("filename", "filename2")}
    text = str(error)
    for name in names:
        if isinstance(name, str | bytes):
            text = text.replace(repr(name), describe_value(name))
    text = shorten(" ".join(text.split()), _LONGEST_CAUSE)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
