"""Images that were hashed to be compared: their fingerprints, and what else is known of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...images._identities import identify, weak_references
from ...images._sources import name_sources
from ._fingerprints import Fingerprints


class FingerprintedImages(NamedTuple):
    """What is known of images that were hashed to be compared.

    Parameters
    ----------
    fingerprints : Fingerprints
        What they are compared by.
    ids : ndarray of shape (n_images,), dtype object
        The path or URL of each image; None for one from memory.
    failures : pandas.DataFrame
        Those that could not be read: columns "position", "image" and "error".
    n_pixels : ndarray of shape (n_images,), dtype int64
        The sizes of the images; 0 for one that could not be read, or whose size is not known.
    identities : ndarray of shape (n_images, 2), dtype uint64
        Their identities before they were hashed, see `identify`.
    in_memory : ndarray of shape (n_images,), dtype object
        Weak references to those in memory, see `weak_references`.
    """

    fingerprints: Fingerprints
    ids: NDArray[np.object_]
    failures: pd.DataFrame
    n_pixels: NDArray[np.int64]
    identities: NDArray[np.uint64]
    in_memory: NDArray[np.object_]

    @classmethod
    def of(
        cls,
        sources: Sequence[Any],
        fingerprints: Fingerprints,
        failed: Sequence[int] | NDArray[np.intp],
        causes: Iterable[str],
        n_pixels: NDArray[np.int64] | None = None,
        identities: NDArray[np.uint64] | None = None,
    ) -> FingerprintedImages:
        """Gather what is known of images.

        Parameters
        ----------
        sources : sequence of image sources
            The images.
        fingerprints : Fingerprints
            What they are compared by.
        failed : sequence of int
            The rows of those that could not be read.
        causes : iterable of str
            Why each of these could not be read.
        n_pixels, identities : ndarray, optional
            As in the class; None means that they are not known.

        Returns
        -------
        FingerprintedImages
            The same, row by row.
        """
        n_images = len(sources)
        failures = pd.DataFrame(
            {
                "position": np.array(failed, dtype=np.intp),
                "image": pd.Series([sources[row] for row in failed], dtype=object),
                "error": pd.Series(list(causes), dtype=object),
            }
        )
        if identities is None:
            identities = np.zeros((n_images, 2), dtype=np.uint64)
        return cls(
            fingerprints,
            name_sources(sources),
            failures,
            np.zeros(n_images, dtype=np.int64) if n_pixels is None else n_pixels,
            identities,
            weak_references(sources),
        )

    def joined_with(self, more: FingerprintedImages) -> FingerprintedImages:
        """Return what is known of these images and of more."""
        failures = more.failures.assign(position=more.failures["position"] + len(self.ids))
        return FingerprintedImages(
            Fingerprints.join([self.fingerprints, more.fingerprints]),
            np.concatenate([self.ids, more.ids]),
            pd.concat([self.failures, failures], ignore_index=True),
            np.concatenate([self.n_pixels, more.n_pixels]),
            np.concatenate([self.identities, more.identities]),
            np.concatenate([self.in_memory, more.in_memory]),
        )

    def are_sources(self, sources: Sequence[Any]) -> bool:
        """Return whether these are the images of some sources, and none has changed."""
        if not sources or not np.array_equal(self.ids, name_sources(sources)):
            return False
        now = identify(sources)
        return bool(now.any(axis=1).all()) and np.array_equal(now, self.identities)

    def are_same_hashes(self, others: FingerprintedImages) -> bool:
        """Return whether others have the same names and hashes, row by row."""
        ours, theirs = self.fingerprints, others.fingerprints
        return (
            np.array_equal(ours.words, theirs.words)
            and np.array_equal(ours.comparable, theirs.comparable)
            and np.array_equal(self.ids, others.ids)
        )

    def without_references(self) -> FingerprintedImages:
        """Return the same without references to images in memory, which other processes lack."""
        return self._replace(in_memory=np.full(len(self.in_memory), None, dtype=object))
