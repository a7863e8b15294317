"""Labels of every kind become strata, which all parts contain in the same proportions."""

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

from hashfeatures import NearDuplicateKFold, NearDuplicateShuffleSplit, train_test_split


def several_labels(n_images=600, seed=0):
    """Return several labels for each image, of which some are frequent and one is rare."""
    rng = np.random.default_rng(seed)
    topic = rng.random((n_images, 1))
    return (rng.random((n_images, 6)) + 0.3 * topic < [0.6, 0.5, 0.4, 0.3, 0.25, 0.16]).astype(int)


@pytest.mark.parametrize("kind", [np.asarray, pd.DataFrame, csr_matrix])
def test_several_labels_for_each_image_are_stratified(kind):
    y = several_labels()
    groups = [str(number) for number in np.sort([*range(500), *range(0, 500, 5)])]
    for cv in (
        NearDuplicateKFold(4, stratify=True, finder="precomputed"),
        NearDuplicateShuffleSplit(
            4, test_size=0.25, stratify=True, random_state=0, finder="precomputed"
        ),
    ):
        for train, test in cv.split(groups, kind(y), groups):
            assert not set(np.array(groups)[train]) & set(np.array(groups)[test])
            assert len(test) == 150
            assert (np.abs(y[test].sum(axis=0) - y.sum(axis=0) / 4) <= 2).all()


def test_a_continuous_target_is_stratified_by_quantiles():
    y = np.random.default_rng(0).lognormal(size=500)
    X = [str(number) for number in range(500)]
    deciles = np.searchsorted(np.quantile(y, np.linspace(0, 1, 11)[1:-1]), y)
    for _, test in NearDuplicateKFold(5, stratify=True, finder="precomputed").split(X, y, X):
        np.testing.assert_array_equal(np.bincount(deciles[test]), [10] * 10)
    assert (
        len(
            train_test_split(X[:3], stratify=[0.5, 0.5, 1.5], groups=X[:3], finder="precomputed")[
                1
            ]
        )
        == 1
    )
    train_test_split(X[:20], stratify=[0.5] * 20, groups=X[:20], finder="precomputed")


@pytest.mark.parametrize("kind", [np.asarray, list, pd.Series, np.float64])
def test_whole_numbers_of_a_continuous_target_are_stratified_by_quantiles(kind):
    """Prices are no classes, because each price occurs once or twice."""
    prices = np.random.default_rng(0).lognormal(9, 1, size=2000).round(-2).astype(int)
    deciles = np.searchsorted(np.quantile(prices, np.linspace(0, 1, 11)[1:-1]), prices)
    X = np.arange(2000)
    _, test = train_test_split(
        X, stratify=kind(prices), groups=X, finder="precomputed", random_state=0
    )
    share = np.bincount(deciles) / 4
    assert (np.abs(np.bincount(deciles[test]) - share) <= 1).all()


@pytest.mark.parametrize(
    "y",
    [
        np.arange(1000) % 500,
        1 + np.random.default_rng(0).integers(100, size=1000),
        100_000 + 7 * (np.arange(1000) % 100),
        np.arange(1000) % 20 * 1000,
        (np.arange(1000) % 500 * 1000).astype(str),
    ],
    ids=["codes of two", "codes from 1", "numbers of ten", "few", "strings"],
)
def test_whole_numbers_that_are_classes_stay_classes(y):
    X = np.arange(1000)
    _, test = train_test_split(
        X, stratify=y, groups=X, finder="precomputed", random_state=0, test_size=0.5
    )
    codes, classes = pd.factorize(y)
    counts = np.bincount(codes[test], minlength=len(classes))
    assert (np.abs(counts - np.bincount(codes) / 2) < 1).all()


@pytest.mark.parametrize(
    "y",
    [
        [1.0, np.nan] * 5,
        ["a", None] * 5,
        ["a", np.nan] * 5,
        pd.array([1, pd.NA] * 5),
        [[0, 1], [np.nan, 1]] * 5,
    ],
)
def test_missing_labels_are_refused(y):
    X = [str(number) for number in range(10)]
    with pytest.raises(ValueError, match=r"labels of 5 images are missing, the first in row 1\."):
        train_test_split(X, stratify=y, groups=X, finder="precomputed")


@pytest.mark.parametrize("kind", [list, np.array, pd.Series])
def test_numbers_among_objects_are_numbers(kind):
    """A column of a table that was built row by row has the dtype object."""
    X, y = [str(number) for number in range(20)], kind([0, 1] * 10)
    y = y if kind is list else y.astype(object)
    _, _, _, y_test = train_test_split(
        X, y, test_size=0.5, stratify=y, groups=X, finder="precomputed"
    )
    assert sum(y_test) == 5
