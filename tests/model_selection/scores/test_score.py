"""Scores of leaking and clean images are those of brute force, and their intervals are honest."""

import json
from functools import partial

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics
from sklearn.base import BaseEstimator, ClusterMixin

from hashfeatures import DuplicateGroups, ParameterError, leakage_report


class Column(ClusterMixin, BaseEstimator):
    """A finder of groups that the first bit column numbers."""

    def fit(self, X, y=None):
        self.labels_ = np.asarray(X)[:, 0]
        return self


def make_report(train, test):
    """Return the report of parts whose images are numbers of groups."""
    parts = [np.asarray(part, dtype=float)[:, None] for part in (train, test)]
    return leakage_report(*parts, finder=Column())


@pytest.fixture(scope="module")
def split():
    """Return a report of 40 leaking and 60 clean images, true classes, and predictions."""
    rng = np.random.default_rng(0)
    report = make_report(range(40), range(100))
    y_true = np.array(["ant", "bee", "cat"])[np.arange(100) % 3]
    y_pred = np.where(rng.random(100) < 0.7, y_true, "bee")
    y_pred[:40] = y_true[:40]
    return report, y_true, y_pred


def score(report, y_true, y_pred, *args, **kwargs):
    return report.score(y_true, y_pred, *args, n_resamples=100, random_state=0, **kwargs)


METRICS = [
    metrics.accuracy_score,
    metrics.balanced_accuracy_score,
    metrics.cohen_kappa_score,
    partial(metrics.f1_score, average="macro"),
    partial(metrics.precision_score, average="weighted", zero_division=0),
]


@settings(max_examples=10)
@given(st.integers(0, 2**32), st.sampled_from(METRICS))
def test_scores_are_the_metric_of_their_images(seed, metric):
    """Guards the choice of images, and the weights of the correction."""
    rng = np.random.default_rng(seed)
    train, test = rng.integers(0, 60, 40), rng.integers(0, 80, 120)
    y_true, y_pred = rng.integers(0, 3, 120), rng.integers(0, 3, 120)
    found = score(make_report(train, test), y_true, y_pred, metric)
    leaks = np.isin(test, train)
    mix, own = np.bincount(y_true), np.bincount(y_true[~leaks])
    weights = (mix / own)[y_true[~leaks]]
    assert found.all.value == metric(y_true, y_pred)
    assert found.leaking.value == pytest.approx(metric(y_true[leaks], y_pred[leaks]))
    assert found.clean.value == pytest.approx(metric(y_true[~leaks], y_pred[~leaks]))
    corrected = metric(y_true[~leaks], y_pred[~leaks], sample_weight=weights)
    assert found.corrected.value == pytest.approx(corrected)
    assert found.inflation.value == pytest.approx(found.all.value - corrected)
    for estimate in (found.all, found.leaking, found.clean, found.corrected, found.inflation):
        assert estimate.low <= estimate.value <= estimate.high
    assert found.leaking.n_images == leaks.sum()
    assert found.clean.n_groups == len(set(test[~leaks]))


def test_the_same_seed_gives_the_same_intervals(split):
    assert score(*split) == score(*split)
    assert score(*split) != split[0].score(*split[1:], n_resamples=100, random_state=1)


@pytest.mark.parametrize(
    "kind", [list, tuple, pd.Series, pd.Categorical, pl.Series, partial(pd.Series, dtype="string")]
)
def test_labels_may_be_in_any_container(split, kind):
    report, y_true, y_pred = split
    assert score(report, kind(y_true.tolist()), kind(y_pred.tolist())) == score(*split)


def test_an_interval_without_errors_has_a_width(split):
    """Guards from an interval of no width where every clean prediction is right."""
    report, y_true, _ = split
    found = score(report, y_true, y_true)
    assert found.corrected.value == found.corrected.high == 1
    assert 0.85 < found.corrected.low < 0.99


def test_the_interval_contains_the_clean_score():
    """About 95 of 100 intervals contain it; `benchmarks/scores_of_leaks.py` measures how many."""

    def accuracy(y_true, y_pred, sample_weight=None):
        return np.average(y_true == y_pred, weights=sample_weight)

    rng = np.random.default_rng(0)
    report = make_report(range(40), range(100))
    held = 0
    for _ in range(100):
        y_true = rng.integers(0, 2, 100)
        is_right = rng.random(100) < np.where(y_true, 0.9, 0.7)
        is_right[:40] = True
        found = score(report, y_true, np.where(is_right, y_true, 1 - y_true), accuracy).corrected
        held += found.low <= 0.7 + 0.2 * y_true.mean() <= found.high
    assert 90 <= held <= 99


