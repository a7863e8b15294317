"""One way from images to what is near, whatever they are and whatever groups them."""

from __future__ import annotations

from numbers import Number
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.types import infer_dtype, is_numeric_dtype
from sklearn.base import clone

from .._utils.containers import check_length
from .._utils.descriptions import describe_value
from .._utils.frames import is_frame, is_missing
from .._utils.labels import list_labels
from .._utils.sklearn_internals import count_samples
from .._utils.validation import refuse
from ..hashing._spec import parse_hashes
from ..images._sources import IMAGE_COLUMNS, image_column, list_sources
from ._chains import warn_if_chained
from ._described_pairs import DescribePairs, describe_nothing
from ._finder import NearDuplicateFinder
from ._groups import DuplicateGroups
from ._labels import Labels, merge_labels, relabel
from ._pair_graph import PairGraph
from .fingerprints._fingerprints import Fingerprints
from .fingerprints._search import get_confirmation

# Passed instead of a finder where the groups of near duplicates are given.
PRECOMPUTED: Literal["precomputed"] = "precomputed"

# What pandas calls objects that are all numbers, whatever is missing among them.
_NUMBERS = ("boolean", "integer", "floating", "mixed-integer-float")


class SupportsFitPredict(Protocol):
    """An estimator that groups images, as `NearDuplicateFinder` and scikit-learn's clusterers do.

    Its ``fit_predict(X)`` returns one label per image. The label -1 means, as in scikit-learn, an
    image in no group. Functions clone it before they fit it.
    """

    def fit_predict(self, X: Any, y: Any = None) -> Any:
        """Return the group of each image."""


class Found(NamedTuple):
    """Which images are near each other.

    Parameters
    ----------
    sources : list
        The images; None for each row of a matrix of bits.
    graph : PairGraph
        The near pairs.
    n_pixels : ndarray of shape (n_images,), dtype int64
        The sizes of the images; 0 where they are not known.
    unreadable : ndarray, dtype intp
        The rows of the images that could not be read.
    has_distances : bool
        False if an estimator returned groups alone: then all distances in the graph are 0.
    finder : NearDuplicateFinder or None
        The finder that is fitted on the images, if one is.
    compared : tuple of (Fingerprints, int) or None
        If none is: the fingerprints of the images, and the radius in bits.
    describe : callable
        Describes pairs of the images by their pixels, see `describe_near`.
    settings : dict or None
        The "hashes", "bits", "radius" and "min_agreement" of a `NearDuplicateFinder`.
    """

    sources: list[Any]
    graph: PairGraph
    n_pixels: NDArray[np.int64]
    unreadable: Labels
    has_distances: bool
    finder: NearDuplicateFinder | None = None
    compared: tuple[Fingerprints, int] | None = None
    describe: DescribePairs = describe_nothing
    settings: dict[str, Any] | None = None


def find_near(
    images: Any,
    finder: SupportsFitPredict | None = None,
    *,
    fit: bool = False,
    use_hashes: bool = False,
    caller: str = "A search for near duplicates",
) -> Found:
    """Find which images are near each other.

    Parameters
    ----------
    images : container of image sources, table, or array-like of shape (n_images, n_bits)
        Image sources, a table with a column of them, or a matrix of bits.
    finder : estimator with ``fit_predict(X) -> labels``, optional
        None means ``NearDuplicateFinder()``. A `NearDuplicateFinder` that is fitted on exactly
        these images hashes none of them again. Any other finder is not changed. Rows of bits are
        compared within the radius of a `NearDuplicateFinder` or of `DuplicateGroups`.
    fit : bool, default=False
        Whether to group the images by the linkage of a `NearDuplicateFinder` too, which measures
        the groups and warns of chains. The fitted finder is in the result.
    use_hashes : bool, default=False
        Whether to compare the hex columns of a table instead of reading its images.
    caller : str
        The name of the function, for messages.

    Returns
    -------
    Found
        The near pairs, and what else is known of the images.
    """
    finder = check_finder(finder, caller)
    if is_bit_matrix(images):
        return _find_near_bits(images, finder)
    if isinstance(finder, NearDuplicateFinder):
        return _find_near_images(images, finder, fit, use_hashes, caller)
    column = image_column(images, caller)
    sources = list_sources(column, caller)
    # Which other images such a finder could not read, it does not say.
    is_absent = np.array([is_missing(source) for source in sources], dtype=bool)
    graph = _graph_of_labels(_predict(column, finder), is_absent)
    nothing = np.zeros(len(sources), dtype=np.int64)
    return Found(sources, graph, nothing, np.flatnonzero(is_absent), has_distances=False)


