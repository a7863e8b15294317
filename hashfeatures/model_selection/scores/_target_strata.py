"""Classes or quantiles of the true values, by which the score of clean images is reweighted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..._utils.labels import Classes
from ...duplicates._labels import Labels
from ..allocation._strata import is_continuous

# A continuous target is cut into at most so many quantiles, with so many clean groups for each.
_MOST_QUANTILES = 10
_GROUPS_A_QUANTILE = 10


@dataclass(frozen=True)
class TargetStrata:
    """The class of each image, or the quantile of its target.

    Parameters
    ----------
    codes : ndarray of shape (n_images,), dtype intp
        The number of the class or quantile, from 0 on.
    names : list of str
        The names of the classes or quantiles.
    are_classes : bool
        Whether each is one distinct value of a single column.
    notes : list of str
        Sentences on what is not reweighted, or by what.
    """

    codes: Labels
    names: list[str]
    are_classes: bool
    notes: list[str]

    @classmethod
    def of(cls, y_true: NDArray[Any], clean: Labels, groups: Labels) -> TargetStrata:
        """Return the strata of true values.

        Parameters
        ----------
        y_true : ndarray of shape (n_images,) or (n_images, n_outputs)
            Classes, several labels, or continuous targets. Each distinct row of labels is a class.
        clean : ndarray, dtype intp
            The rows of the images to reweight. Each quantile has at least one.
        groups : ndarray of shape (n_images,), dtype intp
            The group of each image.
        """
        if y_true.ndim > 1:
            if y_true.dtype.kind == "f" and (y_true != np.rint(y_true)).any():
                note = "With several continuous targets, the corrected score is not reweighted."
                return cls(np.zeros(len(y_true), dtype=np.intp), ["all"], False, [note])
            classes = Classes.of_rows(list(y_true.reshape(len(y_true), -1).T))
            return cls(classes.codes, classes.names, False, [])
        if not _is_continuous(y_true):
            classes = Classes.of(y_true)
            return cls(classes.codes, classes.names, True, [])
        n_groups = len(np.unique(groups[clean]))
        n_bins = max(1, min(_MOST_QUANTILES, n_groups // _GROUPS_A_QUANTILE))
        codes = _cut(y_true, n_bins)
        while len(np.unique(codes[clean])) < codes.max() + 1 and n_bins > 1:
            n_bins -= 1
            codes = _cut(y_true, n_bins)
        n_quantiles = int(codes.max()) + 1
        spans = pd.Series(y_true).groupby(codes).agg(["min", "max"])
        names = [f"{low:.4g} to {high:.4g}" for low, high in spans.to_numpy()]
        by = f"reweighted by {n_quantiles} quantiles" if n_quantiles > 1 else "not reweighted"
        note = f"The target is continuous: the corrected score is {by}."
        return cls(codes, names, False, [note])


def _is_continuous(values: NDArray[Any]) -> bool:
    if values.dtype.kind not in "iuf":
        return False
    return bool((values != np.rint(values)).any()) or is_continuous(values)


def _cut(values: NDArray[Any], n_bins: int) -> Labels:
    """Return the quantile of each value."""
    edges = np.unique(np.quantile(values, np.linspace(0, 1, n_bins + 1)[1:-1]))
    codes: Labels = pd.factorize(np.searchsorted(edges, values), sort=True)[0]
    return codes
