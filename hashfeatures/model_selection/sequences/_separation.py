"""Tell junctions inside scenes from those between scenes, without labels.

Junctions of images in their order are a mixture: most are inside a scene, an unknown share is
between two. Splices of the same images show what the latter look like. A logistic regression that
tells the junctions from the splices therefore tells the two kinds apart.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ._junctions import Junctions

Scores = NDArray[np.float64]

# How much the weights of features are drawn towards zero, where the evidence decides alone.
_RIDGE = 10.0

# The cost of a missed cut, in wrong cuts. A missed cut joins every image of one scene with every
# image of another. A wrong cut parts fewer pairs, and the least where a scene begins or ends.
_COST_OF_MERGE = 12.0

_N_STEPS = 25
_MAX_STEP = 2.0


def score_junctions(
    junctions: Junctions, splices: Junctions, is_inside: NDArray[np.bool_]
) -> tuple[Scores, Scores]:
    """Score how much junctions look like those inside scenes, beside splices.

    Each half of the junctions and splices is scored by a regression on the other half. So the
    scores of both are comparable, however few there are.

    Parameters
    ----------
    junctions, splices : Junctions
        The junctions in order, and the splices.
    is_inside : ndarray of shape (n_junctions,), dtype bool
        The junctions that are probably inside a scene, from which the regression learns.

    Returns
    -------
    scores : ndarray of shape (n_junctions,), dtype float64
        Log odds.
    splice_scores : ndarray of shape (n_splices,), dtype float64
        The same of the splices.
    """
    n_junctions, n_splices = len(is_inside), len(splices.evidence)
    features = np.vstack([junctions.features, splices.features])
    features = (features - features.mean(axis=0)) / (features.std(axis=0) + 0.05)
    features = np.column_stack([features, np.ones(len(features))])
    evidence = np.concatenate([junctions.evidence, splices.evidence])
    n_inside = int(is_inside.sum())
    weights = np.concatenate([is_inside, np.full(n_splices, n_inside / n_splices)])
    is_splice = np.arange(len(evidence)) >= n_junctions
    half = np.concatenate([np.arange(n_junctions) * 2 // n_junctions, np.arange(n_splices) % 2])
    scores = np.empty(len(evidence))
    for tested in (0, 1):
        learned = (half != tested) & (weights > 0)
        slopes = _fit_logistic(
            features[learned], ~is_splice[learned], evidence[learned], weights[learned]
        )
        rows = half == tested
        scores[rows] = evidence[rows] + features[rows] @ slopes
    return scores[:n_junctions], scores[n_junctions:]


def choose_threshold(scores: Scores, splice_scores: Scores) -> tuple[float, float]:
    """Choose the score below which a junction is between scenes.

    Parameters
    ----------
    scores, splice_scores : ndarray, dtype float64
        As of `score_junctions`.

    Returns
    -------
    threshold : float
        The score of the least expected cost of wrong and missed cuts; infinity cuts everywhere.
    share : float
        The share of junctions that are between scenes, by the share that scores below the median
        of the splices.
    """
    middle = np.median(splice_scores)
    share = min(1.0, float(np.mean(scores <= middle) / np.mean(splice_scores <= middle)))
    thresholds = np.unique(np.concatenate([[-np.inf], scores, [np.inf]]))
    cut = np.searchsorted(np.sort(scores), thresholds) / len(scores)
    found = np.searchsorted(np.sort(splice_scores), thresholds) / len(splice_scores)
    cost = _COST_OF_MERGE * share * (1 - found) + np.maximum(cut - share * found, 0)
    best = np.flatnonzero(cost <= cost.min() + 1e-12)
    return float(thresholds[best[len(best) // 2]]), share


def _fit_logistic(
    features: NDArray[np.float64],
    is_inside: NDArray[np.bool_],
    offset: Scores,
    weights: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Fit a ridge logistic regression with an offset by Newton's method, with limited steps."""
    slopes = np.zeros(features.shape[1])
    for _ in range(_N_STEPS):
        score = np.clip(offset + features @ slopes, -30, 30)
        share = 1 / (1 + np.exp(-score))
        gradient = features.T @ (weights * (share - is_inside)) + _RIDGE * slopes
        curvature = (features * (weights * share * (1 - share))[:, None]).T @ features
        curvature[np.diag_indices_from(curvature)] += _RIDGE
        step = np.linalg.solve(curvature, gradient)
        longest = float(np.abs(step).max())
        slopes -= step * min(1.0, _MAX_STEP / longest) if longest > 0 else 0
        if longest < 1e-5:
            break
    return slopes
