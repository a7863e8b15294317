"""Parts and classes that are off target are warned about, with the sizes that were reached."""

import numpy as np
import pytest

from hashfeatures import NearDuplicateKFold, SplitSizeWarning, train_test_split
from hashfeatures.model_selection.allocation._size_warnings import warn_if_off_target
from hashfeatures.model_selection.allocation._strata import find_strata


def test_a_last_part_without_images_is_counted_as_empty():
    """Guards locked splits whose few new images leave a part empty, which crashed the warning."""
    strata = find_strata(["cat"] * 4 + ["dog"] * 4, 8)
    groups, parts = np.arange(8), np.array([0, 0, 1, 1, 0, 0, 1, 1])
    with pytest.warns(SplitSizeWarning, match=r"requested \[3, 2, 3\], reached \[4, 4, 0\]"):
        warn_if_off_target(groups, strata, parts, np.array([3, 2, 3]), "part")


def test_classes_in_fewer_groups_than_folds_are_warned_about():
    X = [str(number) for number in range(40)]
    y = ["rare"] * 3 + ["common"] * 37
    with pytest.warns(
        SplitSizeWarning, match=r"'rare', 3 images in 3 groups, reached \[[01, ]+\]"
    ):
        next(NearDuplicateKFold(5, stratify=True, finder="precomputed").split(X, y, X))


def test_groups_that_do_not_allow_the_sizes_are_warned_about():
    X = ["0"] * 60 + [str(number) for number in range(1, 41)]
    with pytest.warns(
        SplitSizeWarning, match=r"requested \[50, 50\], reached \[(40, 60|60, 40)\]"
    ):
        train_test_split(X, test_size=0.5, random_state=0, groups=X, finder="precomputed")
    with pytest.warns(SplitSizeWarning, match=r"requested \[20, 20, 20, 20, 20\], reached \[60"):
        list(NearDuplicateKFold(5, finder="precomputed").split(X, groups=X))


@pytest.mark.parametrize(("n_groups", "size", "reached"), [(4, 0.35, 25), (10, 0.25, 20)])
def test_sizes_that_are_missed_by_less_than_a_group_are_warned_about_too(n_groups, size, reached):
    """A fifth of a part is missing, which is worth a warning however large the groups are."""
    groups = np.repeat(np.arange(n_groups), 100 // n_groups)
    with pytest.warns(SplitSizeWarning, match=rf"reached \[{100 - reached}, {reached}\]"):
        train_test_split(
            range(100), groups=groups, finder="precomputed", test_size=size, random_state=0
        )


def test_a_class_in_one_group_is_warned_about():
    X = ["0", "0", *map(str, range(1, 40))]
    y = ["rare", "rare", *["a", "b", "c"] * 13]
    with pytest.warns(
        SplitSizeWarning,
        match=r"1 of 4 classes .* 'rare', 2 images in 1 group, reached \[[02], [02]\]",
    ):
        train_test_split(X, stratify=y, random_state=0, groups=X, finder="precomputed")
