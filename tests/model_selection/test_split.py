"""Splits keep groups whole, count sizes in images, and stratify, as scikit-learn does."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.model_selection import GridSearchCV, cross_val_score, cross_validate
from sklearn.model_selection import train_test_split as sklearn_split
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline

from hashfeatures import (
    ChainingWarning,
    DuplicateGroups,
    FailedImagesWarning,
    ImageHashFeaturizer,
    NearDuplicateFinder,
    NearDuplicateKFold,
    NearDuplicateShuffleSplit,
    ParameterError,
    train_test_split,
)


class Given(ClusterMixin, BaseEstimator):
    """A finder that takes X for the groups."""

    def fit(self, X, y=None):
        self.labels_ = np.array([int(value) for value in X])
        return self


@st.composite
def data_sets(draw, min_rows=10, max_rows=120):
    """Draw groups of many shapes, and classes that follow them or not."""
    n_rows = draw(st.integers(min_rows, max_rows))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    groups = np.arange(n_rows)
    repeated = rng.random(n_rows) < draw(st.sampled_from([0, 0.3, 0.9]))
    groups[repeated] = rng.integers(0, max(2, n_rows // draw(st.sampled_from([3, 12]))), n_rows)[
        repeated
    ]
    n_classes = draw(st.integers(1, 4))
    by_group = rng.integers(0, n_classes, n_rows)[groups]
    mixed = rng.integers(0, n_classes, n_rows)
    y = np.where(rng.random(n_rows) < draw(st.sampled_from([0, 0.2])), mixed, by_group)
    return [str(group) for group in groups], y


def assert_no_leak(groups, train, test):
    groups = np.asarray(groups)
    assert not set(groups[train]) & set(groups[test])


@pytest.mark.filterwarnings("ignore::hashfeatures.SplitSizeWarning")
@given(data_sets(), st.integers(2, 4), st.booleans(), st.sampled_from([None, 0, 7]))
def test_folds_share_no_group_and_are_a_partition(data, n_splits, stratify, seed):
    X, y = data
    if len(set(X)) < n_splits:
        return
    folds = NearDuplicateKFold(
        n_splits,
        stratify=stratify,
        shuffle=seed is not None,
        random_state=seed,
        finder=Given(),
    )
    seen = []
    for train, test in folds.split(X, y):
        assert_no_leak(X, train, test)
        assert sorted([*train, *test]) == list(range(len(X)))
        assert len(train)
        assert len(test)
        seen.extend(test)
    assert sorted(seen) == list(range(len(X)))
    again = [test.tolist() for _, test in folds.split(X, y)]
    assert [row for test in again for row in test] == seen


@pytest.mark.filterwarnings("ignore::hashfeatures.SplitSizeWarning")
@given(data_sets(), st.floats(0.1, 0.9), st.booleans(), st.integers(0, 5))
def test_random_splits_share_no_group(data, test_size, stratify, seed):
    X, y = data
    splits = NearDuplicateShuffleSplit(
        3, test_size=test_size, stratify=stratify, random_state=seed, finder=Given()
    )
    for train, test in splits.split(X, y):
        assert len(train)
        assert len(test)
        assert_no_leak(X, train, test)
        assert len(train) + len(test) == len(X)


@pytest.mark.filterwarnings("ignore::hashfeatures.SplitSizeWarning")
@given(data_sets(), st.floats(0.05, 0.6), st.floats(0.1, 0.35), st.integers(0, 5))
def test_images_beyond_both_sizes_are_left_out(data, test_size, train_size, seed):
    """No part is empty either, whatever the groups."""
    X, _ = data
    if len(set(X)) < 2:
        return
    splits = NearDuplicateShuffleSplit(
        2, test_size=test_size, train_size=train_size, random_state=seed, finder=Given()
    )
    for train, test in splits.split(X):
        assert_no_leak(X, train, test)
        assert len(train)
        assert len(test)
    numbers = [str(number) for number in range(len(X))]
    for train, test in splits.split(numbers):
        assert not set(train) & set(test)
        assert len(test) == int(np.ceil(test_size * len(X)))
        assert len(train) == int(np.floor(train_size * len(X)))


@pytest.mark.filterwarnings("ignore::hashfeatures.SplitSizeWarning")
@pytest.mark.parametrize(
    ("groups", "sizes"), [([0] * 5 + [1] * 5, (4, 1)), ([0] * 6 + [1] * 14, (3, 8))]
)
def test_no_part_is_empty_though_images_are_unused(groups, sizes):
    train, test = train_test_split(
        groups, test_size=sizes[0], train_size=sizes[1], random_state=0, finder=Given()
    )
    assert {len(set(train)), len(set(test))} == {1}
    assert set(train) != set(test)


def test_rows_are_shuffled_as_by_scikit_learn():
    X = [str(number) for number in range(50)]
    for part in train_test_split(X, random_state=0, finder=Given()):
        assert part != sorted(part, key=int)


def crowd(n_pairs=60, n_single=400, seed=0):
    """Return many single images, pairs and a few larger groups, in three uneven classes."""
    rng = np.random.default_rng(seed)
    sizes = [*[2] * n_pairs, *[1] * n_single, 5, 9, 14]
    classes = rng.choice(3, size=len(sizes), p=[0.7, 0.25, 0.05])
    order = rng.permutation(sum(sizes))
    groups, y = np.repeat(np.arange(len(sizes)), sizes), np.repeat(classes, sizes)
    return [str(group) for group in groups[order]], y[order]


@pytest.mark.parametrize("size", [0.25, 0.1, 0.5, 37, None])
@pytest.mark.parametrize("stratify", [False, True])
def test_with_single_images_sizes_are_exact(size, stratify):
    """Parts have the sizes of scikit-learn's, and classes are within one image of their share."""
    X, y = crowd()
    for seed in range(5):
        X_train, X_test, y_train, y_test = train_test_split(
            X,
            y,
            test_size=size,
            random_state=seed,
            stratify=y if stratify else None,
            finder=Given(),
        )
        expected = sklearn_split(X, test_size=size, random_state=0)
        assert (len(X_train), len(X_test)) == tuple(map(len, expected))
        assert not set(X_train) & set(X_test)
        assert len(y_train) == len(X_train)
        if stratify:
            share = np.bincount(y) * len(X_test) / len(X)
            assert (np.abs(np.bincount(y_test, minlength=3) - share) < 1).all()


