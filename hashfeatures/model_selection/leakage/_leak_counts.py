"""What a leakage report says in numbers and in a sentence, however its pairs were found."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..._utils.quantities import count
from .._groups import OwnGroups, or_another_image
from .._part_counts import PartCounts


@dataclass(frozen=True)
class LeakCounts:
    """The numbers of a leakage report.

    Parameters
    ----------
    parts : PartCounts
        The numbers of images in the parts.
    n_pairs : int
        The number of pairs of near duplicates in different parts.
    n_leaking : int
        The number of images in the last part that leak to an earlier one.
    n_reaching : ndarray of shape (n_parts, n_parts), dtype int64
        The number of images in each part (row) that leak to each other part (column).
    own : OwnGroups, optional
        The groups that a user names, such as sequences.
    n_straddling : int, default=0
        The number of these groups that are in more than one part.
    """

    parts: PartCounts
    n_pairs: int
    n_leaking: int
    n_reaching: NDArray[np.int64]
    own: OwnGroups | None = None
    n_straddling: int = 0

    @property
    def leaks(self) -> bool:
        """Whether near duplicates, or images of one group, are in different parts."""
        return self.n_pairs > 0 or self.n_straddling > 0

    @property
    def share(self) -> float:
        """The share of images in the last part that leak to an earlier part."""
        n_images = self.parts.sizes[-1]
        return self.n_leaking / n_images if n_images else 0.0

    @property
    def shares(self) -> NDArray[np.float64]:
        """The share of images in each part (row) that leak to each other part (column)."""
        sizes = np.maximum(self.parts.sizes, 1)
        shares: NDArray[np.float64] = self.n_reaching / sizes[:, None]
        np.fill_diagonal(shares, np.nan)
        return shares

    def summary(self) -> dict[str, Any]:
        """Return the numbers as a dict, see `LeakageReport.summary`."""
        names = self.parts.names
        # Groups are known even of images that could not be read.
        is_unseen = [part and self.own is None for part in self.parts.unseen]
        shares = self.shares.tolist()
        *earlier, last = is_unseen
        facts = {
            "parts": dict(zip(names, self.parts.sizes, strict=True)),
            "unreadable": dict(zip(names, self.parts.unreadable, strict=True)),
            "pairs": self.n_pairs,
            "leaking": self.n_leaking,
            "share": None if last or all(earlier) else self.share,
            "shares": {
                name: {
                    other: None if is_unseen[row] or is_unseen[column] else shares[row][column]
                    for column, other in enumerate(names)
                    if column != row
                }
                for row, name in enumerate(names)
            },
        }
        if self.own is not None:
            facts["straddling"] = self.n_straddling
        return facts

    def __str__(self) -> str:
        facts = self.summary()
        *earlier, last = self.parts.names
        sizes = ", ".join(f"{name} {size}" for name, size in facts["parts"].items())
        unchecked = self.parts.why_unchecked(sum(self.parts.sizes))
        if unchecked and not self.leaks:
            return f"{unchecked} (Images: {sizes}.)"
        text = f"{unchecked} " if unchecked else ""
        text += (
            f"{self.n_leaking} of {facts['parts'][last]} images in {last} "
            f"({_percent(facts['share'])}) have a near duplicate{or_another_image(self.own)} in "
            f"{' or '.join(earlier)}."
        )
        for name, other in combinations(earlier, 2):
            share = facts["shares"][other][name]
            text += f" {_percent(share)} of the images in {other} have one in {name}."
        across = "1 pair is" if self.n_pairs == 1 else f"{self.n_pairs} pairs are"
        if self.own is not None:
            groups = count(self.n_straddling, self.own.noun)
            across = f"{groups} and {count(self.n_pairs, 'pair')} are"
        text += f" In all, {across} in different parts (images: {sizes})."
        if self.own is not None and self.own.description:
            text += f" Found {self.own.description}."
        return text + self.parts.describe_uncompared()


def _percent(share: float | None) -> str:
    return "an unknown share" if share is None else f"{share:.1%}"
