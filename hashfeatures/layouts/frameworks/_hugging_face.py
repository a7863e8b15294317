"""Data sets of Hugging Face: `datasets.Dataset`, dicts of splits, streams and saved folders."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..._utils.containers import as_column
from ..._utils.descriptions import describe_value
from ..._utils.frames import is_numeric_feature
from ..._utils.optional import import_extra
from ..._utils.path_text import show_path
from ...exceptions import LayoutError, SkippedFilesWarning, warn_user
from ...images._sources import IMAGE_COLUMNS
from .._collection import Collection
from .._layout import Layout
from .._plan import Plan, check_files, safe_name
from .._row_references import RowReader, RowReference
from ._hugging_face_objects import ObjectColumn, name_classes
from ._hugging_face_rows import DatasetReader, StreamReader

_KINDS = {"Dataset", "DatasetDict", "IterableDataset", "IterableDatasetDict"}
_SAVED = ("dataset_dict.json", "dataset_info.json")  # of a dict of splits, of one data set
_LABEL_COLUMNS = ("label", "labels", "class", "target")


class HuggingFaceLayout(Layout):
    """A data set of Hugging Face, with a column of images.

    The images are in the column of type ``Image``, or else in one named "image", "path", "url",
    "file" or "filename". Splits are parts. A column of type ``ClassLabel`` or named "label" is
    the label, by the names of its classes. Columns of lists with a "bbox" and a "category" are
    annotations of objects, and their categories are counted. `Collection.objects` takes their
    boxes for left, top, width and height in pixels, as the guides of Hugging Face do, and needs
    columns "width" and "height". The other columns with one value a
    row are columns of the collection. The key of an image is its split and row, as in "train/12".

    Images that are files stay where they are. Encoded images are read in blocks of about 16 MB in
    the main process. A stream is read once for its other columns, and again for each pass over
    the images. It must give the same rows each time. If a function needs an image before the last
    ones, the stream is read again from its beginning.

    `Collection.write_split` saves a ``DatasetDict``, which ``datasets.load_from_disk`` reads. All
    columns and features stay as they are, and parts without rows are left out. `select` returns
    the ``DatasetDict`` without saving it. A split of a stream is written as JSON lists of row
    numbers.

    Parameters
    ----------
    splits : dict of str to Dataset or IterableDataset
        The data set of each split. The name "" stands for a data set without splits.
    keys : sequence of str
        The key of each row of all splits together.
    """

    name: ClassVar[str] = "hugging-face"
    title: ClassVar[str] = "Hugging Face"
    takes_all_files: ClassVar[bool] = True

    def __init__(self, splits: Mapping[str, Any], keys: Sequence[str]) -> None:
        self._splits = dict(splits)
        self._row_of = {key: row for row, key in enumerate(keys)}

    @classmethod
    def recognize(cls, source: Any) -> str | None:
        """Return why a source is a data set of Hugging Face, or None if it is not."""
        if isinstance(source, Path):
            found = next((name for name in _SAVED if (source / name).is_file()), None)
            return None if found is None else f"it holds {found}, which save_to_disk writes"
        kind = next((base.__name__ for base in type(source).__mro__ if _is_ours(base)), None)
        return None if kind is None else f"it is a {kind} of Hugging Face"

    @classmethod
    def read(cls, source: Any, root: Path | None = None) -> Collection:
        """Read a data set, see `Layout.read`."""
        folder = source if isinstance(source, Path) else None
        if folder is not None:
            source = _load(folder)
        elif cls.recognize(source) is None:
            raise LayoutError(
                f"Expected a Dataset or DatasetDict of Hugging Face, or a folder that "
                f"save_to_disk wrote. Got {describe_value(source)}."
            )
        splits = dict(source) if isinstance(source, dict) else {"": source}
        splits = {str(name): split for name, split in splits.items()}
        for name in filter(None, splits):
            safe_name(name, "The DatasetDict" if folder is None else show_path(str(folder)))
        tables = [Split(name, split).read() for name, split in splits.items()]
        if not tables:
            raise LayoutError("The DatasetDict holds no split.")
        frame = pd.concat([table.dropna(axis=1, how="all") for table in tables], ignore_index=True)
        frame = frame.reindex(columns=list(dict.fromkeys(c for t in tables for c in t.columns)))
        counts, names = None, None
        features = [split.features for split in splits.values()]
        if "annotations" in frame:
            objects = next(filter(None, map(ObjectColumn.find, features)))
            counts, names = objects.count(frame["annotations"].tolist())
        elif "label" in frame:
            kinds = [found[name] for found in features if (name := _find_label(found))]
            names = getattr(kinds[0], "names", None)
        return Collection(
            frame,
            cls(splits, frame["key"].tolist()),
            root=folder,
            counts=counts,
            class_names=names,
        )

    def select(self, collection: Collection, parts: Any) -> Any:
        """Return the parts of a split as a DatasetDict, with all columns and features.

        Parameters
        ----------
        collection : Collection
            A collection of this layout.
        parts : dict of str to Collection or rows, or array-like of shape (n_images,)
            As for `Collection.write_split`.

        Returns
        -------
        datasets.DatasetDict
            One Dataset a part. No image is read or copied.

        Raises
        ------
        LayoutError
            If the data set is a stream, or its splits have different features.
        """
        datasets = import_extra("datasets", "datasets", "A data set of Hugging Face")
        rows = collection._rows_by_part(parts)
        keys = collection.frame["key"].tolist()
        return datasets.DatasetDict(
            {name: self._take([keys[row] for row in chosen]) for name, chosen in rows.items()}
        )

    def plan_split(
        self, collection: Collection, parts: Mapping[str, NDArray[np.intp]], how: str, out: Path
    ) -> Plan:
        """Return a saved DatasetDict, or lists of row numbers for a stream, see `Layout`."""
        keys = collection.frame["key"].tolist()
        chosen = {name: [keys[row] for row in rows] for name, rows in parts.items()}
        if self._is_stream() and how == "lists":
            return Plan({f"{name}.json": self._list_rows(part) for name, part in chosen.items()})
        if how == "link":
            raise LayoutError(
                "A data set of Hugging Face holds its images, so they cannot be linked. Write "
                "how='copy'."
            )
        written = {name: part for name, part in chosen.items() if part}
        if not written:
            raise LayoutError(
                "All parts are empty, and datasets.load_from_disk reads no part without rows. "
                "Nothing was written."
            )
        taken = {name: self._take(part) for name, part in written.items()}
        if self._embeds_files():
            images = collection.frame["image"]
            rows = [row for name in written for row in parts[name].tolist()]
            check_files([image for row in rows if isinstance(image := images[row], str)])
        if len(written) < len(chosen):
            empty = ", ".join(repr(name) for name in chosen if name not in written)
            warn_user(
                f"The data set is written without {empty}: datasets.load_from_disk reads no part "
                f"without rows.",
                SkippedFilesWarning,
            )
        plan = Plan({_SAVED[0]: json.dumps({"splits": list(written)}).encode()})
        plan.streams |= {name: partial(_save, part) for name, part in taken.items()}
        return plan

    def find_objects(self, collection: Collection) -> pd.DataFrame:
        """Return the boxes in pixels as shares of the columns "width" and "height"."""
        features = [split.features for split in self._splits.values()]
        objects = next(filter(None, map(ObjectColumn.find, features)), None)
        if objects is None:
            return super().find_objects(collection)
        return objects.tabulate(collection.frame)

    def _embeds_files(self) -> bool:
        """Return whether images are of the type whose files are written into the data set."""
        features = next(iter(self._splits.values())).features
        return any(type(kind).__name__ == "Image" for kind in features.values())

    def _is_stream(self) -> bool:
        return any(not hasattr(split, "__len__") for split in self._splits.values())

    def _take(self, keys: Sequence[str]) -> Any:
        """Return the Dataset of some rows."""
        if self._is_stream():
            raise LayoutError(
                "The rows of a stream of Hugging Face cannot be selected. Write how='lists', or "
                "load the data set without streaming."
            )
        splits = list(self._splits.values())
        rows = np.array([self._row_of[key] for key in keys], dtype=np.intp)
        starts = np.cumsum([0, *map(len, splits)])
        homes = np.searchsorted(starts, rows, side="right") - 1  # the split of each row
        used = np.unique(homes).tolist() or [0]
        if any(splits[home].features != splits[used[0]].features for home in used):
            raise LayoutError(
                "The splits have different features, so no part can hold rows of several of them."
            )
        places = rows - starts[homes]
        if len(used) == 1:
            return splits[used[0]].select(places)
        datasets = import_extra("datasets", "datasets", "A data set of Hugging Face")
        chosen = [splits[home] for home in used]
        first = np.cumsum([0, *map(len, chosen)])
        return datasets.concatenate_datasets(chosen).select(
            first[np.searchsorted(used, homes)] + places
        )

    def _list_rows(self, keys: Sequence[str]) -> bytes:
        """Return the row numbers of some images as JSON, by split if there are splits."""
        rows: dict[str, list[int]] = {}
        for key in keys:
            split, _, row = key.rpartition("/")
            rows.setdefault(split, []).append(int(row))
        listed: Any = rows.get("", []) if "" in self._splits else rows
        return json.dumps(listed).encode()


class Split:
    """One split of a data set.

    Parameters
    ----------
    name : str
        Its name, or "" if the data set has no splits.
    dataset : Dataset or IterableDataset
        Its rows.

    Attributes
    ----------
    column : str
        The column of images.
    """

    def __init__(self, name: str, dataset: Any) -> None:
        self._name = name
        # Formats and transforms would change or decode what is read.
        self._dataset = dataset.with_format(None)
        self._is_stream = not hasattr(dataset, "__len__")
        where = f"The split {name!r}" if name else f"The {type(dataset).__name__}"
        if not self._dataset.features:
            raise LayoutError(
                f"{where}: the types of its columns are unknown. Name them, as by "
                f"dataset.cast(Features(...))."
            )
        self._features = self._dataset.features
        self.column = _pick_image_column(self._features, where)

    def read(self) -> pd.DataFrame:
        """Return the table of the images."""
        found = ObjectColumn.find(self._features)
        objects = None if found is None else found.name
        label = _find_label(self._features)
        plain = [
            name
            for name, kind in self._features.items()
            if name != self.column and (name == objects or _is_plain(kind))
        ]
        values, n_rows = self._read_columns(plain)
        prefix = f"{self._name}/" if self._name else ""
        table: dict[str, Any] = {
            "image": as_column(self._list_images(n_rows)),
            "key": as_column([f"{prefix}{row}" for row in range(n_rows)]),
        }
        if self._name:
            table["part"] = as_column([self._name] * n_rows)
        if label is not None:
            table["label"] = as_column(name_classes(values[label], self._features[label]))
        if objects is not None:
            table["annotations"] = as_column(values[objects])
        for name in plain:
            if name != objects and name != "label":
                own = name in ("image", "key", "part", "annotations")
                table[f"{name}_" if own else name] = as_column(values[name])
        return pd.DataFrame(table).infer_objects()

    def _read_columns(self, names: list[str]) -> tuple[dict[str, list[Any]], int]:
        """Return the values of some columns, and the number of rows."""
        values: dict[str, list[Any]] = {name: [] for name in names}
        if not self._is_stream:
            if names and len(self._dataset):
                rows = self._dataset.select_columns(names).with_format("arrow")[:]
                values = {name: rows.column(name).to_pylist() for name in names}
            return values, len(self._dataset)
        n_rows = 0
        for row in self._dataset.select_columns(names) if names else self.encode():
            n_rows += 1
            for name in names:
                values[name].append(row[name])
        return values, n_rows

    def encode(self) -> Any:
        """Return the data set of the images alone, not decoded."""
        feature = self._features[self.column]
        chosen = self._dataset.select_columns([self.column])
        if getattr(feature, "decode", False):
            chosen = chosen.cast_column(self.column, type(feature)(decode=False))
        return chosen

    def _list_images(self, n_rows: int) -> Sequence[Any]:
        encoded = self.encode()
        if self._is_stream:
            reader: RowReader = StreamReader(self._name or "stream", encoded, self.column, n_rows)
        else:
            kind = self._features[self.column]
            if getattr(kind, "dtype", "") in ("string", "large_string"):
                return list(encoded[self.column])
            if type(kind).__name__ == "Image":
                flat = encoded.flatten()
                data = flat.data.column(f"{self.column}.bytes")
                if n_rows and data.null_count == len(data):  # all images are files
                    return list(flat[f"{self.column}.path"])
            reader = DatasetReader(self._name or "dataset", encoded)
        return [RowReference(reader, row) for row in range(n_rows)]


def _is_ours(kind: type) -> bool:
    return kind.__module__.partition(".")[0] == "datasets" and kind.__name__ in _KINDS


def _load(folder: Path) -> Any:
    datasets = import_extra("datasets", "datasets", "Reading a data set of Hugging Face")
    try:
        loaded = datasets.load_from_disk(str(folder))
        for split in loaded.values() if isinstance(loaded, dict) else [loaded]:
            # Reading damaged offsets would end the process. This reads no image.
            split.data.validate(full=True)
        return loaded
    except Exception as error:  # a damaged folder raises errors of pyarrow, json and others
        cause = " ".join(f"{type(error).__name__}: {error}".split())
        raise LayoutError(
            f"{show_path(str(folder))}: datasets.load_from_disk cannot read it ({cause})."
        ) from error


def _pick_image_column(features: Mapping[str, Any], where: str) -> str:
    named = [name for name, kind in features.items() if type(kind).__name__ == "Image"]
    if not named:
        usual = [name for name in IMAGE_COLUMNS if name in features]
        named = [name for name in usual if not is_numeric_feature(features[name])]
        if usual and not named:
            raise LayoutError(
                f"{where}, column {usual[0]!r}: expected paths, URLs or encoded images. Got "
                f"values of the type {features[usual[0]].dtype}."
            )
    if len(named) == 1 or "image" in named:
        return "image" if "image" in named else named[0]
    found = f"several, {named}" if named else "none"
    raise LayoutError(
        f"{where}: expected one column of type Image. Found {found}, in the columns "
        f"{describe_value(list(features)[:10])}. Select it with select_columns, or rename it to "
        f"'image'."
    )


def _is_plain(kind: Any) -> bool:
    """Return whether a column holds one value per row that is not a file."""
    dtype = getattr(kind, "dtype", None)
    is_value = type(kind).__name__ in ("Value", "ClassLabel")
    return is_value and isinstance(dtype, str) and "binary" not in dtype


def _find_label(features: Mapping[str, Any]) -> str | None:
    for name in _LABEL_COLUMNS:
        if name in features and _is_plain(features[name]):
            return name
    typed = [name for name, kind in features.items() if type(kind).__name__ == "ClassLabel"]
    return typed[0] if len(typed) == 1 else None


def _save(dataset: Any, path: Path) -> None:
    """Save the rows of a part, without a transform, which may be no JSON."""
    try:
        with _without_bars():
            dataset.with_format(None).save_to_disk(str(path))
    except FileNotFoundError as error:
        if error.filename is None or Path(error.filename).is_relative_to(path):
            raise
        check_files([os.fspath(error.filename)])
        raise


@contextmanager
def _without_bars() -> Iterator[None]:
    """Show no progress bars of `datasets`."""
    datasets = import_extra("datasets", "datasets", "Writing a data set of Hugging Face")
    were_shown = not datasets.utils.are_progress_bars_disabled()
    datasets.disable_progress_bars()
    try:
        yield
    finally:
        if were_shown:
            datasets.enable_progress_bars()
