"""Near pairs over views: two images are as near as the nearest two of their views.

All views of an image are compared with the base views of the others, from both sides: what was
cut off a copy can be cut off its original, but not the other way round.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..._utils.display import rows_as_html, rows_as_text
from ..._utils.kernels import load_kernels
from ...hamming._index import HammingIndex
from ...hamming._join import in_threads
from ...hamming._pairs import Pairs, Rows, count_pairs
from ...hashing.views._windows import ViewSet
from ._base import CodeIndex, Codes, Words

# Pairs of images that are measured by a thread at a time.
_MEASURED = 2**14
# Plainer views are named if they are farther apart by no more than this share of the bits. That
# names the true edit of a copy most often: a larger share names crops as whole images, and the
# nearest views alone name noise.
_NEARLY = 6 / 128


class ViewPairs(NamedTuple):
    """Pairs of images, the distance of each, and the views in which they are near.

    Read more in the :doc:`User Guide </user-guide/near-duplicates>`.

    Attributes
    ----------
    left, right : ndarray of shape (n_pairs,), dtype intp
        The rows.
    distance : ndarray of shape (n_pairs,), dtype int64
        The smallest Hamming distance, in bits, between a view of one and a view of the other.
    left_view, right_view : ndarray of shape (n_pairs,), dtype object
        The views that are near: "as it is", "mirrored", "cropped by 5% a side, turned by 90°".
        Among views that are at most 6 of 128 bits farther than the nearest, these are the
        plainest: whole images come before parts of them.

    See Also
    --------
    NearDuplicateFinder : Holds the pairs of the fitted images, as `pairs_`.
    ConfirmedViewPairs : Such pairs that the pixels confirm.

    Examples
    --------
    >>> from skimage import data
    >>> from hashfeatures import NearDuplicateFinder
    >>> images = [data.camera(), data.coins(), data.camera()[:, ::-1]]
    >>> pairs = NearDuplicateFinder(views="flips", verify=False).fit(images).pairs_
    >>> pairs.right, pairs.right_view
    (array([2]), array(['as it is'], dtype=object))
    """

    left: NDArray[np.intp]
    right: NDArray[np.intp]
    distance: NDArray[np.int64]
    left_view: NDArray[Any]
    right_view: NDArray[Any]

    def __repr__(self) -> str:
        return rows_as_text(count_pairs(self), self._asdict())

    def _repr_html_(self) -> str:
        return rows_as_html(count_pairs(self), self._asdict())


@dataclass(frozen=True)
class ViewCodes(Codes):
    """The codes of the views of images.

    Parameters
    ----------
    words : ndarray of shape (n_images, n_views, n_words), dtype uint64
        The bits of each view, packed.
    views : ViewSet
        What the views are.
    """

    words: Words
    views: ViewSet

    @classmethod
    def join(cls, parts: Sequence[ViewCodes]) -> ViewCodes:
        """Return the codes of several collections as those of one."""
        return cls(np.concatenate([part.words for part in parts]), parts[0].views)

    def take(self, rows: Any) -> ViewCodes:
        """Return the codes of some images."""
        return ViewCodes(self.words[rows], self.views)

    def index_codes(self) -> Words:
        """Return the codes of the base views."""
        return self.words[:, self.views.base_views].reshape(-1, self.words.shape[2])

    def query_codes(self) -> Words:
        """Return the codes of all views."""
        return self.words.reshape(-1, self.words.shape[2])

    def index(self, n_jobs: int | None = None) -> ViewIndex:
        """Return the index of the base views of these images."""
        return ViewIndex(self, n_jobs)

    def towards(
        self, others: ViewCodes, rows: Rows, other_rows: Rows, n_jobs: int | None = None
    ) -> NDArray[np.int64]:
        """Return the least distances of the views of images to the base views of others."""
        least = np.empty(len(rows), dtype=np.int64)
        if not len(rows):
            return least
        words, theirs = np.ascontiguousarray(self.words), np.ascontiguousarray(others.words)
        bases = np.asarray(self.views.base_views, dtype=np.int64)

        def measure(start: int) -> None:
            part = slice(start, start + _MEASURED)
            load_kernels("duplicates.fingerprints").least_distances(
                words, rows[part], theirs, other_rows[part], bases, least[part]
            )

        for _ in in_threads(
            (partial(measure, at) for at in range(0, len(rows), _MEASURED)), n_jobs
        ):
            pass
        return least

    def distances(self, others: ViewCodes) -> NDArray[np.int64]:
        """Return the distance of each image to the one in the same row of `others`."""
        rows = np.arange(len(self.words))
        return self._measure(others, rows, rows)

    def between(self, rows: Rows, other_rows: Rows) -> NDArray[np.int64]:
        """Return the distances of images to others of these."""
        return self._measure(self, rows, other_rows)

    def name(self, others: ViewCodes, pairs: Pairs) -> ViewPairs:
        """Name the views in which images on the left are near `others` on the right."""
        chosen = np.zeros((len(pairs.left), 3), dtype=np.int64)
        load_kernels("duplicates.fingerprints").choose_views(
            np.ascontiguousarray(self.words),
            pairs.left,
            np.ascontiguousarray(others.words),
            pairs.right,
            np.asarray(self.views.base_views, dtype=np.int64),
            _rank(self.views),
            round(_NEARLY * self.n_bits),
            chosen,
        )
        distance, left, right = np.ascontiguousarray(chosen.T)
        names = np.array(
            [self.views.name_view(view) for view in range(self.views.n_views)], dtype=object
        )
        return ViewPairs(pairs.left, pairs.right, distance, names[left], names[right])

    def _measure(self, others: ViewCodes, rows: Rows, other_rows: Rows) -> NDArray[np.int64]:
        """Return the distances of images to others."""
        return np.minimum(
            self.towards(others, rows, other_rows),
            others.towards(self, other_rows, rows),
        )


class ViewIndex(CodeIndex[ViewCodes]):
    """Finds the images whose base views are near views of queries.

    Parameters
    ----------
    codes : ViewCodes
        The images.
    n_jobs : int or None
        The number of threads.
    """

    block_size = 4096

    def __init__(self, codes: ViewCodes, n_jobs: int | None = None) -> None:
        super().__init__(codes, n_jobs)
        bases = codes.index_codes()
        everyone = np.ones(len(bases), dtype=bool)
        self._index = HammingIndex(bases, everyone, codes.n_bits, n_jobs)

    def _find(self, queries: ViewCodes, rows: range, radius: int, limit: int) -> Pairs:
        views = queries.take(slice(rows.start, rows.stop)).query_codes()
        near = self._index.radius(views, radius, limit=limit)
        left = rows.start + near.left // queries.views.n_views
        return _nearest(Pairs(left, near.right // queries.views.n_bases, near.distance))


def _nearest(pairs: Pairs) -> Pairs:
    """Keep each pair once, at its least distance, ordered by left, then right."""
    order = np.lexsort((pairs.distance, pairs.right, pairs.left))
    pairs = pairs.take(order)
    is_new = np.ones(len(order), dtype=bool)
    is_new[1:] = (np.diff(pairs.left) != 0) | (np.diff(pairs.right) != 0)
    return pairs.take(is_new)


@cache
def _rank(views: ViewSet) -> NDArray[np.int64]:
    """Rank the pairs of views of two images, the plainest first.

    Returns
    -------
    ndarray of shape (2, n_views, n_bases), dtype int64
        A view of the left image beside a base view of the right one, and the other way round:
        those with fewer parts of images come first, then those whose windows do, and their turns.
    """
    shape = (2, views.n_views, views.n_bases)
    way, view, base = np.indices(shape).reshape(3, -1)
    window, turn = np.divmod(view, views.n_orientations)
    n_parts = (window > 0).astype(np.intp) + (base > 0)
    order = np.lexsort((way, base, turn, window + base, n_parts))
    ranks = np.empty(len(order), dtype=np.int64)
    ranks[order] = np.arange(len(order))
    return ranks.reshape(shape)
