"""Images in one folder and their masks in another one, as trainers of segmentation keep them."""

from __future__ import annotations

import csv
import io
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..._utils.containers import as_column
from ..._utils.descriptions import shorten
from ..._utils.path_text import show_path, write_path
from ..._utils.quantities import count
from ...exceptions import LayoutError
from ...images._files import LeftOut, holds_image
from ...images._folders import walk_folder
from ...images._gather import describe_left_out
from .._collection import Collection
from .._layout import Layout
from .._plan import Plan
from .._unique_names import name_files
from ._folder_source import files_below, folders_in, holds_images
from ._part_folders import INDEX, choose_parts, names_a_part, read_index, write_index

_IMAGE_WORDS = frozenset({"images", "image", "imgs", "img", "jpegimages"})
_MASK_WORDS = frozenset(
    {"masks", "mask", "labels", "label", "annotations", "annotation", "annots", "gt"}
    | {"groundtruth", "ground", "truth", "segmentations", "segmentation", "seg"}
    | {"segmentationclass"}
)
# What is around the name of an image in the name of its mask: "mask_12", "12_gt", "12_mask_0".
_AFFIX = re.compile(
    r"^(mask|gt|seg|label)[_\-. ]"
    r"|[_\-. ](masks?|gt|seg|segmentation|labels?|annotations?|groundtruth)([_\-. ]?\d+)?$",
    re.IGNORECASE,
)
_IMAGE_ENDING = re.compile(r"[_\-. ](image|img)$", re.IGNORECASE)
_MOST_SEARCHED = 50  # masks that are looked at to recognize a pair of folders


@dataclass
class _Pair:
    """A folder of images and that of their masks.

    Parameters
    ----------
    images : str
        The folder of images, relative to the data set.
    masks : str or None
        The folder of masks; None for a part without masks.
    part : str or None
        The part that both are.
    """

    images: str
    masks: str | None
    part: str | None = None


