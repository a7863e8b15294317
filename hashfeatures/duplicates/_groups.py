"""Bits to groups of near duplicates."""

from __future__ import annotations

from typing import Any

import pandas as pd
from numpy.typing import NDArray
from sklearn.base import ClusterMixin

from .._utils.docstrings import fill_in_parameters
from .._utils.progress import busy
from .._utils.validation import check_choice, check_n_jobs, check_radius
from ..hamming._base import BitsEstimator
from ..hamming._neighbors import HammingNeighbors
from ..hamming._packing import words_from_bits
from ._diameters import warn_of_chains
from ._labels import Labels, tabulate_groups
from ._linkage import LINKAGES, group_words
from ._pair_graph import PairGraph
from .fingerprints._fingerprints import Fingerprints
from .fingerprints._search import build_graph


@fill_in_parameters
class DuplicateGroups(ClusterMixin, BitsEstimator):
    """Group rows of bits that are near duplicates of each other.

    Read more in the :doc:`User Guide </user-guide/near-duplicates>`.

    Parameters
    ----------
    radius : int, default=12
        The greatest Hamming distance, in bits, of two near duplicates. The default suits the 128
        bits of "phash" and "dhash"; `NearDuplicateFinder` chooses a radius for other hashes. A
        radius above the number of bits raises `ParameterError`.
    linkage : {"single", "complete"}, default="single"
        "single" puts any two near duplicates into one group, as splits need it. "complete" makes
        groups in which no two members are farther from each other than the radius, so that near
        duplicates may be in different groups.
    $n_threads

    Attributes
    ----------
    labels_ : ndarray of shape (n_samples,), dtype intp
        The group of each row, counted from 0 in order of first appearance. A row without near
        duplicates has a label of its own, and so has a row that holds a NaN. The labels can be
        used as `groups` in scikit-learn.
    n_groups_ : int
        The number of groups, including those of one row.
    groups_ : pandas.DataFrame
        The groups of two or more, by label. The columns are "size" in rows; "diameter" in bits,
        the greatest distance of two members; and "exact", which is False where the diameter is an
        upper bound. That is so in groups of more than 2048 different rows.
    n_features_in_ : int
        The number of bits of a row.

    Warns
    -----
    ChainingWarning
        If single linkage makes a group of more than 5 % of all rows (and more than 20), or one
        whose diameter is above three radii.

    See Also
    --------
    NearDuplicateFinder : Groups images.

    Examples
    --------
    >>> from hashfeatures import DuplicateGroups
    >>> bits = [[0, 0, 0, 0], [1, 1, 1, 1], [0, 0, 0, 1]]
    >>> DuplicateGroups(radius=1).fit_predict(bits)
    array([0, 1, 0])
    """

    labels_: Labels
    groups_: pd.DataFrame
    n_groups_: int

    def __init__(
        self, radius: int = 12, *, linkage: str = "single", n_jobs: int | None = None
    ) -> None:
        self.radius = radius
        self.linkage = linkage
        self.n_jobs = n_jobs

    @busy("grouping codes")
    def fit(self, X: Any, y: Any = None) -> DuplicateGroups:
        """Find the groups.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_bits)
            Zeros and ones; a row that holds a NaN is missing.
        y : None
            Ignored.

        Returns
        -------
        DuplicateGroups
            The object itself.
        """
        bits, learnt = self._read_bits(X)
        self._check_parameters(bits)
        neighbors = HammingNeighbors(radius=self.radius, n_jobs=self.n_jobs).fit(bits)
        joined = neighbors.components()
        words = words_from_bits(bits)[0]
        labels, diameters = group_words(words, joined, self.radius, self.linkage, self.n_jobs)
        if self.linkage == "single":
            warn_of_chains(diameters, self.radius)
        self._set_fitted(
            **learnt,
            labels_=labels,
            groups_=tabulate_groups(diameters),
            n_groups_=len(diameters.size),
        )
        return self

    def _compare(self, bits: NDArray[Any]) -> tuple[Fingerprints, PairGraph]:
        """Find the near pairs of rows, without grouping them."""
        self._check_parameters(bits)
        fingerprints = Fingerprints.of_words(*words_from_bits(bits), bits.shape[1])
        return fingerprints, build_graph(fingerprints, self.radius, self.n_jobs)

    def _check_parameters(self, bits: NDArray[Any]) -> None:
        name = type(self).__name__
        check_choice(name, "linkage", self.linkage, LINKAGES)
        check_n_jobs(name, self.n_jobs)
        check_radius(name, self.radius, bits.shape[1])
