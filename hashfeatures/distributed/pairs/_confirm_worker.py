"""Parts of near pairs: candidates that workers confirm by pixels and colors, and describe."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...duplicates._described_pairs import describe_near
from ...duplicates.fingerprints._confirmation import Confirmation
from ...duplicates.fingerprints._views import ViewPairs
from ...hamming._pairs import Pairs
from .._part_directory import PartDirectory, arrow
from ._pair_worker import schema
from ._row_store import RowStore, StoredRows

# Candidates that are in memory at a time.
_BLOCK = 1 << 15


class PairColumns(NamedTuple):
    """What the parts hold of each pair, beside its images and their distance.

    Parameters
    ----------
    has_views : bool
        Whether they name the views in which two images are near.
    has_pixels : bool
        Whether they tell how well the pixels agree, and what became of one of them.
    """

    has_views: bool
    has_pixels: bool

    @property
    def schema(self) -> Any:
        """The columns."""
        pyarrow = arrow()
        fields = list(schema())
        if self.has_views:
            fields += [
                pyarrow.field(f"{side}_view", pyarrow.string()) for side in ("left", "right")
            ]
        if self.has_pixels:
            fields.append(pyarrow.field("agreement", pyarrow.float32()))
            fields.append(pyarrow.field("relation", pyarrow.string()))
        return pyarrow.schema(fields)

    def table(self, *columns: NDArray[Any]) -> Any:
        """Return columns as a pyarrow.Table."""
        pyarrow = arrow()
        shape = self.schema
        arrays = [
            pyarrow.array(column, type=field.type)
            for column, field in zip(columns, shape, strict=True)
        ]
        return pyarrow.table(arrays, schema=shape)


class Stretch(NamedTuple):
    """A range of the candidates in a part; copies need no confirmation."""

    part: str
    first: int
    last: int
    are_copies: bool


@dataclass(frozen=True)
class ConfirmTask:
    """A part of near pairs, and the candidates that it is made from.

    Parameters
    ----------
    out, name : str
        The part.
    candidates : str
        The directory of the candidates.
    stretches : tuple of Stretch
        The candidates.
    left, right : RowStore
        The images on the left and on the right.
    confirmation : Confirmation
        What the images of a pair must share.
    columns : PairColumns
        What to write of each pair.
    """

    out: str
    name: str
    candidates: str
    stretches: tuple[Stretch, ...]
    left: RowStore
    right: RowStore
    confirmation: Confirmation
    columns: PairColumns


def confirm_part(task: ConfirmTask) -> None:
    """Write the pairs among some candidates that are confirmed."""
    PartDirectory(task.out).write(task.name, _tables(task), task.columns.schema)


def _tables(task: ConfirmTask) -> Iterator[Any]:
    directory = PartDirectory(task.candidates)
    for stretch in task.stretches:
        for first in range(stretch.first, stretch.last, _BLOCK):
            last = min(first + _BLOCK, stretch.last)
            table = directory.read_rows(stretch.part, first, last)
            left, right, distance = (
                table.column(name).to_numpy().astype(np.int64)
                for name in ("left", "right", "distance")
            )
            yield _confirm(task, Pairs(left, right, distance), stretch.are_copies)


def _confirm(task: ConfirmTask, candidates: Pairs, are_copies: bool) -> Any:
    left_rows, images = _read(task.left, candidates.left)
    right_rows, others = _read(task.right, candidates.right)
    near = Pairs(
        np.searchsorted(left_rows, candidates.left),
        np.searchsorted(right_rows, candidates.right),
        candidates.distance,
    )
    if not are_copies:
        near = near.take(task.confirmation.test(images.fingerprints, others.fingerprints, near))
        if task.left != task.right:  # equal images of two sets are paired already
            near = near.take(_differ(images, others, near))
    columns: list[NDArray[Any]] = [left_rows[near.left], right_rows[near.right], near.distance]
    if task.columns.has_views:
        named = images.fingerprints.name_views(others.fingerprints, near)
        assert isinstance(named, ViewPairs)
        columns += [named.left_view, named.right_view]
    if task.columns.has_pixels:
        described = describe_near(images, others, near, task.confirmation)
        assert described is not None
        columns += [described.agreement, described.relation]
    return task.columns.table(*columns)


def _differ(images: StoredRows, others: StoredRows, pairs: Pairs) -> NDArray[np.bool_]:
    """Return which pairs have different fingerprints."""
    ours, theirs = images.fingerprints.keys(), others.fingerprints.keys()
    differ: NDArray[np.bool_] = (ours[pairs.left] != theirs[pairs.right]).any(axis=1)
    return differ


def _read(store: RowStore, rows: NDArray[np.intp]) -> tuple[NDArray[np.intp], StoredRows]:
    unique = np.unique(rows)
    return unique, store.read(unique)
