"""The phases in which the pairs of a generation of images are found.

Equal images are paired first. A search writes candidates for the other pairs. Where pixels or
colors have to confirm them, or views are to be named, the fingerprints of the images that occur
are copied to files, and the candidates are confirmed and described from these. Whatever is cut
into parts is cut as the record of the generation says, so that a later run continues.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import accumulate, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...duplicates._comparison import Comparison
from ...duplicates._described_pairs import SAME_PIXELS
from ...duplicates._radius_warnings import SAMPLED
from ...duplicates.fingerprints._fingerprints import Fingerprints
from ...exceptions import StageError
from ...hashing.views._windows import VIEW_SETS
from .._part_directory import PartDirectory
from .._shared_arrays import forget_arrays
from .._stages import Stage
from .._task_runner import TaskRunner
from ..hashes._stored_fingerprints import read_fingerprints
from ._confirm_worker import PairColumns, confirm_part
from ._confirmation import COPIES, Candidates, confirmation_tasks
from ._join import Join
from ._pair_worker import PAIRS_PER_TABLE, join_range, lay_out, schema, table_of
from ._row_store import RowStore, gather
from ._view_search import Side, Sizes, ViewSearch
from ._view_worker import StoredPart, lay_out_shard, search_block

GENERATIONS = "_generations.json"

_WORK = "_work"
_MAX_ROWS = 2**32 - 1
_SAMPLED_PARTS = 16


class HashedImages:
    """The images of a directory of hashes up to a generation, in the order that numbers them.

    Parameters
    ----------
    hashed : Stage
        The directory.
    added : sequence of dict
        The parts that each generation added, and the number of their images.
    """

    def __init__(self, hashed: Stage, added: Sequence[dict[str, Any]]) -> None:
        self.hashed = hashed
        self._names = [name for each in added for name in each["parts"]]
        self.n_old: int = sum(each["n_rows"] for each in added[:-1])
        self.n_images: int = self.n_old + added[-1]["n_rows"]
        if self.n_images > _MAX_ROWS:
            raise StageError(f"At most {_MAX_ROWS} images can be joined. Got {self.n_images}.")

    @cached_property
    def parts(self) -> Sequence[tuple[str, int]]:
        """The parts, and the number of images in each."""
        return [(name, self.hashed.count(name)) for name in self._names]

    def as_side(self, n_codes: int, n_old_codes: int) -> Side:
        """Return the images as a search over views takes them."""
        starts = list(accumulate((n_rows for _, n_rows in self.parts), initial=0))
        parts = [
            StoredPart(name, first, last)
            for name, (first, last) in zip(self._names, pairwise(starts), strict=True)
        ]
        return Side(self.hashed, parts, n_codes, n_old_codes)


class PairPhases(ABC):
    """Finds the pairs that a generation of images adds.

    Parameters
    ----------
    stage : Stage
        The directory for the pairs.
    images : sequence of HashedImages
        The images that are compared with each other, or two sets whose images are compared with
        those of the other.
    generations : list of dict
        The generations of images, each with the state of its search.
    number : int
        The generation, whose record is updated.
    comparison : Comparison
        How images are compared.
    radius : int
        The largest distance of a pair, in bits.
    runner : TaskRunner
        It runs the tasks.
    """

    def __init__(
        self,
        stage: Stage,
        images: Sequence[HashedImages],
        generations: list[dict[str, Any]],
        number: int,
        comparison: Comparison,
        radius: int,
        runner: TaskRunner,
    ) -> None:
        self._stage = stage
        self._images = images
        self._generations = generations
        self._this = generations[number]
        self._comparison = comparison
        self._radius = radius
        self._runner = runner
        self._number = number
        self._prefix = prefix_of(number)
        self._token: str = self._this["token"]
        self._cost = self._this["part_seconds"] * 1e9
        self._work = stage.sub(_WORK)
        self._columns = columns_of(comparison)
        # Where the search writes: candidates that are to be confirmed or described, or the pairs.
        is_final = self._is_search_final()
        self._found: PartDirectory = stage if is_final else stage.sub(f"{_WORK}/candidates")

    def run(self) -> None:
        """Write the pairs that are missing."""
        self._prepare()
        self._search()
        if self._found is not self._stage:
            self._confirm()
        names = self._stage.names(self._prefix)
        n_pairs = sum(map(self._stage.count, names))
        self._record({"done": True, "n_pairs": n_pairs, "n_parts": len(names)})
        forget_arrays()
        self._work.clear()

    @abstractmethod
    def _prepare(self) -> None:
        """Pair equal images, and plan the comparison of the others."""

    @abstractmethod
    def _search(self) -> None:
        """Write the candidates, or the pairs if nothing else is to be known of them."""

    @abstractmethod
    def _store(self, candidates: Candidates) -> tuple[RowStore, RowStore] | None:
        """Copy the images on the left and on the right of candidates; None if there are none."""

    def _is_search_final(self) -> bool:
        """Return whether what the search finds needs no confirmation and no description."""
        return not any(self._columns) and self._comparison.color_radius is None

    def _write_equal(
        self,
        name: str,
        left: NDArray[np.intp],
        right: NDArray[np.intp],
        is_same_size: NDArray[np.bool_],
    ) -> None:
        """Write pairs of equal images. Those of different sizes are described with the others."""
        is_same = is_same_size if self._columns.has_pixels else np.ones(len(left), dtype=bool)
        known: list[Any] = [0]
        if self._columns.has_views:
            known += [VIEW_SETS[self._comparison.views].name_view(0)] * 2
        if self._columns.has_pixels:
            known += [1.0, SAME_PIXELS]
        first, second = left[is_same], right[is_same]
        tables = (
            self._columns.table(
                first[start : start + PAIRS_PER_TABLE],
                second[start : start + PAIRS_PER_TABLE],
                *(np.full(min(PAIRS_PER_TABLE, len(first) - start), value) for value in known),
            )
            for start in range(0, len(first), PAIRS_PER_TABLE)
        )
        self._stage.write(name, tables, self._columns.schema)
        others = np.flatnonzero(~is_same)
        if len(others):
            distance = np.zeros(len(others), dtype=np.int32)
            table = table_of(left[others], right[others], distance)
            self._found.write(f"{self._prefix}-{COPIES}", [table], schema())

    def _search_views(self, sides: Sequence[Side]) -> None:
        """Search images over views or segments."""
        sizes = Sizes(*self._this["sizes"])
        search = ViewSearch(sides, self._work, self._token, self._radius, sizes)
        self._runner.run(lay_out_shard, search.layouts())
        self._runner.run(search_block, search.tasks(self._found, self._prefix))

    def _run_join(self, join: Join, plan: dict[str, Any], prefix: str) -> None:
        """Search images as they are. The ends of the ranges are noted in the plan."""
        self._runner.run(lay_out, join.layouts())
        if "ends" not in plan:
            plan["ends"] = join.cut(self._cost)
            self._record({})
        self._runner.run(join_range, join.tasks(self._found, prefix, plan["ends"]))

    def _confirm(self) -> None:
        """Confirm and describe the candidates."""
        candidates = Candidates.of(self._found, self._prefix)
        stores = self._store(candidates)
        if stores is None:
            return
        tasks = confirmation_tasks(
            candidates,
            self._this["pairs_per_part"],
            self._stage,
            self._prefix,
            *stores,
            self._comparison.confirmation,
            self._columns,
        )
        self._runner.run(confirm_part, tasks)

    def _gather(
        self, images: HashedImages, name: str, candidates: Candidates, sides: Sequence[str]
    ) -> RowStore | None:
        """Copy the images on some sides of candidates to a store; None if there are none."""
        store = RowStore(self._work.address, f"{name}-{self._token}", self._comparison.computed)
        rows: NDArray[Any] | None = store.rows()
        if rows is None:
            found = [candidates.rows(side, images.n_images) for side in sides]
            rows = np.unique(np.concatenate(found))
        if not len(rows):
            return None
        gather(images.hashed, images.parts, rows, store, self._runner)
        return store

    def _pairs_per_part(self) -> int:
        """Return how many candidates a part of the confirmation takes."""
        return max(1, int(self._cost / self._comparison.confirmation.cost))

    def _warn_if_crowded(self) -> None:
        """Warn if a large part of all pairs is within the radius, judged by some of the parts."""
        sampled = [each for images in self._images for each in self._sample(images)]
        self._comparison.warn_if_crowded(Fingerprints.join(sampled), self._radius)

    def _sample(self, images: HashedImages) -> Iterator[Fingerprints]:
        rng = np.random.default_rng(0)
        n_parts = min(_SAMPLED_PARTS, len(images.parts))
        for place in rng.permutation(len(images.parts))[:n_parts]:
            name, n_rows = images.parts[place]
            rows = np.sort(rng.permutation(n_rows)[: -(-4 * SAMPLED // n_parts)])
            yield read_fingerprints(images.hashed, name, self._comparison.computed, rows)

    def _record(self, facts: dict[str, Any]) -> None:
        """Note facts in the record of the generation."""
        self._this |= facts
        self._stage.write_json(GENERATIONS, self._generations)


def prefix_of(number: int) -> str:
    """Return what the names of the parts of a generation begin with."""
    return f"pairs-{number:04d}"


def columns_of(comparison: Comparison) -> PairColumns:
    """Return what the parts hold of each pair."""
    has_views = comparison.views not in ("identity", "segments")
    return PairColumns(has_views, comparison.min_agreement is not None)
