"""Cut images in their order where the scene changes, by their pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...duplicates._labels import Labels, relabel
from ...hashing._batch import hash_sources
from ...hashing._thumbnail import ThumbnailSpec, read_thumbnails
from ...images._decoding import Decoding
from ._junctions import Junctions, measure_junctions, splice
from ._pictures import Pictures
from ._separation import choose_threshold, score_junctions

_MAX_SPLICES = 4000
_SPLICES_EACH = 50  # for each image
_N_ROUNDS = 3

# Fewer junctions or splices than these do not tell how alike neighbors and strangers are.
_MIN_JUNCTIONS = 16
_MIN_SPLICES = 20

# Ends of scenes are spliced to the starts of scenes at most so many scenes away, which are the
# strangers that an image is likely to be confused with.
_MAX_SCENES_AWAY = 3
_MIN_SCENES = 3

# Junctions that score like so many of the splices may be between scenes, and teach nothing about
# those inside. They would otherwise teach that some strangers are neighbors.
_SHARE_OF_STRANGERS = 0.9

# Above this share of junctions between scenes, too few are left to learn scenes from.
_MAX_SHARE = 0.9


def label_scenes(images: list[Any], order: Labels, *, n_jobs: int | None = None) -> Labels:
    """Label the scenes of images in their order.

    Parameters
    ----------
    images : list of image sources
        The images, see `hashfeatures.images._read.read_image`.
    order : ndarray of shape (n_ordered,), dtype intp
        The rows of the images that are compared, each once.
    n_jobs : int, optional
        The number of joblib workers that read images, and of threads that compare them.

    Returns
    -------
    ndarray of shape (n_ordered,), dtype intp
        The scene of each image of `order`, counted from 0. An image that cannot be read is alone,
        and the scene goes on after it.

    Warns
    -----
    FailedImagesWarning
        If images could not be read.
    """
    hashes = hash_sources(
        [images[row] for row in order],
        (ThumbnailSpec(),),
        Decoding("reduced"),
        errors="coerce",
        min_detail=None,
        n_jobs=n_jobs,
    )
    labels = np.arange(len(order), 2 * len(order))
    readable = np.ones(len(order), dtype=bool)
    readable[list(hashes.errors)] = False
    sizes = np.column_stack([hashes.width, hashes.height]).astype(np.int64)
    records = read_thumbnails(hashes.packed(0))
    rows = np.flatnonzero(readable)
    begins = _find_scenes(Pictures.of(records, sizes, rows), n_jobs)
    labels[rows] = np.cumsum(begins)
    return relabel(labels)


def _find_scenes(pictures: Pictures, n_jobs: int | None) -> NDArray[np.bool_]:
    """Return which images begin a scene.

    Neighbors are compared with strangers of the same collection, so that no distance is fixed.
    The first strangers are splices at random places. Then the scenes that they told apart are
    spliced to those nearby, as the images of one folder are alike.

    References
    ----------
    Foote, "Automatic audio segmentation using a measure of audio novelty", ICME 2000.

    Elkan and Noto, "Learning classifiers from only positive and unlabeled data", KDD 2008.
    """
    begins = np.ones(len(pictures), dtype=bool)
    if len(pictures) < 2:
        return begins
    junctions = measure_junctions(pictures, n_jobs)
    begins[1:] = _by_evidence(junctions)
    if len(pictures) <= _MIN_JUNCTIONS:
        return begins
    rng = np.random.default_rng(0)
    left, right = _draw_places(len(pictures) - 1, rng)
    is_inside = np.ones(len(pictures) - 1, dtype=bool)
    for _ in range(_N_ROUNDS):
        splices = splice(pictures, left, right, n_jobs)
        if len(splices.evidence) < _MIN_SPLICES:
            break
        scores, splice_scores = score_junctions(junctions, splices, is_inside)
        threshold, share = choose_threshold(scores, splice_scores)
        begins[1:] = (scores < threshold) & ~junctions.is_same
        is_inside = scores >= np.quantile(splice_scores, _SHARE_OF_STRANGERS)
        ends = np.flatnonzero(~is_inside & ~junctions.is_same)
        if max(share, 1 - is_inside.mean()) > _MAX_SHARE or len(ends) < _MIN_SCENES:
            break
        left, right = _draw_scenes(ends, rng)
    return begins


def _by_evidence(junctions: Junctions) -> NDArray[np.bool_]:
    return (junctions.evidence < 0) & ~junctions.is_same


def _draw_places(n_junctions: int, rng: np.random.Generator) -> tuple[Labels, Labels]:
    """Draw two different junctions for each splice: half of them anywhere, half at all scales."""
    size = min(_MAX_SPLICES, _SPLICES_EACH * n_junctions)
    left = rng.integers(n_junctions, size=size)
    steps = np.exp(rng.uniform(np.log(2), np.log(n_junctions), size)).astype(np.intp)
    nearby = (left + steps * rng.choice([-1, 1], size)) % n_junctions
    right = np.where(np.arange(size) % 2, nearby, rng.integers(n_junctions, size=size))
    differ = left != right
    return left[differ], right[differ]


def _draw_scenes(ends: Labels, rng: np.random.Generator) -> tuple[Labels, Labels]:
    """Draw two different ends of scenes nearby for each splice."""
    size = min(_MAX_SPLICES, _SPLICES_EACH * len(ends))
    left = rng.integers(len(ends), size=size)
    steps = rng.integers(1, _MAX_SCENES_AWAY + 1, size) * rng.choice([-1, 1], size)
    right = (left + steps) % len(ends)
    differ = left != right
    return ends[left[differ]], ends[right[differ]]
