"""What a near duplicate is: from image sources to pairs and groups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.utils.validation import check_is_fitted

from .batch import hash_sources
from .duplicates import LINKAGES, label_components
from .exceptions import ImageReadError
from .hamming.index import Pairs
from .hashes import Hashes
from .hashing.spec import HashSpec, parse_hashes
from .images import Decoding
from .parameters import check_bool, check_choice, check_int
from .signatures import Signatures
from .sources import list_sources

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
