"""Measure how near splits of few large groups come to their targets, and what is proved.

The first table compares splits and folds of 15 to 60 groups of 5 to 120 images in 3 to 7 classes.
The second compares splits of 4 to 24 such groups, on which most solvers can prove something, with
splitkit's answers one by one. The third compares splits of up to nine groups with brute force.

splitkit minimizes another cost: the sum of all errors, weighted by the rarity of classes. Costs
are therefore shown both ways, and each solver is best by its own.
"""

from __future__ import annotations

import argparse
import platform
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from itertools import product
from time import perf_counter

import numpy as np
import sklearn.model_selection
from numpy.typing import NDArray

from hashfeatures import SplitSizeWarning, train_test_split

TEST_SIZE = 0.2
TOLERANCE = 1e-5

Rows = NDArray[np.intp]
Numbers = NDArray[np.float64]


@dataclass
class Problem:
    """Groups of images of several classes, and the sizes of the parts.

    Parameters
    ----------
    groups, y : ndarray of shape (n_images,)
        The group and the class of each image.
    sizes : list of int
        The sizes of the training and the test part, or with a validation part between them.
    seed : int
        The seed of the problem, which is also that of its splits.
    """

    groups: Rows
    y: Rows
    sizes: list[int]
    seed: int

    @classmethod
    def make(cls, seed: int, fewest: int, most: int, n_parts: int = 2) -> Problem:
        """Make groups of 5 to 120 images in 3 to 7 classes, mixed differently in each group."""
        rng = np.random.default_rng(seed)
        n_groups, n_classes = rng.integers(fewest, most + 1), rng.integers(3, 8)
        in_group = rng.integers(5, 121, n_groups)
        shares = rng.dirichlet(np.ones(n_classes))
        y = [rng.choice(n_classes, n, p=rng.dirichlet(2 * shares + 0.05)) for n in in_group]
        n_images = int(in_group.sum())
        small = int(np.ceil(TEST_SIZE * n_images)) // (n_parts - 1)
        sizes = [n_images - (n_parts - 1) * small] + [small] * (n_parts - 1)
        classes = np.unique(np.concatenate(y), return_inverse=True)[1]
        return cls(np.repeat(np.arange(n_groups), in_group), classes, sizes, seed)

    @property
    def table(self) -> Numbers:
        """The images of each group, and those of each class in it."""
        table = np.zeros((self.groups.max() + 1, self.y.max() + 2))
        table[:, 0] = np.bincount(self.groups)
        np.add.at(table, (self.groups, self.y + 1), 1)
        return table

    @property
    def targets(self) -> Numbers:
        """The size of each part, and its share of each class."""
        return np.outer(self.sizes, self.table.sum(axis=0)) / len(self.y)


@dataclass
class Answer:
    """A split, how long it took, and whether it is proved to be the best by its own measure.

    Parameters
    ----------
    parts : list of ndarray
        The rows of each part.
    seconds : float
        How long it took.
    is_proved : bool
        Whether its solver proved that no split is better.
    gap : float
        The share of its cost that a better split might avoid, as far as it is proved.
    """

    parts: list[Rows]
    seconds: float = 0.0
    is_proved: bool = False
    gap: float = 1.0


Solve = Callable[[Problem], Answer]


# ---- Solvers ----


def ours(solver: str, seconds: float | None = None) -> Solve:
    """Return a split by this package."""

    def solve(problem: Problem) -> Answer:
        options = {} if len(problem.sizes) == 2 else {"validation_size": problem.sizes[1]}
        *parts, info = train_test_split(
            np.arange(len(problem.y)),
            train_size=problem.sizes[0],
            test_size=problem.sizes[-1],
            stratify=problem.y,
            groups=problem.groups,
            finder="precomputed",
            random_state=problem.seed,
            solver=solver,
            time_limit=seconds,
            return_info=True,
            **options,
        )
        return Answer(parts, is_proved=info.is_optimal, gap=info.gap)

    return solve


