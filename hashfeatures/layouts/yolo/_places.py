"""Find the images that a YOLO data set names: in folders, in lists, or beside its labels."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import islice
from typing import Any

from ..._utils.descriptions import describe_value, shorten
from ..._utils.part_names import role_of
from ..._utils.path_text import show_path, spellings, split_list
from ..._utils.quantities import count
from ..._utils.regular_files import open_regular
from ...exceptions import LayoutError
from ...images._folders import walk_folder
from ...images._gather import describe_left_out
from .._outside import RealFolders, describe_outside, find_outside, list_files_below
from ._labels import label_path
from ._yaml_file import PARTS

_MOST_SEARCHED = 1000  # files in a folder of labels
_MOST_READ = 20
_HEAD = 400  # bytes


class YoloImages:
    """The images of each part of a YOLO data set.

    Parameters
    ----------
    settings : dict
        The mapping of a data.yaml.
    folder : str
        The folder of the data.yaml.
    shown : str
        The data.yaml in messages.
    root : str or None
        The folder that replaces the key 'path'.

    Attributes
    ----------
    root : str
        The absolute folder that the parts are relative to.
    parts : dict of str to list of str
        The absolute paths of the images by part.
    notes : list of str
        What was left out.

    Raises
    ------
    LayoutError
        If a folder, a list or an image does not exist, or if parts overlap.
    """

    def __init__(
        self, settings: dict[str, Any], folder: str, shown: str, root: str | None = None
    ) -> None:
        self._folder = os.path.abspath(folder)
        self._shown = shown
        self.notes: list[str] = []
        entries = self._list_entries(settings)
        self.root = self._find_root(settings, entries, root)
        self._searched: list[str] = []
        found = {part: self._find_images(part, names) for part, names in entries.items()}
        self.parts = self._without_aliases({part: each for part, each in found.items() if each})
        self._note_outside()

    def _find_images(self, part: str, names: list[str]) -> list[str]:
        """Return the images in the folders and lists of a part, each once."""
        images: list[str] = []
        is_missing = False
        for name in names:
            place = locate(self.root, name)
            if place is not None and os.path.isdir(place):
                images += self._list_folder(place)
            elif place is not None:
                images += self._list_file(place, part)
            elif part == "test":  # often named and not there, and not needed for training
                is_missing = True
                self.notes.append(f"part 'test' was left out, as {name!r} does not exist")
            else:
                raise LayoutError(
                    f"{self._shown}, key {part!r}: there is no {shorten(name)!r} in "
                    f"{show_path(self.root)}."
                )
        unique = list(dict.fromkeys(images))
        if len(unique) < len(images):
            n_more = count(len(images) - len(unique), "image")
            self.notes.append(f"part {part!r} lists {n_more} more than once, taken once")
        if not unique and not is_missing:
            self.notes.append(f"part {part!r} holds no images")
        return unique

    def _list_entries(self, settings: dict[str, Any]) -> dict[str, list[str]]:
        """Return the folders and lists of each part, as the file names them."""
        entries = {}
        for part in PARTS:
            key = "validation" if part == "val" and "val" not in settings else part
            value = settings.get(key)
            names = [value] if isinstance(value, str) else [] if value is None else value
            if not isinstance(names, list) or not all(
                isinstance(name, str) and "\0" not in name for name in names
            ):
                raise LayoutError(
                    f"{self._shown}, key {key!r}: must be a folder, a text file of paths, or a "
                    f"list of these. Got {describe_value(value)} instead."
                )
            if names := [name for name in names if name.strip()]:
                entries[part] = names
        if not entries:
            found = ", ".join(repr(shorten(key, 40)) for key in list(settings)[:8]) or "none"
            raise LayoutError(
                f"{self._shown} names no images: it lacks the keys 'train', 'val' and 'test'. "
                f"Found: {found}."
            )
        return entries

    def _find_root(
        self, settings: dict[str, Any], entries: dict[str, list[str]], root: str | None
    ) -> str:
        """Return the first folder that holds one of the parts."""
        beside = self._folder
        named = settings.get("path")
        if named is not None and (not isinstance(named, str) or "\0" in named):
            raise LayoutError(
                f"{self._shown}, key 'path': must be a folder. Got {describe_value(named)} "
                f"instead."
            )
        candidates = [beside]
        if root is not None:
            candidates = [os.path.abspath(root)]
        elif named:
            forms = spellings(named)
            candidates = [os.path.join(beside, form) for form in forms]
            candidates += [os.path.abspath(form) for form in forms]
            candidates.append(beside)
        candidates = list(dict.fromkeys(map(os.path.normpath, candidates)))
        for candidate in candidates:
            if any(locate(candidate, name) for names in entries.values() for name in names):
                if candidate == beside and root is None and named and candidate != candidates[0]:
                    self.notes.append(
                        f"'path: {shorten(named)}' does not hold the images, and the folder of "
                        f"the file was taken for it"
                    )
                return candidate
        part, names = next(iter(entries.items()))
        looked = ", ".join(show_path(candidate) for candidate in candidates)
        raise LayoutError(
            f"{self._shown}, key {part!r}: there is no {shorten(names[0])!r} (looked in "
            f"{looked}). Correct the key 'path', or pass the folder as root."
        )

    def _list_folder(self, folder: str) -> list[str]:
        found = walk_folder(folder)
        for error in found.unsearched:
            raise LayoutError(f"{show_path(folder)} cannot be searched: {error}.") from error
        self._searched.append(folder)
        for image in found.paths:
            labels = label_path(image)
            if labels.startswith(os.path.join(folder, "")) and os.path.isfile(labels):
                found.left_out.discard(labels)
        if note := describe_left_out(found):
            self.notes.append(f"{show_path(os.path.relpath(folder, self.root))}: {note}")
        return found.paths

    def _list_file(self, path: str, part: str) -> list[str]:
        """Return the images that a text file lists."""
        shown = show_path(path)
        try:
            with open_regular(path) as file:
                data = file.read()
            entries = split_list(data)
        except (OSError, ValueError) as error:
            raise LayoutError(f"{shown} cannot be read as a list of paths: {error}.") from error
        folder = os.path.dirname(path)
        images = [self._find_listed(entry, folder) for entry in entries]
        missing = [entry for entry, image in zip(entries, images, strict=True) if image is None]
        if not missing:
            return [image for image in images if image is not None]
        first = f"line {_line_of(missing[0], data)}: there is no image {shorten(missing[0])!r}"
        if len(missing) == len(entries):
            raise LayoutError(
                f"{shown}, {first} in {show_path(self.root)}, nor in the folder of the list."
            )
        n_missing = count(len(missing), "image")
        self.notes.append(f"{n_missing} of part {part!r} do not exist: {shown}, {first}")
        return [
            os.path.normpath(os.path.join(self.root, entry)) if image is None else image
            for entry, image in zip(entries, images, strict=True)
        ]

    def _find_listed(self, entry: str, folder: str) -> str | None:
        """Return the path of an image in a list; names after "./" are relative to the list."""
        folders = [folder, self.root] if entry.startswith(("./", ".\\")) else [self.root, folder]
        for spelling in spellings(entry.strip()):
            for above in (*folders, os.getcwd()):
                path = os.path.normpath(os.path.join(above, spelling))
                if "\0" not in path and os.path.isfile(path):
                    return path
        return None

    def _note_outside(self) -> None:
        """Note images and labels below the root that belong to no part."""
        taken = [path for part in self.parts.values() for path in part]
        outside = find_outside([self.root], taken, self._searched)
        self.notes += describe_outside(outside, "image", "in no part", self.root)
        locate_real = RealFolders().locate
        known = {locate_real(label_path(path)) for path in (*taken, *outside)}
        orphans = [
            path
            for path in list_files_below([self.root], self._searched)
            if path.endswith(".txt")
            and f"{os.sep}labels{os.sep}" in path[len(self.root.rstrip(os.sep)) :]
            and locate_real(path) not in known
            and os.path.basename(path) != "classes.txt"
        ]
        self.notes += describe_outside(orphans, "label file", "of no image", self.root)

    def _without_aliases(self, found: dict[str, list[str]]) -> dict[str, list[str]]:
        """Return the parts without those that name the images of another part again."""
        parts: dict[str, list[str]] = {}
        for part, images in found.items():
            for other, taken in parts.items():
                common = set(images).intersection(taken)
                if len(common) == len(images) == len(taken):
                    if (other, part) == ("val", "test"):  # named so where val is missing
                        parts["test"] = parts.pop("val")
                        break
                    self.notes.append(f"part {part!r} names the images of {other!r} again")
                    break
                if common:
                    example = show_path(min(common))
                    raise LayoutError(
                        f"{self._shown}, keys {other!r} and {part!r}: "
                        f"{count(len(common), 'image')} in both, such as {shorten(example)}. An "
                        f"image can be in one part only. Remove it from the other."
                    )
            else:
                parts[part] = images
        return parts


def locate(root: str, name: str) -> str | None:
    """Return the real path of a folder or file, or None if it does not exist.

    As in Ultralytics, a name may lead out of the root, and "../" in front is optional.
    """
    for spelling in spellings(name):
        for below in (spelling, spelling.removeprefix("../")):
            path = os.path.join(root, below)
            if os.path.exists(path):
                return os.path.realpath(path)
    return None


def _line_of(entry: str, data: bytes) -> int:
    lines = data.decode("utf-8", "surrogateescape").splitlines()
    return next((number for number, line in enumerate(lines, 1) if entry in line), 1)


def guess_settings(folder: str) -> dict[str, Any] | None:
    """Return the parts of a folder without a data.yaml; None if it is not a YOLO data set.

    Parameters
    ----------
    folder : str
        A folder with ``images/`` and ``labels/``, with or without parts below these, or with
        parts above them.

    Returns
    -------
    dict or None
        The keys of a data.yaml. The images of a folder without parts are under "train".
    """
    if _has_both(folder):
        images = os.path.join(folder, "images")
        parts = _by_role(name for name in _folders_in(images))
        if len(parts) > 1:
            return {part: [f"images/{name}" for name in names] for part, names in parts.items()}
        return {"train": "images"}
    parts = _by_role(name for name in _folders_in(folder) if _has_both(os.path.join(folder, name)))
    settings = {part: [f"{name}/images" for name in names] for part, names in parts.items()}
    return settings or None


def _by_role(names: Iterator[str]) -> dict[str, list[str]]:
    """Return the folders with the usual names of parts, by part."""
    parts: dict[str, list[str]] = {}
    for name in names:
        role = role_of(name)
        if role is not None:
            parts.setdefault(PARTS[role], []).append(name)
    return {part: parts[part] for part in PARTS if part in parts}


def _has_both(folder: str) -> bool:
    """Return whether a folder has images, and text files that look like labels of YOLO.

    Other layouts keep text files in ``labels/`` too. The first line of text decides.
    """
    labels = os.path.join(folder, "labels")
    if not os.path.isdir(os.path.join(folder, "images")) or not os.path.isdir(labels):
        return False
    paths = (os.path.join(above, name) for above, _, names in os.walk(labels) for name in names)
    files = [path for path in islice(paths, _MOST_SEARCHED) if path.endswith(".txt")]
    for path in files[:_MOST_READ]:
        if os.path.basename(path) != "classes.txt" and (words := _first_words(path)):
            return len(words) >= 5 and all(map(_is_number, words[:5]))
    return bool(files)


def _first_words(path: str) -> list[str]:
    """Return the words in the first line of a text file."""
    try:
        with open_regular(path) as file:
            return file.read(_HEAD).decode("utf-8-sig", "replace").partition("\n")[0].split()
    except OSError:
        return []


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _folders_in(folder: str) -> list[str]:
    # Unlike DirEntry.is_dir, isdir returns False for links in a circle.
    return sorted(name for name in os.listdir(folder) if os.path.isdir(os.path.join(folder, name)))
