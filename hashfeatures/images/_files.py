"""Recognition of image files, by their suffix or else by their first bytes."""

from __future__ import annotations

import codecs
import os
from collections import Counter

from PIL import Image

from .._utils.array_file import MAGIC
from .._utils.optional import install_command
from .._utils.path_text import show_path
from .._utils.regular_files import open_regular
from ._pillow_state import load_plugins

HEIF, JXL = "HEIF", "JXL"

# Suffixes that Pillow registers but cannot decode.
_NO_PICTURES = frozenset({".pdf", ".palm", ".mpg", ".mpeg", ".h5", ".hdf", ".bufr", ".grib"})
_HEIF_SUFFIXES = frozenset({".heic", ".heif", ".heics", ".heifs", ".hif"})
_AVIF_SUFFIXES = frozenset({".avif", ".avifs"})
# Most of these are TIFF files by their first bytes. Pillow reads the preview in some of them.
_RAW_SUFFIXES = frozenset(
    {".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dng", ".erf", ".kdc", ".mrw", ".nef", ".nrw",
     ".orf", ".pef", ".raf", ".rw2", ".rwl", ".sr2", ".srf", ".srw", ".x3f"}
)  # fmt: skip
# Formats that no release of Pillow, or only some, read without a plugin.
_FOREIGN_SUFFIXES = _HEIF_SUFFIXES | _AVIF_SUFFIXES | _RAW_SUFFIXES | {".jxl"}

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
    b"\0\0\0\x0cJXL \r\n\x87\n": JXL,
}
_SUFFIX_OF = {HEIF: ".heic", JXL: ".jxl", "AVIF": ".avif"}
_JXL_STREAM = b"\xff\x0a"  # of files without a container, too short to be certain
_WEB_PAGE = (
    "the file is a web page, not an image. The address may require a login or be that of a page"
)
# Files that are often mistaken for images, by their first bytes in lower case.
_NO_IMAGES = {
    b"<!doctype html": _WEB_PAGE,
    b"<html": _WEB_PAGE,
    b"<svg": "the file is an SVG drawing, which Pillow does not read. Save it as PNG",
    b"%pdf": "the file is a PDF, which Pillow does not read. Save its pages as images",
    MAGIC.lower(): "the file is one of hashfeatures, such as a seal, and holds no image",
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
    load_plugins()
    return suffix in Image.registered_extensions() and suffix not in _NO_PICTURES


def is_image_head(head: bytes) -> bool:
    """Return whether the first bytes of a file are those of an image that Pillow reads."""
    kind = recognize(head)
    load_plugins()
    # Pillow can open more formats than it was built for, but registers no suffix for these.
    return kind is not None and kind in Image.registered_extensions().values()


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
            return is_image_head(file.read(HEAD))
    except OSError:
        return False


def format_advice(suffix: str) -> str:
    """Return what Pillow needs to read files of a suffix; empty if it needs nothing more.

    Examples
    --------
    >>> from hashfeatures.images._files import format_advice
    >>> format_advice(".png"), format_advice(".CR3")
    ('', 'Pillow has no plugin for RAW photos. Take their previews, as by rawpy:
    rawpy.imread(path).extract_thumb().data')
    """
    suffix = suffix.lower()
    if has_image_suffix(f"image{suffix}"):
        return ""
    if suffix in _HEIF_SUFFIXES:
        return f"HEIC needs a plugin of Pillow: {install_command('heif')}"
    if suffix in _AVIF_SUFFIXES:
        return "AVIF needs Pillow 11.3 or later, or its plugin: pip install pillow-avif-plugin"
    if suffix == ".jxl":
        return "JPEG XL needs a plugin of Pillow: pip install pillow-jxl-plugin"
    if suffix in _RAW_SUFFIXES:
        return (
            "Pillow has no plugin for RAW photos. Take their previews, as by rawpy: "
            "rawpy.imread(path).extract_thumb().data"
        )
    return ""


def describe_content(head: bytes, suffix: str = "") -> str:
    """Describe a file that Pillow does not recognize, from its first bytes and its suffix.

    Examples
    --------
    >>> from hashfeatures.images._files import describe_content
    >>> describe_content(b"<!DOCTYPE html>")
    'the file is a web page, not an image. The address may require a login or be that of a page'
    >>> describe_content(b"Dear reader")
    "no image format that Pillow knows. The data begins with b'Dear reader'"
    """
    kind = recognize(head) or (JXL if head.startswith(_JXL_STREAM) else None)
    if advice := format_advice(_SUFFIX_OF.get(kind or "", "")):
        return advice
    text = head.removeprefix(codecs.BOM_UTF8).lstrip().lower()
    for start, description in _NO_IMAGES.items():
        if text.startswith(start):
            return description
    if advice := format_advice(suffix):
        return advice
    if head[4:8] == b"ftyp" and kind is None:
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
        advice = dict.fromkeys(map(format_advice, sorted(self._by_suffix)))
        return ". ".join([f"skipped {', '.join(shown)}", *filter(None, advice)])
