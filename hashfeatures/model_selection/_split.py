"""Splits in which near duplicates never stand on both sides."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.model_selection import BaseCrossValidator
from sklearn.utils import check_random_state, indexable
from sklearn.utils.validation import _num_samples

from .._utils.containers import check_length, column_of, take_rows
from .._utils.validation import check_bool, check_int
from ..duplicates._finder_hints import point_to_finder
from ..duplicates._labels import Labels
from ..duplicates._resolve import PRECOMPUTED, group_images, own_groups
from ..exceptions import ParameterError
from ..images._sources import check_container
from ._allocation import by_lot, by_need, deal, fill_empty
from ._size_warnings import warn_of_shortfalls
from ._sizes import count_images
from ._strata import Strata, find_strata


@point_to_finder
def train_test_split(
    images: Any,
    *arrays: Any,
    test_size: float | int | None = None,
    train_size: float | int | None = None,
    validation_size: float | int | None = None,
    random_state: Any = None,
    stratify: Any = None,
    groups: Any = None,
    finder: Any = None,
) -> list[Any]:
    """Split images at random so that near duplicates stay on one side.

    `sklearn.model_selection.train_test_split` for images.

    Parameters
    ----------
    images : list, tuple, array, Series or DataFrame of length n_images
        Image sources; or a matrix of bits of shape (n_images, n_bits), grouped by
        `DuplicateGroups`; or a frame with the images in a column named "image", "path",
        "url", "file" or "filename".
    *arrays : sequences of length n_images
        Labels and the like, split alike.
    test_size : float or int, default=None
        The share or the number of images, not of groups, in the test part. None: what
        `train_size` leaves, or 0.25.
    train_size : float or int, default=None
        The share or the number of images in the training part. None: what the others leave.
    validation_size : float or int, default=None
        The share or the number of images, of all, in a third part for validation. None: there is
        no such part.
    random_state : int, RandomState instance or None, default=None
        Makes the split repeatable.
    stratify : array-like of shape (n_images,) or (n_images, n_labels), or column, default=None
        What all parts are to hold in the same shares, as far as groups allow: class labels of any
        kind, columns of which each row that occurs is a class, a 0/1 matrix of several labels an
        image, or a continuous target, of which quantiles are made. Whole numbers are classes,
        unless more than 20 different ones are more than half as many as the images, or occur fewer
        than 10 times on average and are no codes counted from 0 or 1; strings always are. Of a
        frame, the name of a column will do, here and for `groups`.
    groups : array-like of shape (n_images,), or column, default=None
        Images that must stay together for other reasons: these groups are merged with those of
        near duplicates.
    finder : estimator with ``fit_predict(X) -> labels``, or "precomputed", default=None
        What says what a near duplicate is; None means ``NearDuplicateFinder()``. "precomputed":
        `groups` tells all that must stay together, and no image is read.

    Returns
    -------
    list, of length 2 * (1 + len(arrays)), or 3 * (1 + len(arrays)) with `validation_size`
        The training, the validation if asked for, and the test part of `images`, then of each
        array, in containers of the kind that was given, in random order.

    Raises
    ------
    ValueError
        If the sizes are impossible, or there are fewer groups than parts.

    Warns
    -----
    SplitSizeWarning
        If groups, which stay whole, keep a part from the size asked for by more than a tenth, or a
        class from its share by more than one group.

    Examples
    --------
    >>> from skimage import data
    >>> from hashfeatures import train_test_split
    >>> photo, coins = data.camera(), data.coins()
    >>> images = [photo, coins, photo[::2, ::2], coins[::2, ::2]]
    >>> y = ["camera", "coins", "camera", "coins"]
    >>> _, _, y_train, y_test = train_test_split(images, y, test_size=0.5, random_state=0)
    >>> set(y_train) & set(y_test)
    set()

    Training, validation and test part, with groups that are known:

    >>> rows = list(range(10))
    >>> same = [0, 0, 0, 1, 1, 2, 3, 4, 5, 6]
    >>> train, validation, test = train_test_split(
    ...     rows, test_size=2, validation_size=2, groups=same, finder="precomputed", random_state=0
    ... )
    >>> len(train), len(validation), len(test)
    (6, 2, 2)
    """
    _check_images("train_test_split", images, finder)
    everything = indexable(images, *arrays)
    n_images = _num_samples(images)
    for array in arrays:
        check_length("A further array", array, n_images)
    sizes = count_images(
        "train_test_split",
        n_images,
        train_size=train_size,
        validation_size=validation_size,
        test_size=test_size,
        default=0.25,
    )
    stratify = column_of(stratify, images, "train_test_split", "stratify")
    groups = column_of(groups, images, "train_test_split", "groups")
    strata = None if stratify is None else find_strata(stratify, n_images)
    rng = check_random_state(random_state)
    _check_enough(own_groups(groups, n_images), len(sizes))
    parts = _deal_once(group_images(images, finder, groups), strata, sizes, rng)
    return [take_rows(array, rows) for array in everything for rows in parts]


class _NearDuplicateSplitter(BaseCrossValidator):
    """What the splitters share: where groups come from, and the metadata they ask for."""

    __metadata_request__split = {"groups": True}  # noqa: RUF012

    def __init__(self, n_splits: int, stratify: bool, random_state: Any, finder: Any) -> None:
        name = type(self).__name__
        self.n_splits = check_int(name, "n_splits", n_splits, self._least_splits)
        self.stratify = check_bool(name, "stratify", stratify)
        self.random_state = random_state
        self.finder = finder

    _least_splits = 1

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """Return the number of splits; the arguments are ignored.

        Parameters
        ----------
        X, y, groups : object
            Ignored.

        Returns
        -------
        int
            The number of splits.
        """
        return self.n_splits

    def _check_enough(self, groups: Labels) -> None:
        """Raise if there are too few groups to be dealt."""
        _check_enough(groups, 2)

    def _group(self, X: Any, y: Any, groups: Any) -> tuple[Labels, Strata | None]:
        """Return the group of each image and, with stratification, the strata."""
        name = type(self).__name__
        _check_images(name, X, self.finder)
        y, groups = column_of(y, X, name, "y"), column_of(groups, X, name, "groups")
        if self.stratify and y is None:
            raise ValueError(
                f"{type(self).__name__}(stratify=True) needs the labels: split(X, y)."
            )
        strata = find_strata(y, _num_samples(X)) if self.stratify else None
        self._check_enough(own_groups(groups, _num_samples(X)))
        return group_images(X, self.finder, groups), strata


class NearDuplicateKFold(_NearDuplicateSplitter):
    """K-fold cross-validation in which near duplicates are in the same fold.

    Parameters
    ----------
    n_splits : int, default=5
        The number of folds, at least 2.
    stratify : bool, default=False
        Whether each fold is to hold the classes of `y` in the same shares, as far as groups allow.
    shuffle : bool, default=False
        Whether groups are dealt at random. False: in their order.
    random_state : int, RandomState instance or None, default=None
        With ``shuffle=True``, makes the folds repeatable.
    finder : estimator with ``fit_predict(X) -> labels``, or "precomputed", default=None
        What says what a near duplicate is; None means ``NearDuplicateFinder()``. "precomputed":
        the `groups` of `split` tell all that must stay together, and no image is read.

    See Also
    --------
    sklearn.model_selection.StratifiedGroupKFold : For groups that are known.

    Notes
    -----
    Folds are about as equal in images as the groups allow: with enough images that have no near
    duplicates, equal within one.

    Examples
    --------
    >>> from hashfeatures import DuplicateGroups, NearDuplicateKFold
    >>> bits = [[0, 0, 0, 0], [1, 1, 1, 1], [0, 0, 0, 0], [1, 1, 0, 0]]
    >>> folds = NearDuplicateKFold(2, finder=DuplicateGroups(radius=0))
    >>> [test.tolist() for train, test in folds.split(bits)]
    [[0, 2], [1, 3]]
    """

    _least_splits = 2

    @point_to_finder
    def __init__(
        self,
        n_splits: int = 5,
        *,
        stratify: bool = False,
        shuffle: bool = False,
        random_state: Any = None,
        finder: Any = None,
    ) -> None:
        super().__init__(n_splits, stratify, random_state, finder)
        self.shuffle = check_bool(type(self).__name__, "shuffle", shuffle)
        if not shuffle and random_state is not None:
            raise ParameterError(
                "Setting a random_state has no effect since shuffle is False. Leave random_state "
                "at None, or set shuffle=True."
            )

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Iterator[tuple[Labels, Labels]]:
        """Yield the rows of each fold's training and test part.

        Parameters
        ----------
        X : list, tuple, array, Series or DataFrame of length n_images
            Image sources or a matrix of bits, as for `train_test_split`.
        y : array-like of shape (n_images,) or (n_images, n_labels), default=None
            What to stratify by, as for `train_test_split`; needed with ``stratify=True``.
        groups : array-like of shape (n_images,), default=None
            Images that must stay together for other reasons: these groups are merged with those
            of near duplicates.

        Yields
        ------
        train, test : ndarray, dtype intp
            Row numbers, ascending.
        """
        rng = check_random_state(self.random_state) if self.shuffle else None
        labels, strata = self._group(X, y, groups)
        self._check_enough(labels)
        base, extra = divmod(len(labels), self.n_splits)
        sizes = np.full(self.n_splits, base)
        sizes[:extra] += 1
        shares = np.full(self.n_splits, 1 / self.n_splits)
        fold = deal(labels, strata, sizes, by_need, rng, shares)
        fold = fill_empty(fold, labels, self.n_splits)
        warn_of_shortfalls(labels, strata, fold, sizes, "fold")
        for number in range(self.n_splits):
            yield np.flatnonzero(fold != number), np.flatnonzero(fold == number)

    def _check_enough(self, groups: Labels) -> None:
        n_groups = len(np.unique(groups))
        if n_groups < self.n_splits:
            raise ValueError(
                f"Cannot have number of splits n_splits={self.n_splits} greater than the number "
                f"of groups of near duplicates: {n_groups}, among {len(groups)} images."
            )


class NearDuplicateShuffleSplit(_NearDuplicateSplitter):
    """Random splits in which near duplicates stay on one side.

    Parameters
    ----------
    n_splits : int, default=10
        How many splits, each independent of the others.
    test_size : float or int, default=None
        The share or the number of images, not of groups, in the test part. None: what
        `train_size` leaves, or 0.1.
    train_size : float or int, default=None
        The share or the number of images in the training part. None: what `test_size` leaves.
    stratify : bool, default=False
        Whether both parts are to hold the classes of `y` in the same shares, as far as groups
        allow.
    random_state : int, RandomState instance or None, default=None
        Makes the splits repeatable.
    finder : estimator with ``fit_predict(X) -> labels``, or "precomputed", default=None
        What says what a near duplicate is; None means ``NearDuplicateFinder()``. "precomputed":
        the `groups` of `split` tell all that must stay together, and no image is read.

    Examples
    --------
    >>> from hashfeatures import DuplicateGroups, NearDuplicateShuffleSplit
    >>> bits = [[0, 0, 0, 0], [1, 1, 1, 1], [0, 0, 0, 0], [1, 1, 0, 0]]
    >>> splits = NearDuplicateShuffleSplit(
    ...     3, test_size=0.5, random_state=0, finder=DuplicateGroups(radius=0)
    ... )
    >>> [len({0, 2} & set(test.tolist())) in (0, 2) for train, test in splits.split(bits)]
    [True, True, True]
    """

    @point_to_finder
    def __init__(
        self,
        n_splits: int = 10,
        *,
        test_size: float | int | None = None,
        train_size: float | int | None = None,
        stratify: bool = False,
        random_state: Any = None,
        finder: Any = None,
    ) -> None:
        super().__init__(n_splits, stratify, random_state, finder)
        self.test_size = test_size
        self.train_size = train_size

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Iterator[tuple[Labels, Labels]]:
        """Yield the rows of each split's training and test part.

        Parameters
        ----------
        X : list, tuple, array, Series or DataFrame of length n_images
            Image sources or a matrix of bits, as for `train_test_split`.
        y : array-like of shape (n_images,) or (n_images, n_labels), default=None
            What to stratify by, as for `train_test_split`; needed with ``stratify=True``.
        groups : array-like of shape (n_images,), default=None
            Images that must stay together for other reasons: these groups are merged with those
            of near duplicates.

        Yields
        ------
        train, test : ndarray, dtype intp
            Row numbers, in random order.
        """
        _check_images(type(self).__name__, X, self.finder)
        sizes = count_images(
            type(self).__name__,
            _num_samples(X),
            train_size=self.train_size,
            test_size=self.test_size,
            default=0.1,
        )
        rng = check_random_state(self.random_state)
        labels, strata = self._group(X, y, groups)
        for _ in range(self.n_splits):
            train, test = _deal_once(labels, strata, sizes, rng)
            yield train, test


def _check_images(owner: str, images: Any, finder: Any) -> None:
    """Raise if there are no images to be grouped; with known groups, anything can be split."""
    if not (isinstance(finder, str) and finder == PRECOMPUTED):
        check_container(images, owner)


def _deal_once(
    groups: Labels, strata: Strata | None, sizes: list[int], rng: np.random.RandomState
) -> list[Labels]:
    """Return the rows of parts of given sizes, in random order; other rows are in none."""
    n_parts = len(sizes)
    _check_enough(groups, n_parts)
    unused = len(groups) - sum(sizes)
    quota = np.array([*sizes, unused] if unused else sizes)
    parts = fill_empty(deal(groups, strata, quota, by_lot, rng), groups, n_parts)
    what = "part (training, test)" if n_parts == 2 else "part (training, validation, test)"
    warn_of_shortfalls(groups, strata, parts, np.array(sizes), what)
    return [rng.permutation(np.flatnonzero(parts == part)) for part in range(n_parts)]


def _check_enough(groups: Labels, n_parts: int) -> None:
    """Raise if there are fewer groups than parts."""
    n_groups = int(groups.max(initial=-1)) + 1
    if n_groups < n_parts:
        where = "one group" if n_groups == 1 else f"{n_groups} groups"
        raise ValueError(
            f"All {len(groups)} images are in {where} of near duplicates, so one of the "
            f"{n_parts} parts would be empty. A smaller radius makes smaller groups; what is "
            f"given as groups is merged with them."
        )
