"""What a near duplicate is: from image sources to pairs and groups, and to one of each group."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.types import is_numeric_dtype
from scipy.sparse import csr_matrix
from sklearn.base import BaseEstimator, ClusterMixin, clone
from sklearn.utils.validation import check_is_fitted

from .batch import hash_sources
from .containers import take_rows
from .duplicates import LINKAGES, DuplicateGroups, Labels, label_components, relabel
from .exceptions import ImageReadError, ParameterError
from .hamming.index import Pairs
from .hashes import Hashes
from .hashing.spec import HashSpec, parse_hashes
from .images import Decoding
from .parameters import check_bool, check_choice, check_int
from .signatures import Signatures
from .sources import describe_source, is_frame, list_sources, pick_image_column

_VIEWS = ("identity",)


class NearDuplicateFinder(ClusterMixin, BaseEstimator):
    """Find the near duplicates in a collection of images, and group them.

    Two images are near duplicates if their hashes differ in few bits. Copies that were resized,
    recompressed, or changed a little in colour are found; mirrored, turned and strongly cropped
    ones are not.

    Parameters
    ----------
    hashes : str or sequence of str, default=("phash", "dhash")
        The hashes that images are compared by, as in `ImageHashFeaturizer`.
    radius : int, default=12
        The greatest Hamming distance, in bits over all hashes, of two near duplicates. 12 is
        meant for the 128 bits of the default hashes; fewer bits want a smaller radius.
    views : {"identity"}, default="identity"
        Which views of an image are compared: "identity", the image as it is.
    linkage : {"single"}, default="single"
        "single": what is near a member of a group belongs to the group, so that no two near
        duplicates are ever in different groups.
    min_detail : int, default=10
        Images of less detail than this (0 to 100, see `hash_images`) are near duplicates only if
        their decoded pixels are identical: the hashes of blank pages and flat colours are alike
        and say nothing. Of 10,144 photos and drawings of ImageNet and Caltech 101 none has less
        than 29; a blank page with one short line of text has 1, with one full line 11.
    decode : {"reduced", "full"}, default="reduced"
        How JPEG files are decoded, as in `ImageHashFeaturizer`.
    orient : bool, default=True
        Whether to turn an image as its EXIF orientation says.
    background : str, tuple of int or None, default="white"
        The colour under transparent pixels, as in `ImageHashFeaturizer`.
    max_pixels : int, default=None
        The most pixels that an image may have, as in `ImageHashFeaturizer`.
    n_jobs : int, default=None
        The number of joblib workers that hash, and of threads that search.
    cache : path, default=None
        A file in which hashes are kept, as in `ImageHashFeaturizer`.
    progress : bool, default=False
        Whether to show a progress bar.

    Attributes
    ----------
    labels_ : ndarray of shape (n_images,), dtype intp
        The group of each image, counted from 0 in order of first appearance. An image without near
        duplicates has a label of its own, and so has one that could not be read.
    n_groups_ : int
        How many groups there are, those of one image included.
    pairs_ : Pairs
        Every two near duplicates: ``left < right``, and their distance in bits.
    failures_ : pandas.DataFrame
        The images that could not be read: columns "position", "image" and "error".

    See Also
    --------
    find_duplicates : The groups as a table.
    drop_duplicates : One image of each group.
    train_test_split : A split that keeps groups together.

    Examples
    --------
    >>> from skimage import data
    >>> from hashfeatures import NearDuplicateFinder
    >>> images = [data.camera(), data.coins(), data.camera()[::2, ::2]]
    >>> finder = NearDuplicateFinder().fit(images)
    >>> finder.labels_
    array([0, 1, 0])
    >>> finder.matches([data.coins()[:, 2:]]).right
    array([1])
    """

    def __init__(
        self,
        hashes: Any = ("phash", "dhash"),
        radius: int = 12,
        *,
        views: str = "identity",
        linkage: str = "single",
        min_detail: int = 10,
        decode: str = "reduced",
        orient: bool = True,
        background: Any = "white",
        max_pixels: int | None = None,
        n_jobs: int | None = None,
        cache: Any = None,
        progress: bool = False,
    ) -> None:
        self.hashes = hashes
        self.radius = radius
        self.views = views
        self.linkage = linkage
        self.min_detail = min_detail
        self.decode = decode
        self.orient = orient
        self.background = background
        self.max_pixels = max_pixels
        self.n_jobs = n_jobs
        self.cache = cache
        self.progress = progress

    def fit(self, X: Any, y: Any = None) -> NearDuplicateFinder:
        """Find the near duplicates among images.

        Parameters
        ----------
        X : list, tuple, 1-D array, Series or one-column DataFrame of shape (n_images,)
            Image sources, as for `ImageHashFeaturizer`. Those that cannot be read are told in one
            `FailedImagesWarning` and in `failures_`.
        y : None
            Ignored.

        Returns
        -------
        NearDuplicateFinder
            The object itself.
        """
        specs = self._check_parameters()
        sources = list_sources(X, type(self).__name__)
        hashes = self._hash(sources, specs)
        self.failures_ = _list_failures(hashes.errors, sources)
        self._n_pixels = hashes.n_pixels()
        return self._group(Signatures.from_hashes(hashes, self.min_detail))

    def fit_table(self, table: pd.DataFrame) -> NearDuplicateFinder:
        """Find the near duplicates among images that were hashed before.

        Parameters
        ----------
        table : pandas.DataFrame
            As `hash_images` makes it, with a hex column for each of `hashes`. Rows without a hash,
            or with less than `min_detail` in the column "detail", are near duplicates of none:
            their pixels are not at hand.

        Returns
        -------
        NearDuplicateFinder
            The object itself.
        """
        specs = self._check_parameters()
        signatures = Signatures.from_table(table, specs, self.min_detail)
        self.failures_ = _list_failures({}, [])
        return self._group(signatures)

    def matches(self, X: Any) -> Pairs:
        """Find the fitted images that are near duplicates of other images.

        Parameters
        ----------
        X : list, tuple, 1-D array, Series or one-column DataFrame of shape (n_queries,)
            Image sources. Those that cannot be read match nothing, and are told in a warning.

        Returns
        -------
        Pairs
            ``left`` is the row in `X`, ``right`` the row in the fitted images; ordered by left,
            then right.
        """
        check_is_fitted(self)
        specs = self._check_parameters()
        hashes = self._hash(list_sources(X, type(self).__name__), specs)
        queries = Signatures.from_hashes(hashes, self.min_detail)
        return self._signatures.matches(queries, self.radius, self.n_jobs)

    def _check_parameters(self) -> tuple[HashSpec, ...]:
        name = type(self).__name__
        check_int(name, "radius", self.radius, 0)
        check_choice(name, "views", self.views, _VIEWS)
        check_choice(name, "linkage", self.linkage, LINKAGES)
        check_int(name, "min_detail", self.min_detail, 0)
        check_bool(name, "progress", self.progress)
        self._decoding().check(name)
        return parse_hashes(self.hashes)

    def _hash(self, sources: Sequence[Any], specs: tuple[HashSpec, ...]) -> Hashes:
        return hash_sources(
            sources,
            specs,
            self._decoding(),
            errors="coerce",
            digest_below=self.min_detail,
            n_jobs=self.n_jobs,
            cache=self.cache,
            progress=self.progress,
        )

    def _decoding(self) -> Decoding:
        return Decoding(self.decode, self.orient, self.background, self.max_pixels)

    def _group(self, signatures: Signatures) -> NearDuplicateFinder:
        self._signatures = signatures
        self.pairs_ = signatures.pairs(self.radius, self.n_jobs)
        self.labels_ = label_components(len(signatures.hashed), self.pairs_)
        self.n_groups_ = len(np.unique(self.labels_))
        return self

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.string = True
        tags.input_tags.allow_nan = True
        return tags


def _list_failures(errors: dict[int, ImageReadError], sources: Sequence[Any]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "position": np.array(list(errors), dtype=np.intp),
            "image": pd.Series([sources[row] for row in errors], dtype=object),
            "error": pd.Series([error.cause for error in errors.values()], dtype=object),
        }
    )


def is_bit_matrix(images: Any) -> bool:
    """Tell a matrix of numbers from a container of image sources."""
    if is_frame(images):
        if isinstance(images, pd.DataFrame):
            is_number = [is_numeric_dtype(dtype) for dtype in images.dtypes]
        else:
            is_number = [dtype.is_numeric() for dtype in images.dtypes]
        return len(is_number) > 1 and all(is_number)
    if isinstance(images, list | tuple):
        first = images[0] if images else None
        return isinstance(first, list | tuple) or (
            isinstance(first, np.ndarray) and first.ndim == 1
        )
    if hasattr(images, "toarray"):  # sparse: refused with scikit-learn's own sentence
        return True
    return isinstance(images, np.ndarray) and images.ndim == 2 and images.dtype.kind in "biuf"


def group_images(images: Any, finder: Any = None) -> Labels:
    """Group near duplicates by whatever says what they are.

    Parameters
    ----------
    images : container of image sources, or array-like of shape (n_samples, n_bits)
        A matrix of bits is grouped by `DuplicateGroups`, with the radius of the finder. In a
        table, the images are looked for as in `drop_duplicates`.
    finder : estimator with ``fit_predict(X) -> labels``, optional
        None means ``NearDuplicateFinder()``. It is cloned, not fitted. The label -1 means, as in
        scikit-learn's own clusterers, a sample in no group.

    Returns
    -------
    ndarray of shape (n_images,), dtype intp
        The group of each image, counted from 0 in order of first appearance.
    """
    finder = check_finder(finder)
    if is_bit_matrix(images):
        if isinstance(finder, NearDuplicateFinder):
            finder = DuplicateGroups(finder.radius, linkage=finder.linkage, n_jobs=finder.n_jobs)
    elif is_frame(images):
        images = images[pick_image_column(images, "A search for near duplicates")]
    labels = np.array(clone(finder).fit_predict(images))
    if labels.ndim != 1:
        raise ValueError(
            f"Expected one label an image from {finder!r}. Got an array of shape {labels.shape}."
        )
    alone = np.flatnonzero(labels == -1)
    groups = relabel(labels)
    groups[alone] = len(labels) + alone
    return relabel(groups)


def check_finder(finder: Any) -> Any:
    """Return `finder`, or the default one, or raise if it groups nothing."""
    if finder is None:
        return NearDuplicateFinder()
    if not hasattr(finder, "fit_predict") or isinstance(finder, type):
        raise ParameterError(
            f"The 'finder' parameter must be None or an estimator with fit_predict, as "
            f"NearDuplicateFinder() is. Got {finder!r} instead."
        )
    return finder


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
