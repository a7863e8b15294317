"""Near pairs with what their pixels say: how well they agree, and what became of one of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from .._utils.display import rows_as_html, rows_as_text
from ..alignment._relation import describe_relations
from ..hamming._pairs import Pairs, count_pairs
from ._components import Labels
from ._pair_graph import PairGraph
from .fingerprints._confirmation import Confirmation
from .fingerprints._fingerprints import Fingerprints
from .fingerprints._thumbnails import Thumbnails
from .fingerprints._views import ViewPairs

# Pairs whose thumbnails are in memory at a time.
_DESCRIBED = 8192

SAME_PIXELS = "same pixels"


class ConfirmedPairs(NamedTuple):
    """Pairs of images that their pixels confirm.

    Read more in the :doc:`User Guide </user-guide/near-duplicates>`.

    Attributes
    ----------
    left, right : ndarray of shape (n_pairs,), dtype intp
        The rows.
    distance : ndarray of shape (n_pairs,), dtype int64
        The Hamming distance in bits.
    agreement : ndarray of shape (n_pairs,), dtype float32
        The correlation of the gradients of the aligned thumbnails, 0 to 1.
    relation : ndarray of shape (n_pairs,), dtype object
        What was done to the left image to get the right one, such as "mirrored, cropped by 6 % at
        the left". "same pixels" where the thumbnails and the sizes are equal.

    See Also
    --------
    NearDuplicateFinder : Holds the pairs of the fitted images, as `pairs_`.
    ConfirmedViewPairs : The same with views.

    Examples
    --------
    >>> from skimage import data
    >>> from hashfeatures import NearDuplicateFinder
    >>> finder = NearDuplicateFinder().fit([data.camera(), data.coins(), data.camera()[::2, ::2]])
    >>> pairs = finder.pairs_
    >>> pairs.right, pairs.relation
    (array([2]), array(['resized to 50 %'], dtype=object))
    >>> pairs.agreement > 0.9
    array([ True])
    """

    left: NDArray[np.intp]
    right: NDArray[np.intp]
    distance: NDArray[np.int64]
    agreement: NDArray[np.float32]
    relation: NDArray[Any]

    def __repr__(self) -> str:
        return rows_as_text(count_pairs(self), self._asdict())

    def _repr_html_(self) -> str:
        return rows_as_html(count_pairs(self), self._asdict())


class ConfirmedViewPairs(NamedTuple):
    """Pairs of images that are near over views, and that their pixels confirm.

    Read more in the :doc:`User Guide </user-guide/near-duplicates>`.

    Attributes
    ----------
    left, right : ndarray of shape (n_pairs,), dtype intp
        The rows.
    distance : ndarray of shape (n_pairs,), dtype int64
        The smallest Hamming distance, in bits, between a view of one and a view of the other.
    left_view, right_view : ndarray of shape (n_pairs,), dtype object
        The views that are near, as in `ViewPairs`.
    agreement : ndarray of shape (n_pairs,), dtype float32
        The correlation of the gradients of the aligned thumbnails, 0 to 1.
    relation : ndarray of shape (n_pairs,), dtype object
        What was done to the left image to get the right one, as in `ConfirmedPairs`.

    See Also
    --------
    NearDuplicateFinder : Holds the pairs of the fitted images, as `pairs_`.
    ConfirmedPairs : The same without views.

    Examples
    --------
    >>> from skimage import data
    >>> from hashfeatures import NearDuplicateFinder
    >>> images = [data.camera(), data.coins(), data.camera()[:, ::-1]]
    >>> NearDuplicateFinder(views="flips").fit(images).pairs_.relation
    array(['mirrored'], dtype=object)
    """

    left: NDArray[np.intp]
    right: NDArray[np.intp]
    distance: NDArray[np.int64]
    left_view: NDArray[Any]
    right_view: NDArray[Any]
    agreement: NDArray[np.float32]
    relation: NDArray[Any]

    def __repr__(self) -> str:
        return rows_as_text(count_pairs(self), self._asdict())

    def _repr_html_(self) -> str:
        return rows_as_html(count_pairs(self), self._asdict())


NearPairs = Pairs | ViewPairs | ConfirmedPairs | ConfirmedViewPairs


class SizedImages(Protocol):
    """Images whose fingerprints and sizes are known, such as `FingerprintedImages`."""

    @property
    def fingerprints(self) -> Fingerprints:
        """The fingerprints of the images."""

    @property
    def n_pixels(self) -> NDArray[np.int64]:
        """The sizes of the images; 0 for one whose size is not known."""


class PairDescription(NamedTuple):
    """What the pixels of pairs say.

    Parameters
    ----------
    agreement, relation
        As in `ConfirmedPairs`.
    maps : ndarray of shape (n_pairs, 6), dtype float32
        The affine map (a, b, c, d, e, f) of the points (x, y) on the left to those on the right,
        (a x + b y + c, d x + e y + f), where the sides of both images have length 1.
    is_trimmed : bool
        Whether the sides are those of images without their borders.
    """

    agreement: NDArray[np.float32]
    relation: NDArray[Any]
    maps: NDArray[np.float32]
    is_trimmed: bool = False


DescribePairs = Callable[[Pairs], PairDescription | None]


def describe_nothing(pairs: Pairs) -> None:
    """Return None: no pixels are known."""


def describe_near(
    images: SizedImages,
    others: SizedImages,
    pairs: Pairs,
    confirmation: Confirmation,
    n_jobs: int | None = None,
    is_trimmed: bool = False,
) -> PairDescription | None:
    """Describe near pairs by their pixels.

    Parameters
    ----------
    images, others : FingerprintedImages or other SizedImages
        The images on the left and on the right.
    pairs : Pairs
        The near pairs.
    confirmation : Confirmation
        By which they are near.
    n_jobs : int or None
        The number of threads.
    is_trimmed : bool, default=False
        Whether the borders of the images were cut off.

    Returns
    -------
    PairDescription or None
        None if no pixels are known.
    """
    ours, theirs = images.fingerprints.thumbnails, others.fingerprints.thumbnails
    if confirmation.min_agreement is None or ours is None or theirs is None:
        return None
    left, right = pairs.left, pairs.right
    n_left, n_right = images.n_pixels[left], others.n_pixels[right]
    is_equal = _are_equal(ours, theirs, pairs)
    # Images of low detail are near only if all that they show is equal.
    is_plain = images.fingerprints.low_detail[left]
    is_same = is_plain | (is_equal & (n_left == n_right))
    found = confirmation.align(ours, theirs, pairs, n_jobs, is_thorough=True)
    relation = np.full(len(left), SAME_PIXELS, dtype=object)
    asked = np.flatnonzero(~is_same)
    for start in range(0, len(asked), _DESCRIBED):
        block = asked[start : start + _DESCRIBED]
        relation[block] = _describe(
            ours, theirs, pairs.take(block), found.maps[block], n_left[block], n_right[block]
        )
    agreement = np.where(is_equal | is_plain, np.float32(1), found.agreement)
    return PairDescription(agreement, relation, found.maps, is_trimmed)


def _are_equal(ours: Thumbnails, theirs: Thumbnails, pairs: Pairs) -> NDArray[np.bool_]:
    """Return which pairs have equal thumbnails."""
    equal: NDArray[np.bool_] = (ours.digests[pairs.left] == theirs.digests[pairs.right]).all(
        axis=1
    )
    return equal


def _describe(
    ours: Thumbnails,
    theirs: Thumbnails,
    pairs: Pairs,
    maps: NDArray[np.float32],
    n_left: NDArray[np.int64],
    n_right: NDArray[np.int64],
) -> list[str]:
    records = np.concatenate([ours.read(pairs.left), theirs.read(pairs.right)])
    n_pairs = len(pairs.left)
    places = np.arange(n_pairs)
    return describe_relations(
        maps,
        np.ascontiguousarray(records["luma"]),
        np.ascontiguousarray(records["chroma"]),
        np.ascontiguousarray(records["size"]),
        np.concatenate([n_left, n_right]),
        places,
        n_pairs + places,
    )


def add_description(pairs: Pairs | ViewPairs, description: PairDescription | None) -> NearPairs:
    """Return pairs with how well they agree and what became of one of them, if that is known."""
    if description is None:
        return pairs
    agreement, relation = description.agreement, description.relation
    if isinstance(pairs, ViewPairs):
        return ConfirmedViewPairs(*pairs, agreement, relation)
    return ConfirmedPairs(*pairs, agreement, relation)


def find_weakest_links(
    fingerprints: Fingerprints,
    graph: PairGraph,
    labels: Labels,
    confirmation: Confirmation,
    n_jobs: int | None = None,
) -> NDArray[np.float32] | None:
    """Find the least agreement of two near images in each group, as `describe_near` measures it.

    Parameters
    ----------
    fingerprints : Fingerprints
        The fingerprints of the images.
    graph : PairGraph
        Their near pairs.
    labels : ndarray of shape (n_images,), dtype intp
        The group of each image, from 0 on.
    confirmation : Confirmation
        By which they are near.
    n_jobs : int or None
        The number of threads.

    Returns
    -------
    ndarray of shape (n_groups,), dtype float32, or None
        1 where all images are equal or there is one. None if no pixels are known.
    """
    thumbnails = fingerprints.thumbnails
    if confirmation.min_agreement is None or thumbnails is None:
        return None
    firsts = graph.firsts()
    weakest = np.ones(int(labels.max(initial=-1)) + 1, dtype=np.float32)
    for block in graph.edges.blocks():
        pairs = Pairs(firsts[block.left], firsts[block.right], block.distance)
        pairs = pairs.take(labels[pairs.left] == labels[pairs.right])
        # Equal images are not aligned, since the weakest link starts at their agreement.
        pairs = pairs.take(~_are_equal(thumbnails, thumbnails, pairs))
        aligned = confirmation.align(thumbnails, thumbnails, pairs, n_jobs, is_thorough=True)
        np.minimum.at(weakest, labels[pairs.left], aligned.agreement)
    return weakest
