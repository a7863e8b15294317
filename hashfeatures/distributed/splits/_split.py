"""The stage `assign`: a split of groups that stays the same when images are added."""

from __future__ import annotations

import os
from contextlib import ExitStack
from hashlib import blake2b
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..._utils.display import facts_as_html, facts_as_text
from ..._utils.progress import busy
from ..._utils.validation import refuse
from ...duplicates._components import Labels
from ...duplicates._labels import merge_labels, relabel
from ...exceptions import StageError
from ...model_selection._groups import SEQUENCES, are_sequences, finds_groups, read_groups
from ...model_selection.allocation._strata import Strata, find_strata
from ...model_selection.locks._earlier_parts import EarlierParts
from ...model_selection.locks._request import SplitRequest
from .._part_directory import PartDirectory, arrow
from .._stages import Stage, version_of
from ..groups._groups import KIND as GROUPS
from ..sources._table_listing import is_table
from ._image_table import ImageTable
from ._image_values import ValueReader
from ._stage_lock import StageLock
from ._stage_rows import StageRows, match_keys, name_codes

KIND = "splits"

_CALLER = "assign"
_CONFLICTS = "_conflicts"
_REQUEST = "_request.json"
_PARENT = "parent"

Codes = NDArray[np.int8]


class SplitSummary(NamedTuple):
    """The results of a call of `assign`.

    Read more in the :doc:`User Guide </user-guide/large-collections>`.

    Attributes
    ----------
    out : str
        The stage directory.
    sizes : dict of str to int
        The number of images in each part. Images that could not be read are in none.
    n_new : int
        The number of images that had no part before.
    conflicts : pandas.DataFrame
        The images that moved from one part to another since an earlier call: "image", "was",
        "split" and "group".
    n_train : int
    n_test : int

    See Also
    --------
    assign : Returns it.

    Examples
    --------
    >>> import pandas as pd
    >>> from hashfeatures.distributed import SplitSummary
    >>> summary = SplitSummary("run/split", {"train": 80, "test": 20}, 100, pd.DataFrame())
    >>> summary.n_train, summary.n_test
    (80, 20)
    """

    out: str
    sizes: dict[str, int]
    n_new: int
    conflicts: pd.DataFrame

    @property
    def n_train(self) -> int:
        """The number of images in the training part."""
        return self.sizes["train"]

    @property
    def n_test(self) -> int:
        """The number of images in the test part."""
        return self.sizes["test"]

    def __repr__(self) -> str:
        return facts_as_text(type(self).__name__, self._facts())

    def _repr_html_(self) -> str:
        return facts_as_html(type(self).__name__, self._facts())

    def _facts(self) -> dict[str, Any]:
        sizes = {f"n_{name}": size for name, size in self.sizes.items()}
        return {"out": self.out, **sizes, "n_new": self.n_new, "conflicts": len(self.conflicts)}