@given(st.integers(2, 9), st.integers(0, 30), st.integers(0, 2**32), st.booleans())
def test_folds_are_even(n_splits, n_more, seed, shuffle):
    """Folds differ by at most one image in size, and by at most one in each class."""
    X, y = crowd(n_single=400 + n_more, seed=seed)
    # A group of 14 images of a class of 44 would be too large for a fold.
    assume(pd.crosstab(X, y).max().le(np.bincount(y, minlength=3) // n_splits).all())
    folds = NearDuplicateKFold(
        n_splits,
        stratify=True,
        shuffle=shuffle,
        random_state=0 if shuffle else None,
        finder=Given(),
    )
    tests = [test for _, test in folds.split(X, y)]
    sizes = [len(test) for test in tests]
    assert max(sizes) - min(sizes) <= 1
    counts = np.array([np.bincount(y[test], minlength=3) for test in tests])
    assert (np.ptp(counts, axis=0) <= 1).all()


def test_every_image_is_as_likely_to_be_tested():
    """This includes images of large groups, or the test part would be easier than the rest."""
    X, _ = crowd()
    tested = np.zeros(len(X))
    splits = NearDuplicateShuffleSplit(400, test_size=0.25, random_state=0, finder=Given())
    for _, test in splits.split(X):
        tested[test] += 1
    group_sizes = pd.Series(X).map(pd.Series(X).value_counts()).to_numpy()
    for size in np.unique(group_sizes):
        share = tested[group_sizes == size].mean() / 400
        assert 0.15 < share < 0.35, f"groups of {size}"


def test_shuffling_depends_on_the_seed_alone():
    X, _ = crowd()
    options = {"shuffle": True, "finder": Given()}
    first, same, other = (
        [test.tolist() for _, test in NearDuplicateKFold(3, random_state=seed, **options).split(X)]
        for seed in (1, 1, 2)
    )
    assert first == same != other


def test_copies_stay_together(family):
    files, shown = family
    for train, test in NearDuplicateKFold(5).split(files):
        assert_no_leak(shown, train, test)
        assert len(test) == 3
    for seed in range(5):
        y_train, y_test = train_test_split(files, shown, random_state=seed)[2:]
        assert not set(y_train) & set(y_test)


def test_user_groups_are_merged(family):
    """Both the groups of the user and those of near duplicates stay whole."""
    files, shown = family
    groups = np.array([f"shoot {number // 6}" for number in range(15)])
    for cv in (NearDuplicateKFold(2), NearDuplicateShuffleSplit(5, test_size=0.4)):
        for train, test in cv.split(files, groups=groups):
            assert_no_leak(shown, train, test)
            assert_no_leak(groups, train, test)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        list(NearDuplicateKFold(2).split(files, groups=groups[:5]))


KINDS = {
    "list": list,
    "tuple": tuple,
    "array": np.array,
    "Series": lambda files: pd.Series(files, index=range(100, 115)),
    "frame": lambda files: pd.DataFrame({"image": files, "y": range(15)}),
    "polars Series": pl.Series,
    "polars frame": lambda files: pl.DataFrame({"image": files}),
}


def test_user_groups_are_merged_by_train_test_split(family):
    files, shown = family
    groups = [f"shoot {number // 6}" for number in range(15)]
    parts = train_test_split(files, shown, groups, test_size=0.4, random_state=0, groups=groups)
    for train, test in (parts[2:4], parts[4:6]):
        assert not set(train) & set(test)


def test_groups_that_are_known_are_taken_as_they_are():
    """No image is read, and only the given groups stay together."""
    X, groups = ["no such file.png"] * 9, ["a"] * 4 + list("bcdef")
    for cv in (
        NearDuplicateKFold(2, finder="precomputed"),
        NearDuplicateShuffleSplit(5, test_size=0.5, finder="precomputed"),
    ):
        for train, test in cv.split(X, groups=groups):
            assert_no_leak(groups, train, test)
            assert len(test) in (4, 5)
        with pytest.raises(ValueError, match="With finder='precomputed', groups must be given"):
            next(cv.split(X))
    _, _, train, test = train_test_split(X, groups, groups=groups, finder="precomputed")
    assert not set(train) & set(test)


def test_splits_keep_near_duplicates_together_whatever_the_linkage():
    """A chain stays whole even if complete linkage cuts it, because its links are near."""
    chain = np.tril(np.ones((9, 8)), k=-1)
    others = np.random.default_rng(0).integers(0, 2, (40, 72))
    bits = np.vstack([np.hstack([chain, np.zeros((9, 64))]), others])
    near = (bits[:, None] != bits[None]).sum(axis=2) <= 1
    for finder in (
        DuplicateGroups(1, linkage="complete"),
        NearDuplicateFinder(radius=1, linkage="complete"),
    ):
        with pytest.warns(ChainingWarning):
            for train, test in NearDuplicateKFold(3, finder=finder).split(bits):
                assert not near[np.ix_(train, test)].any()


@pytest.mark.parametrize("stratify", [False, True])
@pytest.mark.parametrize(
    "sizes",
    [
        {"test_size": 0.2, "validation_size": 0.1},
        {"test_size": 50, "validation_size": 100, "train_size": 300},
        {"train_size": 0.5, "validation_size": 0.3},
        {"validation_size": 0.15},
    ],
    ids=str,
)
def test_three_parts_of_exact_sizes(sizes, stratify):
    X, y = crowd()
    n = len(X)
    for seed in range(3):
        parts = train_test_split(
            X, y, random_state=seed, stratify=y if stratify else None, finder=Given(), **sizes
        )
        X_parts, y_parts = parts[:3], parts[3:]
        for one, other in ((0, 1), (0, 2), (1, 2)):
            assert not set(X_parts[one]) & set(X_parts[other])
        validation, test = sizes["validation_size"], sizes.get("test_size")
        n_validation = validation if isinstance(validation, int) else int(validation * n)
        n_test = test if isinstance(test, int) else int(np.ceil((test or 0.25) * n))
        n_train = sizes.get("train_size", n - n_validation - n_test)
        if n_train == 0.5:
            n_train = n // 2
            n_test = n - n_train - n_validation
        assert [len(part) for part in X_parts] == [n_train, n_validation, n_test]
        if stratify:
            for part in y_parts:
                share = np.bincount(y) * len(part) / n
                assert (np.abs(np.bincount(part, minlength=3) - share) < 1).all()


@pytest.mark.filterwarnings("ignore::hashfeatures.SplitSizeWarning")
@given(data_sets(), st.floats(0.1, 0.4), st.floats(0.1, 0.4), st.integers(0, 5))
def test_three_parts_share_no_group(data, test_size, validation_size, seed):
    X, y = data
    if len(set(X)) < 3:
        return
    parts = train_test_split(
        X,
        test_size=test_size,
        validation_size=validation_size,
        random_state=seed,
        stratify=y,
        finder=Given(),
    )
    assert all(parts)
    assert sum(len(set(part)) for part in parts) == len(set(X))
    assert sorted([*parts[0], *parts[1], *parts[2]]) == sorted(X)


@pytest.mark.parametrize("kind", KINDS)
def test_parts_are_containers_of_the_same_kind(family, kind):
    files, shown = family
    images = KINDS[kind](files)
    y = csr_matrix(shown[:, None])
    parts = train_test_split(images, shown.tolist(), y, test_size=0.4, random_state=0)
    assert len(parts) == 6
    assert [type(part) for part in parts] == [
        *(type(images), type(images), list, list, csr_matrix, csr_matrix)
    ]
    n_images = [part.shape[0] if hasattr(part, "shape") else len(part) for part in parts]
    assert n_images == [9, 6] * 3
    np.testing.assert_array_equal(parts[5].toarray().ravel(), parts[3])
    if kind == "Series":
        assert [files[row - 100] for row in parts[1].index] == parts[1].tolist()


def test_a_matrix_of_bits_is_split_by_its_groups():
    bits = np.eye(8, 20, dtype=int).repeat(3, axis=0)
    for finder in (DuplicateGroups(1), NearDuplicateFinder(radius=1)):
        train, test = train_test_split(bits, test_size=0.25, random_state=0, finder=finder)
        assert test.shape == (6, 20)
        assert not {tuple(row) for row in train.tolist()} & {tuple(row) for row in test.tolist()}


@pytest.mark.parametrize("routing", [False, True])
@pytest.mark.parametrize(
    "cv",
    [NearDuplicateKFold(3, stratify=True), NearDuplicateShuffleSplit(3, test_size=0.4)],
    ids=str,
)
# Among five photos of two classes, one class has fewer groups than folds.
@pytest.mark.filterwarnings("ignore::hashfeatures.SplitSizeWarning")
def test_scikit_learn_s_searches_take_the_splitters(family, cv, routing):
    files, shown = family
    y = (shown % 2).tolist()
    groups = [f"day {number}" for number in shown]
    model = make_pipeline(ImageHashFeaturizer("phash"), KNeighborsClassifier(1))
    with sklearn.config_context(enable_metadata_routing=routing):
        grouped = {"params": {"groups": groups}} if routing else {"groups": groups}
        scores = cross_val_score(model, files, y, cv=cv, error_score="raise")
        result = cross_validate(model, files, y, cv=cv, return_indices=True, **grouped)
        search = GridSearchCV(
            model, {"imagehashfeaturizer__hashes": ["phash", "dhash"]}, cv=cv, error_score="raise"
        )
        search.fit(files, y, groups=groups)
    assert len(scores) == len(result["test_score"]) == search.n_splits_ == 3
    for train, test in zip(*result["indices"].values(), strict=True):
        assert_no_leak(shown, train, test)


def test_the_splitters_show_their_parameters():
    assert repr(NearDuplicateKFold(3, shuffle=True, random_state=1)) == (
        "NearDuplicateKFold(finder=None, gap=None, groups=None, n_splits=3,\n"
        "          random_state=1, shuffle=True, solver='auto', stratify=False,\n"
        "          time_limit=None)"
    )
    assert NearDuplicateKFold().get_n_splits() == 5
    assert NearDuplicateShuffleSplit().get_n_splits() == 10


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ([1.0, np.nan] * 5, r"groups of 5 images are missing, the first in row 1\. Give each"),
        (pd.Series(["a", None] * 5), "groups of 5 images are missing"),
        (np.ones((10, 2)), "1d array"),
        (["a"] * 9, "10 images, and groups of length 9"),
    ],
    ids=["NaN", "None", "2-D", "short"],
)
def test_wrong_groups_are_refused(groups, message):
    X = [str(number) for number in range(10)]
    with pytest.raises(ValueError, match=message):
        next(NearDuplicateKFold(2, finder=Given()).split(X, groups=groups))


