"""The report of near duplicates in different parts of a split."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score

from ..._utils.containers import as_column
from ..._utils.validation import check_count_or_share
from ...hamming._pairs import Pairs
from ...plotting import plot_pairs
from ...report._notebook import show_pairs
from ...report._page import NOTEBOOK_GROUPS
from .._cross_pairs import CrossPairs
from .._parts import ComparedParts
from ..scores._leakage_score import LeakageScore
from ..scores._score import score_parts
from ._leak_counts import LeakCounts


@dataclass(frozen=True, repr=False)
class LeakageReport:
    """Near duplicates in different parts of a split.

    `leakage_report` returns it.

    Read more in the :doc:`User Guide </user-guide/leaks>`.

    Attributes
    ----------
    share : float
        The share of images in the last part, usually the test part, that have a near duplicate in
        an earlier part, or an image of their group if there are groups. Images that could not be
        read count as if they had no near duplicate.
    leaking : ndarray, dtype intp
        The rows of these images in the last part.
    shares : pandas.DataFrame
        The share of images in each part (row) that leak to each other part (column).
    n_pairs : int
        The number of pairs of near duplicates in different parts.
    pairs : pandas.DataFrame
        These pairs, the nearest first. The columns are "left_part", "left" (the row in that part),
        "left_image", "right_part", "right", "right_image", and "distance" in bits, which is
        missing if the finder measures no distances. If pixels confirmed them, "agreement" (0 to
        1) and "relation" (what was done to the left image to get the right one) follow. The left
        part is the earlier one. More than 100 million pairs raise a `TooManyPairsError`.
    straddling : pandas.DataFrame
        The groups, such as sequences, that are in more than one part: the name of the group in the
        index, its first image, and the number of its images in each part. The groups that the
        most images leak by come first.
    unreadable : dict of str to int
        The number of images in each part that could not be read. They were not compared.
    by_class : pandas.DataFrame or None
        The columns "images", "leaking" and "share" for each class of the last part, the worst
        first. None without labels.
    leaks : bool

    See Also
    --------
    leakage_report : Makes the report.
    LeakageScore : What the leaks add to the score of a model.
    hashfeatures.plotting.plot_pairs : Draws the pairs.

    Examples
    --------
    >>> import numpy as np
    >>> from hashfeatures import DuplicateGroups, leakage_report
    >>> train, test = np.eye(4)[:3], np.eye(4)[2:]
    >>> report = leakage_report(train, test, y=["cat", "dog"], finder=DuplicateGroups(radius=0))
    >>> report.leaks, report.share, report.leaking
    (True, 0.5, array([0]))
    >>> report.by_class
           images  leaking  share
    class
    cat         1        1    1.0
    dog         1        0    0.0
    """

    _parts: ComparedParts
    _labels: NDArray[np.object_] | None = None

    @property
    def share(self) -> float:
        """The share of images in the last part that leak to an earlier part."""
        return self._counts.share

    @cached_property
    def leaking(self) -> NDArray[np.intp]:
        """The rows of the images in the last part that leak to an earlier part."""
        in_last = self._parts.part == len(self._parts.sizes) - 1
        return np.flatnonzero(self._leaks[in_last, :-1].any(axis=1))

    @cached_property
    def shares(self) -> pd.DataFrame:
        """The share of images in each part that leak to each other part."""
        names = self._parts.names
        return pd.DataFrame(self._counts.shares, index=names, columns=names)

    @property
    def unreadable(self) -> dict[str, int]:
        """The number of images in each part that could not be read."""
        return dict(zip(self._parts.names, self._parts.unreadable, strict=True))

    def why_unchecked(self, allow_unreadable: float | int = 0) -> str | None:
        """Return why too few images were compared to rule out leaks.

        Parameters
        ----------
        allow_unreadable : int or float, default=0
            As in `assert_no_leakage`.

        Returns
        -------
        str or None
            A sentence, or None if enough images were compared.
        """
        allowed = check_count_or_share("why_unchecked", "allow_unreadable", allow_unreadable)
        return self._parts.counts.why_unchecked(allowed)

    @cached_property
    def n_pairs(self) -> int:
        """The number of pairs of near duplicates in different parts."""
        return self._cross_pairs.n_pairs

    @cached_property
    def pairs(self) -> pd.DataFrame:
        """The pairs of near duplicates in different parts, the nearest first."""
        return self._tabulate(self._cross_pairs.pairs())

    @cached_property
    def straddling(self) -> pd.DataFrame:
        """The groups that are in more than one part."""
        parts, own = self._parts, self._parts.own
        if own is None:
            nothing = pd.DataFrame(np.zeros((0, len(parts.names)), dtype=int), columns=parts.names)
            nothing.insert(0, "image", pd.Series(dtype=object))
            return nothing.rename_axis("group")
        counts = parts.count(own.labels)
        found = np.flatnonzero((counts > 0).sum(axis=1) > 1)
        n_apart = counts[found].sum(axis=1) - counts[found].max(axis=1)
        found = found[np.argsort(-n_apart, kind="stable")]
        first = np.unique(own.labels, return_index=True)[1][found]
        table = pd.DataFrame(counts[found], columns=parts.names)
        table.insert(0, "image", as_column([parts.sources[row] for row in first]))
        return table.set_axis(pd.Index(own.names[first], name="group", dtype=object))

    @cached_property
    def by_class(self) -> pd.DataFrame | None:
        """The images and the leaking images of each class of the last part."""
        if self._labels is None:
            return None
        leaks = np.zeros(len(self._labels), dtype=bool)
        leaks[self.leaking] = True
        facts = pd.DataFrame({"class": self._labels, "leaks": leaks})
        table = facts.groupby("class", sort=False, dropna=False).agg(
            images=("leaks", "size"), leaking=("leaks", "sum"), share=("leaks", "mean")
        )
        return table.sort_values("share", ascending=False, kind="stable")

    def worst(self, n: int = 5) -> pd.DataFrame:
        """Return the nearest pairs, without listing all pairs.

        Parameters
        ----------
        n : int, default=5
            The number of pairs.

        Returns
        -------
        pandas.DataFrame
            The first rows of `pairs`.
        """
        return self._tabulate(self._cross_pairs.nearest(n))

    def summary(self) -> dict[str, Any]:
        """Summarize the report in plain numbers, ready for JSON.

        Returns
        -------
        dict
            The keys are "parts" (their sizes), "unreadable" (by part), "pairs", "leaking" (the
            number of images in the last part), "share", and "shares" (by part and other part). A
            share is None where no image of a part was compared. With groups, "straddling" is the
            number of groups in more than one part.

        Examples
        --------
        >>> from hashfeatures import DuplicateGroups, leakage_report
        >>> report = leakage_report([[0, 0], [1, 1]], [[0, 0]], finder=DuplicateGroups(radius=0))
        >>> report.summary()["leaking"], report.summary()["share"]
        (1, 1.0)
        """
        return self._counts.summary()

    def score(
        self,
        y_true: Any,
        y_pred: Any,
        metric: Any = accuracy_score,
        *,
        sample_weight: Any = None,
        n_resamples: int = 1000,
        confidence_level: float = 0.95,
        random_state: Any = None,
    ) -> LeakageScore:
        """Estimate the score on the last part with and without its leaks.

        :doc:`/user-guide/scores` explains the estimates.

        Parameters
        ----------
        y_true : array-like of shape (n_images,) or (n_images, n_outputs)
            The true labels or values of the images in the last part.
        y_pred : array-like of shape (n_images,), (n_images, n_classes) or (n_images, n_outputs)
            What a model predicts for these images: labels, values, or scores of the classes.
        metric : callable or str, default=accuracy_score
            A metric of scikit-learn or any function ``metric(y_true, y_pred)`` that returns one
            number, a scorer, or the name of a scorer, such as "f1_macro".
        sample_weight : array-like of shape (n_images,), default=None
            Weights of the images.
        n_resamples : int, default=1000
            The number of bootstrap resamples, at least 100.
        confidence_level : float, default=0.95
            The confidence level of the intervals.
        random_state : int, RandomState instance or None, default=None
            Controls the resamples. Pass an int for reproducible output.

        Returns
        -------
        LeakageScore
            The score on all images, on the leaking ones, on the clean ones, and on the clean ones
            reweighted to the class mix of the part, with the difference that the leaks make.

        Raises
        ------
        ValueError
            If the number of values is not that of the images, or values are missing.
        ParameterError
            If the metric cannot score such values, for example because it needs scores and got
            labels.

        Notes
        -----
        Clean images are those whose group of near duplicates has no image in an earlier part.
        Images that could not be read, and those that resemble only leaking images, are in `all`
        alone. The clean score of fewer than 10 groups is not estimated, and `reason` says why.

        The intervals are by a Bayesian bootstrap over groups [1]_. Where predictions are labels,
        each resample contains a few made-up images, so that 20 right predictions of 20 do not
        have an interval without width [2]_. Other intervals are corrected for the bias of the
        resamples [3]_. Intervals of few groups are expanded [4]_.

        A continuous target is reweighted by up to 10 quantiles. A metric without the parameter
        `sample_weight` gets images repeated in proportion to their weights.

        References
        ----------
        .. [1] D. B. Rubin, "The Bayesian Bootstrap", The Annals of Statistics 9(1), 1981.
        .. [2] L. D. Brown, T. T. Cai and A. DasGupta, "Interval Estimation for a Binomial
           Proportion", Statistical Science 16(2), 2001.
        .. [3] B. Efron, "Nonparametric Standard Errors and Confidence Intervals", The Canadian
           Journal of Statistics 9(2), 1981.
        .. [4] T. C. Hesterberg, "What Teachers Should Know About the Bootstrap", The American
           Statistician 69(4), 2015.

        Examples
        --------
        >>> import numpy as np
        >>> from hashfeatures import DuplicateGroups, leakage_report
        >>> train = np.eye(30)[:15]
        >>> report = leakage_report(train, np.eye(30), finder=DuplicateGroups(radius=0))
        >>> y_true = ["cat", "dog"] * 15
        >>> y_pred = y_true[:20] + ["cat"] * 10
        >>> score = report.score(y_true, y_pred, random_state=0)
        >>> score.all.value, score.leaking.value, score.clean.value
        (0.8333333333333334, 1.0, 0.6666666666666666)
        >>> print(score)
        accuracy_score, 95% intervals in parentheses: 0.833 (0.664 to 0.944) on all 30 images;
        1.000 (0.844 to 1.000) on 15 leaking images; 0.667 (0.377 to 0.888) on 15 clean images;
        0.688 (0.420 to 0.880) on clean images reweighted to the class mix of all. All minus
        corrected: 0.146 (0.011 to 0.349).
        """
        return score_parts(
            self._parts,
            self.leaking,
            y_true,
            y_pred,
            metric,
            sample_weight=sample_weight,
            n_resamples=n_resamples,
            confidence_level=confidence_level,
            random_state=random_state,
        )

    def plot(self, n: int = 5, *, ax: Any = None) -> Any:
        """Draw the nearest pairs side by side.

        Parameters
        ----------
        n : int, default=5
            The number of pairs.
        ax : matplotlib.axes.Axes or array of them, default=None
            The axes to draw on. None makes a new figure.

        Returns
        -------
        ndarray of matplotlib.axes.Axes, shape (n, 2)
            The axes, with one pair in each row.

        Raises
        ------
        MissingExtraError
            If matplotlib is not installed.
        """
        return plot_pairs(self.worst(n), ax=ax)

    def _repr_html_(self) -> str:
        """Show the nearest pairs in a notebook."""
        return show_pairs("Leakage", str(self), self.worst(NOTEBOOK_GROUPS))

    def __repr__(self) -> str:
        return f"<LeakageReport: {self}>"

    def __str__(self) -> str:
        return str(self._counts)

    @property
    def leaks(self) -> bool:
        """Whether near duplicates, or images of one group, are in different parts."""
        return self._counts.leaks

    @cached_property
    def _counts(self) -> LeakCounts:
        """What the report says in numbers."""
        parts = self._parts
        reaching = [
            self._leaks[parts.part == number].sum(axis=0) for number in range(len(parts.sizes))
        ]
        return LeakCounts(
            parts.counts,
            self.n_pairs,
            len(self.leaking),
            np.array(reaching, dtype=np.int64),
            parts.own,
            len(self.straddling),
        )

    @cached_property
    def _leaks(self) -> NDArray[np.bool_]:
        """Whether each image leaks to each other part: (n_images, n_parts)."""
        return self._cross_pairs.reaches | self._parts.shares_group

    @cached_property
    def _cross_pairs(self) -> CrossPairs:
        return CrossPairs(self._parts)

    def _tabulate(self, pairs: Pairs) -> pd.DataFrame:
        parts = self._parts
        pairs = pairs.take(np.lexsort((pairs.right, pairs.left, pairs.distance)))
        columns: dict[str, Any] = {}
        for side, rows in (("left", pairs.left), ("right", pairs.right)):
            columns[f"{side}_part"] = pd.Series(np.array(parts.names, object)[parts.part[rows]])
            columns[side] = parts.row[rows]
            columns[f"{side}_image"] = as_column([parts.sources[row] for row in rows])
        missing = pd.Series(pd.NA, index=range(len(pairs.left)), dtype="Int64")
        columns["distance"] = pairs.distance if parts.has_distances else missing
        described = parts.describe(pairs)
        if described is not None:
            columns["agreement"] = described.agreement
            columns["relation"] = as_column(list(described.relation))
        return pd.DataFrame(columns)
