"""The images of one call: their groups, and the fingerprints and settings that a lock records."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from ..._utils.frames import is_frame
from ..._utils.sklearn_internals import count_samples
from ...duplicates._chains import warn_if_chained
from ...duplicates._finder import NearDuplicateFinder
from ...duplicates._labels import Labels, merge_labels
from ...duplicates._resolve import PRECOMPUTED, find_near, is_bit_matrix, own_groups, read_bits
from ...duplicates.fingerprints._fingerprints import Fingerprints
from ...duplicates.fingerprints._search import get_confirmation
from ...hamming._packing import words_from_bits
from ...hashing._algorithms import BITS_VERSION
from ...images._sources import list_sources
from .._split_groups import Finder

# The parameters of a finder that change neither hashes nor pixels nor the pairs of a split.
_IRRELEVANT = ("linkage", "max_pixels")
# The parameters that `radius="calibrated"` sets.
_LIMITS = ("radius", "min_agreement")


class KnownImages(NamedTuple):
    """What is known of images.

    Parameters
    ----------
    sources : list
        The images; None for each row of a matrix of bits.
    is_readable : ndarray of shape (n_images,), dtype bool
        Which images could be read.
    labels : ndarray of shape (n_images,), dtype intp
        The group of each image.
    fingerprints : Fingerprints or None
        Their fingerprints, if the finder made any and they are in memory.
    radius : int
        The greatest distance of two near duplicates that are compared by hashes alone, in bits.
    settings : dict
        The settings of the finder that decide what is found, in types of JSON.
    """

    sources: list[Any]
    is_readable: NDArray[np.bool_]
    labels: Labels
    fingerprints: Fingerprints | None
    radius: int
    settings: dict[str, Any]


def know_images(images: Any, finder: Finder, groups: Any) -> KnownImages:
    """Read and group images, see `group_images`."""
    own = None if groups is None else own_groups(groups, count_samples(images))
    if isinstance(finder, str):
        return _know_precomputed(images, own)
    found = find_near(images, finder, caller="assign_split")
    labels = found.graph.labels()
    fingerprints, radius = None, 0
    if found.compared is not None:
        fingerprints, radius = found.compared
        warn_if_chained(found.graph, fingerprints, labels, radius)
    elif found.finder is not None:
        fingerprints, radius = found.finder._images.fingerprints, found.finder.radius_
    are_bits = is_bit_matrix(images)
    settings: dict[str, Any] = {"estimator": type(finder).__name__}
    if fingerprints is not None:
        settings = {"bits": fingerprints.n_bits, "radius": int(radius)}
    if isinstance(finder, NearDuplicateFinder | None) and not are_bits:
        finder = NearDuplicateFinder() if finder is None else finder
        confirmation = get_confirmation(found.graph)
        settings = describe_finder(finder, radius, confirmation.min_agreement)
        radius = radius_in_lock(finder, radius, confirmation.min_agreement)
    if are_bits and fingerprints is None:  # of an estimator that makes groups alone
        bits = read_bits(images)
        fingerprints = Fingerprints.of_words(*words_from_bits(bits), bits.shape[1])
    is_readable = np.ones(len(labels), dtype=bool)
    is_readable[found.unreadable] = False
    labels = labels if own is None else merge_labels(labels, own)
    return KnownImages(found.sources, is_readable, labels, fingerprints, radius, settings)


def _know_precomputed(images: Any, own: Labels | None) -> KnownImages:
    if own is None:
        raise ValueError(f"With finder={PRECOMPUTED!r}, groups must be given.")
    has_names = isinstance(images, list | tuple) or is_frame(images)
    sources = list_sources(images, "assign_split") if has_names else list(images)
    readable = np.ones(len(own), dtype=bool)
    return KnownImages(sources, readable, own, None, 0, {"estimator": PRECOMPUTED})


def describe_finder(
    finder: NearDuplicateFinder, radius: int, min_agreement: float | None
) -> dict[str, Any]:
    """Return the settings that a lock records of a finder, with the limits that it used."""
    params = finder._comparison_params() | {"radius": int(radius), "min_agreement": min_agreement}
    described = {name: params[name] for name in params if name not in _IRRELEVANT}
    for name, value in described.items():
        if isinstance(value, tuple):
            described[name] = list(value)
        elif isinstance(value, np.generic):
            described[name] = value.item()
    return described | {"bits_version": BITS_VERSION}


def radius_in_lock(finder: NearDuplicateFinder, radius: int, min_agreement: float | None) -> int:
    """Return the radius within which an image of a lock is near, as no pixels can confirm it."""
    if min_agreement is None:
        return radius
    return min(radius, finder._comparison().default_radius.bits)


def pin_limits(finder: Finder, settings: dict[str, Any]) -> Finder:
    """Return a calibrated finder with the limits of earlier settings, so that they stay."""
    if isinstance(finder, NearDuplicateFinder) and finder.radius == "calibrated":
        limits = {name: settings[name] for name in _LIMITS if settings.get(name) is not None}
        if limits:
            pinned: NearDuplicateFinder = clone(finder).set_params(**limits)
            return pinned
    return finder
