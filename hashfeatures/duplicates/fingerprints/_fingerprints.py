"""What images are compared by: the bits of hashes, or the pixels of images of low detail."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..._utils.progress import busy
from ...hamming._packing import hamming_distances, words_from_bits
from ...hamming._pairs import Pairs
from ...hamming._unique import number_rows
from .._components import Labels
from .._diameters import Diameters
from .._linkage import Agreement, group_words
from ._base import Codes
from ._linkage import group_views
from ._thumbnails import Thumbnails
from ._views import ViewCodes, ViewPairs


@dataclass(frozen=True)
class Fingerprints:
    """What images are compared by.

    Parameters
    ----------
    words : ndarray of shape (n_images, n_words), dtype uint64
        The packed bits of the hashes.
    comparable : ndarray of shape (n_images,), dtype bool
        Which images are compared by their hashes.
    pixel_digests : ndarray of shape (n_images, 2), dtype uint64
        Digests of the decoded pixels.
    low_detail : ndarray of shape (n_images,), dtype bool
        Which images have too little detail for their hashes, and are compared by their pixels.
    n_bits : int
        The number of bits of the hashes.
    views : Codes or None
        The hashes of all views or segments, if images are compared by those. `words` are then
        the hashes of the first one.
    colors : ndarray of shape (n_images, n_bytes), dtype uint8, or None
        The packed bits of "colorgrid", if near images must have near colors too.
    thumbnails : Thumbnails or None
        The thumbnails, if near images must show the same picture.
    """

    words: NDArray[np.uint64]
    comparable: NDArray[np.bool_]
    pixel_digests: NDArray[np.uint64]
    low_detail: NDArray[np.bool_]
    n_bits: int
    views: Codes | None = None
    colors: NDArray[np.uint8] | None = None
    thumbnails: Thumbnails | None = None

    @classmethod
    def of_words(
        cls, words: NDArray[np.uint64], comparable: NDArray[np.bool_], n_bits: int
    ) -> Fingerprints:
        """Return fingerprints of hashes alone: no pixels are known."""
        n_images = len(words)
        digests = np.zeros((n_images, 2), dtype=np.uint64)
        return cls(words, comparable, digests, np.zeros(n_images, dtype=bool), n_bits)

    @classmethod
    def join(cls, parts: Sequence[Fingerprints]) -> Fingerprints:
        """Return the fingerprints of several collections as those of one."""
        names = ("words", "comparable", "pixel_digests", "low_detail")
        joined = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
        views = [part.views for part in parts if part.views is not None]
        colors = [part.colors for part in parts if part.colors is not None]
        thumbnails = [part.thumbnails for part in parts if part.thumbnails is not None]
        return cls(
            **joined,
            n_bits=parts[0].n_bits,
            views=type(views[0]).join(views) if views else None,
            colors=np.concatenate(colors) if colors else None,
            thumbnails=Thumbnails.join(thumbnails) if len(thumbnails) == len(parts) else None,
        )

    def take(self, rows: Any) -> Fingerprints:
        """Return the fingerprints of some images."""
        return Fingerprints(
            self.words[rows],
            self.comparable[rows],
            self.pixel_digests[rows],
            self.low_detail[rows],
            n_bits=self.n_bits,
            views=None if self.views is None else self.views.take(rows),
            colors=None if self.colors is None else self.colors[rows],
            thumbnails=None if self.thumbnails is None else self.thumbnails.take(rows),
        )

    def sample_different(self, n_images: int) -> Fingerprints:
        """Return a random sample of at most `n_images`, of which no two have equal hashes."""
        rows = np.flatnonzero(self.comparable)
        drawn = np.random.default_rng(0).permutation(rows)[: 4 * n_images]
        sample = self.take(drawn)
        return sample.take(number_rows(sample.keys())[1][:n_images])

    def keys(self) -> NDArray[np.uint64]:
        """Return words that are equal for images that are compared as equals."""
        columns = [self.words if self.views is None else self.views.digests()]
        if self.colors is not None:
            columns.append(color_words(self.colors))
        if self.thumbnails is not None:
            columns.append(self.thumbnails.digests)
        return columns[0] if len(columns) == 1 else np.hstack(columns)

    def number(self) -> Labels:
        """Return the number of each different fingerprint, from 0; -1 where there is none."""
        numbers = np.full(len(self.comparable), -1, dtype=np.intp)
        numbers[self.comparable], firsts = number_rows(self.keys()[self.comparable])
        by_pixels = number_rows(self.pixel_digests[self.low_detail])[0]
        numbers[self.low_detail] = len(firsts) + by_pixels
        return numbers

    def distances(self, others: Fingerprints) -> NDArray[np.int64]:
        """Return the distance in bits of each image to the one in the same row of `others`."""
        if self.views is not None and others.views is not None:
            return self.views.distances(others.views)
        return hamming_distances(self.words, others.words)

    def name_views(self, others: Fingerprints, pairs: Pairs) -> Pairs | ViewPairs:
        """Name the views in which pairs are near, if images are compared over views."""
        if not (isinstance(self.views, ViewCodes) and isinstance(others.views, ViewCodes)):
            return pairs
        named = self.views.name(others.views, pairs)
        return named._replace(distance=pairs.distance)

    @busy("grouping images")
    def group(
        self,
        labels: Labels,
        radius: int,
        linkage: str,
        n_jobs: int | None,
        agreement: Agreement | None = None,
    ) -> tuple[Labels, Diameters]:
        """Group the components of near images by a linkage, and measure the groups.

        Parameters
        ----------
        labels : ndarray of shape (n_images,), dtype intp
            The component of each image.
        radius, linkage, n_jobs
            As in `NearDuplicateFinder`.
        agreement : Agreement, optional
            What else two members of a group must agree in under "complete".

        Returns
        -------
        labels : ndarray of shape (n_images,), dtype intp
            The group of each image.
        diameters : Diameters
            The sizes and diameters of the groups.
        """
        if self.views is not None:
            return group_views(self.views, labels, radius, linkage, agreement)
        shown = np.where(self.comparable[:, None], self.words, np.uint64(0))
        return group_words(shown, labels, radius, linkage, n_jobs, agreement)


def color_words(colors: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """Return packed bits as 64-bit words."""
    return words_from_bits(np.unpackbits(colors, axis=1))[0]
