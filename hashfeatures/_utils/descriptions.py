"""Describe values in messages: short, on one line, and never with the content of an image."""

from __future__ import annotations

from itertools import chain, islice
from numbers import Number
from typing import Any

LIMIT = 200  # characters of one value that a message shows
_MOST_ITEMS = 10
_PLAIN_LETTERS = 40


def shorten(text: str, limit: int = LIMIT) -> str:
    r"""Return a text, cut in the middle if its ``repr`` is longer than a limit.

    Examples
    --------
    >>> from hashfeatures._utils.descriptions import shorten
    >>> shorten("photos/cat.png"), shorten("a" * 99 + ".png", limit=30)
    ('photos/cat.png', 'aaaaaaaaaaa ... aaaaaaa.png')
    """
    short, kept = text, limit // 2 - 4
    while len(short) > limit or len(repr(short)) > limit + 2:
        short = f"{text[:kept]} ... {text[len(text) - kept :]}"
        kept = kept * 2 // 3
    return short


def describe_value(value: object) -> str:
    """Return the ``repr`` of a value if it is short and plain, and otherwise its type and size.

    Examples
    --------
    >>> from hashfeatures._utils.descriptions import describe_value
    >>> describe_value(0.5), describe_value(["phash", 3])
    ('0.5', "['phash', 3]")
    >>> describe_value(bytes(10**6)), describe_value(list(range(1000)))
    ('<1000000 bytes>', '<list of 1000>')
    """
    import numpy as np  # here, as help texts that are only shortened do not need it

    if isinstance(value, str):
        return repr(shorten(value))
    if isinstance(value, bytes | bytearray | memoryview):
        return f"<{memoryview(value).nbytes} bytes>"
    if isinstance(value, np.ndarray):
        return f"<{value.dtype} array of shape {value.shape}>"
    name = type(value).__name__
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple) and not isinstance(value, np.generic | type):
        return f"<{name} of shape {tuple(shape)}>"
    if isinstance(value, list | tuple | set | frozenset | dict) and not _is_plain(value):
        return f"<{name} of {len(value)}>"
    try:
        text = " ".join(repr(value).split())
    except Exception:  # a user's class may raise, and this describes another error
        return f"<{name}>"
    return text if len(text) <= LIMIT else f"<{name}>"


def _is_plain(value: Any, depth: int = 1) -> bool:
    """Return whether a value can be shown in full: a number, a word, or a few of these."""
    if isinstance(value, str):
        return len(value) <= _PLAIN_LETTERS
    if isinstance(value, list | tuple | set | frozenset | dict):
        pairs = chain(*value.items()) if isinstance(value, dict) else value
        few = len(value) <= _MOST_ITEMS and depth >= 0
        return few and all(_is_plain(item, depth - 1) for item in islice(pairs, 2 * _MOST_ITEMS))
    return value is None or isinstance(value, Number | type) or callable(value)
