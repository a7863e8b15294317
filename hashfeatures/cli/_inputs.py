"""From arguments to image sources: files, folders, lists, tables, files of hashes."""

from __future__ import annotations

import contextlib
import fnmatch
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any

from .._utils.descriptions import shorten
from .._utils.path_text import read_path, show_path, split_list
from .._utils.quantities import count
from .._utils.regular_files import open_regular
from ._context import InputOptions, OutputOptions
from ._errors import CommandError
from ._file_state import FileState, find_place, from_columns, look_at_all

if TYPE_CHECKING:
    import pandas as pd

TABLES = (".csv", ".parquet", ".json")
_LISTS = (".txt", ".lst")


@dataclass
class Collection:
    """Images, and where they came from.

    Parameters
    ----------
    sources : list of str
        Paths and URLs.
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
    """

    sources: list[str] = field(default_factory=list)
    columns: pd.DataFrame | None = None
    settings: str | None = None
    states: list[FileState | None] = field(default_factory=list)
    n_nameless: int = 0
    unsearched: list[str] = field(default_factory=list)
    unfollowed: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)

    @property
    def is_hashed(self) -> bool:
        """Whether the table holds hashes."""
        return self.settings is not None

    def classes(self, by: str | None) -> list[Any] | None:
        """Return the class of each image: the name of its folder, or its value in a column."""
        if by is None:
            return None
        if by in ("parent", "grandparent"):
            folders = [_parent(source) for source in self.sources]
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
) -> Collection:
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

    Returns
    -------
    Collection
        The images, at least one unless `may_be_empty`.

    Raises
    ------
    CommandError
        If a path does not exist, is named twice, or holds no image.
    """
    tables = [path for path in paths if path.lower().endswith(TABLES)]
    if tables and len(tables) < len(paths):
        other = next(path for path in paths if path not in tables)
        raise CommandError(
            f"{tables[0]} is a table and {other} is not. Give tables or images, not both."
        )
    _register_heif()
    if tables:
        found = _collect_tables(tables, options)
        if found.n_nameless:
            common.note(f"skipped {count(found.n_nameless, 'row')} without an image")
    else:
        walk = _Walk(options, common)
        sources = list(walk.gather(paths))
        found = Collection(
            sources,
            unsearched=walk.unsearched,
            unfollowed=walk.unfollowed,
            foreign=walk.foreign,
        )
    if not found.sources and not may_be_empty:
        named = f" whose names match {', '.join(options.globs)}" if options.globs else ""
        raise CommandError(
            f"No images{named} found in {shorten(', '.join(map(_name_list, paths)))}."
        )
    is_known = found.is_hashed and found.columns is not None
    found.states = from_columns(found.columns) if is_known else look_at_all(found.sources)
    return found


def _collect_tables(tables: Sequence[str], options: InputOptions) -> Collection:
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
        return Collection(sources, columns, n_nameless=n_nameless)
    made = [
        frame[SETTINGS].iloc[0] if SETTINGS in frame and len(frame) else "" for frame in frames
    ]
    for table, settings in zip(tables, made, strict=True):
        if settings != made[0]:
            raise CommandError(
                f"{tables[0]} and {table} cannot be compared, as their settings differ:\n"
                f"{made[0] or 'unknown'}, and {settings or 'unknown'}."
            )
    return Collection(sources, columns, str(made[0]), n_nameless=n_nameless)


def find_listed(path: str, collection: Collection) -> list[int]:
    """Return the rows of a collection whose images a list names.

    Raises
    ------
    CommandError
        If the list is empty, or names an image that is not in the collection.
    """
    row_of = {_identify(source): row for row, source in enumerate(collection.sources)}
    listed = dict.fromkeys(map(_identify, _split(_read(path), path)))
    missing = [source for source in listed if source not in row_of]
    if missing:
        raise CommandError(
            f"{len(missing)} of the {len(listed)} images in {_name_list(path)} are not among "
            f"PATHS, such as {shorten(show_path(missing[0]))}. Nothing was done."
        )
    if not listed:
        raise CommandError(f"{_name_list(path)} lists no images. Nothing was done.")
    return [row_of[source] for source in listed]


def _identify(source: str) -> str:
    """Return a name that is the same for every spelling of the path of an image."""
    from ..images._sources import local_path

    path = local_path(source)
    return source if path is None else find_place(path)


def _read(path: str) -> bytes:
    """Return the content of a list; "-" means standard input."""
    if path == "-":
        stream = getattr(sys.stdin, "buffer", None)
        return sys.stdin.read().encode() if stream is None else bytes(stream.read())
    with open_regular(path) as file:
        return bytes(file.read())


def _split(data: bytes, path: str) -> list[str]:
    """Return the entries of a list."""
    try:
        return split_list(data)
    except ValueError as error:
        raise CommandError(f"{_name_list(path)} cannot be read as a list: {error}.") from error


def _name_list(path: str) -> str:
    return "standard input" if path == "-" else shorten(show_path(path))


class _Walk:
    """One search for files, which remembers what it has found."""

    def __init__(self, options: InputOptions, common: OutputOptions) -> None:
        from ..images._files import LeftOut

        self._options = options
        self._common = common
        self._named: dict[str, str] = {}
        self._left_out = LeftOut()
        self._n_links = 0
        self._links: list[str] = []
        self._searched: set[str] = set()
        self.unsearched: list[str] = []
        self.unfollowed: list[str] = []
        self.foreign: list[str] = []

    def gather(self, paths: Sequence[str]) -> Iterator[str]:
        """Yield the sources that the arguments name."""
        for path in paths:
            yield from self._expand(path)
        self.unfollowed = [
            link for link in self._links if os.path.realpath(link) not in self._searched
        ]
        if self.unfollowed:
            first = shorten(show_path(self.unfollowed[0]))
            n_links = count(len(self.unfollowed), "link to a folder", "links to folders")
            self._common.note(f"skipped {n_links}, such as {first}; see --follow-links")
        if self._n_links:
            n_links = count(self._n_links, "link")
            self._common.note(f"skipped {n_links} to files that are in the folders as well")
        if left_out := self._left_out.describe():
            self._common.note(f"{shorten(', '.join(map(_name_list, paths)))}: {left_out}")

    def _expand(self, path: str) -> Iterator[str]:
        from ..images._files import recognize
        from ..images._sources import is_data_uri, is_remote, local_path

        path = local_path(path) or path
        if path == "-":
            yield from self._list(_read(path), path)
        elif is_remote(path) or is_data_uri(path):
            yield from self._once(path, path)
        elif os.path.isdir(path):
            yield from self._folder(path)
        elif path.lower().endswith(_LISTS):
            data = _read(path)
            if recognize(data) is None:
                yield from self._list(data, path)
            else:
                yield from self._once(path, os.path.realpath(path))
        elif os.path.lexists(path):
            yield from self._once(path, os.path.realpath(path))
        else:
            raise CommandError(
                f"{shorten(show_path(path))} is neither a file nor a folder"
                + ("." if os.path.isabs(path) else f" (looked in {show_path(os.getcwd())}).")
            )

    def _list(self, data: bytes, path: str) -> Iterator[str]:
        from ..images._sources import local_path

        for source in _split(data, path):
            local = local_path(source)
            if local is None:  # a URL
                yield from self._once(source, source)
            else:
                yield from self._once(local, os.path.realpath(local))

    def _once(self, source: str, identity: str) -> Iterator[str]:
        if identity in self._named:
            before = self._named[identity]
            raise CommandError(
                f"{shorten(show_path(source))} is named twice"
                + (f", also as {shorten(show_path(before))}" if before != source else "")
                + ". Name it once."
            )
        self._named[identity] = source
        yield source

    def _folder(self, top: str) -> Iterator[str]:
        from ..images._files import is_foreign_image

        links = self._options.links
        seen: set[tuple[int, int]] = set()
        in_links = []
        for folder, below, names in os.walk(top, followlinks=links, onerror=self._miss):
            if links:  # a link to a folder above would never end
                status = os.stat(folder)
                if (status.st_dev, status.st_ino) in seen:
                    below.clear()
                    continue
                seen.add((status.st_dev, status.st_ino))
            for name in filter(self._is_skipped, below):
                self._left_out.add(name)
            below[:] = sorted(name for name in below if not self._is_skipped(name))
            if not links:
                self._searched.add(os.path.realpath(folder))
                paths = (os.path.join(folder, name) for name in below)
                self._links.extend(path for path in paths if os.path.islink(path))
            for name in sorted(names):
                path = os.path.join(folder, name)
                is_special = not os.path.isfile(path) and os.path.exists(path)
                if not self._is_wanted(path, is_special):
                    self._left_out.add(name)
                    if not self._options.globs and is_foreign_image(name):
                        self.foreign.append(path)
                elif is_special:
                    self._common.note(f"skipped {show_path(path)}: not a regular file")
                elif os.path.islink(path):
                    in_links.append(path)
                else:
                    yield from self._once(path, os.path.realpath(path))
        for path in in_links:  # last, so that a file comes before links to it
            identity = os.path.realpath(path)
            if identity in self._named:
                self._n_links += 1
            else:
                yield from self._once(path, identity)

    def _miss(self, error: OSError) -> None:
        self.unsearched.append(str(error.filename))
        self._common.note(f"skipped {show_path(str(error.filename))}: {error.strerror}")

    def _is_wanted(self, path: str, is_special: bool) -> bool:
        from ..images._files import has_image_suffix, holds_image

        name = os.path.basename(path)
        if self._options.globs:
            return any(fnmatch.fnmatch(name, glob) for glob in self._options.globs)
        if self._is_skipped(name):
            return False
        return has_image_suffix(name) if is_special else holds_image(path)

    def _is_skipped(self, name: str) -> bool:
        """Return whether a name is hidden, and such files are not wanted."""
        return name.startswith(".") and not self._options.hidden


def _register_heif() -> None:
    """Let Pillow read HEIC files if the plugin is installed."""
    with contextlib.suppress(ImportError):
        import_module("pillow_heif").register_heif_opener()
