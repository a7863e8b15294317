"""The parts of a split as collections of images: their comparison, and what it left out."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from .._utils.descriptions import shorten
from .._utils.part_names import order_parts
from .._utils.path_text import show_path
from .._utils.quantities import count
from ._context import FinderOptions, GlobalOptions, InputOptions, OutputOptions
from ._errors import CommandError
from ._finders import make_finder
from ._inputs import InputImages, collect, join_data_sets
from ._layouts import TABLES, name_data_sets, read_data_sets
from ._options import Size
from ._part_folders import find_part_folders, name_paths
from ._walk import check_existence

if TYPE_CHECKING:
    from ..model_selection._parts import ComparedParts


# Folders are taken for classes if at least this share of the images is in folders whose names
# are in several parts.
_IN_CLASSES = 0.9


def collect_parts(
    paths: Sequence[str], part_column: str | None, inputs: InputOptions, common: OutputOptions
) -> dict[str, InputImages]:
    """Return the images of each part, and say which parts were recognized.

    Parameters
    ----------
    paths : sequence of str
        The parts; or one folder or data set that holds them; or tables.
    part_column : str or None
        The column of the tables that names the part of each image.
    inputs : InputOptions
        How to search for images.
    common : OutputOptions
        Prints notes.

    Returns
    -------
    dict of str to InputImages
        At least two parts, which may be empty.

    Raises
    ------
    CommandError
        If there are no two parts.
    """
    check_existence(paths)
    if part_column is not None:
        return _divide(collect(paths, inputs, common), part_column, common)
    if len(paths) == 1:
        (path,) = paths
        if data_sets := read_data_sets(paths, inputs, common):
            return _divide(join_data_sets(data_sets), "part", common)
        if path.lower().endswith(TABLES):
            table = collect(paths, inputs, common)
            return _divide(table, _choose_part_column(table, path, common), common)
        if not os.path.isdir(path):
            raise click.UsageError(
                "Name the parts, one folder or data set that holds them, or a table with a column "
                "of parts."
            )
        named, others = find_part_folders(path)
        if others:
            common.note(f"not in a part: {', '.join(others)}")
    else:
        named = dict(zip(name_data_sets(paths) or name_paths(paths), paths, strict=True))
    parts = {
        name: collect([path], inputs, common, may_be_empty=True) for name, path in named.items()
    }
    listed = [f"{name} ({count(len(part.sources), 'image')})" for name, part in parts.items()]
    common.note(f"parts: {', '.join(listed)}")
    return parts


def _choose_part_column(table: InputImages, path: str, common: OutputOptions) -> str:
    """Return the column of a table that names the parts, and say so."""
    from ..layouts.tables._tables import PART_COLUMNS

    columns = [] if table.columns is None else list(table.columns.columns)
    column = next((name for name in PART_COLUMNS if name in columns), None)
    if column is None:
        raise click.UsageError(
            f"A table that holds all parts names the part of each image in a column 'part' or "
            f"'split', or in the one that --part-column of hashfeatures audit names. "
            f"{shorten(show_path(path))} has the columns {', '.join(map(str, columns[:12]))}."
        )
    common.note(f"{shorten(show_path(path))}: the parts are those in the column {column!r}")
    return column


def _divide(table: InputImages, column: str, common: OutputOptions) -> dict[str, InputImages]:
    """Return the images of each part that a column of a table names."""
    import pandas as pd

    if table.data_set is not None and column not in table.data_set.columns:
        raise CommandError(
            f"The data set has no column {column!r} that names parts. Name the parts one by one, "
            f"the training part first."
        )
    values = table.classes(column)
    assert values is not None
    is_known = ~pd.isna(pd.Series(values, dtype=object)).to_numpy()
    texts = [str(value) for value in values]
    names = order_parts(
        dict.fromkeys(name for name, known in zip(texts, is_known, strict=True) if known)
    )
    if len(names) < 2:
        got = f"only {names[0]!r}" if names else "no values"
        raise CommandError(f"The column {column!r} must name at least two parts. It has {got}.")
    if n_without := int((~is_known).sum()):
        common.note(f"skipped {count(n_without, 'row')} without a part")
    parts = {}
    for name in names:
        rows = [row for row, text in enumerate(texts) if is_known[row] and text == name]
        parts[name] = InputImages(
            [table.sources[row] for row in rows],
            None if table.columns is None else table.columns.iloc[rows].reset_index(drop=True),
            table.settings,
            unsearched=table.unsearched,
            data_sets=[] if table.data_set is None else [table.data_set.select(rows)],
        )
    first = parts[names[0]]
    first.n_nameless, first.n_foreign = table.n_nameless, table.n_foreign
    first.foreign, first.unfollowed = table.foreign, table.unfollowed
    if table.data_set is None:
        listed = [f"{name} ({count(len(part.sources), 'image')})" for name, part in parts.items()]
        common.note(f"parts: {', '.join(listed)}")
    return parts


def choose_classes(parts: Mapping[str, InputImages], by: str | None, common: OutputOptions) -> Any:
    """Return the class of each image of all parts, and say which classes were recognized.

    Parameters
    ----------
    parts : dict of str to InputImages
        The images of each part.
    by : str or None
        "parent", "grandparent", a column, or "none". None means the folders of the images if the
        parts share them.
    common : OutputOptions
        Prints notes.

    Returns
    -------
    ndarray of shape (n_images,), dtype object, or None
        The classes of the images of all parts, one part after the other.
    """
    import numpy as np

    if by == "none":
        return None
    if by is None and any(part.data_set is not None for part in parts.values()):
        return _choose_labels(parts, common)
    found = [part.classes(by or "parent") or [] for part in parts.values()]
    if by is None:
        in_parts = Counter(name for names in found for name in set(names) if name)
        shared = {name for name, n_parts in in_parts.items() if n_parts > 1}
        n_images = sum(map(len, found))
        n_shared = sum(name in shared for names in found for name in names)
        if len(shared) < 2 or n_shared < _IN_CLASSES * n_images:
            return None
        names = sorted(in_parts)
        more = f" and {len(names) - 8} more" if len(names) > 8 else ""
        common.note(f"classes: the folders {', '.join(names[:8])}{more}; see --classes-by")
    labels = np.empty(sum(map(len, found)), dtype=object)
    labels[:] = [label for part in found for label in part]
    return labels


def _choose_labels(parts: Mapping[str, InputImages], common: OutputOptions) -> Any:
    """Return the labels that data sets hold, or the class of the objects in each image."""
    import numpy as np

    from .._utils.labels import list_labels

    labels = np.full(sum(len(part.sources) for part in parts.values()), None, dtype=object)
    start = n_several = 0
    for part in parts.values():
        data, n_images = part.data_set, len(part.sources)
        if data is not None and data.labels is not None:
            labels[start : start + n_images] = list_labels(data.labels, n_images)
        elif data is not None and data.counts is not None:
            n_classes = np.diff(data.counts.indptr)
            of_one_class = np.flatnonzero(n_classes == 1)
            columns = data.counts.indices[data.counts.indptr[of_one_class]]
            labels[start + of_one_class] = np.array(data.class_names, dtype=object)[columns]
            n_several += int((n_classes > 1).sum())
        start += n_images
    n_labeled = sum(label is not None for label in labels)
    if n_labeled < _IN_CLASSES * (n_labeled + n_several) or not n_labeled:
        return None
    if n_several:
        common.note(
            f"classes: those of the objects; {count(n_several, 'image')} with several count in "
            f"none; see --classes-by"
        )
    return labels


def allow_unreadable_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the option that says how many images may be left out."""
    return click.option(
        "--allow-unreadable",
        "allowed",
        type=Size(),
        default="0",
        show_default=True,
        metavar="N",
        help="The number or the fraction of images that may be unreadable, such as 3 or 0.01. "
        "Each part needs at least one readable image.",
    )(function)