def test_groups_widen_an_interval():
    """Images of one group are not independent evidence."""
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(60), 10)
    y_true = np.repeat(rng.integers(0, 2, 60), 10)
    y_pred = np.where(np.repeat(rng.random(60) < 0.8, 10), y_true, 1 - y_true)
    train = range(100, 120)
    alone = score(make_report(train, 200 + np.arange(600)), y_true, y_pred).clean
    grouped = score(make_report(train, groups), y_true, y_pred).clean
    assert grouped.value == alone.value
    assert grouped.high - grouped.low > 2.5 * (alone.high - alone.low)


def test_without_leaks_nothing_is_inflated():
    y = np.arange(50) % 2
    found = score(make_report(range(100, 150), range(50)), y, 1 - y)
    assert (found.inflation.value, found.inflation.low, found.inflation.high) == (0, 0, 0)
    assert found.corrected.value == found.all.value
    assert "There are no leaking images of test." in str(found)


@pytest.mark.parametrize(
    ("metric", "names"),
    [
        ("roc_auc_ovr", "roc_auc_ovr"),
        (metrics.log_loss, "log_loss"),
        ("neg_log_loss", "neg_log_loss"),
        (partial(metrics.roc_auc_score, multi_class="ovo"), "roc_auc_score"),
        (metrics.make_scorer(metrics.top_k_accuracy_score, response_method="predict_proba"), ""),
    ],
)
def test_metrics_of_scores(split, metric, names):
    report, y_true, y_pred = split
    scores = 0.7 * (y_pred[:, None] == ["ant", "bee", "cat"]) + 0.1
    found = score(report, y_true, scores, metric)
    assert found.metric.startswith(names)
    assert found.corrected.low < found.corrected.value < found.corrected.high or not names


def test_scores_of_two_classes_are_those_of_the_second(split):
    report, y_true, y_pred = split
    is_bee, scores = y_true == "bee", 0.5 + 0.3 * (y_pred == "bee")
    both = np.column_stack([1 - scores, scores])
    for metric in (metrics.roc_auc_score, metrics.average_precision_score):
        assert score(report, is_bee, both, metric) == score(report, is_bee, scores, metric)


def test_a_continuous_target_is_reweighted_by_quantiles():
    """Clean images are the hard ones here, but no harder than leaking ones of their size."""
    rng = np.random.default_rng(0)
    y_true = np.concatenate([rng.uniform(0, 1, 300), rng.uniform(0, 10, 600)])
    y_pred = y_true + rng.normal(size=900) * y_true
    found = score(make_report(range(300), range(900)), y_true, y_pred, "neg_mean_absolute_error")
    assert found.clean.value < found.corrected.low
    assert found.corrected.low < found.all.value < found.corrected.high
    assert "reweighted by 10 quantiles" in str(found)
    wide = score(
        make_report(range(30), range(90)),
        rng.normal(size=(90, 2)),
        rng.normal(size=(90, 2)),
        metrics.mean_squared_error,
    )
    assert wide.corrected.value == wide.clean.value
    assert "several continuous targets, the corrected score is not reweighted" in str(wide)


def test_rows_of_several_labels_are_classes(split):
    report, y_true, y_pred = split
    true, predicted = (np.column_stack([y == "ant", y != "bee"]) for y in (y_true, y_pred))
    found = score(report, true, predicted, "f1_macro")
    weights = (np.unique(y_true, return_counts=True)[1] / 20)[np.arange(40, 100) % 3]
    expected = metrics.f1_score(true[40:], predicted[40:], average="macro", sample_weight=weights)
    assert found.corrected.value == pytest.approx(expected)


def test_a_metric_without_weights_gets_images_repeated(split):
    report, y_true, y_pred = split
    found = score(report, y_true, y_pred, lambda true, pred: (true == pred).mean())
    assert found.corrected.value == pytest.approx(score(*split).corrected.value, abs=0.001)
    assert found.metric == "<lambda>"


def test_weights_of_images(split):
    """An image of weight 0 counts as if it were absent."""
    report, y_true, y_pred = split
    weights = np.where(np.arange(100) % 5, 2.0, 0.0)
    found = score(report, y_true, y_pred, sample_weight=weights)
    kept = np.flatnonzero(weights)
    fewer = score(make_report(range(40), kept), y_true[kept], y_pred[kept])
    for name in ("all", "leaking", "clean", "corrected"):
        one, other = getattr(found, name), getattr(fewer, name)
        assert one.value == pytest.approx(other.value)
        assert one.n_groups == other.n_groups


