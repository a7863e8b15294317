"""Cross-validators that never separate near duplicates."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import BaseCrossValidator
from sklearn.utils import check_random_state

from .._utils.containers import column_of
from .._utils.docstrings import fill_in_parameters
from .._utils.sklearn_internals import count_samples
from .._utils.validation import check_bool, check_int, refuse
from ..duplicates._finder_hints import point_to_finder
from ..duplicates._labels import Labels
from ..duplicates._resolve import group_images, own_groups
from ..exceptions import ParameterError
from ..images._gather import gather_images
from ._gaps import Frames, check_not_empty, split_inside
from ._groups import are_sequences, merge_groups, read_groups
from ._split_groups import Finder, check_enough, check_images, name_groups, split_once
from .allocation._allocation import allocate, draw_by_deficit, fill_empty, largest_deficit
from .allocation._size_warnings import warn_if_off_target
from .allocation._sizes import part_sizes
from .allocation._solver import Solver
from .allocation._strata import Strata, find_strata


class _NearDuplicateSplitter(BaseCrossValidator):
    """Base class of the splitters, which finds the groups and requests the metadata."""

    __metadata_request__split = {"groups": True}  # noqa: RUF012

    def __init__(
        self,
        n_splits: int,
        stratify: bool,
        random_state: Any,
        groups: Any,
        gap: int | None,
        finder: Finder,
    ) -> None:
        name = type(self).__name__
        self.n_splits = check_int(name, "n_splits", n_splits, self._least_splits)
        self.stratify = check_bool(name, "stratify", stratify)
        self.random_state = random_state
        self.groups = groups
        self.gap = gap if gap is None else check_int(name, "gap", gap, 0)
        self.finder = finder

    _least_splits = 1

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """Return the number of splits.

        Parameters
        ----------
        X, y, groups : object, default=None
            Ignored.

        Returns
        -------
        int
            The number of splits.
        """
        return self.n_splits

    def _check_enough(self, groups: Labels, by_sequence: bool) -> None:
        """Raise if there are fewer groups than parts."""
        check_enough(groups, 2, by_sequence)

    def _group(self, X: Any, groups: Any) -> Labels:
        """Return the group of each image."""
        name = type(self).__name__
        own = [read_groups(name, each, X) for each in (self.groups, groups) if each is not None]
        merged = merge_groups(*own) if len(own) > 1 else own[0] if own else None
        by_sequence = self._by_sequence(X, groups)
        self._check_enough(own_groups(merged, count_samples(X)), by_sequence)
        labels = group_images(X, self.finder, merged)
        self._check_enough(labels, by_sequence)
        return labels

    def _by_sequence(self, X: Any, groups: Any) -> bool:
        return any(are_sequences(each, X) for each in (self.groups, groups))

    def _find_frames(self, X: Any, groups: Any) -> Frames:
        """Return the images in the order of their sequences, with `gap`."""
        name = type(self).__name__
        if self.groups is not None and groups is not None:
            expected = f"None, as {name} has groups and a gap of its own"
            raise refuse(f"{name}.split", "groups", expected, groups)
        groups = self.groups if groups is None else groups
        return Frames.find(name, X, groups, self.gap, self.finder)

    def _find_strata(self, X: Any, y: Any) -> Strata | None:
        """Return the strata if there are any, and check the images and labels."""
        name = type(self).__name__
        check_images(name, X, self.finder)
        y = column_of(y, X, name, "y")
        if self.stratify and y is None:
            raise ValueError(f"{name}(stratify=True) needs the labels. Call split(X, y).")
        return find_strata(y, count_samples(X)) if self.stratify else None


@fill_in_parameters
class NearDuplicateKFold(_NearDuplicateSplitter):
    """K-fold cross-validation that keeps near duplicates in the same fold.

    Read more in the :doc:`User Guide </user-guide/splits>`.

    Parameters
    ----------
    n_splits : int, default=5
        The number of folds, at least 2.
    stratify : bool, default=False
        Whether each fold contains the classes of `y` in the same proportions, as far as groups
        allow.
    shuffle : bool, default=False
        Whether to allocate groups to folds at random. False allocates them in order.
    random_state : int, RandomState instance or None, default=None
        Controls the random choices of ``shuffle=True``. Pass an int for reproducible output.
    $groups_of_splitter
    $gap
    $finder_or_precomputed
    $solver
    $time_limit

    Attributes
    ----------
    info_ : SplitInfo
        Sizes and classes of the folds of the last `split`, and what is proved about them. A
        `split` with a gap leaves it as it is.

    See Also
    --------
    sklearn.model_selection.StratifiedGroupKFold : For known groups.

    Notes
    -----
    Folds have about as equal numbers of images as the groups allow. With enough images that have
    no near duplicates, the numbers differ by at most one.

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
        groups: Any = None,
        gap: int | None = None,
        finder: Finder = None,
        solver: Literal["auto", "fast", "exact"] = "auto",
        time_limit: float | None = None,
    ) -> None:
        super().__init__(n_splits, stratify, random_state, groups, gap, finder)
        self.shuffle = check_bool(type(self).__name__, "shuffle", shuffle)
        Solver.checked(type(self).__name__, solver, time_limit, gap)
        self.solver, self.time_limit = solver, time_limit
        if not shuffle and random_state is not None:
            raise ParameterError(
                "Setting a random_state has no effect since shuffle is False. Leave random_state "
                "at None, or set shuffle=True."
            )

    @fill_in_parameters
    def split(self, X: Any, y: Any = None, groups: Any = None) -> Iterator[tuple[Labels, Labels]]:
        """Yield the rows of the training and the test part of each fold.

        Parameters
        ----------
        X : list, tuple, array, Series or DataFrame of length n_images
            Image sources or a matrix of bits, as in `train_test_split`.
        y : array-like of shape (n_images,) or (n_images, n_labels), default=None
            Labels to stratify by, as in `train_test_split`. Required with ``stratify=True``.
        $groups

        Yields
        ------
        train, test : ndarray, dtype intp
            Row numbers in ascending order.

        Examples
        --------
        >>> from hashfeatures import NearDuplicateKFold
        >>> folds = NearDuplicateKFold(n_splits=2, finder="precomputed")
        >>> for train, test in folds.split(range(4), groups=["ann", "ann", "bob", "cy"]):
        ...     print(train, test)
        [2 3] [0 1]
        [0 1] [2 3]
        """
        X = gather_images(X)
        rng = check_random_state(self.random_state) if self.shuffle else None
        strata = self._find_strata(X, y)
        base, extra = divmod(count_samples(X), self.n_splits)
        sizes = np.full(self.n_splits, base)
        sizes[:extra] += 1
        if self.gap is not None:
            yield from self._split_inside(self._find_frames(X, groups), strata, sizes, rng)
            return
        labels = self._group(X, groups)
        shares = np.full(self.n_splits, 1 / self.n_splits)
        fold = allocate(labels, strata, sizes, largest_deficit, rng, shares)
        fold = fill_empty(fold, labels, self.n_splits)
        solver = Solver.checked(type(self).__name__, self.solver, self.time_limit, self.gap)
        names = [f"fold {number}" for number in range(self.n_splits)]
        fold, self.info_ = solver.improve(labels, strata, fold, names, sizes, shares, rng)
        members = name_groups(self._by_sequence(X, groups))
        warn_if_off_target(labels, strata, fold, sizes, "fold", self.info_.proof, members)
        for number in range(self.n_splits):
            yield np.flatnonzero(fold != number), np.flatnonzero(fold == number)

    def _split_inside(
        self,
        frames: Frames,
        strata: Strata | None,
        sizes: NDArray[np.int64],
        rng: np.random.RandomState | None,
    ) -> Iterator[tuple[Labels, Labels]]:
        """Yield folds of blocks of frames, without what would leak from the training part."""
        k = self.n_splits
        fold = frames.allocate(strata, sizes, k, 1 - 1 / k, largest_deficit, rng)
        for number in range(k):
            is_test = (fold == number).astype(np.intp)
            train = np.flatnonzero((is_test == 0) & ~frames.leak(is_test, 2))
            check_not_empty([train, np.flatnonzero(is_test)], frames.gap)
            yield train, np.flatnonzero(is_test)

    def _check_enough(self, groups: Labels, by_sequence: bool) -> None:
        n_groups = len(np.unique(groups))
        if n_groups < self.n_splits:
            raise ValueError(
                f"Cannot have number of splits n_splits={self.n_splits} greater than the number "
                f"of groups of {name_groups(by_sequence)}: {n_groups}, among {len(groups)} images."
            )


