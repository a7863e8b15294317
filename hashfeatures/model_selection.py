"""Splits in which near duplicates never stand on both sides."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil, floor
from numbers import Integral, Real
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.model_selection import BaseCrossValidator
from sklearn.utils import check_random_state, indexable
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import _num_samples, column_or_1d

from .containers import take_rows
from .dealing import by_lot, by_need, deal, fill_empty
from .duplicates import Labels, merge_labels
from .exceptions import ParameterError, SplitSizeWarning, warn_user
from .grouping import group_images
from .parameters import check_bool, check_int

_Counts = NDArray[np.int64]


def train_test_split(
    images: Any,
    *arrays: Any,
    test_size: float | int | None = None,
    train_size: float | int | None = None,
    random_state: Any = None,
    stratify: Any = None,
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
        The share or the number of images in the training part. None: what `test_size` leaves.
    random_state : int, RandomState instance or None, default=None
        Makes the split repeatable.
    stratify : array-like of shape (n_images,), default=None
        Class labels that both parts are to hold in the same shares, as far as groups allow.
    finder : estimator with ``fit_predict(X) -> labels``, default=None
        What says what a near duplicate is; None means ``NearDuplicateFinder()``.

    Returns
    -------
    list, of length 2 * (1 + len(arrays))
        The training and the test part of `images`, then of each array, in containers of the kind
        that was given, in random order.

    Raises
    ------
    ValueError
        If the sizes are impossible, or all images are in one group.

    Warns
    -----
    SplitSizeWarning
        If the groups do not allow the sizes, or a class, that were asked for.

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
    """
    everything = indexable(images, *arrays)
    n_images = _num_samples(images)
    sizes = _check_sizes("train_test_split", n_images, test_size, train_size, default=0.25)
    classes = None if stratify is None else _encode_classes(stratify, n_images)
    rng = check_random_state(random_state)
    train, test = _deal_once(group_images(images, finder), classes, sizes, rng)
    return [take_rows(array, rows) for array in everything for rows in (train, test)]


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

    def _group(self, X: Any, y: Any, groups: Any) -> tuple[Labels, Labels | None]:
        """Return the group, and with stratification the class, of each image."""
        if self.stratify and y is None:
            raise ValueError(
                f"{type(self).__name__}(stratify=True) needs the labels: split(X, y)."
            )
        n_images = _num_samples(X)
        classes = _encode_classes(y, n_images) if self.stratify else None
        if groups is None:
            return group_images(X, self.finder), classes
        groups = _check_groups(groups, n_images)
        return merge_labels(group_images(X, self.finder), groups), classes


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
    finder : estimator with ``fit_predict(X) -> labels``, default=None
        What says what a near duplicate is; None means ``NearDuplicateFinder()``.

    See Also
    --------
    sklearn.model_selection.StratifiedGroupKFold : For groups that are known.

    Notes
    -----
    Folds are as equal in images as the groups allow: with enough images that have no near
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
        y : array-like of shape (n_images,), default=None
            Class labels; needed with ``stratify=True``.
        groups : array-like of shape (n_images,), default=None
            Images that must stay together for other reasons: these groups are merged with those
            of near duplicates.

        Yields
        ------
        train, test : ndarray, dtype intp
            Row numbers, ascending.
        """
        rng = check_random_state(self.random_state) if self.shuffle else None
        labels, classes = self._group(X, y, groups)
        n_groups = len(np.unique(labels))
        if n_groups < self.n_splits:
            raise ValueError(
                f"Cannot have number of splits n_splits={self.n_splits} greater than the number "
                f"of groups of near duplicates: {n_groups}, among {len(labels)} images."
            )
        base, extra = divmod(len(labels), self.n_splits)
        sizes = np.full(self.n_splits, base)
        sizes[:extra] += 1
        fold = fill_empty(deal(labels, classes, sizes, by_need, rng), labels, self.n_splits)
        _warn_of_sizes(labels, "fold", np.bincount(fold, minlength=self.n_splits), sizes)
        for number in range(self.n_splits):
            yield np.flatnonzero(fold != number), np.flatnonzero(fold == number)


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
    finder : estimator with ``fit_predict(X) -> labels``, default=None
        What says what a near duplicate is; None means ``NearDuplicateFinder()``.

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
        y : array-like of shape (n_images,), default=None
            Class labels; needed with ``stratify=True``.
        groups : array-like of shape (n_images,), default=None
            Images that must stay together for other reasons: these groups are merged with those
            of near duplicates.

        Yields
        ------
        train, test : ndarray, dtype intp
            Row numbers, in random order.
        """
        sizes = _check_sizes(
            type(self).__name__, _num_samples(X), self.test_size, self.train_size, default=0.1
        )
        rng = check_random_state(self.random_state)
        labels, classes = self._group(X, y, groups)
        for _ in range(self.n_splits):
            yield _deal_once(labels, classes, sizes, rng)


