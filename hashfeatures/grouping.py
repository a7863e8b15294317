"""What groups images: a finder, any estimator that predicts groups, or the bits of a matrix."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype
from sklearn.base import clone

from .duplicates import DuplicateGroups, Labels, relabel
from .exceptions import ParameterError
from .finder import NearDuplicateFinder
from .sources import is_frame, pick_image_column


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
