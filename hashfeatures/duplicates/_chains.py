"""A look for chains where labels alone are wanted: only groups that can be chains are measured."""

from __future__ import annotations

import numpy as np

from ._diameters import Diameters, is_large, warn_of_chains
from ._labels import Labels, relabel
from ._pair_graph import PairGraph
from .fingerprints._fingerprints import Fingerprints

# A group is a chain if its diameter is above three radii, so of this many nodes at least.
_LEAST_NODES = 5


def warn_if_chained(
    graph: PairGraph, fingerprints: Fingerprints, labels: Labels, radius: int
) -> None:
    """Warn of chains among the components of a graph.

    Parameters
    ----------
    graph : PairGraph
        The near pairs.
    fingerprints : Fingerprints
        The fingerprints of the images.
    labels : ndarray of shape (n_images,), dtype intp
        The component of each image.
    radius : int
        The radius in bits.
    """
    size = np.bincount(labels)
    known = np.flatnonzero(graph.node_of_image >= 0)
    n_nodes = np.zeros(len(size), dtype=np.int64)
    of_component = np.bincount(graph.components, minlength=graph.n_nodes)
    n_nodes[labels[known]] = of_component[graph.components[graph.node_of_image[known]]]
    rows = np.flatnonzero(((n_nodes >= _LEAST_NODES) | is_large(size))[labels])
    if not len(rows):
        return
    _, measured = fingerprints.take(rows).group(relabel(labels[rows]), radius, "single", None)
    at_least, at_most = np.zeros_like(size), np.zeros_like(size)
    suspects = labels[rows][np.unique(relabel(labels[rows]), return_index=True)[1]]
    at_least[suspects], at_most[suspects] = measured.at_least, measured.at_most
    warn_of_chains(Diameters(size, at_least, at_most), radius)
