"""The format of a directory of pairs of two data sets, and its images on either side.

The pairs connect images on the left, numbered by the parts of one directory of hashes, with images
on the right, numbered by those of another. Of equal images on one side only the first is in pairs.
The others are listed beside it, as a million copies would otherwise make a million pairs with
each copy on the other side.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...duplicates._comparison import Comparison
from ...duplicates._described_pairs import describe_near
from ...duplicates.fingerprints._computed import ComputedHashes
from ...duplicates.fingerprints._fingerprints import Fingerprints
from ...exceptions import StageError
from ...hamming._pairs import Pairs
from .._hash_stage import KIND as HASHES
from .._lineage import check_parts, list_contents
from .._part_directory import PartDirectory, arrow
from .._stage_finder import finder_of
from .._stages import Stage
from ..hashes._stored_fingerprints import read_fingerprints
from ._nodes import read_sizes
from ._pair_phases import GENERATIONS
from ._row_store import StoredRows

KIND = "pairs of two sets"
SIDES = ("left", "right")
# The columns of pairs that pixels confirmed, and their types.
DETAILS = {"agreement": "float", "relation": "string"}


class PairedSet(NamedTuple):
    """One of the two data sets.

    Parameters
    ----------
    hashed : Stage
        The directory of its hashes.
    parts : list of str
        The parts of that directory, in the order by which the pairs number the images.
    contents : list of str
        What identifies the content of these parts.
    starts : ndarray of shape (n_parts + 1,), dtype int64
        The number of the first image of each part, and the number of images.
    copies : PartDirectory
        The directory of its equal images, with the columns "first" and "copy".
    """

    hashed: Stage
    parts: list[str]
    contents: list[str]
    starts: NDArray[np.int64]
    copies: PartDirectory

    @property
    def n_images(self) -> int:
        """The number of images."""
        return int(self.starts[-1])

    def blocks_of_copies(self) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
        """Yield the first of equal images, and each further one."""
        for name in self.copies.names():
            table = self.copies.read(name, ["first", "copy"])
            first, copy = (column.to_numpy().astype(np.intp) for column in table.columns)
            yield first, copy

    def first_of(self) -> NDArray[np.uint32]:
        """Return the first of the images that are equal to each."""
        first_of = np.arange(self.n_images, dtype=np.uint32)
        for first, copy in self.blocks_of_copies():
            first_of[copy] = first
        return first_of

    def tables(self, columns: Sequence[str]) -> Iterator[tuple[int, Any]]:
        """Yield the first number and the columns of each part, as a pyarrow.Table."""
        for name, start in zip(self.parts, self.starts.tolist(), strict=False):
            yield start, self.hashed.read(name, columns)

    def read(self, rows: NDArray[np.integer], columns: Sequence[str]) -> Any:
        """Return columns of a few images, in any order, as a pyarrow.Table."""
        wanted, back = np.unique(rows, return_inverse=True)
        tables = [
            self.hashed.read(name, columns).take(arrow().array(places))
            for name, places in self._split(wanted)
        ]
        return arrow().concat_tables(tables).take(arrow().array(back))

    def read_images(self, rows: NDArray[np.integer], computed: ComputedHashes) -> StoredRows:
        """Return the fingerprints and sizes of a few images, in any order."""
        wanted, back = np.unique(rows, return_inverse=True)
        parts = [
            read_fingerprints(self.hashed, name, computed, places)
            for name, places in self._split(wanted)
        ]
        sizes = [read_sizes(self.hashed, name)[places] for name, places in self._split(wanted)]
        return StoredRows(Fingerprints.join(parts).take(back), np.concatenate(sizes)[back])

    def _split(self, rows: NDArray[np.integer]) -> Iterator[tuple[str, NDArray[np.intp]]]:
        """Yield the parts that hold images, given in ascending order, and their rows in these.

        Without images, the first part yields none.
        """
        bounds = np.searchsorted(rows, self.starts)
        for place, name in enumerate(self.parts):
            if bounds[place] < bounds[place + 1] or not (place or len(rows)):
                yield name, rows[bounds[place] : bounds[place + 1]] - self.starts[place]


class PairedSets(NamedTuple):
    """Two data sets, and the near duplicates between them.

    Parameters
    ----------
    paired : Stage
        The directory of the pairs.
    left, right : PairedSet
        The data sets.
    """

    paired: Stage
    left: PairedSet
    right: PairedSet

    @classmethod
    def open(
        cls,
        pairs: str | os.PathLike[str],
        hashes: str | os.PathLike[str],
        against: str | os.PathLike[str],
    ) -> PairedSets:
        """Open a directory of pairs that is complete, and the hashes of both sets.

        Raises
        ------
        StageError
            If a directory cannot be used, or the pairs are not complete.
        """
        paired = Stage.open(pairs, KIND)
        generations = paired.read_json(GENERATIONS) or []
        if not generations or not all(each["done"] for each in generations):
            raise StageError(
                f"The pairs of {paired.address} are not complete. Run find_pairs again."
            )
        sets = []
        for side, address in zip(SIDES, (hashes, against), strict=True):
            hashed = Stage.open(address, HASHES)
            records = [each[side] for each in generations]
            check_parts(paired, hashed, records)
            parts = [name for record in records for name in record["parts"]]
            starts = np.cumsum([0, *map(hashed.count, parts)])
            copies = paired.sub(copies_of(side))
            sets.append(PairedSet(hashed, parts, list_contents(records), starts, copies))
        return cls(paired, *sets)

    @property
    def is_confirmed(self) -> bool:
        """Whether pixels confirmed the pairs."""
        return self._comparison.min_agreement is not None

    @property
    def _comparison(self) -> Comparison:
        return finder_of(self.paired)._comparison()

    def blocks(self) -> Iterator[Pairs]:
        """Yield the pairs of first images."""
        for pairs, _ in self.tables([]):
            yield pairs

    def tables(self, columns: Sequence[str]) -> Iterator[tuple[Pairs, Any]]:
        """Yield the pairs of first images, and more columns of theirs as a pyarrow.Table."""
        for name in self.paired.names():
            table = self.paired.read(name, [*SIDES, "distance", *columns])
            left, right, distance = (table.column(place).to_numpy() for place in range(3))
            pairs = Pairs(left.astype(np.intp), right.astype(np.intp), distance.astype(np.int64))
            yield pairs, table.select(columns)

    def describe(self, pairs: Pairs) -> Any:
        """Describe a few pairs by their pixels, as a pyarrow.Table with the columns `DETAILS`."""
        finder, comparison = finder_of(self.paired), self._comparison
        places = np.arange(len(pairs.left))
        described = describe_near(
            self.left.read_images(pairs.left, comparison.computed),
            self.right.read_images(pairs.right, comparison.computed),
            Pairs(places, places, pairs.distance),
            comparison.confirmation,
            is_trimmed=finder.trim_borders,
        )
        assert described is not None
        columns = {"agreement": described.agreement, "relation": described.relation.tolist()}
        return arrow().table(columns, schema=schema_of(DETAILS))


def schema_of(columns: Mapping[str, str]) -> Any:
    """Return the columns of a pyarrow.Table by their names and types."""
    pyarrow = arrow()
    return pyarrow.schema([(name, pyarrow.type_for_alias(kind)) for name, kind in columns.items()])


def copies_of(side: str) -> str:
    """Return the name of the directory with the equal images of a side."""
    return f"_copies_{side}"
