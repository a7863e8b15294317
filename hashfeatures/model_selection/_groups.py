"""Groups of images that stay together for other reasons than being near duplicates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from .._utils.containers import check_length
from .._utils.descriptions import describe_value
from .._utils.frames import column_names
from .._utils.labels import list_labels
from .._utils.sklearn_internals import count_samples
from .._utils.validation import refuse
from ..duplicates._labels import Labels, merge_labels, relabel
from ..duplicates._resolve import is_bit_matrix, own_groups
from ._part_labels import list_by_part
from .sequences._finder import SequenceFinder

SEQUENCES = "sequences"


@dataclass(frozen=True)
class OwnGroups:
    """The groups of all images of a split that a user names.

    Parameters
    ----------
    labels : ndarray of shape (n_images,), dtype intp
        The group of each image, counted from 0.
    names : ndarray of shape (n_images,), dtype object
        The name of each image's group: its label as it was passed, or its number.
    are_sequences : bool
        Whether the groups are sequences.
    description : str
        How sequences were found, in words.
    """

    labels: Labels
    names: NDArray[np.object_]
    are_sequences: bool = False
    description: str = ""

    @property
    def noun(self) -> str:
        """What one group is."""
        return "sequence" if self.are_sequences else "group"


def or_another_image(own: OwnGroups | None) -> str:
    """Return what, besides near duplicates, an image has in another part, for messages."""
    return "" if own is None else f" or another image of their {own.noun}"


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
    return _find_groups(caller, groups, images)


def _find_groups(caller: str, groups: Any, images: Any) -> NDArray[Any]:
    """Return the groups that "sequences" or an estimator finds."""
    _refuse_bits(caller, groups, images)
    finder = SequenceFinder() if isinstance(groups, str) else clone(groups)
    labels = np.asarray(finder.fit_predict(images))
    check_length(f"labels from {describe_value(finder)}", labels, count_samples(images))
    return np.where(labels == -1, labels.max(initial=-1) + 1 + np.arange(len(labels)), labels)


def find_places(caller: str, groups: Any, images: Any) -> tuple[Labels, Labels] | None:
    """Return the sequence of each image and its place there, if `groups` asks for sequences."""
    if not are_sequences(groups, images):
        return None
    finder = _fit_sequences(caller, groups, images)
    return finder.labels_, finder.positions_


def _fit_sequences(caller: str, groups: Any, images: Any) -> SequenceFinder:
    _refuse_bits(caller, groups, images)
    finder: SequenceFinder = SequenceFinder() if isinstance(groups, str) else clone(groups)
    return finder.fit(images)


def are_sequences(groups: Any, images: Any) -> bool:
    """Return whether a parameter `groups` asks for sequences."""
    if isinstance(groups, str):
        return groups == SEQUENCES and groups not in column_names(images)
    return isinstance(groups, SequenceFinder)


def _refuse_bits(caller: str, groups: Any, images: Any) -> None:
    if is_bit_matrix(images):
        expected = "an array or a column, as bits have no names, times or pixels"
        raise refuse(caller, "groups", expected, groups)


def read_groups_of_parts(
    caller: str, groups: Any, parts: Mapping[str, Any], sizes: Sequence[int], images: Any
) -> OwnGroups | None:
    """Return the groups of the images of all parts of a split.

    Parameters
    ----------
    caller : str
        The name of the function, for messages.
    groups : list, mapping, str, estimator or None
        One array for each part, in a list or by the name of the part; the name of a column of all
        parts; "sequences"; or an estimator.
    parts : mapping of str to container
        The parts.
    sizes : sequence of int
        The number of images in each part.
    images : container
        The images of all parts, one part after the other.

    Returns
    -------
    OwnGroups or None
        None without groups. An equal label means the same group in all parts.

    Raises
    ------
    ParameterError
        If `groups` is none of these, or does not fit the parts.
    """
    if groups is None:
        return None
    if any(are_sequences(groups, part) for part in parts.values()):
        finder = _fit_sequences(caller, groups, images)
        names = finder.labels_.astype(object)
        return OwnGroups(finder.labels_, names, True, finder.description_)
    if finds_groups(groups):
        labels = relabel(_find_groups(caller, groups, images))
        return OwnGroups(labels, labels.astype(object))
    values = _list_by_part(caller, groups, parts)
    columns = [list_labels(each, size) for each, size in zip(values, sizes, strict=True)]
    names = np.concatenate(columns)
    return OwnGroups(own_groups(names, len(names)), names)


def _list_by_part(caller: str, groups: Any, parts: Mapping[str, Any]) -> list[Any]:
    """Return an array of groups for each part."""
    names, listed = list(parts), list_by_part(groups, parts)
    if listed is not None:
        return listed
    expected = (
        f"a list of {len(names)} arrays, one for each of the parts {', '.join(names)}, a mapping "
        f"of the parts to arrays, the name of a column of all parts, {SEQUENCES!r}, or an "
        f"estimator with fit_predict"
    )
    raise refuse(caller, "groups", expected, groups)


def merge_groups(*groups: Any) -> Labels:
    """Merge groupings of the same images: groups that share an image become one.

    Read more in the :doc:`User Guide </user-guide/splits>`.

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

    See Also
    --------
    find_sequences : Finds groups of frames.
    train_test_split : Merges its `groups` with those of near duplicates by itself.

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
