"""Cross-validation that tells the scores on leaking and on clean test images apart."""

from __future__ import annotations

import warnings
from dataclasses import replace
from time import perf_counter
from typing import Any

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import check_cv

from ..._utils.containers import check_length, column_of, take_rows
from ..._utils.docstrings import fill_in_parameters
from ..._utils.sklearn_internals import count_samples
from ..._utils.validation import check_bool, refuse
from ...duplicates._described_pairs import describe_nothing
from ...duplicates._finder_hints import point_to_finder
from ...duplicates._labels import Labels
from ...duplicates._resolve import Found, SupportsFitPredict, find_near, own_groups
from ...images._gather import gather_images
from ...images._sources import check_container
from .._groups import OwnGroups, are_sequences, read_groups
from .._parts import ComparedParts
from ..scores._leakage_score import LeakageScore
from ..scores._metrics import Metric
from ._leakage_report import LeakageReport

_CALLER = "cross_validate_leakage"


@fill_in_parameters
@point_to_finder
def cross_validate_leakage(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    images: Any = None,
    groups: Any = None,
    scoring: Any = None,
    cv: Any = None,
    finder: SupportsFitPredict | None = None,
    n_resamples: int = 1000,
    confidence_level: float = 0.95,
    random_state: Any = None,
    return_estimator: bool = False,
) -> dict[str, Any]:
    """Cross-validate an estimator, and score leaking and clean test images apart.

    Works like `sklearn.model_selection.cross_validate`. Near duplicates among all images are found
    once. In each fold, a test image leaks if it has a near duplicate in the training part.

    Read more in the :doc:`User Guide </user-guide/scores>`.

    Parameters
    ----------
    estimator : estimator with ``fit`` and ``predict``
        Cloned and fitted in each fold.
    X : array-like of length n_images
        What the estimator is fitted on: features, or the images themselves.
    y : array-like of shape (n_images,) or (n_images, n_outputs), or column
        The labels or targets.
    images : container of length n_images, default=None
        The images in which near duplicates are found, or a matrix of bits. None means `X`.
    $groups
        Splitters that keep groups together get them. A test image whose group is in the training
        part leaks.
    scoring : callable or str, default=None
        The name of a scorer, a scorer of `sklearn.metrics.make_scorer`, or a metric
        ``metric(y_true, y_pred)``. None means the accuracy of a classifier, and the coefficient of
        determination otherwise.
    cv : int, cross-validation generator or iterable, default=None
        How to split, as in scikit-learn. None means 5 folds.
    $finder
    n_resamples : int, default=1000
        The number of bootstrap resamples, at least 100.
    confidence_level : float, default=0.95
        The confidence level of the intervals.
    random_state : int, RandomState instance or None, default=None
        Controls the resamples. Pass an int for reproducible output.
    return_estimator : bool, default=False
        Whether to return the fitted estimators.

    Returns
    -------
    dict
        Arrays with one number for each fold: "fit_time" and "score_time" in seconds,
        "test_score", "test_score_leaking", "test_score_clean", "test_score_corrected" (NaN where
        too few images are left), "n_test", "n_leaking" and "n_clean". The list "scores" holds the
        `LeakageScore` of each fold, with intervals. "estimator" lists the fitted estimators, if
        they are wanted.

    See Also
    --------
    LeakageReport.score : Explains the scores.
    NearDuplicateKFold : Folds without leaks.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from hashfeatures import DuplicateGroups, cross_validate_leakage
    >>> rng = np.random.default_rng(0)
    >>> bits, y = rng.integers(0, 2, (60, 32)), rng.integers(0, 2, 60)
    >>> bits, y = np.vstack([bits, bits[:20]]), np.append(y, y[:20])  # 20 images twice
    >>> result = cross_validate_leakage(
    ...     KNeighborsClassifier(1), bits, y, cv=2, finder=DuplicateGroups(0), n_resamples=100
    ... )
    >>> result["n_leaking"], result["n_clean"]
    (array([20, 20]), array([20, 20]))
    >>> result["test_score_leaking"], result["test_score_clean"].round(2)
    (array([1., 1.]), array([0.4 , 0.55]))
    """
    check_bool(_CALLER, "return_estimator", return_estimator)
    if not hasattr(estimator, "fit") or isinstance(estimator, type):
        raise refuse(_CALLER, "estimator", "an estimator with fit", estimator)
    images = X if images is None else images
    images = gather_images(images)
    check_container(images, _CALLER)
    n_images = count_samples(images)
    y = column_of(y, images, _CALLER, "y")
    if y is None:
        raise refuse(_CALLER, "y", "an array with one label or target per image", y)
    for name, values in (("X", X), ("y", y)):
        check_length(name, values, n_images)
    default = accuracy_score if is_classifier(estimator) else r2_score
    metric = Metric.read(_CALLER, "scoring", default if scoring is None else scoring)
    own = None
    if groups is not None:
        by_sequence = are_sequences(groups, images)
        groups = own_groups(read_groups(_CALLER, groups, images), n_images)
        own = OwnGroups(groups, groups.astype(object), by_sequence)
    splitter = check_cv(cv, y, classifier=is_classifier(estimator))
    rows = np.arange(n_images)
    with warnings.catch_warnings():
        # By groups images leak, even if the splitter has no use for them.
        warnings.filterwarnings("ignore", "The groups parameter is ignored by")
        splits = list(splitter.split(images, y, groups))
    found = find_near(images, finder, caller=_CALLER)
    columns: dict[str, list[Any]] = {"fit_time": [], "score_time": [], "scores": []}
    estimators = []
    for train, test in splits:
        train, test = rows[train], rows[test]  # which may be masks
        start = perf_counter()
        fitted = clone(estimator).fit(take_rows(X, train), take_rows(y, train))
        columns["fit_time"].append(perf_counter() - start)
        start = perf_counter()
        predicted = _predict(fitted, take_rows(X, test), metric)
        columns["score_time"].append(perf_counter() - start)
        report = LeakageReport(_take_parts(found, own, train, test))
        columns["scores"].append(
            report.score(
                take_rows(y, test),
                predicted,
                metric,
                n_resamples=n_resamples,
                confidence_level=confidence_level,
                random_state=random_state,
            )
        )
        estimators.append(fitted)
    result = _tabulate(columns)
    return result | {"estimator": estimators} if return_estimator else result