def _find_near_images(
    images: Any, finder: NearDuplicateFinder, fit: bool, use_hashes: bool, caller: str
) -> Found:
    column = image_column(images, caller)
    sources = list_sources(column, caller)
    fitted = finder if finder._is_fitted_on(images) else None
    if fitted is None and fit:
        fitted = clone(finder)
        fitted = fitted.fit_table(images) if use_hashes else fitted.fit(column)
    if fitted is not None:
        failed = fitted.failures_["position"].to_numpy(dtype=np.intp)
        describe = fitted._describer(fitted._images, fitted.graph_)
        settings = _settings_of(fitted, fitted._images.fingerprints, fitted.radius_, fitted.graph_)
        return Found(
            sources,
            fitted.graph_,
            fitted.n_pixels_,
            failed,
            True,
            fitted,
            None,
            describe,
            settings,
        )
    compare = finder._compare_table if use_hashes else finder._compare
    found, radius, graph = compare(images if use_hashes else column)
    failed = found.failures["position"].to_numpy(dtype=np.intp)
    compared = found.fingerprints, radius
    describe = finder._describer(found, graph)
    settings = _settings_of(finder, found.fingerprints, radius, graph)
    return Found(sources, graph, found.n_pixels, failed, True, None, compared, describe, settings)


def _settings_of(
    finder: NearDuplicateFinder, fingerprints: Fingerprints, radius: int, graph: PairGraph
) -> dict[str, Any]:
    return {
        "hashes": [str(spec) for spec in parse_hashes(finder.hashes)],
        "bits": fingerprints.n_bits,
        "radius": int(radius),
        "min_agreement": get_confirmation(graph).min_agreement,
    }


def _find_near_bits(bits: Any, finder: SupportsFitPredict) -> Found:
    n_rows = count_samples(bits)
    compared = None
    if isinstance(finder, NearDuplicateFinder):
        checked = read_bits(bits)
        radius = finder._radius_for_bits(*checked.shape)
        finder = DuplicateGroups(radius, n_jobs=finder.n_jobs)
    if isinstance(finder, DuplicateGroups):
        fingerprints, graph = finder._compare(read_bits(bits))
        compared = fingerprints, finder.radius
    else:
        graph = _graph_of_labels(_predict(bits, finder), _are_missing(bits))
    # A missing row belongs to an image that could not be read.
    unreadable = np.flatnonzero(graph.node_of_image < 0)
    nothing = np.zeros(n_rows, dtype=np.int64)
    sources = [None] * n_rows
    return Found(sources, graph, nothing, unreadable, compared is not None, compared=compared)


def _are_missing(bits: Any) -> NDArray[np.bool_]:
    """Return which rows of a matrix hold a missing value."""
    matrix = np.zeros((count_samples(bits), 0)) if hasattr(bits, "toarray") else np.asarray(bits)
    if matrix.dtype.kind in "biu":
        return np.zeros(len(matrix), dtype=bool)
    missing: NDArray[np.bool_] = np.any(pd.isna(matrix), axis=1)
    return missing


def _predict(images: Any, finder: SupportsFitPredict) -> Labels:
    """Return the labels of an estimator, of which -1 is not a group."""
    finder = clone(finder)
    if isinstance(finder, DuplicateGroups):
        finder.linkage = "single"
    labels = np.array(finder.fit_predict(images))
    if labels.ndim != 1:
        raise ValueError(
            f"Expected one label per image from {describe_value(finder)}. Got an array "
            f"of shape {labels.shape}."
        )
    check_length(f"labels from {describe_value(finder)}", labels, count_samples(images))
    return labels


