"""Groups after images were added: only those with a new image near them are made again."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from ._diameters import Diameters
from ._labels import Labels, relabel
from ._pair_graph import PairGraph


def regroup(
    graph: PairGraph,
    labels: Labels,
    diameters: Diameters,
    group: Callable[[Labels, Labels], tuple[Labels, Diameters]],
) -> tuple[Labels, Diameters]:
    """Group all images, of which those that were grouped before come first.

    Parameters
    ----------
    graph : PairGraph
        The graph of all images.
    labels : ndarray of shape (n_known,), dtype intp
        The groups before.
    diameters : Diameters
        Their sizes and diameters.
    group : callable
        Takes rows of images and the component of each, and returns their groups and diameters.

    Returns
    -------
    labels : ndarray of shape (n_images,), dtype intp
        The group of each image, counted from 0 in order of first appearance.
    diameters : Diameters
        The sizes and diameters of all groups.
    """
    joined, n_known = graph.labels(), len(labels)
    is_touched = np.zeros(int(joined.max(initial=-1)) + 1, dtype=bool)
    is_touched[joined[n_known:]] = True
    rows = np.flatnonzero(is_touched[joined])
    parts, again = group(rows, relabel(joined[rows]))
    numbers = np.empty(len(joined), dtype=np.intp)
    numbers[:n_known] = labels
    numbers[rows] = len(diameters.size) + parts
    new_labels, kept = pd.factorize(numbers)
    measured = zip(diameters, again, strict=True)
    return new_labels, Diameters(*(np.concatenate(both)[kept] for both in measured))
