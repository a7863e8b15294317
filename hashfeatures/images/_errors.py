"""Errors of an image that cannot be read, apart from errors of the environment."""

from __future__ import annotations

import errno
import os
import struct
from collections.abc import Mapping
from traceback import clear_frames
from typing import Any

from .._utils.descriptions import describe_value, shorten
from .._utils.platforms import explain_missing
from ..exceptions import ImageReadError
from ._references import ImageReference
from ._sources import (
    describe_source,
    is_remote,
    local_path,
)

_LONGEST_CAUSE = 600  # characters of an error's text


# What Pillow raises if it cannot convert the pixels of an image.
CONVERSION_ERRORS = (ValueError, OSError, MemoryError)


# Errors of the system that no single file causes.
_SYSTEM_ERRORS = {errno.EMFILE, errno.ENFILE, errno.ENOSPC, getattr(errno, "EDQUOT", -1)}


# How Pillow's messages on permanently broken content begin.
_BROKEN_CONTENT = ("image file is truncated", "broken data stream", "unrecognized data stream")


def as_read_error(source: Any, error: Exception) -> ImageReadError:
    """Convert an error that occurred while an image was opened or decoded to that of the image.

    Parameters
    ----------
    source : image source
        The image.
    error : Exception
        The error. Its traceback is cleared, so that it holds no pixels.

    Returns
    -------
    ImageReadError
        The error of the image.

    Raises
    ------
    Exception
        The error itself if the image did not cause it. For example, a package cannot be imported,
        the disk is full, too many files are open, or access to another file is denied.
    """
    if _has_other_cause(source, error):
        error.add_note(f"The error occurred while {describe_source(source)!r} was read.")
        raise error
    release_frames(error)
    lasting = _is_lasting(error) and not is_remote(source)
    return ImageReadError(describe_source(source), describe_error(error), lasting=lasting)


def release_frames(error: BaseException | None) -> None:
    """Clear the frames of an error's traceback, which may hold pixels."""
    while error is not None:
        clear_frames(error.__traceback__)
        error = error.__context__


def _has_other_cause(source: Any, error: Exception) -> bool:
    if isinstance(error, ImportError):
        return True
    if not isinstance(error, OSError) or error.errno is None:
        return False
    if error.errno in _SYSTEM_ERRORS:
        return True
    if error.filename is None or is_remote(source) or isinstance(source, ImageReference):
        return False
    is_refused = error.errno in (errno.EACCES, errno.EPERM, errno.EROFS)
    return is_refused and os.fsdecode(error.filename) != _path_of(source)


def _path_of(source: Any) -> str | None:
    """Return the path that an image source names, or None."""
    if isinstance(source, Mapping):
        return _path_of(source.get("path")) if source.get("bytes") is None else None
    return local_path(source)


def _is_lasting(error: Exception) -> bool:
    """Return whether the same content will raise the error again.

    Another release of Pillow or another plugin may read a format that this one cannot identify.
    The limit of pixels may change, and codecs or memory may be missing. All of these raise
    `OSError` too.
    """
    if isinstance(error, OSError):
        return error.errno is None and str(error).startswith(_BROKEN_CONTENT)
    return isinstance(error, SyntaxError | EOFError | struct.error)


def describe_error(error: Exception) -> str:
    """Return the class and the text of an error on one line, with long file names shortened."""
    names = {getattr(error, name, None) for name in ("filename", "filename2")}
    text = str(error) + (explain_missing(error) if isinstance(error, OSError) else "")
    for name in names:
        if isinstance(name, str | bytes):
            text = text.replace(repr(name), describe_value(name))
    text = shorten(" ".join(text.split()), _LONGEST_CAUSE)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
