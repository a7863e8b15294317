"""Zip files of images, with or without class folders in them."""

from __future__ import annotations

import os
import stat
import zipfile
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..._utils.containers import as_column
from ..._utils.descriptions import shorten
from ..._utils.part_names import role_of
from ..._utils.path_text import show_path
from ...exceptions import LayoutError
from ...images._archives import ZipMember
from ...images._errors import describe_error
from ...images._files import HEAD, LeftOut, has_image_suffix, is_image_head
from ...images._references import FileState
from .._collection import Collection
from .._layout import Layout
from .._plan import Plan, safe_name
from .._unique_names import name_files
from ..folders._class_folders import Move, write_list, write_table
from ..folders._part_folders import write_index
from ..folders._segmentation_folders import find_packed_masks
from ._archive_folders import below_common_folder, read_folders
from ._packed_annotations import HEAD as _TEXT_HEAD
from ._packed_annotations import PackedAnnotations

_HEAD = max(HEAD, _TEXT_HEAD)
_FOREIGN_FOLDER = "__MACOSX"  # what macOS adds to the zip files that it makes
_ENCRYPTED = 1


class ZipLayout(Layout):
    """The images in a zip file, read where they are.

    Folders in the file with the usual names of parts are parts, and class folders are labels.
    """

    name = "zip"
    title = "zip"

    def __init__(self, lost: str = "") -> None:
        self.lost = lost

    @classmethod
    def recognize(cls, source: Any) -> str | None:
        """Return why a source is a zip file, or None."""
        if isinstance(source, list) and source and all(map(_is_zip, source)):
            return "all of its files are zip files"
        return "it is a zip file" if _is_zip(source) else None

    @classmethod
    def read(cls, source: Any, root: Path | None = None) -> Collection:
        """List the images in one or more zip files."""
        paths = source if isinstance(source, list) else [source]
        if not paths or not all(isinstance(path, Path) for path in paths):
            raise LayoutError(f"Expected the path of a zip file. Got {type(source).__name__}.")
        shown = shorten(show_path(str(paths[0])))
        if root is not None:
            raise LayoutError(
                f"The names of images in {shown} are relative to the zip file. Leave root at None."
            )
        left_out, packed = LeftOut(), PackedAnnotations()
        files = [dict(_list_members(str(path), left_out, packed)) for path in dict.fromkeys(paths)]
        keys = _name_members(list(dict.fromkeys(paths)), files)
        notes = left_out.describe()
        if not keys:
            raise LayoutError(f"{shown} holds no images{f' ({notes})' if notes else ''}.")
        images = [member for members in files for member in members.values()]
        frame = pd.DataFrame({"image": as_column(images), "key": as_column(keys)})
        part_of, label_of = read_folders(keys)
        if part_of is not None:
            frame["part"] = as_column(part_of)
        if label_of is not None:
            frame["label"] = as_column(label_of)
        lost = packed.found or find_packed_masks(keys)
        return Collection(frame, cls(lost), root=paths[0].absolute().parent, skipped=notes)

    def plan_split(
        self, collection: Collection, parts: Mapping[str, NDArray[np.intp]], how: str, out: Path
    ) -> Plan:
        """Return a list or a table of each part, or the unpacked images in a folder of each.

        Lists hold addresses such as ``zip://cat/1.jpg::/data/pets.zip``, which fsspec opens.
        """
        if how == "link":
            raise LayoutError(
                "Images inside a zip file cannot be linked. Pass how='lists' for lists of their "
                "addresses, or how='copy' to unpack them."
            )
        frame = collection.frame
        members: list[ZipMember] = frame["image"].tolist()
        labels = None if collection.labels is None else collection.labels.tolist()
        if how == "lists":
            contents = {}
            for part, rows in parts.items():
                listed = [_address_of(members[row]) for row in rows]
                if labels is None:
                    contents[f"{part}.txt"] = write_list(listed)
                else:
                    chosen = [labels[row] for row in rows]
                    contents[f"{part}.csv"] = write_table(listed, chosen)
            return Plan(contents)
        keys = frame["key"].tolist()
        below = below_common_folder(keys)
        old = [None] * len(keys) if collection.parts is None else collection.parts.tolist()
        moved = [
            Move(part, inside, keys[row], old[row], None if labels is None else labels[row])
            for part, rows in parts.items()
            for row in rows.tolist()
            for inside in [below[row] if old[row] is None else below[row].partition("/")[2]]
        ]
        member_of = dict(zip(keys, members, strict=True))
        named = name_files(moved, [Move.name_shortly, Move.name_fully])
        return Plan(
            write_index(parts),
            streams={name: partial(_unpack, member_of[key]) for name, key in named.items()},
        )


