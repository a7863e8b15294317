"""The private helpers of scikit-learn that this package uses.

scikit-learn may move them in any release. Then only this module has to change.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sklearn.utils import _safe_indexing as take_indexed
from sklearn.utils.validation import _num_samples as count_samples

__all__ = ["count_samples", "scorer_parts", "take_indexed"]


def scorer_parts(
    scorer: Any,
) -> tuple[Callable[..., Any], int, dict[str, Any], tuple[str, ...]] | None:
    """Return what `sklearn.metrics.make_scorer` was given.

    Parameters
    ----------
    scorer : object
        A scorer, or anything else.

    Returns
    -------
    tuple or None
        The metric, its sign, its options, and the names of the methods that predict. None for an
        object that `make_scorer` did not make.
    """
    if not all(hasattr(scorer, name) for name in ("_score_func", "_sign", "_kwargs")):
        return None
    methods = getattr(scorer, "_response_method", "predict")
    methods = (methods,) if isinstance(methods, str) else tuple(methods)
    return scorer._score_func, scorer._sign, dict(scorer._kwargs), methods
