"""What the places between neighboring images look like, beside splices of the same images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...duplicates._labels import Labels
from ._pictures import Floats, Likeness, Pictures, compare_pictures

# The traits that change steadily in a scene: sharpness, fineness and size.
_TRENDS = slice(2, 5)

# The correlation of the luma at which two images are as likely of one scene as of two, if
# nothing is known but that, and how fast this changes.
_EVEN_CORRELATION = 0.6
_STEEPNESS = 3.0
_FLOOR = 0.02

# Images that correlate so well are not taken for strangers.
_MAX_STRANGERS = 0.8


@dataclass(frozen=True)
class Junctions:
    """Places where one image follows another, seen with one more image on either side.

    Parameters
    ----------
    features : ndarray of shape (n_junctions, 36), dtype float64
        How alike both images are, those with one image between, and those on one side; then the
        changes of sharpness, fineness and size.
    evidence : ndarray of shape (n_junctions,), dtype float64
        The log odds, by the best correlation of images on both sides alone, that the scene goes
        on.
    correlation : ndarray of shape (n_junctions,), dtype float32
        That correlation.
    is_same : ndarray of shape (n_junctions,), dtype bool
        Whether two images on different sides show the same picture.
    """

    features: NDArray[np.float64]
    evidence: NDArray[np.float64]
    correlation: Floats
    is_same: NDArray[np.bool_]

    def take(self, rows: NDArray[np.bool_]) -> Junctions:
        """Return some of the junctions."""
        return Junctions(
            self.features[rows], self.evidence[rows], self.correlation[rows], self.is_same[rows]
        )


def measure_junctions(pictures: Pictures, n_jobs: int | None = None) -> Junctions:
    """Measure the junctions of images in their order.

    Parameters
    ----------
    pictures : Pictures
        At least two images.
    n_jobs : int, optional
        The number of threads.

    Returns
    -------
    Junctions
        Junction i is between the images i and i + 1.
    """
    n_images = len(pictures)
    rows = np.arange(n_images)
    next_likeness = compare_pictures(pictures, rows[:-1], rows[1:], n_jobs)
    last = n_images - 2
    junctions = rows[:-1]
    if n_images == 2:
        return _describe(pictures, junctions, junctions + 1, next_likeness, [], [])
    beyond = compare_pictures(pictures, rows[:-2], rows[2:], n_jobs)
    # The first and the last junction have an image beyond on one side alone.
    before = np.where(junctions == 0, 0, junctions - 1)
    after = np.where(junctions == last, last - 1, junctions)
    within = [
        np.where(junctions == 0, 1, junctions - 1),
        np.where(junctions == last, last - 1, junctions + 1),
    ]
    return _describe(
        pictures,
        junctions,
        junctions + 1,
        next_likeness,
        [_take(beyond, before), _take(beyond, after)],
        [_take(next_likeness, side) for side in within],
    )


def splice(
    pictures: Pictures, left: Labels, right: Labels, n_jobs: int | None = None
) -> Junctions:
    """Measure junctions that do not exist, between images that are probably strangers.

    Parameters
    ----------
    pictures : Pictures
        At least three images, in their order.
    left, right : ndarray of shape (n_splices,), dtype intp
        Junctions, as in `measure_junctions`. The images up to `left` are followed by those after
        `right`.
    n_jobs : int, optional
        The number of threads.

    Returns
    -------
    Junctions
        Those whose images are not too much alike for strangers.
    """
    end = len(pictures) - 1
    first = right + 1
    before, after = np.maximum(left - 1, 0), np.minimum(first + 1, end)
    # At either end of all images, the other side alone tells how alike neighbors are.
    own_left = (np.where(left == 0, first, before), np.where(left == 0, after, left))
    own_right = (np.where(first == end, before, first), np.where(first == end, left, after))

    def compare(one: Labels, other: Labels) -> Likeness:
        return compare_pictures(pictures, one, other, n_jobs)

    found = _describe(
        pictures,
        left,
        first,
        compare(left, first),
        [compare(before, first), compare(left, after)],
        [compare(*own_left), compare(*own_right)],
    )
    return found.take(found.correlation < _MAX_STRANGERS)


def _take(likeness: Likeness, rows: NDArray[np.intp]) -> Likeness:
    return Likeness(likeness.measures[rows], likeness.correlation[rows], likeness.is_same[rows])


def _describe(
    pictures: Pictures,
    left: Labels,
    right: Labels,
    next_likeness: Likeness,
    beyond: Sequence[Likeness],
    within: Sequence[Likeness],
) -> Junctions:
    across = [next_likeness, *beyond]
    correlation: Floats = np.max([likeness.correlation for likeness in across], axis=0)
    trends = pictures.traits[right, _TRENDS] - pictures.traits[left, _TRENDS]
    means = [
        np.mean([likeness.measures for likeness in side or across], axis=0)
        for side in (beyond, within)
    ]
    return Junctions(
        np.hstack([next_likeness.measures, *means, trends]).astype(np.float64),
        _STEEPNESS
        * (
            np.log(1 - _EVEN_CORRELATION + _FLOOR)
            - np.log(1 - np.minimum(correlation, 1) + _FLOOR)
        ),
        correlation,
        np.any([likeness.is_same for likeness in across], axis=0),
    )
