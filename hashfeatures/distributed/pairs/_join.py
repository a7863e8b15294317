"""The exact join of hashes, in parts of even work by band and by range of buckets.

The codes of images are ordered by the bits of each band, in files that the workers map into
memory. A part of the join compares a range of such a file with all of it. The sizes of the buckets
it meets determine how long the range may be, so that a very large bucket is cut into many parts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...hamming._bands import Band
from ...hamming._costs import build_cost, scan_cost
from ...hamming._distances import MAX_PAIRS, sample_distances
from ...hamming._plan import Plan, choose_query_bands, plan_queries, plan_self_join, query_bands
from .._part_directory import PartDirectory
from .._shared_arrays import map_arrays, share_arrays
from ._pair_worker import BandLayout, BandRange, cut_band


class Join:
    """The join of new codes with each other and all old ones, or with those of another data set.

    Parameters
    ----------
    work : PartDirectory
        The directory of the bands.
    token : str
        What the names of their files hold, so that no name ever stands for other codes.
    radius : int
        The largest distance of a pair, in bits.
    plan : dict of str to object
        The plan, see `plan_join` and `plan_join_across`.
    drops_equal : bool, default=False
        Whether to leave out equal codes.
    """

    def __init__(
        self,
        work: PartDirectory,
        token: str,
        radius: int,
        plan: dict[str, Any],
        *,
        drops_equal: bool = False,
    ) -> None:
        self._work = work
        self._radius = radius
        self._plan = plan
        self._drops_equal = drops_equal
        self._layouts = [
            BandLayout(
                work.address,
                f"band-{rank:02d}-{token}.store",
                _codes_name(token),
                tuple(positions),
                plan["n_old_codes"],
            )
            for rank, positions in enumerate(plan["bands"])
        ]

    def layouts(self) -> Iterator[BandLayout]:
        """Yield the bands that are still to be written."""
        return (each for each in self._layouts if not self._work.has(each.name))

    def cut(self, nanoseconds: float) -> list[list[int]]:
        """Return the ends of ranges of even work in each band, once all bands are written."""
        limits = self._plan["limits"]
        return [
            cut_band(
                map_arrays(layout.work, layout.name),
                len(layout.positions),
                n_flips,
                self._plan["asked"] == "same",
                nanoseconds,
            )
            for layout, n_flips in zip(self._layouts, limits, strict=True)
        ]

    def tasks(self, out: PartDirectory, prefix: str, ends: list[list[int]]) -> Iterator[BandRange]:
        """Yield the parts that are still to be written to a directory.

        `ends` are those of `cut`.
        """
        done = set(out.names(prefix))
        limits, n_words = self._plan["limits"], self._plan["n_words"]
        masks: list[tuple[int, ...]] = []
        for rank, layout in enumerate(self._layouts):
            for number, (first, last) in enumerate(
                zip([0, *ends[rank]], ends[rank], strict=False)  # empty without codes
            ):
                name = f"{prefix}-{rank:02d}-{number:07d}.parquet"
                if name not in done:
                    yield BandRange(
                        out.address,
                        name,
                        layout.work,
                        layout.name,
                        first,
                        last,
                        len(layout.positions),
                        limits[rank],
                        self._radius,
                        self._plan["asked"],
                        self._drops_equal,
                        tuple(masks),
                        tuple(limits[:rank]),
                    )
            band = Band(np.array(layout.positions, dtype=np.int64), n_words)
            masks.append(tuple(int(word) for word in band.mask))


def _codes_name(token: str) -> str:
    """Return the name of the file of the codes."""
    return f"codes-{token}.store"


def share_codes(
    work: PartDirectory,
    token: str,
    codes: NDArray[np.uint64],
    rows: NDArray[np.intp],
    queries: NDArray[np.uint64] | None = None,
    query_rows: NDArray[np.intp] | None = None,
) -> None:
    """Write the codes of images, and their numbers, for the workers.

    Parameters
    ----------
    work, token
        As for `Join`.
    codes, rows : ndarray
        The codes, and the numbers of their images.
    queries, query_rows : ndarray, optional
        The same of another data set, if its codes are looked up in these.
    """
    arrays: dict[str, NDArray[Any]] = {"codes": codes, "rows": rows.astype(np.uint32)}
    if queries is not None and query_rows is not None:
        arrays |= {"queries": queries, "query_rows": query_rows.astype(np.uint32)}
    share_arrays(work, _codes_name(token), arrays)


def plan_join(codes: NDArray[np.uint64], n_old: int, n_bits: int, radius: int) -> dict[str, Any]:
    """Plan the join of all codes, or of those from `n_old` on with all, as JSON values."""
    if n_old:
        plan = _plan_queries(codes, len(codes) - n_old, n_bits, radius)
        return _as_json(plan, codes, "new", n_old)
    return _as_json(plan_self_join(codes, n_bits, radius), codes, "same")


def plan_join_across(
    left: NDArray[np.uint64], right: NDArray[np.uint64], n_bits: int, radius: int
) -> dict[str, Any]:
    """Plan the join of the codes of two data sets, as JSON values.

    "asked" is the set whose codes are looked up in those of the other, whichever way is faster.
    """
    ways = [
        (_plan_queries(right, len(left), n_bits, radius), right, "left"),
        (_plan_queries(left, len(right), n_bits, radius), left, "right"),
    ]
    plan, codes, asked = min(ways, key=lambda way: way[0].cost)
    return _as_json(plan, codes, asked)


def _as_json(plan: Plan, codes: NDArray[np.uint64], asked: str, n_old: int = 0) -> dict[str, Any]:
    return {
        "bands": [band.positions.tolist() for band in plan.bands] or [[]],
        "limits": [int(limit) for limit in plan.limits] or [0],
        "n_old_codes": n_old,
        "n_words": codes.shape[1],
        "asked": asked,
    }


def _plan_queries(codes: NDArray[np.uint64], n_queries: int, n_bits: int, radius: int) -> Plan:
    """Plan a number of look-ups in codes, with the cost of all."""
    n_codes, n_words = codes.shape
    distances = sample_distances(codes, n_bits, MAX_PAIRS)
    bands = query_bands(n_codes, n_bits, choose_query_bands(distances, n_codes, radius))
    plan = plan_queries(distances, bands, n_codes, radius)
    cost = n_queries * plan.cost + build_cost(n_codes, plan.bands)
    scan = Plan((), (), scan_cost(float(n_queries) * n_codes, n_words))
    return replace(plan, cost=cost) if cost < scan.cost else scan
