"""What a report says of near duplicates, gathered from their graph, labels and sources."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..hamming._index import HammingIndex
from ..hamming._pairs import Pairs
from ..report._summary import Grouping, Match
from ._described_pairs import DescribePairs
from ._labels import Labels
from ._pair_graph import PairGraph
from .fingerprints._fingerprints import Fingerprints

# Images whose nearest neighbor is searched, at most: enough for a histogram.
_MOST_MEASURED = 20_000


def make_grouping(
    sources: Sequence[Any],
    graph: PairGraph,
    labels: Labels,
    groups: pd.DataFrame,
    failures: pd.DataFrame,
    comparable: NDArray[np.bool_],
    representatives: Labels,
    classes: Sequence[Any] | None = None,
    parts: Sequence[Any] | None = None,
) -> Grouping:
    """Gather what a report shows of the groups of near duplicates.

    Parameters
    ----------
    sources : sequence of image sources
        The images.
    graph : PairGraph
        Which of them are near each other.
    labels : ndarray of shape (n_images,), dtype intp
        The group of each.
    groups : pandas.DataFrame
        The column "diameter" by label, and "weakest_link" if pixels confirmed the pairs, as
        `NearDuplicateFinder.groups_` has them.
    failures : pandas.DataFrame
        The columns "position" and "error" of the images that could not be read.
    comparable : ndarray of shape (n_images,), dtype bool
        Which images are compared by their hashes.
    representatives : ndarray of shape (n_images,), dtype intp
        The row of the image that is kept for each.
    classes, parts : sequence of shape (n_images,), optional
        The class of each image, and its part of a split.

    Returns
    -------
    Grouping
        The same in plain values.
    """
    failed = dict(zip(failures["position"], failures["error"], strict=True))
    return Grouping(
        sources,
        labels,
        graph.nearest(),
        representatives,
        dict(zip(groups.index.tolist(), groups["diameter"].tolist(), strict=True)),
        {int(row): str(cause) for row, cause in failed.items()},
        [int(row) for row in np.flatnonzero(~comparable) if row not in failed],
        classes,
        parts,
        weakest_links=dict(groups["weakest_link"]) if "weakest_link" in groups.columns else {},
    )


def with_matches(
    grouping: Grouping, describe: DescribePairs, rows: Sequence[int] | None = None
) -> Grouping:
    """Add how images follow from those that are kept for them.

    Parameters
    ----------
    grouping : Grouping
        The groups of near duplicates.
    describe : callable
        Describes pairs of the images by their pixels, see `describe_near`.
    rows : sequence of int, optional
        The images; None means all.

    Returns
    -------
    Grouping
        The same with matches. It has none if no pixels are known.
    """
    kept = grouping.representative
    assert kept is not None
    asked = np.arange(len(kept)) if rows is None else np.array(rows, dtype=np.intp)
    asked = asked[kept[asked] != asked]
    described = describe(Pairs(kept[asked], asked, np.zeros(len(asked), dtype=np.int64)))
    if described is None:
        return grouping
    facts = described.agreement, described.relation, described.maps
    found = zip(asked.tolist(), *facts, strict=True)
    return replace(
        grouping,
        matches={
            row: Match(float(agreement), str(relation), tuple(taken.tolist()))
            for row, agreement, relation, taken in found
        },
    )


def count_nearest(fingerprints: Fingerprints, n_jobs: int | None) -> tuple[list[int], int]:
    """Count the images by the distance to their nearest neighbor, however far it is.

    Parameters
    ----------
    fingerprints : Fingerprints
        What the images are compared by.
    n_jobs : int or None
        The number of threads that search.

    Returns
    -------
    counts : list of int
        The number of images at each distance, from 0 bits on.
    n_measured : int
        The number of images that were counted: of more than 20,000, some at even steps.
    """
    present = np.flatnonzero(fingerprints.comparable)
    if len(present) < 2:
        return [], 0
    step = -(-len(present) // _MOST_MEASURED)
    rows = present[::step]
    index = HammingIndex(fingerprints.words, fingerprints.comparable, fingerprints.n_bits, n_jobs)
    distances = index.kneighbors(fingerprints.words[rows], 1, own=rows)[0][:, 0]
    return np.bincount(distances).tolist(), len(rows)
