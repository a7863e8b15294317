"""The pairs between two data sets that a generation of images adds to either."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...duplicates._comparison import Comparison
from ...hamming._row_lookup import RowLookup
from .._part_directory import PartDirectory, arrow
from .._stages import Stage
from .._task_runner import TaskRunner
from ._confirmation import Candidates
from ._join import Join, plan_join_across, share_codes
from ._nodes import Nodes, read_nodes
from ._pair_phases import HashedImages, PairPhases
from ._paired_sets import SIDES, copies_of
from ._row_store import RowStore
from ._view_search import begin_search


class CrossRun(PairPhases):
    """Finds the pairs of two data sets in which an image of either is new.

    Parameters
    ----------
    stage, generations, number, comparison, radius, runner
        As for `PairPhases`. Each generation has, for "left" and "right", the parts of hashes that
        it added.
    hashed : sequence of Stage
        The directories of the hashes of both sets.
    """

    def __init__(
        self,
        stage: Stage,
        hashed: Sequence[Stage],
        generations: list[dict[str, Any]],
        number: int,
        comparison: Comparison,
        radius: int,
        runner: TaskRunner,
    ) -> None:
        images = [
            HashedImages(each, [generation[side] for generation in generations[: number + 1]])
            for side, each in zip(SIDES, hashed, strict=True)
        ]
        super().__init__(stage, images, generations, number, comparison, radius, runner)

    def _is_search_final(self) -> bool:
        # A search over segments finds equal images too, which are paired already.
        return self._comparison.views == "identity" and super()._is_search_final()

    def _prepare(self) -> None:
        equal, begun = f"{self._prefix}-equal.parquet", f"begun-{self._token}.json"
        copies = [(self._stage.sub(copies_of(side)), name_copies(self._number)) for side in SIDES]
        is_planned = "n_codes" in self._this
        is_begun = self._stage.has(equal) and self._work.has(begun)
        if is_planned and is_begun and all(place.has(name) for place, name in copies):
            return
        computed = self._comparison.computed
        both = [
            read_nodes(each.hashed, each.parts, computed, with_keys=True) for each in self._images
        ]
        for images, nodes, (place, name) in zip(self._images, both, copies, strict=True):
            is_new = nodes.copies >= images.n_old
            _write_copies(place, name, nodes.firsts[is_new], nodes.copies[is_new])
        left, right, is_same_size = _pair_equal(*both)
        is_new = (left >= self._images[0].n_old) | (right >= self._images[1].n_old)
        self._write_equal(equal, left[is_new], right[is_new], is_same_size[is_new])
        both = [nodes._replace(keys=None) for nodes in both]  # whose memory is free now
        n_old = [
            int(np.searchsorted(nodes.rows, images.n_old))
            for images, nodes in zip(self._images, both, strict=True)
        ]
        if not is_planned:
            self._warn_if_crowded()
        facts: dict[str, Any] = {"n_codes": [len(nodes.rows) for nodes in both]}
        facts |= {"n_old_codes": n_old} | self._begin(both, n_old)
        facts["pairs_per_part"] = self._pairs_per_part()
        if not is_planned:
            self._record(facts)
        self._work.write_json(begun, {})

    def _begin(self, both: Sequence[Nodes], n_old: Sequence[int]) -> dict[str, Any]:
        """Write what the search reads, and return its plan."""
        left, right = both
        if left.words is None or right.words is None:
            sides = [
                images.as_side(len(nodes.rows), n)
                for images, nodes, n in zip(self._images, both, n_old, strict=True)
            ]
            rows, token = [nodes.rows for nodes in both], self._token
            sizes = begin_search(sides, rows, self._work, token, self._radius, self._cost)
            return {"sizes": list(sizes)}
        n_bits = self._comparison.n_bits
        plans: list[dict[str, Any]] = []
        # New images on the left with all on the right, and old ones with new ones.
        for ours, theirs in (
            (slice(n_old[0], None), slice(None)),
            (slice(n_old[0]), slice(n_old[1], None)),
        ):
            codes = left.words[ours], right.words[theirs]
            if not (len(codes[0]) and len(codes[1])):
                continue
            plan = plan_join_across(*codes, n_bits, self._radius)
            sets = [(codes[0], left.rows[ours]), (codes[1], right.rows[theirs])]
            asked, indexed = sets if plan["asked"] == "left" else sets[::-1]
            share_codes(self._work, f"{self._token}-{len(plans)}", *indexed, *asked)
            plans.append(plan)
        return {"joins": plans}

    def _search(self) -> None:
        this = self._this
        if "sizes" in this:
            sides = zip(self._images, this["n_codes"], this["n_old_codes"], strict=True)
            self._search_views([images.as_side(n, n_old) for images, n, n_old in sides])
            return
        is_final = self._found is self._stage
        for number, plan in enumerate(this["joins"]):
            token = f"{self._token}-{number}"
            # Equal hashes are equal images only if nothing else is compared.
            join = Join(self._work, token, self._radius, plan, drops_equal=is_final)
            self._run_join(join, plan, f"{self._prefix}-{number}")

    def _store(self, candidates: Candidates) -> tuple[RowStore, RowStore] | None:
        left, right = (
            self._gather(images, side, candidates, (side,))
            for side, images in zip(SIDES, self._images, strict=True)
        )
        return None if left is None or right is None else (left, right)


def name_copies(number: int) -> str:
    """Return the name of the part with the equal images of one side that a generation adds."""
    return f"copies-{number:04d}.parquet"


def _write_copies(
    place: PartDirectory, name: str, firsts: NDArray[np.intp], copies: NDArray[np.intp]
) -> None:
    """Write the equal images of one side."""
    columns = {"first": firsts.astype(np.uint32), "copy": copies.astype(np.uint32)}
    table = arrow().table(columns)
    place.write(name, [table], table.schema)


def _pair_equal(
    left: Nodes, right: Nodes
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.bool_]]:
    """Pair the first images of two sets that are compared as equals.

    Returns
    -------
    left, right : ndarray of shape (n_pairs,), dtype intp
        The images.
    is_same_size : ndarray of shape (n_pairs,), dtype bool
        Whether nothing distinguishes the two.
    """
    ours, theirs = left.keys, right.keys
    assert ours is not None
    assert theirs is not None
    places = RowLookup(ours.words).find(theirs.words)
    found = np.flatnonzero(places >= 0)
    equal = places[found]
    plain = [
        (row, theirs.first_of_pixels[digest])
        for digest, row in ours.first_of_pixels.items()
        if digest in theirs.first_of_pixels
    ]
    plain_left, plain_right = np.array(plain, dtype=np.intp).reshape(-1, 2).T
    is_same_size = np.ones(len(found) + len(plain), dtype=bool)
    is_same_size[: len(found)] = ours.n_pixels[equal] == theirs.n_pixels[found]
    return (
        np.concatenate([left.rows[equal], plain_left]),
        np.concatenate([right.rows[found], plain_right]),
        is_same_size,
    )