def splitkits(strategy: str, seconds: float | None = None) -> Solve:
    """Return a split by splitkit."""
    import splitkit

    def solve(problem: Problem) -> Answer:
        names = ["train", "validation", "test"] if len(problem.sizes) == 3 else ["train", "test"]
        result = splitkit.split(
            groups=problem.groups,
            y=problem.y,
            ratios=dict(zip(names, problem.sizes, strict=True)),
            strategy=strategy,
            time_budget=seconds,
            seed=problem.seed,
        )
        bound = result.lower_bound or 0.0
        gap = 0.0 if result.proved_optimal else 1 - bound / max(result.cost, 1e-12)
        return Answer(list(result.indices.values()), is_proved=result.proved_optimal, gap=gap)

    return solve


def scikit_learns(problem: Problem) -> Answer:
    """Split by the first of scikit-learn's five folds."""
    folds = sklearn.model_selection.StratifiedGroupKFold(
        round(1 / TEST_SIZE), shuffle=True, random_state=problem.seed
    )
    return Answer(list(next(folds.split(problem.y, problem.y, problem.groups))))


# ---- Measures ----


def counts_of(problem: Problem, parts: list[Rows]) -> Numbers:
    """Return the images of each part, and those of each class in it."""
    in_class = [np.bincount(problem.y[rows], minlength=problem.y.max() + 1) for rows in parts]
    return np.array([[len(rows), *counts] for rows, counts in zip(parts, in_class, strict=True)])


def our_cost(counts: Numbers, targets: Numbers) -> tuple[float, float]:
    """Return the worst and the sum of the errors, as `SplitInfo` defines them."""
    low, high = np.floor(targets + 1e-9), np.ceil(targets - 1e-9)
    errors = np.maximum(np.maximum(low - counts, counts - high), 0) / np.maximum(targets, 1)
    errors[:, 0] += 19 * np.maximum(errors[:, 0] - 0.05, 0)
    return float(errors.max()), float(errors.sum())


def their_cost(problem: Problem, counts: Numbers) -> float:
    """Return splitkit's cost: the sum of errors, weighted by the rarity of classes."""
    n_groups = (problem.table[:, 1:] > 0).sum(axis=0)
    in_class = problem.table[:, 1:].sum(axis=0)
    weights = in_class.sum() / in_class * (n_groups >= len(counts))
    weights = np.append(1.0, weights / weights[weights > 0].mean())
    return float((np.abs(counts - problem.targets) / (problem.targets + 1) @ weights).sum())


def class_error(problem: Problem, counts: Numbers) -> float:
    """Return by how many images the classes of the test part are off, as a share of its size."""
    expected = problem.table[:, 1:].sum(axis=0) * counts[-1, 0] / len(problem.y)
    return float(np.abs(counts[-1, 1:] - expected).sum() / counts[-1, 0])