def test_groups_may_be_of_any_kind():
    """Numbers and strings are different groups."""
    X = [str(number) for number in range(6)]
    ((_, first), (_, second)) = NearDuplicateKFold(2, finder=Given()).split(
        X, groups=[1, "1", 1, "1", 1, "1"]
    )
    assert {tuple(first), tuple(second)} == {(0, 2, 4), (1, 3, 5)}


@pytest.mark.parametrize(
    "call",
    [
        lambda X: train_test_split(X, test_size=1.5),
        lambda X: train_test_split(X, stratify=[1]),
        lambda X: train_test_split(X, random_state="seed"),
        lambda X: next(NearDuplicateShuffleSplit(test_size=0).split(X)),
        lambda X: next(NearDuplicateShuffleSplit(random_state="seed").split(X)),
        lambda X: next(
            NearDuplicateKFold(2, stratify=True).split(X, np.arange(18).reshape(9, 2) / 4)
        ),
        lambda X: next(NearDuplicateKFold(2).split(X, groups=[1])),
    ],
)
def test_mistakes_are_refused_before_an_image_is_read(call, monkeypatch):
    monkeypatch.setattr(
        "hashfeatures.duplicates._comparison.hash_sources", lambda *a, **k: pytest.fail("read")
    )
    with pytest.raises(ValueError, match=r"\w"):
        call(["no such file.png"] * 9)