@fill_in_parameters
class NearDuplicateShuffleSplit(_NearDuplicateSplitter):
    """Random splits that keep near duplicates in one part.

    Read more in the :doc:`User Guide </user-guide/splits>`.

    Parameters
    ----------
    n_splits : int, default=10
        The number of splits. Each is independent of the others.
    test_size : float or int, default=None
        The share of images, or their number, in the test part. If None, the test part gets what
        `train_size` leaves, or 0.1 if that is None too.
    train_size : float or int, default=None
        The share of images, or their number, in the training part. If None, the training part
        gets the rest.
    stratify : bool, default=False
        Whether both parts contain the classes of `y` in the same proportions, as far as groups
        allow.
    $random_state
    $groups_of_splitter
    $gap
    $finder_or_precomputed

    See Also
    --------
    NearDuplicateKFold : Each image is in the test part once.
    train_test_split : One split.
    sklearn.model_selection.GroupShuffleSplit : For known groups.

    Notes
    -----
    Each split is a random draw by the fast solver of `train_test_split`. The best split of few
    large groups would be nearly the same each time.

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
        groups: Any = None,
        gap: int | None = None,
        finder: Finder = None,
    ) -> None:
        super().__init__(n_splits, stratify, random_state, groups, gap, finder)
        self.test_size = test_size
        self.train_size = train_size

    @fill_in_parameters
    def split(self, X: Any, y: Any = None, groups: Any = None) -> Iterator[tuple[Labels, Labels]]:
        """Yield the rows of the training and the test part of each split.

        Parameters
        ----------
        X : list, tuple, array, Series or DataFrame of length n_images
            Image sources or a matrix of bits, as in `train_test_split`.
        y : array-like of shape (n_images,) or (n_images, n_labels), default=None
            Labels to stratify by, as in `train_test_split`. Required with ``stratify=True``.
        $groups

        Yields
        ------
        train, test : ndarray, dtype intp
            Row numbers in random order.
        """
        X = gather_images(X)
        check_images(type(self).__name__, X, self.finder)
        sizes = part_sizes(
            type(self).__name__,
            count_samples(X),
            train_size=self.train_size,
            test_size=self.test_size,
            default=0.1,
        )
        rng = check_random_state(self.random_state)
        strata = self._find_strata(X, y)
        if self.gap is not None:
            frames = self._find_frames(X, groups)
            for _ in range(self.n_splits):
                train, test = split_inside(frames, strata, sizes, draw_by_deficit, rng)
                yield train, test
            return
        labels = self._group(X, groups)
        by_sequence = self._by_sequence(X, groups)
        for _ in range(self.n_splits):
            (train, test), _ = split_once(labels, strata, sizes, rng, by_sequence)
            yield train, test