def solve_and_check(solve: Solve, problem: Problem) -> Answer:
    """Solve a problem, and check that each group and each image is in one part."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SplitSizeWarning)
        warnings.simplefilter("ignore", RuntimeWarning)  # splitkit's, if it falls back
        start = perf_counter()
        answer = solve(problem)
        answer.seconds = perf_counter() - start
    in_parts = [set(problem.groups[rows].tolist()) for rows in answer.parts]
    if sum(map(len, in_parts)) != problem.groups.max() + 1:
        raise SystemExit(f"A group is in two parts or none, seed {problem.seed}.")
    if sum(map(len, answer.parts)) != len(problem.y) or not all(map(len, answer.parts)):
        raise SystemExit(f"An image is missing, or a part is empty, seed {problem.seed}.")
    return answer


# ---- Tables ----


def compare_errors(solvers: dict[str, Solve], n_problems: int, n_parts: int) -> None:
    """Print the mean errors of each solver, and how long it takes."""
    problems = [Problem.make(seed, 15, 60, n_parts) for seed in range(n_problems)]
    title = "Training and test part" if n_parts == 2 else "Training, validation and test part"
    print(f"\n#### {title}: {n_problems} problems of 15 to 60 groups\n")
    print("Means over the problems. The class error of the test part is the sum over classes of")
    print("the images that it has too many or too few, as a share of its size. The size error is")
    print("a share of the requested size.\n")
    print("| solver | class error | size error | worst error | splitkit's cost | seconds | most "
          "seconds | proved |")  # fmt: skip
    print("| --- |" + " ---: |" * 7, flush=True)
    for name, solve in solvers.items():
        if n_parts == 3 and solve is scikit_learns:
            continue
        answers = [solve_and_check(solve, problem) for problem in problems]
        measured = []
        for problem, answer in zip(problems, answers, strict=True):
            counts = counts_of(problem, answer.parts)
            size = abs(counts[-1, 0] - problem.sizes[-1]) / problem.sizes[-1]
            worst, _ = our_cost(counts, problem.targets)
            measured.append(
                (class_error(problem, counts), size, worst, their_cost(problem, counts))
            )
        errors = " | ".join(f"{value:.3f}" for value in np.mean(measured, axis=0))
        seconds = [answer.seconds for answer in answers]
        proved = sum(answer.is_proved for answer in answers)
        print(f"| {name} | {errors} | {np.mean(seconds):.2f} | {max(seconds):.2f} | "
              f"{proved} of {n_problems} |", flush=True)  # fmt: skip


def compare_each(exact: Solve, others: dict[str, Solve], n_problems: int, show: bool) -> int:
    """Compare the exact split with others problem by problem; return how often it is worse."""
    problems = [Problem.make(1000 + seed, 4, 24, 2 + seed % 2) for seed in range(n_problems)]
    print(f"\n#### Each of {n_problems} problems of 4 to 24 groups, in two or three parts\n")
    found = [solve_and_check(exact, problem) for problem in problems]
    costs = [
        our_cost(counts_of(problem, answer.parts), problem.targets)
        for problem, answer in zip(problems, found, strict=True)
    ]
    gaps = [answer.gap for answer in found]
    proved = sum(gap == 0 for gap in gaps)
    both = sum(answer.is_proved for answer in found)
    print(f"The exact split's worst error is proved on {proved}, and its sum of errors too on")
    print(f"{both}. The largest proof gap of a worst error is {max(gaps):.4f}, and the mean gap")
    print(f"{np.mean(gaps):.4f}. The mean time is {np.mean([a.seconds for a in found]):.2f} s, "
          f"the longest {max(a.seconds for a in found):.2f} s.\n")  # fmt: skip
    if show:
        print(
            "| seed | groups | parts | worst error | sum of errors | gap |\n| --- |"
            + " ---: |" * 5
        )
        for problem, answer, cost in zip(problems, found, costs, strict=True):
            print(f"| {problem.seed} | {problem.groups.max() + 1} | {len(problem.sizes)} | "
                  f"{cost[0]:.4f} | {cost[1]:.4f} | {answer.gap:.4f} |")  # fmt: skip
        print()
    print("| compared with | ours less | equal | ours more | theirs less by splitkit's cost | "
          "their seconds | proved by splitkit |")  # fmt: skip
    print("| --- |" + " ---: |" * 6, flush=True)
    n_worse = 0
    for name, solve in others.items():
        answers = [solve_and_check(solve, problem) for problem in problems]
        order = [0, 0, 0]
        theirs_less = 0
        for problem, answer, mine, cost in zip(problems, answers, found, costs, strict=True):
            counts = counts_of(problem, answer.parts)
            order[1 + compare(cost, our_cost(counts, problem.targets))] += 1
            own = their_cost(problem, counts_of(problem, mine.parts))
            theirs_less += their_cost(problem, counts) < own - TOLERANCE
        n_worse += order[2]
        seconds = np.mean([answer.seconds for answer in answers])
        print(f"| {name} | {order[0]} | {order[1]} | {order[2]} | {theirs_less} | {seconds:.2f} | "
              f"{sum(a.is_proved for a in answers)} |", flush=True)  # fmt: skip
    return n_worse


def compare(left: tuple[float, float], right: tuple[float, float]) -> int:
    """Return -1, 0 or 1: whether a cost is less than, equal to or more than another."""
    for one, other in zip(left, right, strict=True):
        if abs(one - other) > TOLERANCE:
            return -1 if one < other else 1
    return 0


def compare_with_brute_force(exact: Solve, n_problems: int) -> int:
    """Compare the exact split with the best of all splits; return how often they differ."""
    n_different = 0
    for seed in range(n_problems):
        problem = Problem.make(5000 + seed, 3, 9, 2 + seed % 2)
        n_parts, table = len(problem.sizes), problem.table
        best = (np.inf, np.inf)
        for parts in product(range(n_parts), repeat=len(table)):
            member = np.equal.outer(np.arange(n_parts), parts)
            if member.any(axis=1).all():
                cost = our_cost(member @ table, problem.targets)
                best = cost if compare(cost, best) < 0 else best
        answer = solve_and_check(exact, problem)
        reached = our_cost(counts_of(problem, answer.parts), problem.targets)
        n_different += compare(reached, best) != 0 or not answer.is_proved
    print(f"\n#### Brute force: {n_problems} problems of 3 to 9 groups, in two or three parts\n")
    print(f"On {n_problems - n_different} of {n_problems}, the exact split costs what the best of")
    print("all splits costs, and is proved.", flush=True)
    return n_different


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--problems", type=int, default=40, help="problems of the means (40)")
    parser.add_argument("--each", type=int, default=200, help="problems compared one by one (200)")
    parser.add_argument(
        "--seconds",
        type=float,
        default=10,
        help="limit for exact means (10)",
    )
    parser.add_argument("--show", action="store_true", help="show each of the problems")
    parser.add_argument("--quick", action="store_true", help="to see that it runs")
    options = parser.parse_args()
    n_problems, n_each, n_tiny, seconds = options.problems, options.each, 40, options.seconds
    annealing_seconds = None  # splitkit then takes so many steps
    if options.quick:
        n_problems, n_each, n_tiny, seconds, annealing_seconds = 1, 2, 2, 1.0, 1.0
    packages = ["hashfeatures", "scipy", "scikit-learn"]
    exact = ours("exact")
    solvers: dict[str, Solve] = {
        'hashfeatures, solver="fast"': ours("fast"),
        'hashfeatures, solver="auto"': ours("auto"),
        'hashfeatures, solver="exact"': ours("exact", seconds),
    }
    others: dict[str, Solve] = {"scikit-learn, StratifiedGroupKFold": scikit_learns}
    rivals: dict[str, Solve] = {}
    if find_spec("splitkit"):
        packages.append("splitkit")
        rivals = {
            "splitkit, annealing": splitkits("annealing", annealing_seconds),
            "splitkit, exact": splitkits("exact", seconds),
        }
    else:
        print("splitkit is not installed, so there is no comparison with it.")
    names = ", ".join(f"{name} {version(name)}" for name in packages)
    print(f"Python {platform.python_version()}, {names}; {platform.machine()}; at most "
          f"{seconds:g} s for each exact split in the means")  # fmt: skip
    for n_parts in (2, 3):
        compare_errors({**solvers, **others, **rivals}, n_problems, n_parts)
    n_worse = compare_each(exact, rivals, n_each, options.show)
    n_different = compare_with_brute_force(exact, n_tiny)
    if n_worse or n_different:
        raise SystemExit(f"{n_worse} splits cost more, {n_different} differ from brute force.")


if __name__ == "__main__":
    main()
