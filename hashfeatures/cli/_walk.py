"""From arguments to paths and URLs: files, folders, and lists of these."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from glob import glob, has_magic

from .._utils.descriptions import shorten
from .._utils.path_text import show_path, spellings, split_list
from .._utils.quantities import count
from .._utils.regular_files import open_regular
from ._context import InputOptions, OutputOptions
from ._errors import CommandError

LISTS = (".txt", ".lst")


def read_list_file(path: str) -> bytes:
    """Return the content of a list; "-" means standard input."""
    if path == "-":
        stream = getattr(sys.stdin, "buffer", None)
        return sys.stdin.read().encode() if stream is None else bytes(stream.read())
    with open_regular(path) as file:
        return bytes(file.read())


def split_entries(data: bytes, path: str) -> list[str]:
    """Return the entries of a list."""
    try:
        return split_list(data)
    except ValueError as error:
        raise CommandError(f"{name_argument(path)} cannot be read as a list: {error}.") from error


def name_argument(path: str) -> str:
    return "standard input" if path == "-" else shorten(show_path(path))


def check_existence(paths: Sequence[str]) -> None:
    """Raise if an argument is neither a file, a folder, a URL nor a pattern of names."""
    from ..images._sources import is_data_uri, is_remote, local_path

    for path in paths:
        is_other = path == "-" or is_remote(path) or is_data_uri(path) or has_magic(path)
        local = local_path(path) or path
        if not is_other and "{" not in path and not os.path.lexists(local):
            raise CommandError(_explain_missing(local))


def refuse_store(path: str) -> None:
    """Raise if a path is a seal or another file of hashfeatures that holds no image."""
    from .._utils.array_file import is_store

    if os.path.isfile(path) and is_store(path):
        name = name_argument(path)
        raise CommandError(
            f"{name} is a file of hashfeatures, such as a seal, and holds no image. To check "
            f"images against a seal: hashfeatures leaks PATHS --against {name}"
        )


def _explain_missing(path: str) -> str:
    where = "" if os.path.isabs(path) else f" (looked in {show_path(os.getcwd())})"
    return f"{shorten(show_path(path))} is neither a file nor a folder{where}."


def _match(path: str) -> list[str]:
    """Return what a pattern matches, as no shell of Windows replaces patterns by names."""
    return sorted(glob(path, recursive=True)) if has_magic(path) else []


class Walk:
    """One search for images, which remembers what it has found.

    Parameters
    ----------
    options : InputOptions
        How folders are searched.
    common : OutputOptions
        Prints notes about skipped files.

    Attributes
    ----------
    unsearched, unfollowed, foreign : list of str
        What was skipped, see `InputImages`.
    """

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
            self._common.note(f"{shorten(', '.join(map(name_argument, paths)))}: {left_out}")

    def _expand(self, path: str) -> Iterator[str]:
        from ..images._files import recognize
        from ..images._sources import is_data_uri, is_remote, local_path

        path = local_path(path) or path
        if path == "-":
            yield from self._list(read_list_file(path), path)
        elif is_remote(path) or is_data_uri(path):
            yield from self._once(path, path)
        elif os.path.isdir(path):
            yield from self._folder(path)
        elif path.lower().endswith(LISTS):
            data = read_list_file(path)
            if recognize(data) is None:
                yield from self._list(data, path)
            else:
                yield from self._once(path, os.path.realpath(path))
        elif os.path.lexists(path):
            refuse_store(path)
            yield from self._once(path, os.path.realpath(path))
        elif matches := _match(path):
            for match in matches:
                yield from self._expand(match)
        else:
            raise CommandError(_explain_missing(path))

    def _list(self, data: bytes, path: str) -> Iterator[str]:
        from ..images._sources import local_path

        for source in split_entries(data, path):
            local = local_path(source)
            if local is None:  # a URL
                yield from self._once(source, source)
            else:
                # Another system may have written the list.
                forms = spellings(local)
                if len(forms) > 1:
                    local = next(filter(os.path.lexists, forms), local)
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
        from ..images._folders import walk_folder

        options = self._options
        found = walk_folder(top, globs=options.globs, hidden=options.hidden, links=options.links)
        for error in found.unsearched:
            self.unsearched.append(str(error.filename))
            self._common.note(f"skipped {show_path(str(error.filename))}: {error.strerror}")
        for path in found.special:
            self._common.note(f"skipped {show_path(path)}: not a regular file")
        self.foreign += found.foreign
        self._left_out.merge(found.left_out)
        self._links += found.links
        self._searched |= found.searched
        self._n_links += found.n_linked
        for path, identity in zip(found.paths, found.real_paths, strict=True):
            if identity in self._named and os.path.islink(path):
                self._n_links += 1
            else:
                yield from self._once(path, identity)
