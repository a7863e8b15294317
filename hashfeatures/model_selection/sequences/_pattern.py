"""Sequences by a pattern of file names that a user gives."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..._utils.descriptions import describe_value
from ..._utils.validation import refuse
from ...duplicates._labels import relabel
from ._names import NameRuns
from ._paths import join_part_folders, natural_key, split_path

_COUNTERS = ("frame", "counter")
_FIELD = re.compile(r"\{(\w+)\}")
_SHOWN = 3


def compile_pattern(caller: str, pattern: Any) -> tuple[re.Pattern[str], bool]:
    """Compile a pattern of file names.

    Parameters
    ----------
    caller : str
        The name of the function, for messages.
    pattern : str or re.Pattern
        A template with fields in braces, or a regular expression with named groups.

    Returns
    -------
    expression : re.Pattern
        It is searched for in ``folder/file``.
    has_folder : bool
        Whether the pattern itself says which folders belong together.

    Raises
    ------
    ParameterError
        If the pattern has no fields, or is not one.
    """
    expected = (
        "a template with fields in braces, such as '{sequence}_{frame}.png', or a regular "
        "expression with named groups"
    )
    if isinstance(pattern, re.Pattern) and isinstance(pattern.pattern, str):
        expression, text = pattern, pattern.pattern
    elif isinstance(pattern, str) and "(?P<" in pattern:
        text = pattern
        try:
            expression = re.compile(pattern)
        except re.error as error:
            raise refuse(caller, "pattern", f"{expected} ({error})", pattern) from error
    elif isinstance(pattern, str):
        text = pattern.replace("\\", "/")
        names = _FIELD.findall(text)
        if len(set(names)) < len(names) or any(name[0].isdigit() for name in names):
            raise refuse(caller, "pattern", "a template whose fields have different names",
                         pattern)  # fmt: skip
        expression = re.compile(_expression_of(text))
    else:
        raise refuse(caller, "pattern", f"{expected}, or None", pattern)
    if not expression.groupindex:
        raise refuse(caller, "pattern", expected, pattern)
    return expression, "/" in text


def _expression_of(template: str) -> str:
    """Return the regular expression of a template."""
    pieces = _FIELD.split(template)
    written = [re.escape(text).replace(r"\*", "[^/]*") for text in pieces]
    for place in range(1, len(pieces), 2):
        name = pieces[place]
        kind = "[0-9]{1,18}(?![0-9])" if name in _COUNTERS else "[^/]+?"
        written[place] = f"(?P<{name}>{'.*?' if name == 'folder' else kind})"
    start = "^" if template.startswith("{folder}") else "(?:^|/)"
    return rf"{start}{''.join(written)}(?:\.[^./]*)?$"


def match_names(caller: str, names: Sequence[str | None], pattern: Any) -> tuple[NameRuns, int]:
    """Find the sequences of images whose names match a pattern.

    The fields but the counter identify a sequence. Unless the pattern contains a slash, so does
    the folder. Without a counter, the names give the order.

    Parameters
    ----------
    caller : str
        The name of the function, for messages.
    names : sequence of str or None
        Paths and URLs in any order; None for an image without a name.
    pattern : str or re.Pattern
        See `compile_pattern`.

    Returns
    -------
    runs : NameRuns
        The runs. Images with other names are in none.
    n_unmatched : int
        The number of names that do not match.

    Raises
    ------
    ValueError
        If no name matches.

    Examples
    --------
    >>> from hashfeatures.model_selection.sequences._pattern import match_names
    >>> names = ["north/ann-1.png", "north/ann-2.png", "south/ann-3.png", "south/x.png"]
    >>> match_names("fit", names, "{person}-{frame}.png")[0].labels
    array([ 0,  0,  1, -1])
    >>> match_names("fit", names, r"/(?P<person>[a-z]+)-")[0].labels
    array([ 0,  0,  0, -1])
    """
    expression, has_folder = compile_pattern(caller, pattern)
    runs = NameRuns.without_runs(len(names))
    keys: list[tuple[Any, ...]] = []
    rows, unmatched, orders = [], [], []
    counter = next((name for name in _COUNTERS if name in expression.groupindex), None)
    named = [row for row, name in enumerate(names) if name is not None]
    paths = [split_path(names[row] or "") for row in named]
    folders = join_part_folders(paths)
    for row, path, folder in zip(named, paths, folders, strict=True):
        whole = f"{path.folder}/{path.file}"
        match = expression.search(whole if has_folder else path.file)
        value = match[counter] if match is not None and counter is not None else "0"
        if match is None or not re.fullmatch("[0-9]{1,18}", value or "", re.ASCII):
            unmatched.append(names[row])
            continue
        fields = {field: text for field, text in match.groupdict().items() if field != counter}
        if "folder" in fields:
            fields["folder"] = folder
        keys.append((*fields.values(), None if has_folder else folder))
        orders.append(int(value) if counter is not None else natural_key(path.file))
        rows.append(row)
    if unmatched and not rows:
        shown = ", ".join(describe_value(name) for name in unmatched[:_SHOWN])
        raise ValueError(
            f"The pattern {_text_of(pattern)} matches none of {len(unmatched)} names, of which "
            f"the first are {shown}. {_what_is_matched(has_folder)}"
        )
    column = np.empty(len(keys), dtype=object)
    column[:] = keys
    runs.labels[rows] = relabel(column) if keys else []
    if counter is None:
        place_of = {order: place for place, order in enumerate(sorted(set(orders)))}
        orders = [place_of[order] for order in orders]
    runs.counters[rows] = orders
    runs.is_strong[rows] = True
    runs.patterns[rows] = _text_of(pattern)
    return runs, len(unmatched)


def _text_of(pattern: Any) -> str:
    return str(pattern.pattern if isinstance(pattern, re.Pattern) else pattern)


def _what_is_matched(has_folder: bool) -> str:
    if has_folder:
        return "A template with a slash must match the end of the path."
    return "A template without a slash must match the whole file name; its suffix may be missing."
