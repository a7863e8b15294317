"""Metrics of scikit-learn, called on labels or scores with weights of the images."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.extensions import ExtensionArray
from scipy.sparse import issparse
from sklearn.metrics import get_scorer, get_scorer_names

from ..._utils.containers import check_length
from ..._utils.descriptions import describe_value, shorten
from ..._utils.sklearn_internals import scorer_parts
from ..._utils.validation import refuse
from ...exceptions import ParameterError

# Where a metric takes no weights, images are repeated: 20 times on average, within these limits.
_REPEATS = 20
_LEAST_REPEATED, _MOST_REPEATED = 2_000, 20_000


@dataclass(frozen=True)
class Metric:
    """A metric of true and predicted values.

    Parameters
    ----------
    name : str
        Its name, for messages.
    function : callable
        Called as ``function(y_true, y_pred)``, with `sample_weight` if it takes it.
    sign : int
        -1 if the value is negated, as by the scorer "neg_log_loss".
    methods : tuple of str
        The methods of estimators that predict what the metric takes, the first choice first.
    parameters : frozenset of str
        The parameters of the function that the metric may set.
    """

    name: str
    function: Callable[..., Any]
    sign: int
    methods: tuple[str, ...]
    parameters: frozenset[str]

    @classmethod
    def read(cls, caller: str, name: str, metric: Any) -> Metric:
        """Return the metric of a function, the name of a scorer, or a scorer.

        Parameters
        ----------
        caller, name : str
            The function and its parameter, for messages.
        metric : callable or str
            A function ``metric(y_true, y_pred)``, or a scorer or its name.

        Raises
        ------
        ParameterError
            If it is something else.
        """
        if isinstance(metric, Metric):
            return metric
        if isinstance(metric, str):
            if metric not in get_scorer_names():
                expected = "a function of y_true and y_pred, or a name of get_scorer_names()"
                raise refuse(caller, name, expected, metric)
            metric, label = get_scorer(metric), metric
        else:
            label = _name_of(metric)
        parts = scorer_parts(metric)
        if parts is not None:
            function, sign, options, methods = parts
            if not isinstance(metric, str) and label == type(metric).__name__:
                label = _name_of(function)
            bound = partial(function, **options) if options else function
            return cls(label, bound, sign, methods, _parameters_of(bound))
        if not callable(metric) or isinstance(metric, type):
            raise refuse(caller, name, "a function of y_true and y_pred, or a scorer", metric)
        return cls(label, metric, 1, _methods_of(metric), _parameters_of(metric))

    @property
    def needs_scores(self) -> bool:
        """Whether the metric takes scores of the classes, not predicted labels."""
        return "predict" not in self.methods

    def __call__(
        self, y_true: NDArray[Any], y_pred: NDArray[Any], weights: NDArray[np.float64] | None
    ) -> float:
        """Return the metric of images with weights.

        A metric without the parameter `sample_weight` gets each image as often as its weight
        says.
        """
        options: dict[str, Any] = {}
        if weights is not None and "sample_weight" in self.parameters:
            options["sample_weight"] = weights
        elif weights is not None:
            rows = _repeat(weights)
            y_true, y_pred = y_true[rows], y_pred[rows]
        value = np.asarray(self.function(y_true, y_pred, **options))
        if value.ndim or value.dtype.kind not in "biuf":
            raise ParameterError(
                f"The metric must return one number. {self.name} returned "
                f"{describe_value(value)}. Pass an option that averages, as in "
                f"functools.partial(f1_score, average='macro')."
            )
        return self.sign * float(value)


def _name_of(metric: Any) -> str:
    while isinstance(metric, partial):
        metric = metric.func
    return getattr(metric, "__name__", type(metric).__name__)


def _parameters_of(function: Any) -> frozenset[str]:
    """Return the parameters that can still be set."""
    try:
        found = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # compiled without a signature
        return frozenset()
    set_already = function.keywords if isinstance(function, partial) else {}
    return frozenset({one.name for one in found} - set(set_already))


def _methods_of(metric: Any) -> tuple[str, ...]:
    """Return what scikit-learn's own scorer of a metric predicts by."""
    while isinstance(metric, partial):
        metric = metric.func
    for name in get_scorer_names():
        parts = scorer_parts(get_scorer(name))
        if parts is not None and parts[0] is metric:
            return parts[3]
    return ("predict",)


