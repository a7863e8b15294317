"""From near duplicates to one image that stands for them."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.base import clone

from .batch import hash_sources
from .containers import take_rows
from .finder import NearDuplicateFinder
from .grouping import check_finder, group_images
from .hamming.index import Pairs
from .hashing.spec import HashSpec
from .images import Decoding
from .parameters import check_choice
from .sources import describe_source, is_frame, list_sources, pick_image_column


def drop_duplicates(
    images_or_frame: Any,
    *,
    keep: str | Callable[[Any], float] = "first",
    finder: Any = None,
) -> Any:
    """Leave out images that are near duplicates of ones that are kept.

    Every image left out is within the radius of one that is kept: in a chain of copies where the
    first and the last are far apart, both stay.

    Parameters
    ----------
    images_or_frame : list, tuple, 1-D array, Series or DataFrame
        Image sources, or a frame that holds them in its only column or in one named
        "image", "path", "url", "file" or "filename".
    keep : {"first", "largest"} or callable, default="first"
        Which image stands for its near duplicates: the one that comes first, or the one with the
        most pixels (then the most bytes, then the first by name). A callable is given an image
        source and returns a number; the image with the greatest is kept.
    finder : estimator with ``fit_predict(X) -> labels``, optional
        What says what a near duplicate is; None means ``NearDuplicateFinder()``. Of an estimator
        that finds groups alone, one image of each group is kept.

    Returns
    -------
    container
        Of the kind of `images_or_frame`, in its order, a pandas index kept. Images that cannot be
        read are kept: nothing is known of them.

    Examples
    --------
    >>> from skimage import data
    >>> from hashfeatures import drop_duplicates
    >>> images = [data.camera()[::2, ::2], data.coins(), data.camera()]
    >>> [image.shape for image in drop_duplicates(images, keep="largest")]
    [(303, 384), (512, 512)]
    """
    name = "drop_duplicates"
    if not callable(keep):
        check_choice(name, "keep", keep, {"first", "largest"})
    images = images_or_frame
    if is_frame(images):
        images = images[pick_image_column(images, name)]
    sources = list_sources(images, name)
    finder = check_finder(finder)
    if isinstance(finder, NearDuplicateFinder):
        fitted = clone(finder).fit(images)
        pairs, n_pixels = fitted.pairs_, fitted._n_pixels
        doubtful = np.unique(np.concatenate([pairs.left, pairs.right]))
        order = _by_preference(sources, doubtful, keep, n_pixels)
        dropped = _dominated(len(sources), pairs, order)
    else:
        labels = group_images(images, finder)
        doubtful = np.flatnonzero(np.bincount(labels)[labels] > 1)
        order = _by_preference(sources, doubtful, keep, _count_pixels(sources, doubtful, keep))
        dropped = np.delete(order, np.unique(labels[order], return_index=True)[1])
    return take_rows(images_or_frame, np.setdiff1d(np.arange(len(sources)), dropped))


def _by_preference(
    sources: Sequence[Any],
    rows: NDArray[np.intp],
    keep: str | Callable[[Any], float],
    n_pixels: NDArray[np.int64],
) -> NDArray[np.intp]:
    """Order rows so that those to be kept come before those that they stand for."""
    if callable(keep):
        scores = np.array([keep(sources[row]) for row in rows], dtype=float)
        return rows[np.argsort(-scores, kind="stable")]
    if keep == "largest":
        names = np.array([describe_source(sources[row]) for row in rows])
        n_bytes = np.array([_count_bytes(sources[row]) for row in rows])
        return rows[np.lexsort((names, -n_bytes, -n_pixels[rows]))]
    return rows


def _count_pixels(
    sources: Sequence[Any], rows: NDArray[np.intp], keep: str | Callable[[Any], float]
) -> NDArray[np.int64]:
    """Return the pixels of the images in `rows` where they matter, and zeros elsewhere."""
    n_pixels = np.zeros(len(sources), dtype=np.int64)
    if keep == "largest":
        doubtful = [sources[row] for row in rows]
        spec = HashSpec.parse("ahash")
        hashes = hash_sources(doubtful, (spec,), Decoding("reduced"), errors="coerce")
        n_pixels[rows] = hashes.n_pixels()
    return n_pixels


def _count_bytes(source: Any) -> int:
    if isinstance(source, str | os.PathLike) and os.path.exists(source):
        return os.path.getsize(source)
    return len(source) if isinstance(source, bytes) else 0


def _dominated(n_rows: int, pairs: Pairs, order: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the rows that are near one that is kept, keeping in the given order."""
    near = csr_matrix(
        (np.ones(len(pairs.left), dtype=bool), (pairs.left, pairs.right)), shape=(n_rows, n_rows)
    )
    near = (near + near.T).tocsr()
    dropped = np.zeros(n_rows, dtype=bool)
    for row in order:
        if not dropped[row]:
            # No row kept before is among these: it would have dropped this one.
            dropped[near.indices[near.indptr[row] : near.indptr[row + 1]]] = True
    return np.flatnonzero(dropped)
