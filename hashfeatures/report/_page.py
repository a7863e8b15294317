"""The HTML forms of a report: a self-contained page, and a fragment for notebooks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from .._utils.path_text import show_path, write_path
from ._histogram import draw_histogram
from ._summary import Summary
from ._templates import read_template, render, security_policy, show
from ._text import common_folder, describe_counts, describe_settings
from ._thumbnails import shrink

# The groups, and images per group, in a page where no script runs, as in email.
_N_STATIC_GROUPS = 20
_N_STATIC_IMAGES = 12
# The same in a notebook, and the greatest length of its pictures: notebooks save all their cells.
NOTEBOOK_GROUPS = 20
NOTEBOOK_IMAGES = 4
NOTEBOOK_BYTES = 400_000

# The mark of a page that this module wrote.
_MARK = '<meta name="generator" content="hashfeatures report">'


def is_page(start: str) -> bool:
    """Return whether a file with this beginning is a page that `write_page` wrote."""
    return _MARK in start


def write_page(summary: Summary, thumbnails: dict[int, str]) -> str:
    """Return a summary as an HTML page.

    Parameters
    ----------
    summary : dict
        The content, as `summarize` returns it.
    thumbnails : dict of int to str
        Data URIs by the position of the image in ``summary["images"]``.

    Returns
    -------
    str
        A page that makes no request: it embeds its style, script and pictures, and its security
        policy allows no others. Where no script runs, it shows the first groups.
    """
    style, script = read_template("report.css"), read_template("report.js")
    return _render(
        "page.html",
        summary,
        thumbnails,
        n_groups=_N_STATIC_GROUPS,
        n_images=_N_STATIC_IMAGES,
        mark=_MARK,
        style=style,
        script=script,
        policy=security_policy(style=style, script=script),
        data=_as_json(summary, thumbnails, _folder_of(summary)),
    )


def write_parts(summary: Summary, thumbnails: dict[int, str], text: str | None = None) -> str:
    """Return a summary as a fragment of HTML for a notebook, without a script.

    A `text` replaces the sentences that count the groups.
    """
    if text is None:
        text = f"{describe_counts(summary)} {describe_settings(summary['settings'])}"
    room = NOTEBOOK_BYTES
    few: dict[int, str] = {}
    for group in summary["groups"][:NOTEBOOK_GROUPS]:
        for place in group["images"][:NOTEBOOK_IMAGES]:
            if place not in thumbnails:
                continue
            thumbnail = shrink(thumbnails[place])
            room -= len(thumbnail)
            if room >= 0:
                few[place] = thumbnail
    return _render(
        "notebook.html",
        summary,
        few,
        n_groups=NOTEBOOK_GROUPS,
        n_images=NOTEBOOK_IMAGES,
        style=read_template("report.css") + read_template("fragment.css"),
        text=text,
    )


def _render(name: str, summary: Summary, thumbnails: dict[int, str], **values: Any) -> str:
    return render(
        name,
        summary=summary,
        thumbnails=thumbnails,
        counts=summary["counts"],
        folder=_folder_of(summary),
        histogram=draw_histogram(summary["distances"]["counts"], summary["settings"]),
        **values,
    )


def _folder_of(summary: Summary) -> str:
    """Return the folder that all paths share, as it is shown; "" if there is none."""
    rows = [row for name in ("images", "unreadable", "low_detail") for row in summary[name]]
    return show(common_folder([row["path"] for row in rows]))


def _invert(taken: Sequence[float] | None) -> list[float] | None:
    """Return the affine map that takes a point of an image to the image that is kept for it."""
    if taken is None:
        return None
    a, b, c, d, e, f = taken
    area = a * e - b * d
    back = (e, -b, b * f - c * e, -d, a, c * d - a * f)
    return [round(number / area, 5) + 0.0 for number in back] if area else None


def _as_json(summary: Summary, thumbnails: dict[int, str], folder: str) -> str:
    """Return the data of the script as JSON that cannot end the script element."""
    images = []
    for image in summary["images"]:
        path = image["path"]
        forms = {"shown": show_path(path), "line": write_path(path)}
        images.append(
            {name: value for name, value in image.items() if name != "map"}
            | {name: text for name, text in forms.items() if text != path}
            | {"overlay": _invert(image["map"])}
        )
    shown = {
        "folder": folder,
        "groups": summary["groups"],
        "images": images,
        "parts": summary["parts"],
        "thumbnails": thumbnails,
    }
    text = json.dumps(shown, separators=(",", ":"))  # ASCII: other characters are escaped
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text