def _check_sizes(
    owner: str, n_images: int, test_size: Any, train_size: Any, default: float
) -> tuple[int, int]:
    """Return how many images the training and the test part have, as scikit-learn rounds."""
    if test_size is None and train_size is None:
        test_size = default
    n_test = _count(owner, "test_size", test_size, n_images, ceil)
    n_train = _count(owner, "train_size", train_size, n_images, floor)
    n_test = n_images - n_train if n_test is None else n_test
    n_train = n_images - n_test if n_train is None else n_train
    if n_train + n_test > n_images:
        raise ValueError(
            f"The sum of train_size and test_size = {n_train + n_test}, should be smaller than "
            f"the number of images {n_images}. Reduce test_size and/or train_size."
        )
    if n_train <= 0 or n_test <= 0:
        raise ValueError(
            f"With {n_images} images, test_size={test_size} and train_size={train_size}, the "
            f"{'training' if n_train <= 0 else 'test'} part will be empty. Adjust the sizes."
        )
    return n_train, n_test


def _check_length(name: str, values: Any, n_images: int) -> None:
    if _num_samples(values) != n_images:
        raise ValueError(
            f"Found input variables with inconsistent numbers of samples: {n_images} images, and "
            f"{name} of length {_num_samples(values)}."
        )


def _check_groups(groups: Any, n_images: int) -> NDArray[Any]:
    """Return the user's groups as one column, none of them missing."""
    _check_length("groups", groups, n_images)
    column: NDArray[Any] = column_or_1d(np.asarray(groups, dtype=object))
    missing = np.flatnonzero(pd.isna(column))
    if len(missing):
        raise ValueError(
            f"The groups of {len(missing)} images are missing, the first in row {missing[0]}. "
            f"Give each of these images a group; one that belongs to none gets one of its own."
        )
    return column


def _count(owner: str, name: str, size: Any, n_images: int, rounded: Any) -> Any:
    if size is None:
        return None
    is_number = isinstance(size, Real) and not isinstance(size, bool)
    if is_number and isinstance(size, Integral) and 0 < int(size) < n_images:
        return int(size)
    if is_number and not isinstance(size, Integral) and 0 < float(size) < 1:
        return rounded(float(size) * n_images)
    raise ParameterError(
        f"The {name!r} parameter of {owner} must be a float in the range (0, 1), an int in the "
        f"range [1, {n_images}) (there are {n_images} images), or None. Got {size!r} instead."
    )


def _encode_classes(y: Any, n_images: int) -> Labels:
    """Return class labels as numbers from 0 on."""
    _check_length("y", y, n_images)
    kind = type_of_target(y, input_name="y")
    if kind not in ("binary", "multiclass"):
        raise ValueError(
            f"Supported target types for stratification are: ('binary', 'multiclass'). "
            f"Got {kind!r} instead."
        )
    return np.unique(column_or_1d(y), return_inverse=True)[1]


def _deal_once(
    groups: Labels, classes: Labels | None, sizes: tuple[int, int], rng: np.random.RandomState
) -> tuple[Labels, Labels]:
    """Return the rows of a training and a test part of given sizes; other rows are in neither."""
    if not groups.any():
        raise ValueError(
            f"All {len(groups)} images are in one group of near duplicates, so the training or "
            f"the test part would be empty. A smaller radius makes smaller groups."
        )
    unused = len(groups) - sum(sizes)
    quota = np.array([*sizes, unused] if unused else sizes)
    parts = fill_empty(deal(groups, classes, quota, by_lot, rng), groups, 2)
    train, test = np.flatnonzero(parts == 0), np.flatnonzero(parts == 1)
    _warn_of_sizes(
        groups, "part (training, test)", np.array([len(train), len(test)]), np.array(sizes)
    )
    if classes is not None:
        _warn_of_classes(groups, classes)
    return rng.permutation(train), rng.permutation(test)


def _warn_of_sizes(groups: Labels, what: str, reached: _Counts, asked: _Counts) -> None:
    """Warn if the parts are not what was asked for, beyond what the size of a group explains."""
    largest = np.bincount(groups).max()
    grain = largest if largest <= asked.min() else 1
    if (np.abs(reached - asked) > np.maximum(grain, 0.05 * asked)).any():
        warn_user(
            f"The groups of near duplicates do not allow the sizes asked for. Images in each "
            f"{what}: asked for {asked.tolist()}, reached {reached.tolist()}. The largest group "
            f"holds {largest} of {len(groups)} images.",
            SplitSizeWarning,
        )


def _warn_of_classes(groups: Labels, classes: Labels) -> None:
    """Warn of classes that no split can share out."""
    spread = np.unique(np.stack([classes, groups]), axis=1)[0]
    n_lost = int((np.bincount(spread) == 1).sum())
    if n_lost:
        warn_user(
            f"{n_lost} of {classes.max() + 1} classes have all their images in one group of near "
            f"duplicates, and so in one part.",
            SplitSizeWarning,
        )
