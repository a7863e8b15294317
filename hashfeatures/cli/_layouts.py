"""Data sets among the arguments of a command, in the layouts of YOLO, COCO and others."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from glob import has_magic
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .._utils.descriptions import shorten
from .._utils.path_text import encoding_of, show_path
from .._utils.regular_files import open_regular
from ._context import InputOptions, OutputOptions
from ._errors import CommandError
from ._walk import LISTS

if TYPE_CHECKING:
    from ..layouts import Collection

TABLES = (".csv", ".parquet", ".json")
# Layouts whose files belong together if several are named.
_JOINED = ("coco", "webdataset", "zip")


def read_data_sets(
    paths: Sequence[str], options: InputOptions, common: OutputOptions
) -> list[Collection]:
    """Read the data sets that the arguments of a command name, and note what they are.

    Parameters
    ----------
    paths : sequence of str
        The arguments.
    options : InputOptions
        The layout, and where names lead.
    common : OutputOptions
        Prints notes.

    Returns
    -------
    list of Collection
        One data set for each argument, or one for all files of a data set. Empty if the arguments
        are plain folders, images, lists or tables.

    Raises
    ------
    CommandError
        If an argument could be in several layouts, or only some arguments are data sets.
    LayoutError
        If a data set is broken.
    """
    named = {path: _find_layout(path, options, common) for path in paths}
    found = {path: each for path, each in named.items() if each is not None}
    if not found:
        if options.root is not None:
            raise click.UsageError(
                "--root concerns the names of images in a layout such as COCO, and PATHS are in "
                "none."
            )
        return []
    first = next(iter(found))
    if other := next((path for path in paths if path not in found), None):
        raise CommandError(
            f"{_show(first)} is in the layout {found[first].name} and {_show(other)} is in none. "
            f"Give data sets or images, not both."
        )
    kinds = {each.name for each in found.values()}
    if len(kinds) == 1 and kinds <= set(_JOINED):
        return [_read(list(found), found[first], options, common)]
    return [_read([path], each, options, common) for path, each in found.items()]


def name_data_sets(paths: Sequence[str]) -> list[str] | None:
    """Return what COCO calls the parts in several files, or None for other arguments."""
    if not all(path.lower().endswith(".json") and _holds_object(path) for path in paths):
        return None
    from ..layouts.coco._places import name_parts

    names = name_parts(list(map(Path, paths)))
    return names if len(set(names)) == len(paths) else None


def read_tables(paths: Sequence[str], options: InputOptions, common: OutputOptions) -> Collection:
    """Read plain tables as a data set, which can be written as tables.

    Raises
    ------
    LayoutError
        If they cannot be read.
    """
    return _read(list(paths), _Found("table"), options, common)


def read_folder(path: str, options: InputOptions, common: OutputOptions) -> Collection:
    """Read a plain folder as a data set, which its layout can write.

    Raises
    ------
    LayoutError
        If it holds no images.
    """
    if chosen := _name_folder_options(options):
        raise click.UsageError(
            f"{chosen} chooses files of a folder, and --out DIR writes the whole data set. Write "
            f"lists instead: --out TRAIN TEST."
        )
    return _read([path], _Found(options.layout), options, common)


@dataclass(frozen=True)
class _Found:
    """The layout of an argument, and what a note should say about it."""

    name: str
    doubt: str = ""


def count_foreign(data_set: Collection) -> int:
    """Return how many images Pillow cannot read here, by what was left out of a data set."""
    from ..images._files import is_foreign_image

    counts = re.findall(r"([\d,]+) (\.\w+)", data_set.skipped)
    return sum(int(n.replace(",", "")) for n, suffix in counts if is_foreign_image(f"x{suffix}"))


def read_description(source: str, common: OutputOptions) -> Collection | None:
    """Return the data set that a file of YOLO or COCO describes; None for other sources.

    Raises
    ------
    LayoutError
        If the data set is broken.
    """
    if not source.lower().endswith((".yaml", ".yml", ".json")):
        return None
    return next(iter(read_data_sets([source], InputOptions(), common)), None)


def _find_layout(path: str, options: InputOptions, common: OutputOptions) -> _Found | None:
    """Return the layout of an argument, or None for images, plain folders, lists and tables."""
    from ..layouts._read_collection import recognize_layouts

    if options.layout == "folder":
        return None
    chosen = _name_folder_options(options)
    if options.layout != "auto":
        if chosen:
            raise click.UsageError(f"{chosen} has no effect with --layout {options.layout}.")
        return _Found(options.layout)
    if not _may_be_layout(path):
        return None
    reasons = recognize_layouts(path)
    is_plain = path.lower().endswith(TABLES) and not _holds_encoded_images(path, options.column)
    if is_plain:
        reasons.pop("table", None)
    if not reasons:
        return None
    if len(reasons) > 1:
        listed = " or ".join(f"{name} ({reason})" for name, reason in reasons.items())
        raise CommandError(
            f"{_show(path)} could be in the layout {listed}. Choose one with --layout, or take "
            f"all images in it with --layout folder."
        )
    ((name, reason),) = reasons.items()
    if os.path.isdir(path):
        if chosen:
            common.note(
                f"{_show(path)}: searched as a folder because of {chosen}, although {reason}"
            )
            return None
        return _Found(name, f" ({reason}; --layout folder takes all images in it instead)")
    return _Found(name)


def _may_be_layout(path: str) -> bool:
    """Return whether an argument can be a data set, by its name alone."""
    from ..images._files import has_image_suffix
    from ..images._sources import is_url

    if path == "-" or is_url(path) or has_image_suffix(path):
        return False
    if not os.path.lexists(path):
        return has_magic(path) or "{" in path  # "{000..009}.tar" of tar shards
    if path.lower().endswith(".json"):
        return _holds_object(path)
    return not path.lower().endswith((*LISTS, ".csv"))


def _holds_object(path: str) -> bool:
    """Return whether a JSON file is an object, as COCO is, and not a list of rows."""
    try:
        with open_regular(path) as file:
            head = file.read(4096)
    except OSError:  # reported where the file is read
        return False
    return head.decode(encoding_of(head), "replace").lstrip("\ufeff \t\r\n").startswith("{")


def _holds_encoded_images(path: str, column: str | None) -> bool:
    """Return whether the images of a Parquet file are bytes, not paths."""
    if not path.lower().endswith(".parquet"):
        return False
    try:
        import pyarrow.parquet as pq
    except ImportError:
        return False
    from ..images._sources import IMAGE_COLUMNS

    try:
        schema = pq.read_schema(path)
    except (OSError, ValueError):  # reported where the table is read
        return False
    named = [name for name in IMAGE_COLUMNS if name in schema.names]
    name = column if column in schema.names else next(iter(named), None)
    return name is not None and "binary" in str(schema.field(name).type)


def _read(
    paths: list[str], found: _Found, options: InputOptions, common: OutputOptions
) -> Collection:
    from ..exceptions import LayoutError, SkippedFilesWarning
    from ..layouts import read_collection

    if options.column is not None:
        _check_column(options.column, paths[0], found)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SkippedFilesWarning)  # noted below
        try:
            # The archives of annotated data sets are refused unless --layout names them.
            is_chosen = options.layout != "auto" or found.name not in ("zip", "webdataset")
            collection = read_collection(
                paths[0] if len(paths) == 1 else paths,
                found.name if is_chosen else "auto",
                root=options.root,
            )
        except LayoutError as error:
            if not found.doubt:
                raise
            raise LayoutError(f"{error} The layout is {found.name}{found.doubt}.") from error
    named = shorten(", ".join(map(show_path, paths)))
    common.note(f"{named}: {collection.describe()}{found.doubt}")
    if collection.skipped:
        common.note(f"{named}: {collection.skipped}")
    return collection


def _check_column(column: str, path: str, found: _Found) -> None:
    """Raise if the option --column names another column than that of the images in a data set."""
    from ..images._sources import IMAGE_COLUMNS

    if found.name != "table":
        raise click.UsageError(
            f"--column concerns tables, and {_show(path)} is in the layout {found.name}."
        )
    if column != IMAGE_COLUMNS[0]:
        raise CommandError(
            f"{_show(path)} is read as a data set, whose images are in a column with a usual "
            f"name, such as {IMAGE_COLUMNS[0]!r} or {IMAGE_COLUMNS[1]!r}. Leave --column out, or "
            f"rename the column {column!r} to {IMAGE_COLUMNS[0]!r}."
        )


def _name_folder_options(options: InputOptions) -> str | None:
    """Return the first option that chooses files of a folder, or None."""
    given = {
        "--glob": options.globs,
        "--hidden": options.hidden,
        "--follow-links": options.links,
    }
    return next((name for name, value in given.items() if value), None)


def _show(path: str) -> str:
    return shorten(show_path(path))
