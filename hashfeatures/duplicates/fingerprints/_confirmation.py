"""What two images must share beside near hashes: the pixels of their thumbnails, and colors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ...alignment._align import Alignments, align_pairs
from ...alignment._opacity import match_opacity
from ...alignment._starts import Maps, bordered_orientations, large_crops, orientations
from ...hamming._join import in_threads
from ...hamming._pairs import Pairs
from ...hashing.views._modes import count_orientations
from ...hashing.views._windows import ORIENTATIONS, VIEW_SETS
from .._components import Labels
from .._linkage import Agreement
from ._colors import measure_colors
from ._fingerprints import Fingerprints, color_words
from ._thumbnails import Thumbnails

# Nanoseconds of a test of colors, and of an alignment of look-alikes with each of its starts.
_PER_COLOR = 1_000.0
_PER_ALIGNED = 120_000.0
_PER_START = 20_000.0

# Pairs whose thumbnails are read and aligned at a time, by each thread.
_ALIGNED = 512


@dataclass(frozen=True)
class Confirmation:
    """What two images of near hashes must share, so that they are near duplicates.

    Parameters
    ----------
    min_agreement : float or None
        The least agreement of the pixels of their thumbnails, 0 to 1, see `align_pairs`. None
        looks at no pixels.
    color_radius : int or None
        The greatest distance of their colors, in bits of "colorgrid". None ignores colors.
    views : str
        The views of the images whose hashes are compared, one of `VIEWS`. Alignments start where
        these views are.
    """

    min_agreement: float | None = None
    color_radius: int | None = None
    views: str = "identity"

    @property
    def starts(self) -> Maps:
        """The maps at which alignments start, shape (n_starts, 6)."""
        if self.views == "segments":
            return large_crops()
        n_orientations = count_orientations(self.views)
        has_windows = len(VIEW_SETS[self.views].windows) > 1
        return (bordered_orientations if has_windows else orientations)(n_orientations)

    @property
    def cost(self) -> float:
        """The predicted nanoseconds of a test of a pair, on one processor."""
        if self.min_agreement is None:
            return _PER_COLOR
        return _PER_ALIGNED + _PER_START * len(self.starts)

    def test(
        self, images: Fingerprints, others: Fingerprints, pairs: Pairs, n_jobs: int | None = None
    ) -> NDArray[np.bool_]:
        """Return which pairs are confirmed.

        Parameters
        ----------
        images, others : Fingerprints
            The images on the left and on the right.
        pairs : Pairs
            Their rows, and the distances of their hashes.
        n_jobs : int or None
            The number of threads.

        Returns
        -------
        ndarray of shape (n_pairs,), dtype bool
            Which pairs are confirmed. What the fingerprints do not hold is not tested.
        """
        confirmed = np.ones(len(pairs.left), dtype=bool)
        if self.color_radius is not None and images.colors is not None:
            assert others.colors is not None
            left, right = images.colors[pairs.left], others.colors[pairs.right]
            turns = ORIENTATIONS[: count_orientations(self.views)]
            confirmed = measure_colors(left, right, turns) <= self.color_radius
        if self.min_agreement is not None:
            left_thumbnails, right_thumbnails = images.thumbnails, others.thumbnails
            if left_thumbnails is not None and right_thumbnails is not None:
                left_over = np.flatnonzero(confirmed)
                agreement = self.align(
                    left_thumbnails, right_thumbnails, pairs.take(left_over), n_jobs
                ).agreement
                confirmed[left_over] = agreement >= self.min_agreement
        return confirmed

    def align(
        self,
        thumbnails: Thumbnails,
        others: Thumbnails,
        pairs: Pairs,
        n_jobs: int | None = None,
        *,
        is_thorough: bool = False,
    ) -> Alignments:
        """Align the thumbnails of pairs, and measure how well their pixels agree.

        Parameters
        ----------
        thumbnails, others : Thumbnails
            The thumbnails on the left and on the right.
        pairs : Pairs
            Their rows.
        n_jobs : int or None
            The number of threads.
        is_thorough : bool, default=False
            Whether to align pairs fully that agree already, as their maps are wanted.

        Returns
        -------
        Alignments
            Row i is pair i. An agreement is 0 where the opacities of two partly transparent
            images differ.
        """
        starts = self.starts
        n_pairs = len(pairs.left)
        agreement = np.empty(n_pairs, dtype=np.float32)
        maps = np.empty((n_pairs, 6), dtype=np.float32)

        def align(start: int) -> None:
            block = slice(start, start + _ALIGNED)
            left_rows, left = np.unique(pairs.left[block], return_inverse=True)
            right_rows, right = np.unique(pairs.right[block], return_inverse=True)
            records = np.concatenate([thumbnails.read(left_rows), others.read(right_rows)])
            right += len(left_rows)
            found = align_pairs(
                np.ascontiguousarray(records["luma"]), left, right, starts, is_thorough=is_thorough
            )
            agrees = match_opacity(records["opacity"], left, right, found.maps)
            agreement[block] = np.where(agrees, found.agreement, 0)
            maps[block] = found.maps

        tasks: list[Callable[[], None]] = [
            partial(align, start) for start in range(0, n_pairs, _ALIGNED)
        ]
        for _ in in_threads(tasks, n_jobs):
            pass
        return Alignments(agreement, maps)

    def as_agreement(self, images: Fingerprints, n_jobs: int | None) -> Agreement | None:
        """Return what two members of a group must agree in under complete linkage, if anything."""
        keys = []
        if self.color_radius is not None and images.colors is not None:
            keys.append(color_words(images.colors))
        if self.min_agreement is not None and images.thumbnails is not None:
            keys.append(images.thumbnails.digests)
        if not keys:
            return None

        def test(rows: Labels, others: Labels) -> NDArray[np.bool_]:
            pairs = Pairs(rows, others, np.zeros(len(rows), dtype=np.int64))
            # Images of low detail are in one group only if they are equal.
            return self.test(images, images, pairs, n_jobs) | images.low_detail[rows]

        return Agreement(np.hstack(keys), test)
