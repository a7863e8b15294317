r"""Convert paths to printable text, and to lists that can be read back.

A list has one path per line. A path that contains line breaks, is not UTF-8 or begins with a
double quote is written as a JSON string, so that every path survives.
"""

from __future__ import annotations

import codecs
import json
import os
import unicodedata

from .descriptions import shorten

# Longer marks come first, as that of UTF-32 begins like that of UTF-16.
_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
    codecs.BOM_UTF8: "utf-8-sig",
}

_LONGEST = 4096
# Control characters and bidirectional marks ("Cf"), which would change the text around them.
_HIDDEN = ("Cc", "Cf", "Cs", "Zl", "Zp")


def show_path(path: str) -> str:
    r"""Return a path as one printable line, with hidden characters escaped.

    Examples
    --------
    >>> from hashfeatures._utils.path_text import show_path
    >>> print(show_path("two\nlines.png"))
    two\nlines.png
    """
    if len(path) > _LONGEST:  # longer than any path: an image in a data: URI
        path = shorten(path)
    if path.isprintable():
        return path
    return "".join(
        letter.encode("unicode_escape", "backslashreplace").decode("ascii")
        if unicodedata.category(letter) in _HIDDEN
        else letter
        for letter in path
    )


def write_path(path: str) -> str:
    r"""Return the line of a list that represents a path.

    Examples
    --------
    >>> from hashfeatures._utils.path_text import read_path, write_path
    >>> print(write_path("two\nlines.png"))
    "two\nlines.png"
    >>> read_path(write_path("two\nlines.png")) == "two\nlines.png"
    True
    """
    is_plain = "\n" not in path and "\r" not in path and not path.startswith('"')
    if is_plain and path == path.strip() and path.isprintable():
        return path
    return json.dumps(path)


def spellings(path: str) -> list[str]:
    r"""Return a path, and the same path as other systems may spell it.

    Windows separates folders by backslashes, and macOS may write an accent as its own character.

    Examples
    --------
    >>> from hashfeatures._utils.path_text import spellings
    >>> spellings("cats/1.png"), spellings("cats\\1.png")
    (['cats/1.png'], ['cats\\1.png', 'cats/1.png'])
    """
    forms = [path, path.replace("\\", "/")]
    if not path.isascii():
        forms += [unicodedata.normalize(form, forms[1]) for form in ("NFC", "NFD")]
    return list(dict.fromkeys(forms))


def encoding_of(data: bytes) -> str:
    r"""Return the encoding by the byte order mark of a text; UTF-8 without one.

    Examples
    --------
    >>> from hashfeatures._utils.path_text import encoding_of
    >>> encoding_of("a.png".encode("utf-16")), encoding_of(b"a.png")
    ('utf-16', 'utf-8-sig')
    """
    for mark, encoding in _MARKS.items():
        if data.startswith(mark):
            return encoding
    return "utf-8-sig"


def split_list(data: bytes) -> list[str]:
    r"""Return the paths of a list, one per line or separated by NUL, as ``find -print0`` does.

    Raises
    ------
    ValueError
        If a line is not a path, or the bytes are not text.

    Examples
    --------
    >>> from hashfeatures._utils.path_text import split_list
    >>> split_list(b"a.png\n\nb.png\n")
    ['a.png', 'b.png']
    >>> split_list(b"a.png\0two\nlines.png\0")
    ['a.png', 'two\nlines.png']
    """
    encoding = encoding_of(data)
    if encoding == "utf-8-sig":  # paths may contain bytes that are not UTF-8
        try:
            text = os.fsdecode(data.removeprefix(codecs.BOM_UTF8))
        except UnicodeDecodeError:  # on Windows, whose paths are Unicode
            raise ValueError("it is not UTF-8; save it as UTF-8") from None
    else:
        text = data.decode(encoding)
    if "\0" in text:
        entries = text.split("\0")
        if sum(len(entry) < 2 for entry in entries[:-1]) > len(entries) // 2:
            raise ValueError("it seems to be UTF-16 without a byte order mark; save it as UTF-8")
        return [entry for entry in entries if entry]
    paths = []
    for number, ended in enumerate(text.split("\n"), 1):
        line = ended.removesuffix("\r")
        if not line.strip():
            continue
        try:
            paths.append(read_path(line))
        except ValueError:
            raise ValueError(
                f"line {number} begins with a double quote but is not a JSON string: {line[:60]}"
            ) from None
    return paths


def read_path(line: str) -> str:
    """Return the path that a line of a list represents; the inverse of `write_path`.

    Raises
    ------
    ValueError
        If the line begins with a double quote but is not a JSON string.
    """
    if not line.startswith('"'):
        return line
    path = json.loads(line)
    return str(path)
