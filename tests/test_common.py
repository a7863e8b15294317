"""The estimator contract: scikit-learn's battery, fed with bits, and its like for image sources.

scikit-learn's common checks make up real-valued data. Our estimators on bits refuse those, so the
one function through which the checks pass their data to suit an estimator's tags is taught to
round them to bits; every check then runs as it is. Of estimators that take strings scikit-learn
checks next to nothing, so the checks that make sense for them stand here in a string version.
"""

import inspect
import pickle
import warnings

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import SkipTestWarning
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import check_estimator, parametrize_with_checks

from hashfeatures import (
    ChainingWarning,
    DuplicateGroups,
    HammingNeighbors,
    HammingNeighborsTransformer,
    ImageHashFeaturizer,
    NearDuplicateFinder,
    SequenceFinder,
)

ON_BITS = [
    HammingNeighbors(),
    HammingNeighborsTransformer(),
    HammingNeighborsTransformer("connectivity", radius=1),
    DuplicateGroups(radius=1),  # what the checks make up has as few as one bit a row
]
ON_IMAGES = [
    ImageHashFeaturizer(),
    ImageHashFeaturizer("colorhash:4", errors="coerce"),
    NearDuplicateFinder(),
    SequenceFinder(),
]

WHY_NOT = {
    "DuplicateGroups": {
        "check_clustering": "it clusters standardised data of its own, which are not bits"
    }
}


def round_to_bits(estimator, X, X_test=None, kernel=None):
    edge = np.median(np.asarray(X, dtype=float), axis=0)
    rounded = [
        (np.asarray(x, dtype=float) > edge).astype(float) for x in (X, X_test) if x is not None
    ]
    return rounded[0] if X_test is None else tuple(rounded)


@parametrize_with_checks(
    ON_BITS, expected_failed_checks=lambda estimator: WHY_NOT.get(type(estimator).__name__, {})
)
def test_scikit_learn_s_battery(estimator, check, monkeypatch):
    monkeypatch.setattr(estimator_checks, "_enforce_estimator_tags_X", round_to_bits)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SkipTestWarning)
        # A few bits a row, many rows: what the checks make up has large groups.
        warnings.simplefilter("ignore", ChainingWarning)
        check(estimator)


@pytest.mark.parametrize("estimator", ON_IMAGES, ids=str)
def test_what_scikit_learn_checks_of_estimators_on_strings(estimator):
    with pytest.warns(SkipTestWarning, match="Can't test estimator"):
        check_estimator(estimator)


@pytest.fixture(params=ON_IMAGES, ids=str)
def estimator(request):
    return clone(request.param)


def result_of(estimator, X):
    if hasattr(estimator, "transform"):
        return estimator.fit(X).transform(X)
    return estimator.fit_predict(X)


def test_parameters_are_stored_as_given(estimator):
    """`clone` compares by identity: nothing may be copied or converted in `__init__`."""
    marks = {name: object() for name in estimator.get_params()}
    made = type(estimator)(**marks)
    assert vars(made) == marks
    for name, mark in marks.items():
        assert getattr(made, name) is mark


def test_fit_returns_self_and_keeps_the_parameters(estimator, image_files):
    before = estimator.get_params()
    assert estimator.fit(image_files) is estimator
    assert estimator.get_params() == before


def test_fit_is_idempotent(estimator, image_files):
    np.testing.assert_array_equal(
        result_of(estimator, image_files), result_of(estimator, image_files)
    )


def test_fitting_again_forgets(estimator, image_files):
    again = clone(estimator).fit(image_files[:2])
    np.testing.assert_array_equal(result_of(again, image_files), result_of(estimator, image_files))


def test_y_is_ignored(estimator, image_files):
    np.testing.assert_array_equal(
        result_of(clone(estimator).fit(image_files, list("abcabc")), image_files),
        result_of(estimator, image_files),
    )


def test_the_input_is_not_changed(estimator, image_files):
    for X in (list(image_files), pd.Series(image_files), pd.DataFrame({"image": image_files})):
        before = X.copy()
        result_of(estimator, X)
        assert (before == X) if isinstance(X, list) else X.equals(before)


def test_the_order_of_samples_does_not_matter(estimator, image_files):
    order = np.array([3, 1, 5, 0, 4, 2])
    shuffled = result_of(estimator, [image_files[row] for row in order])
    straight = result_of(estimator, image_files)
    if straight.ndim == 2:
        np.testing.assert_array_equal(shuffled, straight[order])
    else:  # labels are numbered by first appearance: only who is with whom can be compared
        np.testing.assert_array_equal(
            shuffled[:, None] == shuffled, (straight[:, None] == straight)[np.ix_(order, order)]
        )


def test_a_subset_gives_a_subset(estimator, image_files):
    if not hasattr(estimator, "transform"):
        pytest.skip("groups depend on all images")
    whole = estimator.fit(image_files).transform(image_files)
    parts = [estimator.transform([path]) for path in image_files]
    np.testing.assert_array_equal(np.vstack(parts), whole)


def test_pickle_and_clone(estimator, image_files):
    expected = result_of(estimator, image_files)
    copy = pickle.loads(pickle.dumps(estimator))
    np.testing.assert_array_equal(result_of(copy, image_files), expected)
    assert repr(clone(estimator)) == repr(estimator)


@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_workers_change_nothing(estimator, image_files, backend):
    expected = result_of(estimator, image_files)
    with joblib.parallel_config(backend, n_jobs=2):
        np.testing.assert_array_equal(result_of(estimator, image_files), expected)
    parallel = clone(estimator).set_params(n_jobs=2)
    np.testing.assert_array_equal(result_of(parallel, image_files), expected)


def test_no_images(estimator):
    assert len(result_of(estimator, [])) == 0


def test_the_documented_parameters_are_the_parameters(estimator):
    documented = inspect.getdoc(type(estimator)).partition("Parameters\n")[2]
    documented = documented.partition("\nAttributes\n")[0]
    for name in estimator.get_params():
        assert f"\n{name} : " in documented, f"{name} is not documented"
