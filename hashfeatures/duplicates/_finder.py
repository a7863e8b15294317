"""What a near duplicate is: from image sources to pairs and groups."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClusterMixin, clone
from sklearn.utils.validation import check_is_fitted

from .._utils.descriptions import describe_value
from .._utils.validation import (
    check_bool,
    check_choice,
    check_int,
    check_n_jobs,
    check_radius,
    refuse,
)
from ..exceptions import ParameterError
from ..hamming._pairs import Pairs
from ..hashing._batch import hash_sources
from ..hashing._default_radius import DefaultRadius, default_radius
from ..hashing._spec import HashSpec, parse_hashes
from ..hashing.views._modes import VIEWS, compare_by, count_turns
from ..images._decoding import Decoding
from ..images._identities import identify
from ..images._sources import image_column, list_sources, name_sources
from ..report._notebook import show_groups
from ._conflicts import find_conflicts
from ._diameters import Diameters, tabulate_groups, warn_of_chains
from ._labels import Labels, relabel, tabulate_duplicates
from ._linkage import LINKAGES
from ._pair_graph import CompactPairs
from ._persistence import SavedFinder
from ._radius_warnings import warn_of_crowd, warn_of_strangers
from ._representatives import greedy_cover
from ._summary import count_nearest, make_grouping
from .calibration._trial import recommend, tabulate, try_out
from .fingerprints._fingerprinted_images import Signed
from .fingerprints._fingerprints import Signatures, SignatureSearch
from .fingerprints._views import ViewPairs

# What colors are compared by.
_COLORS = "colorgrid"


class NearDuplicateFinder(ClusterMixin, BaseEstimator):
    """Find the near duplicates in a collection of images, and group them.

    Two images are near duplicates if their hashes differ in few bits. Copies that were resized,
    recompressed, or changed a little in colour are found; mirrored, turned and cropped ones with
    `views`.

    Parameters
    ----------
    hashes : str or sequence of str, default=("phash", "dhash")
        The hashes that images are compared by, as in `ImageHashFeaturizer`.
    radius : int, "calibrated" or None, default=None
        The greatest Hamming distance, in bits over all hashes, of two near duplicates. None: what
        suits `hashes` and `views`. For the 128 bits of the default hashes that is 12, 9 with
        ``views="robust"``, or 18 with "segments"; for "dhash" alone 4 of 64, for "pdq" 43 of
        256. All but "segments" match the same share of different images: 4 in a million of 51
        million pairs of photos and drawings, and 2 of 97 million with photos of clothes. The table
        is in the guide "How do I choose a radius?". Hashes that match more even at 0 bits, as
        "ahash", "whash" and "colorhash" alone do, get 0, and a `RadiusWarning` in a set that is
        too large for them. "calibrated": what `calibrate` recommends for the images that are
        fitted.
    views : {"identity", "flips", "dihedral", "robust", "segments"}, default="identity"
        Which views of an image are compared; the nearest two decide. "identity": the image as it
        is. "flips": mirrored too. "dihedral": in all eight turns and mirrors. "robust": these,
        and in each of them cropped, rotated by 3 degrees, and without borders and captions. Views
        can be had of "phash" and "dhash". "segments": not the image, but its bright and its dark
        segments, which large crops have in common with their originals, each hashed by `hashes`
        (any that look at luma alone). Two images are near if two segments of the one are within
        the radius of two of the other, or one within half the radius of one; the distance of
        images is that of the second nearest segments, or twice that of the nearest. Segments of
        little detail do not count. Two crops of one image are near it, and seldom each other.
    linkage : {"single", "complete"}, default="single"
        "single": what is near a member of a group belongs to the group, so that no two near
        duplicates are ever in different groups. "complete": no two members of a group are farther
        from each other than the radius; near duplicates may be in different groups. Splits keep
        all near duplicates together, whatever is chosen here.
    min_detail : int, default=10
        Images of less detail than this (0 to 100, see `hash_images`) are near duplicates only if
        all that they show is identical: size, colors, transparency, 16 bits, frames. The hashes of
        blank pages and flat colours are alike and say nothing. A view or a segment of less detail
        than this matches nothing either. Of
        10,144 photos and drawings of ImageNet and Caltech 101 none has less than 29, of 1,000
        desktop icons none less than 17; flat images and blank scanned pages have 0, and of smooth
        gradients and of flat images with noise 95 % or more have less than 10. Scanned pages with
        one to five lines of text have 9 to 100, and of these up to one pair in forty matches: a
        set of such pages wants `min_detail` higher, and a smaller radius.
    decode : {"reduced", "full"}, default="reduced"
        How JPEG files are decoded, as in `ImageHashFeaturizer`.
    orient : bool, default=True
        Whether to turn an image as its EXIF orientation says.
    background : str, tuple of int or None, default="white"
        The colour under transparent pixels, as in `ImageHashFeaturizer`.
    trim_borders : bool, default=False
        Whether uniform borders are cut off first, as in `ImageHashFeaturizer`.
    color_radius : int, default=None
        The greatest distance of the colours of two near duplicates, in bits of the hash
        "colorgrid" (288 bits; one bit is a step of 8 in the mean chroma of one of nine cells).
        None: colours do not matter, so that recoloured and grey copies are found.
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
    groups_ : pandas.DataFrame
        The groups of two or more, by label: "size" in images, "diameter" in bits (the greatest
        distance of two members), and "exact": False where, in a group of more than 2048 different
        images (1024 over views), the diameter is an upper bound.
    pairs_ : Pairs or ViewPairs
        Every two near duplicates: ``left < right``, and their distance in bits; over views (but
        not over segments) also
        ``left_view`` and ``right_view``, the views in which they are so near. Written out when it
        is asked for; more than 100 million pairs are refused.
    radius_ : int
        The radius in bits by which they were found.
    ids_ : ndarray of shape (n_images,), dtype object
        The path or URL of each image; None for one from memory.
    failures_ : pandas.DataFrame
        The images that could not be read: columns "position", "image" and "error".

    Warns
    -----
    ChainingWarning
        If single linkage makes a group of more than 5 % of all images (and more than 20), or one
        whose diameter is above three radii.
    FailedImagesWarning
        If images could not be read.
    RadiusWarning
        If no radius is given and the hashes match different images in a set of this size, or if
        the radius matches more than a tenth of all pairs.

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

    ids_: NDArray[np.object_]
    failures_: pd.DataFrame
    radius_: int
    labels_: Labels
    groups_: pd.DataFrame
    n_groups_: int
    _fitted_as: dict[str, Any]
    _signatures: Signatures
    _near: CompactPairs
    _diameters: Diameters
    _n_pixels: NDArray[np.int64]
    _identities: NDArray[np.uint64]
    _in_memory: NDArray[np.object_]

    def __init__(
        self,
        hashes: Any = ("phash", "dhash"),
        radius: int | str | None = None,
        *,
        views: str = "identity",
        linkage: str = "single",
        min_detail: int = 10,
        decode: str = "reduced",
        orient: bool = True,
        background: Any = "white",
        trim_borders: bool = False,
        color_radius: int | None = None,
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
        self.trim_borders = trim_borders
        self.color_radius = color_radius
        self.max_pixels = max_pixels
        self.n_jobs = n_jobs
        self.cache = cache
        self.progress = progress

    def fit(self, X: Any, y: Any = None) -> NearDuplicateFinder:
        """Find the near duplicates among images.

        Parameters
        ----------
        X : list, tuple, 1-D array, Series or DataFrame of shape (n_images,)
            Image sources, as for `ImageHashFeaturizer`. Those that cannot be read are told in one
            `FailedImagesWarning` and in `failures_`.
        y : None
            Ignored.

        Returns
        -------
        NearDuplicateFinder
            The object itself.
        """
        signed = self._sign(X)
        radius = self._choose_radius(X)
        self._warn_of_crowd(signed.signatures, radius)
        return self._remember(signed, radius)

    def partial_fit(self, X: Any, y: Any = None) -> NearDuplicateFinder:
        """Add images to those that were fitted; their rows go on from the last.

        Only the new images are hashed, and only they are compared, with all.

        Parameters
        ----------
        X : list, tuple, 1-D array, Series or DataFrame of shape (n_images,)
            Image sources, as for `fit`.
        y : None
            Ignored.

        Returns
        -------
        NearDuplicateFinder
            The object itself.
        """
        if not hasattr(self, "labels_"):
            return self.fit(X)
        self._check_as_fitted()
        signed = self._sign(X)
        signed = self._signed().joined_with(signed)
        near = signed.signatures.near(self.radius_, self.n_jobs, self._near, self.color_radius)
        labels, diameters = self._regroup(signed.signatures, near)
        return self._set_fitted(signed, self.radius_, near, labels, diameters)

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
        if self.views != "identity" or self.color_radius is not None:
            raise ParameterError(
                "A table of hashes knows images as they are: views='identity' and "
                f"color_radius=None are needed for it. Got views={describe_value(self.views)} and "
                f"color_radius={describe_value(self.color_radius)} instead."
            )
        radius = self._given_radius(len(table))
        signed = Signed.from_table(table, specs, self.min_detail)
        self._warn_of_crowd(signed.signatures, radius)
        return self._remember(signed, radius)

    def with_radius(self, radius: int) -> NearDuplicateFinder:
        """Group the fitted images by another radius; none is hashed again.

        Parameters
        ----------
        radius : int
            The greatest Hamming distance, in bits, of two near duplicates.

        Returns
        -------
        NearDuplicateFinder
            A new one, fitted.

        Examples
        --------
        >>> from skimage import data
        >>> from hashfeatures import NearDuplicateFinder
        >>> finder = NearDuplicateFinder().fit([data.camera(), data.coins(), data.camera()[8:]])
        >>> [finder.with_radius(radius).n_groups_ for radius in (0, 12, 128)]
        [3, 2, 1]
        """
        check_is_fitted(self)
        radius = check_int(type(self).__name__, "radius", radius, 0)
        other: NearDuplicateFinder = clone(self).set_params(radius=radius)
        other._check_parameters()
        self._warn_of_crowd(self._signatures, radius)
        return other._remember(self._signed(), radius)

    def save(self, path: Any) -> None:
        """Save the fitted finder to a file, without the images and without pickle.

        Parameters
        ----------
        path : str or PathLike
            The file; it appears under its name only when it is whole, in place of one that is
            there.

        See Also
        --------
        load : Reads it.
        """
        check_is_fitted(self)
        SavedFinder(
            self._whats(), self._signed(), self._near, self.labels_, self._diameters, self.radius_
        ).write(path)

    @classmethod
    def load(cls, path: Any) -> NearDuplicateFinder:
        """Load a finder that was saved.

        Parameters
        ----------
        path : str or PathLike
            The file.

        Returns
        -------
        NearDuplicateFinder
            Fitted; `n_jobs`, `cache` and `progress`, which say how and not what, are as by
            default.

        Raises
        ------
        StoreError
            If the file is no saved finder, is damaged or cut short, or was saved by a release
            whose format is newer or whose hashes are others.

        Examples
        --------
        >>> import tempfile
        >>> from pathlib import Path
        >>> from skimage import data
        >>> from hashfeatures import NearDuplicateFinder
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder, "known.finder")
        ...     NearDuplicateFinder().fit([data.camera(), data.coins()]).save(path)
        ...     known = NearDuplicateFinder.load(path)
        >>> known.matches([data.coins()[::2, ::2]]).right
        array([1])
        """
        saved = SavedFinder.read(path)
        finder = cls(**saved.parameters)
        return finder._set_fitted(
            saved.signed, saved.radius, saved.near, saved.labels, saved.diameters
        )

    def matches(self, X: Any) -> Pairs | ViewPairs:
        """Find the fitted images that are near duplicates of other images.

        Parameters
        ----------
        X : list, tuple, 1-D array, Series or DataFrame of shape (n_queries,)
            Image sources. Those that cannot be read match nothing, and are told in a warning.

        Returns
        -------
        Pairs or ViewPairs
            ``left`` is the row in `X`, ``right`` the row in the fitted images; ordered by left,
            then right. Over views also ``left_view`` and ``right_view``.
        """
        check_is_fitted(self)
        self._check_as_fitted()
        queries = (X if isinstance(X, Signed) else self._sign(X)).signatures
        search = self._near.search
        assert isinstance(search, SignatureSearch)
        search.n_jobs = self.n_jobs
        found = self._near.images_of(search.matches(queries))
        return queries.name_views(self._signatures, found)

    def duplicates(self) -> pd.DataFrame:
        """List the fitted images that have near duplicates, group by group.

        Returns
        -------
        pandas.DataFrame
            One row an image of a group of two or more, as `find_duplicates` lists them: by its
            row in the fitted images, "group" (its label in `labels_`), "image" (the path or URL;
            the image itself where it is in memory still, else None), and "distance" in bits to
            the nearest near duplicate.

        Examples
        --------
        >>> from skimage import data
        >>> from hashfeatures import NearDuplicateFinder
        >>> images = [data.coins(), data.camera(), data.camera()[2:]]
        >>> NearDuplicateFinder().fit(images).duplicates()[["group", "distance"]]
           group  distance
        1      1         0
        2      1         0
        """
        check_is_fitted(self)
        images = [
            name if name is not None or held is None else held()
            for name, held in zip(self.ids_, self._in_memory, strict=True)
        ]
        nearest = pd.Series(self._near.nearest())
        return tabulate_duplicates(self.labels_, images, nearest, pd.RangeIndex(len(images)))

    def conflicts(self, y: Any) -> pd.DataFrame:
        """List the groups whose members carry different labels, the worst first.

        One of the labels is wrong, or the images do not tell what the labels say.

        Parameters
        ----------
        y : array-like of shape (n_images,)
            The label of each fitted image. A missing one (None, NaN) is in conflict with none.

        Returns
        -------
        pandas.DataFrame
            One row a group, by its label in `labels_`: "size" in images; "disagreeing", how many
            of them carry another label than the most frequent one, by which the table is sorted;
            "labels", a dict from each label to how many carry it, the most frequent first; and
            "rows", the list of the images' rows.

        Examples
        --------
        >>> from skimage import data
        >>> from hashfeatures import NearDuplicateFinder
        >>> finder = NearDuplicateFinder().fit([data.camera(), data.coins(), data.camera()[2:]])
        >>> finder.conflicts(["camera", "coins", "dog"])
               size  disagreeing                   labels    rows
        label
        0         2            1  {'camera': 1, 'dog': 1}  [0, 2]
        """
        check_is_fitted(self)
        return find_conflicts(self.labels_, y)

    def summary(self) -> dict[str, Any]:
        """Sum up the fitted images in plain numbers, ready for JSON.

        Returns
        -------
        dict
            "images", "unreadable", "low_detail" (compared by their pixels alone), "groups" (of
            two images or more), "grouped_images", "duplicates" (images that are left over if one
            of each group is kept), "largest_group" in images, "widest_group" in bits, and
            "near_pairs"; then "hashes", "bits" and "radius" in bits, by which they were found.
        """
        check_is_fitted(self)
        n_images, sizes = len(self.labels_), self.groups_["size"]
        n_failed = len(self.failures_)
        return {
            "images": n_images,
            "unreadable": n_failed,
            "low_detail": n_images - n_failed - int(self._signatures.hashed.sum()),
            "groups": len(sizes),
            "grouped_images": int(sizes.sum()),
            "duplicates": n_images - self.n_groups_,
            "largest_group": int(sizes.max()) if len(sizes) else 0,
            "widest_group": int(self.groups_["diameter"].max()) if len(sizes) else 0,
            "near_pairs": self._near.n_pairs,
            "hashes": [str(spec) for spec in parse_hashes(self.hashes)],
            "bits": self._signatures.n_bits,
            "radius": int(self.radius_),
        }

    @property
    def pairs_(self) -> Pairs | ViewPairs:
        """Every two near duplicates."""
        check_is_fitted(self)
        return self._signatures.name_views(self._signatures, self._near.pairs())

    def _sign(self, X: Any) -> Signed:
        """Hash images into what they are compared by; nothing is fitted.

        Parameters
        ----------
        X : list, tuple, 1-D array, Series or DataFrame of shape (n_images,)
            Image sources, as for `fit`.

        Returns
        -------
        Signed
            The signatures, the paths or URLs, and the failures.
        """
        specs = self._check_parameters()
        sources = list_sources(X, type(self).__name__)
        identities = identify(sources)  # a file that changes from here on is another one
        hashes = hash_sources(
            sources,
            self._specs_to_hash(specs),
            self._decoding(),
            errors="coerce",
            digest_below=self.min_detail,
            n_jobs=self.n_jobs,
            cache=self.cache,
            progress=self.progress,
        )
        n_compared = len(specs) if self.views == "identity" else 1
        return Signed.from_hashes(hashes, sources, identities, self.min_detail, n_compared)

    def _choose_radius(self, X: Any) -> int:
        """Return the radius that is meant: as it was given, by default, or fitted to images.

        Parameters
        ----------
        X : list, tuple, 1-D array, Series or DataFrame of shape (n_images,)
            Image sources, which are read only if the radius is "calibrated".

        Returns
        -------
        int
            In bits.
        """
        self._check_parameters()
        if isinstance(self.radius, str):
            trial = try_out(self, X, progress=self.progress)
            table = tabulate(trial, len(list_sources(X, type(self).__name__)))
            return recommend(trial, table, default=self._default_radius().bits)
        n_images = 0 if self.radius is not None else len(list_sources(X, type(self).__name__))
        return self._given_radius(n_images)

    def _default_radius(self) -> DefaultRadius:
        """Return the radius that is meant by None."""
        return default_radius(parse_hashes(self.hashes), self.views)

    def _given_radius(self, n_images: int, n_bits: int | None = None) -> int:
        """Return the radius that is meant where there are bits and no images.

        Parameters
        ----------
        n_images : int
            How many images are compared.
        n_bits : int, optional
            How many bits they are compared by. If these are not as many as those of the hashes,
            the default is as large a share of them.

        Returns
        -------
        int
            In bits.

        Warns
        -----
        RadiusWarning
            If the radius is the default one, and the hashes match different images among so many.
        """
        if isinstance(self.radius, str):
            raise ParameterError(
                "radius='calibrated' edits images, and there are bits alone: give a number, such "
                "as that of calibrate(images).radius."
            )
        specs = self._check_parameters()
        if self.radius is not None:
            return int(self.radius)
        default, own_bits = self._default_radius(), sum(spec.n_bits for spec in specs)
        if n_bits is not None and n_bits != own_bits:
            return default.bits * n_bits // own_bits
        warn_of_strangers(specs, default, n_images)
        return default.bits

    def _warn_of_crowd(self, signatures: Signatures, radius: int) -> None:
        """Warn if a large part of all pairs of images is within a radius."""
        warn_of_crowd(signatures, radius, self.n_jobs, self.color_radius)

    def _n_turns(self) -> int:
        """Return in how many of the eight turns and mirrors an image is looked at."""
        return count_turns(self.views)

    def _specs_to_hash(self, specs: tuple[HashSpec, ...]) -> tuple[HashSpec, ...]:
        compared = compare_by(specs, self.views, self.min_detail)
        return compared if self.color_radius is None else (*compared, *parse_hashes(_COLORS))

    def _check_parameters(self) -> tuple[HashSpec, ...]:
        name = type(self).__name__
        specs = parse_hashes(self.hashes)
        if isinstance(self.radius, str):
            if self.radius != "calibrated":
                expected = "an int in the range [0, inf), 'calibrated' or None"
                raise refuse(name, "radius", expected, self.radius)
        elif self.radius is not None:
            check_radius(name, self.radius, sum(spec.n_bits for spec in specs))
        check_choice(name, "views", self.views, VIEWS)
        if self.color_radius is not None:
            n_bits = sum(spec.n_bits for spec in parse_hashes(_COLORS))
            check_radius(name, self.color_radius, n_bits, "color_radius")
            if self.views == "segments":
                raise ParameterError(
                    "color_radius compares colours place by place, and segments match wherever "
                    "they are: color_radius=None is needed for views='segments'. Got "
                    f"color_radius={describe_value(self.color_radius)} instead."
                )
        check_choice(name, "linkage", self.linkage, LINKAGES)
        check_int(name, "min_detail", self.min_detail, 0)
        check_bool(name, "progress", self.progress)
        check_n_jobs(name, self.n_jobs)
        self._decoding().check(name)
        self._specs_to_hash(specs)
        return specs

    def _decoding(self) -> Decoding:
        """Return how files become pixels."""
        return Decoding(
            self.decode,
            self.orient,
            self.background,
            self.max_pixels,
            trim_borders=self.trim_borders,
        )

    def _whats(self) -> dict[str, Any]:
        """Return the parameters that say what is found, without those that say how."""
        hows = ("n_jobs", "cache", "progress")
        whats = {name: value for name, value in self.get_params().items() if name not in hows}
        return whats | {"hashes": [str(spec) for spec in parse_hashes(self.hashes)]}

    def _check_as_fitted(self) -> None:
        """Raise if images hashed now could not be compared with those that were fitted."""
        now = self._whats()
        for name, was in self._fitted_as.items():
            if now[name] != was:
                raise ParameterError(
                    f"{type(self).__name__} was fitted with {name}={describe_value(was)}, and has "
                    f"{name}={describe_value(now[name])} now: fit it again, or set it back."
                )

    def _remember(self, signed: Signed, radius: int) -> NearDuplicateFinder:
        signatures = signed.signatures
        near = signatures.near(radius, self.n_jobs, color_radius=self.color_radius)
        labels, diameters = self._group(signatures, near.labels(), radius)
        return self._set_fitted(signed, radius, near, labels, diameters)

    def _signed(self) -> Signed:
        """Return what is known of the fitted images."""
        return Signed(
            self._signatures,
            self.ids_,
            self.failures_,
            self._n_pixels,
            self._identities,
            self._in_memory,
        )

    def _is_fitted_on(self, images: Any) -> bool:
        """Tell whether this finder was fitted as it is now, and on just these images.

        Parameters
        ----------
        images : container of image sources, or table with the hashes of images
            A container as `fit` takes it, or a table as `fit_table` does.

        Returns
        -------
        bool
            False in doubt: if a file has changed, or it cannot be told whether an image is the
            same.
        """
        if not hasattr(self, "labels_") or self._fitted_as != self._whats():
            return False
        if isinstance(images, pd.DataFrame):
            specs = parse_hashes(self.hashes)
            if self.views == "identity" and {str(spec) for spec in specs} <= set(images.columns):
                other = Signed.from_table(images, specs, self.min_detail)
                words, hashed = self._signatures.words, self._signatures.hashed
                if (
                    np.array_equal(words, other.signatures.words)
                    and np.array_equal(hashed, other.signatures.hashed)
                    and np.array_equal(self.ids_, other.ids)
                ):
                    return True
        name = type(self).__name__
        sources = list_sources(image_column(images, name), name)
        if not sources or not np.array_equal(self.ids_, name_sources(sources)):
            return False
        now = identify(sources)
        return bool(now.any(axis=1).all()) and np.array_equal(now, self._identities)

    def _group(
        self, signatures: Signatures, joined: Labels, radius: int
    ) -> tuple[Labels, Diameters]:
        return signatures.group(joined, radius, self.linkage, self.n_jobs, self.color_radius)

    def _regroup(self, signatures: Signatures, near: CompactPairs) -> tuple[Labels, Diameters]:
        """Group all images anew, of which those that were fitted come first.

        Groups that no new image is near to stay as they are, and are not measured again.
        """
        joined, n_known = near.labels(), len(self.labels_)
        is_touched = np.zeros(int(joined.max(initial=-1)) + 1, dtype=bool)
        is_touched[joined[n_known:]] = True
        rows = np.flatnonzero(is_touched[joined])
        parts, again = self._group(signatures.take(rows), relabel(joined[rows]), self.radius_)
        numbers = np.empty(len(joined), dtype=np.intp)
        numbers[:n_known] = self.labels_
        numbers[rows] = self.n_groups_ + parts
        labels, kept = pd.factorize(numbers)
        measured = zip(self._diameters, again, strict=True)
        return labels, Diameters(*(np.concatenate(both)[kept] for both in measured))

    def _set_fitted(
        self,
        signed: Signed,
        radius: int,
        near: CompactPairs,
        labels: Labels,
        diameters: Diameters,
    ) -> NearDuplicateFinder:
        """Take over what was found, all at once: whatever ends this before changes nothing."""
        if self.linkage == "single":
            warn_of_chains(diameters, radius)
        fitted = {
            "_fitted_as": self._whats(),
            "_signatures": signed.signatures,
            "_near": near,
            "_diameters": diameters,
            "_n_pixels": signed.n_pixels,
            "_identities": signed.identities,
            "_in_memory": signed.in_memory,
            "ids_": signed.ids,
            "failures_": signed.failures,
            "radius_": radius,
            "labels_": labels,
            "groups_": tabulate_groups(diameters),
            "n_groups_": len(diameters.size),
        }
        self.__dict__.update(fitted)
        return self

    def __getstate__(self) -> Any:
        state = dict(super().__getstate__())
        if "_in_memory" in state:  # references that no other process knows
            state["_in_memory"] = np.full(len(state["_in_memory"]), None, dtype=object)
        return state

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, str]:
        """Show scikit-learn's box in a notebook, and below it what a fitted finder found."""
        bundle: dict[str, str] = super()._repr_mimebundle_(**kwargs)
        if "text/html" in bundle and hasattr(self, "labels_"):
            bundle["text/html"] += self._show()
        return bundle

    @property
    def _repr_html_(self) -> Any:
        """The same for those that know no mime bundles."""
        box = super()._repr_html_
        return lambda: box() + (self._show() if hasattr(self, "labels_") else "")

    def _show(self) -> str:
        sources = [f"image {row}" if name is None else name for row, name in enumerate(self.ids_)]
        rows = np.flatnonzero(self._near.has_company())
        grouping = make_grouping(
            sources,
            self._near,
            self.labels_,
            self.groups_,
            self.failures_,
            self._signatures.hashed,
            greedy_cover(self._near, rows).row,
        )
        settings = {name: self.summary()[name] for name in ("hashes", "bits", "radius")}
        distances, n_measured = count_nearest(self._signatures, self.n_jobs)
        return show_groups(type(self).__name__, grouping, settings, distances, n_measured)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.string = True
        tags.input_tags.allow_nan = True
        return tags
