"""Scores of sets of images, and their intervals by a Bayesian bootstrap over groups.

A resample draws one exponential weight for each group of images [1]_. Unlike a draw with
replacement, it leaves no class without images. Student's t widens the interval of few groups [2]_.
Where predictions are not labels, the interval is corrected for the bias of the draws [3]_.

.. [1] D. B. Rubin, "The Bayesian Bootstrap", The Annals of Statistics 9(1), 1981.
.. [2] T. C. Hesterberg, "What Teachers Should Know About the Bootstrap: Resampling in the
   Undergraduate Statistics Curriculum", The American Statistician 69(4), 2015. See "expanded
   percentile interval".
.. [3] B. Efron, "Nonparametric Standard Errors and Confidence Intervals", The Canadian Journal of
   Statistics 9(2), 1981: the bias-corrected percentile interval.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri, stdtrit

from ...duplicates._labels import Labels
from ._label_cells import LabelCells, Weights
from ._metrics import Predictions

# A correction of the bias by more than this would leave too few draws behind an end.
_SHARES_BELOW = (0.02, 0.98)


@dataclass(frozen=True)
class GroupedPredictions:
    """The predictions for a part, with what a bootstrap over groups needs.

    Parameters
    ----------
    predictions : Predictions
        True and predicted values, and the metric.
    strata : ndarray of shape (n_images,), dtype intp
        The class of each image, or the quantile of its target; all 0 without either.
    groups : ndarray of shape (n_images,), dtype intp
        The group of each image, from 0 on.
    weights : ndarray of shape (n_images,) or None
        The weights of the images, if a user gives them.
    are_labels : bool
        Whether the predicted values are labels, and the strata the true ones.
    """

    predictions: Predictions
    strata: Labels
    groups: Labels
    weights: Weights | None
    are_labels: bool

    @cached_property
    def given(self) -> Weights:
        """The weight of each image, 1 by default."""
        return np.ones(len(self.strata)) if self.weights is None else self.weights

    @cached_property
    def n_strata(self) -> int:
        """The number of strata."""
        return int(self.strata.max(initial=-1)) + 1

    def totals(self, weights: Weights) -> Weights:
        """Return the weight of each stratum."""
        return _sum(self.strata, weights, self.n_strata)

    def draw(self, rng: np.random.RandomState) -> Weights:
        """Draw the weights of the images in one resample."""
        n_groups = int(self.groups.max(initial=-1)) + 1
        return rng.standard_exponential(n_groups)[self.groups] * self.given


@dataclass(frozen=True)
class ImageSet:
    """Some images of a part, which get a score.

    Parameters
    ----------
    grouped : GroupedPredictions
        The predictions for the part.
    members : ndarray of shape (n_members,), dtype intp
        The rows of the images.
    reweighted : bool, default=False
        Whether each stratum weighs as much as in the whole part.
    """

    grouped: GroupedPredictions
    members: Labels
    reweighted: bool = False

    @property
    def n_images(self) -> int:
        """The number of images."""
        return len(self.members)

    @cached_property
    def n_groups(self) -> int:
        """The number of groups of images with a weight above 0."""
        known = self.members[self.grouped.given[self.members] > 0]
        return len(np.unique(self.grouped.groups[known]))

    @cached_property
    def missing_strata(self) -> Labels:
        """The strata of the part of which the set has no image."""
        has = self._sum_by_stratum(self.grouped.given[self.members])
        return np.flatnonzero((has == 0) & (self.grouped.totals(self.grouped.given) > 0))

    def effective_groups(self) -> float:
        """Return how many groups of equal weight tell as much: Kish's effective sample size."""
        sums = np.bincount(self.grouped.groups[self.members], self._reweight(self.grouped.given))
        return float(sums.sum() ** 2 / (sums**2).sum())

    def score(self) -> float:
        """Return the metric of the images."""
        rows, predictions = self.members, self.grouped.predictions
        if self.reweighted or self.grouped.weights is not None:
            weights = self._reweight(self.grouped.given)
            rows, weights = rows[weights > 0], weights[weights > 0]
            return predictions.metric(predictions.y_true[rows], predictions.y_pred[rows], weights)
        return predictions.metric(predictions.y_true[rows], predictions.y_pred[rows], None)

    def resampled_score(self, weights: Weights, rng: np.random.RandomState) -> float:
        """Return the metric in a resample, NaN where it is not defined.

        Parameters
        ----------
        weights : ndarray of shape (n_images,)
            The weights of all images of the part, see `GroupedPredictions.draw`.
        rng : RandomState
            Draws made-up images, see `LabelCells`.
        """
        predictions = self.grouped.predictions
        if self.grouped.are_labels:
            totals = self.grouped.totals(weights) if self.reweighted else None
            y_true, y_pred, drawn = self._cells.resample(weights[self.members], totals, rng)
        else:
            y_true, y_pred = self._values
            drawn = self._reweight(weights)
        kept = drawn > 0
        try:
            return predictions.metric(y_true[kept], y_pred[kept], drawn[kept])
        except (ValueError, ArithmeticError):  # such as an area under a curve of one class
            return float("nan")

    @cached_property
    def _values(self) -> tuple[NDArray[np.generic], NDArray[np.generic]]:
        predictions = self.grouped.predictions
        return predictions.y_true[self.members], predictions.y_pred[self.members]

    @cached_property
    def _cells(self) -> LabelCells:
        grouped = self.grouped
        true, predicted = grouped.predictions.y_true, grouped.predictions.y_pred
        classes = true[np.unique(grouped.strata, return_index=True)[1]]
        n_groups = len(np.unique(grouped.groups[self.members]))
        unit = float(grouped.given[self.members].sum()) / n_groups
        codes = grouped.strata[self.members]
        return LabelCells(*self._values, codes, classes, pd.unique(predicted), unit)

    def _sum_by_stratum(self, weights: Weights) -> Weights:
        return _sum(self.grouped.strata[self.members], weights, self.grouped.n_strata)

    def _reweight(self, weights: Weights) -> Weights:
        """Return the weights of the members, scaled to those of the strata of the part."""
        own = weights[self.members]
        if not self.reweighted:
            return own
        has, wanted = self._sum_by_stratum(own), self.grouped.totals(weights)
        factor = np.divide(wanted, has, out=np.zeros_like(wanted), where=has > 0)
        return own * factor[self.grouped.strata[self.members]]


