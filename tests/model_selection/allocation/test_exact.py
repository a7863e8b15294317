"""The exact solver is as good as brute force, keeps groups whole, and proves what it claims."""

import inspect
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hashfeatures import NearDuplicateKFold, ParameterError, SplitSizeWarning, train_test_split
from hashfeatures.model_selection.allocation._exact import Limits, find_best
from hashfeatures.model_selection.allocation._targets import Compositions, Targets, count_in_groups

pytestmark = pytest.mark.filterwarnings("ignore::hashfeatures.SplitSizeWarning")

TOLERANCE = 1e-5


@st.composite
def tiny(draw):
    """Draw groups of few images, their classes or counts, and sizes of two or three parts."""
    n_parts, n_groups = draw(st.sampled_from([(2, 8), (3, 6)]))
    n_groups = draw(st.integers(n_parts, n_groups))
    in_group = draw(st.lists(st.integers(1, 9), min_size=n_groups, max_size=n_groups))
    groups = np.repeat(np.arange(n_groups), in_group)
    n_images = len(groups)
    seed = draw(st.integers(0, 2**16))
    rng = np.random.RandomState(seed)
    n_classes = draw(st.integers(1, 3))
    y = {
        "none": None,
        "classes": rng.randint(0, n_classes, n_images),
        "group classes": rng.randint(0, n_classes, n_groups)[groups],
        "labels": rng.randint(0, 2, (n_images, n_classes + 1)),
        "counts": rng.randint(0, 5, (n_images, n_classes + 1)) * 7,
    }[draw(st.sampled_from(["none", "classes", "group classes", "labels", "counts"]))]
    smallest = n_images // n_parts
    sizes = [draw(st.integers(1, max(1, smallest))) for _ in range(n_parts - 1)]
    rest = n_images - sum(sizes)
    first = rest if draw(st.booleans()) else draw(st.integers(1, rest))
    return groups, y, [first, *sizes], seed


def cost_of(counts, targets):
    """Return the worst and the sum of all errors, as `SplitInfo` defines them."""
    errors = []
    for part, part_targets in zip(counts, targets, strict=True):
        for column, (count, target) in enumerate(zip(part, part_targets, strict=True)):
            off = max(np.floor(target + 1e-9) - count, count - np.ceil(target - 1e-9), 0)
            error = off / max(target, 1)
            if column == 0 and error > 0.05:  # a size
                error = 0.05 + 20 * (error - 0.05)
            errors.append(error)
    return max(errors), sum(errors)


def table_of(groups, y):
    """Return the images of each group and its images or objects of each class."""
    columns = [np.ones(len(groups), dtype=int)]
    if y is not None and y.ndim == 1:
        columns += [(y == each).astype(int) for each in np.unique(y)]
    elif y is not None:
        columns += list(y.T)
    return np.array([[c[groups == g].sum() for c in columns] for g in range(groups.max() + 1)])


def brute_force(table, targets, has_rest):
    """Try every allocation that leaves no part empty."""
    n_parts = len(targets)
    best = (np.inf, np.inf)
    for parts in product(range(n_parts + has_rest), repeat=len(table)):
        of_group = np.array(parts)
        if len(set(parts) - {n_parts}) == n_parts:
            counts = [table[of_group == part].sum(axis=0) for part in range(n_parts)]
            worst, total = cost_of(counts, targets)
            if worst < best[0] - TOLERANCE or (
                worst < best[0] + TOLERANCE and total < best[1] - TOLERANCE
            ):
                best = worst, total
    return best


def split(groups, y, sizes, **options):
    """Split rows by known groups."""
    options.setdefault("solver", "exact")
    if len(sizes) == 3:
        options["validation_size"] = sizes[1]
    *parts, info = train_test_split(
        np.arange(len(groups)),
        train_size=sizes[0],
        test_size=sizes[-1],
        stratify=y,
        groups=groups,
        finder="precomputed",
        return_info=True,
        **options,
    )
    return parts, info


@settings(max_examples=40, deadline=None)
@given(tiny())
def test_no_split_is_better_than_the_exact_one(problem):
    """The cost is that of brute force, and of the parts that are returned."""
    groups, y, sizes, seed = problem
    if y is not None and y.ndim == 2 and len(np.unique(y, axis=0)) * 2 <= len(y):
        y = y * 2 + (y > 0)  # so that counts are not taken for columns of classes
    parts, info = split(groups, y, sizes, random_state=seed)
    table = table_of(groups, y)
    if info.class_counts is not None and info.class_counts.shape[0] != table.shape[1] - 1:
        return  # the rows of the matrix were taken for classes
    targets = np.outer(sizes, table.sum(axis=0)) / len(groups)
    expected = brute_force(table, targets, sum(sizes) < len(groups))
    of_groups = [np.unique(groups[part]) for part in parts]
    reached = [table[chosen].sum(axis=0) for chosen in of_groups]
    np.testing.assert_allclose(cost_of(reached, targets), expected, atol=TOLERANCE)
    assert info.cost == pytest.approx(expected[0], abs=TOLERANCE)
    assert info.total_cost == pytest.approx(expected[1], abs=TOLERANCE)
    assert info.is_optimal
    assert info.gap == 0
    assert info.sizes["reached"].tolist() == [len(part) for part in parts]
    assert len(np.concatenate(of_groups)) == len(np.unique(np.concatenate(of_groups)))


