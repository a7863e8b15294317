"""The phases in which the pairs of a generation of images are found.

Equal images are paired first. A search writes candidates for the other pairs. Where pixels or
colors have to confirm them, or views are to be named, the fingerprints of the images that occur
are copied to files, and the candidates are confirmed and described from these. Whatever is cut
into parts is cut as the record of the generation says, so that a later run continues.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from itertools import accumulate, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..duplicates._comparison import Comparison
from ..duplicates._radius_warnings import SAMPLED
from ..duplicates.fingerprints._fingerprints import Fingerprints
from ..exceptions import StageError
from ..hashing.views._windows import VIEW_SETS
from ._confirm_worker import PairColumns, confirm_part
from ._confirmation import COPIES, Candidates, confirmation_tasks
from ._join import Join, plan_join, share_codes
from ._nodes import Nodes, read_nodes
from ._pair_worker import PAIRS_PER_TABLE, join_range, lay_out, schema, table_of
from ._part_directory import PartDirectory
from ._row_store import RowStore, gather
from ._stages import Stage
from ._stored_fingerprints import read_fingerprints
from ._task_runner import TaskRunner
from ._view_search import Side, Sizes, ViewSearch, begin_search
from ._view_worker import StoredPart, lay_out_shard, search_block

GENERATIONS = "_generations.json"

_WORK = "_work"
_MAX_ROWS = 2**32 - 1
_SAMPLED_PARTS = 16
_SAME_PIXELS = "same pixels"


class PairRun:
    """Finds the pairs of a generation of images with each other and with all before.

    Parameters
    ----------
    stage : Stage
        The directory for the pairs.
    hashed : Stage
        The directory of the hashes.
    generations : list of dict
        The generations of images, each with the parts of hashes it added and the state of its
        search.
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
        hashed: Stage,
        generations: list[dict[str, Any]],
        number: int,
        comparison: Comparison,
        radius: int,
        runner: TaskRunner,
    ) -> None:
        self._stage = stage
        self._hashed = hashed
        self._generations = generations
        self._this = generations[number]
        self._comparison = comparison
        self._radius = radius
        self._runner = runner
        self._prefix = prefix_of(number)
        self._token = self._this["token"]
        self._cost = self._this["part_seconds"] * 1e9
        self._n_old = sum(each["n_rows"] for each in generations[:number])
        self._n_images = self._n_old + self._this["n_rows"]
        self._names = [name for each in generations[: number + 1] for name in each["parts"]]
        self._work = stage.sub(_WORK)
        self._columns = columns_of(comparison)
        # Where the search writes: candidates that are to be confirmed or described, or the pairs.
        is_final = not any(self._columns) and comparison.color_radius is None
        self._found: PartDirectory = stage if is_final else stage.sub(f"{_WORK}/candidates")

    def run(self) -> None:
        """Write the pairs that are missing."""
        self._prepare()
        if self._this["n_codes"] > max(1, self._this["n_old_codes"]):
            self._search()
        if self._found is not self._stage:
            self._confirm()
        names = self._stage.names(self._prefix)
        n_pairs = sum(map(self._stage.count, names))
        self._record({"done": True, "n_pairs": n_pairs, "n_parts": len(names)})
        self._work.clear()

    def _prepare(self) -> None:
        """Pair equal images, and plan the comparison of the others."""
        if self._n_images > _MAX_ROWS:
            raise StageError(f"At most {_MAX_ROWS} images can be joined. Got {self._n_images}.")
        equal, begun = f"{self._prefix}-equal.parquet", f"begun-{self._token}.json"
        is_planned = "n_codes" in self._this
        if is_planned and self._stage.has(equal) and self._work.has(begun):
            return
        nodes = read_nodes(self._hashed, self._parts, self._comparison.computed)
        self._write_copies(nodes, equal)
        n_codes, n_old = len(nodes.rows), int(np.searchsorted(nodes.rows, self._n_old))
        if not is_planned:
            self._warn_if_crowded()
        facts: dict[str, Any] = {"n_codes": n_codes, "n_old_codes": n_old}
        if n_codes > max(1, n_old):
            facts |= self._begin(nodes, n_old)
        facts["pairs_per_part"] = max(1, int(self._cost / self._comparison.confirmation.cost))
        if not is_planned:
            self._record(facts)
        self._work.write_json(begun, {})

    def _begin(self, nodes: Nodes, n_old: int) -> dict[str, Any]:
        """Write what the search reads, and return its plan."""
        if nodes.words is not None:
            share_codes(self._work, self._token, nodes.words, nodes.rows)
            return plan_join(nodes.words, n_old, self._comparison.n_bits, self._radius)
        sides = [self._side(len(nodes.rows), n_old)]
        token, radius = self._token, self._radius
        sizes = begin_search(sides, [nodes.rows], self._work, token, radius, self._cost)
        return {"sizes": list(sizes)}

    def _write_copies(self, nodes: Nodes, name: str) -> None:
        """Write the pairs of equal images that the generation added."""
        is_new = nodes.copies >= self._n_old
        is_same = np.ones(len(is_new), dtype=bool)
        if self._columns.has_pixels:
            is_same = nodes.is_same_size
        known: list[Any] = [0]
        if self._columns.has_views:
            known += [VIEW_SETS[self._comparison.views].name_view(0)] * 2
        if self._columns.has_pixels:
            known += [1.0, _SAME_PIXELS]
        left, right = (side[is_new & is_same] for side in (nodes.firsts, nodes.copies))
        tables = (
            self._columns.table(
                left[start : start + PAIRS_PER_TABLE],
                right[start : start + PAIRS_PER_TABLE],
                *(np.full(min(PAIRS_PER_TABLE, len(left) - start), value) for value in known),
            )
            for start in range(0, len(left), PAIRS_PER_TABLE)
        )
        self._stage.write(name, tables, self._columns.schema)
        others = np.flatnonzero(is_new & ~is_same)
        if len(others):
            table = table_of(
                nodes.firsts[others], nodes.copies[others], np.zeros(len(others), dtype=np.int32)
            )
            self._found.write(f"{self._prefix}-{COPIES}", [table], schema())

    def _search(self) -> None:
        """Write the candidates, or the pairs if nothing else is to be known of them."""
        run, this = self._runner.run, self._this
        if "sizes" in this:
            side = self._side(this["n_codes"], this["n_old_codes"])
            sizes = Sizes(*this["sizes"])
            search = ViewSearch([side], self._work, self._token, self._radius, sizes)
            run(lay_out_shard, search.layouts())
            run(search_block, search.tasks(self._found, self._prefix))
            return
        join = Join(self._work, self._token, self._radius, this)
        run(lay_out, join.layouts())
        if "ends" not in this:
            self._record({"ends": join.cut(self._cost)})
        run(join_range, join.tasks(self._found, self._prefix, this["ends"]))

    def _side(self, n_codes: int, n_old_codes: int) -> Side:
        """Return the images as a search over views takes them."""
        starts = list(accumulate((n_rows for _, n_rows in self._parts), initial=0))
        parts = [
            StoredPart(name, first, last)
            for name, (first, last) in zip(self._names, pairwise(starts), strict=True)
        ]
        return Side(self._hashed, parts, n_codes, n_old_codes)

    def _confirm(self) -> None:
        """Confirm and describe the candidates."""
        candidates = Candidates.of(self._found, self._prefix)
        store = RowStore(self._work.address, f"images-{self._token}", self._comparison.computed)
        rows: NDArray[Any] | None = store.rows()
        if rows is None:
            sides = (candidates.rows(side, self._n_images) for side in ("left", "right"))
            rows = np.union1d(*sides)
        if not len(rows):
            return
        gather(self._hashed, self._parts, rows, store, self._runner)
        tasks = confirmation_tasks(
            candidates,
            self._this["pairs_per_part"],
            self._stage,
            self._prefix,
            store,
            store,
            self._comparison.confirmation,
            self._columns,
        )
        self._runner.run(confirm_part, tasks)

    def _warn_if_crowded(self) -> None:
        """Warn if a large part of all pairs is within the radius, judged by some of the parts."""
        rng = np.random.default_rng(0)
        n_parts = min(_SAMPLED_PARTS, len(self._parts))
        sampled = []
        for place in rng.permutation(len(self._parts))[:n_parts]:
            name, n_rows = self._parts[place]
            rows = np.sort(rng.permutation(n_rows)[: -(-4 * SAMPLED // n_parts)])
            computed = self._comparison.computed
            sampled.append(read_fingerprints(self._hashed, name, computed, rows))
        self._comparison.warn_if_crowded(Fingerprints.join(sampled), self._radius)

    def _record(self, facts: dict[str, Any]) -> None:
        """Note facts in the record of the generation."""
        self._this |= facts
        self._stage.write_json(GENERATIONS, self._generations)

    @cached_property
    def _parts(self) -> Sequence[tuple[str, int]]:
        """The parts of hashes in the order that numbers the images, and their images."""
        return [(name, self._hashed.count(name)) for name in self._names]


def prefix_of(number: int) -> str:
    """Return what the names of the parts of a generation begin with."""
    return f"pairs-{number:04d}"


def columns_of(comparison: Comparison) -> PairColumns:
    """Return what the parts hold of each pair."""
    has_views = comparison.views not in ("identity", "segments")
    return PairColumns(has_views, comparison.min_agreement is not None)
