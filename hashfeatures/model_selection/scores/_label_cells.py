"""Predicted labels as counts of pairs of classes, to which a resample adds a few made-up images.

Without them, a set of images without an error would have an interval of no width. Half a group of
right and half a group of wrong predictions are Jeffreys' prior of a share [1]_. They are spread as
the variance of the score is, so that most go to a class whose few images have much weight. One
more group in each class, right as often as all images of the resample, stands for the errors that
a class of few images does not show.

.. [1] L. D. Brown, T. T. Cai and A. DasGupta, "Interval Estimation for a Binomial Proportion",
   Statistical Science 16(2), 2001.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...duplicates._labels import Labels

Weights = NDArray[np.float64]

# The prior, in groups: of right and of wrong predictions in all, and of either in each class.
_JEFFREYS = 0.5
_EACH_CLASS = 1.0


class LabelCells:
    """The distinct pairs of a true and a predicted label.

    Parameters
    ----------
    y_true, y_pred : ndarray of shape (n_images,)
        The labels of the images.
    codes : ndarray of shape (n_images,), dtype intp
        The number of the true label.
    classes : ndarray of shape (n_classes,)
        The true labels by number.
    labels : ndarray
        All labels that may be predicted.
    unit : float
        The weight of a group of average size.
    """

    def __init__(
        self,
        y_true: NDArray[Any],
        y_pred: NDArray[Any],
        codes: Labels,
        classes: NDArray[Any],
        labels: NDArray[Any],
        unit: float,
    ) -> None:
        n_classes = len(classes)
        numbers, all_labels = pd.factorize(np.concatenate([classes, labels, y_pred]))
        self._labels = np.asarray(all_labels)  # the classes first, in their order
        predicted = numbers[n_classes + len(labels) :]
        _, first, self._cell = np.unique(
            codes * len(self._labels) + predicted, return_index=True, return_inverse=True
        )
        self._class = codes[first]
        self._is_right = predicted[first] == self._class
        self._true = np.concatenate([y_true[first], classes, classes])
        self._predicted = np.concatenate([y_pred[first], classes])
        self._n_classes = n_classes
        self._unit = unit

    def resample(
        self, weights: Weights, totals: Weights | None, rng: np.random.RandomState
    ) -> tuple[NDArray[Any], NDArray[Any], Weights]:
        """Add made-up images to the images of a resample.

        Parameters
        ----------
        weights : ndarray of shape (n_images,)
            The weights of the images in the resample.
        totals : ndarray of shape (n_classes,) or None
            The weight that each class gets; None means that of its images.
        rng : RandomState
            Draws the made-up images.

        Returns
        -------
        y_true, y_pred, weights : ndarray of shape (n_cells,)
            True and predicted labels, and their weights.
        """
        cells = np.bincount(self._cell, weights, minlength=len(self._class))
        own = np.bincount(self._class, cells, minlength=self._n_classes)
        right, everything = cells[self._is_right].sum(), own.sum()
        priors = self._unit * rng.standard_gamma(_JEFFREYS, 2)
        share_right = (right + priors[0]) / (everything + priors.sum())
        wanted = own if totals is None else totals
        # The prior goes where the variance is: few images with much weight need most of it.
        spread = np.divide(wanted**2, own, out=np.zeros_like(own), where=own > 0)
        spread *= _JEFFREYS / spread.sum()
        invented_right = self._unit * rng.standard_gamma(_EACH_CLASS * share_right + spread)
        invented_wrong = self._unit * rng.standard_gamma(_EACH_CLASS * (1 - share_right) + spread)
        numbers, n_labels = np.arange(self._n_classes), len(self._labels)
        if n_labels == 1:  # no prediction could be wrong
            invented_wrong[:] = 0
        wrong = (numbers + rng.randint(1, max(n_labels, 2), self._n_classes)) % n_labels
        factor = wanted / (own + invented_right + invented_wrong)
        factor[own == 0] = 0
        predicted = np.concatenate([self._predicted, self._labels[wrong]])
        scaled = [cells * factor[self._class], invented_right * factor, invented_wrong * factor]
        return self._true, predicted, np.concatenate(scaled)
