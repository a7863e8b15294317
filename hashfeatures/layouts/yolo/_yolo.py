"""The layout of YOLO: images in folders or lists, and a text file of objects beside each."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..._utils.containers import as_column
from ..._utils.part_names import role_of
from ..._utils.path_text import encoding_of, show_path
from ..._utils.regular_files import open_regular
from ..._utils.relative_paths import relative_to
from ...exceptions import LayoutError
from .._collection import Collection
from .._layout import Layout
from .._objects import count_objects, tabulate_objects
from .._plan import Plan, refuse_inside
from .._unique_names import name_files
from ._labels import YoloObject, label_path, read_objects
from ._places import YoloImages, guess_settings
from ._yaml_file import (
    PARTS,
    PLACES,
    describe_unused,
    find_yaml,
    is_yaml,
    load_yaml,
    number_classes,
    read_keypoints,
    read_names,
    write_yaml,
)

_CLASSES = ("classes.txt", "labels/classes.txt")


class YoloLayout(Layout):
    """A data.yaml with its images and labels, or the folders ``images/`` and ``labels/``.

    Parameters
    ----------
    settings : dict
        The mapping of the data.yaml, or what stands for it.
    keypoints : (int, int) or None
        The number of keypoints of an object, and of values for each.
    """

    name = "yolo"
    title = "YOLO"

    def __init__(self, settings: dict[str, Any], keypoints: tuple[int, int] | None) -> None:
        self._settings = settings
        self._keypoints = keypoints

    @classmethod
    def recognize(cls, source: Any) -> str | None:
        """Return why a file or folder is a YOLO data set, or None."""
        if not isinstance(source, Path):
            return None
        if source.is_dir():
            try:
                file = find_yaml(str(source))
            except LayoutError:
                return "it holds several descriptions of YOLO data"
            except OSError:
                return None
            if file is not None:
                return f"it holds {show_path(os.path.basename(file))} with the keys of YOLO"
            has_labels = guess_settings(str(source)) is not None
            return "it holds images/ and text files in labels/" if has_labels else None
        # Another layout in YAML is not known: what is wrong with the file is said by reading it.
        return "it is YAML" if is_yaml(source.name) and source.is_file() else None

    @classmethod
    def read(cls, source: Any, root: Path | None = None) -> Collection:
        """Read the images of a data.yaml, or of a folder."""
        if not isinstance(source, Path):
            raise LayoutError(
                "A YOLO data set must be one data.yaml, or the folder that holds it or images/ "
                f"and labels/. Got {type(source).__name__} instead."
            )
        settings, file = _read_settings(source)
        shown = show_path(str(source) if file is None else file)
        names = read_names(settings, shown)
        keypoints = read_keypoints(settings, shown)
        folder = str(source) if file is None else os.path.dirname(file)
        images = YoloImages(settings, folder, shown, None if root is None else str(root))
        paths = [path for part in images.parts.values() for path in part]
        if file is None:
            images.notes += describe_unused(folder)
        if not paths:
            reasons = f" ({'; '.join(images.notes)})" if images.notes else ""
            raise LayoutError(f"{shown} names no images{reasons}.")
        labels, places = [], []
        for row, path in enumerate(paths):
            place = label_path(path)
            objects = read_objects(place, None if names is None else len(names), keypoints)
            labels.append(None if objects is None else place)
            places += [(row, found.class_id) for found in objects or ()]
        if not any(labels):
            example = show_path(label_path(paths[0]))
            images.notes.append(f"no image has labels: there is no {example}, for example")
        if names is None:
            names = number_classes(1 + max((class_id for _, class_id in places), default=0))
        frame = pd.DataFrame(
            {
                "image": as_column(paths),
                "key": as_column([relative_to(path, images.root) for path in paths]),
            }
        )
        if file is not None or settings.get("train") != "images":
            frame["part"] = [part for part, found in images.parts.items() for _ in found]
        frame["annotations"] = pd.Series(labels, dtype=object)
        return Collection(
            frame,
            cls({**settings, "names": settings.get("names") or names}, keypoints),
            root=Path(images.root),
            counts=count_objects(places, (len(paths), len(names))),
            class_names=names,
            skipped="; ".join(images.notes),
        )

    def plan_split(
        self, collection: Collection, parts: Mapping[str, NDArray[np.intp]], how: str, out: Path
    ) -> Plan:
        """Return lists of images and a data.yaml, or images, labels and a data.yaml.

        The keys of the source's data.yaml are kept. A part for validation is written as "val",
        whatever its name. Ultralytics needs "val": without such a part, it names the test part,
        or else the training part again, and a comment says so.
        """
        paths: list[str] = collection.frame["image"].tolist()
        written = _name_parts(parts)
        refuse_inside(out, {os.path.dirname(path) for path in paths})
        plan = Plan()
        if how == "lists":
            place = "{}.txt"
            for part, rows in written.items():
                plan.contents[place.format(part)] = _write_list(paths[row] for row in rows)
        else:
            place = "images/{}"
            keys, labels = collection.frame["key"].tolist(), collection["annotations"].tolist()
            old = [None] * len(paths) if collection.parts is None else collection.parts.tolist()
            moved = [
                _Move(part, keys[row], paths[row], labels[row], old[row])
                for part, rows in written.items()
                for row in rows.tolist()
            ]
            files = name_files(moved, [_Move.name_shortly, _Move.name_fully])
            for name, file in files.items():  # labels are copied, as people go on to edit them
                (plan.files if name.startswith("images/") else plan.copied)[name] = file
        used = {part: place.format(part) for part in PARTS if len(written.get(part, ()))}
        comment = "Written by hashfeatures."
        if "val" not in used:
            other = "test" if "test" in used else "train"
            used["val"] = used[other]
            comment = f"Ultralytics needs the key val. No part is for validation: val is {other}."
        places = {"path": str(out)} | {part: used[part] for part in PARTS if part in used}
        kept = {key: value for key, value in self._settings.items() if key not in PLACES}
        plan.contents["data.yaml"] = write_yaml(places | kept, comment)
        return plan

    def find_objects(self, collection: Collection) -> pd.DataFrame:
        """Return the boxes and polygons of the images."""
        found: list[tuple[int, YoloObject]] = []
        for row, path in enumerate(collection.frame["annotations"]):
            if path is not None:
                objects = read_objects(path, len(collection.class_names), self._keypoints)
                found += [(row, each) for each in objects or ()]
        rows = []
        for row, each in found:
            polygons = None if each.polygon is None else [each.polygon]
            rows.append((row, collection.class_names[each.class_id], *each.box, polygons, False))
        return tabulate_objects(rows)


class _Move:
    """An image and its labels, on their way into a part."""

    def __init__(self, part: str, key: str, image: str, labels: str | None, old: Any) -> None:
        self._part = part
        self._image = image
        self._labels = labels
        folders = key.strip("/").split("/")
        # Labels are found by the last folder "images" of a path: there must not be another.
        self._full = "/".join([name for name in folders[:-1] if name != "images"] + folders[-1:])
        last = max((i for i, name in enumerate(folders[:-1]) if name == "images"), default=-1)
        below = folders[last + 1 :]
        is_old_part = len(below) > 1 and old is not None and role_of(below[0]) is not None
        self._short = "/".join(below[1:] if is_old_part else below)

    def name_shortly(self) -> Iterator[tuple[str, str | None]]:
        """Yield names below the folder of the part."""
        return self._name(self._short)

    def name_fully(self) -> Iterator[tuple[str, str | None]]:
        """Yield names with all folders of the image."""
        return self._name(self._full)

    def _name(self, name: str) -> Iterator[tuple[str, str | None]]:
        yield f"images/{self._part}/{name}", self._image
        yield f"labels/{self._part}/{os.path.splitext(name)[0]}.txt", self._labels


def _read_settings(source: Path) -> tuple[dict[str, Any], str | None]:
    """Return the mapping of a data.yaml and its path; without one, what stands for it."""
    if not source.is_dir():
        return load_yaml(str(source)), str(source)
    try:
        file = find_yaml(str(source))
        settings = guess_settings(str(source)) if file is None else load_yaml(file)
    except OSError as error:
        raise LayoutError(f"{show_path(str(source))} cannot be read: {error}.") from error
    if settings is None:
        raise LayoutError(
            f"{show_path(str(source))} holds no data.yaml with the keys 'train' and 'names', and "
            f"no folders images/ and labels/ with text files."
        )
    if file is not None:
        return settings, file
    for name in _CLASSES:
        path = source / name
        if path.is_file():
            with open_regular(path) as lines:
                data = lines.read()
            text = data.decode(encoding_of(data), "replace")
            settings["names"] = [line.strip() for line in text.rstrip().splitlines()]
            break
    return settings, None


def _name_parts(parts: Mapping[str, NDArray[np.intp]]) -> dict[str, NDArray[np.intp]]:
    """Return the parts by the names that Ultralytics knows."""
    written: dict[str, NDArray[np.intp]] = {}
    for name, rows in parts.items():
        role = role_of(name)
        known = name if role is None else PARTS[role]
        if known in written:
            raise LayoutError(f"Two parts would be written as {known!r}: rename {name!r}.")
        written[known] = rows
    if not len(written.get("train", ())):
        listed = ", ".join(map(repr, parts))
        raise LayoutError(
            f"A YOLO data set needs images in a part named 'train'. Got the parts {listed}."
        )
    return written


def _write_list(paths: Iterator[str]) -> bytes:
    """Return the content of a list of images, one path on each line, as Ultralytics reads it."""
    lines = []
    for path in paths:
        if path.splitlines() != [path] or path != path.strip() or not _is_text(path):
            raise LayoutError(
                f"{show_path(path)} cannot be a line of a list. Rename it, or pass how='copy'."
            )
        lines.append(f"{path}\n")
    return "".join(lines).encode()


def _is_text(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True
