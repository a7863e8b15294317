"""Parts of the join: stretches of a band's codes, cut to even work and searched in the workers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._utils.kernels import load_kernels
from ..hamming._bands import Band, Buckets, flips
from ..hamming._plan import candidate_cost
from ._shared_arrays import share, shared
from ._stages import PartDirectory, arrow

HELD_PAIRS = 1 << 18  # pairs that are written at a time

_PER_PROBE = 2.5  # nanoseconds


class Layout(NamedTuple):
    """A band to be laid out in a file."""

    work: str
    name: str
    codes: str
    positions: tuple[int, ...]
    n_old: int


@dataclass(frozen=True)
class Stretch:
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


def lay_out(layout: Layout) -> None:
    """Write the codes in the order of a band, and those that are asked about likewise."""
    arrays = shared(layout.work, layout.codes)
    codes, rows = arrays["codes"], arrays["rows"]
    if not layout.positions:
        all_, asked = Buckets.of_one(codes), Buckets.of_one(codes[layout.n_old :])
    else:
        band = Band(np.array(layout.positions, dtype=np.int64), codes.shape[1])
        all_ = Buckets.of(codes, band)
        asked = Buckets.of_queries(codes[layout.n_old :], band) if layout.n_old else all_
    written: dict[str, NDArray[Any]] = {
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


def join_stretch(stretch: Stretch) -> int:
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
    join = load_kernels("hamming").join_of(n_words)
    left = np.empty(HELD_PAIRS, dtype=np.uint32)
    right = np.empty(HELD_PAIRS, dtype=np.uint32)
    distance = np.empty(HELD_PAIRS, dtype=np.int32)
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
            yield table_of(*found)

    PartDirectory(stretch.out).write(stretch.name, tables(), schema())
    return n_pairs


def cut_band(
    arrays: dict[str, NDArray[Any]], width: int, n_flips: int, most: float
) -> list[tuple[int, int]]:
    """Cut the codes of a band that are asked about into stretches.

    Parameters
    ----------
    arrays : dict of str to ndarray
        What `lay_out` wrote.
    width, n_flips : int
        How many bits the band has, and how many of them may differ.
    most : float
        The nanoseconds that a stretch may take, as predicted.

    Returns
    -------
    list of (int, int)
        Where each stretch begins and ends.
    """
    n_words = arrays["codes"].shape[1]
    met = _count_met(np.diff(arrays["starts"]).astype(np.int64), width, n_flips)
    cost = met * candidate_cost(n_words) + len(flips(width, n_flips)) * _PER_PROBE
    ends = _even_ends(arrays["asked_keys"], cost, most)
    return list(zip([0, *ends], ends, strict=False))  # none where there are no codes


def _count_met(sizes: NDArray[np.int64], width: int, n_flips: int) -> NDArray[np.float64]:
    """Count, for each key, the codes whose keys are within so many bits.

    The sums over keys at distance k + 1 follow from those at k and k - 1: among the neighbours of
    all keys at distance k, each key at k + 1 is found k + 1 times, and each at k - 1
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


def _even_ends(keys: NDArray[np.uint32], cost: NDArray[np.float64], most: float) -> list[int]:
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


def schema() -> Any:
    """Return the columns of the parts."""
    pyarrow = arrow()
    return pyarrow.schema(
        {"left": pyarrow.uint32(), "right": pyarrow.uint32(), "distance": pyarrow.int32()}
    )


def table_of(left: Any, right: Any, distance: Any) -> Any:
    """Return pairs as a table of Arrow."""
    columns = [left.astype(np.uint32), right.astype(np.uint32), distance.astype(np.int32)]
    return arrow().table(columns, schema=schema())
