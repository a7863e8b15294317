"""The exact join of codes, cut into parts of even work by band and by range of buckets.

The codes are laid out in the order of each band's bits, in files that the workers map into memory;
a part of the join is a stretch of such a file against all of it. How long a stretch may be is
counted from the sizes of the buckets that it meets, so that an oversized bucket is cut into many.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from tqdm.auto import tqdm

from ..exceptions import EngineError, StageError
from ..hamming.bands import Band, Buckets, flips, kernels
from ..hamming.copies import Copies
from ..hamming.plan import (
    Plan,
    build_cost,
    candidate_cost,
    measure_shares,
    plan_queries,
    plan_self_join,
    query_bands,
)
from ..parameters import check_bool, check_int, check_positive
from .executors import Executor, as_executor
from .hashing import KIND as HASHES
from .hashing import LISTING, Place, check_worker, read_settings
from .rows import MOST_ROWS, Rows, count_rows, read_rows
from .shared_files import share, shared
from .stages import PartDirectory, Stage, arrow

KIND = "pairs"
GENERATIONS = "_generations.json"

_WORK = "_work"
_HELD_PAIRS = 1 << 18  # pairs that are written at a time
_PER_PROBE = 2.5  # nanoseconds


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


def find_pairs(
    hashes: str | os.PathLike[str],
    out: str | os.PathLike[str],
    radius: int = 12,
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
    radius : int, default=12
        The greatest Hamming distance, in bits over all hashes.
    part_seconds : float, default=5.0
        The work of a part, in predicted seconds of one core: what a run that is killed may have to
        do again, for each worker.
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
    Memory: one process holds the codes of all images while it collapses equal ones (about 60 bytes
    an image with 128 bits), and each worker maps one band (24 bytes an image), of which the
    operating system keeps in memory what there is room for.
    """
    check_int("find_pairs", "radius", radius, 0)
    check_int("find_pairs", "retries", retries, 0)
    check_positive("find_pairs", "part_seconds", part_seconds)
    check_bool("find_pairs", "progress", progress)
    arrow()
    hashed = Stage.open(hashes, HASHES)
    names = _finished_parts(hashed)
    stage = Stage.create(out, KIND, {"radius": int(radius), "hashes": hashed.settings})
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
            n_rows = count_rows(hashed, new)
            generations.append({"parts": new, "n_rows": n_rows, "done": False})
            generations[-1]["token"] = secrets.token_hex(4)
            stage.write_json(GENERATIONS, generations)
        join = _Join(stage, hashed, generations, int(radius), part_seconds)
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


class _Layout(NamedTuple):
    """A band to be laid out in a file."""

    work: str
    name: str
    codes: str
    positions: tuple[int, ...]
    n_old: int


@dataclass(frozen=True)
class _Stretch:
    """A part of the join: some codes of a band against all."""

    out: str
    name: str
    work: str
    band: str
    first: int
    last: int
    width: int
    n_flips: int
    radius: int
    same: bool
    masks: tuple[tuple[int, ...], ...]
    limits: tuple[int, ...]


