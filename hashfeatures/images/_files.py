"""Which files hold images: by their suffix, and where that says nothing, by their first bytes."""

from __future__ import annotations

import codecs
import os
from collections import Counter

from PIL import Image

from .._utils.optional import install_command
from .._utils.path_text import show_path
from .._utils.regular_files import open_regular

HEIF = "HEIF"

# What Pillow registers and cannot turn into pixels.
_NO_PICTURES = frozenset({".pdf", ".palm", ".mpg", ".mpeg", ".h5", ".hdf", ".bufr", ".grib"})
_HEIF_SUFFIXES = frozenset({".heic", ".heif", ".heics", ".heifs", ".hif"})
# Photos of phones and of the web, which some releases read, and others with a plugin.
_FOREIGN_SUFFIXES = _HEIF_SUFFIXES | {".avif", ".avifs", ".jxl"}

HEAD = 32
_MOST_SUFFIXES = 8
# Those that are long enough not to be met in other files.
_SIGNATURES = {
    b"\xff\xd8\xff": "JPEG",
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"GIF87a": "GIF",
    b"GIF89a": "GIF",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"8BPS\0\1": "PSD",
    b"\0\0\0\x0cjP  \r\n\x87\n": "JPEG2000",
    b"\xff\x4f\xff\x51": "JPEG2000",
}
# What people take for images, in small letters.
_NO_IMAGES = {
    b"<!doctype html": "this is a web page in place of an image: the address may want a login, or "
    "be that of a page",
    b"<html": "this is a web page in place of an image: the address may want a login, or be that "
    "of a page",
    b"<svg": "this is a drawing in SVG, which Pillow does not read: save it as PNG",
    b"%pdf": "this is a PDF, which Pillow does not read: save its pages as images",
    b"version https://git-lfs": "this is a pointer of Git LFS in place of the file: git lfs pull",
}
_BRANDS = {b"avif": "AVIF", b"avis": "AVIF"} | dict.fromkeys(
    (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"), HEIF
)
_BITMAP_HEADERS = (12, 16, 40, 52, 56, 64, 108, 124)  # their lengths, one a version


def recognize(head: bytes) -> str | None:
    r"""Return the format of an image by the first bytes of its file; None of anything else.

    Examples
    --------
    >>> from hashfeatures.images._files import recognize
    >>> recognize(b"\xff\xd8\xff\xe0\0\x10JFIF"), recognize(b"Dear reader")
    ('JPEG', None)
    """
    for signature, kind in _SIGNATURES.items():
        if head.startswith(signature):
            return kind
    if head[4:8] == b"ftyp":
        return _BRANDS.get(head[8:12])
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    if head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in _BITMAP_HEADERS:
        return "BMP"
    return None


def has_image_suffix(name: str) -> bool:
    """Tell whether a file is named like an image that Pillow reads."""
    suffix = os.path.splitext(name)[1].lower()
    return suffix in Image.registered_extensions() and suffix not in _NO_PICTURES


def is_foreign_image(name: str) -> bool:
    """Tell whether a file is named like an image that Pillow does not read here."""
    suffix = os.path.splitext(name)[1].lower()
    return suffix in _FOREIGN_SUFFIXES and not has_image_suffix(name)


def holds_image(path: str) -> bool:
    """Tell whether a regular file is an image that Pillow reads, whatever its name."""
    if has_image_suffix(path):
        return True
    try:
        with open_regular(path) as file:
            kind = recognize(file.read(HEAD))
    except OSError:
        return False
    return kind in Image.OPEN


def heif_advice() -> str:
    """Say what Pillow needs to read HEIC."""
    return (
        f"HEIC needs a plugin of Pillow: {install_command('heif')} (in Python, then call "
        f"pillow_heif.register_heif_opener())"
    )


def describe_content(head: bytes) -> str:
    """Say of the first bytes of a file, which Pillow does not take for an image, what they are.

    Examples
    --------
    >>> from hashfeatures.images._files import describe_content
    >>> describe_content(b"<!DOCTYPE html>")
    'this is a web page in place of an image: the address may want a login, or be that of a page'
    >>> describe_content(b"Dear reader")
    "no image format that Pillow knows; the data begins with b'Dear reader'"
    """
    if recognize(head) == HEIF:
        return heif_advice()
    text = head.removeprefix(codecs.BOM_UTF8).lstrip().lower()
    for start, told in _NO_IMAGES.items():
        if text.startswith(start):
            return told
    if head[4:8] == b"ftyp" and recognize(head) is None:
        return "this is a film, not an image: take single frames of it"
    return f"no image format that Pillow knows; the data begins with {head[:16]!r}"


class LeftOut:
    """What folders hold and is not taken, counted by suffix."""

    def __init__(self) -> None:
        self._by_suffix: Counter[str] = Counter()
        self._n_hidden = 0

    def add(self, name: str) -> None:
        """Count a file; or a folder, if it is hidden."""
        if os.path.basename(name).startswith("."):
            self._n_hidden += 1
        else:
            self._by_suffix[os.path.splitext(name)[1]] += 1

    def describe(self) -> str:
        """Say in one line what was left out; nothing if all was taken.

        Examples
        --------
        >>> from hashfeatures.images._files import LeftOut
        >>> left_out = LeftOut()
        >>> for name in ["notes.txt", "a.csv", "b.csv", "README", ".git"]:
        ...     left_out.add(name)
        >>> left_out.describe()
        'left out: 2 .csv, 1 .txt, 1 without a suffix, 1 hidden'
        """
        counts = self._by_suffix.most_common()
        shown = [
            f"{n:,} {show_path(suffix) or 'without a suffix'}"
            for suffix, n in counts[:_MOST_SUFFIXES]
        ]
        if n_more := sum(n for _, n in counts[_MOST_SUFFIXES:]):
            shown.append(f"{n_more:,} of other kinds")
        if self._n_hidden:
            shown.append(f"{self._n_hidden:,} hidden")
        if not shown:
            return ""
        text = f"left out: {', '.join(shown)}"
        has_heif = any(suffix.lower() in _HEIF_SUFFIXES for suffix in self._by_suffix)
        return f"{text}. {heif_advice()}" if has_heif else text
