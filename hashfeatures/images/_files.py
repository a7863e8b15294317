"""Recognition of image files, by their suffix or else by their first bytes."""

from __future__ import annotations

import codecs
import os
from collections import Counter

from PIL import Image

from .._utils.optional import install_command
from .._utils.path_text import show_path
from .._utils.regular_files import open_regular

HEIF = "HEIF"

# Suffixes that Pillow registers but cannot decode.
_NO_PICTURES = frozenset({".pdf", ".palm", ".mpg", ".mpeg", ".h5", ".hdf", ".bufr", ".grib"})
_HEIF_SUFFIXES = frozenset({".heic", ".heif", ".heics", ".heifs", ".hif"})
# Formats that only some releases of Pillow read without a plugin.
_FOREIGN_SUFFIXES = _HEIF_SUFFIXES | {".avif", ".avifs", ".jxl"}

HEAD = 32
_MOST_SUFFIXES = 8
# Only signatures long enough not to occur in other files by chance.
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
_WEB_PAGE = (
    "the file is a web page, not an image. The address may require a login or be that of a page"
)
# Files that are often mistaken for images, by their first bytes in lower case.
_NO_IMAGES = {
    b"<!doctype html": _WEB_PAGE,
    b"<html": _WEB_PAGE,
    b"<svg": "the file is an SVG drawing, which Pillow does not read. Save it as PNG",
    b"%pdf": "the file is a PDF, which Pillow does not read. Save its pages as images",
    b"version https://git-lfs": "the file is a Git LFS pointer. Run git lfs pull",
}
_BRANDS = {b"avif": "AVIF", b"avis": "AVIF"} | dict.fromkeys(
    (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"), HEIF
)
_BITMAP_HEADERS = (12, 16, 40, 52, 56, 64, 108, 124)  # the length of each version


def recognize(head: bytes) -> str | None:
    r"""Return the format of an image from the first bytes of its file, or None.

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
    """Return whether a file has the suffix of a format that Pillow reads."""
    suffix = os.path.splitext(name)[1].lower()
    return suffix in Image.registered_extensions() and suffix not in _NO_PICTURES


def is_foreign_image(name: str) -> bool:
    """Return whether a file has the suffix of an image format that Pillow cannot read here."""
    suffix = os.path.splitext(name)[1].lower()
    return suffix in _FOREIGN_SUFFIXES and not has_image_suffix(name)


def holds_image(path: str) -> bool:
    """Return whether a regular file is an image that Pillow reads, whatever its name."""
    if has_image_suffix(path):
        return True
    try:
        with open_regular(path) as file:
            kind = recognize(file.read(HEAD))
    except OSError:
        return False
    return kind in Image.OPEN


def heif_advice() -> str:
    """Return what Pillow needs to read HEIC."""
    return (
        f"HEIC needs a plugin of Pillow: {install_command('heif')} (in Python, then call "
        f"pillow_heif.register_heif_opener())"
    )


def describe_content(head: bytes) -> str:
    """Describe a file that Pillow does not recognize, from its first bytes.

    Examples
    --------
    >>> from hashfeatures.images._files import describe_content
    >>> describe_content(b"<!DOCTYPE html>")
    'the file is a web page, not an image. The address may require a login or be that of a page'
    >>> describe_content(b"Dear reader")
    "no image format that Pillow knows. The data begins with b'Dear reader'"
    """
    if recognize(head) == HEIF:
        return heif_advice()
    text = head.removeprefix(codecs.BOM_UTF8).lstrip().lower()
    for start, description in _NO_IMAGES.items():
        if text.startswith(start):
            return description
    if head[4:8] == b"ftyp" and recognize(head) is None:
        return "the file is a video, not an image. Extract single frames from it"
    return f"no image format that Pillow knows. The data begins with {head[:16]!r}"


class LeftOut:
    """Counts the skipped files of folders by suffix."""

    def __init__(self) -> None:
        self._by_suffix: Counter[str] = Counter()
        self._n_hidden = 0

    def add(self, name: str) -> None:
        """Count a file or a hidden folder."""
        if os.path.basename(name).startswith("."):
            self._n_hidden += 1
        else:
            self._by_suffix[os.path.splitext(name)[1]] += 1

    def discard(self, name: str) -> None:
        """Take back a file that was counted, as something else than an image needs it."""
        suffix = os.path.splitext(name)[1]
        self._by_suffix[suffix] -= 1
        if self._by_suffix[suffix] <= 0:
            del self._by_suffix[suffix]

    def merge(self, other: LeftOut) -> None:
        """Add the counts of another search."""
        self._by_suffix += other._by_suffix
        self._n_hidden += other._n_hidden

    def describe(self) -> str:
        """Return the counts in one line, or an empty string if nothing was skipped.

        Examples
        --------
        >>> from hashfeatures.images._files import LeftOut
        >>> left_out = LeftOut()
        >>> for name in ["notes.txt", "a.csv", "b.csv", "README", ".git"]:
        ...     left_out.add(name)
        >>> left_out.describe()
        'skipped 2 .csv, 1 .txt, 1 without a suffix, 1 hidden'
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
        text = f"skipped {', '.join(shown)}"
        has_heif = any(suffix.lower() in _HEIF_SUFFIXES for suffix in self._by_suffix)
        return f"{text}. {heif_advice()}" if has_heif else text
