"""Estimates of the score on a test part with and without its leaks."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from sklearn import config_context
from sklearn.utils import check_random_state

from ..._utils.containers import check_length
from ..._utils.descriptions import shorten
from ..._utils.quantities import count
from ..._utils.validation import check_int, refuse
from ...duplicates._labels import Labels
from ...exceptions import ParameterError
from .._parts import ComparedParts
from ._clean_images import KindsOfImages
from ._group_bootstrap import GroupedPredictions, ImageSet, interval
from ._label_cells import Weights
from ._leakage_score import Estimate, LeakageScore
from ._metrics import Metric, Predictions, as_array
from ._target_strata import TargetStrata

_CALLER = "LeakageReport.score"

# A score of fewer groups says nothing, and neither do weights that leave so few to count.
_LEAST_GROUPS = 10
_LEAST_EFFECTIVE = 5

_MOST_NAMED = 5  # classes that a sentence names


def score_parts(
    parts: ComparedParts,
    leaking: Labels,
    y_true: Any,
    y_pred: Any,
    metric: Any,
    *,
    sample_weight: Any,
    n_resamples: int,
    confidence_level: float,
    random_state: Any,
) -> LeakageScore:
    """Score the last part of a split with and without its leaks.

    Parameters
    ----------
    parts : ComparedParts
        The parts.
    leaking : ndarray, dtype intp
        The rows of the images in the last part that leak.
    y_true, y_pred, metric, sample_weight, n_resamples, confidence_level, random_state
        As for `LeakageReport.score`.

    Returns
    -------
    LeakageScore
        The scores.
    """
    name, n_images = parts.names[-1], parts.sizes[-1]
    check_int(_CALLER, "n_resamples", n_resamples, 100)
    if not isinstance(confidence_level, float) or not 0 < confidence_level < 1:
        raise refuse(_CALLER, "confidence_level", "a float in the range (0, 1)", confidence_level)
    if not n_images:
        raise ParameterError(f"There is nothing to score: {name} has no images.")
    weights = _read_weights(sample_weight, n_images)
    given = Predictions.read(y_true, y_pred, Metric.read(_CALLER, "metric", metric), n_images)
    predictions = given.fitted()
    kinds = KindsOfImages.of(parts, leaking)
    strata = TargetStrata.of(predictions.y_true, kinds.clean, kinds.groups)
    are_labels = strata.are_classes and _are_labels(predictions)
    grouped = GroupedPredictions(predictions, strata.codes, kinds.groups, weights, are_labels)
    everything = ImageSet(grouped, np.arange(n_images))
    leaks, clean = ImageSet(grouped, kinds.leaking), ImageSet(grouped, kinds.clean)
    corrected = ImageSet(grouped, kinds.clean, reweighted=True)
    too_few = kinds.why_unknown or _why_too_few(clean, f"clean images of {name}")
    reasons = [
        None,
        _why_too_few(leaks, f"leaking images of {name}"),
        too_few,
        too_few or _why_uncorrected(corrected, strata.names, name),
    ]
    sets = [everything, leaks, clean, corrected]
    *estimates, inflation = _estimate(
        grouped, sets, reasons, n_resamples, confidence_level, check_random_state(random_state)
    )
    return LeakageScore(
        all=estimates[0],
        leaking=estimates[1],
        clean=estimates[2],
        corrected=estimates[3],
        inflation=inflation,
        metric=predictions.metric.name,
        confidence_level=confidence_level,
        notes=(*kinds.notes, *strata.notes),
    )


def _estimate(
    grouped: GroupedPredictions,
    sets: Sequence[ImageSet],
    reasons: Sequence[str | None],
    n_resamples: int,
    confidence_level: float,
    rng: np.random.RandomState,
) -> list[Estimate]:
    """Return the estimates of all sets, and that of the first minus the last.

    All sets are scored in the same resamples, so that the difference has an interval too.
    """
    reasons = list(reasons)
    values = np.full(len(sets), np.nan)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the metric has said it of all images before
        for place in range(len(sets)):
            if reasons[place] is None:
                values[place], reasons[place] = _try_score(sets[place])
        scored = [place for place, reason in enumerate(reasons) if reason is None]
        draws = np.full((n_resamples, len(sets)), np.nan)
        # The values are those of the sets, which the metric has checked.
        with config_context(assume_finite=True, skip_parameter_validation=True):
            for draw in draws:
                weights = grouped.draw(rng)
                for place in scored:
                    draw[place] = sets[place].resampled_score(weights, rng)
    ends_of = partial(
        interval, confidence_level=confidence_level, correct_bias=not grouped.are_labels
    )
    estimates = []
    for place, one in enumerate(sets):
        ends = ends_of(draws[:, place], values[place], one.n_groups)
        counts = (one.n_images, one.n_groups)
        estimates.append(Estimate(float(values[place]), *ends, *counts, reasons[place]))
    last = sets[-1]
    if last.n_images == sets[0].n_images and reasons[-1] is None:  # nothing leaks
        difference, ends = 0.0, (0.0, 0.0)
    else:
        difference = float(values[0] - values[-1])
        ends = ends_of(draws[:, 0] - draws[:, -1], difference, last.n_groups)
    counts, why = (last.n_images, last.n_groups), reasons[0] or reasons[-1]
    inflation = Estimate(difference, *ends, *counts, why)
    return [*estimates, inflation]


def _try_score(images: ImageSet) -> tuple[float, str | None]:
    """Return a score and None, or NaN and the reason why the metric has none."""
    why = ""
    try:
        value = images.score()
        if not np.isnan(value):
            return value, None
    except (ValueError, ArithmeticError) as error:  # such as an area under a curve of one class
        why = f": {shorten(str(error)).rstrip('.')}"
    name = images.grouped.predictions.metric.name
    return float("nan"), f"{name} is not defined on {images.n_images} of the images{why}."


def _why_too_few(images: ImageSet, what: str) -> str | None:
    """Return why images are too few for a score, or None if they are enough."""
    if images.n_groups >= _LEAST_GROUPS:
        return None
    if not images.n_images:
        return f"There are no {what}."
    return (
        f"There are too few {what} for a score: {images.n_images} in "
        f"{count(images.n_groups, 'group')}, and a score needs at least {_LEAST_GROUPS} groups."
    )


def _why_uncorrected(clean: ImageSet, strata: Sequence[str], name: str) -> str | None:
    """Return why the score of clean images cannot be reweighted, or None if it can be."""
    missing = clean.missing_strata
    if len(missing):
        counts = np.bincount(clean.grouped.strata, minlength=len(strata))
        listed = [f"{shorten(strata[one], 40)} ({counts[one]})" for one in missing[:_MOST_NAMED]]
        more = f" and {len(missing) - _MOST_NAMED} more" if len(missing) > _MOST_NAMED else ""
        return (
            f"The score cannot be corrected for all classes of {name}, as these have no clean "
            f"image: {', '.join(listed)}{more}."
        )
    effective = clean.effective_groups()
    if effective < _LEAST_EFFECTIVE:
        return (
            f"The score cannot be corrected: reweighted to the class mix of {name}, the "
            f"{clean.n_images} clean images tell no more than {effective:.1f} groups would."
        )
    return None


def _read_weights(sample_weight: Any, n_images: int) -> Weights | None:
    if sample_weight is None:
        return None
    check_length("sample_weight", sample_weight, n_images)
    weights = as_array(sample_weight)
    is_valid = weights.ndim == 1 and weights.dtype.kind in "biuf"
    if not is_valid or not np.isfinite(weights).all() or (weights < 0).any() or not weights.any():
        expected = "one finite number of at least 0 for each image, and not 0 for all"
        raise refuse(_CALLER, "sample_weight", expected, sample_weight)
    return weights.astype(float)


def _are_labels(predictions: Predictions) -> bool:
    """Return whether predicted values are labels of classes, and not scores."""
    y_pred = predictions.y_pred
    if y_pred.ndim != 1 or predictions.metric.needs_scores:
        return False
    return y_pred.dtype.kind != "f" or bool(np.isin(y_pred, predictions.y_true).all())