def test_too_few_clean_images_get_a_sentence():
    y = np.arange(50) % 2
    found = score(make_report(range(45), range(50)), y, y)
    assert np.isnan(found.clean.value) and np.isnan(found.corrected.value)
    assert found.clean.n_groups == 5
    assert "too few clean images of test for a score: 5 in 5 groups" in str(found)
    assert found.summary()["corrected"]["value"] is None
    assert json.loads(json.dumps(found.summary()))["clean"]["n_images"] == 5
    none = score(make_report(range(50), range(50)), y, y)
    assert "There are no clean images of test." in str(none)


def test_classes_without_a_clean_image_are_named():
    y = np.repeat(["ant", "bee", "cat"], 20)
    found = score(make_report(range(25), range(60)), y, y)
    assert found.clean.value == 1
    assert np.isnan(found.corrected.value)
    assert "these have no clean image: ant (20)." in str(found)


def test_few_images_do_not_stand_for_many():
    y = np.repeat([0, 1], [91, 20])
    found = score(make_report(range(90), range(111)), y, y)
    assert "the 21 clean images tell no more than" in found.corrected.reason
    assert found.clean.value == 1


def test_a_metric_that_is_not_defined_on_some_images_gets_a_sentence():
    y, scores = np.repeat([1, 0], [30, 30]), np.linspace(1, 0, 60)
    found = score(make_report(range(20), range(60)), y, scores, metrics.roc_auc_score)
    assert "roc_auc_score is not defined on 20 of the images" in found.leaking.reason
    assert found.corrected.value == 1


def test_images_of_neither_kind_are_left_out():
    """An unreadable image, and one that is near a leaking image but near no training image."""
    train = np.eye(60)[:20]
    linked = np.eye(60)[:1] * 0
    linked[0, [0, 50, 51]] = 1
    unread = np.full((1, 60), np.nan)
    bridge = np.eye(60)[:1]
    bridge[0, 50] = 1
    test = np.vstack([bridge, linked, unread, np.repeat(np.eye(60)[25:40], 2, axis=0)])
    report = leakage_report(train[:1], test, finder=DuplicateGroups(1))
    y = np.arange(len(test)) % 2
    found = score(report, y, y)
    assert report.leaking.tolist() == [0]
    assert (found.all.n_images, found.leaking.n_images, found.clean.n_images) == (33, 1, 30)
    assert "1 image of test could not be compared" in str(found)
    assert "1 image of test resembled only leaking images" in str(found)
    unknown = leakage_report(unread, test, finder=DuplicateGroups(1))
    assert "No image of test is known to be clean" in str(score(unknown, y, y))


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"y_true": ["ant"]}, ValueError, "100 images, and y_true of length 1"),
        ({"y_pred": "label"}, TypeError, "y_pred must be an array with one value per image"),
        ({"y_true": [None] * 3 + ["ant"] * 97}, ValueError, "3 are missing, the first in row 0"),
        ({"metric": metrics.roc_auc_score}, ParameterError, "needs scores of the classes"),
        ({"metric": "roc_auc"}, ParameterError, "Got class labels, such as"),
        ({"metric": "f1"}, ParameterError, "f1 cannot score y_pred"),
        ({"metric": metrics.confusion_matrix}, ParameterError, "must return one number"),
        ({"metric": "acuracy"}, ParameterError, "Got 'acuracy' instead"),
        ({"metric": 0.9}, ParameterError, "Got 0.9 instead"),
        ({"y_pred": np.zeros((100, 3))}, ParameterError, "as from predict_proba"),
        ({"sample_weight": -np.ones(100)}, ParameterError, "at least 0 for each image"),
        ({"n_resamples": 10}, ParameterError, "Got 10 instead"),
        ({"confidence_level": 95}, ParameterError, "Got 95 instead"),
    ],
)
def test_mistakes_are_explained(split, change, error, message):
    report, y_true, y_pred = split
    given = {"y_true": y_true, "y_pred": y_pred} | change
    with pytest.raises(error, match=message):
        report.score(**given)


def test_few_right_images_of_much_weight_leave_doubt():
    """Eight clean images without an error stand for a third of the test part."""
    y_true = np.repeat([0, 1, 2], [200, 200, 200])
    y_pred = np.where(np.arange(600) % 50, y_true, (y_true + 1) % 3)
    y_pred[400:] = 2
    few = score(make_report(range(400, 592), range(600)), y_true, y_pred).corrected
    many = score(make_report(range(400, 500), range(600)), y_true, y_pred).corrected
    assert few.value == many.value
    assert few.value - few.low > 0.04 > 2 * (many.value - many.low)
