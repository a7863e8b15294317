"""Pascal VOC: an XML file an image, and image sets that list the parts."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .._utils.containers import as_column
from .._utils.descriptions import shorten
from .._utils.part_names import role_of
from .._utils.path_text import show_path
from .._utils.quantities import count
from .._utils.regular_files import open_regular
from ..exceptions import LayoutError
from ..images._files import LeftOut, holds_image, is_foreign_image
from ._collection import Collection
from ._layout import Layout
from ._objects import count_objects, tabulate_objects
from ._plan import Plan
from ._unique_names import name_files
from ._voc_file import VocObjects, read_objects
from ._voc_sets import read_sets

_XML = "Annotations"
_IMAGES = ("JPEGImages", "images", "Images", "imgs")
_MASKS = ("SegmentationClass", "SegmentationObject")
# The folders of ImageSets in which the parts are, the first one that holds any.
_SETS = ("Main", "Segmentation", "")
# What is looked at to recognize a data set: the first bytes of a file, and the first files.
_HEAD = 1000
_MOST_SEARCHED = 1000


@dataclass(frozen=True)
class _Tree:
    """The folders of a data set. XML may be beside the images, and both folders the same.

    Parameters
    ----------
    top, images, xml : Path
        The folder of the data set, and those of its images and its XML.
    """

    top: Path
    images: Path
    xml: Path

    @property
    def is_beside(self) -> bool:
        """Whether XML is beside the images."""
        return self.images == self.xml

    @property
    def others(self) -> set[Path]:
        """The folders that hold neither images nor XML beside images."""
        return {self.top / name for name in (_XML, "ImageSets", *_MASKS)}


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
    tree : _Tree
        The folders.
    sets : str
        The folder of the image sets below ImageSets.
    files : dict of str to _Files
        The files of each image by its key.
    """

    name = "voc"
    title = "Pascal VOC"

    def __init__(self, tree: _Tree, sets: str, files: dict[str, _Files]) -> None:
        self._tree = tree
        self._sets = sets
        self._files = files

    @classmethod
    def recognize(cls, source: Any) -> str | None:
        """Return why a source is in this layout: it holds XML or image sets of Pascal VOC."""
        if not isinstance(source, Path) or not source.is_dir():
            return None
        if tops := _find_tops(source):
            inner = tops[0].relative_to(source) / _XML
            return f"it holds {shorten(inner.as_posix())}/*.xml"
        if any(_holds_sets(source, sets) for sets in _SETS):
            return "it holds ImageSets"
        parts = [source / name for name in os.listdir(source) if role_of(name) is not None]
        first = [next(source.glob("*.xml"), None), *map(_find_xml, filter(Path.is_dir, parts))]
        if any(file is not None and _is_annotation(file) for file in first):
            return "it holds XML of annotations beside images"
        return None

    @classmethod
    def read(cls, source: Any, root: Path | None = None) -> Collection:
        """Read the image sets and the XML files."""
        given = Path(source) if isinstance(source, str | os.PathLike) else None
        if given is None or not given.is_dir():
            raise LayoutError(f"Expected the folder of a data set of Pascal VOC. Got {source!r}.")
        tree = _find_tree(root or given)
        listed = given if (given / "ImageSets").is_dir() else tree.top
        sets = next((sets for sets in _SETS if _holds_sets(listed, sets)), _SETS[0])
        part_of, parts, n_of_class = read_sets(listed / "ImageSets" / sets)
        files, contents, objects, notes = _read_tree(tree, list(part_of))
        keys = [_key_of(tree, file) for file in files]
        if tree.is_beside and not parts:
            part_of = {file.stem: part for file in files if (part := _folder_part(file.stem))}
        images = as_column([file.image for file in files])
        frame = pd.DataFrame({"image": images, "key": as_column(keys)})
        if parts or part_of:
            frame["part"] = as_column([part_of.get(file.stem) for file in files])
        frame["annotations"] = as_column(contents)
        classes = sorted({label for found in objects for label in found.labels})
        column_of = {name: column for column, name in enumerate(classes)}
        places = [
            (row, column_of[name]) for row, found in enumerate(objects) for name in found.labels
        ]
        if n_of_class:
            notes.append(f"skipped {count(n_of_class, 'image set')} of single classes")
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
        """Return the image sets, and the folders of images, XML and masks."""
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
        plan.files |= _place_beside(beside)
        return plan

    def _check_outside(self, out: Path) -> None:
        """Raise if the split would be read as a part of the source."""
        real = Path(os.path.realpath(out))
        for folder in (self._tree.images, self._tree.xml):
            if real.is_relative_to(os.path.realpath(folder)):
                raise LayoutError(
                    f"{_show(out)} is inside {_show(folder)}, whose files all belong to the data "
                    f"set. Name a folder outside of it."
                )

    def _place_in_tree(self, plan: Plan, files: Sequence[_Files]) -> None:
        for file in files:
            plan.files[f"{_IMAGES[0]}/{file.stem}{os.path.splitext(file.image)[1]}"] = file.image
            if file.xml is not None:
                plan.files[f"{_XML}/{file.stem}.xml"] = file.xml
            for folder, mask in file.masks.items():
                plan.files[f"{folder}/{file.stem}.png"] = mask

    def find_objects(self, collection: Collection) -> pd.DataFrame:
        """Return the objects with their boxes; the format has no polygons."""
        rows = []
        listed = zip(collection["key"], collection["annotations"], strict=True)
        for row, (key, content) in enumerate(listed):
            if content is None:
                continue
            where = _show(self._files[key].xml or key)
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


def _show(path: str | Path) -> str:
    return shorten(show_path(str(path)))


