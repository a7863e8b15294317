"""The exact search over views or segments, in parts of even work by shard and block of queries.

The codes of images are cut into shards, in files that the workers map into memory. A part of the
search looks up a block of the images of one shard in the index of another, and a worker holds
one such index at a time. Where codes are not symmetric, each two images are looked up both ways.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...duplicates.fingerprints._base import Codes
from ...duplicates.fingerprints._from_hashes import codes_of
from ...hamming._costs import scan_cost
from ...hamming._distances import MAX_PAIRS, Shares, sample_distances
from ...hamming._plan import choose_query_bands, plan_queries, query_bands
from .._part_directory import PartDirectory
from .._shared_arrays import share_arrays
from .._stages import Stage
from ._view_worker import Meeting, ShardLayout, StoredPart, ViewTask, read_codes

# What a shard holds at most. A worker takes some 300 bytes for each code of an index, and twice
# the bytes of all codes of a shard while it writes them.
_MOST_CODES = 1 << 20
_MOST_BYTES = 1 << 28
# Parts, and images of each, whose codes are read to predict how long a search takes.
_SAMPLED_PARTS = 8
_SAMPLED_IMAGES = 256


class Side(NamedTuple):
    """The images of one directory of hashes that are compared.

    Parameters
    ----------
    hashed : Stage
        The directory.
    parts : sequence of StoredPart
        Its parts, in the order in which their images are numbered.
    n_images : int
        How many of the images are compared.
    n_old : int
        How many of these, from the first on, have been compared before.
    """

    hashed: Stage
    parts: Sequence[StoredPart]
    n_images: int
    n_old: int


class Sizes(NamedTuple):
    """How many images a search takes at a time.

    Parameters
    ----------
    shard : int
        The images of a shard, at most.
    old, new : int
        The images of a block that is looked up in a shard of old images, or of new ones. New
        images may be few, and are looked through sooner.
    """

    shard: int
    old: int
    new: int


class _Shard(NamedTuple):
    """A range of the images of a side, all of which are new or none."""

    side: int
    first: int
    last: int
    is_new: bool


def begin_search(
    sides: Sequence[Side],
    rows: Sequence[NDArray[np.integer]],
    work: PartDirectory,
    token: str,
    radius: int,
    nanoseconds: float,
) -> Sizes:
    """Write which images are compared, and decide how the search is cut.

    Parameters
    ----------
    sides : sequence of Side
        One or two sides.
    rows : sequence of ndarray of shape (n_images,), dtype int
        The numbers of the images of each side, ascending.
    work, token, radius
        As for `ViewSearch`.
    nanoseconds : float
        The predicted time that a part of the search takes at most, on one processor.

    Returns
    -------
    Sizes
        The sizes with which the search has to be continued.
    """
    samples: list[Codes] = []
    for number, (side, some) in enumerate(zip(sides, rows, strict=True)):
        share_arrays(work, _name_rows(token, number), {"rows": some.astype(np.uint32)})
        samples += _sample(side, some)
    if not samples:
        return Sizes(1, 1, 1)
    sample = type(samples[0]).join(samples)
    n_old = max(side.n_old for side in sides)
    n_new = max(side.n_images - side.n_old for side in sides)
    return _choose_sizes(sample, n_old, n_new, radius, nanoseconds)


class ViewSearch:
    """The search for the near pairs of images by their views or segments.

    Images of one side are compared with each other, and images of two sides with those of the
    other side. In both cases, one image of a pair at least is new.

    Parameters
    ----------
    sides : sequence of Side
        One or two sides. With two, the left images of pairs are of the first one.
    work : PartDirectory
        The directory of the shards.
    token : str
        Part of the names of their files, so that no name ever stands for other images.
    radius : int
        The greatest distance of a pair, in bits.
    sizes : Sizes
        What `begin_search` returned.
    """

    def __init__(
        self,
        sides: Sequence[Side],
        work: PartDirectory,
        token: str,
        radius: int,
        sizes: Sizes,
    ) -> None:
        self._sides = sides
        self._work = work
        self._token = token
        self._radius = radius
        self._sizes = sizes
        self._views: str = sides[0].hashed.settings["views"]
        no_words = np.zeros((0, 1, 1), dtype=np.uint64)
        self._is_symmetric = codes_of(no_words, self._views).is_symmetric
        self._shards = [
            shard
            for number, side in enumerate(sides)
            for shard in _cut_shards(number, side, sizes.shard)
        ]

    def layouts(self) -> Iterator[ShardLayout]:
        """Yield the shards that are still to be written, by `lay_out_shard`."""
        for shard in self._shards:
            name = self._name(shard)
            if not self._work.has(name):
                yield ShardLayout(
                    self._sides[shard.side].hashed.address,
                    tuple(self._sides[shard.side].parts),
                    self._work.address,
                    _name_rows(self._token, shard.side),
                    shard.first,
                    shard.last,
                    name,
                )

    def tasks(self, out: PartDirectory, prefix: str) -> Iterator[ViewTask]:
        """Yield the parts that are still to be written to a directory, by `search_block`.

        Parts of one shard follow each other. Their names begin with `prefix`.
        """
        done = set(out.names(prefix))
        for rank, shard in enumerate(self._shards):
            for other, queries in enumerate(self._shards):
                meeting = self._meet(queries, shard)
                if meeting is None:
                    continue
                n_queries = queries.last - queries.first
                size = self._sizes.new if shard.is_new else self._sizes.old
                for block, first in enumerate(range(0, n_queries, size)):
                    name = f"{prefix}-{rank:05d}-{other:05d}-{block:06d}.parquet"
                    if name not in done:
                        yield ViewTask(
                            out.address,
                            name,
                            self._work.address,
                            self._name(queries),
                            self._name(shard),
                            first,
                            min(first + size, n_queries),
                            self._views,
                            self._radius,
                            meeting,
                        )

    def _meet(self, queries: _Shard, shard: _Shard) -> Meeting | None:
        """Return what to keep of the search of one shard for another, if it finds anything new."""
        if not (queries.is_new or shard.is_new):
            return None
        if len(self._sides) > 1:
            if queries.side == shard.side:
                return None
            meeting = Meeting("all", "left") if queries.side == 0 else Meeting("rest", "right")
        elif queries.is_new and shard.is_new:
            if self._is_symmetric and queries.first > shard.first:
                return None  # no number of these queries is the lower one
            meeting = Meeting("lower", "by number")
        else:
            meeting = Meeting("all" if queries.is_new else "rest", "by number")
        # Symmetric searches find all pairs from one of the images: there is no rest.
        return None if self._is_symmetric and meeting.keeps == "rest" else meeting

    def _name(self, shard: _Shard) -> str:
        return f"codes-{self._token}-{shard.side}-{shard.first:012d}.store"


def _cut_shards(number: int, side: Side, size: int) -> Iterator[_Shard]:
    """Cut the old images of a side into shards, and the new ones."""
    for start, end, is_new in ((0, side.n_old, False), (side.n_old, side.n_images, True)):
        for first in range(start, end, size):
            yield _Shard(number, first, min(first + size, end), is_new)


def _name_rows(token: str, side: int) -> str:
    return f"rows-{token}-{side}.store"


def _sample(side: Side, rows: NDArray[np.integer]) -> Iterator[Codes]:
    """Yield the codes of random images, from parts all over a side."""
    rng = np.random.default_rng(0)
    for part in side.parts[:: -(-len(side.parts) // _SAMPLED_PARTS)]:
        start, end = np.searchsorted(rows, [part.first, part.last])
        n_sampled = min(_SAMPLED_IMAGES, end - start)
        if n_sampled:
            some = start + np.sort(rng.permutation(end - start)[:n_sampled])
            yield read_codes(side.hashed, part, rows[some])


def _choose_sizes(sample: Codes, n_old: int, n_new: int, radius: int, nanoseconds: float) -> Sizes:
    """Choose the sizes of shards and of blocks of queries."""
    n_sampled = len(sample.words)
    indexed = sample.index_codes()
    per_image = len(indexed) / n_sampled
    n_asked = len(sample.query_codes()) / n_sampled
    size = max(1, int(min(_MOST_CODES / per_image, _MOST_BYTES / sample.words[0].nbytes)))
    distances = sample_distances(indexed, sample.n_bits, MAX_PAIRS)

    def count_queries(n_images: int) -> int:
        n_codes = max(1, int(min(size, n_images) * per_image))
        cost = n_asked * _query_cost(distances, n_codes, min(radius, sample.n_bits))
        return max(1, int(min(size, nanoseconds / cost)))

    return Sizes(size, count_queries(n_old), count_queries(n_new))


def _query_cost(distances: Shares, n_codes: int, radius: int) -> float:
    """Return the predicted nanoseconds of looking up one code among so many."""
    n_bits = len(distances) - 1
    bands = query_bands(n_codes, n_bits, choose_query_bands(distances, n_codes, radius))
    return min(
        plan_queries(distances, bands, n_codes, radius).cost,
        scan_cost(n_codes, n_bits // 64, float(distances[: radius + 1].sum())),
    )