def _graph_of_labels(labels: Labels, is_absent: NDArray[np.bool_]) -> PairGraph:
    """Return the graph in which groups are near; what is absent is near nothing."""
    groups = np.full(len(labels), -1, dtype=np.intp)
    # An image of no group is a node of its own.
    numbers = np.where(labels == -1, len(labels) + np.arange(len(labels)), relabel(labels))
    groups[~is_absent] = relabel(numbers[~is_absent])
    return PairGraph.of_labels(groups)


def group_images(
    images: Any,
    finder: SupportsFitPredict | Literal["precomputed"] | None = None,
    groups: Any = None,
) -> Labels:
    """Group images so that every two near duplicates are together.

    Parameters
    ----------
    images : container of image sources, or array-like of shape (n_images, n_bits)
        As for `find_near`.
    finder : estimator with ``fit_predict(X) -> labels``, or "precomputed", optional
        As for `find_near`. "precomputed" uses `groups` alone and reads no image.
    groups : array-like of shape (n_images,), optional
        Images that must stay together for other reasons. These groups are merged with those of
        near duplicates.

    Returns
    -------
    ndarray of shape (n_images,), dtype intp
        The group of each image, counted from 0 in order of first appearance.
    """
    own = None if groups is None else own_groups(groups, count_samples(images))
    if isinstance(finder, str) and finder == PRECOMPUTED:
        if own is None:
            raise ValueError("With finder='precomputed', groups must be given.")
        return own
    found = find_near(images, finder)
    labels = found.graph.labels()
    if found.compared is not None:
        fingerprints, radius = found.compared
        warn_if_chained(found.graph, fingerprints, labels, radius)
    return labels if own is None else merge_labels(labels, own)


def is_bit_matrix(images: Any) -> bool:
    """Return whether images are given as a matrix of bits, not as image sources."""
    if isinstance(images, pd.DataFrame):
        if images.empty and set(images.columns) & set(IMAGE_COLUMNS):
            return False  # pandas takes a column without values for numbers
        return all(_is_of_numbers(column) for _, column in images.items())
    if is_frame(images) and type(images).__module__.startswith("polars."):
        return all(dtype.is_numeric() or str(dtype) == "Boolean" for dtype in images.dtypes)
    if isinstance(images, list | tuple):
        first = images[0] if images else None
        if isinstance(first, np.ndarray):
            return first.ndim == 1
        return isinstance(first, list | tuple) and all(isinstance(bit, Number) for bit in first)
    if hasattr(images, "toarray"):  # sparse: refused with scikit-learn's own sentence
        return True
    return isinstance(images, np.ndarray) and images.ndim == 2 and _is_of_numbers(images.ravel())


def _is_of_numbers(column: Any) -> bool:
    """Return whether an array or a column of pandas holds only numbers and Booleans."""
    return is_numeric_dtype(column.dtype) or infer_dtype(column) in _NUMBERS


def own_groups(groups: Any, n_images: int) -> Labels:
    """Return the groups that a user gives, counted from 0; without any, each image is one.

    Near duplicates only join them, so this is the largest possible number of groups.
    """
    if groups is None:
        return np.arange(n_images)
    check_length("groups", groups, n_images)
    column = list_labels(groups, n_images)
    missing = np.flatnonzero(pd.isna(column))
    if len(missing):
        raise ValueError(
            f"The groups of {len(missing)} images are missing, the first in row {missing[0]}. "
            f"Give each of these images a group, and an image without a group one of its own."
        )
    return relabel(column)


def read_bits(bits: Any) -> NDArray[Any]:
    """Return a checked matrix of bits, in which NaN stands for a missing row."""
    return DuplicateGroups()._read_bits(bits)[0]


def check_finder(finder: SupportsFitPredict | None, caller: str) -> SupportsFitPredict:
    """Return `finder`, or the default one, or raise if it is not an estimator that groups."""
    if finder is None:
        return NearDuplicateFinder()
    if not hasattr(finder, "fit_predict") or isinstance(finder, type):
        expected = "None or an estimator with fit_predict, such as NearDuplicateFinder()"
        raise refuse(caller, "finder", expected, finder)
    return finder
