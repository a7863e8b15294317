"""Groups stay whole, and parts and classes come as close to their targets as possible."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linprog

from hashfeatures.model_selection.allocation._allocation import (
    allocate,
    draw_by_deficit,
    fill_empty,
    largest_deficit,
)
from hashfeatures.model_selection.allocation._strata import find_strata


@pytest.mark.parametrize("choose", [largest_deficit, draw_by_deficit])
def test_single_images_fill_what_groups_leave(choose):
    """Pairs and a group of nine come first, and single images then meet the quotas exactly."""
    groups = np.concatenate([np.zeros(9, int), np.arange(1, 21).repeat(2), np.arange(21, 122)])
    classes = np.resize([0, 0, 0, 1], 122)[groups]
    sizes = np.array([50, 70, 30])
    parts = allocate(groups, find_strata(classes, 150), sizes, choose, np.random.RandomState(0))
    np.testing.assert_array_equal(np.bincount(parts), sizes)
    for group in range(122):
        assert len(set(parts[groups == group])) == 1
    for part, size in enumerate(sizes):
        share = np.bincount(classes) * size / 150
        assert (np.abs(np.bincount(classes[parts == part]) - share) < 1).all()


@st.composite
def grouped_and_spare(draw):
    """Draw small classes of groups, and classes with many single images."""
    n_parts = draw(st.integers(2, 7))
    sizes, classes = [], []
    n_small = draw(st.integers(1, 3))
    for name in range(n_small):
        groups = draw(st.lists(st.integers(1, 4), min_size=1, max_size=8))
        sizes += groups
        classes += [name] * len(groups)
    for name in range(n_small, n_small + draw(st.integers(1, 3))):
        n_single = draw(st.integers(12 * n_parts, 20 * n_parts))
        sizes += [1] * n_single
        classes += [name] * n_single
    groups, labels = np.repeat(np.arange(len(sizes)), sizes), np.repeat(classes, sizes)
    return n_parts, n_small, groups, labels


def can_be_even(n_parts, taken, n_spare):
    """Return whether sizes and classes of single images can be equal within one."""
    n_images = taken.sum() + n_spare.sum()
    shape = (n_parts, len(n_spare))
    of_class = np.tile(n_spare, n_parts) / n_parts
    by_part = np.kron(np.eye(n_parts), np.ones(shape[1]))
    size = n_images / n_parts
    return linprog(
        np.zeros(n_parts * shape[1]),
        A_ub=np.vstack([by_part, -by_part]),
        b_ub=np.concatenate([np.ceil(size) - taken, taken - np.floor(size)]),
        A_eq=np.kron(np.ones(n_parts), np.eye(shape[1])),
        b_eq=n_spare,
        bounds=np.column_stack([np.floor(of_class), np.ceil(of_class)]),
    ).success


@given(grouped_and_spare(), st.sampled_from([None, 0, 1]))
def test_spare_images_even_folds_out_whatever_small_classes_are_like(problem, seed):
    """Sizes are equal within one, and so are the spare classes, wherever that is possible."""
    n_parts, n_small, groups, classes = problem
    n_images = len(groups)
    sizes = np.full(n_parts, n_images // n_parts)
    sizes[: n_images % n_parts] += 1
    rng = None if seed is None else np.random.RandomState(seed)
    shares = np.full(n_parts, 1 / n_parts)
    parts = allocate(groups, find_strata(classes, n_images), sizes, largest_deficit, rng, shares)
    assert np.ptp(np.bincount(parts, minlength=n_parts)) <= 1
    counts = np.array([np.bincount(classes[parts == part]) for part in range(n_parts)])
    small, spare = counts[:, :n_small], counts[:, n_small:]
    if can_be_even(n_parts, small.sum(axis=1), spare.sum(axis=0)):
        assert (np.ptp(spare, axis=0) <= 1).all()


@pytest.mark.parametrize("choose", [largest_deficit, draw_by_deficit])
def test_many_classes_of_one_size_are_rounded_up_in_turn(choose):
    """A class of two has at most one image in a quarter, and half of the classes have one."""
    classes = np.repeat(np.arange(1000), 2)
    parts = allocate(
        np.arange(2000), find_strata(classes, 2000), np.array([1500, 500]), choose,
        np.random.RandomState(0),
    )  # fmt: skip
    tested = np.bincount(classes[parts == 1], minlength=1000)
    assert tested.max() == 1
    assert tested.sum() == 500


def test_thousands_of_classes_with_a_group_each_leave_the_sizes_even():
    """Each class misses its share, and the single images of all classes balance the sizes."""
    classes = np.repeat(np.arange(4000), 5)
    groups = np.where(np.arange(20_000) % 5 < 3, classes, np.arange(20_000) + 4000)
    groups = np.unique(groups, return_inverse=True)[1]
    sizes = np.full(5, 4000)
    parts = allocate(
        groups, find_strata(classes, 20_000), sizes, largest_deficit, None, np.full(5, 0.2)
    )
    np.testing.assert_array_equal(np.bincount(parts), sizes)


@pytest.mark.parametrize("n_groups", [1, 2])
def test_draws_are_those_of_numpy(n_groups):
    for seed in range(200):
        chances = np.random.default_rng(seed).random(4) + 1e-9
        ours, numpys = np.random.RandomState(seed), np.random.RandomState(seed)
        expected = numpys.choice(4, n_groups, replace=False, p=chances / chances.sum())
        assert draw_by_deficit(chances.tolist(), n_groups, ours) == expected.tolist()
        assert ours.random_sample() == numpys.random_sample()


def test_in_order_without_a_generator():
    parts = allocate(np.arange(6), None, np.array([3, 2, 1]), largest_deficit, None)
    assert parts.tolist() == [0, 0, 0, 1, 1, 2]


def test_an_empty_part_is_given_a_group_that_can_be_spared():
    groups = np.array([0, 0, 1, 2, 3, 3])
    assert fill_empty(np.zeros(6, int), groups, 2).tolist() == [0, 0, 1, 0, 0, 0]
    unused = np.array([2, 2, 0, 2, 2, 2])  # unused groups are moved first
    assert fill_empty(unused, groups, 2).tolist() == [2, 2, 0, 1, 2, 2]
