"""COCO: JSON files that hold images, categories, and objects with boxes and masks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from os.path import abspath
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..._utils.containers import as_column
from ..._utils.descriptions import shorten
from ..._utils.path_text import show_path, write_path
from ...exceptions import LayoutError
from .._collection import Collection
from .._layout import Layout
from .._objects import count_objects, tabulate_objects
from .._outside import describe_outside
from .._plan import Plan
from .._unique_names import name_files
from ._file import CocoFile, is_finite, read_file, show_file
from ._images import list_unlisted, locate_images
from ._merge import merge_files
from ._places import choose_files, find_files, name_parts, task_of, word_of


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
            names = [str(file.relative_to(source)) for file in find_files(source)[0]]
            return f"it holds {shorten(show_path(names[0]))}" if names else None
        files = source if isinstance(source, list) and source else [source]
        if all(isinstance(file, Path) and file.suffix.lower() == ".json" for file in files):
            return "it is JSON" if len(files) == 1 else "all are JSON"
        return None

    @classmethod
    def read(cls, source: Any, root: Path | None = None) -> Collection:
        """Read the files, and find the folders of their images."""
        paths, skipped = choose_files(source)
        parts = name_parts(paths)
        files = [read_file(path) for path in paths]
        _check_categories(files)
        images: list[str] = []
        folders = []
        entries: dict[str, tuple[int, int]] = {}
        for number, (file, part) in enumerate(zip(files, parts, strict=True)):
            names = list(dict.fromkeys([word_of(file.path), part]))
            located, folder = locate_images(file.path, file.names, names, root)
            images += located
            folders.append(folder)
            prefix = f"{part}/" if len(files) > 1 else ""
            entries |= {prefix + name: (number, row) for row, name in enumerate(file.names)}
        outside = list_unlisted(source, paths, images, root)
        of_json = "that the JSON does not list" if len(files) == 1 else "that no JSON lists"
        top = source if isinstance(source, Path) and source.is_dir() else folders[0]
        notes = [skipped, *describe_outside(outside, "image", of_json, top)]
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
            skipped="; ".join(filter(None, notes)),
        )

    def plan_split(
        self, collection: Collection, parts: Mapping[str, NDArray[np.intp]], how: str, out: Path
    ) -> Plan:
        """Return one JSON a part, and its images or a text file that lists them."""
        plan = Plan()
        keys, images = collection["key"].tolist(), collection.images
        annotations = collection["annotations"].tolist()
        task = task_of(self._files[0].path) or "instances"
        placed = []
        for part, rows in parts.items():
            ordered = sorted(rows.tolist(), key=lambda row: self._entries[keys[row]])
            entries = [self._entries[keys[row]] for row in ordered]
            held = [annotations[row] for row in ordered]
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
        listed.sort(
            key=lambda pair: (pair[0], files[pair[0]].positions.get(pair[1].get("id", ""), last))
        )
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
            size = _size_of(file, place) if items else (1.0, 1.0)
            for item in items:
                position = file.positions.get(item.get("id"))
                where = f"{show_file(file.path)}, annotations[{position}]"
                polygons = _find_polygons(item.get("segmentation"), size, where)
                box = _find_box(item, polygons, size, where)
                crowd = bool(item.get("iscrowd"))
                label = file.categories[item["category_id"]]
                rows.append((row, label, *box, polygons, crowd))
        return tabulate_objects(rows)


def _check_categories(files: Sequence[CocoFile]) -> None:
    """Raise if an id means one category here and another one there."""
    known: dict[int | str, CocoFile] = {}
    for file in files:
        for value, name in file.categories.items():
            first = known.setdefault(value, file)
            if first.categories[value] != name:
                raise LayoutError(
                    f"{show_file(file.path)}, categories: the id {value!r} is {shorten(name)!r}, "
                    f"and {shorten(first.categories[value])!r} in {show_file(first.path)}. Use "
                    f"the same categories in all files."
                )


def _size_of(file: CocoFile, place: int) -> tuple[float, float]:
    """Return the width and the height of an image."""
    entry = file.document["images"][place]
    for key in ("width", "height"):
        value = entry.get(key)
        if not is_finite(value) or value <= 0:
            raise LayoutError(
                f"{show_file(file.path)}, images[{place}].{key}: expected a number above 0, as "
                f"boxes are compared by their shares of the image. Got {value!r}."
            )
    return float(entry["width"]), float(entry["height"])


def _find_polygons(
    segmentation: Any, size: tuple[float, float], where: str
) -> list[NDArray[np.float64]] | None:
    """Return the polygons of a mask as shares; None without a mask or in run lengths."""
    if not isinstance(segmentation, list) or not segmentation:
        return None
    polygons = []
    for polygon in segmentation:
        try:
            numbers = np.asarray(polygon)
        except ValueError:  # lists in it are of different lengths
            numbers = np.empty((0, 0))
        is_list = isinstance(polygon, list) and numbers.ndim == 1 and numbers.dtype.kind in "if"
        if not is_list or len(numbers) % 2 or len(numbers) < 6 or not np.isfinite(numbers).all():
            raise LayoutError(
                f"{where}.segmentation: expected polygons of at least three points, [x, y, x, "
                f"y, ...]."
            )
        points = numbers.reshape(-1, 2) / size
        polygons.append(np.minimum(np.maximum(points, 0), 1))
    return polygons


def _find_box(
    item: dict[str, Any],
    polygons: list[NDArray[np.float64]] | None,
    size: tuple[float, float],
    where: str,
) -> tuple[float, float, float, float]:
    """Return the left, top, right and bottom side of an object as shares."""
    if "bbox" in item:
        left, top, width, height = map(float, item["bbox"])
        columns = sorted((_clip(left / size[0]), _clip((left + width) / size[0])))
        rows = sorted((_clip(top / size[1]), _clip((top + height) / size[1])))
        return columns[0], rows[0], columns[1], rows[1]
    if not polygons:
        raise LayoutError(f"{where}.bbox: the key is missing.")
    points = np.concatenate(polygons)
    return *points.min(axis=0).tolist(), *points.max(axis=0).tolist()


def _clip(share: float) -> float:
    return min(max(share, 0.0), 1.0)
