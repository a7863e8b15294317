"""Numbers with their nouns and units, as messages show them."""

from __future__ import annotations


def count(number: int, noun: str, plural: str = "") -> str:
    """Return a number and its noun, in the singular or the plural.

    Examples
    --------
    >>> from hashfeatures._utils.quantities import count
    >>> count(1, "image"), count(1200, "image"), count(2, "copy", "copies")
    ('1 image', '1,200 images', '2 copies')
    """
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def format_bytes(n_bytes: int) -> str:
    """Return a number of bytes in the unit that suits it.

    Examples
    --------
    >>> from hashfeatures._utils.quantities import format_bytes
    >>> format_bytes(999), format_bytes(12_345), format_bytes(3_000_000)
    ('999 B', '12 kB', '3.0 MB')
    """
    size = float(n_bytes)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.1f} {unit}" if size < 10 and unit != "B" else f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def format_agreement(agreement: float) -> str:
    """Return the agreement of two images with two digits, never more than it is.

    Examples
    --------
    >>> from hashfeatures._utils.quantities import format_agreement
    >>> format_agreement(0.9999), format_agreement(1)
    ('0.99', '1.00')
    """
    return f"{round(agreement * 10_000) // 100 / 100:.2f}"
