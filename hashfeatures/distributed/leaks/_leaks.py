"""The stage `find_leaks`: which images of two data sets have near duplicates in the other one."""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..._utils.progress import busy
from ...hamming._pairs import Pairs
from ...model_selection._part_counts import PartCounts
from ...model_selection.leakage._leak_counts import LeakCounts
from .._part_directory import arrow
from .._stages import Stage, version_of
from ..pairs._paired_sets import DETAILS, PairedSet, PairedSets, schema_of
from ._leaks_summary import PARTS, LeaksSummary
from ._nearest_details import NearestDetails
from ._nearest_other import NearestOther
from ._spilled_tables import SpilledTables

KIND = "leaks"


@busy("listing leaks")
def find_leaks(
    pairs: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    hashes: str | os.PathLike[str],
    against: str | os.PathLike[str],
) -> LeaksSummary:
    """List which images of two data sets have a near duplicate in the other one.

    The numbers are those of ``leakage_report(train, test)``, where `train` are the images of
    `hashes` and `test` those of `against`. Memory grows with the number of images, and not with
    that of pairs.

    Read more in the :doc:`User Guide </user-guide/large-collections>`.

    Parameters
    ----------
    pairs : path-like or URL
        The directory that ``find_pairs(hashes, against=...)`` wrote.
    out : path-like or URL
        The directory for the leaks, with one part of the same rows for each part of `hashes`, and
        then for each of `against`. The columns are "image", "key" and "error" as there, "part"
        ("train" or "test"), "leaks", "nearest" (the nearest image in the other set; the first one
        if several are as near) and "distance" in bits. If pixels confirmed the pairs, "agreement"
        and "relation" follow. The relation is what was done to the image in "train". If there are
        new pairs, all parts are written again.
    hashes, against : path-like or URL
        The directories that `hash_dataset` wrote.

    Returns
    -------
    LeaksSummary
        The share of leaking images, the number of pairs, and the nearest pairs.

    Raises
    ------
    StageError
        If a directory cannot be used, or the pairs are not complete.

    See Also
    --------
    hashfeatures.leakage_report : Finds the same on one machine, without directories.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from skimage import data
    >>> from hashfeatures.distributed import LocalExecutor, find_leaks, find_pairs, hash_dataset
    >>> folder, here = data.__path__[0], LocalExecutor(1)
    >>> with TemporaryDirectory() as run:
    ...     train = hash_dataset([f"{folder}/camera.png"], f"{run}/train", executor=here).out
    ...     test = hash_dataset(
    ...         [f"{folder}/camera.png", f"{folder}/coins.png"], f"{run}/test", executor=here
    ...     ).out
    ...     pairs = find_pairs(train, f"{run}/pairs", against=test, executor=here).out
    ...     leaks = find_leaks(pairs, f"{run}/leaks", hashes=train, against=test)
    >>> print(leaks)
    1 of 2 images in test (50.0%) have a near duplicate in train. In all, 1 pair is in
    different parts (images: train 1, test 2).
    """
    sets = PairedSets.open(pairs, hashes, against)
    settings = sets.paired.settings
    with Stage.create(out, KIND, settings, sets.paired.notes) as stage, ExitStack() as files:
        left, right = NearestOther(sets.left), NearestOther(sets.right)
        n_pairs = 0
        for block in sets.blocks():
            left.add(block)
            right.add(Pairs(block.right, block.left, block.distance))
            n_pairs += int((left.n_equal[block.left] * right.n_equal[block.right]).sum())
        details = None
        if sets.is_confirmed:
            file = files.enter_context(SpilledTables(schema_of(DETAILS)))
            details = NearestDetails(sets, (left, right), file)
        version = version_of([*sets.left.contents, "against", *sets.right.contents])
        present = set(stage.names(version))
        unreadable: list[int] = []
        n_written = 0
        for side, (images, nearest, others) in enumerate(
            ((sets.left, left, sets.right), (sets.right, right, sets.left))
        ):
            file = files.enter_context(SpilledTables(schema_of({"nearest": "string"})))
            names = _Names.copy(others, nearest.others(), file)
            unreadable.append(0)
            for start, table in images.tables(["image", "key", "error"]):
                unreadable[side] += table.num_rows - table.column("error").null_count
                name = f"{version}-{n_written:08d}.parquet"
                n_written += 1
                if name not in present:
                    written = _describe(table, start, side, nearest, names, details)
                    stage.write(name, [written], written.schema)
        stage.publish(version)
        sizes = [sets.left.n_images, sets.right.n_images]
        n_left, n_right = left.count_leaking(), right.count_leaking()
        counts = LeakCounts(
            PartCounts(list(PARTS), sizes, unreadable, [0, 0]),
            n_pairs,
            n_right,
            np.array([[0, n_left], [n_right, 0]]),
        )
        return LeaksSummary(stage.address, counts, sets)


class _Names(NamedTuple):
    """The names of some images, in a file.

    Parameters
    ----------
    rows : ndarray of shape (n_images,), dtype uint32
        The numbers of the images, ascending.
    file : SpilledTables
        Their names, in the same order.
    """

    rows: NDArray[np.uint32]
    file: SpilledTables

    @classmethod
    def copy(cls, images: PairedSet, rows: NDArray[np.uint32], file: SpilledTables) -> _Names:
        """Copy the names of images from the parts of hashes to a file."""
        for start, table in images.tables(["image"]) if len(rows) else ():
            first, last = np.searchsorted(rows, [start, start + len(table)])
            here = table.take(arrow().array(rows[first:last].astype(np.int64) - start))
            file.append(here.rename_columns(["nearest"]))
        return cls(rows, file)


def _describe(
    table: Any,
    start: int,
    side: int,
    nearest: NearestOther,
    names: _Names,
    details: NearestDetails | None,
) -> Any:
    """Add what is known of their nearest images to the images of a part."""
    pyarrow = arrow()
    rows = np.arange(start, start + len(table))
    exists, other, distance = nearest.of(rows)
    places = np.searchsorted(names.rows, other.astype(np.uint32))
    table = table.append_column("part", pyarrow.repeat(PARTS[side], len(table)))
    table = table.append_column("leaks", pyarrow.array(exists))
    table = table.append_column("nearest", names.file.take(places, exists).column("nearest"))
    table = table.append_column("distance", pyarrow.array(distance, mask=~exists))
    if details is not None:
        found = details.take(side, rows)
        for name in DETAILS:
            table = table.append_column(name, found.column(name))
    return table