def _holds_sets(folder: Path, sets: str) -> bool:
    return any((folder / "ImageSets" / sets).glob("*.txt"))


def _find_tops(folder: Path) -> list[Path]:
    """Return the folders with Annotations/*.xml: the folder itself, or some that it holds."""
    for pattern in (_XML, f"*/{_XML}", f"VOCdevkit/*/{_XML}"):
        found = [place.parent for place in folder.glob(pattern) if any(place.rglob("*.xml"))]
        if found:
            return sorted(found)
    return []


def _find_tree(folder: Path) -> _Tree:
    tops = _find_tops(folder)
    if len(tops) > 1:
        listed = ", ".join(top.name for top in tops)
        raise LayoutError(f"{_show(folder)} holds several data sets: {listed}. Name one of them.")
    if tops:
        top = tops[0]
        usual = (top / name for name in _IMAGES)
        return _Tree(top, next(filter(Path.is_dir, usual), top), top / _XML)
    if (folder / _IMAGES[0]).is_dir():  # a test set, whose annotations are not public
        return _Tree(folder, folder / _IMAGES[0], folder / _XML)
    if any(folder.rglob("*.xml")):
        return _Tree(folder, folder, folder)
    hint = " Name the folder of the images by root=." if (folder / "ImageSets").is_dir() else ""
    raise LayoutError(
        f"{_show(folder)} holds no XML of Pascal VOC, as in Annotations/*.xml.{hint}"
    )


def _find_xml(folder: Path) -> Path | None:
    """Return an XML file among the first files of a folder and below it."""
    files = (Path(top, name) for top, _, names in os.walk(folder) for name in names)
    return next((file for file in islice(files, _MOST_SEARCHED) if file.suffix == ".xml"), None)


def _is_annotation(file: Path) -> bool:
    """Return whether an XML file is one of Pascal VOC."""
    if not file.is_file():
        return False
    with open_regular(file) as opened:
        return b"<annotation" in opened.read(_HEAD)


def _read_tree(
    tree: _Tree, listed: Sequence[str]
) -> tuple[list[_Files], list[bytes | None], list[VocObjects], list[str]]:
    """Return the files of each image, the content of its XML, its objects, and notes."""
    images, xml, left_out, unfollowed = _list_files(tree)
    masked = [] if tree.is_beside else [top for top in _MASKS if (tree.top / top).is_dir()]
    files, contents, objects = [], [], []
    for stem in sorted({*images, *xml, *listed}):
        content, seen = None, VocObjects("", (0.0, 0.0), [], [])
        if stem in xml:
            with open_regular(xml[stem]) as opened:
                content = opened.read()
            seen = read_objects(content, _show(xml[stem]))
        masks = {
            folder: str(mask)
            for folder in masked
            if (mask := tree.top / folder / f"{stem}.png").is_file()
        }
        image = _choose_image(tree, stem, images[stem], seen.file_name)
        for other in images[stem]:
            if other != image:
                left_out.add(other)
        files.append(_Files(stem, image, xml.get(stem), masks))
        contents.append(content)
        objects.append(seen)
    notes = [left_out.describe()] if left_out.describe() else []
    if unfollowed:
        links = count(len(unfollowed), "link")
        notes.append(f"did not follow {links} to folders, such as {_show(unfollowed[0])}")
    return files, contents, objects, notes


def _list_files(tree: _Tree) -> tuple[dict[str, list[str]], dict[str, str], LeftOut, list[str]]:
    """Return the images and the XML files by their stems, and what else is in their folders.

    Links to images are images of their own, as their names tell their XML.
    """
    images, xml, left_out = defaultdict(list), {}, LeftOut()
    unfollowed: list[str] = []
    for top in dict.fromkeys((tree.xml, tree.images)):
        for folder, below, names in os.walk(top, onerror=_fail):
            inner = [os.path.join(folder, name) for name in sorted(below)]
            unfollowed += filter(os.path.islink, inner)
            below[:] = [os.path.basename(path) for path in inner if Path(path) not in tree.others]
            for name in sorted(names):
                path = os.path.join(folder, name)
                if name.startswith("."):
                    left_out.add(name)
                elif top == tree.xml and name.lower().endswith(".xml"):
                    xml[_stem(path, top)] = path
                elif top == tree.images and (holds_image(path) or is_foreign_image(name)):
                    images[_stem(path, top)].append(path)
                else:
                    left_out.add(name)
    return images, xml, left_out, unfollowed


def _fail(error: OSError) -> None:
    raise LayoutError(f"{_show(error.filename)} cannot be searched: {error.strerror}.") from error


def _stem(path: str, top: Path) -> str:
    return Path(os.path.splitext(os.path.relpath(path, top))[0]).as_posix()


def _choose_image(tree: _Tree, stem: str, found: Sequence[str], file_name: str) -> str:
    """Return the image of a stem; the name in the XML decides among several."""
    named = PurePosixPath(file_name).name
    if not found:
        return f"{tree.images / stem}{PurePosixPath(named).suffix or '.jpg'}"
    if len(found) == 1:
        return found[0]
    chosen = [path for path in found if os.path.basename(path) == named]
    if len(chosen) != 1:
        names = " and ".join(sorted(_show(path) for path in found))
        raise LayoutError(f"{names} share one XML file. Rename one of them.")
    return chosen[0]


def _key_of(tree: _Tree, file: _Files) -> str:
    return Path(os.path.relpath(file.image, tree.top)).as_posix()


def _folder_part(stem: str) -> str | None:
    """Return the folder of an image below the top if it is called as a part."""
    first, slash, _ = stem.partition("/")
    return first if slash and role_of(first) is not None else None


def _list_stems(files: Sequence[_Files]) -> bytes:
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
