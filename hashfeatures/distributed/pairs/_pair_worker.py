"""Parts of the join: ranges of a band's codes, which workers compare with all of its codes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..._utils.kernels import load_kernels
from ...hamming._bands import Band, Buckets, flips
from ...hamming._costs import bucket_costs
from .._part_directory import PartDirectory, arrow
from .._shared_arrays import map_arrays, share_arrays

PAIRS_PER_TABLE = 1 << 18

# Which codes are looked up in all: the same ones, the new ones among them, or those of another
# data set, which are on one side of the pairs.
Asked = Literal["same", "new", "left", "right"]


class BandLayout(NamedTuple):
    """A band whose codes are to be written in its order."""

    work: str
    name: str
    codes: str
    positions: tuple[int, ...]
    n_old: int


@dataclass(frozen=True)
class BandRange:
    """A part of the join: a range of the codes of a band, to be compared with all of them."""

    out: str
    name: str
    work: str
    band: str
    first: int
    last: int
    width: int
    n_flips: int
    radius: int
    asked: Asked
    drops_equal: bool
    masks: tuple[tuple[int, ...], ...]
    limits: tuple[int, ...]


def lay_out(layout: BandLayout) -> None:
    """Write the codes in the order of a band, and the queries among them too."""
    arrays = map_arrays(layout.work, layout.codes)
    codes, rows = arrays["codes"], arrays["rows"]
    asked, asked_rows = codes[layout.n_old :], rows[layout.n_old :]
    if "queries" in arrays:
        asked, asked_rows = arrays["queries"], arrays["query_rows"]
    is_self_join = not layout.n_old and "queries" not in arrays
    if not layout.positions:
        all_, queries = Buckets.of_one(codes), Buckets.of_one(asked)
    else:
        band = Band(np.array(layout.positions, dtype=np.int64), codes.shape[1])
        all_ = Buckets.of(codes, band)
        queries = all_ if is_self_join else Buckets.of_queries(asked, band)
    written: dict[str, NDArray[Any]] = {
        "codes": all_.codes,
        "keys": all_.keys,
        "rows": rows[all_.numbers],
        "starts": all_.starts,
    }
    if is_self_join:
        written["query_keys"] = all_.keys
    else:
        query_rows = asked_rows[queries.numbers]
        written |= {"queries": queries.codes, "query_keys": queries.keys, "query_rows": query_rows}
    share_arrays(PartDirectory(layout.work), layout.name, written)


def join_range(part: BandRange) -> int:
    """Write the pairs of a range, and return their number."""
    arrays = map_arrays(part.work, part.band)
    same = part.asked == "same"
    queries, keys, ids = (
        arrays[name] for name in (("codes", "keys", "rows") if same else
                                  ("queries", "query_keys", "query_rows"))
    )  # fmt: skip
    n_words = queries.shape[1]
    masks = np.array(part.masks, dtype=np.uint64).reshape(-1, n_words)
    limits = np.array(part.limits, dtype=np.int64)
    wanted = flips(part.width, part.n_flips)
    join = load_kernels("hamming").join_of(n_words)
    left = np.empty(PAIRS_PER_TABLE, dtype=np.uint32)
    right = np.empty(PAIRS_PER_TABLE, dtype=np.uint32)
    distance = np.empty(PAIRS_PER_TABLE, dtype=np.int32)
    state = np.array([0, part.first, 0, 0], dtype=np.int64)
    n_pairs = 0

    def tables() -> Iterator[Any]:
        nonlocal n_pairs
        while state[0] < len(wanted):
            n_found = join(
                queries, keys, ids, part.first, part.last,
                arrays["codes"], arrays["starts"], arrays["rows"],
                wanted, same, part.radius, masks, limits, left, right, distance, state,
            )  # fmt: skip
            found = left[:n_found], right[:n_found], distance[:n_found]
            keep = np.ones(n_found, dtype=bool)
            if part.asked == "new":  # two new codes are found twice, and each finds itself
                keep = found[1] < found[0]
            if part.drops_equal:
                keep &= found[2] > 0
            if part.asked in ("new", "right"):
                found = found[1], found[0], found[2]
            if not keep.all():
                found = found[0][keep], found[1][keep], found[2][keep]
            n_pairs += len(found[0])
            yield table_of(*found)

    PartDirectory(part.out).write(part.name, tables(), schema())
    return n_pairs


def cut_band(
    arrays: dict[str, NDArray[Any]], width: int, n_flips: int, is_self_join: bool, most: float
) -> list[int]:
    """Cut the queries of a band into ranges.

    Parameters
    ----------
    arrays : dict of str to ndarray
        The arrays that `lay_out` wrote.
    width, n_flips : int
        The number of bits in the band, and how many of them may differ.
    is_self_join : bool
        Whether all codes are compared with each other.
    most : float
        The predicted nanoseconds that a range may take at most.

    Returns
    -------
    list of int
        The end of each range.
    """
    n_codes, n_words = arrays["codes"].shape
    sizes = np.diff(arrays["starts"]).astype(np.int64)
    asked = np.bincount(arrays["query_keys"], minlength=len(sizes))
    met = _count_met(sizes, width, n_flips)
    n_probes = len(flips(width, n_flips))
    costs = bucket_costs(asked, met, n_probes, n_codes, n_words, is_self_join)
    return _even_ends(asked, costs, most)


def _count_met(sizes: NDArray[np.int64], width: int, n_flips: int) -> NDArray[np.float64]:
    """Count, for each key, the codes whose keys are within so many bits.

    The sums over keys at distance k + 1 follow from those at k and k - 1. Among the neighbors of
    all keys at distance k, each key at k + 1 occurs k + 1 times, and each key at k - 1 occurs
    ``width - k + 1`` times.
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


def _even_ends(sizes: NDArray[np.int64], costs: NDArray[np.float64], most: float) -> list[int]:
    """Return the ends of ranges of buckets that cost about the same, and at most `most`."""
    spent, ends = np.cumsum(costs), np.cumsum(sizes)
    total = float(spent[-1])
    n_ranges = int(np.clip(np.ceil(total / most), 1, max(1, ends[-1])))
    wanted = total * np.arange(1, n_ranges) / n_ranges
    at = np.searchsorted(spent, wanted)
    within = (wanted - (spent[at] - costs[at])) / costs[at]
    cuts = (
        ends[at] - sizes[at] + np.minimum(np.ceil(within * sizes[at]).astype(np.int64), sizes[at])
    )
    return [int(end) for end in np.unique(np.append(cuts, ends[-1])) if end]


def schema() -> Any:
    """Return the columns of the parts."""
    pyarrow = arrow()
    return pyarrow.schema(
        {"left": pyarrow.uint32(), "right": pyarrow.uint32(), "distance": pyarrow.int32()}
    )


def table_of(left: Any, right: Any, distance: Any) -> Any:
    """Return pairs as a pyarrow.Table."""
    columns = [left.astype(np.uint32), right.astype(np.uint32), distance.astype(np.int32)]
    return arrow().table(columns, schema=schema())