class SegmentationFoldersLayout(Layout):
    """Folders such as images/ and masks/, with parts above or below them.

    Parameters
    ----------
    names : tuple of str
        The names of the folders of images and of masks.
    has_parts_above : bool
        Whether the folders of parts are above these folders.
    below : dict of str to str
        The name of each image and mask in its folder, by path.
    """

    name = "image-masks"
    title = "images with masks"
    takes_all_files = True

    def __init__(
        self, names: tuple[str, str], has_parts_above: bool, below: dict[str, str]
    ) -> None:
        self._names = names
        self._has_parts_above = has_parts_above
        self._below = below

    @classmethod
    def recognize(cls, source: Any) -> str | None:
        """Return why a folder holds images and their masks, or None."""
        if not isinstance(source, Path) or not source.is_dir():
            return None
        try:
            found = _find_pairs(str(source))
            pairs = [pair for pair in found if pair.masks]
            if _lie_among_others(str(source), found):
                return None
        except OSError:
            return None
        if not pairs:
            return None
        images, masks = show_path(pairs[0].images), show_path(pairs[0].masks or "")
        return f"it holds images in {images}/ and their masks in {masks}/"

    @classmethod
    def read(cls, source: Any, root: Path | None = None) -> Collection:
        """Read the images and the masks of a folder.

        The annotation of an image is the path of its mask, a tuple of paths if it has several
        masks, or None.
        """
        pairs = _find_pairs(str(source)) if isinstance(source, Path) and source.is_dir() else []
        if not any(pair.masks for pair in pairs):
            shown = shorten(show_path(str(source)))
            raise LayoutError(
                f"{shown} holds no pair of folders such as images/ and masks/, in which files of "
                f"one name belong together."
            )
        top = str(source)
        if root is not None and os.path.realpath(root) != os.path.realpath(top):
            raise LayoutError(
                f"The names of images are relative to {show_path(top)}. Leave root at None."
            )
        rows: list[tuple[str, str | None, Any]] = []
        below: dict[str, str] = {}
        lonely: list[str] = []
        left_out = LeftOut()
        notes = []
        for pair in pairs:
            images = walk_folder(os.path.join(top, pair.images))
            if images.unsearched:
                error = images.unsearched[0]
                raise LayoutError(f"{show_path(top)} cannot be searched: {error}.") from error
            notes.append(describe_left_out(images))
            masks = [] if pair.masks is None else _list_masks(top, pair.masks, left_out)
            folder = os.path.join(top, pair.images)
            inside = [_relative(path, folder) for path in images.paths]
            masks_of, without = _match(inside, masks)
            parts = _parts_below(top, pair)
            for path, name, found in zip(images.paths, inside, masks_of, strict=True):
                paths = [os.path.join(top, pair.masks or "", mask) for mask in found]
                for each, inner in zip([path, *paths], [name, *found], strict=True):
                    head, _, tail = inner.partition("/")
                    below[each] = tail if tail and head in parts else inner
                head = name.partition("/")[0]
                rows.append((path, head if head in parts else pair.part, _pack(paths)))
            lonely += [f"{pair.masks}/{mask}" for mask in without]
        outside = _list_outside(top, pairs, left_out)
        notes.append(left_out.describe())
        bare = [path for path, _, mask in rows if mask is None]
        if bare:
            shown = shorten(show_path(_relative(bare[0], top)))
            notes.append(f"{count(len(bare), 'image')} without a mask, such as {shown}")
        if lonely:
            shown = shorten(show_path(lonely[0]))
            notes.append(f"skipped {count(len(lonely), 'mask')} without an image, such as {shown}")
        if outside:
            n_outside, shown = count(len(outside), "image"), shorten(show_path(outside[0]))
            notes.append(f"skipped {n_outside} in other folders, such as {shown}")
        if not rows:
            raise LayoutError(f"{show_path(top)} holds masks and no images.")
        frame = pd.DataFrame(
            {
                "image": as_column([path for path, _, _ in rows]),
                "key": as_column([_relative(path, top) for path, _, _ in rows]),
            }
        )
        if any(part is not None for _, part, _ in rows):
            frame["part"] = as_column([part for _, part, _ in rows])
        frame["annotations"] = as_column([mask for _, _, mask in rows])
        first = next(pair for pair in pairs if pair.masks)
        has_parts_above = "/" in first.images
        folders = (first.images.rpartition("/")[2], (first.masks or "").rpartition("/")[2])
        if first.part is not None and not has_parts_above:  # train_images and train_masks
            folders = ("images", "masks")
        return Collection(
            frame,
            cls(folders, has_parts_above, below),
            root=Path(top),
            skipped="; ".join(filter(None, notes)),
        )

    def plan_split(
        self, collection: Collection, parts: Mapping[str, NDArray[np.intp]], how: str, out: Path
    ) -> Plan:
        """Return a table of each part with its images and masks, or folders of both.

        The folders are arranged as those of the source.
        """
        frame = collection.frame
        images = frame["image"].tolist()
        masks = [_unpack(mask) for mask in frame["annotations"]]
        if how == "lists":
            return Plan(
                {
                    f"{part}.csv": _write_table([(images[row], masks[row]) for row in rows])
                    for part, rows in parts.items()
                }
            )
        old = [None] * len(images) if collection.parts is None else collection.parts.tolist()
        moved = [
            (part, old[row], images[row], masks[row])
            for part, rows in parts.items()
            for row in rows.tolist()
        ]
        files = name_files(moved, [self._name_shortly, self._name_fully])
        return Plan(write_index(parts), files)

    def _name_shortly(self, move: tuple[str, Any, str, list[str]]) -> Iterator[tuple[str, str]]:
        part, _, image, masks = move
        return self._name(part, image, masks)

    def _name_fully(self, move: tuple[str, Any, str, list[str]]) -> Iterator[tuple[str, str]]:
        part, old, image, masks = move
        return self._name(part, image, masks, "" if old is None else f"{old}/")

    def _name(
        self, part: str, image: str, masks: list[str], above: str = ""
    ) -> Iterator[tuple[str, str]]:
        """Yield the new names of an image and its masks."""
        for folder, paths in zip(self._names, ([image], masks), strict=True):
            start = f"{part}/{folder}" if self._has_parts_above else f"{folder}/{part}"
            for path in paths:
                yield f"{start}/{above}{self._below[path]}", os.path.abspath(path)


