"""What is known about a split: its sizes, its classes, and how far from the best it can be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ._quotas import Counts
from ._strata import Strata
from ._targets import TOLERANCE, SplitError, Targets


@dataclass(frozen=True)
class SplitInfo:
    """Sizes, classes and error of a split, and what is proved about them.

    The error of a size or class is its distance from the target in images, as a share of the
    target. A target that is not a whole number may be rounded either way at no cost, and a target
    below one image counts as one. What a size is off by more than a twentieth counts twenty times.

    Read more in the :doc:`User Guide </user-guide/splits>`.

    Attributes
    ----------
    sizes : DataFrame with columns "requested" and "reached"
        The number of images in each part.
    class_counts : DataFrame of shape (n_classes, n_parts), or None
        The number of images of each class, or with each label, in each part. With counts of
        objects, the number of objects. None without stratification.
    farthest : str
        The size or class that is farthest off, in words.
    cost : float
        The worst error of a size or class in a part.
    total_cost : float
        The sum of the errors. Between splits with equal worst errors, it decides.
    bound : float
        The least worst error that any split of these groups can have, as far as it is proved.
    solver : {"fast", "exact"}
        The solver that found the split. With ``solver="auto"``, "exact" means that the fast split
        was not good enough, and that moves of groups or a linear program improved it or proved its
        worth.
    is_optimal : bool
        Whether it is proved that no split has a smaller worst error, and none with the same worst
        error a smaller sum of errors.
    gap : float
    is_proved : bool
    proof : str

    See Also
    --------
    train_test_split : Returns it with ``return_info=True``.
    NearDuplicateKFold : Has it as ``info_`` after a split.

    Examples
    --------
    >>> from hashfeatures import train_test_split
    >>> groups = [0] * 5 + [1] * 4 + [2] * 3 + [3] * 3 + [4] * 3
    >>> *_, info = train_test_split(
    ...     range(18), test_size=9, groups=groups, finder="precomputed", random_state=0,
    ...     solver="exact", return_info=True,
    ... )
    >>> print(info)
    Images requested and reached: train 9, 9; test 9, 9.
    No size or class is off its target, so no split is better.
    """

    sizes: pd.DataFrame
    class_counts: pd.DataFrame | None
    farthest: str
    cost: float
    total_cost: float
    bound: float
    solver: str
    is_optimal: bool

    @property
    def gap(self) -> float:
        """The share of the worst error that a better split might avoid, 0 if none can."""
        return 0.0 if self.is_proved else (self.cost - self.bound) / self.cost

    @property
    def is_proved(self) -> bool:
        """Whether it is proved that no split has a smaller worst error."""
        return self.cost <= self.bound + TOLERANCE

    def __str__(self) -> str:
        sizes = "; ".join(
            f"{name} {row.requested:,}, {row.reached:,}" for name, row in self.sizes.iterrows()
        )
        farthest = "" if self.total_cost <= TOLERANCE else f"Farthest off: {self.farthest}.\n"
        return f"Images requested and reached: {sizes}.\n{farthest}{self.proof}"

    @property
    def proof(self) -> str:
        """What is proved, in words."""
        if self.total_cost <= TOLERANCE:
            return "No size or class is off its target, so no split is better."
        if self.is_optimal:
            return "It is proved that no split of whole groups is better."
        if self.is_proved:
            return "It is proved that no split of whole groups has a smaller worst error."
        worst = f"the worst error is {self.cost:.3g}"
        if self.bound > TOLERANCE:
            return f"A better split may exist: {worst}, and none is below {self.bound:.3g}."
        return f"A better split may exist: {worst}."


def describe_split(
    names: list[str],
    requested: Counts,
    reached: Counts,
    strata: Strata | None,
    targets: Targets,
    bound: SplitError,
    solver: str,
) -> SplitInfo:
    """Describe a split.

    Parameters
    ----------
    names : list of str
        The names of the parts.
    requested : ndarray of shape (n_parts,)
        The requested sizes.
    reached : ndarray of shape (n_parts, 1 + n_strata)
        The images of each part, and its images or objects in each stratum.
    strata : Strata or None
        The strata.
    targets : Targets
        What each part should have.
    bound : SplitError
        The least error that is possible, as far as it is proved.
    solver : str
        What found the split.

    Returns
    -------
    SplitInfo
        The description.
    """
    index = pd.Index(names, name="part")
    sizes = pd.DataFrame(
        {"requested": np.asarray(requested), "reached": reached[:, 0]}, index=index
    )
    classes = None
    if strata is not None:
        classes = pd.DataFrame(
            reached[:, 1:].T, index=pd.Index(strata.names, name="class"), columns=index
        )
    error = targets.error(reached)
    part, column = divmod(int(targets.errors(reached).argmax()), reached.shape[1])
    target = f"{targets.exact[part, column]:,.1f}".removesuffix(".0")
    what = "the size" if column == 0 or strata is None else repr(strata.names[column - 1])
    return SplitInfo(
        sizes=sizes,
        class_counts=classes,
        farthest=f"{what} of {names[part]}, {reached[part, column]:,} instead of {target}",
        cost=error.worst,
        total_cost=error.total,
        bound=min(bound.worst, error.worst),
        solver=solver,
        is_optimal=not bound.is_below(error),
    )