def compare_collections(
    caller: str,
    parts: Mapping[str, InputImages],
    options: FinderOptions,
    common: GlobalOptions,
    groups: Any = None,
) -> ComparedParts:
    """Find the near duplicates within and among collections of images.

    Parameters
    ----------
    caller : str
        The name of the command, for messages.
    parts : dict of str to InputImages
        The images of each part.
    options : FinderOptions
        Which images are near duplicates.
    common : GlobalOptions
        How they are hashed.
    groups : list, mapping, str or estimator, optional
        Groups that must not be in more than one part, see `compare_parts`.

    Returns
    -------
    ComparedParts
        The parts, and the near pairs. Files of hashes are compared without reading an image.

    Raises
    ------
    CommandError
        If only some parts are files of hashes, or these were made with different settings.
    """
    from ..model_selection._parts import compare_parts

    first, *others = parts.values()
    if any(part.is_hashed != first.is_hashed for part in others):
        only = "Only one part is a file" if len(parts) == 2 else "Only some parts are files"
        every = "both parts, or neither" if len(parts) == 2 else "all parts, or none"
        raise CommandError(f"{only} of hashes. Hash {every}.")
    finder = make_finder(options, first, common)
    if not first.is_hashed:
        sources = {name: part.sources for name, part in parts.items()}
        return compare_parts(caller, sources, finder, groups=groups)
    for part in others:
        make_finder(options, part, common)
        if part.settings != first.settings:
            raise CommandError(
                f"The hashes of the parts were made with different settings:\n"
                f"{first.settings or 'unknown'}, and {part.settings or 'unknown'}. "
                f"Hash one part again."
            )
    columns = {name: part.columns for name, part in parts.items()}
    return compare_parts(caller, columns, finder, use_hashes=True, groups=groups)


def why_skipped(
    parts: Mapping[str, InputImages], unreadable: Mapping[str, int], allowed: float | int
) -> str | None:
    """Return which images of the folders and tables were skipped; None if few enough.

    Parameters
    ----------
    parts : dict of str to InputImages
        The images of each part.
    unreadable : dict of str to int
        The number of images of each part that could not be read.
    allowed : int or float
        The number or the share of images that may be skipped or unreadable.

    Returns
    -------
    str or None
        A sentence.
    """
    for folder in (folder for part in parts.values() for folder in part.unsearched):
        return f"Not checked: {shorten(show_path(folder))} could not be searched."
    for link in (link for part in parts.values() for link in part.unfollowed):
        return (
            f"Not checked: {shorten(show_path(link))} is a link to a folder, which was not "
            f"followed. See --follow-links."
        )
    foreign = [path for part in parts.values() for path in part.foreign]
    n_nameless = sum(part.n_nameless for part in parts.values())
    n_foreign = len(foreign) + sum(part.n_foreign for part in parts.values())
    n_skipped = n_foreign + n_nameless
    n_unread = n_skipped + sum(unreadable.values())
    n_images = n_skipped + sum(len(part.sources) for part in parts.values())
    is_allowed = (n_unread / n_images if isinstance(allowed, float) else n_unread) <= allowed
    if not n_skipped or is_allowed:
        return None
    if n_nameless:
        name = "names" if n_nameless == 1 else "name"
        return f"Not checked: {count(n_nameless, 'row')} of the tables {name} no image."
    such_as = f", such as {shorten(show_path(foreign[0]))}" if foreign else ""
    images = count(n_foreign, "image")
    return f"Not checked: Pillow cannot read the format of {images} in the folders{such_as}."