def _find_pairs(top: str) -> list[_Pair]:
    """Return the folders of images and masks in a folder, or in the folders of its parts."""
    direct = _pairs_in(top)
    if direct:
        return direct
    names = folders_in(top)
    above = {
        name: [
            _Pair(f"{name}/{pair.images}", f"{name}/{pair.masks}")
            for pair in _pairs_in(os.path.join(top, name))
        ]
        for name in names
    }
    if not any(above.values()):
        return []
    for name in names:  # a test set whose masks are not public
        if not above[name]:
            above[name] = [
                _Pair(f"{name}/{inner}", None)
                for inner in folders_in(os.path.join(top, name))
                if inner.lower() in _IMAGE_WORDS
            ][:1]
    used = [name for name in names if above[name]]
    parts = read_index(top, used) or choose_parts(used, bool)
    ordered = [*parts, *(name for name in used if name not in parts)]
    for name in parts:
        for pair in above[name]:
            pair.part = name
    return [pair for name in ordered for pair in above[name]]


def _lie_among_others(top: str, pairs: list[_Pair]) -> bool:
    """Return whether pairs are in some folders of a folder, and other images in others of it."""
    above = {pair.images.rpartition("/")[0] for pair in pairs}
    if "" in above:
        return False
    return any(
        holds_images(os.path.join(top, name)) for name in folders_in(top) if name not in above
    )


def _pairs_in(folder: str) -> list[_Pair]:
    """Return the pairs of folders directly in a folder, which may be named after parts."""
    pairs = []
    bases = {name: _split_words(name) for name in folders_in(folder)}
    for images, (base, kinds) in bases.items():
        if "mask" in kinds or not ("image" in kinds or names_a_part(base)):
            continue
        for masks, (other, other_kinds) in bases.items():
            if other == base and "mask" in other_kinds and "image" not in other_kinds:
                pair = _Pair(images, masks, base if names_a_part(base) else None)
                if _belong_together(os.path.join(folder, images), os.path.join(folder, masks)):
                    pairs.append(pair)
                    break
    return pairs


def _split_words(name: str) -> tuple[str, set[str]]:
    """Return the name of a folder without the words that say what it holds, and what it holds."""
    words = re.split(r"[_\-. ]+", name.lower())
    kinds = {"image" for word in words if word in _IMAGE_WORDS}
    kinds |= {"mask" for word in words if word in _MASK_WORDS}
    return "_".join(word for word in words if word not in _IMAGE_WORDS | _MASK_WORDS), kinds


def _belong_together(images: str, masks: str) -> bool:
    """Return whether most of the first masks have the name of an image."""
    first = islice(filter(holds_image, files_below(masks)), _MOST_SEARCHED)
    names = [_relative(path, masks) for path in first]
    if not names:
        return False
    _, without = _match([_relative(path, images) for path in files_below(images)], names)
    return 2 * len(without) < len(names)