@busy("assigning groups to parts")
def assign(
    components: str | os.PathLike[str],
    out: str | os.PathLike[str],
    test_size: float | int | None = None,
    stratify: Any = None,
    *,
    validation_size: float | int | None = None,
    train_size: float | int | None = None,
    groups: Any = None,
    table: Any = None,
    column: str | None = None,
    priority: Any = "train",
    random_state: int | None = None,
    lock: str | os.PathLike[str] | None = None,
    hashes: str | os.PathLike[str] | None = None,
    root: str | os.PathLike[str] | None = None,
) -> SplitSummary:
    """Assign groups of near duplicates to the parts of a split.

    The parts are those of `assign_split` for the same images in the same order. No group is in two
    parts. A second call with more images keeps the part of each image, and a new image joins the
    part of its near duplicates. Where new images connect two parts, the group goes as a whole to
    the part that `priority` names. The summary lists the images that moved.

    Read more in the :doc:`User Guide </user-guide/large-collections>`.

    Parameters
    ----------
    components : path-like or URL
        The directory that `components` wrote.
    out : path-like or URL
        The directory for the split, with one part of the same rows for each part of `components`.
        The columns are "image", "key" and "group" as there, and "split": "train", "validation",
        "test" or "unused", or null for an image that could not be read. The folder "_conflicts" in
        it lists images that moved.
    test_size : float or int, default=None
        The share of images, or their number, in the test part. If no size is given, the sizes are
        those of the lock or of the earlier call, or 0.25 for the test part.
    stratify : str, mapping, Series, DataFrame, array-like, path or URL, default=None
        The class of each image, of which all parts get the same proportions, as in
        `assign_split`. A string is the name of a column of `table`. "parent" takes the name of the
        image's folder. See the Notes for other values. Without a `table`, a path or URL names a
        file with the column "image" and one of classes.
    validation_size : float or int, default=None
        The share of images, or their number, in the validation part.
    train_size : float or int, default=None
        The share of images, or their number, in the training part. If None, the training part
        gets the rest. If the sizes leave a rest, these images are in the part "unused".
    groups : str, mapping, Series, array-like or estimator, default=None
        Images that must stay together for other reasons, such as those of a patient. They are
        merged with the groups of near duplicates. A string is the name of a column of `table`.
        "sequences" or a `SequenceFinder` finds sequences by the names of images. Where names are
        not enough, it opens the images, unless the finder is ``SequenceFinder(by="name")``.
    table : DataFrame, other table, Collection, path or URL, default=None
        A row for each image, in any order, with columns that `stratify` and `groups` name. A path
        or URL names a Parquet or CSV file.
    column : str, default=None
        The column of `table` with the images, named as in `components` or by relative paths.
        None takes "image", "path", "url", "file" or "filename".
    priority : str or sequence of str, default="train"
        The part that keeps a group that new images connect, as in `repair_split`.
    random_state : int, default=None
        Controls the random choices. None takes the number of the lock or of the earlier call, or
        0.
    lock : path-like, default=None
        The file of the lock, which is created if it does not exist, as in `assign_split`, which
        can continue it. The lock comes before an earlier split in `out`.
    hashes : path-like or URL, default=None
        The directory that `hash_dataset` wrote. Only a lock needs it, which records hashes.
    root : path-like, default=None
        The folder that the names in the lock are relative to, as in `assign_split`.

    Returns
    -------
    SplitSummary
        The sizes of the parts, and the images that moved.

    Raises
    ------
    StageError
        If a directory cannot be used.
    StoreError
        If the lock cannot be used, or is that of other images.
    ParameterError
        If the lock was made with a finder of other settings, or a parameter is wrong.
    ValueError
        If an image has no class or group, if the sizes are impossible, if no image could be read,
        or if there are fewer groups than parts.

    Warns
    -----
    SplitSizeWarning
        If whole groups keep a part from its size, or a class from its share.

    See Also
    --------
    assign_split : The same for images in memory.

    Notes
    -----
    A mapping has values by image, and so has a Series or DataFrame whose index holds images. Other
    arrays have one value for each image, in the order of `read_stage` of `components`. An image
    that could not be read needs no value.

    Names of images are read only if a lock, `groups` or `stratify` needs them.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> import pandas as pd
    >>> from skimage import data
    >>> from hashfeatures.distributed import (
    ...     LocalExecutor, assign, components, find_pairs, hash_dataset
    ... )
    >>> folder = Path(data.__file__).parent
    >>> names = [str(folder / f"{name}.png") for name in ("camera", "coins", "page", "text")]
    >>> table = pd.DataFrame({"image": names, "shelf": ["a", "a", "b", "c"]})
    >>> here = LocalExecutor(1)
    >>> with TemporaryDirectory() as run:
    ...     hashed = hash_dataset(names, f"{run}/hashes", executor=here)
    ...     paired = find_pairs(hashed.out, f"{run}/pairs", executor=here)
    ...     grouped = components(
    ...         paired.out, f"{run}/groups", hashes=hashed.out, executor=here
    ...     )
    ...     assigned = assign(grouped.out, f"{run}/split", 2, groups="shelf", table=table)
    >>> assigned.sizes
    {'train': 2, 'test': 2}
    """
    arrow()
    rows = StageRows(Stage.open(components, GROUPS))
    record = None if lock is None else _open_lock(lock, hashes, root)
    held = None if record is None else record.content
    given = {"train": train_size, "validation": validation_size, "test": test_size}
    with Stage.create(out, KIND, {"groups": rows.stage.settings}) as stage:
        earlier = stage.read_json(_REQUEST) or {"sizes": {}, "seed": 0, "parts": []}
        request = SplitRequest.of(
            _CALLER,
            given,
            random_state,
            priority,
            earlier if held is None else held.settings,
            earlier["parts"] if held is None else held.parts,
            is_recorded=True,
        )
        request.count_images(len(rows))  # before anything is read
        readable = np.flatnonzero(rows.is_readable)
        sizes = request.count_images(len(readable))
        if isinstance(stratify, os.PathLike):
            stratify = os.fspath(stratify)
        if isinstance(stratify, str) and table is None and is_table(stratify):
            stratify = read_classes(stratify)
        wanted = [each for each in (stratify, groups) if isinstance(each, str)]
        known = None if table is None else ImageTable.read(_CALLER, table, column, wanted)
        values = ValueReader(_CALLER, rows, known)
        by_sequence = are_sequences(groups, []) and not values.has(groups)
        labels = _group(rows, groups, values)
        strata = _stratify(rows, stratify, values, readable)
        locked = None if record is None else record.find(_CALLER, request.names, rows, labels)
        before = np.full(len(rows), -1, dtype=np.int8)
        if locked is None or held is None:
            before = _read_before(stage, rows, request.names)
            own = labels if len(readable) == len(rows) else relabel(labels[readable])
            parts = EarlierParts(request.names, own, before[readable], len(readable))
            del own
        else:
            parts = locked.parts
            before[readable] = parts.before[: len(readable)]
        del labels
        assigned = parts.assign(strata, sizes, request.priority, request.generator(), by_sequence)
        splits = before.copy()  # an image that cannot be read any more keeps its part
        splits[readable] = assigned[: len(readable)]
        if locked is not None and held is not None:
            splits = locked.part_of_rows(assigned).astype(np.int8)
        version = version_of([*rows.parts, blake2b(splits.tobytes()).hexdigest()])
        conflicts = _write(stage, version, rows, request.names, before, splits)
        if record is not None and locked is not None:
            record.save(locked, request, assigned)
        noted = {"sizes": request.sizes, "seed": request.seed, "parts": request.names}
        stage.write_json(_REQUEST, noted)
        stage.publish(version)
        counts = np.bincount(splits + 1, minlength=len(request.names) + 1)[1:]
        return SplitSummary(
            stage.address,
            dict(zip(request.names, counts.tolist(), strict=True)),
            int((before[readable] < 0).sum()),
            conflicts,
        )


