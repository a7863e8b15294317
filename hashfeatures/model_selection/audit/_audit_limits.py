"""Limits that a split can be held to, for CI."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..._utils.validation import check_count_or_share, refuse

# What can be limited.
LIMITS = (
    "leaks",
    "identical",
    "duplicates",
    "conflicts",
    "annotations",
    "straddling",
    "unreadable",
)
# What a split must have so that a limit can hold.
_NEEDED = {"conflicts": "labels", "annotations": "boxes or masks", "straddling": "groups"}


def find_exceeded(summary: dict[str, Any], limits: Mapping[str, float | int]) -> list[str]:
    """Return a sentence for each limit that a split exceeds, see `SplitAudit.exceeded`.

    Parameters
    ----------
    summary : dict
        The audit of the split, as `SplitAudit.summary` returns it.
    limits : dict of str to int or float
        The most that is allowed of each of `LIMITS`: a number, or a share below 1.

    Returns
    -------
    list of str
        The sentences.

    Raises
    ------
    ParameterError
        If a limit has an unknown name or value, or concerns labels or groups that are missing.
    """
    exceeded = []
    for name, limit in limits.items():
        if name not in LIMITS:
            raise refuse("exceeded", "limits", f"a dict with keys among {', '.join(LIMITS)}", name)
        allowed = check_count_or_share("exceeded", name, limit)
        number, share, what = _measure(summary, name)
        if isinstance(allowed, float) and share > allowed:
            exceeded.append(f"{what}: {share:.2%}, and {allowed:.2%} allowed.")
        elif isinstance(allowed, int) and number > allowed:
            exceeded.append(f"{what}: {number:,}, and {allowed:,} allowed.")
    return exceeded


def _measure(summary: dict[str, Any], name: str) -> tuple[int, float, str]:
    """Return the number and the share that a limit concerns, and what they count."""
    parts = list(summary["parts"].values())
    if name in _NEEDED and summary[name] is None:
        expected = f"a dict without {name!r} if there are no {_NEEDED[name]}"
        raise refuse("exceeded", "limits", expected, name)
    if name == "leaks":
        counts = [(part["leaks"]["total"] or 0, part["images"]) for part in parts[1:]]
        straddling = summary["straddling"]
        group = "" if straddling is None else f", or an image of their {straddling['noun']},"
        what = f"Images with a near duplicate{group} in another part"
    elif name == "identical":
        counts = [(part["leaks"]["identical"] or 0, part["images"]) for part in parts[1:]]
        what = "Images with equal pixels in another part"
    elif name == "duplicates":
        counts = [(part["within"]["duplicates"], part["images"]) for part in parts]
        what = "Near duplicates within a part"
    elif name == "unreadable":
        whole = sum(part["images"] for part in parts)
        counts = [(sum(part["unreadable"] for part in parts), whole)]
        what = "Unreadable images"
    elif name == "annotations":
        counts = [(summary[name]["pairs"], summary[name]["compared"])]
        what = "Pairs of near duplicates whose boxes or masks disagree"
    elif name == "straddling":
        counts = [(summary[name]["groups"], summary[name]["all_groups"])]
        what = f"{summary[name]['noun'].capitalize()}s in more than one part"
    else:
        found = summary["conflicts"]
        share = found["disagreeing"] / max(found["labeled"], 1)
        return found["groups"], share, "Groups of near duplicates with different labels"
    share = max((n / size for n, size in counts if size), default=0.0)
    return sum(n for n, _ in counts), share, what
