"""The estimator that finds the nearest neighbors of rows of bits."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from threading import RLock
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.utils.validation import check_is_fitted

from .._utils.array_file import Strings, read_store, write_store
from .._utils.docstrings import fill_in_parameters
from .._utils.progress import busy
from .._utils.validation import (
    check_bool,
    check_choice,
    check_int,
    check_n_jobs,
    check_radius,
    refuse,
)
from ._base import BitsEstimator
from ._fitted_rows import FittedRows
from ._index import HammingIndex
from ._packing import words_from_bits, words_from_query
from ._pairs import MAX_PAIRS, Bits, Pairs, Rows
from ._single_query import MAX_NEIGHBORS

# So few queries are answered one by one, before many at once would have been planned.
_FEW = 8

# Held while an estimator is fitted for the first time, as it has no rows with a lock of their own.
_FIRST_FIT = RLock()

_ALGORITHMS = ("auto", "brute", "multi_index")
_KIND = "HammingNeighbors"
MODES = ("connectivity", "distance")


@fill_in_parameters
class HammingNeighbors(BitsEstimator):
    """Find the exact nearest neighbors of rows of bits, by Hamming distance.

    The methods are those of `sklearn.neighbors.NearestNeighbors`. Distances are numbers of bits,
    where scikit-learn's ``metric="hamming"`` returns fractions. Neighbors at the same distance are
    ordered by row. A row that holds a NaN, such as that of an image that could not be read, has no
    neighbors and is not a neighbor.

    `query` answers one query at a time in microseconds. Threads may search while others add and
    remove rows: each search sees the rows as they were when it began.

    Read more in the :doc:`User Guide </user-guide/neighbors>`.

    Parameters
    ----------
    n_neighbors : int, default=5
        The number of neighbors that `kneighbors` finds.
    radius : int, default=12
        The greatest distance in bits of the neighbors that the searches by radius find. The
        default suits the 128 bits of "phash" and "dhash". A search by a radius above the number
        of bits raises `ParameterError`.
    algorithm : {"auto", "brute", "multi_index"}, default="auto"
        How neighbors are searched. "multi_index" is multi-index hashing, which looks up parts of
        the bits in tables. "brute" compares all rows. "auto" chooses the cheaper of the two. All
        return the same neighbors.
    $n_threads

    Attributes
    ----------
    n_features_in_ : int
        The number of bits of a row.
    feature_names_in_ : ndarray of shape (n_features,)
        The names of the bits, if `X` is a DataFrame with string column names.
    n_samples_fit_ : int
        The number of fitted rows, including those with NaN.

    See Also
    --------
    HammingNeighborsTransformer : Returns the neighbors as a sparse graph for other estimators.
    DuplicateGroups : Groups rows that are near each other.

    References
    ----------
    M. Norouzi, A. Punjani, D. J. Fleet, "Fast Exact Search in Hamming Space with Multi-Index
    Hashing", IEEE Transactions on Pattern Analysis and Machine Intelligence, 2014.

    Examples
    --------
    >>> from hashfeatures import HammingNeighbors
    >>> bits = [[0, 0, 0, 0], [0, 0, 0, 1], [1, 1, 1, 1]]
    >>> neighbors = HammingNeighbors(n_neighbors=2, radius=1).fit(bits)
    >>> distances, rows = neighbors.kneighbors([[0, 0, 1, 1]])
    >>> distances, rows
    (array([[1, 2]]), array([[1, 0]]))
    >>> neighbors.pairs()
    Pairs: 1 pair
    left  right  distance
       0      1         1
    """

    n_samples_fit_: int
    _rows: FittedRows

    def __init__(
        self,
        n_neighbors: int = 5,
        radius: int = 12,
        *,
        algorithm: str = "auto",
        n_jobs: int | None = None,
    ) -> None:
        self.n_neighbors = n_neighbors
        self.radius = radius
        self.algorithm = algorithm
        self.n_jobs = n_jobs

    @fill_in_parameters
    def fit(self, X: Any, y: Any = None) -> HammingNeighbors:
        """Store the rows to search.

        Parameters
        ----------
        $bits
        y : None
            Ignored.

        Returns
        -------
        HammingNeighbors
            The fitted estimator.

        Raises
        ------
        ValueError
            If `X` holds anything but 0, 1 and NaN.
        """
        self._check_parameters()
        bits, learned = self._read_bits(X)
        words, present = words_from_bits(bits)
        rows = FittedRows(words, present, bits.shape[1])
        with self._writing():
            self._set_fitted(**learned, _rows=rows, n_samples_fit_=len(rows))
        return self

    @fill_in_parameters
    def partial_fit(self, X: Any, y: Any = None) -> HammingNeighbors:
        """Add rows, numbered after those that are fitted already.

        The indexes of earlier rows are kept. So a batch costs a few times what it costs to index
        it alone, however many rows there are. The `ids_` of a loaded estimator name the earlier
        rows only: to save it again, pass the ids of all rows to `save`.

        Parameters
        ----------
        $bits
        y : None
            Ignored.

        Returns
        -------
        HammingNeighbors
            The fitted estimator.

        Examples
        --------
        >>> from hashfeatures import HammingNeighbors
        >>> neighbors = HammingNeighbors(radius=1).fit([[0, 0, 0]])
        >>> neighbors.partial_fit([[0, 0, 1], [1, 1, 1]]).n_samples_fit_
        3
        """
        if not hasattr(self, "n_samples_fit_"):
            with _FIRST_FIT:
                if not hasattr(self, "n_samples_fit_"):
                    return self.fit(X)
        self._check_parameters()
        words, present = self._pack(X)
        with self._writing():
            rows = self._rows.extended(words, present)
            self.__dict__.update({"_rows": rows, "n_samples_fit_": len(rows)})
        return self

    def remove(self, indices: Any) -> HammingNeighbors:
        """Remove rows from all searches. The other rows keep their numbers.

        Parameters
        ----------
        indices : array-like of shape (n_indices,)
            The numbers of fitted rows, as the searches return them.

        Returns
        -------
        HammingNeighbors
            The fitted estimator. `n_samples_fit_` does not change: a removed row counts as
            missing.

        Raises
        ------
        IndexError
            If there is no such row.

        Examples
        --------
        >>> from hashfeatures import HammingNeighbors
        >>> neighbors = HammingNeighbors(radius=1).fit([[0, 0, 0], [0, 0, 1], [0, 1, 1]])
        >>> neighbors.remove([1]).components()
        array([0, 1, 2])
        """
        n_rows = len(self._fitted_rows())
        rows = np.atleast_1d(np.asarray(indices))
        if rows.size and (rows.dtype.kind not in "iu" or rows.ndim != 1):
            raise IndexError(f"Expected row numbers. Got an array of {rows.dtype}.")
        wrong = rows[(rows < 0) | (rows >= n_rows)]
        if len(wrong):
            raise IndexError(
                f"Row {wrong[0]} cannot be removed: rows are numbered from 0 to {n_rows - 1}."
            )
        with self._writing():
            self._rows = self._rows.without(rows.astype(np.intp))
        return self

    def save(self, path: str | os.PathLike[str], ids: Iterable[object] | None = None) -> None:
        """Write the fitted rows to a file, without pickle.

        Parameters
        ----------
        path : path-like
            The file. An existing file is replaced once the new one is complete.
        ids : iterable of str or PathLike, default=None
            A name for each row, such as the path of its image. None keeps the `ids_` of a loaded
            estimator.

        Raises
        ------
        ValueError
            If the number of ids is not the number of rows.

        Examples
        --------
        >>> from hashfeatures import HammingNeighbors
        >>> import tempfile
        >>> from pathlib import Path
        >>> neighbors = HammingNeighbors(n_neighbors=1).fit([[0, 0, 0], [1, 1, 1]])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     neighbors.save(Path(folder, "known.bits"), ids=["a.jpg", "b.jpg"])
        ...     known = HammingNeighbors.load(Path(folder, "known.bits"))
        ...     distance, row = known.query([0, 1, 1], n_neighbors=1)
        ...     known.ids_[int(row[0])]
        'b.jpg'
        """
        check_is_fitted(self)
        self._check_parameters()
        arrays = {"words": self._rows.words, "present": self._rows.present}
        if isinstance(ids, str | bytes):
            raise refuse(type(self).__name__, "ids", "an iterable with one id per row", ids)
        names = getattr(self, "ids_", None) if ids is None else Strings.pack(ids)
        if names is not None:
            if len(names) != self.n_samples_fit_:
                raise ValueError(
                    f"Expected one id for each of {self.n_samples_fit_} rows. Got {len(names)}."
                )
            arrays |= {"ids": names.text, "id_ends": names.ends}
        if hasattr(self, "feature_names_in_"):
            columns = Strings.pack(self.feature_names_in_)
            arrays |= {"columns": columns.text, "column_ends": columns.ends}
        facts = {
            "n_bits": self.n_features_in_,
            "n_neighbors": int(self.n_neighbors),
            "radius": int(self.radius),
            "algorithm": self.algorithm,
        }
        write_store(path, _KIND, arrays, facts)

    @classmethod
    @fill_in_parameters
    def load(cls, path: str | os.PathLike[str], *, n_jobs: int | None = None) -> HammingNeighbors:
        """Open a file that `save` wrote. The rows are mapped into memory and read when needed.

        Windows would not let a mapped file be saved again, so there all rows are read at once.

        Parameters
        ----------
        path : path-like
            The file.
        $n_threads

        Returns
        -------
        HammingNeighbors
            The fitted estimator. It has the attribute `ids_`, a sequence of str, if ids were
            saved.

        Raises
        ------
        StoreError
            If the file is of another kind, truncated, damaged, or of a newer release.
        """
        arrays, facts = read_store(path, _KIND)
        loaded = cls(
            facts["n_neighbors"], facts["radius"], algorithm=facts["algorithm"], n_jobs=n_jobs
        )
        loaded.n_features_in_ = facts["n_bits"]
        if "columns" in arrays:
            names = Strings(arrays["columns"], arrays["column_ends"])
            loaded.feature_names_in_ = np.array(list(names), dtype=object)
        if "ids" in arrays:
            loaded.ids_ = Strings(arrays["ids"], arrays["id_ends"])
        loaded._rows = FittedRows(arrays["words"], arrays["present"], facts["n_bits"])
        loaded.n_samples_fit_ = len(loaded._rows)
        return loaded

    def query(
        self, query: Any, radius: int | None = None, n_neighbors: int | None = None
    ) -> tuple[Bits, Rows]:
        """Find the neighbors of one query, in microseconds.

        Services that answer, add and remove all the time call this method. It takes packed bits
        and hex strings as well, and checks less than `radius_neighbors` and `kneighbors` do.

        The first queries compare all rows. When they have taken as long as building tables takes,
        one of them builds the tables, about a second for a million rows, while those of other
        threads do without. The tables are kept, and extended, when rows are added and removed.

        Parameters
        ----------
        query : array-like of shape (n_bits,) or (1, n_bits), ndarray, bytes or str
            Zeros and ones; or ``numpy.packbits`` of them, as uint8, viewed as uint64, or as bytes;
            or the hex string of one hash, as ImageHash prints it.
        radius : int, default=None
            The greatest distance in bits, at most the number of bits. None means the estimator's
            own, or any distance if `n_neighbors` is passed.
        n_neighbors : int, default=None
            The greatest number of neighbors. None means all within the radius.

        Returns
        -------
        distances : ndarray of shape (n_found,), dtype int64
            The distances in bits, ascending.
        indices : ndarray of shape (n_found,), dtype intp
            The fitted rows. Those at the same distance are in order.

        Raises
        ------
        ValueError
            If the query is none of these, or has another number of bits.
        TooManyPairsError
            If more than 100 million rows are within the radius.

        Notes
        -----
        Threads may call `query`, the other searches, `partial_fit` and `remove` at the same time.
        A query reads the rows as they were when it began. It never waits, and never sees a part of
        an update.

        Examples
        --------
        >>> import numpy as np
        >>> from hashfeatures import HammingNeighbors
        >>> bits = np.array([[0, 0, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 1, 1]])
        >>> neighbors = HammingNeighbors(radius=2).fit(bits)
        >>> neighbors.query([0, 0, 0, 0, 0, 0, 0, 1])
        (array([1, 1]), array([0, 1]))
        >>> neighbors.partial_fit([[1, 1, 1, 1, 1, 1, 1, 1]]).query("ff", n_neighbors=1)
        (array([0]), array([2]))
        >>> neighbors.remove([2]).query(np.packbits(bits[1]), radius=8)
        (array([0, 2]), array([1, 0]))
        """
        rows = self._fitted_rows()
        name, n_bits = type(self).__name__, rows.n_bits
        if n_neighbors is None:
            k, radius = 0, self.radius if radius is None else radius
        else:
            k = check_int(name, "n_neighbors", n_neighbors, 1)
            radius = n_bits if radius is None else radius
        radius = check_radius(name, radius, n_bits)
        words = words_from_query(query, n_bits)
        if words is None:
            return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.intp)
        return rows.search_one(words, radius, k, self.algorithm, self.n_jobs)

    @fill_in_parameters
    def kneighbors(
        self, X: Any = None, n_neighbors: int | None = None, return_distance: bool = True
    ) -> Any:
        """Find the nearest rows of each query.

        Parameters
        ----------
        $queries
        n_neighbors : int, default=None
            The number of neighbors. None means the estimator's own.
        return_distance : bool, default=True
            Whether to return the distances as well.

        Returns
        -------
        distances : ndarray of shape (n_queries, n_neighbors), dtype int64
            The distances in bits, ascending; only with ``return_distance=True``. ``n_bits + 1``
            where rows with NaN leave too few neighbors.
        indices : ndarray of shape (n_queries, n_neighbors), dtype intp
            The fitted rows; -1 where rows with NaN leave too few neighbors.

        Raises
        ------
        ValueError
            If `n_neighbors` is more than the number of fitted rows.

        Examples
        --------
        >>> from hashfeatures import HammingNeighbors
        >>> neighbors = HammingNeighbors(n_neighbors=2).fit([[0, 0, 0], [0, 0, 1], [1, 1, 1]])
        >>> neighbors.kneighbors([[0, 1, 1]])
        (array([[1, 1]]), array([[1, 2]]))
        """
        rows = self._fitted_rows()
        name = type(self).__name__
        k = self.n_neighbors if n_neighbors is None else n_neighbors
        k = check_int(name, "n_neighbors", k, 1)
        others = len(rows) - (X is None)
        if k > others:
            relation = "<" if X is None else "<="
            raise ValueError(
                f"Expected n_neighbors {relation} n_samples_fit, but n_neighbors = {k}, "
                f"n_samples_fit = {len(rows)}"
            )
        words, present, own = self._queries(X, rows)
        if own is None and len(words) <= _FEW and k <= MAX_NEIGHBORS:
            distances = np.full((len(words), k), rows.n_bits + 1, dtype=np.int64)
            indices = np.full((len(words), k), -1, dtype=np.intp)
            for query in np.flatnonzero(present):
                near, found = rows.snapshot.search(words[query], rows.n_bits, k, self.algorithm)
                distances[query, : len(near)] = near
                indices[query, : len(near)] = found
        else:
            distances, indices = self._search_nearest(rows, words, k, own)
            distances[~present] = rows.n_bits + 1
            indices[~present] = -1
        return (distances, indices) if return_distance else indices

    @fill_in_parameters
    def radius_neighbors(
        self,
        X: Any = None,
        radius: int | None = None,
        return_distance: bool = True,
        sort_results: bool = False,
    ) -> Any:
        """Find all rows within a radius of each query.

        Parameters
        ----------
        $queries
        $search_radius
        return_distance : bool, default=True
            Whether to return the distances as well.
        sort_results : bool, default=False
            Whether to sort the neighbors of a query by distance, then row. Otherwise they are
            sorted by row.

        Returns
        -------
        distances : ndarray of shape (n_queries,), dtype object
            An array of distances in bits for each query, dtype int64; only with
            ``return_distance=True``.
        indices : ndarray of shape (n_queries,), dtype object
            An array of fitted rows for each query, dtype intp.

        Raises
        ------
        TooManyPairsError
            If more than 100 million pairs of a query and a row are within the radius.

        Examples
        --------
        >>> from hashfeatures import HammingNeighbors
        >>> neighbors = HammingNeighbors(radius=1).fit([[0, 0, 0], [0, 0, 1], [1, 1, 1]])
        >>> distances, rows = neighbors.radius_neighbors([[0, 1, 1], [1, 0, 0]])
        >>> rows.tolist()
        [array([1, 2]), array([0])]
        """
        if sort_results and not return_distance:
            raise ValueError("return_distance must be True if sort_results is True.")
        found, n_queries = self._near(X, radius, sort_results)
        ends = np.bincount(found.left, minlength=n_queries).cumsum().tolist()
        starts = [0, *ends[:-1]]
        indices, distances = np.empty((2, n_queries), dtype=object)
        for query, (start, end) in enumerate(zip(starts, ends, strict=True)):
            indices[query] = found.right[start:end]
            distances[query] = found.distance[start:end]
        return (distances, indices) if return_distance else indices

    @fill_in_parameters
    def kneighbors_graph(
        self, X: Any = None, n_neighbors: int | None = None, mode: str = "connectivity"
    ) -> csr_matrix:
        """Return the nearest neighbors of each query as a sparse graph.

        Parameters
        ----------
        $queries
        n_neighbors : int, default=None
            The number of neighbors. None means the estimator's own.
        mode : {"connectivity", "distance"}, default="connectivity"
            Whether the edges hold ones or distances in bits.

        Returns
        -------
        csr_matrix of shape (n_queries, n_samples_fit), dtype float64
            The graph. The edges of a row are sorted by distance, then column. Distances of zero
            are stored.

        Examples
        --------
        >>> from hashfeatures import HammingNeighbors
        >>> neighbors = HammingNeighbors(n_neighbors=1).fit([[0, 0, 0], [0, 0, 1], [1, 1, 1]])
        >>> neighbors.kneighbors_graph(mode="distance").toarray()
        array([[0., 1., 0.],
               [1., 0., 0.],
               [0., 2., 0.]])
        """
        check_choice(type(self).__name__, "mode", mode, MODES)
        distances, rows = self.kneighbors(X, n_neighbors)
        found = rows >= 0
        left = np.repeat(np.arange(len(rows)), found.sum(axis=1))
        return self._graph(Pairs(left, rows[found], distances[found]), len(rows), mode)

    @fill_in_parameters
    def radius_neighbors_graph(
        self,
        X: Any = None,
        radius: int | None = None,
        mode: str = "connectivity",
        sort_results: bool = False,
    ) -> csr_matrix:
        """Return all rows within a radius of each query as a sparse graph.

        Parameters
        ----------
        $queries
        $search_radius
        mode : {"connectivity", "distance"}, default="connectivity"
            Whether the edges hold ones or distances in bits.
        sort_results : bool, default=False
            Whether to sort the edges of a row by distance, then column. Otherwise they are sorted
            by column.

        Returns
        -------
        csr_matrix of shape (n_queries, n_samples_fit), dtype float64
            The graph. Distances of zero are stored.

        Raises
        ------
        TooManyPairsError
            If more than 100 million pairs of a query and a row are within the radius.

        Examples
        --------
        >>> from hashfeatures import HammingNeighbors
        >>> neighbors = HammingNeighbors(radius=1).fit([[0, 0, 0], [0, 0, 1], [1, 1, 1]])
        >>> neighbors.radius_neighbors_graph().toarray()
        array([[0., 1., 0.],
               [1., 0., 0.],
               [0., 0., 0.]])
        """
        check_choice(type(self).__name__, "mode", mode, MODES)
        found, n_queries = self._near(X, radius, sort_results)
        return self._graph(found, n_queries, mode)

    @fill_in_parameters
    @busy("searching near codes")
    def pairs(
        self, radius: int | None = None, *, limit: int | None = MAX_PAIRS, progress: bool = False
    ) -> Pairs:
        """Find all pairs of fitted rows within a radius of each other.

        Parameters
        ----------
        $search_radius
        limit : int, default=100_000_000
            The greatest number of pairs to return. None means no limit.
        $progress

        Returns
        -------
        Pairs
            ``left``, ``right`` and ``distance``. Each pair appears once, with ``left < right``.
            Pairs are sorted by left, then right.

        Raises
        ------
        TooManyPairsError
            If there are more than `limit` pairs.
        """
        check_is_fitted(self)
        name = type(self).__name__
        if limit is not None:
            check_int(name, "limit", limit, 0)
        check_bool(name, "progress", progress)
        return self._index().all_pairs(self._check_radius(radius), limit, progress)

    @fill_in_parameters
    def iter_pairs(self, radius: int | None = None, *, progress: bool = False) -> Iterator[Pairs]:
        """Find all pairs of fitted rows within a radius of each other, block by block.

        Memory stays small however many pairs there are.

        Parameters
        ----------
        $search_radius
        $progress

        Returns
        -------
        iterator of Pairs
            Blocks of pairs, in no particular order. Each pair appears once, with
            ``left < right``.

        Examples
        --------
        >>> from hashfeatures import HammingNeighbors
        >>> neighbors = HammingNeighbors(radius=1).fit([[0, 0, 0], [0, 0, 1], [1, 1, 1]])
        >>> sum(len(pairs.left) for pairs in neighbors.iter_pairs())
        1
        """
        check_is_fitted(self)
        check_bool(type(self).__name__, "progress", progress)
        return self._index().pairs(self._check_radius(radius), progress)

    @fill_in_parameters
    @busy("searching near codes")
    def components(self, radius: int | None = None, *, progress: bool = False) -> NDArray[np.intp]:
        """Label the connected components of rows within a radius, without storing pairs.

        Parameters
        ----------
        $search_radius
        $progress

        Returns
        -------
        ndarray of shape (n_samples_fit,), dtype intp
            Labels from 0 on, in the order in which components first appear. A missing row has a
            label of its own.

        Examples
        --------
        >>> from hashfeatures import HammingNeighbors
        >>> neighbors = HammingNeighbors(radius=1).fit([[0, 0, 0], [0, 0, 1], [1, 1, 1]])
        >>> neighbors.components()
        array([0, 0, 1])
        """
        check_is_fitted(self)
        check_bool(type(self).__name__, "progress", progress)
        return self._index().components(self._check_radius(radius), progress)

    def _check_parameters(self) -> None:
        name = type(self).__name__
        check_int(name, "n_neighbors", self.n_neighbors, 1)
        check_int(name, "radius", self.radius, 0)
        check_choice(name, "algorithm", self.algorithm, _ALGORITHMS)
        check_n_jobs(name, self.n_jobs)

    def _check_radius(self, radius: int | None) -> int:
        value = self.radius if radius is None else radius
        return check_radius(type(self).__name__, value, self.n_features_in_)

    def _pack(self, X: Any) -> tuple[NDArray[np.uint64], NDArray[np.bool_]]:
        return words_from_bits(self._check_bits(X, reset=False))

    def _index(self) -> HammingIndex:
        return self._rows.index(self.algorithm, self.n_jobs)

    def _fitted_rows(self) -> FittedRows:
        """Return the rows as they are now, which later changes leave alone."""
        rows: FittedRows | None = self.__dict__.get("_rows")
        if rows is None:
            check_is_fitted(self)
            raise AssertionError("an estimator without rows is not fitted")
        return rows

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Hold the lock of the rows, or that of all estimators that have none yet."""

        def find_lock() -> Any:
            rows = self.__dict__.get("_rows")
            return _FIRST_FIT if rows is None else rows.history.lock

        while True:
            lock = find_lock()
            with lock:
                if find_lock() is lock:  # else another thread has replaced the rows
                    yield
                    return

    def _queries(
        self, X: Any, rows: FittedRows
    ) -> tuple[NDArray[np.uint64], NDArray[np.bool_], Rows | None]:
        """Return the words of the queries, which are present, and the row that each of them is."""
        if X is None:
            return rows.words, rows.present, np.arange(len(rows))
        return *self._pack(X), None

    def _near(self, X: Any, radius: int | None, sort_results: bool) -> tuple[Pairs, int]:
        rows = self._fitted_rows()
        check_bool(type(self).__name__, "sort_results", sort_results)
        words, present, own = self._queries(X, rows)
        bits = self._check_radius(radius)
        queries = np.flatnonzero(present)
        if own is None and len(words) <= _FEW:
            blocks, n_found = [], 0
            for query in queries.tolist():
                distances, near = rows.snapshot.search(
                    words[query], bits, 0, self.algorithm, MAX_PAIRS - n_found
                )
                blocks.append(Pairs(np.full(len(near), query), near, distances))
                n_found += len(near)
            found = blocks[0] if len(blocks) == 1 else Pairs.concatenate(blocks)
            return found if sort_results else found.in_order(), len(words)
        found = self._search_within(
            rows, words[queries], bits, None if own is None else own[queries]
        )
        found = found._replace(left=queries[found.left])
        if sort_results:
            found = found.by_distance()
        return found, len(words)

    @busy("searching near codes")
    def _search_nearest(
        self, rows: FittedRows, words: NDArray[np.uint64], k: int, own: Rows | None
    ) -> tuple[Bits, Rows]:
        return rows.index_of_runs(self.algorithm, self.n_jobs).kneighbors(words, k, own)

    @busy("searching near codes")
    def _search_within(
        self, rows: FittedRows, words: NDArray[np.uint64], radius: int, own: Rows | None
    ) -> Pairs:
        return rows.index_of_runs(self.algorithm, self.n_jobs).radius(words, radius, own)

    def _graph(self, found: Pairs, n_queries: int, mode: str) -> csr_matrix:
        data = np.ones(len(found.left)) if mode == "connectivity" else found.distance.astype(float)
        ends = np.bincount(found.left, minlength=n_queries).cumsum()
        return csr_matrix(
            (data, found.right, np.concatenate([[0], ends])),
            shape=(n_queries, self.n_samples_fit_),
        )