def _repeat(weights: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return rows, each repeated in proportion to its weight."""
    wanted = min(max(_REPEATS * len(weights), _LEAST_REPEATED), _MOST_REPEATED)
    n_rows = max(len(weights), wanted)
    ends = np.rint(np.cumsum(weights) / weights.sum() * n_rows).astype(np.intp)
    return np.repeat(np.arange(len(weights)), np.diff(ends, prepend=0))


@dataclass(frozen=True)
class Predictions:
    """True and predicted values, as a metric takes them.

    Parameters
    ----------
    y_true, y_pred : ndarray of length n_images
        The values.
    metric : Metric
        The metric.
    """

    y_true: NDArray[Any]
    y_pred: NDArray[Any]
    metric: Metric

    @classmethod
    def read(cls, y_true: Any, y_pred: Any, metric: Metric, n_images: int) -> Predictions:
        """Check values, and fit them to the metric.

        Raises
        ------
        ValueError
            If values are missing, or their number is not that of the images.
        ParameterError
            If the metric needs scores and got labels.
        """
        read = []
        for name, values in (("y_true", y_true), ("y_pred", y_pred)):
            check_length(name, values, n_images)
            array = as_array(values)
            missing = np.asarray(pd.isna(array)).reshape(n_images, -1).any(axis=1)
            if missing.any():
                raise ValueError(
                    f"{name} must have a value for each image. {missing.sum()} are missing, the "
                    f"first in row {missing.argmax()}. Leave these images out of the parts too."
                )
            read.append(array)
        true, predicted = read
        if predicted.ndim == 2 and predicted.shape[1] == 1:
            predicted = predicted[:, 0]
        if true.ndim == 2 and true.shape[1] == 1:
            true = true[:, 0]
        if metric.needs_scores and _are_labels(predicted, true):
            raise ParameterError(
                f"{metric.name} needs scores of the classes, as from predict_proba or "
                f"decision_function. Got class labels, such as "
                f"{describe_value(predicted[:1].tolist()[0])}, as y_pred. Pass "
                f"model.predict_proba(X), or choose a metric of labels, such as accuracy_score."
            )
        classes = np.unique(true) if _is_scores_of_classes(predicted, true) else None
        if classes is not None and len(classes) == predicted.shape[1]:
            metric = _with_labels(metric, classes)
        return cls(true, predicted, metric)

    def fitted(self) -> Predictions:
        """Return the values in the form that the metric takes, by trying it on all images.

        Scores of two classes become those of the second one if the metric takes only these.

        Raises
        ------
        ParameterError
            If the metric raises for these values.
        """
        try:
            self.metric(self.y_true, self.y_pred, None)
            return self._without_refused_weights()
        except ParameterError:
            raise
        except Exception as error:
            if self.y_pred.ndim == 2 and self.y_pred.shape[1] == 2 and self.y_true.ndim == 1:
                return replace(self, y_pred=self.y_pred[:, 1]).fitted()
            raise ParameterError(
                f"{self.metric.name} cannot score y_pred, a {describe_value(self.y_pred)[1:-1]}, "
                f"against y_true, a {describe_value(self.y_true)[1:-1]}: "
                f"{shorten(str(error)).rstrip('.')}. Pass labels as from predict, or "
                f"scores as from predict_proba. Options go in by functools.partial or by the name "
                f"of a scorer, such as 'f1_macro'."
            ) from error

    def _without_refused_weights(self) -> Predictions:
        """Return the values with a metric that gets no weights if it raises for them.

        Some options of `sklearn.metrics.roc_auc_score` do.
        """
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the metric has said it without weights
            try:
                self.metric(self.y_true, self.y_pred, np.ones(len(self.y_true)))
                return self
            except ParameterError:
                raise
            except Exception:
                parameters = self.metric.parameters - {"sample_weight"}
                return replace(self, metric=replace(self.metric, parameters=parameters))


def as_array(values: Any) -> NDArray[Any]:
    """Return values as an array; numbers that are stored as objects become numbers.

    Parameters
    ----------
    values : array-like of shape (n_images,) or (n_images, n_columns)
        Lists, arrays, sparse matrices, and columns or tables of pandas, polars and pyarrow.

    Returns
    -------
    ndarray
        Strings are objects, so that missing values among them stay missing.
    """
    if issparse(values):
        return np.asarray(values.toarray())
    if isinstance(values, ExtensionArray):  # of which some had no to_list before pandas 3
        values = pd.Series(values)
    for method in ("to_pylist", "to_list"):  # arrow; polars and pandas
        if hasattr(values, method):
            values = getattr(values, method)()
            break
    is_flat = isinstance(values, list | tuple) and not any(np.ndim(value) for value in values)
    array = pd.Series(list(values), dtype=object).to_numpy() if is_flat else np.asarray(values)
    if array.dtype.kind in "OUS" and array.ndim == 1:
        array = pd.Series(array.astype(object), dtype=object).infer_objects().to_numpy()
        return array if array.dtype.kind in "biufO" else array.astype(object)
    if array.dtype == object:
        return pd.DataFrame(array).infer_objects().to_numpy()
    return array


def _are_labels(predicted: NDArray[Any], true: NDArray[Any]) -> bool:
    """Return whether predictions are classes where scores would be floats."""
    if predicted.ndim != 1 or true.ndim != 1 or not len(predicted):
        return False
    if predicted.dtype.kind not in "iu":
        return predicted.dtype.kind in "bO"
    return bool(np.isin(predicted, true).all()) if true.dtype.kind in "biu" else False


def _is_scores_of_classes(predicted: NDArray[Any], true: NDArray[Any]) -> bool:
    return predicted.ndim == 2 and true.ndim == 1 and predicted.dtype.kind == "f"


def _with_labels(metric: Metric, classes: NDArray[Any]) -> Metric:
    """Name all classes to a metric of scores, as a part may not have an image of each."""
    if "labels" not in metric.parameters:
        return metric
    function = partial(metric.function, labels=classes)
    return replace(metric, function=function, parameters=metric.parameters - {"labels"})