def interval(
    draws: Weights, value: float, n_groups: int, confidence_level: float, *, correct_bias: bool
) -> tuple[float, float]:
    """Return the percentile interval of a value, expanded by Student's t for few groups.

    Parameters
    ----------
    draws : ndarray of shape (n_resamples,)
        The value in each resample. NaN is ignored.
    value : float
        The value itself, which the interval always contains.
    n_groups : int
        The number of groups. Of one group, there is no interval, and the ends are NaN.
    confidence_level : float
        The share of such intervals that contain the true value.
    correct_bias : bool
        Whether the ends move with the share of draws that are below the value, see [3]_ of the
        module. Made-up images do the same for labels.

    Returns
    -------
    low, high : float
        The ends.
    """
    known = draws[~np.isnan(draws)]
    if not len(known) or n_groups < 2:
        return float("nan"), float("nan")
    quantile = stdtrit(n_groups - 1, (1 + confidence_level) / 2)
    shift = 0.0
    if correct_bias:
        share_below = (known < value).mean() + (known == value).mean() / 2
        shift = 2 * ndtri(np.clip(share_below, *_SHARES_BELOW))
    low, high = np.quantile(known, ndtr([shift - quantile, shift + quantile]))
    return min(float(low), value), max(float(high), value)


def _sum(codes: Labels, weights: Weights, n_codes: int) -> Weights:
    """Return the sum of the weights with each code."""
    return np.bincount(codes, weights, minlength=n_codes).astype(np.float64)