@busy("writing lists of the parts")
def write_lists(split: str | os.PathLike[str], out: str | os.PathLike[str]) -> None:
    """Write the images of each part to ``train.txt``, ``test.txt``..., one path or URL a line.

    Images that could not be read go to ``unreadable.txt``.

    Parameters
    ----------
    split : path-like or URL
        The directory that `assign` wrote.
    out : path-like or URL
        The directory for the lists. Lists of an earlier call are replaced.
    """
    stage, directory = Stage.open(split, KIND), PartDirectory(out)
    names = (stage.read_json(_REQUEST) or {"parts": []})["parts"]
    with ExitStack() as stack:
        files = {
            part: stack.enter_context(directory.renaming(f"{part or 'unreadable'}.txt"))
            for part in (*names, None)
        }
        for name in stage.parts():
            table = stage.read(name, ["image", "split"])
            images, parts = (table.column(column).to_pylist() for column in table.column_names)
            for image, part in zip(images, parts, strict=True):
                files[part].write(f"{image}\n".encode())


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
    return table.set_index("image")[others[0]]


def _open_lock(lock: Any, hashes: Any, root: Any) -> StageLock:
    if hashes is None:
        expected = "the directory of hashes, because a lock records the hashes of images"
        raise refuse(_CALLER, "hashes", expected, hashes)
    return StageLock(lock, hashes, root)


