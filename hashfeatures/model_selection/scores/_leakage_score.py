"""The score on a test part that leaks, and the score without its leaks, in figures and words."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from ..._utils.quantities import count


@dataclass(frozen=True)
class Estimate:
    """A score with a confidence interval.

    Read more in the :doc:`User Guide </user-guide/scores>`.

    Attributes
    ----------
    value : float
        The score; NaN if there is a reason against one.
    low, high : float
        The ends of the interval.
    n_images : int
        The number of images that were scored.
    n_groups : int
        The number of groups that these images are in.
    reason : str or None
        A sentence that says why there is no score. None if there is one.

    See Also
    --------
    LeakageScore : Holds several estimates.

    Examples
    --------
    >>> from hashfeatures import Estimate
    >>> print(Estimate(0.9, 0.85, 0.94, n_images=400, n_groups=380))
    0.900 (0.850 to 0.940)
    """

    value: float
    low: float
    high: float
    n_images: int
    n_groups: int
    reason: str | None = None

    def __str__(self) -> str:
        if self.reason is not None:
            return self.reason
        if math.isnan(self.low):
            return _number(self.value)
        return f"{_number(self.value)} ({_number(self.low)} to {_number(self.high)})"


@dataclass(frozen=True)
class LeakageScore:
    """The score on a test part, and what leaks add to it.

    `LeakageReport.score` returns it.

    Read more in the :doc:`User Guide </user-guide/scores>`.

    Attributes
    ----------
    all : Estimate
        The score on all test images.
    leaking : Estimate
        The score on the test images with a near duplicate in an earlier part.
    clean : Estimate
        The score on the test images whose group of near duplicates is in no earlier part. These
        are the test images that `repair_split` leaves in the test part.
    corrected : Estimate
        The score on the clean images, reweighted to the class mix of the whole test part.
    inflation : Estimate
        The score on all images minus the corrected one. Of a loss, a negative difference means
        that leaks flatter the model. `n_images` and `n_groups` are those of the clean images.
    metric : str
        The name of the metric.
    confidence_level : float
        The confidence level of the intervals.
    notes : tuple of str
        Sentences on images that count neither as leaking nor as clean, and on what the correction
        leaves uncorrected.

    See Also
    --------
    LeakageReport.score : Estimates the scores.
    cross_validate_leakage : Estimates them in each fold.
    Estimate : One score with its interval.

    Examples
    --------
    >>> import numpy as np
    >>> from hashfeatures import DuplicateGroups, leakage_report
    >>> report = leakage_report(np.eye(30)[:15], np.eye(30), finder=DuplicateGroups(radius=0))
    >>> y_true = ["cat", "dog"] * 15
    >>> y_pred = y_true[:20] + ["cat"] * 10
    >>> score = report.score(y_true, y_pred, n_resamples=100, random_state=0)
    >>> score.metric, score.clean.n_images
    ('accuracy_score', 15)
    >>> round(score.inflation.value, 3) == round(score.all.value - score.corrected.value, 3)
    True
    """

    all: Estimate
    leaking: Estimate
    clean: Estimate
    corrected: Estimate
    inflation: Estimate
    metric: str
    confidence_level: float
    notes: tuple[str, ...] = ()

    def summary(self) -> dict[str, Any]:
        """Summarize the scores in plain values, ready for JSON.

        Returns
        -------
        dict
            The keys are the names of the attributes. Each estimate is a dict, in which None takes
            the place of NaN.
        """
        facts = asdict(self) | {"notes": list(self.notes)}
        for name, value in facts.items():
            if isinstance(value, dict):
                facts[name] = {key: _none_if_nan(cell) for key, cell in value.items()}
        return facts

    def __repr__(self) -> str:
        return f"<LeakageScore: {self}>"

    def __str__(self) -> str:
        kinds = {
            f"all {count(self.all.n_images, 'image')}": self.all,
            count(self.leaking.n_images, "leaking image"): self.leaking,
            count(self.clean.n_images, "clean image"): self.clean,
            "clean images reweighted to the class mix of all": self.corrected,
        }
        scores = [f"{one} on {where}" for where, one in kinds.items() if one.reason is None]
        level = f"{100 * self.confidence_level:g}% intervals in parentheses"
        text = f"{self.metric}, {level}: {'; '.join(scores)}."
        if self.inflation.reason is None:
            text += f" All minus corrected: {self.inflation}."
        reasons = [one.reason for one in kinds.values() if one.reason is not None]
        return " ".join(dict.fromkeys([text, *reasons, *self.notes]))


def _number(value: float) -> str:
    return f"{round(value, 3) + 0.0:.3f}" if abs(value) < 10 else f"{value:.4g}"  # no "-0.000"


def _none_if_nan(value: Any) -> Any:
    return None if isinstance(value, float) and math.isnan(value) else value