class _Join:
    """The last generation of images against themselves and all before."""

    def __init__(
        self,
        stage: Stage,
        hashed: Stage,
        generations: list[dict[str, Any]],
        radius: int,
        part_seconds: float,
    ) -> None:
        self._stage = stage
        self._hashed = hashed
        self._generations = generations
        self._this = generations[-1]
        self._radius = radius
        self._cost = part_seconds * 1e9
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
            _Layout(
                self._work.address,
                f"band-{rank:02d}-{token}.store",
                codes,
                tuple(positions),
                self._this["n_old_codes"],
            )
            for rank, positions in enumerate(self._this["bands"])
        ]
        done = set(self._stage.names(self._prefix))
        with tqdm(unit="part", disable=not progress) as bar:
            waiting = [each for each in layouts if not self._work.has(each.name)]
            self._run(workers, lay_out, waiting, retries, bar)
            stretches = (
                stretch
                for rank, layout in enumerate(layouts)
                for stretch in self._cut(rank, layout)
                if stretch.name not in done
            )
            self._run(workers, join_stretch, stretches, retries, bar)
        n_pairs = sum(
            len(self._stage.read(name, ["distance"])) for name in self._stage.names(self._prefix)
        )
        self._this |= {"done": True, "n_pairs": n_pairs}
        self._stage.write_json(GENERATIONS, self._generations)
        self._work.remove([codes, *(layout.name for layout in layouts)])

    def _run(self, workers: Executor, function: Any, tasks: Any, retries: int, bar: Any) -> None:
        for outcome in workers.run(function, iter(tasks), retries):
            if outcome.lost is not None:
                raise EngineError(
                    f"{outcome.task.name} of {self._stage.address} cannot be made: "
                    f"{outcome.lost}. Is there enough memory for so many workers? What is finished "
                    f"stays: run find_pairs again, with fewer."
                )
            bar.update()

    def _collect(self, codes: str) -> None:
        """Number the images, pair those that are equal, and plan how the others are compared."""
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
        firsts = present[copies.firsts]
        equal_left, equal_right = firsts[copies.numbers], present
        plain_left, plain_right = _equal_pixels(rows)
        self._write_equal(
            np.concatenate([equal_left, plain_left]), np.concatenate([equal_right, plain_right])
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
        tables = (
            _table_of(left[start:][:_HELD_PAIRS], right[start:][:_HELD_PAIRS], None)
            for start in range(0, len(left), _HELD_PAIRS)
        )
        self._stage.write(f"{self._prefix}-equal.parquet", tables, _schema())

    def _cut(self, rank: int, layout: _Layout) -> Iterator[_Stretch]:
        """Cut the codes of a band into stretches of even work."""
        width, n_flips = len(layout.positions), self._this["limits"][rank]
        n_words = self._this["n_words"]
        bands = [Band(np.array(p, dtype=np.int64), n_words) for p in self._this["bands"][:rank]]
        masks = tuple(tuple(int(word) for word in band.mask) for band in bands)
        arrays = shared(layout.work, layout.name)
        met = _count_met(np.diff(arrays["starts"].astype(np.int64)), width, n_flips)
        cost = met * candidate_cost(n_words) + len(flips(width, n_flips)) * _PER_PROBE
        ends = _even_ends(arrays["asked_keys"], cost, self._cost)
        for number, (first, last) in enumerate(zip([0, *ends], ends, strict=False)):
            yield _Stretch(
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


def lay_out(layout: _Layout) -> None:
    """Write the codes in the order of a band, and those that are asked about likewise."""
    arrays = shared(layout.work, layout.codes)
    codes, rows = arrays["codes"], arrays["rows"]
    if not layout.positions:
        all_, asked = Buckets.of_one(codes), Buckets.of_one(codes[layout.n_old :])
    else:
        band = Band(np.array(layout.positions, dtype=np.int64), codes.shape[1])
        all_ = Buckets.of(codes, band)
        asked = Buckets.of_queries(codes[layout.n_old :], band) if layout.n_old else all_
    written = {
        "codes": all_.codes,
        "keys": all_.keys,
        "rows": rows[all_.numbers],
        "starts": all_.starts,
    }
    if layout.n_old:
        asked_rows = rows[layout.n_old :][asked.numbers]
        written |= {"asked": asked.codes, "asked_keys": asked.keys, "asked_rows": asked_rows}
    else:
        written["asked_keys"] = all_.keys
    share(PartDirectory(layout.work), layout.name, written)


def join_stretch(stretch: _Stretch) -> int:
    """Write the pairs of a stretch, and return how many they are."""
    arrays = shared(stretch.work, stretch.band)
    same = stretch.same
    asked, keys, ids = (
        arrays[name] for name in (("codes", "keys", "rows") if same else
                                  ("asked", "asked_keys", "asked_rows"))
    )  # fmt: skip
    n_words = asked.shape[1]
    masks = np.array(stretch.masks, dtype=np.uint64).reshape(-1, n_words)
    limits = np.array(stretch.limits, dtype=np.int64)
    wanted = flips(stretch.width, stretch.n_flips)
    join = kernels().join_of(n_words)
    left = np.empty(_HELD_PAIRS, dtype=np.uint32)
    right = np.empty(_HELD_PAIRS, dtype=np.uint32)
    distance = np.empty(_HELD_PAIRS, dtype=np.int32)
    state = np.array([0, stretch.first, 0, 0], dtype=np.int64)
    n_pairs = 0

    def tables() -> Iterator[Any]:
        nonlocal n_pairs
        while state[0] < len(wanted):
            n_found = join(
                asked, keys, ids, stretch.first, stretch.last,
                arrays["codes"], arrays["starts"], arrays["rows"],
                wanted, same, stretch.radius, masks, limits, left, right, distance, state,
            )  # fmt: skip
            found = left[:n_found], right[:n_found], distance[:n_found]
            if not same:  # two new codes meet twice, and each meets itself
                keep = found[1] < found[0]
                found = found[1][keep], found[0][keep], found[2][keep]
            n_pairs += len(found[0])
            yield _table_of(*found)

    PartDirectory(stretch.out).write(stretch.name, tables(), _schema())
    return n_pairs


def _plan(codes: NDArray[np.uint64], n_old: int, n_bits: int, radius: int) -> Plan:
    radius = min(radius, n_bits)
    n_codes, n_words = codes.shape
    if not n_old:
        return plan_self_join(codes, n_bits, radius)
    n_new = n_codes - n_old
    scan = Plan((), (), float(n_new) * n_codes * candidate_cost(n_words))
    bands = query_bands(n_codes, n_bits)
    plan = plan_queries(measure_shares(codes, bands, n_bits), bands, n_codes, n_new, radius)
    return plan if plan.cost + build_cost(n_codes, plan.bands) < scan.cost else scan


def _count_met(
    sizes: NDArray[np.int64], width: int, n_flips: int
) -> NDArray[np.float64]:
    """Count, for each key, the codes whose keys are within so many bits.

    The sums over keys at distance k follow from those at k - 1 and k - 2: of the neighbours of the
    keys at distance k, each at k + 1 is met k + 1 times, and each at k - 1 ``width - k + 1`` times.
    """
    before, here = np.zeros(len(sizes)), sizes.astype(np.float64)
    met = here.copy()
    for k in range(min(n_flips, width)):
        around = -(width - k + 1) * before if k else np.zeros(len(sizes))
        for bit in range(width):
            around += here.reshape(-1, 2, 1 << bit)[:, ::-1].reshape(-1)
        before, here = here, around / (k + 1)
        met += here
    return met


def _even_ends(
    keys: NDArray[np.uint32], cost: NDArray[np.float64], most: float
) -> list[int]:
    """Return where stretches of sorted keys end that cost about as much each, at most `most`."""
    sizes = np.bincount(keys, minlength=len(cost))
    spent = np.cumsum(sizes * cost)
    starts = np.cumsum(sizes) - sizes
    total = float(spent[-1]) if len(spent) else 0.0
    n_stretches = max(1, int(np.ceil(total / most)))
    wanted = total * np.arange(1, n_stretches) / n_stretches
    at = np.searchsorted(spent, wanted)
    within = (wanted - (spent[at] - sizes[at] * cost[at])) / cost[at]
    ends = starts[at] + np.minimum(np.ceil(within).astype(np.int64), sizes[at])
    return [int(end) for end in np.unique(np.append(ends, len(keys))) if end]


def _equal_pixels(rows: Rows) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Pair each plain image with the first of the same pixels."""
    first_of: dict[bytes, int] = {}
    left = [
        first_of.setdefault(digest, row)
        for row, digest in zip(rows.plain.tolist(), rows.digests, strict=True)
    ]
    return np.array(left, dtype=np.intp), rows.plain


def _schema() -> Any:
    pyarrow = arrow()
    return pyarrow.schema(
        {"left": pyarrow.uint32(), "right": pyarrow.uint32(), "distance": pyarrow.int32()}
    )


def _table_of(left: Any, right: Any, distance: Any) -> Any:
    if distance is None:
        distance = np.zeros(len(left), dtype=np.int32)
    columns = [left.astype(np.uint32), right.astype(np.uint32), distance.astype(np.int32)]
    return arrow().table(columns, schema=_schema())