def _group(rows: StageRows, groups: Any, values: ValueReader) -> Labels:
    """Return the group of each image: of near duplicates, merged with those of the user."""
    labels = rows.read_groups()
    if groups is None:
        return labels
    is_column = values.has(groups)
    if not is_column and (
        finds_groups(groups) or (isinstance(groups, str) and groups == SEQUENCES)
    ):
        own = relabel(read_groups(_CALLER, groups, rows.read_names()))
    else:
        own = values.read("groups", groups, rows.is_readable).number()
    return merge_labels(labels, own)


def _stratify(
    rows: StageRows, stratify: Any, values: ValueReader, readable: Labels
) -> Strata | None:
    """Return the strata of the images that could be read."""
    if stratify is None:
        return None
    if isinstance(stratify, str) and stratify == _PARENT and not values.has(stratify):
        classes = rows.read_folders()[readable]
    else:
        classes = values.read("stratify", stratify, rows.is_readable).take(readable)
    return find_strata(classes, len(readable))


def _read_before(stage: Stage, rows: StageRows, names: list[str]) -> Codes:
    """Return the part that an earlier call assigned each image to; -1 for a new one."""
    before = np.full(len(rows), -1, dtype=np.int8)
    keys, codes = [], []
    for part in stage.parts():
        table = stage.read(part, ["key", "split"])
        split = name_codes(table.column("split"), names)
        keys.append(table.column("key").to_numpy()[split >= 0])
        codes.append(split[split >= 0])
    if not any(map(len, keys)):
        return before
    known = np.concatenate(codes)
    places = match_keys(np.concatenate(keys), rows.keys)
    before[places >= 0] = known[places[places >= 0]]
    if (before < 0).all():
        raise StageError(
            f"{stage.address} holds the split of other images: none of its {len(known)} images is "
            f"among these {len(rows)}. Name another directory."
        )
    return before


def _write(
    stage: Stage, version: str, rows: StageRows, names: list[str], before: Codes, splits: Codes
) -> pd.DataFrame:
    """Write the parts of a version, and the list of images that moved, which is returned."""
    moved = (before >= 0) & (before != splits)
    conflicts = []
    for number, (part, inside) in enumerate(rows.slices()):
        table = rows.stage.read(part, ["image", "key", "group"])
        if moved[inside].any():
            listed = table.select(["image", "group"])
            listed = listed.append_column("was", _name_parts(before[inside], names))
            listed = listed.append_column("split", _name_parts(splits[inside], names))
            conflicts.append(listed.take(np.flatnonzero(moved[inside])))
        table = table.append_column("split", _name_parts(splits[inside], names))
        stage.write(f"{version}-{number:08d}.parquet", [table], table.schema)
    columns = ["image", "was", "split", "group"]
    if not conflicts:
        return pd.DataFrame(columns=columns)
    joined = arrow().concat_tables(conflicts).select(columns)
    stage.sub(_CONFLICTS).write(f"{version}.parquet", [joined], joined.schema)
    listing: pd.DataFrame = joined.to_pandas()
    return listing


def _name_parts(codes: Codes, names: list[str]) -> Any:
    pyarrow = arrow()
    places = pyarrow.array(codes, mask=codes < 0)
    named = pyarrow.DictionaryArray.from_arrays(places, pyarrow.array(names))
    return named.cast(pyarrow.string())