def _predict(estimator: Any, X: Any, metric: Metric) -> Any:
    """Return what the metric takes, by the first method that the estimator has."""
    for name in metric.methods:
        if hasattr(estimator, name):
            return getattr(estimator, name)(X)
    raise refuse(
        _CALLER,
        "estimator",
        f"an estimator with {' or '.join(metric.methods)}, which {metric.name} needs",
        estimator,
    )


def _take_parts(found: Found, own: OwnGroups | None, train: Labels, test: Labels) -> ComparedParts:
    """Return the training and the test part of a fold."""
    rows = np.concatenate([train, test])
    is_unreadable = np.isin(rows, found.unreadable)
    return ComparedParts(
        names=["train", "test"],
        sizes=[len(train), len(test)],
        sources=[found.sources[row] for row in rows],
        graph=replace(found.graph, node_of_image=found.graph.node_of_image[rows]),
        unreadable=[int(each.sum()) for each in np.split(is_unreadable, [len(train)])],
        has_distances=found.has_distances,
        describe=describe_nothing,
        settings=found.settings,
        n_pixels=found.n_pixels[rows],
        own=None if own is None else replace(own, labels=own.labels[rows], names=own.names[rows]),
    )


def _tabulate(columns: dict[str, list[Any]]) -> dict[str, Any]:
    scores: list[LeakageScore] = columns.pop("scores")
    table: dict[str, Any] = {name: np.array(values) for name, values in columns.items()}
    table["test_score"] = np.array([score.all.value for score in scores])
    for kind in ("leaking", "clean", "corrected"):
        values = [getattr(score, kind).value for score in scores]
        table[f"test_score_{kind}"] = np.array(values)
    for name, kind in (("n_test", "all"), ("n_leaking", "leaking"), ("n_clean", "clean")):
        table[name] = np.array([getattr(score, kind).n_images for score in scores])
    return table | {"scores": scores}