def _is_zip(source: Any) -> bool:
    return isinstance(source, Path) and source.suffix.lower() == ".zip" and source.is_file()


def _name_members(paths: list[Path], files: list[dict[str, ZipMember]]) -> list[str]:
    """Return the names of the images: below the names of the zip files if there are several.

    These are like folders: ``train.zip`` and ``test.zip`` are parts.
    """
    if len(paths) == 1:
        return list(files[0])
    folders = [path.stem for path in paths]
    if len(set(map(str.casefold, folders))) < len(folders):
        raise LayoutError(
            f"Several zip files are named {paths[0].name}. Expected different names, which are "
            f"those of parts or classes."
        )
    names: list[str] = []
    for folder, members in zip(folders, files, strict=True):
        tops = {name.rpartition("/")[0].partition("/")[0] for name in members}
        is_repeated = len(tops) == 1 and _are_alike(folder, *tops)
        names += [
            f"{folder}/{name.partition('/')[2] if is_repeated else name}" for name in members
        ]
    return names


def _are_alike(file: str, folder: str) -> bool:
    """Return whether the only folder in a zip file says the same as the name of the file."""
    role = role_of(file)
    is_same_part = role is not None and role == role_of(folder)
    return is_same_part or file.casefold() == folder.casefold()


def _list_members(
    path: str, left_out: LeftOut, packed: PackedAnnotations
) -> Iterator[tuple[str, ZipMember]]:
    """Yield the names of the images in a zip file, and references to them."""
    where = show_path(path)
    seen: set[str] = set()
    try:
        with zipfile.ZipFile(path) as archive:
            state = FileState.of(os.stat(path))
            for info in archive.infolist():
                if info.is_dir():
                    continue
                member = f"{where}, member {shorten(show_path(info.filename))}"
                name = safe_name(info.filename, member)
                folders = name.split("/")
                if any(word.startswith(".") or word == _FOREIGN_FOLDER for word in folders):
                    left_out.add(f".{folders[-1]}")
                elif _is_image(archive, info, member):
                    if name in seen:
                        raise LayoutError(f"{member}: the name occurs twice. Pack the file again.")
                    seen.add(name)
                    yield (
                        name,
                        ZipMember(
                            *(path, info.filename, info.file_size, info.header_offset),
                            *(f"{path}/{name}", state),
                        ),
                    )
                else:
                    left_out.add(name)
                    packed.add(name, partial(_read_head, archive, info))
    except (zipfile.BadZipFile, NotImplementedError, EOFError, OSError, ValueError) as error:
        if isinstance(error, LayoutError | FileNotFoundError | PermissionError):
            raise
        raise LayoutError(
            f"{where} cannot be read as a zip file: {describe_error(error)}. Copy or pack it "
            f"again."
        ) from error


def _is_image(archive: zipfile.ZipFile, info: zipfile.ZipInfo, member: str) -> bool:
    """Return whether a member is an image by its suffix, or else by its first bytes."""
    if stat.S_ISLNK(info.external_attr >> 16):
        raise LayoutError(f"{member}: it is a symbolic link. Pack the file itself.")
    has_suffix = has_image_suffix(info.filename)
    if info.flag_bits & _ENCRYPTED:
        if has_suffix:
            raise LayoutError(f"{member}: it is encrypted. Unpack the file with its password.")
        return False
    return has_suffix or is_image_head(_read_head(archive, info)[:HEAD])


def _read_head(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    try:
        with archive.open(info) as file:
            return file.read(_HEAD)
    except Exception:  # a damaged member may raise anything in its decompressor
        return b""


def _address_of(member: ZipMember) -> str:
    return f"zip://{member.member}::{os.path.abspath(member.path)}"


def _unpack(member: ZipMember, path: Path) -> None:
    path.write_bytes(member.resolve())
