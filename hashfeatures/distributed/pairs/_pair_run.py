"""The pairs of a generation of images with each other and with all before."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...duplicates._comparison import Comparison
from .._stages import Stage
from .._task_runner import TaskRunner
from ._confirmation import Candidates
from ._join import Join, plan_join, share_codes
from ._nodes import Nodes, read_nodes
from ._pair_phases import HashedImages, PairPhases
from ._row_store import RowStore
from ._view_search import begin_search


class PairRun(PairPhases):
    """Finds the pairs of a generation of images with each other and with all before.

    Parameters
    ----------
    stage, generations, number, comparison, radius, runner
        As for `PairPhases`. Each generation has the parts of hashes that it added.
    hashed : Stage
        The directory of the hashes.
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
        self._all = HashedImages(hashed, generations[: number + 1])
        super().__init__(stage, [self._all], generations, number, comparison, radius, runner)

    def _prepare(self) -> None:
        equal, begun = f"{self._prefix}-equal.parquet", f"begun-{self._token}.json"
        is_planned = "n_codes" in self._this
        if is_planned and self._stage.has(equal) and self._work.has(begun):
            return
        images = self._all
        nodes = read_nodes(images.hashed, images.parts, self._comparison.computed)
        is_new = nodes.copies >= images.n_old
        self._write_equal(
            equal, nodes.firsts[is_new], nodes.copies[is_new], nodes.is_same_size[is_new]
        )
        n_codes, n_old = len(nodes.rows), int(np.searchsorted(nodes.rows, images.n_old))
        if not is_planned:
            self._warn_if_crowded()
        facts: dict[str, Any] = {"n_codes": n_codes, "n_old_codes": n_old}
        if n_codes > max(1, n_old):
            facts |= self._begin(nodes, n_old)
        facts["pairs_per_part"] = self._pairs_per_part()
        if not is_planned:
            self._record(facts)
        self._work.write_json(begun, {})

    def _begin(self, nodes: Nodes, n_old: int) -> dict[str, Any]:
        """Write what the search reads, and return its plan."""
        if nodes.words is not None:
            share_codes(self._work, self._token, nodes.words, nodes.rows)
            return plan_join(nodes.words, n_old, self._comparison.n_bits, self._radius)
        sides = [self._all.as_side(len(nodes.rows), n_old)]
        token, radius = self._token, self._radius
        sizes = begin_search(sides, [nodes.rows], self._work, token, radius, self._cost)
        return {"sizes": list(sizes)}

    def _search(self) -> None:
        this = self._this
        if this["n_codes"] <= max(1, this["n_old_codes"]):
            return
        if "sizes" in this:
            self._search_views([self._all.as_side(this["n_codes"], this["n_old_codes"])])
        else:
            join = Join(self._work, self._token, self._radius, this)
            self._run_join(join, this, self._prefix)

    def _store(self, candidates: Candidates) -> tuple[RowStore, RowStore] | None:
        store = self._gather(self._all, "images", candidates, ("left", "right"))
        return None if store is None else (store, store)
