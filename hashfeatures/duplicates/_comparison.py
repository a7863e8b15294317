"""How images are compared: which hashes are computed, and which pairs of images are near."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from .._utils.descriptions import describe_value
from .._utils.stored_columns import read_hashes, read_numbers
from ..exceptions import ParameterError
from ..hamming._packing import words_from_bits
from ..hashing._batch import hash_sources
from ..hashing._default_radius import DefaultRadius, default_radius, nomination_radius
from ..hashing._hex import hex_to_bits
from ..hashing._spec import HashSpec
from ..images._decoding import Decoding
from ..images._identities import identify
from ..images._sources import IMAGE_COLUMNS
from ._pair_graph import PairGraph
from ._radius_warnings import SAMPLED, is_crowded, warn_of_crowd, warn_of_strangers
from .fingerprints._computed import ComputedHashes
from .fingerprints._confirmation import Confirmation
from .fingerprints._fingerprinted_images import FingerprintedImages
from .fingerprints._fingerprints import Fingerprints
from .fingerprints._from_hashes import read_fingerprints
from .fingerprints._search import build_graph


@dataclass(frozen=True)
class Comparison:
    """How images are compared.

    Parameters
    ----------
    hashes : tuple of HashSpec
        The hashes whose bits are compared.
    views : str
        The views of an image that are compared, as in `NearDuplicateFinder`.
    min_detail : int
        The least detail, 0 to 100, of an image that is compared by its hashes.
    color_radius : int or None
        The greatest distance of the colors of near images, in bits of "colorgrid".
    decoding : Decoding
        How files become pixels.
    min_agreement : float or None
        The least agreement of the pixels of near images, 0 to 1. None compares hashes alone.
    """

    hashes: tuple[HashSpec, ...]
    views: str = "identity"
    min_detail: int = 10
    color_radius: int | None = None
    decoding: Decoding = Decoding("reduced")
    min_agreement: float | None = None

    @property
    def n_bits(self) -> int:
        """The number of bits of the hashes."""
        return sum(spec.n_bits for spec in self.hashes)

    @property
    def computed(self) -> ComputedHashes:
        """All that is computed of an image: for the bits, the colors and the pixels."""
        return ComputedHashes(
            self.hashes,
            self.views,
            self.min_detail,
            has_colors=self.color_radius is not None,
            has_thumbnails=self.min_agreement is not None,
        )

    @property
    def default_radius(self) -> DefaultRadius:
        """The default radius of the hashes over these views, if no pixels are looked at."""
        return default_radius(self.hashes, self.views)

    @property
    def usual_radius(self) -> int:
        """The default radius of images, which is wider if pixels confirm what it nominates."""
        if self.min_agreement is not None:
            return nomination_radius(self.hashes, self.views)
        return self.default_radius.bits

    @property
    def confirmation(self) -> Confirmation:
        """What images of near hashes must share beside these."""
        return Confirmation(self.min_agreement, self.color_radius, self.views)

    @property
    def by_hashes(self) -> Comparison:
        """The same comparison without the pixels."""
        return replace(self, min_agreement=None)

    def check(self) -> None:
        """Raise if the hashes do not support the views."""
        _ = self.computed.compared

    def check_table(self) -> None:
        """Raise if images are compared by more than a table of hashes holds."""
        if self.views != "identity" or self.color_radius is not None:
            raise ParameterError(
                "A table of hashes has no views and no colors: pass views='identity' and "
                f"color_radius=None. Got views={describe_value(self.views)} and "
                f"color_radius={describe_value(self.color_radius)} instead."
            )

    def has_table(self, table: pd.DataFrame) -> bool:
        """Return whether a table holds all that images are compared by."""
        is_plain = self.views == "identity" and self.color_radius is None
        return is_plain and set(map(str, self.hashes)) <= set(table.columns)

    def choose_radius(self, n_images: int, n_bits: int | None = None) -> int:
        """Return the default radius, and warn if the hashes are too weak for so many images.

        Parameters
        ----------
        n_images : int
            The number of images that are compared.
        n_bits : int, optional
            The number of bits that they are compared by. If that is not the number of bits of
            the hashes, the radius is scaled to it.

        Returns
        -------
        int
            In bits. If pixels confirm what the hashes nominate, the radius is wider.
        """
        if self.min_agreement is not None:
            return self.usual_radius
        default = self.default_radius
        if n_bits is not None and n_bits != self.n_bits:
            return default.bits * n_bits // self.n_bits
        warn_of_strangers(self.hashes, default, n_images)
        return default.bits

    def fingerprint(
        self,
        sources: Sequence[Any],
        *,
        n_jobs: int | None = None,
        cache: Any = None,
        progress: bool = False,
    ) -> FingerprintedImages:
        """Hash images into what they are compared by.

        Parameters
        ----------
        sources : sequence of image sources
            The images. Those that cannot be read are recorded in the failures.
        n_jobs, cache, progress
            As in `NearDuplicateFinder`.

        Returns
        -------
        FingerprintedImages
            Row i is image i.
        """
        identities = identify(sources)  # a file that changes from here on is another one
        computed = self.computed
        hashes = hash_sources(
            sources,
            computed.specs,
            self.decoding,
            errors="coerce",
            min_detail=self.min_detail,
            n_jobs=n_jobs,
            cache=cache,
            progress=progress,
        )
        causes = [error.cause for error in hashes.errors.values()]
        return FingerprintedImages.of(
            sources,
            read_fingerprints(computed, hashes),
            list(hashes.errors),
            causes,
            hashes.n_pixels(),
            identities,
        )

    def read_table(self, table: pd.DataFrame) -> FingerprintedImages:
        """Take the fingerprints of images from the hex columns of a table.

        Parameters
        ----------
        table : pandas.DataFrame
            As `hash_images` makes it. Images without a hash, or of low detail, cannot be
            compared.

        Returns
        -------
        FingerprintedImages
            Row i is row i of the table.

        Raises
        ------
        ParameterError
            If images are compared over views or by color.
        ValueError
            If the table lacks a hash.
        """
        self.check_table()
        missing = [str(spec) for spec in self.hashes if str(spec) not in table.columns]
        if missing:
            named = ", ".join(repr(str(spec)) for spec in self.hashes)
            raise ValueError(
                f"The images are compared by {named}, and the table has no column "
                f"{', '.join(map(repr, missing))}: make it by hash_images(images, [{named}]), or "
                f"pass finder=NearDuplicateFinder(hashes=..., radius=...) for the hashes it has."
            )
        columns = [read_hashes(table[str(spec)]) for spec in self.hashes]
        present = np.all([column.notna() for column in columns], axis=0)
        failed = np.flatnonzero(~present)
        known = "error" in table.columns
        causes = table["error"].iloc[failed] if known else ["no hash in the table"] * len(failed)
        comparable = present
        if "detail" in table.columns:
            detail = read_numbers(table["detail"]).fillna(-1).to_numpy()
            comparable = present & (detail >= self.min_detail)
        bits = np.zeros((len(table), self.n_bits), dtype=np.uint8)
        bits[comparable] = np.hstack(
            [
                hex_to_bits(column[comparable], spec.n_bits)
                for column, spec in zip(columns, self.hashes, strict=True)
            ]
        )
        fingerprints = Fingerprints.of_words(words_from_bits(bits)[0], comparable, self.n_bits)
        holding = [name for name in IMAGE_COLUMNS if name in table.columns]
        images = list(table[holding[0]]) if holding else [None] * len(table)
        return FingerprintedImages.of(images, fingerprints, failed, causes)

    def find_pairs(
        self, fingerprints: Fingerprints, radius: int, n_jobs: int | None = None
    ) -> PairGraph:
        """Find every two images that are near each other, see `build_graph`."""
        return build_graph(fingerprints, radius, n_jobs, self.confirmation)

    def warn_if_crowded(
        self, fingerprints: Fingerprints, radius: int, n_jobs: int | None = None
    ) -> None:
        """Warn if a large part of all pairs of images is within a radius, judged by a sample."""
        sample = fingerprints.sample_different(SAMPLED)
        n_sampled = len(sample.comparable)
        n_near = self.by_hashes.find_pairs(sample, radius, n_jobs).n_pairs
        if self.min_agreement is not None and is_crowded(n_near, n_sampled):
            n_near = self.find_pairs(sample, radius, n_jobs).n_pairs
        if is_crowded(n_near, n_sampled):
            warn_of_crowd(n_near, n_sampled, radius, fingerprints.n_bits)
