"""Pairs of image sources, compared by their pixels alone."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..exceptions import FailedImagesWarning
from ..hamming._pairs import Pairs
from ._described_pairs import describe_near
from ._finder import NearDuplicateFinder
from ._labels import Labels
from .fingerprints._confirmation import Confirmation
from .fingerprints._fingerprinted_images import FingerprintedImages


@dataclass(frozen=True)
class ComparedPixels:
    """What the pixels of two images say.

    Parameters
    ----------
    is_confirmed : bool
        Whether they show the same picture.
    agreement : float or None
        How well their pixels agree, from 0 to 1. None if one of them cannot be read, or if they
        have too little detail and differ.
    relation : str or None
        What was done to the left image to get the right one, if they show the same picture.
    unread : {"left", "right"} or None
        The side that cannot be read.
    cause : str
        Why it cannot be read.
    """

    is_confirmed: bool = False
    agreement: float | None = None
    relation: str | None = None
    unread: str | None = None
    cause: str = ""


def compare_pixels(
    pairs: Sequence[tuple[str, str]], finder: NearDuplicateFinder
) -> list[ComparedPixels]:
    """Read the images of pairs, and compare their pixels, whatever their hashes are.

    Parameters
    ----------
    pairs : sequence of (str, str)
        The images on the left and on the right.
    finder : NearDuplicateFinder
        How to compare them, with ``verify=True``. It need not be fitted.

    Returns
    -------
    list of ComparedPixels
        One a pair.
    """
    if not pairs:
        return []
    sources = list(dict.fromkeys(source for pair in pairs for source in pair))
    place = {source: row for row, source in enumerate(sources)}
    left, right = np.array([(place[one], place[other]) for one, other in pairs]).T
    return _compare_rows(sources, left, right, finder)


def compare_with(
    image: Any, others: Sequence[Any], finder: NearDuplicateFinder
) -> list[ComparedPixels]:
    """Read an image and others, and compare its pixels with those of each.

    Parameters
    ----------
    image : image source
        The image on the left.
    others : sequence of image sources
        The images on the right.
    finder : NearDuplicateFinder
        How to compare them, with ``verify=True``. It need not be fitted.

    Returns
    -------
    list of ComparedPixels
        One each of the others.
    """
    if not others:
        return []
    right = np.arange(1, len(others) + 1)
    return _compare_rows([image, *others], np.zeros_like(right), right, finder)


def _compare_rows(
    sources: list[Any], left: Labels, right: Labels, finder: NearDuplicateFinder
) -> list[ComparedPixels]:
    with warnings.catch_warnings():  # each failure is in the result
        warnings.simplefilter("ignore", FailedImagesWarning)
        images = finder.fingerprint(sources)
    near = Pairs(left, right, np.zeros(len(left), dtype=np.int64))
    confirmation = finder._comparison().confirmation
    described = describe_near(images, images, near, confirmation, finder.n_jobs)
    assert described is not None
    failed = dict(zip(images.failures["position"], images.failures["error"], strict=True))
    is_confirmed, is_flat = _confirm(images, near, confirmation, finder.n_jobs)
    compared = []
    for position, (one, other) in enumerate(zip(left, right, strict=True)):
        if one in failed:
            compared.append(ComparedPixels(unread="left", cause=failed[one]))
        elif other in failed:
            compared.append(ComparedPixels(unread="right", cause=failed[other]))
        elif is_confirmed[position]:
            agreement = float(described.agreement[position])
            compared.append(ComparedPixels(True, agreement, str(described.relation[position])))
        else:
            agrees = None if is_flat[position] else float(described.agreement[position])
            compared.append(ComparedPixels(False, agrees))
    return compared


def _confirm(
    images: FingerprintedImages, pairs: Pairs, confirmation: Confirmation, n_jobs: int | None
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which pairs show the same picture, and in which an image has too little detail."""
    fingerprints, (left, right, _) = images.fingerprints, pairs
    agrees = confirmation.test(fingerprints, fingerprints, pairs, n_jobs)
    low, digests = fingerprints.low_detail, fingerprints.pixel_digests
    is_same = low[left] & low[right] & (digests[left] == digests[right]).all(axis=1)
    is_flat = low[left] | low[right]
    return np.where(is_flat, is_same, agrees), is_flat
