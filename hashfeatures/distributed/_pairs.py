"""The exact join of codes, cut into parts of even work by band and by range of buckets.

The codes are laid out in the order of each band's bits, in files that the workers map into memory;
a part of the join is a stretch of such a file against all of it. How long a stretch may be is
counted from the sizes of the buckets that it meets, so that an oversized bucket is cut into many.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._utils.display import facts_as_html
from .._utils.progress import progress_bar
from .._utils.validation import check_bool, check_int, check_positive, check_radius
from ..duplicates._radius_warnings import warn_of_crowded_codes, warn_of_strangers
from ..exceptions import EngineError, StageError
from ..hamming._bands import Band
from ..hamming._copies import Copies
from ..hamming._plan import (
    Plan,
    build_cost,
    candidate_cost,
    choose_query_bands,
    measure_shares,
    plan_queries,
    plan_self_join,
    query_bands,
)
from ..hashing._default_radius import default_radius
from ._executors import Executor, as_executor
from ._hash_worker import KIND as HASHES
from ._hash_worker import LISTING, Place, check_worker, read_settings
from ._pair_worker import (
    HELD_PAIRS,
    Layout,
    Stretch,
    cut_band,
    join_stretch,
    lay_out,
    schema,
    table_of,
)
from ._rows import MOST_ROWS, Rows, read_rows
from ._shared_arrays import share, shared
from ._stages import Stage, arrow

KIND = "pairs"
GENERATIONS = "_generations.json"

_WORK = "_work"


class PairsSummary(NamedTuple):
    """What a call of `find_pairs` did.

    Parameters
    ----------
    out : str
        The stage directory.
    n_images : int
        How many images are compared with each other now.
    n_new : int
        How many of them were compared by this call.
    n_pairs : int
        How many pairs the directory holds.
    """

    out: str
    n_images: int
    n_new: int
    n_pairs: int

    def _repr_html_(self) -> str:
        return facts_as_html(type(self).__name__, self._asdict())


def find_pairs(
    hashes: str | os.PathLike[str],
    out: str | os.PathLike[str],
    radius: int | None = None,
    *,
    part_seconds: float = 5.0,
    retries: int = 2,
    executor: Any = None,
    progress: bool = False,
) -> PairsSummary:
    """Find every two near images of a directory of hashes.

    The search is exact. A second call goes on where the first one stopped; images that were hashed
    since are compared with each other and with those before, and these are not compared again.

    Parameters
    ----------
    hashes : path or URL
        The directory that `hash_dataset` wrote.
    out : path or URL
        The directory for the pairs. Its parts have the columns "left" and "right" (the numbers of
        images: in the order of the parts of `hashes` that the file "_generations.json" tells,
        ``left < right``) and "distance", in bits. Of images with equal hashes only the first is
        compared, and the others are paired with it: a million copies are a million pairs, and
        join the same groups as all. Images of little detail are paired if their pixels are equal.
    radius : int, default=None
        The greatest Hamming distance, in bits over all hashes. None: the default of the hashes,
        as in `NearDuplicateFinder`; 12 for "phash" and "dhash".
    part_seconds : float, default=5.0
        The work of a part, in predicted seconds of one core: what a run that is killed may have to
        do again, for each worker. What is left of a killed run is cut as that run did.
    retries : int, default=2
        How often a part is joined again whose worker died.
    executor, progress
        As in `hash_dataset`.

    Returns
    -------
    PairsSummary
        What was done.

    Raises
    ------
    StageError
        If a directory cannot be used, or the hashes are not finished.
    EngineError
        If the workers are of no use, or a part died with each of them.

    Notes
    -----
    Memory: one process holds the codes of all images while it collapses equal ones, and each
    worker maps one band, of which the operating system keeps in memory what there is room for. At
    20 million images of 128 bits, two workers and that process took 110 bytes an image together.
    """
    check_int("find_pairs", "retries", retries, 0)
    check_positive("find_pairs", "part_seconds", part_seconds)
    check_bool("find_pairs", "progress", progress)
    arrow()
    hashed = Stage.open(hashes, HASHES)
    names = _finished_parts(hashed)
    specs = read_settings(hashed.settings)[0]
    default = default_radius(specs)
    if radius is None:
        radius = default.bits
        warn_of_strangers(specs, default, sum(map(hashed.count, names)))
    check_radius("find_pairs", radius, sum(spec.n_bits for spec in specs))
    with Stage.create(out, KIND, {"radius": int(radius), "hashes": hashed.settings}) as stage:
        workers = as_executor(executor)
        workers.check(check_worker, Place(hashed.address))
        generations = stage.read_json(GENERATIONS) or []
        _check_lineage(stage, hashed, generations, names)
        before = sum(each["n_rows"] for each in generations if each["done"])
        while True:
            if not generations or generations[-1]["done"]:
                seen = {name for each in generations for name in each["parts"]}
                new = [name for name in names if name not in seen]
                if not new:
                    break
                n_rows = sum(map(hashed.count, new))
                generations.append({"parts": new, "n_rows": n_rows, "done": False})
                generations[-1] |= {"token": secrets.token_hex(4), "part_seconds": part_seconds}
                stage.write_json(GENERATIONS, generations)
            join = _Join(stage, hashed, generations, int(radius))
            join.run(workers, retries, progress)
        n_images = sum(each["n_rows"] for each in generations)
        n_pairs = sum(each["n_pairs"] for each in generations)
        return PairsSummary(stage.address, n_images, n_images - before, n_pairs)


def row_order(stage: Stage) -> list[str]:
    """Return the parts of hashes in the order in which a finished join numbers their images."""
    generations = stage.read_json(GENERATIONS) or []
    if not generations or not generations[-1]["done"]:
        raise StageError(
            f"The pairs of {stage.address} are not all found yet: run find_pairs again."
        )
    return [name for each in generations for name in each["parts"]]


def _finished_parts(hashed: Stage) -> list[str]:
    names = hashed.names()
    left = set(hashed.sub(LISTING).names()) - set(names)
    if left or not names:
        raise StageError(
            f"{hashed.address} is not finished: {len(left)} of {len(left) + len(names)} parts are "
            f"still to be hashed. Run hash_dataset again; what is there is not hashed twice."
        )
    return names


def _check_lineage(
    stage: Stage, hashed: Stage, generations: list[dict[str, Any]], names: list[str]
) -> None:
    missing = {name for each in generations for name in each["parts"]} - set(names)
    if missing:
        raise StageError(
            f"{stage.address} holds the pairs of other hashes than {hashed.address}: that has no "
            f"part {min(missing)}. Name another directory."
        )


class _Join:
    """The last generation of images against themselves and all before."""

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
        """Write the pairs that are not there yet."""
        token = self._this["token"]
        codes = f"codes-{token}.store"
        if "bands" not in self._this:
            self._collect(codes)
        layouts = [
            Layout(
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
            stretches = (
                stretch
                for rank, layout in enumerate(layouts)
                for stretch in self._cut(rank, layout)
                if stretch.name not in done
            )
            self._run(workers, join_stretch, stretches, retries, bar)
        n_pairs = sum(map(self._stage.count, self._stage.names(self._prefix)))
        self._this |= {"done": True, "n_pairs": n_pairs}
        self._stage.write_json(GENERATIONS, self._generations)
        self._work.clear()

    def _run(self, workers: Executor, function: Any, tasks: Any, retries: int, bar: Any) -> None:
        for outcome in workers.run(function, iter(tasks), retries):
            if outcome.lost is not None:
                raise EngineError(
                    f"{outcome.task.name} of {self._stage.address} cannot be made: "
                    f"{outcome.lost}. Is there enough memory for so many workers? What is "
                    f"finished stays: run find_pairs again, with fewer."
                )
            bar.update()

    def _collect(self, codes: str) -> None:
        """Pair the images that are equal, and plan how the others are compared."""
        n_rows = self._n_old + self._this["n_rows"]
        if n_rows > MOST_ROWS:
            raise StageError(f"{n_rows} images are more than the {MOST_ROWS} that can be joined.")
        names = [name for each in self._generations for name in each["parts"]]
        specs = read_settings(self._hashed.settings)[0]
        n_bits = sum(spec.n_bits for spec in specs)
        rows = read_rows(self._hashed, names, n_rows, specs)
        present = np.flatnonzero(rows.hashed)
        whole = len(present) == n_rows
        copies = Copies(rows.words if whole else rows.words[present], present)
        warn_of_crowded_codes(copies.codes, self._radius, n_bits)
        firsts = present[copies.firsts]
        is_copy = np.ones(len(present), dtype=bool)
        is_copy[copies.firsts] = False
        again = np.flatnonzero(is_copy)
        left, right = _equal_pixels(rows)
        self._write_equal(
            np.concatenate([firsts[copies.numbers[again]], left]),
            np.concatenate([present[again], right]),
        )
        n_old_codes = int(np.searchsorted(firsts, self._n_old))
        share(self._work, codes, {"codes": copies.codes, "rows": firsts.astype(np.uint32)})
        plan = _plan(copies.codes, n_old_codes, n_bits, self._radius)
        self._this |= {
            "bands": [band.positions.tolist() for band in plan.bands] or [[]],
            "limits": [int(limit) for limit in plan.limits] or [0],
            "n_old_codes": n_old_codes,
            "n_words": copies.codes.shape[1],
        }
        self._stage.write_json(GENERATIONS, self._generations)

    def _write_equal(self, left: NDArray[np.intp], right: NDArray[np.intp]) -> None:
        new = (left != right) & (right >= self._n_old)
        left, right = left[new], right[new]
        none = np.zeros(len(left), dtype=np.int32)
        tables = (
            table_of(
                left[start:][:HELD_PAIRS], right[start:][:HELD_PAIRS], none[start:][:HELD_PAIRS]
            )
            for start in range(0, len(left), HELD_PAIRS)
        )
        self._stage.write(f"{self._prefix}-equal.parquet", tables, schema())

    def _cut(self, rank: int, layout: Layout) -> Iterator[Stretch]:
        """Cut the codes of a band into stretches of even work."""
        width, n_flips = len(layout.positions), self._this["limits"][rank]
        n_words = self._this["n_words"]
        bands = [Band(np.array(p, dtype=np.int64), n_words) for p in self._this["bands"][:rank]]
        masks = tuple(tuple(int(word) for word in band.mask) for band in bands)
        arrays = shared(layout.work, layout.name)
        stretches = cut_band(arrays, width, n_flips, self._cost)
        for number, (first, last) in enumerate(stretches):
            yield Stretch(
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
    radius = min(radius, n_bits)
    n_codes, n_words = codes.shape
    if not n_old:
        return plan_self_join(codes, n_bits, radius)
    n_new = n_codes - n_old
    scan = Plan((), (), float(n_new) * n_codes * candidate_cost(n_words))
    bands = query_bands(n_codes, n_bits, choose_query_bands(n_codes, n_bits, radius))
    plan = plan_queries(measure_shares(codes, bands, n_bits), bands, n_codes, n_new, radius)
    return plan if plan.cost + build_cost(n_codes, plan.bands) < scan.cost else scan


def _equal_pixels(rows: Rows) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Pair each plain image with the first of the same pixels."""
    first_of: dict[bytes, int] = {}
    left = [
        first_of.setdefault(digest, row)
        for row, digest in zip(rows.plain.tolist(), rows.digests, strict=True)
    ]
    return np.array(left, dtype=np.intp), rows.plain
