"""Parts of the search over views: blocks of images, which workers look up in a shard of others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...duplicates.fingerprints._base import CodeIndex, Codes, Near
from ...duplicates.fingerprints._from_hashes import codes_of
from .._hash_stage import KIND, HashPlan
from .._part_directory import PartDirectory
from .._shared_arrays import map_arrays, share_arrays
from .._stages import Stage
from ..hashes._stored_fingerprints import read_fingerprints
from ._pair_worker import schema, table_of


class StoredPart(NamedTuple):
    """A part of hashes, the number of its first image, and that behind its last."""

    name: str
    first: int
    last: int


class Meeting(NamedTuple):
    """What a search of one shard for another keeps.

    Parameters
    ----------
    keeps : {"all", "lower", "rest"}
        Which pairs to keep of those that a search from the other image finds too: all, those
        whose query has the lower number, or none.
    side : {"left", "right", "by number"}
        Where the queries are in the pairs. "by number" puts the lower number on the left.
    """

    keeps: Literal["all", "lower", "rest"]
    side: Literal["left", "right", "by number"]


@dataclass(frozen=True)
class ShardLayout:
    """A shard to write: the codes of some images, which come from some parts of hashes.

    `first` and `last` are the range of the images among those that `rows` lists.
    """

    hashed: str
    parts: tuple[StoredPart, ...]
    work: str
    rows: str
    first: int
    last: int
    name: str


@dataclass(frozen=True)
class ViewTask:
    """A part of the search: a range of the images of one shard, to be looked up in another.

    Parameters
    ----------
    out, name : str
        Where the pairs are written.
    work, queries, shard : str
        The directory of the shards, that of the queries, and that they are looked up in.
    first, last : int
        The range of the queries.
    views : str
        The name of the views, or "segments".
    radius : int
        The greatest distance of a pair, in bits.
    meeting : Meeting
        What is kept.
    """

    out: str
    name: str
    work: str
    queries: str
    shard: str
    first: int
    last: int
    views: str
    radius: int
    meeting: Meeting


def lay_out_shard(layout: ShardLayout) -> None:
    """Write the codes of the images of a shard."""
    rows = map_arrays(layout.work, layout.rows)["rows"][layout.first : layout.last]
    stage = Stage.open(layout.hashed, KIND)
    codes = [
        read_codes(stage, part, rows)
        for part in layout.parts
        if part.last > rows[0] and part.first <= rows[-1]
    ]
    arrays = {"words": type(codes[0]).join(codes).words, "rows": rows}
    share_arrays(PartDirectory(layout.work), layout.name, arrays)


def read_codes(stage: Stage, part: StoredPart, rows: NDArray[Any]) -> Codes:
    """Read the codes of those of some images, numbered in ascending order, that are in a part."""
    computed = HashPlan.of_settings(stage.settings).computed
    computed = replace(computed, has_colors=False, has_thumbnails=False)
    start, end = np.searchsorted(rows, [part.first, part.last])
    inside = rows[start:end].astype(np.intp) - part.first
    codes = read_fingerprints(stage, part.name, computed, inside).views
    assert codes is not None
    return codes


def search_block(task: ViewTask) -> int:
    """Write the pairs of a block of queries with the images of a shard; return their number."""
    index = _index_of(task.work, task.shard, task.views)
    shard_rows = map_arrays(task.work, task.shard)["rows"]
    arrays = map_arrays(task.work, task.queries)
    block = slice(task.first, task.last)
    queries, rows = codes_of(arrays["words"][block], task.views), arrays["rows"][block]
    n_pairs = 0

    def tables() -> Iterator[Any]:
        nonlocal n_pairs
        for near in index.look_up(queries, task.radius):
            found = _keep(task, near, rows, shard_rows)
            n_pairs += len(found[0])
            if len(found[0]):
                yield table_of(*found)

    PartDirectory(task.out).write(task.name, tables(), schema())
    return n_pairs


def _keep(
    task: ViewTask, near: Near, rows: NDArray[Any], shard_rows: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Return the numbers of the pairs to write, left and right, and their distances."""
    is_first: NDArray[np.bool_] | bool = task.meeting.keeps == "all"
    if task.meeting.keeps == "lower":
        is_first = rows[near.pairs.left] < shard_rows[near.pairs.right]
    found = near.once(is_first)
    asked, others = rows[found.left], shard_rows[found.right]
    if task.meeting.side == "by number":
        return np.minimum(asked, others), np.maximum(asked, others), found.distance
    left, right = (asked, others) if task.meeting.side == "left" else (others, asked)
    return left, right, found.distance


@lru_cache(maxsize=1)
def _index_of(work: str, shard: str, views: str) -> CodeIndex[Any]:
    """Return the index of a shard, of which a worker holds one at a time."""
    return codes_of(map_arrays(work, shard)["words"], views).index()