def test_the_name_of_a_column_is_not_taken_for_labels():
    with pytest.raises(TypeError, match=r"images without columns\. Got 'y' instead"):
        train_test_split(["no such file.png"] * 9, stratify="y")


def test_impossible_splits_are_refused():
    with pytest.raises(ValueError, match="With 1 images"):
        train_test_split(["0"], finder=Given())
    with pytest.raises(ValueError, match="in 2 groups of near duplicates, so one of the 3 parts"):
        train_test_split(["0", "1"] * 5, validation_size=0.2, finder=Given())
    same = ["0"] * 20
    with pytest.raises(ValueError, match=r"All 20 images are in one group"):
        train_test_split(same, finder=Given())
    with pytest.raises(
        ValueError, match=r"n_splits=5 greater than the number of groups.*: 1, among"
    ):
        next(NearDuplicateKFold(5, finder=Given()).split(same))
    with pytest.raises(ValueError, match=r"needs the labels\. Call split\(X, y\)"):
        next(NearDuplicateKFold(2, stratify=True, finder=Given()).split(["0", "1"]))
    with pytest.raises(ValueError, match="Got 'continuous-multioutput' instead"):
        train_test_split(["0", "1"], stratify=[[0.3, 1], [0.7, 2]], finder=Given())
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        train_test_split(["0", "1"], [1], finder=Given())
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        train_test_split(["0", "1"], stratify=[1, 2, 3], finder=Given())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: NearDuplicateKFold(1), r"'n_splits' .* range \[2, inf\). Got 1"),
        (lambda: NearDuplicateKFold(2.0), "Got 2.0"),
        (lambda: NearDuplicateKFold(shuffle=1), "'shuffle' .* Got 1"),
        (lambda: NearDuplicateKFold(stratify="y"), "'stratify' .* Got 'y'"),
        (lambda: NearDuplicateKFold(random_state=1), "no effect since shuffle is False"),
        (lambda: NearDuplicateShuffleSplit(0), "'n_splits'"),
    ],
)
def test_wrong_parameters_of_splitters(make, message):
    with pytest.raises(ParameterError, match=message):
        make()


def test_a_split_warns_of_images_that_cannot_be_read(family):
    """The images stay in the parts, so rows stay aligned with those of labels."""
    files, _ = family
    images = [*files[::3], "absent.png"]
    with pytest.warns(FailedImagesWarning, match="1 of 6 images could not be read"):
        train, test = train_test_split(images, test_size=0.5, random_state=0)
    assert sorted(train + test) == sorted(images)
    with pytest.warns(FailedImagesWarning):
        list(NearDuplicateKFold(2).split(images))
