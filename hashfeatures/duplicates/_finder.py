"""The estimator that finds near duplicates: its parameters, fit, and results."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClusterMixin, clone
from sklearn.utils.validation import check_is_fitted

from .._utils.descriptions import describe_value
from .._utils.docstrings import fill_in_parameters
from .._utils.validation import (
    check_bool,
    check_choice,
    check_int,
    check_n_jobs,
    check_radius,
    check_share,
    refuse,
)
from ..exceptions import ParameterError
from ..hamming._pairs import Pairs
from ..hashing._spec import parse_hashes
from ..hashing.views._modes import VIEWS
from ..images._decoding import Decoding
from ..images._gather import gather_images
from ..images._sources import image_column, list_sources
from ..report._notebook import show_groups
from ..report._page import NOTEBOOK_GROUPS, NOTEBOOK_IMAGES
from ._comparison import Comparison
from ._conflicts import find_conflicts
from ._described_pairs import (
    DescribePairs,
    NearPairs,
    add_description,
    describe_near,
    find_weakest_links,
)
from ._diameters import Diameters, warn_of_chains
from ._labels import Labels, tabulate_duplicates, tabulate_groups
from ._linkage import LINKAGES
from ._pair_graph import PairGraph
from ._persistence import SavedFinder
from ._regrouping import regroup
from ._representatives import describe_by_first, greedy_cover
from ._summary import count_nearest, make_grouping, with_matches
from .calibration._limits import Limits, rates_by_limits, recommend_limits
from .calibration._trial import run_trial
from .fingerprints._computed import COLOR_HASH
from .fingerprints._confirmation import Confirmation
from .fingerprints._fingerprinted_images import FingerprintedImages
from .fingerprints._fingerprints import Fingerprints
from .fingerprints._search import extend_graph, find_matches, get_confirmation

# The parameters that change how fast a finder works, and not what it finds.
_HOW = ("n_jobs", "cache", "progress")


@fill_in_parameters
class NearDuplicateFinder(ClusterMixin, BaseEstimator):
    """Find the near duplicates in a collection of images, and group them.

    Two images are near duplicates if their hashes differ in few bits and their pixels agree. The
    hashes nominate pairs. Then the finder aligns a thumbnail of one image with that of the other
    and compares their gradients. It finds copies that were resized, recompressed, cropped a
    little, or changed in tone or color. With `views`, it finds mirrored and turned ones. See
    :doc:`/user-guide/matching`.

    Read more in the :doc:`User Guide </user-guide/near-duplicates>`.

    Parameters
    ----------
    hashes : str or sequence of str, default=("phash", "dhash")
        The hashes that images are compared by, as in `ImageHashFeaturizer`.
    radius : int, "calibrated" or None, default=None
        The greatest Hamming distance, in bits over all hashes, of two near duplicates. None
        chooses a radius for `hashes` and `views`: 28 of 128 bits for the default hashes, 32 with
        ``views="dihedral"``, 20 with ``views="robust"``. Without `verify`, and for tables of
        hashes, it is 12, or 9 with ``views="robust"`` and 18 with ``views="segments"``.
        "calibrated" uses the radius and the agreement that `calibrate` recommends for the fitted
        images. See :doc:`/user-guide/radius`.
    views : {"identity", "flips", "dihedral", "robust", "segments"}, default="identity"
        The views of an image that are compared. The distance of two images is the smallest
        distance between their views. Only "phash" and "dhash" support views.

        - "identity": the image as it is.
        - "flips": the image, and mirrored.
        - "dihedral": the image in all eight rotations and reflections.
        - "robust": these, each also cropped, rotated by 3 degrees, and without borders and
          captions.
        - "segments": the bright and the dark segments of the image, which it shares with large
          crops. Any hashes of luma support them. Two images are near if two segments of one are
          within the radius of two of the other, or one is within half the radius. The distance
          is that of the second nearest segments, or twice that of the nearest.
    linkage : {"single", "complete"}, default="single"
        "single" puts any two near duplicates into one group. "complete" makes groups in which
        no two members are farther from each other than the radius, so that near duplicates may
        be in different groups. Splits keep near duplicates together under either.
    min_detail : int, default=10
        The least detail (0 to 100, see `hash_images`) of an image that is compared by its hashes.
        Two images of less detail are near duplicates only if all that they show is identical.
        Views and segments of less detail match nothing. Blank pages and flat colors have
        similar hashes; scanned pages with little text need a higher value. See
        :doc:`/user-guide/near-duplicates`.
    decode : {"reduced", "full"}, default="reduced"
        How JPEG files are decoded, as in `ImageHashFeaturizer`.
    $orient
    $background
    $trim_borders
    color_radius : int, default=None
        The greatest distance of the colors of two near duplicates, in bits of the hash
        "colorgrid" (288 bits; one bit is a step of 8 in the mean chroma of one of nine cells).
        None ignores colors, so that recolored and gray copies are found.
    verify : bool, default=True
        Whether the pixels must confirm what the hashes nominate. The finder then keeps a
        thumbnail of 4.4 kB per image, in the cache, in a saved file, and in memory up to 256 MB.
        False compares hashes alone. Tables of hashes and matrices of bits hold no pixels, and
        are always compared by hashes alone.
    min_agreement : float, default=0.85
        The least agreement of the pixels of two near duplicates, 0 to 1: the correlation of the
        gradients of their aligned thumbnails. Only used with `verify`. With
        ``radius="calibrated"``, it is the least that is recommended.
    $max_pixels
    $n_jobs
    $cache
    $progress

    Attributes
    ----------
    labels_ : ndarray of shape (n_images,), dtype intp
        The group of each image, counted from 0 in order of first appearance. An image without
        near duplicates has a label of its own, and so has an image that could not be read.
    n_groups_ : int
        The number of groups, including those of one image.
    groups_ : pandas.DataFrame
        The groups of two or more, by label. The columns are "size" in images; "diameter" in bits,
        the greatest distance of two members; and "exact", which is False where the diameter is an
        upper bound. That is so in groups of more than 2048 different images, or 1024 over views.
        If pixels confirmed the pairs, the column "weakest_link" is the least agreement in `pairs_`
        of two members of the group.
    pairs_ : Pairs, ViewPairs, ConfirmedPairs or ConfirmedViewPairs
        All pairs of near duplicates, with ``left < right`` and their distance in bits. Over
        views, but not over segments, it also has ``left_view`` and ``right_view``, the views in
        which they are so near. If pixels confirmed them, it also has ``agreement``, 0 to 1, and
        ``relation``, what was done to the left image to get the right one. The pairs are written
        out on access; more than 100 million raise a `TooManyPairsError`.
    graph_ : PairGraph
        The near duplicates as a graph, in which equal images share a node. `pairs_` lists its
        pairs as a table.
    radius_ : int
        The radius in bits.
    min_agreement_ : float or None
        The least agreement of near duplicates. None if hashes alone were compared.
    ids_ : ndarray of shape (n_images,), dtype object
        The path or URL of each image; None for one from memory.
    n_pixels_ : ndarray of shape (n_images,), dtype int64
        The width times the height of each image; 0 where it is not known.
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
    n_pixels_: NDArray[np.int64]
    failures_: pd.DataFrame
    graph_: PairGraph
    radius_: int
    min_agreement_: float | None
    labels_: Labels
    n_groups_: int
    _fitted_as: dict[str, Any]
    _groups: pd.DataFrame | None
    _images: FingerprintedImages
    _diameters: Diameters

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
        verify: bool = True,
        min_agreement: float = 0.85,
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
        self.verify = verify
        self.min_agreement = min_agreement
        self.max_pixels = max_pixels
        self.n_jobs = n_jobs
        self.cache = cache
        self.progress = progress

    def fit(self, X: Any, y: Any = None) -> NearDuplicateFinder:
        """Find the near duplicates among images.

        Parameters
        ----------
        X : list, tuple, 1-D array, Series or DataFrame of shape (n_images,)
            Image sources, as for `ImageHashFeaturizer`. Those that cannot be read are recorded
            in `failures_`, and one `FailedImagesWarning` counts them.
        y : None
            Ignored.

        Returns
        -------
        NearDuplicateFinder
            The object itself.
        """
        return self._group(*self._compare(gather_images(X)))

    def partial_fit(self, X: Any, y: Any = None) -> NearDuplicateFinder:
        """Add images after those that are fitted already.

        Only the new images are hashed. They are compared with each other and with all others.

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

        Examples
        --------
        >>> from skimage import data
        >>> from hashfeatures import NearDuplicateFinder
        >>> finder = NearDuplicateFinder().fit([data.camera(), data.coins()])
        >>> finder.partial_fit([data.camera()[::2, ::2]]).labels_
        array([0, 1, 0])
        """
        if not hasattr(self, "labels_"):
            return self.fit(X)
        self._check_as_fitted()
        more = self.fingerprint(X)
        graph = extend_graph(self.graph_, more.fingerprints, self.n_jobs)
        images = self._images.joined_with(more)
        labels, diameters = regroup(
            graph,
            self.labels_,
            self._diameters,
            lambda rows, joined: self._group_by_linkage(
                images.fingerprints.take(rows), joined, self.radius_, get_confirmation(graph)
            ),
        )
        return self._set_fitted(images, self.radius_, graph, labels, diameters)

    def fit_table(self, table: pd.DataFrame) -> NearDuplicateFinder:
        """Find the near duplicates among images that were hashed before.

        Parameters
        ----------
        table : pandas.DataFrame
            As `hash_images` makes it, with a hex column for each of `hashes`. Rows without a hash,
            or with less than `min_detail` in the column "detail", have no near duplicates, since
            the table holds no pixels.

        Returns
        -------
        NearDuplicateFinder
            The object itself.

        Examples
        --------
        >>> from skimage import data
        >>> from hashfeatures import NearDuplicateFinder, hash_images
        >>> table = hash_images([data.camera(), data.coins(), data.camera()], ["phash", "dhash"])
        >>> NearDuplicateFinder().fit_table(table).labels_
        array([0, 1, 0])
        """
        return self._group(*self._compare_table(table))

    def with_radius(self, radius: int) -> NearDuplicateFinder:
        """Group the fitted images by another radius, without hashing them again.

        The least agreement stays that of this finder.

        Parameters
        ----------
        radius : int
            The greatest Hamming distance, in bits, of two near duplicates.

        Returns
        -------
        NearDuplicateFinder
            A new fitted finder.

        Examples
        --------
        >>> from skimage import data
        >>> from hashfeatures import NearDuplicateFinder
        >>> finder = NearDuplicateFinder().fit([data.camera(), data.coins(), data.camera()[8:]])
        >>> [finder.with_radius(radius).n_groups_ for radius in (0, 12)]
        [3, 2]
        """
        check_is_fitted(self)
        radius = check_int(type(self).__name__, "radius", radius, 0)
        other: NearDuplicateFinder = clone(self).set_params(radius=radius)
        if self.min_agreement_ is not None:
            other.set_params(min_agreement=self.min_agreement_)
        return other._group(*other._search(self._images, Limits(radius, self.min_agreement_)))

    def save(self, path: Any) -> None:
        """Save the fitted finder to a file, without the images and without pickle.

        Parameters
        ----------
        path : path-like
            The file. It is written under a temporary name first, and replaces one that exists.

        See Also
        --------
        load : Reads it.
        """
        check_is_fitted(self)
        SavedFinder(
            self._comparison_params(),
            self._images,
            self.radius_,
            self.graph_,
            self.labels_,
            self._diameters,
        ).write(path)

    @classmethod
    def load(cls, path: Any) -> NearDuplicateFinder:
        """Load a finder that was saved.

        Parameters
        ----------
        path : path-like
            The file.

        Returns
        -------
        NearDuplicateFinder
            The fitted finder. `n_jobs`, `cache` and `progress` have their defaults.

        Raises
        ------
        StoreError
            If the file is not a saved finder, is damaged, or was saved by a release whose format
            is newer or whose hashes differ.

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
            saved.images, saved.radius, saved.graph, saved.labels, saved.diameters
        )

    def matches(self, X: Any) -> NearPairs:
        """Find the fitted images that are near duplicates of other images.

        Parameters
        ----------
        X : list, tuple, 1-D array, Series or DataFrame of shape (n_queries,)
            Image sources, or the result of `fingerprint`. Images that cannot be read match
            nothing, and one `FailedImagesWarning` counts them.

        Returns
        -------
        Pairs, ViewPairs, ConfirmedPairs or ConfirmedViewPairs
            ``left`` is the row in `X`, ``right`` the row in the fitted images; ordered by left,
            then right. Over views also ``left_view`` and ``right_view``. If pixels confirmed
            them, also ``agreement`` and ``relation``.
        """
        check_is_fitted(self)
        self._check_as_fitted()
        images = X if isinstance(X, FingerprintedImages) else self.fingerprint(X)
        found = find_matches(self.graph_, images.fingerprints, self.n_jobs)
        return self._describe(found, images)

    def duplicates(self) -> pd.DataFrame:
        """List the fitted images that have near duplicates, group by group.

        Returns
        -------
        pandas.DataFrame
            One row per image of a group of two or more, as `find_duplicates` lists them: by its
            row in the fitted images, "group" (its label in `labels_`), "image" (the path or URL,
            the image itself if it is still in memory, or None), "distance" in bits to the
            nearest near duplicate, and "agreement" and "relation" if pixels confirmed the pairs.

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
            for name, held in zip(self.ids_, self._images.in_memory, strict=True)
        ]
        nearest = pd.Series(self.graph_.nearest())
        describe = self._describer(self._images, self.graph_)
        described = describe_by_first(self.graph_, self.labels_, describe)
        index = pd.RangeIndex(len(images))
        return tabulate_duplicates(self.labels_, images, nearest, index, described)

    def conflicts(self, y: Any) -> pd.DataFrame:
        """List the groups whose members carry different labels, the worst first.

        In such a group one of the labels is wrong, or the images do not show what the labels name.

        Parameters
        ----------
        y : array-like of shape (n_images,)
            The label of each fitted image. A missing one (None, NaN) conflicts with no other.

        Returns
        -------
        pandas.DataFrame
            One row per group, by its label in `labels_`. The columns are "size" in images;
            "disagreeing", the number of images whose label is not the most frequent one, by which
            the table is sorted; "labels", a dict of counts by label, the most frequent first; and
            "rows", the list of the images' rows.

        See Also
        --------
        find_annotation_conflicts : The same for the boxes and masks of objects.

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
        """Summarize the fitted images in plain numbers, ready for JSON.

        Returns
        -------
        dict
            "images", "unreadable", "low_detail" (compared by their pixels alone), "groups" (of
            two images or more), "grouped_images", "duplicates" (all but one image of each group),
            "largest_group" in images, "widest_group" in bits, and "near_pairs"; then "hashes",
            "bits", "radius" in bits, and "min_agreement", None if no pixels were compared.
        """
        check_is_fitted(self)
        n_images, sizes = len(self.labels_), self.groups_["size"]
        n_failed = len(self.failures_)
        return {
            "images": n_images,
            "unreadable": n_failed,
            "low_detail": n_images - n_failed - int(self._images.fingerprints.comparable.sum()),
            "groups": len(sizes),
            "grouped_images": int(sizes.sum()),
            "duplicates": n_images - self.n_groups_,
            "largest_group": int(sizes.max()) if len(sizes) else 0,
            "widest_group": int(self.groups_["diameter"].max()) if len(sizes) else 0,
            "near_pairs": self.graph_.n_pairs,
            "hashes": [str(spec) for spec in parse_hashes(self.hashes)],
            "bits": self._images.fingerprints.n_bits,
            "radius": int(self.radius_),
            "min_agreement": self.min_agreement_,
        }

    @property
    def pairs_(self) -> NearPairs:
        """All pairs of near duplicates."""
        check_is_fitted(self)
        return self._describe(self.graph_.pairs(), self._images)

    @property
    def groups_(self) -> pd.DataFrame:
        """The groups of two or more."""
        check_is_fitted(self)
        if self._groups is None:
            table = tabulate_groups(self._diameters)
            weakest = find_weakest_links(
                self._images.fingerprints,
                self.graph_,
                self.labels_,
                get_confirmation(self.graph_),
                self.n_jobs,
            )
            if weakest is not None:
                table["weakest_link"] = weakest[table.index]
            self._groups = table
        return self._groups

    def _describer(self, images: FingerprintedImages, graph: PairGraph) -> DescribePairs:
        """Return the function that describes pairs of images which this finder compared."""
        confirmation = get_confirmation(graph)
        return partial(
            describe_near,
            images,
            images,
            confirmation=confirmation,
            n_jobs=self.n_jobs,
            is_trimmed=self.trim_borders,
        )

    def _describe(self, pairs: Pairs, images: FingerprintedImages) -> NearPairs:
        """Return pairs of images and fitted ones, with all that is known of them."""
        fitted = self._images
        named = images.fingerprints.name_views(fitted.fingerprints, pairs)
        confirmation = get_confirmation(self.graph_)
        described = describe_near(images, fitted, pairs, confirmation, self.n_jobs)
        return add_description(named, described)

    def fingerprint(self, X: Any) -> FingerprintedImages:
        """Hash images into what they are compared by, without fitting.

        Parameters
        ----------
        X : list, tuple, 1-D array, Series or DataFrame of shape (n_images,)
            Image sources, as for `fit`.

        Returns
        -------
        FingerprintedImages
            The fingerprints, which `matches` takes in place of images; "ids", the paths or URLs;
            and "failures", those that could not be read.

        Examples
        --------
        >>> from skimage import data
        >>> from hashfeatures import NearDuplicateFinder
        >>> finder = NearDuplicateFinder().fit([data.camera(), data.coins()])
        >>> new = finder.fingerprint([data.coins()[:, 2:]])
        >>> finder.matches(new).right
        array([1])
        """
        comparison = self._comparison()
        sources = list_sources(gather_images(X), type(self).__name__)
        return comparison.fingerprint(
            sources, n_jobs=self.n_jobs, cache=self.cache, progress=self.progress
        )

    def _comparison(self) -> Comparison:
        """Check the parameters, and return how they say that images are compared."""
        name = type(self).__name__
        hashes = parse_hashes(self.hashes)
        if isinstance(self.radius, str):
            if self.radius != "calibrated":
                expected = "an int in the range [0, inf), 'calibrated' or None"
                raise refuse(name, "radius", expected, self.radius)
        elif self.radius is not None:
            check_radius(name, self.radius, sum(spec.n_bits for spec in hashes))
        check_choice(name, "views", self.views, VIEWS)
        if self.color_radius is not None:
            check_radius(name, self.color_radius, COLOR_HASH.n_bits, "color_radius")
            if self.views == "segments":
                raise refuse(
                    name,
                    "color_radius",
                    "None with views='segments', since colors are compared cell by cell and "
                    "segments match wherever they are",
                    self.color_radius,
                )
        check_choice(name, "linkage", self.linkage, LINKAGES)
        check_int(name, "min_detail", self.min_detail, 0)
        check_bool(name, "progress", self.progress)
        check_n_jobs(name, self.n_jobs)
        decoding = Decoding(
            self.decode,
            self.orient,
            self.background,
            self.max_pixels,
            trim_borders=self.trim_borders,
        )
        decoding.check(name)
        check_bool(name, "verify", self.verify)
        check_share(name, "min_agreement", self.min_agreement)
        min_agreement = float(self.min_agreement) if self.verify else None
        comparison = Comparison(
            hashes, self.views, self.min_detail, self.color_radius, decoding, min_agreement
        )
        comparison.check()
        return comparison

    def _choose_limits(self, X: Any) -> Limits:
        """Return the radius and the agreement for images: given, default or calibrated ones.

        Parameters
        ----------
        X : list, tuple, 1-D array, Series or DataFrame of shape (n_images,)
            Image sources, which are read only if the radius is "calibrated".

        Returns
        -------
        Limits
            The limits within which two images are near duplicates.
        """
        comparison = self._comparison()
        if self.radius is not None and not isinstance(self.radius, str):
            return Limits(int(self.radius), comparison.min_agreement)
        sources = list_sources(X, type(self).__name__)
        if self.radius is None:
            return Limits(comparison.choose_radius(len(sources)), comparison.min_agreement)
        trial = run_trial(self, X, progress=self.progress)
        table = rates_by_limits(trial, len(sources))
        return recommend_limits(trial, table, default=comparison.usual_radius)

    def _radius_for_bits(self, n_images: int, n_bits: int | None = None) -> int:
        """Return the radius for hashes without images: the given one, or the default one.

        Parameters
        ----------
        n_images : int
            The number of images that are compared.
        n_bits : int, optional
            The number of bits that they are compared by; None: that of the hashes.

        Returns
        -------
        int
            In bits.

        Warns
        -----
        RadiusWarning
            If the default radius matches different images among so many.
        """
        name, comparison = type(self).__name__, self._comparison().by_hashes
        if isinstance(self.radius, str):
            expected = (
                "a number where there are bits and no images to edit, such as that of "
                "calibrate(images).radius"
            )
            raise refuse(name, "radius", expected, self.radius)
        if self.radius is None:
            return comparison.choose_radius(n_images, n_bits)
        return check_radius(name, self.radius, comparison.n_bits if n_bits is None else n_bits)

    def _compare(self, X: Any) -> tuple[FingerprintedImages, int, PairGraph]:
        """Find the near pairs of images, without grouping them."""
        images = self.fingerprint(X)
        return self._search(images, self._choose_limits(X))

    def _compare_table(self, table: pd.DataFrame) -> tuple[FingerprintedImages, int, PairGraph]:
        """Find the near pairs of images that were hashed before, without grouping them."""
        comparison = self._comparison()
        comparison.check_table()
        limits = Limits(self._radius_for_bits(len(table)), None)
        return self._search(comparison.read_table(table), limits)

    def _search(
        self, images: FingerprintedImages, limits: Limits
    ) -> tuple[FingerprintedImages, int, PairGraph]:
        comparison = replace(self._comparison(), min_agreement=limits.min_agreement)
        fingerprints, radius = images.fingerprints, limits.radius
        comparison.warn_if_crowded(fingerprints, radius, self.n_jobs)
        return images, radius, comparison.find_pairs(fingerprints, radius, self.n_jobs)

    def _group(
        self, images: FingerprintedImages, radius: int, graph: PairGraph
    ) -> NearDuplicateFinder:
        confirmation = get_confirmation(graph)
        labels, diameters = self._group_by_linkage(
            images.fingerprints, graph.labels(), radius, confirmation
        )
        return self._set_fitted(images, radius, graph, labels, diameters)

    def _group_by_linkage(
        self, fingerprints: Fingerprints, labels: Labels, radius: int, confirmation: Confirmation
    ) -> tuple[Labels, Diameters]:
        """Group the components of near images, see `Fingerprints.group`."""
        agreement = None
        if self.linkage == "complete":
            agreement = confirmation.as_agreement(fingerprints, self.n_jobs)
        return fingerprints.group(labels, radius, self.linkage, self.n_jobs, agreement)

    def _comparison_params(self) -> dict[str, Any]:
        """Return the parameters that decide what is found."""
        params = {name: value for name, value in self.get_params().items() if name not in _HOW}
        return params | {"hashes": [str(spec) for spec in parse_hashes(self.hashes)]}

    def _check_as_fitted(self) -> None:
        """Raise if images hashed now could not be compared with those that were fitted."""
        now = self._comparison_params()
        for name, was in self._fitted_as.items():
            if now[name] != was:
                raise ParameterError(
                    f"{type(self).__name__} was fitted with {name}={describe_value(was)}, and has "
                    f"{name}={describe_value(now[name])} now: fit it again, or set it back."
                )

    def _is_fitted_on(self, images: Any) -> bool:
        """Return whether this finder was fitted as it is now, and on exactly these images.

        Parameters
        ----------
        images : container of image sources, or table with the hashes of images
            A container as `fit` takes it, or a table as `fit_table` does.

        Returns
        -------
        bool
            False if a file has changed, or if an image cannot be identified.
        """
        if not hasattr(self, "labels_") or self._fitted_as != self._comparison_params():
            return False
        if isinstance(images, pd.DataFrame):
            comparison = self._comparison()
            if comparison.has_table(images) and self._images.are_same_hashes(
                comparison.read_table(images)
            ):
                return True
        name = type(self).__name__
        return self._images.are_sources(list_sources(image_column(images, name), name))

    def _set_fitted(
        self,
        images: FingerprintedImages,
        radius: int,
        graph: PairGraph,
        labels: Labels,
        diameters: Diameters,
    ) -> NearDuplicateFinder:
        """Set all fitted attributes at once: an interruption before this changes nothing."""
        if self.linkage == "single":
            warn_of_chains(diameters, radius)
        fitted = {
            "_fitted_as": self._comparison_params(),
            "_images": images,
            "_diameters": diameters,
            "ids_": images.ids,
            "n_pixels_": images.n_pixels,
            "failures_": images.failures,
            "graph_": graph,
            "radius_": radius,
            "min_agreement_": get_confirmation(graph).min_agreement,
            "labels_": labels,
            "_groups": None,
            "n_groups_": len(diameters.size),
        }
        self.__dict__.update(fitted)
        return self

    def __getstate__(self) -> Any:
        state = dict(super().__getstate__())
        if "_images" in state:
            state["_images"] = state["_images"].without_references()
        return state

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, str]:
        """Show scikit-learn's box in a notebook, and below it the groups of a fitted finder."""
        bundle: dict[str, str] = super()._repr_mimebundle_(**kwargs)
        if "text/html" in bundle and hasattr(self, "labels_"):
            bundle["text/html"] += self._show()
        return bundle

    @property
    def _repr_html_(self) -> Any:
        """The same for notebooks without mime bundles."""
        box = super()._repr_html_
        return lambda: box() + (self._show() if hasattr(self, "labels_") else "")

    def _show(self) -> str:
        sources = [f"image {row}" if name is None else name for row, name in enumerate(self.ids_)]
        fingerprints = self._images.fingerprints
        grouping = make_grouping(
            sources,
            self.graph_,
            self.labels_,
            self.groups_,
            self.failures_,
            fingerprints.comparable,
            greedy_cover(self.graph_, self.graph_.rows_with_duplicates()).row,
        )
        shown = grouping.first_rows(NOTEBOOK_GROUPS, NOTEBOOK_IMAGES)
        grouping = with_matches(grouping, self._describer(self._images, self.graph_), shown)
        facts = self.summary()
        settings = {name: facts[name] for name in ("hashes", "bits", "radius", "min_agreement")}
        distances, n_measured = count_nearest(fingerprints, self.n_jobs)
        return show_groups(type(self).__name__, grouping, settings, distances, n_measured)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.string = True
        tags.input_tags.allow_nan = True
        return tags
