"""Data sets of torch and torchvision, without importing torch."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from ..._utils.containers import as_column
from ..._utils.descriptions import describe_value
from ..._utils.frames import is_dataset, is_frame
from ..._utils.relative_paths import relative_to
from ...exceptions import LayoutError
from ...images._arrays import conversion_code, is_tensor
from ...images._sources import IMAGE_COLUMNS, position_of_image
from .._collection import Collection
from .._layout import Layout
from .._plan import Plan
from .._row_references import Block, RowReader, RowReference
from .._unique_names import name_files, number_repeats
from ..folders._part_folders import write_index

_TORCH = ("torch.utils.data", "torchvision.datasets")
_IMAGE_FIELDS = ("image", "img", *IMAGE_COLUMNS[1:])


class TorchLayout(Layout):
    """A map-style ``Dataset`` of torch, a ``Subset``, or a list of torchvision's samples.

    The images of a data set with ``samples`` or ``imgs`` are the files that these name, and those
    of a data set with ``data`` of 8-bit pixels are these pixels. Transforms do not change either.
    Any other data set is read by its items, in the main process: images, pairs of an image and a
    label, or dicts with an image. An item is a PIL image, a path, or an array or tensor of
    8 bits.

    Labels are read from ``samples``, ``targets`` or ``labels``, and named by ``classes``. Without
    these, the collection has no labels, as reading them would decode all images.

    The key of an image is the path of its file below the root of the data set, or else its
    number. `Collection.write_split` writes the row numbers of each part as JSON, for
    ``torch.utils.data.Subset``. With "link" or "copy" it writes class folders, which
    torchvision's ``ImageFolder`` reads.
    """

    name: ClassVar[str] = "torch"
    title: ClassVar[str] = "torch"

    def __init__(self, keys: Sequence[str]) -> None:
        self._row_of = {key: row for row, key in enumerate(keys)}

    @classmethod
    def recognize(cls, source: Any) -> str | None:
        """Return why a source is a data set of torch, or None if it is not."""
        kind = type(source).__name__
        if _are_samples(source):
            return "it is a list of paths with class numbers"
        if isinstance(source, Path | list | tuple | Mapping | str | bytes) or is_frame(source):
            return None
        if hasattr(source, "__arrow_c_array__") or hasattr(source, "__arrow_c_stream__"):
            return None  # a column of Arrow
        if any(base.__module__.startswith(_TORCH) for base in type(source).__mro__):
            return f"it is a {kind} of torch"
        if type(source).__module__.partition(".")[0] == "tensorflow":
            return f"it is a {kind} of TensorFlow"
        is_other = is_tensor(source) or hasattr(source, "dtype") or is_dataset(source)
        if not is_other and hasattr(source, "__getitem__") and hasattr(source, "__len__"):
            return f"it is a {kind} of items by number"
        return None

    @classmethod
    def read(cls, source: Any, root: Path | None = None) -> Collection:
        """Read a data set, see `Layout.read`."""
        if advice := _advice_for(source):
            raise LayoutError(advice)
        base, rows = _unwrap(source)
        samples = base if _are_samples(base) else _find_samples(base)
        classes = [str(name) for name in getattr(base, "classes", None) or ()]
        targets = _find_targets(base, samples)
        if root is None and isinstance(getattr(base, "root", None), str | os.PathLike):
            root = Path(base.root)
        images: list[Any]
        if samples is not None:
            images = [os.fspath(samples[row][0]) for row in rows]
            keys = _make_keys(images, root)
        else:
            reader = _ItemReader(type(base).__name__, base)
            images = [RowReference(reader, row) for row in rows]
            keys = [str(row) for row in range(len(rows))]
        columns: dict[str, Any] = {"image": as_column(images), "key": as_column(keys)}
        if targets is not None:
            columns["label"] = as_column([_name_class(targets[row], classes) for row in rows])
        names = classes if classes and targets is not None else None
        return Collection(pd.DataFrame(columns), cls(keys), root=root, class_names=names)

    def plan_split(
        self, collection: Collection, parts: Mapping[str, NDArray[np.intp]], how: str, out: Path
    ) -> Plan:
        """Return lists of row numbers, or class folders, see `Layout`."""
        keys = collection.frame["key"].tolist()
        if how == "lists":
            listed = {
                part: [self._row_of[keys[row]] for row in rows] for part, rows in parts.items()
            }
            return Plan(
                {f"{part}.json": json.dumps(rows).encode() for part, rows in listed.items()}
            )
        images = collection.frame["image"].tolist()
        if not all(isinstance(image, str) for image in images):
            raise LayoutError(
                "Only images in files can be linked or copied, and the data set holds no paths of "
                "files. Write how='lists'."
            )
        labels = None if collection.labels is None else collection.labels.tolist()
        moved = [
            (part, "" if labels is None else f"{labels[row]}/", keys[row], images[row])
            for part, rows in parts.items()
            for row in rows.tolist()
        ]
        return Plan(write_index(parts), name_files(moved, [_name_shortly, _name_fully]))


def _name_shortly(move: tuple[str, str, str, str]) -> Iterator[tuple[str, str]]:
    """Yield the name of a file in the folder of its class."""
    part, folder, _, image = move
    yield f"{part}/{folder}{os.path.basename(image)}", image


def _name_fully(move: tuple[str, str, str, str]) -> Iterator[tuple[str, str]]:
    """Yield a name with the folders of the old name."""
    part, folder, key, image = move
    yield f"{part}/{folder}{'_'.join(word for word in key.split('/') if word != '..')}", image


def _are_samples(source: Any) -> bool:
    """Return whether a source is a list of pairs of a path and a class."""
    return (
        isinstance(source, list | tuple)
        and bool(source)
        and all(
            isinstance(item, tuple | list)
            and len(item) == 2
            and isinstance(item[0], str | os.PathLike)
            and isinstance(item[1], int | np.integer)
            for item in source
        )
    )


def _find_samples(base: Any) -> Any:
    for name in ("samples", "imgs"):
        samples = getattr(base, name, None)
        if _are_samples(samples):
            return samples
    return None


def _find_targets(base: Any, samples: Any) -> list[Any] | None:
    """Return the class of each item, or None if it is not known without reading the items."""
    if samples is not None:
        return [target for _, target in samples]
    for name in ("targets", "labels"):
        targets: Any = getattr(base, name, None)
        targets = targets.tolist() if hasattr(targets, "tolist") else targets
        if isinstance(targets, list | tuple) and len(targets) == len(base):
            return list(targets)
    return None


def _unwrap(source: Any) -> tuple[Any, list[int]]:
    """Return the data set below any subsets, and the rows of it."""
    rows = list(range(len(source)))
    while hasattr(source, "dataset") and hasattr(source, "indices"):
        indices = source.indices
        rows = [int(indices[row]) for row in rows]
        source = source.dataset
    return source, rows


def _name_class(target: Any, classes: list[str]) -> Any:
    is_number = isinstance(target, int | np.integer) and not isinstance(target, bool)
    return classes[target] if is_number and 0 <= target < len(classes) else target


def _make_keys(paths: Sequence[str], root: Path | None) -> list[str]:
    """Return a unique name for each file: its path below the root, or as it is."""
    folder = "" if root is None else str(root)
    names = [relative_to(path, folder) if folder else path.replace(os.sep, "/") for path in paths]
    return number_repeats(names)


def _advice_for(source: Any) -> str | None:
    kind = type(source).__name__
    if type(source).__module__.partition(".")[0] == "tensorflow":
        return (
            f"A {kind} of TensorFlow has no rows by number. Pass the paths of its files, or its "
            f"images as a list: [image for image, label in dataset.as_numpy_iterator()]."
        )
    if hasattr(source, "batch_sampler") and hasattr(source, "dataset"):
        return f"A {kind} gives batches in a random order. Pass its data set: loader.dataset."
    if not (hasattr(source, "__getitem__") and hasattr(source, "__len__")):
        return (
            f"Expected a Dataset of torch with __getitem__ and __len__. Got "
            f"{describe_value(source)}, which has no rows by number. Pass its images as a list."
        )
    return None


class _ItemReader(RowReader):
    """Reads the images of a data set by its items.

    Parameters
    ----------
    name : str
        The name of the data set.
    base : object
        The data set.
    """

    def __init__(self, name: str, base: Any) -> None:
        super().__init__(name)
        data: Any = getattr(base, "data", None)
        self._items: Any = data if _are_pixels(data, len(base)) else base

    def begin(self, row: int) -> tuple[int, int, Iterator[Block]]:
        """Return one item."""
        return row, row + 1, iter([Block(row, [self._items[row]])])

    def open(self, cell: Any) -> Any:
        """Return the image of an item."""
        if isinstance(cell, Mapping):
            named = [name for name in _IMAGE_FIELDS if name in cell]
            if not named:
                raise ValueError(
                    f"the item has no image under {', '.join(map(repr, _IMAGE_FIELDS))}. It has "
                    f"{describe_value(list(cell))}"
                )
            return _as_image(cell[named[0]])
        if isinstance(cell, tuple | list):
            return _as_image(cell[position_of_image(tuple(cell))])
        return _as_image(cell)


def _are_pixels(data: Any, n_rows: int) -> bool:
    """Return whether an array holds the 8-bit pixels of each item."""
    shape: tuple[int, ...] = tuple(getattr(data, "shape", ()))
    if "uint8" not in str(getattr(data, "dtype", "")) or len(shape) not in (3, 4):
        return False
    return bool(shape[0] == n_rows and (len(shape) == 3 or shape[-1] in (1, 3, 4)))


def _as_image(image: Any) -> Any:
    """Return an image, with an array or tensor of 8 bits as an array with its channels last."""
    if isinstance(image, Image.Image | str | bytes | os.PathLike):
        return image
    if not (is_tensor(image) or isinstance(image, np.ndarray)):
        return image
    if "uint8" not in str(image.dtype):
        raise TypeError(
            f"expected an image of 8 bits, got {image.dtype}. Leave out the transform of the data "
            f"set, or convert its images by {conversion_code(image, 'image', is_batch=False)}"
        )
    for method in ("detach", "cpu"):
        if is_tensor(image) and hasattr(image, method):
            image = getattr(image, method)()
    pixels = np.asarray(image)
    is_first = pixels.ndim == 3 and pixels.shape[0] in (1, 3, 4)
    return pixels.transpose(1, 2, 0) if is_first and pixels.shape[-1] not in (1, 3, 4) else pixels
