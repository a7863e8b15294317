"""Show results as a few lines of text or a small HTML table, however large they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from itertools import islice
from typing import Any

from .path_text import show_path

_MOST_ROWS = 5
_MOST_LETTERS = 80


def rows_as_text(title: str, columns: Mapping[str, Sequence[Any]]) -> str:
    """Return a title and the first rows of a table as text.

    Examples
    --------
    >>> from hashfeatures._utils.display import rows_as_text
    >>> print(rows_as_text("2 pairs", {"left": [0, 3], "right": [10, 12]}))
    2 pairs
    left  right
       0     10
       3     12
    """
    cells, n_more = _first_rows(columns)
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ["  ".join(map(str.rjust, row, widths)) for row in cells] if len(cells) > 1 else []
    if n_more:
        lines.append(f"and {n_more:,} more")
    return "\n".join([title, *lines])


def rows_as_html(title: str, columns: Mapping[str, Sequence[Any]]) -> str:
    """Return a title and the first rows of a table as HTML, with all values escaped."""
    (head, *rows), n_more = _first_rows(columns)
    html = f"<p>{escape(title)}</p>"
    if rows:
        html += _table([_row("th", head), *(_row("td", row) for row in rows)])
    return html + (f"<p>and {n_more:,} more</p>" if n_more else "")


def facts_as_text(name: str, facts: Mapping[str, Any]) -> str:
    """Return named values on one line.

    Examples
    --------
    >>> from hashfeatures._utils.display import facts_as_text
    >>> facts_as_text("GroupsSummary", {"out": "run/groups", "n_groups": 3})
    "GroupsSummary(out='run/groups', n_groups=3)"
    """
    return f"{name}({', '.join(f'{key}={value!r}' for key, value in facts.items())})"


def facts_as_html(name: str, facts: Mapping[str, Any]) -> str:
    """Return named values as an HTML table, with all values escaped."""
    rows = [_row("td", [key, _shorten(value)]) for key, value in facts.items()]
    return f"<p>{escape(name)}</p>{_table(rows)}"


def _first_rows(columns: Mapping[str, Sequence[Any]]) -> tuple[list[list[str]], int]:
    """Return the header and the first rows as text, and the number of further rows."""
    n_rows = len(next(iter(columns.values())))
    first = (
        [_shorten(value) for value in islice(column, _MOST_ROWS)] for column in columns.values()
    )
    return [list(columns), *map(list, zip(*first, strict=True))], max(n_rows - _MOST_ROWS, 0)


def _shorten(value: Any) -> str:
    """Return a value as text, cut at its start, as a path ends in its file name."""
    text = show_path(str(value))
    return text if len(text) <= _MOST_LETTERS else f"...{text[3 - _MOST_LETTERS :]}"


def _row(tag: str, cells: Sequence[str]) -> str:
    return f"<tr>{''.join(f'<{tag}>{escape(cell)}</{tag}>' for cell in cells)}</tr>"


def _table(rows: Sequence[str]) -> str:
    return f"<table>{''.join(rows)}</table>"
