"""The stage `assign`: a split of groups that stays the same when images are added."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .._utils.descriptions import describe_value
from .._utils.display import facts_as_html, facts_as_text
from .._utils.path_text import read_path
from .._utils.progress import busy
from .._utils.validation import check_int, refuse
from ._groups import KIND as GROUPS
from ._part_directory import PartDirectory, arrow
from ._stable_allocation import NOWHERE, TEST, TRAIN, Keys, allocate_stably
from ._stages import Stage, version_of

KIND = "splits"
PARTS = ("train", "test")

_CONFLICTS = "_conflicts"


class SplitSummary(NamedTuple):
    """The results of `assign`.

    Parameters
    ----------
    out : str
        The stage directory.
    n_train, n_test : int
        The number of images in each part. Images that could not be read are in neither.
    conflicts : pandas.DataFrame
        The images that moved from one part to the other since an earlier call: "image", "was",
        "split" and "group".
    """

    out: str
    n_train: int
    n_test: int
    conflicts: pd.DataFrame

    def __repr__(self) -> str:
        return facts_as_text(type(self).__name__, self._facts())

    def _repr_html_(self) -> str:
        return facts_as_html(type(self).__name__, self._facts())

    def _facts(self) -> dict[str, Any]:
        return self._replace(conflicts=len(self.conflicts))._asdict()  # type: ignore[arg-type]


@busy("assigning groups to parts")
def assign(
    groups: str | os.PathLike[str],
    out: str | os.PathLike[str],
    test_size: float = 0.25,
    stratify: Any = None,
    *,
    random_state: int = 0,
) -> SplitSummary:
    """Assign groups of near duplicates to a training and a test part.

    No group is in both parts. The order of groups depends only on their smallest keys, so the same
    data always gives the same split. A second call with more images keeps the part of each image,
    and new images join the part of their near duplicates. New images may connect groups of both
    parts. Such groups go to the training part, because a model may have been trained on some of
    their images, and the summary lists the images that left the test part.

    Parameters
    ----------
    groups : path or URL
        The directory that `components` wrote.
    out : path or URL
        The directory for the split, with one part of the same rows for each part of `groups`. The
        columns are "image", "key" and "group" as there, and "split": "train", "test", or null for
        an image that could not be read. The folder "_conflicts" in it lists images that moved.
    test_size : float, default=0.25
        The share of the images in the test part.
    stratify : None, "parent", mapping, Series, path or URL, default=None
        The class of each image. Each class has the share `test_size` in the test part. "parent"
        takes the name of the image's folder. A mapping or Series holds the classes by image.
        A Parquet or CSV file holds them in the column beside "image". A group belongs to the class
        of its image with the smallest key.
    random_state : int, default=0
        Controls the order of groups. Another number gives another split.

    Returns
    -------
    SplitSummary
        The sizes of the parts, and the images that moved.

    Raises
    ------
    StageError
        If a directory cannot be used.
    ValueError
        If an image has no class.
    """
    check_int("assign", "random_state", random_state, 0)
    if not isinstance(test_size, float) or not 0 < test_size < 1:
        raise refuse("assign", "test_size", "a float in the range (0, 1)", test_size)
    arrow()
    grouped = Stage.open(groups, GROUPS)
    names = grouped.parts()
    settings: dict[str, Any] = {"test_size": test_size, "random_state": int(random_state)}
    settings |= {"stratified": stratify is not None, "groups": grouped.settings}
    with Stage.create(out, KIND, settings) as stage:
        classes_of = _classes(stratify)
        keys, labels, classes, is_readable = _read_groups(grouped, names, classes_of)
        before = _read_before(stage, keys)
        splits = np.full(len(keys), NOWHERE, dtype=np.int8)
        splits[is_readable] = allocate_stably(
            keys[is_readable],
            labels[is_readable],
            classes[is_readable],
            before[is_readable],
            test_size,
            random_state,
        )
        version = version_of(names)
        moved = (before != NOWHERE) & (before != splits) & is_readable
        conflicts, first = [], 0
        for number, name in enumerate(names):
            table = grouped.read(name, ["image", "key", "group"])
            rows = slice(first, first + len(table))
            first += len(table)
            if moved[rows].any():
                conflicts.append(_list_moved(table, before[rows], splits[rows], moved[rows]))
            table = table.append_column("split", _name_parts(splits[rows]))
            stage.write(f"{version}-{number:08d}.parquet", [table], table.schema)
        moved_images = _write_conflicts(stage.sub(_CONFLICTS), version, conflicts)
        stage.publish(version)
        n_train, n_test = (int((splits == part).sum()) for part in (TRAIN, TEST))
        return SplitSummary(stage.address, n_train, n_test, moved_images)


@busy("writing lists of the parts")
def write_lists(split: str | os.PathLike[str], out: str | os.PathLike[str]) -> None:
    """Write the images of each part to ``train.txt`` and ``test.txt``, one path or URL a line.

    Images that could not be read go to ``unreadable.txt``.

    Parameters
    ----------
    split : path or URL
        The directory that `assign` wrote.
    out : path or URL
        The directory for the lists. Lists of an earlier call are replaced.
    """
    stage, directory = Stage.open(split, KIND), PartDirectory(out)
    with ExitStack() as stack:
        files = {
            part: stack.enter_context(directory.renaming(f"{part or 'unreadable'}.txt"))
            for part in (*PARTS, None)
        }
        for name in stage.parts():
            table = stage.read(name, ["image", "split"])
            images, parts = (table.column(column).to_pylist() for column in table.column_names)
            for image, part in zip(images, parts, strict=True):
                files[part].write(f"{image}\n".encode())


def _classes(stratify: Any) -> Any:
    """Return a function from names of images to their classes, or None without classes."""
    if stratify is None:
        return None
    if isinstance(stratify, str) and stratify == "parent":
        return lambda names: [os.path.basename(os.path.dirname(name)) for name in names]
    if isinstance(stratify, str | os.PathLike):
        stratify = read_classes(stratify)
    if not isinstance(stratify, Mapping | pd.Series):
        expected = "None, 'parent', a mapping or Series of images to classes, or a file"
        raise refuse("assign", "stratify", expected, stratify)
    known = stratify

    def look_up(names: Sequence[str]) -> list[Any]:
        try:
            return [known[name] for name in names]
        except KeyError as error:
            raise ValueError(
                f"The image {describe_value(error.args[0])} has no class in `stratify`. Name each "
                f"image by its absolute path or URL, as in the column 'image' of the groups."
            ) from error

    return look_up


def read_classes(path: str | os.PathLike[str]) -> pd.Series[Any]:
    """Read the class of each image from a file, for `assign`."""
    is_csv = os.fspath(path).lower().endswith(".csv")
    table = pd.read_csv(path) if is_csv else pd.read_parquet(path, engine="pyarrow")
    others = [column for column in table.columns if column != "image"]
    if len(others) != 1 or len(table.columns) != 2:
        raise ValueError(
            f"{os.fspath(path)} must have the column 'image' and one column of classes. Got the "
            f"columns {list(table.columns)[:10]}."
        )
    return table.drop_duplicates("image").set_index("image")[others[0]]


def _read_groups(
    grouped: Stage, names: Sequence[str], classes_of: Any
) -> tuple[Keys, Keys, NDArray[np.intp], NDArray[np.bool_]]:
    """Return the key, the group and the class of each image, and whether it is readable."""
    keys, labels, classes = [np.zeros(0, np.uint64)], [np.zeros(0, np.uint64)], []
    are_readable = [np.zeros(0, bool)]
    number_of: dict[Any, int] = {}
    for name in names:
        table = grouped.read(name, ["key", "group"])
        keys.append(table.column("key").to_numpy())
        labels.append(table.column("group").to_numpy())
        are_readable.append(np.ones(len(table), dtype=bool))
        if "error" in grouped.columns(name):  # earlier releases write no such column
            errors = grouped.read(name, ["error"]).column("error")
            are_readable[-1] = errors.is_null().to_numpy()
        if classes_of is None:
            classes.append(np.zeros(len(table), dtype=np.intp))
            continue
        table = grouped.read(name, ["image"])
        images = [read_path(image) for image in table.column("image").to_pylist()]
        found = [number_of.setdefault(each, len(number_of)) for each in classes_of(images)]
        classes.append(np.array(found, dtype=np.intp))
    none = np.zeros(0, dtype=np.intp)
    return (
        np.concatenate(keys),
        np.concatenate(labels),
        np.concatenate([none, *classes]),
        np.concatenate(are_readable),
    )


def _read_before(stage: Stage, keys: Keys) -> NDArray[np.int8]:
    """Return the part that an earlier call assigned each image to."""
    before = np.full(len(keys), NOWHERE, dtype=np.int8)
    known, splits = [np.zeros(0, np.uint64)], [np.zeros(0, np.int8)]
    for name in stage.parts():
        table = stage.read(name, ["key", "split"])
        known.append(table.column("key").to_numpy())
        split = np.array(table.column("split").to_pylist(), dtype=object)
        parts = [split == PARTS[TRAIN], split == PARTS[TEST]]
        splits.append(np.select(parts, [TRAIN, TEST], NOWHERE).astype(np.int8))
    all_known, all_splits = np.concatenate(known), np.concatenate(splits)
    if not len(all_known):
        return before
    order = np.argsort(all_known)
    at = np.searchsorted(all_known, keys, sorter=order).clip(max=len(order) - 1)
    same = all_known[order[at]] == keys
    before[same] = all_splits[order[at[same]]]
    return before


def _name_parts(splits: NDArray[np.int8]) -> Any:
    pyarrow = arrow()
    places = pyarrow.array(splits, mask=splits == NOWHERE)
    named = pyarrow.DictionaryArray.from_arrays(places, pyarrow.array(PARTS))
    return named.cast(pyarrow.string())


def _list_moved(
    table: Any, before: NDArray[np.int8], splits: NDArray[np.int8], moved: NDArray[np.bool_]
) -> Any:
    rows = np.flatnonzero(moved)
    listed = table.select(["image", "group"]).take(rows)
    listed = listed.append_column("was", _name_parts(before[rows]))
    return listed.append_column("split", _name_parts(splits[rows]))


def _write_conflicts(directory: PartDirectory, version: str, found: list[Any]) -> pd.DataFrame:
    columns = ["image", "was", "split", "group"]
    if not found:
        return pd.DataFrame(columns=columns)
    table = arrow().concat_tables(found).select(columns)
    directory.write(f"{version}.parquet", [table], table.schema)
    listed: pd.DataFrame = table.to_pandas()
    return listed
