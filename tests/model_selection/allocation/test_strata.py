"""Labels of every kind become strata, which all parts contain in the same proportions."""

from pathlib import Path
from uuid import UUID

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

from hashfeatures import (
    NearDuplicateKFold,
    NearDuplicateShuffleSplit,
    SplitSizeWarning,
    train_test_split,
)
from hashfeatures.model_selection.allocation._strata import find_strata


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
    """Prices are not classes, because each price occurs once or twice."""
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


def counts_of_objects(n_images=600, n_classes=6, seed=0):
    """Return how many objects of each class each image shows: few or many, some rare."""
    rng = np.random.default_rng(seed)
    rates = np.geomspace(3, 0.1, n_classes) * rng.gamma(1, 1, (n_images, 1))
    return rng.poisson(rates)


@pytest.mark.parametrize(
    "kind", [np.asarray, np.float64, pd.DataFrame, csr_matrix, np.ndarray.tolist]
)
def test_objects_are_stratified_by_their_counts(kind):
    """Each part has its share of the objects, which is not its share of the images."""
    y = counts_of_objects()
    X = np.arange(len(y))
    groups = np.sort([*range(500), *range(0, 500, 5)])
    for test_size in (0.2, 0.5):
        _, test = train_test_split(
            X,
            test_size=test_size,
            stratify=kind(y),
            groups=groups,
            finder="precomputed",
            random_state=0,
        )
        off = np.abs(y[test].sum(axis=0) - test_size * y.sum(axis=0))
        assert (off <= np.maximum(2 * y.max(axis=0), 0.05 * y.sum(axis=0))).all()
    for _, test in NearDuplicateKFold(4, stratify=True, finder="precomputed").split(
        X, kind(y), groups
    ):
        off = np.abs(y[test].sum(axis=0) - y.sum(axis=0) / 4)
        assert (off <= np.maximum(2 * y.max(axis=0), 0.05 * y.sum(axis=0))).all()


def test_a_matrix_whose_rows_all_repeat_holds_columns_of_classes():
    """scikit-learn takes each distinct row for a class, such as a year and a site."""
    years, sites = np.repeat([2019, 2020, 2021], 40), np.tile([1, 2], 60)
    strata = find_strata(np.column_stack([years, sites]), 120)
    assert strata.is_partition
    assert strata.names[:2] == ["2019, 1", "2019, 2"]
    counted = find_strata(csr_matrix(np.column_stack([years, sites])), 120)
    assert not counted.is_partition
    assert counted.counts_objects


def test_strata_of_counts_have_the_names_of_their_columns():
    y = pd.DataFrame(counts_of_objects(30, 2), columns=["car", "bus"])
    assert find_strata(y, 30).names == ["car", "bus"]
    assert find_strata(y.to_numpy(), 30).names == ["label 0", "label 1"]


def test_a_warning_of_counts_speaks_of_objects():
    y = np.zeros((40, 2), dtype=int)
    y[:, 0] = np.arange(40) % 7
    y[:31, 1] = 1
    y[0, 1] = 300
    X = np.arange(40)
    with pytest.warns(SplitSizeWarning, match="'label 1', 330 objects in 31 groups"):
        train_test_split(X, stratify=y, groups=X, finder="precomputed", random_state=0)


@pytest.mark.parametrize(
    "y",
    [
        csr_matrix([[1, -2], [0, 3]] * 2),
        csr_matrix([[0.5, 2], [0, 3]] * 2),
        np.array([[0.5, 2], [0.25, 3], [1, 2], [0, 4]]),
    ],
    ids=["negative", "sparse fractions", "fractions"],
)
def test_counts_must_be_whole_numbers(y):
    X = np.arange(4)
    with pytest.raises(ValueError, match="in whole numbers"):
        train_test_split(X, stratify=y, groups=X, finder="precomputed")


@pytest.mark.parametrize(
    "make",
    [
        lambda codes: pd.Categorical.from_codes(codes, ["a", "b"]),
        lambda codes: pd.Series(pd.cut(codes, [-1, 0, 1])),
        lambda codes: list(pd.cut(codes, [-1, 0, 1])),
        lambda codes: pd.Series(pd.to_datetime("2024-01-01") + pd.to_timedelta(codes, unit="D")),
        lambda codes: pd.PeriodIndex.from_ordinals(codes, freq="M"),
        lambda codes: [UUID(int=int(code)) for code in codes],
        lambda codes: [Path(str(code)) for code in codes],
        lambda codes: pd.array(codes, dtype="Int64"),
        lambda codes: pd.array(codes == 1, dtype="boolean"),
        lambda codes: [("a", 1)[code] for code in codes],
        lambda codes: pd.DataFrame({"sex": codes, "site": ["x"] * len(codes)}),
        lambda codes: np.column_stack([codes, codes + 5]),
        lambda codes: pd.MultiIndex.from_arrays([codes, codes]),
        lambda codes: [frozenset([int(code)]) for code in codes],
        lambda codes: [(int(code), "x") for code in codes],
    ],
    ids=[
        "Categorical", "intervals", "list of intervals", "timestamps", "periods", "UUIDs", "paths",
        "nullable integers", "nullable Booleans", "mixed", "two columns", "two columns of numbers",
        "MultiIndex", "frozensets", "tuples",
    ],
)  # fmt: skip
def test_any_hashable_label_is_a_class(make):
    codes = np.random.default_rng(0).permutation(np.repeat([0, 1], [40, 20]))
    X = np.arange(60)
    _, test = train_test_split(
        X, test_size=0.25, stratify=make(codes), groups=X, finder="precomputed", random_state=0
    )
    assert np.bincount(codes[test]).tolist() == [10, 5]
