"""Groups of images that stay together for other reasons than being near duplicates."""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np
from sklearn.base import clone

from .._utils.containers import check_length
from .._utils.descriptions import describe_value
from .._utils.frames import column_names
from .._utils.sklearn_internals import count_samples
from .._utils.validation import refuse
from ..duplicates._labels import Labels, merge_labels, relabel
from ..duplicates._resolve import is_bit_matrix, own_groups
from .sequences._finder import SequenceFinder

SEQUENCES = "sequences"


def finds_groups(groups: Any) -> bool:
    """Return whether `groups` is an estimator that finds the groups."""
    return hasattr(groups, "fit_predict") and not isinstance(groups, type)


def read_groups(caller: str, groups: Any, images: Any) -> Any:
    """Return the values of a parameter `groups`, one for each image.

    Parameters
    ----------
    caller : str
        The name of the function, for messages.
    groups : array-like of shape (n_images,), str, estimator or None
        The groups, the name of a column of `images`, "sequences", or an estimator, which is not
        changed. A column comes before sequences.
    images : container
        The images.

    Returns
    -------
    array-like of shape (n_images,) or None
        The groups. An image in no group of an estimator has one of its own.

    Raises
    ------
    ParameterError
        If a string is not the name of a column, or if groups cannot be found in bits.
    """
    columns = column_names(images)
    if isinstance(groups, str):
        if groups in columns:
            return images[groups]
        if groups != SEQUENCES:
            known = describe_value(columns) if columns else "images without columns"
            expected = (
                f"an array with one value per image, the name of a column of {known}, "
                f"{SEQUENCES!r}, or an estimator with fit_predict"
            )
            raise refuse(caller, "groups", expected, groups)
    elif not finds_groups(groups):
        return groups
    if is_bit_matrix(images):
        expected = "an array or a column, as bits have no names, times or pixels"
        raise refuse(caller, "groups", expected, groups)
    finder = SequenceFinder() if isinstance(groups, str) else clone(groups)
    labels = np.asarray(finder.fit_predict(images))
    check_length(f"labels from {describe_value(finder)}", labels, count_samples(images))
    return np.where(labels == -1, labels.max(initial=-1) + 1 + np.arange(len(labels)), labels)


def are_sequences(groups: Any, images: Any) -> bool:
    """Return whether a parameter `groups` asks for sequences."""
    if isinstance(groups, str):
        return groups == SEQUENCES and groups not in column_names(images)
    return isinstance(groups, SequenceFinder)


def merge_groups(*groups: Any) -> Labels:
    """Merge groupings of the same images: groups that share an image become one.

    Parameters
    ----------
    *groups : array-like of shape (n_images,)
        Groupings of the same images, such as patients and the labels of `find_sequences`.

    Returns
    -------
    ndarray of shape (n_images,), dtype intp
        The finest groups that keep together what any of the groupings does, counted from 0 in
        order of first appearance.

    Raises
    ------
    ValueError
        If the lengths differ, or a group is missing.

    Examples
    --------
    >>> from hashfeatures import merge_groups
    >>> merge_groups([0, 0, 1, 2, 3], ["ann", "bob", "bob", "cy", "dee"])
    array([0, 0, 0, 1, 2])
    """
    if not groups:
        raise TypeError("merge_groups needs at least one array of groups. Got none.")
    n_images = count_samples(groups[0])
    return reduce(merge_labels, (relabel(own_groups(each, n_images)) for each in groups))
