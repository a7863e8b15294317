"""What groups images: a finder, any estimator that predicts groups, or the bits of a matrix."""

from __future__ import annotations

from numbers import Number
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import infer_dtype, is_numeric_dtype
from sklearn.base import clone

from .._utils.containers import check_length
from .._utils.descriptions import describe_value
from .._utils.frames import is_frame
from .._utils.labels import list_labels
from .._utils.sklearn_internals import count_samples
from ..exceptions import ParameterError
from ..images._sources import image_column
from ._finder import NearDuplicateFinder
from ._groups import DuplicateGroups
from ._labels import Labels, merge_labels, relabel

# Said instead of a finder where the groups of near duplicates are known and given.
PRECOMPUTED = "precomputed"

# What pandas calls objects that are all numbers, whatever is missing among them.
_NUMBERS = ("boolean", "integer", "floating", "mixed-integer-float")


def is_bit_matrix(images: Any) -> bool:
    """Tell a matrix of numbers from a container of image sources."""
    if isinstance(images, pd.DataFrame):
        return all(_is_of_numbers(column) for _, column in images.items())
    if is_frame(images) and hasattr(images, "dtypes"):  # of polars
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
    """Tell whether an array or a column of pandas holds numbers and Booleans alone."""
    return is_numeric_dtype(column.dtype) or infer_dtype(column) in _NUMBERS


def group_images(images: Any, finder: Any = None, groups: Any = None) -> Labels:
    """Group images so that every two near duplicates are together.

    Parameters
    ----------
    images : container of image sources, or array-like of shape (n_samples, n_bits)
        A matrix of bits is grouped by `DuplicateGroups`, with the radius of the finder. In a
        table, the images are looked for as in `drop_duplicates`.
    finder : estimator with ``fit_predict(X) -> labels``, or "precomputed", optional
        None means ``NearDuplicateFinder()``. It is cloned, unless it is fitted on just these
        images, and its linkage is "single" here, whatever it says. The label -1 means, as in
        scikit-learn's own clusterers, a sample in no group. "precomputed": `groups` are the
        groups, and no image is read.
    groups : array-like of shape (n_images,), optional
        Images that must stay together for other reasons: these groups are merged with those that
        the finder finds.

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
    found = _predict(images, check_finder(finder))
    return found if own is None else merge_labels(found, own)


def _predict(images: Any, finder: Any) -> Labels:
    if is_bit_matrix(images):
        if isinstance(finder, NearDuplicateFinder):
            radius = finder._given_radius(*np.shape(images))
            finder = DuplicateGroups(radius, n_jobs=finder.n_jobs)
    else:
        images = image_column(images, "A search for near duplicates")
        if isinstance(finder, NearDuplicateFinder) and finder._is_fitted_on(images):
            return finder._near.labels()
    finder = clone(finder)
    if isinstance(finder, DuplicateGroups | NearDuplicateFinder):
        finder.linkage = "single"
    labels = np.array(finder.fit_predict(images))
    if labels.ndim != 1:
        raise ValueError(
            f"Expected one label an image from {describe_value(finder)}. Got an array "
            f"of shape {labels.shape}."
        )
    check_length(f"labels from {describe_value(finder)}", labels, count_samples(images))
    alone = np.flatnonzero(labels == -1)
    groups = relabel(labels)
    groups[alone] = len(labels) + alone
    return relabel(groups)


def own_groups(groups: Any, n_images: int) -> Labels:
    """Return the user's groups, counted from 0; without any, each image is one.

    Near duplicates only join them: however many there are, there will not be more.
    """
    if groups is None:
        return np.arange(n_images)
    check_length("groups", groups, n_images)
    column = list_labels(groups, n_images)
    missing = np.flatnonzero(pd.isna(column))
    if len(missing):
        raise ValueError(
            f"The groups of {len(missing)} images are missing, the first in row {missing[0]}. "
            f"Give each of these images a group; one that belongs to none gets one of its own."
        )
    return relabel(column)


def check_finder(finder: Any) -> Any:
    """Return `finder`, or the default one, or raise if it groups nothing."""
    if finder is None:
        return NearDuplicateFinder()
    if not hasattr(finder, "fit_predict") or isinstance(finder, type):
        raise ParameterError(
            f"The 'finder' parameter must be None or an estimator with fit_predict, as "
            f"NearDuplicateFinder() is. Got {describe_value(finder)} instead."
        )
    return finder
