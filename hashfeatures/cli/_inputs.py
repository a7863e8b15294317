"""From arguments to image sources: files, folders, lists, tables, files of hashes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from .._utils.descriptions import shorten
from .._utils.path_text import read_path, show_path
from .._utils.quantities import count
from ._context import InputOptions, OutputOptions
from ._errors import CommandError
from ._file_state import FileState, find_place, from_columns, look_at_all
from ._layouts import TABLES, count_foreign, read_data_sets, read_folder, read_tables
from ._walk import Walk, name_argument, read_list_file, split_entries

if TYPE_CHECKING:
    import pandas as pd

    from ..layouts import Collection


@dataclass
class InputImages:
    """Images, and where they came from.

    Parameters
    ----------
    sources : list
        Paths and URLs, and in layouts also references to images inside larger files.
    columns : DataFrame or None
        The table of the images, one row per image.
    settings : str or None
        How the hashes in the table were made, "" if unknown; None without hashes.
    states : list of FileState or None
        The state of each file before it was read, or when it was hashed; None if unknown.
    n_nameless : int
        The number of rows of the table without an image, which are skipped.
    unsearched : list of str
        Folders that could not be searched, for lack of permission for example.
    unfollowed : list of str
        Links to folders that were neither followed nor searched elsewhere.
    foreign : list of str
        Image files in folders that Pillow cannot read here, which are skipped.
    n_foreign : int
        The number of image files in a data set that Pillow cannot read here.
    data_sets : list of Collection
        The data sets that the images come from, if they are in a layout.
    """

    sources: list[Any] = field(default_factory=list)
    columns: pd.DataFrame | None = None
    settings: str | None = None
    states: list[FileState | None] = field(default_factory=list)
    n_nameless: int = 0
    unsearched: list[str] = field(default_factory=list)
    unfollowed: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    n_foreign: int = 0
    data_sets: list[Collection] = field(default_factory=list)

    @property
    def data_set(self) -> Collection | None:
        """The data set that all images are; None if they are none or several."""
        return self.data_sets[0] if len(self.data_sets) == 1 else None

    @cached_property
    def names(self) -> list[str]:
        """The path, the URL or another name of each image."""
        return list(map(name_image, self.sources))

    @property
    def is_hashed(self) -> bool:
        """Whether the table holds hashes."""
        return self.settings is not None

    def known_column(self, name: str) -> str | None:
        """Return a column of a data set if it has a value for each image, else None."""
        if self.data_set is None or name not in self.data_set.columns:
            return None
        return name if self.data_set.frame[name].notna().all() else None

    def classes(self, by: str | None) -> list[Any] | None:
        """Return the class of each image: the name of its folder, or its value in a column."""
        if by is None:
            return None
        if by in ("parent", "grandparent"):
            folders = [_parent(name) for name in self.names]
            if by == "grandparent":
                folders = [_parent(folder) for folder in folders]
            return [os.path.basename(folder) for folder in folders]
        if self.columns is None or by not in self.columns.columns:
            known = (
                "The images do not come from a table"
                if self.columns is None
                else f"The columns of the table are {', '.join(map(str, self.columns.columns))}"
            )
            raise CommandError(
                f"There is no column {by!r}. {known}. Use 'parent' to take the name of each "
                f"image's folder."
            )
        return list(self.columns[by])


def name_image(source: Any) -> str:
    """Return the path or URL of an image, or the name of one inside a larger file."""
    from ..images._sources import describe_source, name_source

    return source if isinstance(source, str) else name_source(source) or describe_source(source)


def _parent(path: str) -> str:
    """Return the nearest folder that is not hidden: a hidden one belongs to the one above."""
    folder = os.path.dirname(path)
    while (name := os.path.basename(folder)).startswith(".") and name not in (".", ".."):
        folder = os.path.dirname(folder)
    return folder


def collect(
    paths: Sequence[str],
    options: InputOptions,
    common: OutputOptions,
    *,
    may_be_empty: bool = False,
    whole: bool = False,
) -> InputImages:
    """Find the images that the arguments of a command name.

    Parameters
    ----------
    paths : sequence of str
        Images, folders, URLs, lists, tables, files of hashes, "-".
    options : InputOptions
        How to search for them.
    common : OutputOptions
        Prints notes about skipped files.
    may_be_empty : bool, default=False
        Whether a collection without images is allowed.
    whole : bool, default=False
        Whether to take plain folders and tables as data sets too, which can be written as such.

    Returns
    -------
    InputImages
        The images, at least one unless `may_be_empty`.

    Raises
    ------
    CommandError
        If a path does not exist, is named twice, or holds no image.
    """
    data_sets = read_data_sets(paths, options, common)
    if whole and not data_sets and len(paths) == 1 and os.path.isdir(paths[0]):
        data_sets = [read_folder(paths[0], options, common)]
    if whole and not data_sets and _are_plain_tables(paths):
        data_sets = [read_tables(paths, options, common)]
    tables = [] if data_sets else [path for path in paths if path.lower().endswith(TABLES)]
    if tables and len(tables) < len(paths):
        other = next(path for path in paths if path not in tables)
        raise CommandError(
            f"{tables[0]} is a table and {other} is not. Give tables or images, not both."
        )
    if data_sets:
        found = join_data_sets(data_sets)
    elif tables:
        found = _collect_tables(tables, options)
        if found.n_nameless:
            common.note(f"skipped {count(found.n_nameless, 'row')} without an image")
    else:
        walk = Walk(options, common)
        sources = list(walk.gather(paths))
        found = InputImages(
            sources,
            unsearched=walk.unsearched,
            unfollowed=walk.unfollowed,
            foreign=walk.foreign,
        )
    if not found.sources and not may_be_empty:
        named = f" whose names match {', '.join(options.globs)}" if options.globs else ""
        raise CommandError(
            f"No images{named} found in {shorten(', '.join(map(name_argument, paths)))}."
        )
    is_known = found.is_hashed and found.columns is not None
    found.states = from_columns(found.columns) if is_known else look_at_all(found.sources)
    return found


def _are_plain_tables(paths: Sequence[str]) -> bool:
    """Return whether all arguments are tables without hashes."""
    from ..hashing._spec import is_hash
    from ._hash_files import read_table

    return all(
        path.lower().endswith((".csv", ".parquet")) and not any(map(is_hash, read_table(path)))
        for path in paths
    )


def join_data_sets(data_sets: Sequence[Collection]) -> InputImages:
    """Return the images of one or several data sets."""
    import pandas as pd

    n_foreign = sum(map(count_foreign, data_sets))
    columns = pd.concat([each.frame for each in data_sets], ignore_index=True)
    images = list(columns["image"])
    return InputImages(images, columns, n_foreign=n_foreign, data_sets=list(data_sets))


def _collect_tables(tables: Sequence[str], options: InputOptions) -> InputImages:
    import pandas as pd

    from .._utils.containers import as_column
    from ..hashing._spec import is_hash
    from ..images._sources import local_path
    from ._hash_files import SETTINGS, read_table

    frames = [read_table(table) for table in tables]
    columns = pd.concat(frames, ignore_index=True)
    column = options.column
    if column is None:
        column = "image" if "image" in columns.columns else None
    if column is None or column not in columns.columns:
        raise CommandError(
            f"{tables[0]} has no column {column or 'image'!r}; it has "
            f"{', '.join(map(str, columns.columns[:12]))}. Name the column of "
            f"images with --column."
        )
    if any(column not in frame.columns for frame in frames):
        raise CommandError(
            f"Not every table among {shorten(', '.join(tables))} has the column {column!r}."
        )
    is_named = columns[column].notna()
    n_nameless = int((~is_named).sum())
    columns = columns[is_named].reset_index(drop=True)
    named = [read_path(str(value)) for value in columns[column]]
    sources = [local_path(source) or source for source in named]
    columns["image"] = as_column(sources)
    if not any(map(is_hash, columns.columns)):
        return InputImages(sources, columns, n_nameless=n_nameless)
    made = [
        frame[SETTINGS].iloc[0] if SETTINGS in frame and len(frame) else "" for frame in frames
    ]
    for table, settings in zip(tables, made, strict=True):
        if settings != made[0]:
            raise CommandError(
                f"{tables[0]} and {table} cannot be compared, as their settings differ:\n"
                f"{made[0] or 'unknown'}, and {settings or 'unknown'}."
            )
    return InputImages(sources, columns, str(made[0]), n_nameless=n_nameless)


def find_listed(path: str, collection: InputImages) -> list[int]:
    """Return the rows of a collection whose images a list names.

    Raises
    ------
    CommandError
        If the list is empty, or names an image that is not in the collection.
    """
    row_of = {_identify(name): row for row, name in enumerate(collection.names)}
    listed = dict.fromkeys(map(_identify, split_entries(read_list_file(path), path)))
    missing = [source for source in listed if source not in row_of]
    if missing:
        raise CommandError(
            f"{len(missing)} of the {len(listed)} images in {name_argument(path)} are not among "
            f"PATHS, such as {shorten(show_path(missing[0]))}. Nothing was done."
        )
    if not listed:
        raise CommandError(f"{name_argument(path)} lists no images. Nothing was done.")
    return [row_of[source] for source in listed]


def _identify(source: str) -> str:
    """Return a name that is the same for every spelling of the path of an image."""
    from ..images._sources import local_path

    path = local_path(source)
    return source if path is None else find_place(path)
