"""What is computed of an image so that it can be compared."""

from __future__ import annotations

from dataclasses import dataclass

from ...hashing._spec import HashSpec, parse_hashes
from ...hashing._thumbnail import ThumbnailSpec
from ...hashing.views._modes import compare_by

# The hash that colors are compared by.
COLOR_HASH = parse_hashes("colorgrid")[0]


@dataclass(frozen=True)
class ComputedHashes:
    """What is computed of each image.

    Parameters
    ----------
    hashes : tuple of HashSpec
        The hashes whose bits are compared.
    views : str
        The views of an image that are compared, as in `NearDuplicateFinder`.
    min_detail : int
        The least detail, 0 to 100, of an image that is compared by its hashes.
    has_colors : bool
        Whether colors are compared.
    has_thumbnails : bool
        Whether pixels are compared.
    """

    hashes: tuple[HashSpec, ...]
    views: str = "identity"
    min_detail: int = 10
    has_colors: bool = False
    has_thumbnails: bool = False

    @property
    def n_bits(self) -> int:
        """The number of bits of the hashes."""
        return sum(spec.n_bits for spec in self.hashes)

    @property
    def compared(self) -> tuple[HashSpec, ...]:
        """What the comparison of bits needs: the hashes, or one spec of all views."""
        return compare_by(self.hashes, self.views, self.min_detail)

    @property
    def specs(self) -> tuple[HashSpec, ...]:
        """All that is computed: for the bits, the colors and the pixels, in this order."""
        colors = (COLOR_HASH,) if self.has_colors else ()
        thumbnails = (ThumbnailSpec(),) if self.has_thumbnails else ()
        return (*self.compared, *colors, *thumbnails)
