"""The scores that a contestant of `quality.py` gives, and what they find at a rate of errors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# The share of the pairs of different images whose scores are kept, the highest ones.
KEPT = 1e-3

NOT_NOMINATED = -np.inf


@dataclass(frozen=True)
class Scores:
    """How alike a contestant finds different images, and copies and their originals.

    Parameters
    ----------
    different : ndarray of shape (n_kept,)
        The highest scores of pairs of different images, in falling order.
    copies : ndarray of shape (n_edited, n_edits)
        The score of each edited copy and its original, `NOT_NOMINATED` if it is below all scores.
    n_pairs : int
        How many pairs of different images there are.
    """

    different: NDArray[np.float64]
    copies: NDArray[np.float64]
    n_pairs: int

    def recall_at(self, rate: float) -> NDArray[np.float64]:
        """Return the share of copies that are found at a rate of false matches, by edit.

        If there are few pairs, one false match is allowed.
        """
        allowed = max(1, int(rate * self.n_pairs))
        full = len(self.different) > allowed
        # Pairs with the score of the first false match too many are not found either.
        beyond = self.different[allowed] if full else NOT_NOMINATED
        return self._share(self.copies > beyond)

    def recall_from(self, least: float) -> NDArray[np.float64]:
        """Return the share of copies with at least some score, by edit."""
        return self._share(self.copies >= least)

    def rate_from(self, least: float) -> float:
        """Return the share of the pairs of different images with at least some score."""
        return float(np.count_nonzero(self.different >= least)) / self.n_pairs

    @staticmethod
    def _share(found: NDArray[np.bool_]) -> NDArray[np.float64]:
        shares: NDArray[np.float64] = found.mean(axis=0)
        return shares


def keep_highest(scores: NDArray[np.float64], n_pairs: int) -> NDArray[np.float64]:
    """Return the highest scores, in falling order."""
    kept: NDArray[np.float64] = np.sort(scores)[::-1][: max(2, int(KEPT * n_pairs))]
    return kept
