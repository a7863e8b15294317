"""The audit of a split: one card with all that is wrong with it."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ..._utils.atomic_write import write_whole
from ..._utils.docstrings import fill_in_parameters
from ..._utils.frames import is_collection
from ..._utils.validation import check_count_or_share, check_int, refuse
from ...duplicates._described_pairs import SAME_PIXELS
from ...duplicates._finder_hints import point_to_finder
from ...duplicates._resolve import SupportsFitPredict
from ...hamming._pairs import Pairs
from ...report._card import write_card, write_card_text, write_markdown
from ...report._card_annotations import list_annotation_conflicts
from ...report._card_sections import describe_leaks
from ...report._thumbnails import make_thumbnails
from .._part_labels import PartClasses, join_labels
from .._parts import ComparedParts, compare_parts, name_parts
from ..leakage._leakage_report import LeakageReport
from ._annotations import FindObjects, count_annotation_conflicts, join_objects
from ._audit_counts import AuditCounts
from ._audit_limits import find_exceeded
from ._identical import label_identical

# The nearest pairs from which the pairs to show are chosen.
_CANDIDATES = 10_000
# The relation of images whose thumbnails are equal, but not their pixels.
_ALMOST_SAME = "no visible difference"
# The greatest length of the pictures in a card.
_MOST_BYTES = 4_000_000


class SplitAudit:
    """Leaks, copies, conflicts of labels and unreadable images of a split.

    `audit_split` returns it.

    Read more in the :doc:`User Guide </user-guide/leaks>`.

    Attributes
    ----------
    report : LeakageReport
        The near duplicates in different parts.
    title : str
        The heading of the card.

    See Also
    --------
    audit_split : Makes the audit.
    LeakageReport : The leaks alone, as tables.

    Examples
    --------
    >>> from skimage import data
    >>> from hashfeatures import audit_split
    >>> audit = audit_split([data.camera(), data.coins()], [data.camera()[::2, ::2], data.page()])
    >>> audit.report.share
    0.5
    >>> audit.exceeded({"leaks": 0, "unreadable": 0})
    ['Images with a near duplicate in another part: 1, and 0 allowed.']
    >>> print(audit.to_markdown().splitlines()[0])
    # Audit of a split
    """

    def __init__(
        self,
        parts: ComparedParts,
        labels: Any = None,
        *,
        n_pairs: int = 12,
        title: str = "Audit of a split",
        allow_unreadable: float | int = 0,
        skipped: str | None = None,
        has_pixels: bool = True,
        objects: FindObjects | None = None,
    ) -> None:
        self.report = LeakageReport(parts)
        self.title = title
        self._parts = parts
        self._n_pairs = n_pairs
        self._classes = None if labels is None else PartClasses(labels)
        self._unchecked = skipped or self.report.why_unchecked(allow_unreadable)
        self._has_pixels = has_pixels
        self._objects = objects

    def summary(self) -> dict[str, Any]:
        """Summarize the audit in plain values, ready for JSON.

        Returns
        -------
        dict
            The keys are:

            - "title".
            - "settings" of the comparison: "hashes", "bits", "radius" and "min_agreement". None
              for other finders than `NearDuplicateFinder`.
            - "unchecked": why too few images were compared to rule out leaks, or None.
            - "parts": for each part its "images", how many are "unreadable" or have too
              "low_detail" to be compared, and the images of each of its "classes". "leaks"
              counts its images with a near duplicate in another part, "across" those in each
              other part, and "by_class" those of each class. "within" counts its images with a
              near duplicate in the same part, the "groups" that have several images in this
              part, and the "duplicates", which are all but one image of each group.
            - "pairs": the number of pairs of near duplicates in different parts.
            - "conflicts": the number of "groups" of near duplicates with different labels, of
              which some are "across" parts and others "within" each part. "disagreeing" is the
              number of images without the most frequent label of their group, among the
              "labeled" ones. "identical" counts the sets of images with equal pixels and
              different labels. "worst" lists the groups with most disagreeing images. None
              without labels.
            - "annotations": the number of "pairs" of near duplicates whose boxes or masks
              disagree, of the pairs "compared", as `find_annotation_conflicts` finds them; of
              which some are "across" parts and others "within" each part. "objects" is the number
              of objects on which they disagree, and "kinds" those of each kind. "worst" lists the
              pairs with most of them. None unless the parts are collections with objects.
            - "straddling": the number of "groups", such as sequences, in more than one part,
              of "all_groups", and of their "images". "worst" lists some. None without groups.
            - "named_sequences": the number of "sequences" that file names alone tell, of those
              "straddling" parts, and of their "images". They are not leaks. None if there are
              none, or with groups.
            - "worst_pairs": near duplicates in different parts, at most one pair of each group,
              with their "distance" in bits, "agreement" and "relation".
            - "repairs": the "parts" after `repair_split` with two priorities, and the number of
              images "moved".

            Every count of copies holds the number of "images". Of these, some have copies with
            "identical" pixels there, others have "near" copies, and the "grouped" ones only have
            images of their own group. "total" is the sum, and "share" its share of the images,
            with the 95 % confidence "interval". The interval is Wilson's. Near duplicates and
            images of one group count as one observation there. Counts are None where nothing was
            compared.
        """
        return copy.deepcopy(self._summary)

    @cached_property
    def _summary(self) -> dict[str, Any]:
        parts, counts = self._parts, self._counts
        return {
            "title": self.title,
            "settings": parts.settings,
            "unchecked": self._unchecked,
            "parts": {name: counts.count_part(place) for place, name in enumerate(parts.names)},
            "pairs": self.report.n_pairs,
            "conflicts": counts.count_conflicts(),
            "annotations": count_annotation_conflicts(parts, self._objects, counts.describe_image),
            "straddling": counts.count_straddling(self.report.straddling),
            "named_sequences": counts.count_named_sequences(),
            "worst_pairs": self._describe_worst(),
            "repairs": counts.preview_repairs(),
        }

    def exceeded(self, limits: Mapping[str, float | int]) -> list[str]:
        """Compare the audit with limits, for CI.

        Parameters
        ----------
        limits : dict of str to int or float
            The most that is allowed: a number of images or groups if it is an int, or a share
            if it is a float below 1. The keys are:

            - "leaks": images with a near duplicate, or an image of their group, in another part;
              and "identical": those with an identical image there. The share is that of the
              worst part, and the number that of all parts; both leave out the first part.
            - "duplicates": all but one image of each group of near duplicates within a part. The
              share is that of the worst part.
            - "annotations": pairs of near duplicates whose boxes or masks disagree. The share is
              that of the pairs compared.
            - "conflicts": groups with different labels. The share is that of the labeled images
              without the most frequent label of their group.
            - "straddling": groups, such as sequences, in more than one part. The share is that of
              all groups.
            - "unreadable": images that could not be read. The share is that of all images.

        Returns
        -------
        list of str
            One sentence for each limit that is exceeded.

        Raises
        ------
        ParameterError
            If a limit has an unknown name or value.
        """
        return find_exceeded(self._summary, limits)

    def to_text(self) -> str:
        """Return the card as plain text for a terminal.

        Returns
        -------
        str
            The card, several lines.
        """
        return write_card_text(self._summary)

    def to_markdown(self, path: str | os.PathLike[str] | None = None) -> str | None:
        """Return the card as Markdown, or write it to a file.

        Parameters
        ----------
        path : path-like, default=None
            The file to write. None returns the text.

        Returns
        -------
        str or None
            Markdown, or None if it was written to a file.
        """
        return _deliver(write_markdown(self._summary), path)

    def to_json(self, path: str | os.PathLike[str] | None = None) -> str | None:
        """Return the summary as JSON, or write it to a file.

        Parameters
        ----------
        path : path-like, default=None
            The file to write. None returns the text.

        Returns
        -------
        str or None
            JSON, or None if it was written to a file.
        """
        return _deliver(json.dumps(self._summary, indent=1) + "\n", path)

    def to_html(self, path: str | os.PathLike[str] | None = None) -> str | None:
        """Return the card as one HTML page, or write it to a file.

        The page needs nothing but itself, makes no request, and embeds small pictures.

        Parameters
        ----------
        path : path-like, default=None
            The file to write. None returns the text.

        Returns
        -------
        str or None
            The page, or None if it was written to a file.
        """
        return _deliver(write_card(self._summary, self._picture(fetch=True)), path)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the card to a file: HTML, Markdown, JSON or text by its suffix.

        Parameters
        ----------
        path : path-like
            A file that ends in ".html", ".htm", ".md", ".json" or ".txt".

        Raises
        ------
        ParameterError
            If it ends otherwise.
        """
        forms = {
            ".html": self.to_html,
            ".htm": self.to_html,
            ".md": self.to_markdown,
            ".json": self.to_json,
        }
        suffix = Path(path).suffix.lower()
        if suffix == ".txt":
            _deliver(self.to_text(), path)
        elif suffix in forms:
            forms[suffix](path)
        else:
            raise refuse("save", "path", f"a name ending in {', '.join(forms)} or .txt", str(path))

    def _repr_html_(self) -> str:
        """Show the card in a notebook."""
        return write_card(self._summary, self._picture(fetch=False), whole=False)

    def __str__(self) -> str:
        return self.to_text()

    def __repr__(self) -> str:
        return f"<SplitAudit: {' '.join(describe_leaks(self._summary))}>"

    @cached_property
    def _counts(self) -> AuditCounts:
        cross = self.report._cross_pairs
        return AuditCounts(self._parts, cross, self._identical, self._classes)

    @cached_property
    def _identical(self) -> Any:
        return label_identical(self._parts) if self._has_pixels else None

    def _describe_worst(self) -> list[dict[str, Any]]:
        """Describe near pairs across parts: one of each group, some identical and some not."""
        found = self.report._cross_pairs.nearest_different(_CANDIDATES if self._n_pairs else 0)
        groups = self._counts.groups[found.left]
        firsts = np.sort(np.unique(groups, return_index=True)[1])
        found = found.take(firsts)
        identical = self._identical
        is_same = np.zeros(len(found.left), dtype=bool)
        if identical is not None:
            is_same = identical[found.left] == identical[found.right]
        chosen = _share_places(is_same, self._n_pairs)
        pairs = Pairs(found.left[chosen], found.right[chosen], found.distance[chosen])
        described = self._parts.describe(pairs)
        worst = []
        for place, (left, right, distance) in enumerate(zip(*pairs, strict=True)):
            one, other = self._counts.describe_image(left), self._counts.describe_image(right)
            labels = {one["class"], other["class"]} - {None}
            same = None if identical is None else bool(is_same[chosen[place]])
            agreement = relation = None
            if described is not None:
                agreement = round(float(described.agreement[place]), 4)
                relation = str(described.relation[place])
                if relation == SAME_PIXELS and same is False:  # at the size of thumbnails
                    relation = _ALMOST_SAME
            worst.append(
                {
                    "left": one,
                    "right": other,
                    "distance": int(distance) if self._parts.has_distances else None,
                    "agreement": agreement,
                    "relation": relation,
                    "identical": same,
                    "conflict": len(labels) > 1,
                }
            )
        return worst

    def _picture(self, *, fetch: bool) -> dict[tuple[str, int], str]:
        """Return the pictures of the images that a card shows, by part and row."""
        facts = self._summary
        shown = [pair[side] for pair in facts["worst_pairs"] for side in ("left", "right")]
        for conflict in (facts["conflicts"] or {"worst": []})["worst"]:
            shown += conflict["images"]
        for pair in list_annotation_conflicts(facts):
            shown += [pair["left"], pair["right"]]
        places = list(dict.fromkeys((image["part"], image["row"]) for image in shown))
        starts = np.cumsum([0, *self._parts.sizes])
        numbers = {
            name: int(start) for name, start in zip(self._parts.names, starts, strict=False)
        }
        sources = [self._parts.sources[numbers[part] + row] for part, row in places]
        made = make_thumbnails(
            sources, max_number=len(sources), max_bytes=_MOST_BYTES, fetch=fetch, large=()
        )[1]
        return {places[place]: uri for place, uri in made.items()}


