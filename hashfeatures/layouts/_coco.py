"""COCO: JSON files that hold images, categories, and objects with boxes and masks."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import chain
from os.path import abspath
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .._utils.containers import as_column
from .._utils.descriptions import shorten
from .._utils.part_names import role_of
from .._utils.path_text import write_path
from .._utils.quantities import count
from ..exceptions import LayoutError
from ._coco_file import CocoFile, is_finite, read_file, show_file
from ._coco_images import locate_images
from ._coco_merge import merge_files
from ._collection import Collection
from ._layout import Layout
from ._objects import count_objects, tabulate_objects
from ._plan import Plan
from ._unique_names import name_files

# The tasks of COCO, which begin the names of its files. Of several, the first one is read.
_TASKS = ("instances", "person_keypoints", "", "stuff", "captions")
_OTHER_TASKS = ("panoptic", "image_info")
_ROLES = ("train", "val", "test")
# Where a JSON file is that belongs to a folder.
_PLACES = (
    "annotations/*.json",
    "instances_*.json",
    "labels.json",
    "_annotations.coco.json",
    "*/_annotations.coco.json",
)


class CocoLayout(Layout):
    """A data set in one or several JSON files of COCO.

    Each file is a part if there are several. Objects that stand for a crowd are not counted.
    Annotations are those of the file, so that keypoints, captions and keys of other tools stay.

    Parameters
    ----------
    files : list of CocoFile
        The files.
    entries : dict of str to tuple of int and int
        The number of the file of each image, and its position in it, by the image's key.
    """

    name = "coco"
    title = "COCO"

    def __init__(self, files: list[CocoFile], entries: dict[str, tuple[int, int]]) -> None:
        self._files = files
        self._entries = entries

    @classmethod
    def recognize(cls, source: Any) -> str | None:
        """Return why a source is in this layout: it is JSON, or holds JSON in usual places."""
        if isinstance(source, Path) and source.is_dir():
            names = [str(file.relative_to(source)) for file in _find_files(source)]
            return f"it holds {shorten(names[0])}" if names else None
        files = source if isinstance(source, list) and source else [source]
        if all(isinstance(file, Path) and file.suffix.lower() == ".json" for file in files):
            return "it is JSON" if len(files) == 1 else "all are JSON"
        return None

    @classmethod
    def read(cls, source: Any, root: Path | None = None) -> Collection:
        """Read the files, and find the folders of their images."""
        paths, skipped = _choose_files(source)
        parts = _name_parts(paths)
        files = [read_file(path) for path in paths]
        _check_categories(files)
        images: list[str] = []
        folders = []
        entries: dict[str, tuple[int, int]] = {}
        for number, (file, part) in enumerate(zip(files, parts, strict=True)):
            names = list(dict.fromkeys([_word_of(file.path), part]))
            located, folder = locate_images(file.path, file.names, names, root)
            images += located
            folders.append(folder)
            prefix = f"{part}/" if len(files) > 1 else ""
            entries |= {prefix + name: (number, row) for row, name in enumerate(file.names)}
        frame = pd.DataFrame({"image": as_column(images), "key": as_column(list(entries))})
        if len(files) > 1:
            frame["part"] = as_column([parts[number] for number, _ in entries.values()])
        frame["annotations"] = as_column([items for file in files for items in file.annotations])
        categories = dict(chain.from_iterable(file.categories.items() for file in files))
        counts = None
        if categories and any(file.holds_objects for file in files):
            column_of = {value: column for column, value in enumerate(categories)}
            places = [
                (row, column_of[item["category_id"]])
                for row, items in enumerate(frame["annotations"])
                for item in items
                if "category_id" in item and not item.get("iscrowd")
            ]
            counts = count_objects(places, (len(frame), len(categories)))
        return Collection(
            frame,
            cls(files, entries),
            root=folders[0] if len(set(folders)) == 1 else None,
            counts=counts,
            class_names=list(categories.values()),
            skipped=skipped,
        )

    def plan_split(
        self, collection: Collection, parts: Mapping[str, NDArray[np.intp]], how: str, out: Path
    ) -> Plan:
        """Return one JSON a part, and its images or a text file that lists them."""
        plan = Plan()
        keys, images = collection["key"].tolist(), collection.images
        task = _task_of(self._files[0].path) or "instances"
        placed = []
        for part, rows in parts.items():
            ordered = sorted(rows.tolist(), key=lambda row: self._entries[keys[row]])
            entries = [self._entries[keys[row]] for row in ordered]
            held = [collection["annotations"].iloc[row] for row in ordered]
            plan.contents[f"annotations/{task}_{part}.json"] = self._encode(entries, held, part)
            if how == "lists":
                lines = [write_path(abspath(images[row])) + "\n" for row in ordered]
                plan.contents[f"{part}.txt"] = "".join(lines).encode()
                continue
            for row, (number, place) in zip(ordered, entries, strict=True):
                placed.append((f"{part}/{self._files[number].names[place]}", images[row]))
        plan.files = name_files(placed, [lambda pair: [pair]])
        return plan

    def _encode(
        self,
        entries: Sequence[tuple[int, int]],
        annotations: Sequence[list[dict[str, Any]]],
        part: str,
    ) -> bytes:
        """Return the JSON of a part: its images and annotations in the order of their files."""
        numbers = sorted({number for number, _ in entries}) or [0]
        files = [self._files[number] for number in numbers]
        local = {number: place for place, number in enumerate(numbers)}
        images = [
            (local[number], self._files[number].document["images"][place])
            for number, place in entries
        ]
        listed = [
            (local[number], item)
            for (number, _), items in zip(entries, annotations, strict=True)
            for item in items
        ]
        last = len(listed) + max((len(file.positions) for file in files), default=0)
        listed.sort(key=lambda pair: (pair[0], files[pair[0]].positions.get(pair[1]["id"], last)))
        return merge_files(files, images, listed, part)

    def find_objects(self, collection: Collection) -> pd.DataFrame:
        """Return the objects; masks in run-length encoding have a box alone."""
        if collection.counts is None:
            raise LayoutError(
                f"{show_file(self._files[0].path)} holds no objects with categories."
            )
        rows = []
        listed = zip(collection["key"], collection["annotations"], strict=True)
        for row, (key, items) in enumerate(listed):
            number, place = self._entries[key]
            file = self._files[number]
            size = _size_of(file, place) if items else np.ones(2)
            for item in items:
                position = file.positions.get(item["id"])
                where = f"{show_file(file.path)}, annotations[{position}]"
                polygons = _find_polygons(item.get("segmentation"), size, where)
                box = _find_box(item, polygons, size, where)
                crowd = bool(item.get("iscrowd"))
                label = file.categories[item["category_id"]]
                rows.append((row, label, *box, polygons, crowd))
        return tabulate_objects(rows)


def _find_files(folder: Path) -> list[Path]:
    """Return the JSON files in the first usual place of a folder that has any."""
    for place in _PLACES:
        files = sorted(file for file in folder.glob(place) if file.is_file())
        if place == "labels.json" and not (folder / "data").is_dir():
            continue
        if files:
            return files
    return []


def _task_of(path: Path) -> str:
    tasks = (task for task in (*_TASKS, *_OTHER_TASKS) if task)
    return next((task for task in tasks if path.stem.startswith(f"{task}_")), "")


def _choose_files(source: Any) -> tuple[list[Path], str]:
    """Return the files to read, and a note on those that are left out."""
    if isinstance(source, list):
        if not source:
            raise LayoutError("Expected the JSON files of a data set. Got an empty list.")
        return [Path(file) for file in source], ""
    path = Path(source)
    if not path.is_dir():
        return [path], ""
    found = _find_files(path)
    if not found:
        raise LayoutError(
            f"{show_file(path)} holds no JSON of COCO: there is no annotations/*.json in it. "
            f"Name the JSON files."
        )
    for task in _TASKS:
        chosen = [file for file in found if _task_of(file) == task]
        if chosen:
            others = [file.name for file in found if file not in chosen]
            named = shorten(", ".join(others))
            note = f"skipped {count(len(others), 'JSON file')} of other tasks: {named}"
            return chosen, note if others else ""
    return found, ""


def _word_of(path: Path) -> str:
    """Return what a file calls its part, such as "train2017" in instances_train2017.json."""
    return path.stem.removeprefix(f"{_task_of(path)}_")


def _name_parts(paths: Sequence[Path]) -> list[str]:
    """Return a different name for each file: its role, or else what tells it from the others."""
    choices = (
        [_role_name(path.stem) for path in paths],
        [_word_of(path) for path in paths],
        [_role_name(path.parent.name) for path in paths],
        [path.parent.name for path in paths],
        [path.stem for path in paths],
    )
    for names in choices:
        known = [name for name in names if name]
        if len(set(known)) == len(paths):
            return known
    if len(set(paths)) < len(paths):
        raise LayoutError(f"{show_file(paths[0])}: a file is named twice. Name each file once.")
    return [re.sub(r"[/\\:]+", "_", str(path.with_suffix(""))).strip("_.") for path in paths]


def _role_name(name: str) -> str | None:
    role = role_of(name)
    return None if role is None else _ROLES[role]


def _check_categories(files: Sequence[CocoFile]) -> None:
    """Raise if an id means one category here and another one there."""
    for file in files[1:]:
        for first in files[: files.index(file)]:
            for value in file.categories.keys() & first.categories.keys():
                if file.categories[value] != first.categories[value]:
                    raise LayoutError(
                        f"{show_file(file.path)}, categories: the id {value!r} is "
                        f"{shorten(file.categories[value])!r}, and "
                        f"{shorten(first.categories[value])!r} in {show_file(first.path)}. Use "
                        f"the same categories in all files."
                    )


def _size_of(file: CocoFile, place: int) -> NDArray[np.float64]:
    """Return the width and the height of an image."""
    entry = file.document["images"][place]
    for key in ("width", "height"):
        value = entry.get(key)
        if not is_finite(value) or value <= 0:
            raise LayoutError(
                f"{show_file(file.path)}, images[{place}].{key}: expected a number above 0, as "
                f"boxes are compared by their shares of the image. Got {value!r}."
            )
    return np.array([entry["width"], entry["height"]], dtype=np.float64)


def _find_polygons(
    segmentation: Any, size: NDArray[np.float64], where: str
) -> list[NDArray[np.float64]] | None:
    """Return the polygons of a mask as shares; None without a mask or in run lengths."""
    if not isinstance(segmentation, list) or not segmentation:
        return None
    for polygon in segmentation:
        is_list = isinstance(polygon, list) and all(map(is_finite, polygon))
        if not is_list or len(polygon) % 2 or len(polygon) < 6:
            raise LayoutError(
                f"{where}.segmentation: expected polygons of at least three points, [x, y, x, "
                f"y, ...]."
            )
    points = (np.array(polygon, dtype=np.float64).reshape(-1, 2) for polygon in segmentation)
    return [np.clip(polygon / size, 0, 1) for polygon in points]


def _find_box(
    item: dict[str, Any],
    polygons: list[NDArray[np.float64]] | None,
    size: NDArray[np.float64],
    where: str,
) -> tuple[float, float, float, float]:
    """Return the left, top, right and bottom side of an object as shares."""
    if "bbox" in item:
        left, top, width, height = item["bbox"]
        corners = np.array([[left, top], [left + width, top + height]], dtype=np.float64) / size
    elif polygons:
        corners = np.concatenate(polygons)
    else:
        raise LayoutError(f"{where}.bbox: the key is missing.")
    left, top = np.clip(corners.min(axis=0), 0, 1)
    right, bottom = np.clip(corners.max(axis=0), 0, 1)
    return float(left), float(top), float(right), float(bottom)
