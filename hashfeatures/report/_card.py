"""The card of a split: the sections of an audit, as a page, Markdown or plain text.

All forms are made from the summary of the audit and from nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from .._utils.path_text import show_path
from ._card_annotations import list_annotation_conflicts
from ._card_sections import (
    Summary,
    Table,
    describe_leaks,
    folder_of,
    list_conflicts,
    list_figures,
    list_sections,
)
from ._templates import read_template, render, security_policy

Pictures = Mapping[tuple[str, int], str]

# The mark of a page that this module wrote.
_MARK = '<meta name="generator" content="hashfeatures audit">'

# The width of the bar of a share in the page.
_BAR = 120


def is_card(start: str) -> bool:
    """Return whether a file with this beginning is a page that `write_card` wrote."""
    return _MARK in start


def write_card(summary: Summary, pictures: Pictures, *, whole: bool = True) -> str:
    """Return the card as HTML.

    Parameters
    ----------
    summary : dict
        The content, as `SplitAudit.summary` returns it.
    pictures : dict of (str, int) to str
        Data URIs by part and row.
    whole : bool, default=True
        Whether to return a page, or a fragment for a notebook.

    Returns
    -------
    str
        HTML that makes no request. It embeds its style and pictures and needs no script.
    """
    style = read_template("report.css") + read_template("card.css")
    if not whole:
        style += read_template("fragment.css")
    return render(
        "card.html" if whole else "card_parts.html",
        summary=summary,
        sections=list_sections(summary),
        leaks=describe_leaks(summary),
        figures=list_figures(summary),
        pictures=pictures,
        conflicts=list_conflicts(summary),
        annotations=list_annotation_conflicts(summary),
        style=style,
        mark=_MARK,
        whole=whole,
        folder=folder_of(summary),
        policy=security_policy(style=style),
        bar=_BAR,
    )


def write_markdown(summary: Summary) -> str:
    """Return the card as Markdown."""
    lines = [f"# {_escape(summary['title'])}", "", *map(_escape, describe_leaks(summary))]
    for section in list_sections(summary):
        lines += ["", f"## {_escape(section.title)}", "", *map(_escape, section.text)]
        if section.table is not None:
            head, rows = section.table.head, section.table.rows
            rule = ["---"] + ["---:"] * (len(head) - 1)
            if section.kind:
                rule = ["---"] * len(head)
            lines += ["", *(_as_row(cells) for cells in (map(_escape, head), rule))]
            lines += [_as_row(map(_escape, cells)) for cells in rows]
            if section.table.n_more:
                lines += ["", f"And {section.table.n_more:,} more rows."]
    return "\n".join(lines) + "\n"


def write_card_text(summary: Summary) -> str:
    """Return the card as plain text, in columns."""
    lines = [summary["title"], "", *describe_leaks(summary)]
    for section in list_sections(summary):
        lines += ["", section.title.upper(), *section.text]
        if section.table is not None:
            lines += _as_columns(section.table, is_text=bool(section.kind))
            if section.table.n_more:
                lines.append(f"  and {section.table.n_more:,} more rows")
    return "\n".join(map(show_path, lines))  # names may hold escape codes of terminals


def _escape(text: str) -> str:
    """Return a text whose characters have no meaning in Markdown."""
    flat = show_path(" ".join(text.split()))
    return "".join(f"\\{letter}" if letter in "\\`*_[]<>|#~" else letter for letter in flat)


def _as_row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _as_columns(table: Table, is_text: bool) -> list[str]:
    """Return the lines of a table; numbers are set to the right."""
    cells: Sequence[Sequence[str]] = [table.head, *table.rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = []
    for row in cells:
        padded = [
            text.ljust(width) if is_text or not place else text.rjust(width)
            for place, (text, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append(f"  {'  '.join(padded)}".rstrip())
    return lines