def _share_places(is_same: Any, n: int) -> Any:
    """Choose `n` pairs: half of them identical ones and half not, in their order."""
    same, others = np.flatnonzero(is_same), np.flatnonzero(~is_same)
    n_same = min(len(same), max(n // 2, n - len(others)))
    return np.concatenate([same[:n_same], others[: n - n_same]])


def _deliver(text: str, path: str | os.PathLike[str] | None) -> str | None:
    if path is None:
        return text
    write_whole(path, text.encode("utf-8", "backslashreplace"))
    return None


@fill_in_parameters
@point_to_finder
def audit_split(
    train: Any,
    test: Any = None,
    *,
    y: Any = None,
    groups: Any = None,
    finder: SupportsFitPredict | None = None,
    allow_unreadable: float | int = 0,
    n_pairs: int = 12,
    title: str = "Audit of a split",
) -> SplitAudit:
    """Audit a split: count and show its leaks, copies, conflicts of labels and unreadable images.

    Read more in the :doc:`User Guide </user-guide/leaks>`.

    Parameters
    ----------
    $parts
    y : column name, dict, or list with one array of labels for each part, default=None
        The labels of the images. A dict has the names of the parts as keys. Missing labels (None,
        NaN) belong to no class. None means the labels of collections that have them.
    $groups_of_parts
    $finder
        An estimator that finds only groups yields pairs without distances.
    allow_unreadable : int or float, default=0
        How many images may be unreadable, as in `assert_no_leakage`. With more, the summary says
        that the split was not checked.
    n_pairs : int, default=12
        The most pairs across parts that the card shows.
    title : str, default="Audit of a split"
        The heading of the card.

    Returns
    -------
    SplitAudit
        The audit, with `summary`, `to_html`, `to_markdown` and `to_json`.

    See Also
    --------
    leakage_report : Lists the near duplicates in different parts.
    find_annotation_conflicts : Lists the objects on which near duplicates disagree.
    repair_split : Moves images until nothing leaks.

    Examples
    --------
    >>> from skimage import data
    >>> from hashfeatures import audit_split
    >>> train, test = [data.camera(), data.coins()], [data.camera()[::2, ::2], data.page()]
    >>> audit = audit_split(train, test, y=[["man", "coins"], ["tripod", "text"]])
    >>> audit
    <SplitAudit: 1 of 2 images in test (50.0%, 95% interval 9.5% to 90.5%) has a near duplicate in
    train.>
    >>> audit.summary()["parts"]["test"]["leaks"]["near"]
    1
    >>> audit.summary()["conflicts"]["groups"]
    1
    >>> audit.exceeded({"leaks": 0.01})
    ['Images with a near duplicate in another part: 50.00%, and 1.00% allowed.']
    """
    check_int("audit_split", "n_pairs", n_pairs, 0)
    allowed = check_count_or_share("audit_split", "allow_unreadable", allow_unreadable)
    parts = name_parts("audit_split", train, test)
    if y is None and all(is_collection(part) for part in parts.values()):
        has_labels = all("label" in part.columns for part in parts.values())
        y = "label" if has_labels else None
    labels = join_labels("audit_split", "y", y, parts)
    compared = compare_parts("audit_split", parts, finder, groups=groups)
    return SplitAudit(
        compared,
        labels,
        n_pairs=n_pairs,
        title=title,
        allow_unreadable=allowed,
        objects=join_objects(parts),
    )
