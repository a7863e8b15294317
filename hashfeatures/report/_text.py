"""A summary as a few lines of text."""

from __future__ import annotations

from .._utils.path_text import show_path
from ._summary import Summary

# Groups that are listed, and images of each.
_N_GROUPS = 5
_N_IMAGES = 6


def count(number: int, noun: str, plural: str = "") -> str:
    """Return a number and its noun, one or many.

    Examples
    --------
    >>> from hashfeatures.report._text import count
    >>> count(1, "image"), count(1200, "image"), count(2, "copy", "copies")
    ('1 image', '1,200 images', '2 copies')
    """
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def say_size(n_bytes: int) -> str:
    """Return a number of bytes in the unit that suits it.

    Examples
    --------
    >>> from hashfeatures.report._text import say_size
    >>> say_size(999), say_size(12_345), say_size(3_000_000)
    ('999 B', '12 kB', '3.0 MB')
    """
    size = float(n_bytes)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.1f} {unit}" if size < 10 and unit != "B" else f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def say_settings(settings: dict[str, object]) -> str:
    """Say by what images were compared."""
    hashes = settings["hashes"]
    named = " and ".join(map(str, hashes)) if isinstance(hashes, list | tuple) else str(hashes)
    return (
        f"Near duplicates differ in at most {settings['radius']} of the {settings['bits']} bits "
        f"of {named}."
    )


def say_spare_size(summary: Summary) -> str:
    """Say how large the files are that could go; "" where that is not known, as of URLs."""
    sizes = [image["bytes"] for image in summary["images"] if image["kept"] is False]
    known = [size for size in sizes if size is not None]
    if not known:
        return ""
    least = "at least " if len(known) < len(sizes) else ""
    return f"{least}{say_size(sum(known))}"


def say_counts(summary: Summary) -> str:
    """Say in a sentence or two what was found."""
    counts = summary["counts"]
    size = say_spare_size(summary)
    found = (
        f"{count(counts['images'], 'image')}: {count(counts['groups'], 'group')} of near "
        f"duplicates with {count(counts['grouped_images'], 'image')}, of which "
        f"{counts['duplicates']:,} could go{f' ({size})' if size else ''}."
    )
    troubles = [
        count(counts["leaks"], "group") + " across parts of the split",
        count(counts["conflicts"], "group") + " with different labels",
        count(counts["unreadable"], "image") + " unreadable",
        count(counts["low_detail"], "image") + " of low detail",
    ]
    told = [text for text in troubles if not text.startswith("0 ")]
    return f"{found} {'; '.join(told)}." if told else found


def write_text(summary: Summary, whole: bool = False) -> str:
    """Return a summary as text, with the first groups and images listed, or the `whole` of them.

    Images that are kept have a star.
    """
    n_groups, n_images = (None, None) if whole else (_N_GROUPS, _N_IMAGES)
    lines = [say_counts(summary), say_settings(summary["settings"])]
    for group in summary["groups"][:n_groups]:
        marks = [name for name in ("conflict", "leak") if group[name]]
        noted = f" ({', '.join(marks)})" if marks else ""
        lines.append(f"group {group['label']}: {count(len(group['images']), 'image')}{noted}")
        for place in group["images"][:n_images]:
            image = summary["images"][place]
            mark = "*" if image["kept"] else " "
            apart = "" if image["distance"] is None else count(image["distance"], "bit")
            lines.append(f"  {mark} {apart:>8}  {show_path(image['path'])}")
        if n_images and len(group["images"]) > n_images:
            lines.append(f"              and {len(group['images']) - n_images:,} more")
    if n_groups and len(summary["groups"]) > n_groups:
        lines.append(f"and {count(len(summary['groups']) - n_groups, 'more group')}")
    return "\n".join(lines)
