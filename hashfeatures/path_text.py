r"""Paths as text: on one printable line for people, and in lists that can be read back.

A list of paths has one a line. A path that would break its line, is not UTF-8 or begins with a
double quote is written as a JSON string, so that every path survives.
"""

from __future__ import annotations

import json
import unicodedata

# Control characters, and those that would turn the text around them ("Cf": bidirectional marks).
_HIDDEN = ("Cc", "Cf", "Cs", "Zl", "Zp")


def show_path(path: str) -> str:
    r"""Return a path as one line that can be printed anywhere and hides nothing.

    Examples
    --------
    >>> from hashfeatures.path_text import show_path
    >>> print(show_path("two\nlines.png"))
    two\nlines.png
    """
    if path.isprintable():
        return path
    return "".join(
        letter.encode("unicode_escape", "backslashreplace").decode("ascii")
        if unicodedata.category(letter) in _HIDDEN
        else letter
        for letter in path
    )


def write_path(path: str) -> str:
    r"""Return the line that stands for a path in a list.

    Examples
    --------
    >>> from hashfeatures.path_text import read_path, write_path
    >>> print(write_path("two\nlines.png"))
    "two\nlines.png"
    >>> read_path(write_path("two\nlines.png")) == "two\nlines.png"
    True
    """
    is_plain = "\n" not in path and "\r" not in path and not path.startswith('"')
    if is_plain and path == path.strip() and path.isprintable():
        return path
    return json.dumps(path)


def read_path(line: str) -> str:
    """Return the path that a line of a list stands for; the opposite of `write_path`.

    Raises
    ------
    ValueError
        If the line begins with a double quote and is no JSON string.
    """
    if not line.startswith('"'):
        return line
    path = json.loads(line)
    return str(path)
