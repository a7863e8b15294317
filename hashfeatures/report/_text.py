"""The text form of a report."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from .._utils.path_text import show_path
from .._utils.quantities import count, format_agreement, format_bytes
from ._summary import Summary

# The most groups in a short text, and the most images per group.
_N_GROUPS = 5
_N_IMAGES = 6


def common_folder(paths: Sequence[str]) -> str:
    """Return the folder that all paths share, with a separator at the end; "" if there is none.

    Examples
    --------
    >>> from hashfeatures.report._text import common_folder
    >>> common_folder(["photos/a/1.png", "photos/b/2.png"])
    'photos/'
    """
    # A prefix of letters, cut to whole names below, because some paths are URLs.
    start = os.path.commonprefix(list(paths)) if len(paths) > 1 else ""  # noqa: RUF071
    folder = start[: max(start.rfind("/"), start.rfind(os.sep)) + 1]
    is_named = folder.strip("/" + os.sep) and not folder.endswith("://")
    return folder if is_named else ""


def describe_settings(settings: dict[str, object]) -> str:
    """Return a sentence or two about what makes images near duplicates."""
    hashes = settings["hashes"]
    named = " and ".join(map(str, hashes)) if isinstance(hashes, list | tuple) else str(hashes)
    least = settings.get("min_agreement")
    confirmed = "" if least is None else f" The agreement of their pixels is at least {least}."
    return (
        f"Near duplicates differ in at most {settings['radius']} of the {settings['bits']} bits "
        f"of {named}.{confirmed}"
    )


def describe_removable_size(summary: Summary) -> str:
    """Return the size of the files that can be removed; "" if it is unknown, as for URLs."""
    sizes = [image["bytes"] for image in summary["images"] if image["kept"] is False]
    known = [size for size in sizes if size is not None]
    if not known:
        return ""
    least = "at least " if len(known) < len(sizes) else ""
    return f"{least}{format_bytes(sum(known))}"


def describe_counts(summary: Summary) -> str:
    """Return a sentence or two that count what was found."""
    counts = summary["counts"]
    found = "no near duplicates"
    if counts["groups"]:
        size = describe_removable_size(summary)
        found = (
            f"{count(counts['groups'], 'group')} of near duplicates with "
            f"{count(counts['grouped_images'], 'image')}, {counts['duplicates']:,} of which can "
            f"be removed{f' ({size})' if size else ''}"
        )
    found = f"{count(counts['images'], 'image')}: {found}."
    troubles = [
        count(counts["leaks"], "group") + " across parts of the split",
        count(counts["conflicts"], "group") + " with different labels",
        count(counts["unreadable"], "image") + " unreadable",
        count(counts["low_detail"], "image") + " of low detail",
    ]
    present = [text for text in troubles if not text.startswith("0 ")]
    return f"{found} {'; '.join(present)}." if present else found


def write_text(summary: Summary, whole: bool = False) -> str:
    """Return a summary as text: the first groups and images, or with `whole` all of them.

    A star marks each image that is kept. Where near duplicates are confirmed by their pixels, the
    line of each other image has its agreement with the kept image and its relation to it.
    """
    n_groups, n_images = (None, None) if whole else (_N_GROUPS, _N_IMAGES)
    lines = [describe_counts(summary), describe_settings(summary["settings"])]
    is_confirmed = any(image["agreement"] is not None for image in summary["images"])
    for group in summary["groups"][:n_groups]:
        marks = [name for name in ("conflict", "leak") if group[name]]
        noted = f" ({', '.join(marks)})" if marks else ""
        weakest = group["weakest_link"]
        linked = "" if weakest is None else f", weakest link {format_agreement(weakest)}"
        n_members = count(len(group["images"]), "image")
        lines.append(f"group {group['label']}: {n_members}{linked}{noted}")
        lines += [
            _describe_image(summary["images"][place], is_confirmed)
            for place in group["images"][:n_images]
        ]
        if n_images and len(group["images"]) > n_images:
            lines.append(f"              and {len(group['images']) - n_images:,} more")
    if n_groups and len(summary["groups"]) > n_groups:
        lines.append(f"and {count(len(summary['groups']) - n_groups, 'more group')}")
    return "\n".join(lines)


def _describe_image(image: dict[str, Any], is_confirmed: bool) -> str:
    """Return the line of an image: with its agreement and relation where pairs are confirmed."""
    mark = "*" if image["kept"] else " "
    apart = "" if image["distance"] is None else count(image["distance"], "bit")
    line = f"  {mark} {apart:>8}  "
    if is_confirmed:
        agreement = image["agreement"]
        line += f"{'' if agreement is None else format_agreement(agreement):>4}  "
    line += show_path(image["path"])
    return line if image["relation"] is None else f"{line}  {image['relation']}"
