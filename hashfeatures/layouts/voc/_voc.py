"""Pascal VOC: one XML file per image, and image sets that list the parts."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..._utils.containers import as_column
from ..._utils.descriptions import shorten
from ..._utils.part_names import role_of
from ..._utils.path_text import show_path
from ..._utils.quantities import count
from ..._utils.regular_files import open_regular
from ...exceptions import LayoutError
from .._collection import Collection
from .._layout import Layout
from .._objects import count_objects, tabulate_objects
from .._outside import describe_outside, find_outside
from .._plan import Plan
from .._unique_names import name_files
from ._file import VocObjects, read_objects
from ._sets import read_sets
from ._tree import (
    IMAGES,
    XML,
    VocListing,
    VocTree,
    find_tree,
    find_xml,
    find_xml_folders,
    is_annotation,
    list_files,
    show,
)

# The folders of ImageSets in which the parts are, the first one that holds any.
_SETS = ("Main", "Segmentation", "")


@dataclass(frozen=True)
class _Files:
    """The files of an image; `stem` is its name below the folder of images without a suffix."""

    stem: str
    image: str
    xml: str | None
    masks: dict[str, str]


class VocLayout(Layout):
    """A data set of Pascal VOC, or images with XML of that kind beside them.

    The parts are the image sets in ImageSets/Main. Objects that are marked as difficult are
    counted as the others.

    Parameters
    ----------
    tree : VocTree
        The folders.
    sets : str
        The folder of the image sets below ImageSets.
    files : dict of str to _Files
        The files of each image by its key.
    """

    name = "voc"
    title = "Pascal VOC"

    def __init__(self, tree: VocTree, sets: str, files: dict[str, _Files]) -> None:
        self._tree = tree
        self._sets = sets
        self._files = files

    @classmethod
    def recognize(cls, source: Any) -> str | None:
        """Return why a source is in this layout: it holds XML or image sets of Pascal VOC."""
        if not isinstance(source, Path) or not source.is_dir():
            return None
        try:
            if places := find_xml_folders(source):
                tops = [place.parent for place in places]
                if source not in tops and find_outside([source], (), tops):
                    return None  # among other images, it is not what the folder is
                inner = places[0].relative_to(source)
                return f"it holds {shorten(show_path(inner.as_posix()))}/*.xml"
            if any(_holds_sets(source, sets) for sets in _SETS):
                return "it holds ImageSets"
            parts = [source / name for name in os.listdir(source) if role_of(name) is not None]
            first = [next(source.glob("*.xml"), None), *map(find_xml, filter(Path.is_dir, parts))]
        except OSError:
            return None
        if any(file is not None and is_annotation(file) for file in first):
            return "it holds XML of annotations beside images"
        return None

    @classmethod
    def read(cls, source: Any, root: Path | None = None) -> Collection:
        """Read the image sets and the XML files."""
        given = Path(source) if isinstance(source, str | os.PathLike) else None
        if given is None or not given.is_dir():
            raise LayoutError(f"Expected the folder of a data set of Pascal VOC. Got {source!r}.")
        tree = find_tree(root or given)
        listed = given if (given / "ImageSets").is_dir() else tree.top
        sets = next((sets for sets in _SETS if _holds_sets(listed, sets)), _SETS[0])
        listing = list_files(tree)
        known = {*listing.images, *listing.xml}
        part_of, parts, set_notes = read_sets(listed / "ImageSets" / sets, known)
        files, contents, objects = _read_images(tree, listing, sorted(known | part_of.keys()))
        keys = [Path(os.path.relpath(file.image, tree.top)).as_posix() for file in files]
        if not parts:
            part_of = {file.stem: part for file in files if (part := _folder_part(file.stem))}
        paths = as_column([file.image for file in files])
        frame = pd.DataFrame({"image": paths, "key": as_column(keys)})
        if parts or part_of:
            frame["part"] = as_column([part_of.get(file.stem) for file in files])
        frame["annotations"] = as_column(contents)
        classes = sorted({label for found in objects for label in found.labels})
        column_of = {name: column for column, name in enumerate(classes)}
        places = [
            (row, column_of[name]) for row, found in enumerate(objects) for name in found.labels
        ]
        notes = listing.describe_left_out()
        folder = root or given
        apart = [tree.images, tree.xml, *tree.mask_folders]
        outside = find_outside([folder], (file.image for file in files), apart)
        notes += describe_outside(outside, "image", f"outside of {show(tree.images.name)}", folder)
        notes += set_notes
        if n_without := contents.count(None):
            verb = "is" if n_without == 1 else "are"
            notes.append(f"{count(n_without, 'image')} without XML {verb} taken without objects")
        return Collection(
            frame,
            cls(tree, sets, dict(zip(keys, files, strict=True))),
            root=tree.top,
            counts=count_objects(places, (len(files), len(classes))) if classes else None,
            class_names=classes,
            skipped="; ".join(notes),
        )

    def plan_split(
        self, collection: Collection, parts: Mapping[str, NDArray[np.intp]], how: str, out: Path
    ) -> Plan:
        """Return the image sets, and the folders of images, XML and masks.

        XML is never linked, so that the boxes of a split can be edited.
        """
        self._check_outside(out)
        plan = Plan()
        keys = collection["key"].tolist()
        beside: list[tuple[str, _Files]] = []
        for part, rows in parts.items():
            files = [self._files[keys[row]] for row in np.sort(rows)]
            if how != "lists" and self._tree.is_beside:
                beside += [(part, file) for file in files]
                continue
            folder = f"ImageSets/{self._sets}/" if self._sets else "ImageSets/"
            plan.contents[f"{folder}{part}.txt"] = _list_stems(files)
            if how != "lists":
                self._place_in_tree(plan, files)
                masked = [file for file in files if file.masks]
                if masked and self._sets != "Segmentation":
                    plan.contents[f"ImageSets/Segmentation/{part}.txt"] = _list_stems(masked)
        named = _place_beside(beside)
        xml = {file.xml for _, file in beside}
        plan.files |= {name: file for name, file in named.items() if file not in xml}
        plan.copied |= {name: file for name, file in named.items() if file in xml}
        return plan

    def _check_outside(self, out: Path) -> None:
        """Raise if the split would be read as a part of the source."""
        real = Path(os.path.realpath(out))
        for folder in (self._tree.images, self._tree.xml):
            if real.is_relative_to(os.path.realpath(folder)):
                raise LayoutError(
                    f"{show(out)} is inside {show(folder)}, whose files all belong to the data "
                    f"set. Name a folder outside of it."
                )

    def _place_in_tree(self, plan: Plan, files: Sequence[_Files]) -> None:
        for file in files:
            plan.files[f"{IMAGES}/{file.stem}{os.path.splitext(file.image)[1]}"] = file.image
            if file.xml is not None:
                plan.copied[f"{XML}/{file.stem}.xml"] = file.xml
            for folder, mask in file.masks.items():
                plan.files[f"{folder}/{file.stem}.png"] = mask

    def find_objects(self, collection: Collection) -> pd.DataFrame:
        """Return the objects with their boxes; the format has no polygons."""
        rows = []
        listed = zip(collection["key"], collection["annotations"], strict=True)
        for row, (key, content) in enumerate(listed):
            if content is None:
                continue
            where = show(self._files[key].xml or key)
            found = read_objects(content, where)
            width, height = found.size
            if found.boxes and not (width > 0 and height > 0):
                raise LayoutError(
                    f"{where}, <size>: expected a width and a height above 0, as boxes are "
                    f"compared by their shares of the image."
                )
            for label, (left, top, right, bottom) in zip(found.labels, found.boxes, strict=True):
                # Pixels are counted from 1, and the last one belongs to the box.
                sides = ((left - 1) / width, (top - 1) / height, right / width, bottom / height)
                rows.append((row, label, *np.clip(sides, 0, 1), None, False))
        return tabulate_objects(rows)


def _read_images(
    tree: VocTree, listing: VocListing, stems: Sequence[str]
) -> tuple[list[_Files], list[bytes | None], list[VocObjects]]:
    """Return the files of each image, the content of its XML, and its objects."""
    files, contents, objects = [], [], []
    for stem in stems:
        content, seen = None, VocObjects("", (0.0, 0.0), [], [])
        if stem in listing.xml:
            with open_regular(listing.xml[stem]) as opened:
                content = opened.read()
            seen = read_objects(content, show(listing.xml[stem]))
        images = listing.images.get(stem, [])
        image = tree.choose_image(stem, images, seen.file_name)
        for other in images:
            if other != image:
                listing.left_out.add(other)
        files.append(_Files(stem, image, listing.xml.get(stem), tree.find_masks(stem)))
        contents.append(content)
        objects.append(seen)
    return files, contents, objects


def _holds_sets(folder: Path, sets: str) -> bool:
    return any((folder / "ImageSets" / sets).glob("*.txt"))


def _folder_part(stem: str) -> str | None:
    """Return the folder of an image below the top if it is called as a part."""
    first, slash, _ = stem.partition("/")
    return first if slash and role_of(first) is not None else None


def _list_stems(files: Sequence[_Files]) -> bytes:
    for file in files:
        if file.stem.splitlines() != [file.stem.strip()]:
            raise LayoutError(
                f"{show(file.image)} cannot be a line of an image set. Rename it, without line "
                f"breaks and without blanks at its ends."
            )
    return "".join(f"{file.stem}\n" for file in files).encode(errors="surrogateescape")


def _place_beside(files: Sequence[tuple[str, _Files]]) -> dict[str, str]:
    """Return images and XML by folders of parts, without the folder of the part they were in."""

    def name_all(part: str, stem: str, file: _Files) -> Iterator[tuple[str, str | None]]:
        yield f"{part}/{stem}{os.path.splitext(file.image)[1]}", file.image
        yield f"{part}/{stem}.xml", file.xml

    def name_shortly(placed: tuple[str, _Files]) -> Iterator[tuple[str, str | None]]:
        part, file = placed
        return name_all(part, file.stem.removeprefix(f"{_folder_part(file.stem)}/"), file)

    def name_fully(placed: tuple[str, _Files]) -> Iterator[tuple[str, str | None]]:
        part, file = placed
        return name_all(part, file.stem, file)

    return name_files(files, [name_shortly, name_fully])