def make(seed, n_groups, n_classes=4, most=60):
    """Make large groups of images of several classes."""
    rng = np.random.default_rng(seed)
    in_group = rng.integers(5, most, n_groups)
    groups = np.repeat(np.arange(n_groups), in_group)
    shares = rng.dirichlet(np.ones(n_classes), n_groups)
    y = np.concatenate(
        [rng.choice(n_classes, n, p=p) for n, p in zip(in_group, shares, strict=True)]
    )
    return groups, y


@pytest.mark.parametrize("n_parts", [2, 3])
def test_auto_is_never_worse_than_fast_and_exact_never_worse_than_auto(n_parts):
    for seed in range(4):
        groups, y = make(seed, 14)
        n_images = len(groups)
        small = n_images // 5
        sizes = [n_images - (n_parts - 1) * small] + [small] * (n_parts - 1)
        costs = [
            (info.cost, info.total_cost)
            for solver in ("fast", "auto", "exact")
            for _, info in [split(groups, y, sizes, solver=solver, random_state=0)]
        ]
        for better, worse in ((1, 0), (2, 1)):
            assert costs[better] <= (costs[worse][0] + TOLERANCE, costs[worse][1])


def test_folds_are_proved_too():
    """The worst fold is proved, and each group is in one fold."""
    groups, y = make(0, 9, 3)
    rows = np.arange(len(y))
    folds = NearDuplicateKFold(3, stratify=True, finder="precomputed", solver="exact")
    parts = [test for _, test in folds.split(rows, y, groups)]
    fast = NearDuplicateKFold(3, stratify=True, finder="precomputed", solver="fast")
    list(fast.split(rows, y, groups))
    assert folds.info_.is_optimal
    assert folds.info_.total_cost < fast.info_.total_cost
    assert sum(len(np.unique(groups[part])) for part in parts) == 9
    assert folds.info_.sizes["reached"].tolist() == [len(part) for part in parts]


def test_the_same_seed_gives_the_same_split_and_another_seed_other_groups():
    """Groups of one composition are drawn, and so are parts of one size."""
    groups = np.repeat(np.arange(30), 4)
    for solver in ("auto", "exact"):
        drawn = [
            tuple(
                np.unique(
                    groups[split(groups, None, [67, 53], solver=solver, random_state=seed)[0][1]]
                )
            )
            for seed in (0, 0, 1)
        ]
        assert drawn[0] == drawn[1] != drawn[2]


def test_groups_of_few_compositions_are_proved_however_many_they_are():
    """A thousand tracks of 30 frames of 20 classes differ in their class alone."""
    tracks = np.random.RandomState(0).randint(0, 20, 1000)
    groups = np.repeat(np.arange(1000), 30)
    _, info = split(groups, tracks[groups], [24_000, 6_000], solver="auto", random_state=0)
    assert info.solver == "exact"
    assert info.is_optimal


