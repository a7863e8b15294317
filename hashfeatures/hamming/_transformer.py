"""Hamming neighbors as a sparse graph for other estimators."""

from __future__ import annotations

from typing import Any

from scipy.sparse import csr_matrix
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from .._utils.docstrings import fill_in_parameters
from .._utils.validation import check_choice, check_int, check_n_jobs, check_radius
from ._base import BitsEstimator
from ._neighbors import MODES, HammingNeighbors


@fill_in_parameters
class HammingNeighborsTransformer(
    ClassNamePrefixFeaturesOutMixin, TransformerMixin, BitsEstimator
):
    """Transform rows of bits into the sparse graph of their Hamming neighbors.

    Estimators with ``metric="precomputed"`` take the graph, such as `sklearn.cluster.DBSCAN`,
    `sklearn.manifold.TSNE` and `sklearn.neighbors.KNeighborsClassifier`.

    Read more in the :doc:`User Guide </user-guide/neighbors>`.

    Parameters
    ----------
    mode : {"distance", "connectivity"}, default="distance"
        Whether the edges hold distances in bits or ones.
    n_neighbors : int, default=5
        The number of neighbors of a row. In mode "distance" the graph has one more per row, as
        each fitted row is its own neighbor.
    radius : int, default=None
        The greatest distance in bits of a neighbor, at most the number of bits. None means the
        `n_neighbors` nearest rows.
    $n_threads

    Attributes
    ----------
    neighbors_ : HammingNeighbors
        The fitted rows.
    n_features_in_ : int
        The number of bits of a row.
    n_samples_fit_ : int
        The number of fitted rows.

    See Also
    --------
    HammingNeighbors : The searches themselves, with distances and rows as arrays.
    sklearn.neighbors.KNeighborsTransformer : The same for other metrics.

    Notes
    -----
    `sklearn.cluster.HDBSCAN` takes only a connected sparse graph, as with a large `radius`. Its
    spanning tree drops edges of length zero, so it may fail on exact duplicates. Remove the
    duplicates first, or add a small number to ``graph.data``.

    Examples
    --------
    >>> from sklearn.cluster import DBSCAN
    >>> from sklearn.pipeline import make_pipeline
    >>> from hashfeatures import HammingNeighborsTransformer
    >>> bits = [[0, 0, 0, 0], [0, 0, 0, 1], [1, 1, 1, 1]]
    >>> near = HammingNeighborsTransformer(radius=1)
    >>> make_pipeline(near, DBSCAN(eps=1, min_samples=2, metric="precomputed")).fit_predict(bits)
    array([ 0,  0, -1])
    """

    def __init__(
        self,
        mode: str = "distance",
        n_neighbors: int = 5,
        radius: int | None = None,
        *,
        n_jobs: int | None = None,
    ) -> None:
        self.mode = mode
        self.n_neighbors = n_neighbors
        self.radius = radius
        self.n_jobs = n_jobs

    @fill_in_parameters
    def fit(self, X: Any, y: Any = None) -> HammingNeighborsTransformer:
        """Store the rows to search.

        Parameters
        ----------
        $bits
        y : None
            Ignored.

        Returns
        -------
        HammingNeighborsTransformer
            The fitted transformer.
        """
        name = type(self).__name__
        check_choice(name, "mode", self.mode, MODES)
        check_int(name, "n_neighbors", self.n_neighbors, 1)
        check_n_jobs(name, self.n_jobs)
        bits, learned = self._read_bits(X)
        if self.radius is not None:
            check_radius(name, self.radius, bits.shape[1])
        neighbors = HammingNeighbors(n_jobs=self.n_jobs).fit(bits)
        n_rows = len(bits)
        self._set_fitted(
            **learned, neighbors_=neighbors, n_samples_fit_=n_rows, _n_features_out=n_rows
        )
        return self

    def transform(self, X: Any) -> csr_matrix:
        """Return the graph of the neighbors among the fitted rows.

        Parameters
        ----------
        X : array-like of shape (n_queries, n_bits)
            The queries, zeros and ones. A fitted row is its own neighbor at distance zero.

        Returns
        -------
        csr_matrix of shape (n_queries, n_samples_fit), dtype float64
            The graph. The edges of a row are sorted by distance, then column. Distances of zero
            are stored.

        Raises
        ------
        TooManyPairsError
            If more than 100 million pairs of a query and a row are within `radius`.
        """
        check_is_fitted(self)
        X = self._check_bits(X, reset=False)
        if self.radius is not None:
            return self.neighbors_.radius_neighbors_graph(
                X, self.radius, self.mode, sort_results=True
            )
        n_neighbors = self.n_neighbors + (self.mode == "distance")
        return self.neighbors_.kneighbors_graph(X, n_neighbors, self.mode)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []
        return tags
