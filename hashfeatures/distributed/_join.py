"""The exact join of hashes, in parts of even work by band and by range of buckets.

The codes of images are ordered by the bits of each band, in files that the workers map into
memory. A part of the join compares a range of such a file with all of it. The sizes of the buckets
it meets determine how long the range may be, so that a very large bucket is cut into many parts.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._utils.progress import progress_bar
from ..duplicates._radius_warnings import warn_if_codes_are_crowded
from ..exceptions import EngineError, StageError
from ..hamming._bands import Band
from ..hamming._costs import build_cost, scan_cost
from ..hamming._distances import MAX_PAIRS, sample_distances
from ..hamming._plan import Plan, choose_query_bands, plan_queries, plan_self_join, query_bands
from ..hamming._unique_codes import UniqueCodes
from ._executors import Executor
from ._hash_stage import HashPlan
from ._packed_hashes import MAX_ROWS, read_packed_hashes
from ._pair_worker import (
    PAIRS_PER_TABLE,
    BandLayout,
    BandRange,
    cut_band,
    join_range,
    lay_out,
    schema,
    table_of,
)
from ._shared_arrays import map_arrays, share_arrays
from ._stages import Stage

GENERATIONS = "_generations.json"

_WORK = "_work"


class Join:
    """The join of the last generation of images with itself and with all before.

    Parameters
    ----------
    stage : Stage
        The directory for the pairs.
    hashed : Stage
        The directory of the hashes.
    generations : list of dict
        The generations of images, each with the parts of hashes it added and the state of its
        join. The join updates the last one.
    radius : int
        The largest distance of a pair, in bits.
    """

    def __init__(
        self,
        stage: Stage,
        hashed: Stage,
        generations: list[dict[str, Any]],
        radius: int,
    ) -> None:
        self._stage = stage
        self._hashed = hashed
        self._generations = generations
        self._this = generations[-1]
        self._radius = radius
        self._cost = self._this["part_seconds"] * 1e9
        self._work = stage.sub(_WORK)
        self._prefix = f"pairs-{len(generations) - 1:04d}"
        self._n_old = sum(each["n_rows"] for each in generations[:-1])

    def run(self, workers: Executor, retries: int, progress: bool) -> None:
        """Write the pairs that are missing."""
        token = self._this["token"]
        codes = f"codes-{token}.store"
        if "bands" not in self._this:
            self._collect(codes)
        layouts = [
            BandLayout(
                self._work.address,
                f"band-{rank:02d}-{token}.store",
                codes,
                tuple(positions),
                self._this["n_old_codes"],
            )
            for rank, positions in enumerate(self._this["bands"])
        ]
        done = set(self._stage.names(self._prefix))
        with progress_bar(progress, unit="part") as bar:
            waiting = [each for each in layouts if not self._work.has(each.name)]
            self._run(workers, lay_out, waiting, retries, bar)
            ranges = (
                part
                for rank, layout in enumerate(layouts)
                for part in self._cut(rank, layout)
                if part.name not in done
            )
            self._run(workers, join_range, ranges, retries, bar)
        n_pairs = sum(map(self._stage.count, self._stage.names(self._prefix)))
        self._this |= {"done": True, "n_pairs": n_pairs}
        self._stage.write_json(GENERATIONS, self._generations)
        self._work.clear()

    def _run(self, workers: Executor, function: Any, tasks: Any, retries: int, bar: Any) -> None:
        for outcome in workers.run(function, iter(tasks), retries):
            if outcome.lost is not None:
                raise EngineError(
                    f"{outcome.task.name} of {self._stage.address} cannot be made: "
                    f"{outcome.lost}. There may be too little memory for so many workers. Run "
                    f"find_pairs again with fewer workers. It keeps the finished parts."
                )
            bar.update()

    def _collect(self, codes: str) -> None:
        """Pair equal images, and plan the comparison of the others."""
        n_rows = self._n_old + self._this["n_rows"]
        if n_rows > MAX_ROWS:
            raise StageError(f"At most {MAX_ROWS} images can be joined. Got {n_rows}.")
        names = [name for each in self._generations for name in each["parts"]]
        specs = HashPlan.of_settings(self._hashed.settings).computed.hashes
        n_bits = sum(spec.n_bits for spec in specs)
        hashes = read_packed_hashes(self._hashed, names, n_rows, specs)
        present = np.flatnonzero(hashes.comparable)
        all_present = len(present) == n_rows
        copies = UniqueCodes(hashes.words if all_present else hashes.words[present], present)
        warn_if_codes_are_crowded(copies.codes, self._radius, n_bits)
        firsts = present[copies.firsts]
        is_copy = np.ones(len(present), dtype=bool)
        is_copy[copies.firsts] = False
        again = np.flatnonzero(is_copy)
        left, right = hashes.equal_pixels()
        self._write_equal(
            np.concatenate([firsts[copies.numbers[again]], left]),
            np.concatenate([present[again], right]),
        )
        n_old_codes = int(np.searchsorted(firsts, self._n_old))
        share_arrays(self._work, codes, {"codes": copies.codes, "rows": firsts.astype(np.uint32)})
        plan = _plan(copies.codes, n_old_codes, n_bits, self._radius)
        self._this |= {
            "bands": [band.positions.tolist() for band in plan.bands] or [[]],
            "limits": [int(limit) for limit in plan.limits] or [0],
            "n_old_codes": n_old_codes,
            "n_words": copies.codes.shape[1],
        }
        self._stage.write_json(GENERATIONS, self._generations)

    def _write_equal(self, left: NDArray[np.intp], right: NDArray[np.intp]) -> None:
        """Write the pairs of equal images that the last generation added."""
        new = (left != right) & (right >= self._n_old)
        left, right = left[new], right[new]
        columns: list[NDArray[Any]] = [left, right, np.zeros(len(left), dtype=np.int32)]
        tables = (
            table_of(*(column[start : start + PAIRS_PER_TABLE] for column in columns))
            for start in range(0, len(left), PAIRS_PER_TABLE)
        )
        self._stage.write(f"{self._prefix}-equal.parquet", tables, schema())

    def _cut(self, rank: int, layout: BandLayout) -> Iterator[BandRange]:
        """Yield ranges of even work in the codes of a band."""
        width, n_flips = len(layout.positions), self._this["limits"][rank]
        n_words = self._this["n_words"]
        bands = [Band(np.array(p, dtype=np.int64), n_words) for p in self._this["bands"][:rank]]
        masks = tuple(tuple(int(word) for word in band.mask) for band in bands)
        arrays = map_arrays(layout.work, layout.name)
        ranges = cut_band(arrays, width, n_flips, self._cost)
        for number, (first, last) in enumerate(ranges):
            yield BandRange(
                self._stage.address,
                f"{self._prefix}-{rank:02d}-{number:07d}.parquet",
                layout.work,
                layout.name,
                first,
                last,
                width,
                n_flips,
                self._radius,
                layout.n_old == 0,
                masks,
                tuple(self._this["limits"][:rank]),
            )


def _plan(codes: NDArray[np.uint64], n_old: int, n_bits: int, radius: int) -> Plan:
    """Plan the join of all codes, or of those from `n_old` on with all."""
    n_codes, n_words = codes.shape
    if not n_old:
        return plan_self_join(codes, n_bits, radius)
    n_new = n_codes - n_old
    distances = sample_distances(codes, n_bits, MAX_PAIRS)
    bands = query_bands(n_codes, n_bits, choose_query_bands(distances, n_codes, radius))
    plan = plan_queries(distances, bands, n_codes, radius)
    cost = n_new * plan.cost + build_cost(n_codes, plan.bands)
    scan = Plan((), (), scan_cost(float(n_new) * n_codes, n_words))
    return plan if cost < scan.cost else scan