def test_auto_leaves_groups_of_many_compositions_as_they_are():
    """Where a program cannot help, the split is the fast one."""
    rng = np.random.RandomState(0)
    groups = np.repeat(np.arange(400), rng.randint(2, 40, 400))
    y = rng.randint(0, 9, len(groups))
    y[groups == 0] = 9
    sizes = [len(y) - len(y) // 5, len(y) // 5]
    auto, info = split(groups, y, sizes, solver="auto", random_state=0)
    fast, _ = split(groups, y, sizes, solver="fast", random_state=0)
    assert info.solver == "fast"
    assert info.cost > 0.01
    for ours, theirs in zip(auto, fast, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("shuffle", [False, True])
def test_folds_are_as_good_as_brute_force(shuffle):
    """Exchangeable folds and groups cost no solution."""
    for seed in range(8):
        rng = np.random.RandomState(seed)
        n_folds = 2 + seed % 2
        n_groups = rng.randint(n_folds, 8)
        groups = np.repeat(np.arange(n_groups), rng.choice([1, 2, 5, 9], n_groups))
        y = np.unique(rng.randint(0, 3, n_groups)[groups], return_inverse=True)[1]
        folds = NearDuplicateKFold(
            n_folds,
            stratify=True,
            shuffle=shuffle,
            random_state=0 if shuffle else None,
            finder="precomputed",
            solver="exact",
        )
        parts = [test for _, test in folds.split(groups, y, groups)]
        table = table_of(groups, y)
        targets = np.outer(np.full(n_folds, 1 / n_folds), table.sum(axis=0))
        reached = [table[np.unique(groups[part])].sum(axis=0) for part in parts]
        np.testing.assert_allclose(
            cost_of(reached, targets), brute_force(table, targets, False), atol=TOLERANCE
        )
        assert folds.info_.is_optimal


def test_what_is_not_proved_is_bounded():
    """At the time limit, the split is at least as good as the fast one, and the bound is below."""
    groups, y = make(1, 60, 7)
    sizes = [len(y) - 2 * (len(y) // 5), len(y) // 5, len(y) // 5]
    _, fast = split(groups, y, sizes, solver="fast", random_state=0)
    parts, info = split(groups, y, sizes, random_state=0, time_limit=0.5)
    assert info.bound <= info.cost <= fast.cost
    assert 0 <= info.gap <= 1
    assert sum(map(len, parts)) == len(y)
    assert fast.solver == "fast"
    assert info.solver == "exact"


def test_programs_without_time_leave_the_allocation_as_it_is():
    """A limit of no time and of no nodes proves nothing, and breaks nothing."""
    groups, _ = make(2, 12)
    counts = count_in_groups(groups, None)
    kinds = Compositions.of(counts, most=100)
    targets = Targets.of(np.array([0.7, 0.3]), np.array([len(groups)]))
    start = kinds.allocated(np.arange(12) % 2, 2)
    for limits in (Limits(seconds=1e-9), Limits(nodes_for_worst=0, nodes_for_total=0)):
        found = find_best(start, kinds, targets, limits, np.random.RandomState(0))
        assert not targets.error(start.T @ kinds.counts).is_below(found.error)
        assert (found.allocated.sum(axis=1) == kinds.n_groups).all()


def test_a_part_with_an_impossible_size_gets_a_group():
    """Two groups cannot make parts of 1 and 99 images, and no part is empty."""
    groups = np.repeat([0, 1], 50)
    parts, info = split(groups, None, [99, 1], random_state=0)
    assert [len(part) for part in parts] == [50, 50]
    assert info.is_optimal
    assert info.cost > 1


def test_a_class_of_few_groups_does_not_decide_the_sizes():
    """A size that is off by more than a twentieth costs more than a class that is off."""
    groups = np.arange(40)
    y = np.zeros((40, 2), dtype=int)
    y[:, 0] = np.arange(40) % 7
    y[:31, 1] = 1
    y[0, 1] = 300
    parts, _ = split(groups, y, [30, 10], random_state=0)
    assert [len(part) for part in parts] == [30, 10]


def test_the_warning_says_what_is_proved():
    groups = np.repeat(np.arange(3), 40)
    with pytest.warns(
        SplitSizeWarning, match="It is proved that no split of whole groups is bett"
    ):
        split(groups, None, [90, 30], random_state=0)
    with pytest.warns(SplitSizeWarning, match=r"A better split may exist: the worst error is \d"):
        split(groups, None, [90, 30], random_state=0, solver="fast")


def test_the_description_names_sizes_and_proof():
    groups = np.repeat(np.arange(4), 10)
    _, info = split(groups, groups // 2, [20, 20], random_state=0)
    assert str(info).splitlines() == [
        "Images requested and reached: train 20, 20; test 20, 20.",
        "No size or class is off its target, so no split is better.",
    ]
    assert info.class_counts.loc["0", "test"] == 10
    _, info = split(groups, groups // 2, [30, 10], random_state=0)
    _, farthest, proof = str(info).splitlines()
    assert farthest.startswith("Farthest off: '")
    assert farthest.endswith(" instead of 5.")
    assert proof == "It is proved that no split of whole groups is better."


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"solver": "best"}, "'solver' parameter of train_test_split must be a str among"),
        ({"time_limit": 0, "solver": "exact"}, "'time_limit' parameter of train_test_split"),
        ({"time_limit": 5}, "time_limit has no effect with solver='auto'"),
        ({"return_info": 1}, "'return_info' parameter of train_test_split"),
    ],
)
def test_wrong_parameters_are_refused(options, message):
    with pytest.raises(ParameterError, match=message):
        train_test_split(range(4), groups=range(4), finder="precomputed", **options)


def test_folds_refuse_wrong_parameters():
    with pytest.raises(ParameterError, match="'solver' parameter of NearDuplicateKFold"):
        NearDuplicateKFold(solver="best")
    with pytest.raises(ParameterError, match="time_limit has no effect with solver='fast'"):
        NearDuplicateKFold(solver="fast", time_limit=1)


@pytest.mark.parametrize("documented", [train_test_split, NearDuplicateKFold])
def test_the_parameters_are_documented(documented):
    for name in ("solver", "time_limit"):
        assert f"{name} : " in inspect.getdoc(documented)
