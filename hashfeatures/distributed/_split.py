"""Groups to a split that stays as it is when images are added."""

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
from ._stages import PartDirectory, Stage, arrow, version_of

KIND = "splits"
SPLITS = ("train", "test")

_CONFLICTS = "_conflicts"
_NOWHERE, _TRAIN, _TEST = -1, 0, 1

Keys = NDArray[np.uint64]


class SplitSummary(NamedTuple):
    """What a call of `assign` did.

    Parameters
    ----------
    out : str
        The stage directory.
    n_train, n_test : int
        How many images each part of the split has; images that could not be read are in none.
    conflicts : pandas.DataFrame
        The images that an earlier call had put into the other part: "image", "was", "split" and
        "group".
    """

    out: str
    n_train: int
    n_test: int
    conflicts: pd.DataFrame

    def __repr__(self) -> str:
        return facts_as_text(type(self).__name__, self._told())

    def _repr_html_(self) -> str:
        return facts_as_html(type(self).__name__, self._told())

    def _told(self) -> dict[str, Any]:
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
    """Deal groups of near duplicates to training and test part.

    No group straddles the two. Groups go in the order of a hash of their least member, so that the
    same data is dealt the same way by everybody. A second call with more images deals only what is
    new: an image keeps its part, and a new one joins the near duplicates that it has. Only where
    new images connect groups of both parts must some move: then all go to the training part, since
    a model may have been trained on some of them, and the images that left the test part are told.

    Parameters
    ----------
    groups : path or URL
        The directory that `components` wrote.
    out : path or URL
        The directory for the split, a part for each part of `groups` and of the same rows. The
        columns are "image", "key" and "group" as there, and "split": "train" or "test", and null
        for an image that could not be read. Images that moved stand in its folder "_conflicts".
    test_size : float, default=0.25
        The share of the images for the test part.
    stratify : None, "parent", mapping, Series, path or URL, default=None
        The class of each image, whose images are to be shared out as `test_size` says: "parent" is
        the name of its folder; a mapping or Series has it by image; a Parquet or CSV file has it
        in the column beside "image". A group counts to the class of its least member.
    random_state : int, default=0
        Another number makes another split.

    Returns
    -------
    SplitSummary
        The sizes, and what moved.

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
        splits = np.full(len(keys), _NOWHERE, dtype=np.int8)
        splits[is_readable] = _deal(
            keys[is_readable],
            labels[is_readable],
            classes[is_readable],
            before[is_readable],
            test_size,
            random_state,
        )
        version = version_of(names)
        moved = (before != _NOWHERE) & (before != splits) & is_readable
        conflicts, first = [], 0
        for number, name in enumerate(names):
            table = grouped.read(name, ["image", "key", "group"])
            rows = slice(first, first + len(table))
            first += len(table)
            if moved[rows].any():
                conflicts.append(_tell(table, before[rows], splits[rows], moved[rows]))
            table = table.append_column("split", _spell(splits[rows]))
            stage.write(f"{version}-{number:08d}.parquet", [table], table.schema)
        told = _keep_conflicts(stage.sub(_CONFLICTS), version, conflicts)
        stage.publish(version)
        n_train, n_test = (int((splits == part).sum()) for part in (_TRAIN, _TEST))
        return SplitSummary(stage.address, n_train, n_test, told)


@busy("writing lists of the parts")
def write_lists(split: str | os.PathLike[str], out: str | os.PathLike[str]) -> None:
    """Write what each part holds to ``train.txt`` and ``test.txt``, one path or URL a line.

    Images that could not be read are in neither: they go to ``unreadable.txt``.

    Parameters
    ----------
    split : path or URL
        The directory that `assign` wrote.
    out : path or URL
        The directory for the lists; those of an earlier call are replaced.
    """
    stage, directory = Stage.open(split, KIND), PartDirectory(out)
    with ExitStack() as stack:
        files = {
            part: stack.enter_context(directory.renaming(f"{part or 'unreadable'}.txt"))
            for part in (*SPLITS, None)
        }
        for name in stage.parts():
            table = stage.read(name, ["image", "split"])
            images, parts = (table.column(column).to_pylist() for column in table.column_names)
            for image, part in zip(images, parts, strict=True):
                files[part].write(f"{image}\n".encode())


def _classes(stratify: Any) -> Any:
    """Return a function from names of images to their classes; None if there are none."""
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
                f"The image {describe_value(error.args[0])} has no class in `stratify`. "
                f"Images go by their "
                f"absolute path or URL, as in the column 'image' of the groups."
            ) from error

    return look_up


def read_classes(path: str | os.PathLike[str]) -> pd.Series[Any]:
    """Read the class of each image from a file, as `assign` takes it."""
    is_csv = os.fspath(path).lower().endswith(".csv")
    table = pd.read_csv(path) if is_csv else pd.read_parquet(path, engine="pyarrow")
    others = [column for column in table.columns if column != "image"]
    if len(others) != 1 or len(table.columns) != 2:
        raise ValueError(
            f"{os.fspath(path)} must have the column 'image' and one with the classes. It has "
            f"{list(table.columns)[:10]}."
        )
    return table.drop_duplicates("image").set_index("image")[others[0]]


def _read_groups(
    grouped: Stage, names: Sequence[str], classes_of: Any
) -> tuple[Keys, Keys, NDArray[np.intp], NDArray[np.bool_]]:
    keys, labels, classes = [np.zeros(0, np.uint64)], [np.zeros(0, np.uint64)], []
    are_readable = [np.zeros(0, bool)]
    number_of: dict[Any, int] = {}
    for name in names:
        table = grouped.read(name, ["key", "group"])
        keys.append(table.column("key").to_numpy())
        labels.append(table.column("group").to_numpy())
        are_readable.append(np.ones(len(table), dtype=bool))
        if "error" in grouped.columns(name):  # groups of earlier releases do not say
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
    """Return where an earlier call put each image."""
    before = np.full(len(keys), _NOWHERE, dtype=np.int8)
    known, splits = [np.zeros(0, np.uint64)], [np.zeros(0, np.int8)]
    for name in stage.parts():
        table = stage.read(name, ["key", "split"])
        known.append(table.column("key").to_numpy())
        split = np.array(table.column("split").to_pylist(), dtype=object)
        parts = [split == SPLITS[_TRAIN], split == SPLITS[_TEST]]
        splits.append(np.select(parts, [_TRAIN, _TEST], _NOWHERE).astype(np.int8))
    all_known, all_splits = np.concatenate(known), np.concatenate(splits)
    if not len(all_known):
        return before
    order = np.argsort(all_known)
    at = np.searchsorted(all_known, keys, sorter=order).clip(max=len(order) - 1)
    same = all_known[order[at]] == keys
    before[same] = all_splits[order[at[same]]]
    return before


def _deal(
    keys: Keys,
    labels: Keys,
    classes: NDArray[np.intp],
    before: NDArray[np.int8],
    test_size: float,
    seed: int,
) -> NDArray[np.int8]:
    """Return the part of each image."""
    groups, number = np.unique(labels, return_inverse=True)
    sizes = np.bincount(number, minlength=len(groups))
    class_of = np.zeros(len(groups), dtype=np.intp)
    is_least = keys == labels
    class_of[number[is_least]] = classes[is_least]
    split_of = np.full(len(groups), _NOWHERE, dtype=np.int8)
    for split in (_TEST, _TRAIN):  # of a group in both, the training part keeps all
        split_of[number[before == split]] = split
    n_classes = int(class_of.max(initial=-1)) + 1
    room = test_size * np.bincount(class_of, sizes, minlength=n_classes)
    tested = split_of == _TEST
    room -= np.bincount(class_of[tested], sizes[tested], minlength=n_classes)
    new = np.flatnonzero(split_of == _NOWHERE)
    # Large groups have less keys for their least, so the keys themselves are no fair order.
    new = new[np.lexsort((_mix(groups[new], seed), class_of[new]))]
    taken = np.cumsum(sizes[new])
    starts = np.flatnonzero(np.diff(class_of[new], prepend=-1))
    lengths = np.diff(starts, append=len(new))
    taken -= np.repeat(taken[starts] - sizes[new[starts]], lengths)
    split_of[new] = np.where(taken - sizes[new] / 2 <= room[class_of[new]], _TEST, _TRAIN)
    dealt: NDArray[np.int8] = split_of[number]
    return dealt


def _mix(values: Keys, seed: int) -> Keys:
    """Hash words (the finalizer of SplitMix64: Steele, Lea and Flood, 2014)."""
    mixed = values + np.uint64(seed % 2**64) * np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


def _spell(splits: NDArray[np.int8]) -> Any:
    pyarrow = arrow()
    places = pyarrow.array(splits, mask=splits == _NOWHERE)
    named = pyarrow.DictionaryArray.from_arrays(places, pyarrow.array(SPLITS))
    return named.cast(pyarrow.string())


def _tell(
    table: Any, before: NDArray[np.int8], splits: NDArray[np.int8], moved: NDArray[np.bool_]
) -> Any:
    rows = np.flatnonzero(moved)
    told = table.select(["image", "group"]).take(rows)
    told = told.append_column("was", _spell(before[rows]))
    return told.append_column("split", _spell(splits[rows]))


def _keep_conflicts(directory: PartDirectory, version: str, found: list[Any]) -> pd.DataFrame:
    columns = ["image", "was", "split", "group"]
    if not found:
        return pd.DataFrame(columns=columns)
    table = arrow().concat_tables(found).select(columns)
    directory.write(f"{version}.parquet", [table], table.schema)
    told: pd.DataFrame = table.to_pandas()
    return told
