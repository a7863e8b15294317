"""One random split that never separates near duplicates."""

from __future__ import annotations

from typing import Any, Literal

from sklearn.utils import check_random_state, indexable

from .._utils.containers import check_length, column_of, take_rows
from .._utils.docstrings import fill_in_parameters
from .._utils.sklearn_internals import count_samples
from .._utils.validation import check_bool
from ..duplicates._finder_hints import point_to_finder
from ..duplicates._resolve import group_images, own_groups
from ..exceptions import ParameterError
from ..images._gather import gather_images
from ._gaps import Frames, split_inside
from ._groups import are_sequences, read_groups
from ._split_groups import Finder, check_enough, check_images, split_once
from .allocation._allocation import draw_by_deficit
from .allocation._sizes import part_sizes
from .allocation._solver import Solver
from .allocation._strata import find_strata


@fill_in_parameters
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
    gap: int | None = None,
    finder: Finder = None,
    solver: Literal["auto", "fast", "exact"] = "auto",
    time_limit: float | None = None,
    return_info: bool = False,
) -> list[Any]:
    """Split images at random and keep near duplicates in one part.

    Works like `sklearn.model_selection.train_test_split`.

    Read more in the :doc:`User Guide </user-guide/splits>`.

    Parameters
    ----------
    $images_or_bits
    *arrays : sequences of length n_images
        Labels and other data, which are split in the same way.
    test_size : float or int, default=None
        The share of images, or their number, in the test part. If None, the test part gets what
        `train_size` leaves, or 0.25 if that is None too.
    train_size : float or int, default=None
        The share of images, or their number, in the training part. If None, the training part
        gets the rest.
    validation_size : float or int, default=None
        The share of all images, or their number, in a third part for validation. If None, there
        are two parts.
    $random_state
    stratify : array-like of shape (n_images,) or (n_images, n_labels), or column, default=None
        Labels that all parts contain in the same proportions, as far as groups allow. Class labels
        may be of any hashable type, and each distinct row of several columns is one class. A
        matrix of zeros and ones holds several labels for each image. A matrix of whole numbers
        holds the number of objects of each class in each image, see the Notes. A continuous
        target is cut into quantiles. Strings are always classes. Whole numbers with more than 20
        distinct values may be a continuous target, see the Notes. For a DataFrame, the name of a
        column is enough.
    $groups
    $gap
        Left out images make the training part smaller than its size.
    $finder_or_precomputed
    $solver
    $time_limit
    return_info : bool, default=False
        Whether to append a `SplitInfo` to the parts: sizes, classes, and what is proved.

    Returns
    -------
    list of length 2 * (1 + len(arrays)), or 3 * (1 + len(arrays)) with `validation_size`
        The training, validation and test part of `images`, then those of each array. Each part is
        a container of the input's type, in random order. With ``return_info=True``, a `SplitInfo`
        follows.

    Raises
    ------
    ValueError
        If the sizes are impossible, or there are fewer groups than parts.

    Warns
    -----
    SplitSizeWarning
        If whole groups keep a part from its size by more than a tenth, or a class from its share
        by more than one group.

    See Also
    --------
    NearDuplicateKFold : Folds for cross-validation.
    assign_split : A split that stays as it is when images are added.
    leakage_report : Finds near duplicates in different parts of another split.

    Notes
    -----
    Whole numbers with more than 20 distinct values are a continuous target in two cases. Either
    there are more than half as many distinct values as images, or each value occurs fewer than 10
    times on average and the values are not class codes. Class codes start at 0 or 1 and use at
    least half of the numbers up to the largest.

    A matrix of whole numbers holds columns of classes if each distinct row occurs at least twice,
    as scikit-learn requires. Otherwise it holds counts of objects. A sparse matrix always holds
    counts.

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

    Training, validation and test part, with known groups:

    >>> rows = list(range(10))
    >>> same = [0, 0, 0, 1, 1, 2, 3, 4, 5, 6]
    >>> train, validation, test = train_test_split(
    ...     rows, test_size=2, validation_size=2, groups=same, finder="precomputed", random_state=0
    ... )
    >>> len(train), len(validation), len(test)
    (6, 2, 2)
    """
    images = gather_images(images)
    check_images("train_test_split", images, finder)
    chosen = Solver.checked("train_test_split", solver, time_limit, gap)
    if check_bool("train_test_split", "return_info", return_info) and gap is not None:
        raise ParameterError(
            "return_info=True describes a split of whole groups, and a split with a gap cuts "
            "sequences. Leave gap at None, or return_info at False."
        )
    everything = indexable(images, *arrays)
    n_images = count_samples(images)
    for array in arrays:
        check_length("Each further array", array, n_images)
    sizes = part_sizes(
        "train_test_split",
        n_images,
        train_size=train_size,
        validation_size=validation_size,
        test_size=test_size,
        default=0.25,
    )
    stratify = column_of(stratify, images, "train_test_split", "stratify")
    if gap is not None:
        frames = Frames.find("train_test_split", images, groups, gap, finder)
        strata = None if stratify is None else find_strata(stratify, n_images)
        rng = check_random_state(random_state)
        parts = split_inside(frames, strata, sizes, draw_by_deficit, rng)
        return [take_rows(array, rows) for array in everything for rows in parts]
    by_sequence = are_sequences(groups, images)
    groups = read_groups("train_test_split", groups, images)
    strata = None if stratify is None else find_strata(stratify, n_images)
    rng = check_random_state(random_state)
    check_enough(own_groups(groups, n_images), len(sizes), by_sequence)
    labels = group_images(images, finder, groups)
    parts, info = split_once(labels, strata, sizes, rng, by_sequence, chosen)
    taken = [take_rows(array, rows) for array in everything for rows in parts]
    return [*taken, info] if return_info else taken