def _match(images: list[str], masks: list[str]) -> tuple[list[list[str]], list[str]]:
    """Return the masks of each image by their names, and the masks of no image."""
    by_stem: dict[str, list[int]] = {}
    by_base: dict[str, list[int]] = {}
    for row, name in enumerate(images):
        folder, stem = os.path.split(os.path.splitext(name)[0])
        by_stem.setdefault(os.path.join(folder, stem), []).append(row)
        by_base.setdefault(os.path.join(folder, _IMAGE_ENDING.sub("", stem)), []).append(row)
    found: list[list[str]] = [[] for _ in images]
    without = []
    for name in masks:
        folder, stem = os.path.split(os.path.splitext(name)[0])
        base = os.path.join(folder, _AFFIX.sub("", stem))
        rows = by_stem.get(os.path.join(folder, stem)) or by_stem.get(base) or by_base.get(base)
        for row in rows or ():
            found[row].append(name)
        if not rows:
            without.append(name)
    return found, without


def find_packed_masks(names: list[str]) -> str:
    """Return where an archive holds masks beside a folder of images; empty if nowhere.

    Parameters
    ----------
    names : list of str
        The names of all images in the archive.

    Examples
    --------
    >>> from hashfeatures.layouts.folders._segmentation_folders import find_packed_masks
    >>> find_packed_masks(["a/images/1.jpg", "a/masks/1_mask.png"])
    'masks in a/masks'
    """
    found: dict[str, list[str]] = {"image": [], "mask": []}
    place = ""
    for name in names:
        *folders, file = name.split("/")
        for number, folder in enumerate(folders):
            base, kinds = _split_words(folder)
            if not base and len(kinds) == 1:
                kind = kinds.pop()
                found[kind].append("/".join([*folders[:number], *folders[number + 1 :], file]))
                if kind == "mask":
                    place = place or "/".join(folders[: number + 1])
                break
    if not found["image"] or not found["mask"]:
        return ""
    _, without = _match(found["image"], found["mask"])
    is_pair = 2 * len(without) < len(found["mask"])
    return f"masks in {shorten(show_path(place))}" if is_pair else ""


def _list_masks(top: str, folder: str, left_out: LeftOut) -> list[str]:
    """Return the names of the masks in a folder, relative to it."""
    place = os.path.join(top, folder)
    masks = []
    for path in files_below(place):
        if holds_image(path):
            masks.append(_relative(path, place))
        else:
            left_out.add(os.path.basename(path))
    return sorted(masks)


def _parts_below(top: str, pair: _Pair) -> list[str]:
    """Return the folders of parts in a folder of images."""
    if pair.part is not None or "/" in pair.images:
        return []
    folder = os.path.join(top, pair.images)
    names = folders_in(folder)
    return read_index(top, names) or choose_parts(names, bool)


def _list_outside(top: str, pairs: list[_Pair], left_out: LeftOut) -> list[str]:
    """Return the images in neither folder, and count the other files there."""
    inside = tuple(f"{name}/" for pair in pairs for name in (pair.images, pair.masks) if name)
    outside = []
    for path in files_below(top):
        name = _relative(path, top)
        if name == INDEX or name.startswith(inside):
            continue
        if holds_image(path):
            outside.append(name)
        else:
            left_out.add(name)
    return sorted(outside)


def _relative(path: str, folder: str) -> str:
    return os.path.relpath(path, folder).replace(os.sep, "/")


def _pack(masks: list[str]) -> Any:
    return None if not masks else masks[0] if len(masks) == 1 else tuple(masks)


def _unpack(masks: Any) -> list[str]:
    return [] if masks is None else [masks] if isinstance(masks, str) else list(masks)


def _write_table(rows: list[tuple[str, list[str]]]) -> bytes:
    """Return a CSV table of images and their masks; several masks are a list in JSON."""
    buffer = io.StringIO(newline="")
    table = csv.writer(buffer, lineterminator="\n")
    table.writerow(["image", "mask"])
    for image, masks in rows:
        paths = [os.path.abspath(mask) for mask in masks]
        cell = json.dumps(paths) if len(paths) > 1 else "".join(map(write_path, paths))
        table.writerow([write_path(os.path.abspath(image)), cell])
    return buffer.getvalue().encode("utf-8", "backslashreplace")
