"""Each fold is scored as its report would be, and near duplicates are found once."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold, ShuffleSplit, cross_validate
from sklearn.neighbors import KNeighborsClassifier

from hashfeatures import (
    DuplicateGroups,
    NearDuplicateKFold,
    ParameterError,
    cross_validate_leakage,
    leakage_report,
)


class Counting(ClusterMixin, BaseEstimator):
    """Groups equal images, and counts how often it is fitted."""

    n_fits = 0

    def fit(self, X, y=None):
        Counting.n_fits += 1
        self.labels_ = np.unique(np.asarray(X), axis=0, return_inverse=True)[1].ravel()
        return self


@pytest.fixture(scope="module")
def data():
    """Return rows of bits, a third of them twice, and two classes."""
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 2, (90, 32))
    y = np.array(["ant", "bee"])[rng.integers(0, 2, 90)]
    twice = np.arange(30)
    return np.vstack([bits, bits[twice]]), np.append(y, y[twice])


FINDER = DuplicateGroups(radius=0)
FAST = {"n_resamples": 100, "random_state": 0}


def test_folds_are_scored_as_their_reports_are(data):
    X, y = data
    cv = KFold(3, shuffle=True, random_state=0)
    model = KNeighborsClassifier(1)
    result = cross_validate_leakage(
        model, X, y, cv=cv, finder=FINDER, return_estimator=True, **FAST
    )
    np.testing.assert_array_equal(
        result["test_score"], cross_validate(model, X, y, cv=cv)["test_score"]
    )
    for fold, (train, test) in enumerate(cv.split(X)):
        report = leakage_report(X[train], X[test], finder=FINDER)
        score = report.score(y[test], result["estimator"][fold].predict(X[test]), **FAST)
        assert result["scores"][fold] == score
        assert result["n_leaking"][fold] == len(report.leaking)
        assert result["n_test"][fold] == len(test)
        for kind in ("leaking", "clean", "corrected"):
            value = result[f"test_score_{kind}"][fold]
            np.testing.assert_equal(value, getattr(score, kind).value)
    assert len(pd.DataFrame(result)) == 3


def test_near_duplicates_are_found_once_and_among_the_images(data):
    """The estimator learns from other data than the images."""
    X, y = data
    Counting.n_fits = 0
    result = cross_validate_leakage(
        LogisticRegression(), X[:, :5], y, images=X, cv=4, finder=Counting(), **FAST
    )
    assert Counting.n_fits == 1
    assert result["n_leaking"].sum() == 60


def test_folds_without_leaks_have_none(data):
    X, y = data
    folds = NearDuplicateKFold(3, finder=FINDER)
    result = cross_validate_leakage(
        LogisticRegression(), X, y, cv=folds, finder=FINDER, scoring="roc_auc", **FAST
    )
    assert not result["n_leaking"].any()
    np.testing.assert_array_equal(result["test_score"], result["test_score_corrected"])


def test_images_of_a_group_leak(data):
    X, y = data
    patients = np.arange(len(y)) // 2
    cv = ShuffleSplit(1, test_size=0.4, random_state=0)
    ((train, test),) = cv.split(X)
    result = cross_validate_leakage(
        KNeighborsClassifier(1), X, y, cv=cv, groups=patients, finder=FINDER, **FAST
    )
    report = leakage_report(
        X[train], X[test], groups=[patients[train], patients[test]], finder=FINDER
    )
    assert result["n_leaking"] == len(report.leaking)
    assert result["n_clean"] < 48 - np.isin(patients[test], patients[train]).sum()


def test_images_of_files_and_a_target(family):
    files, shown = family
    frame = pd.DataFrame({"path": files, "size": shown.astype(float)})
    result = cross_validate_leakage(DummyRegressor(), frame, "size", cv=3, **FAST)
    assert result["n_leaking"].tolist() == [2, 2, 2]
    assert "too few clean images" in str(result["scores"][0])


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"estimator": KNeighborsClassifier}, ParameterError, "an estimator with fit"),
        ({"scoring": "acuracy"}, ParameterError, "Got 'acuracy' instead"),
        ({"y": None}, ParameterError, "one label or target per image"),
        ({"X": np.zeros((3, 2))}, ValueError, "120 images, and X of length 3"),
        ({"cv": 1}, ValueError, "k-fold"),
    ],
)
def test_mistakes_are_explained(data, change, error, message):
    X, y = data
    given = {"estimator": KNeighborsClassifier(1), "X": X, "y": y, "images": X} | change
    with pytest.raises(error, match=message):
        cross_validate_leakage(**given, finder=FINDER)


def test_an_estimator_without_scores_is_explained(data):
    X, y = data
    with pytest.raises(ParameterError, match="decision_function or predict_proba, which roc_auc"):
        cross_validate_leakage(DummyRegressor(), X, y == "ant", scoring="roc_auc", finder=FINDER)
