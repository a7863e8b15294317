"""Nearest neighbours in the Hamming metric, with the methods of scikit-learn's own."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted, validate_data

from .._utils.array_file import Strings, read_store, write_store
from .._utils.progress import busy
from .._utils.validation import (
    check_bool,
    check_choice,
    check_int,
    check_n_jobs,
    check_radius,
    refuse,
)
from ._index import HammingIndex
from ._log_structured import SegmentedIndex, grow
from ._packing import words_from_bits
from ._pairs import MAX_PAIRS, Pairs

_ALGORITHMS = ("auto", "brute", "multi_index")
_KIND = "HammingNeighbors"
MODES = ("connectivity", "distance")


class TakesBits(BaseEstimator):
    """What the estimators on rows of bits share: how their input is checked, and its tags."""

    def _check_bits(self, X: Any, *, reset: bool) -> NDArray[Any]:
        checked: NDArray[Any] = validate_data(
            self, X, reset=reset, dtype="numeric", ensure_all_finite="allow-nan"
        )
        if checked.dtype == object:  # lists that hold None or pandas.NA, Booleans with nulls
            checked = np.where(pd.isna(checked), np.nan, checked).astype(np.float64)
        return checked

    def _read_bits(self, X: Any) -> tuple[NDArray[Any], dict[str, Any]]:
        """Check what is to be fitted, and return what is learnt of it: nothing is set yet."""
        reader = type(self).__new__(type(self))
        return reader._check_bits(X, reset=True), reader.__dict__

    def _set_fitted(self, **fitted: Any) -> None:
        """Take over what was fitted, all at once; names of the fit before go."""
        names = ("feature_names_in_", "ids_")
        kept = {name: value for name, value in vars(self).items() if name not in names}
        self.__dict__ = kept | fitted

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.positive_only = True
        return tags


class HammingNeighbors(TakesBits):
    """Exact nearest neighbours among rows of bits, by Hamming distance.

    The methods are those of `sklearn.neighbors.NearestNeighbors`. Distances are counted in bits
    (where scikit-learn's ``metric="hamming"`` gives a fraction). Neighbours at the same distance
    come in the order of their rows. A row that holds a NaN, as an image that failed has, is in
    nobody's neighbourhood and has none of its own.

    Parameters
    ----------
    n_neighbors : int, default=5
        How many neighbours `kneighbors` finds.
    radius : int, default=12
        The greatest distance in bits of the neighbors that the searches by radius find. The
        default suits the 128 bits of "phash" and "dhash". A search by a radius above the number
        of bits raises `ParameterError`.
    algorithm : {"auto", "brute", "multi_index"}, default="auto"
        How neighbours are searched; the answers are the same. "multi_index" searches bands of
        bits, "brute" compares all with all, "auto" does what costs less.
    n_jobs : int, default=None
        The number of threads: None is 1 unless in a `joblib.parallel_config` context, -1 is all
        processors.

    Attributes
    ----------
    n_features_in_ : int
        The number of bits of a row.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        The names of the bits, where `fit` was given a frame with string column names.
    n_samples_fit_ : int
        The number of fitted rows, those with NaN included.

    See Also
    --------
    HammingNeighborsTransformer : The neighbours as a sparse graph for other estimators.
    DuplicateGroups : The groups that near neighbours form.

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
    _words: NDArray[np.uint64]
    _present: NDArray[np.bool_]
    _room: NDArray[np.uint64]
    _ends: tuple[int, ...]
    _indexes: dict[Any, HammingIndex]

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

    def fit(self, X: Any, y: Any = None) -> HammingNeighbors:
        """Remember the rows to search among.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_bits)
            Zeros and ones, of any numeric or boolean dtype; a row that holds a NaN is missing.
        y : None
            Ignored.

        Returns
        -------
        HammingNeighbors
            The object itself.

        Raises
        ------
        ValueError
            If `X` holds anything but 0, 1 and NaN.
        """
        self._check_parameters()
        bits, learnt = self._read_bits(X)
        self._set_fitted(**learnt, **_state(*words_from_bits(bits)))
        return self

    def partial_fit(self, X: Any, y: Any = None) -> HammingNeighbors:
        """Add rows to those that are searched; their numbers go on from the last.

        What was laid out for the rows before stays: a batch of rows costs what it costs to lay
        out a few times as many, however many there are already. The `ids_` of a loaded object
        stay too, and go on naming the rows before: `save` wants those of all rows then.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_bits)
            Zeros and ones, as for `fit`.
        y : None
            Ignored.

        Returns
        -------
        HammingNeighbors
            The object itself.
        """
        if not hasattr(self, "n_samples_fit_"):
            return self.fit(X)
        self._check_parameters()
        words, present = self._pack(X, reset=False)
        n_before, n_rows = self.n_samples_fit_, self.n_samples_fit_ + len(words)
        room = self._room
        if n_rows > len(room):
            # Room for as many rows again: a row is copied a few times, however small the batches.
            room = np.zeros((2 * n_rows, words.shape[1]), dtype=np.uint64)
            room[:n_before] = self._words
        room[n_before:n_rows] = words
        ends = grow(self._ends, n_rows)
        fitted = _state(room[:n_rows], np.concatenate([self._present, present]), room)
        kept = self._indexes_of(pairwise((0, *ends)))
        self.__dict__.update(fitted | {"_ends": ends, "_indexes": kept})
        return self

    def remove(self, indices: Any) -> HammingNeighbors:
        """Forget rows: nothing finds them again. The numbers of the others stay.

        Parameters
        ----------
        indices : array-like of shape (n_indices,)
            Fitted rows, as the searches number them.

        Returns
        -------
        HammingNeighbors
            The object itself. `n_samples_fit_` stays: a removed row is one that is missing.

        Raises
        ------
        IndexError
            If there is no such row.
        """
        check_is_fitted(self)
        rows = np.atleast_1d(np.asarray(indices))
        if rows.size and (rows.dtype.kind not in "iu" or rows.ndim != 1):
            raise IndexError(f"Expected row numbers. Got an array of {rows.dtype}.")
        wrong = rows[(rows < 0) | (rows >= self.n_samples_fit_)]
        if len(wrong):
            raise IndexError(
                f"Row {wrong[0]} cannot be removed: rows are numbered from 0 to "
                f"{self.n_samples_fit_ - 1}."
            )
        present = self._present.copy()
        present[rows.astype(np.intp)] = False
        ends = self._ends
        touched = np.unique(np.searchsorted(ends, rows, side="right"))
        kept = self._indexes_of(
            span for number, span in enumerate(pairwise((0, *ends))) if number not in touched
        )
        self.__dict__.update({"_present": present, "_indexes": kept})
        return self

    def save(self, path: str | os.PathLike[str], ids: Iterable[object] | None = None) -> None:
        """Write the fitted rows to a file, without pickle.

        Parameters
        ----------
        path : str or PathLike
            The file; one that exists is replaced when the new one is whole.
        ids : iterable of str or PathLike, optional
            What each row is called, such as the path of its image. None: as `load` found them.

        Raises
        ------
        ValueError
            If there are not as many ids as rows.
        """
        check_is_fitted(self)
        self._check_parameters()
        arrays = {"words": self._words, "present": self._present}
        if isinstance(ids, str | bytes):
            raise refuse(type(self).__name__, "ids", "an iterable with one id a row", ids)
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
    def load(cls, path: str | os.PathLike[str], *, n_jobs: int | None = None) -> HammingNeighbors:
        """Open a file that `save` wrote. The rows are mapped into memory, not read.

        Parameters
        ----------
        path : str or PathLike
            The file.
        n_jobs : int, default=None
            The number of threads, which is no part of the file.

        Returns
        -------
        HammingNeighbors
            Fitted; with the attribute `ids_`, a sequence of str, if ids were saved.

        Raises
        ------
        StoreError
            If the file is foreign, cut short, damaged, or of a newer release.
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
        loaded.__dict__.update(_state(arrays["words"], arrays["present"]))
        return loaded

    @busy("searching near codes")
    def kneighbors(
        self, X: Any = None, n_neighbors: int | None = None, return_distance: bool = True
    ) -> Any:
        """Find the nearest rows to each query.

        Parameters
        ----------
        X : array-like of shape (n_queries, n_bits), optional
            The queries. None: every fitted row, which is then not its own neighbour.
        n_neighbors : int, optional
            How many; None: as the parameter of the estimator says.
        return_distance : bool, default=True
            Whether to return the distances too.

        Returns
        -------
        distances : ndarray of shape (n_queries, n_neighbors), dtype int64
            In bits, ascending; only with ``return_distance=True``. ``n_bits + 1``, more than any
            two rows can have, where a row with NaN leaves no neighbour.
        indices : ndarray of shape (n_queries, n_neighbors), dtype intp
            The fitted rows; -1 where there is none.

        Raises
        ------
        ValueError
            If there are fewer fitted rows than neighbours asked for.
        """
        check_is_fitted(self)
        name = type(self).__name__
        k = self.n_neighbors if n_neighbors is None else n_neighbors
        k = check_int(name, "n_neighbors", k, 1)
        others = self.n_samples_fit_ - (X is None)
        if k > others:
            relation = "<" if X is None else "<="
            raise ValueError(
                f"Expected n_neighbors {relation} n_samples_fit, but n_neighbors = {k}, "
                f"n_samples_fit = {self.n_samples_fit_}"
            )
        words, present, own = self._queries(X)
        distances, rows = self._segments().kneighbors(words, k, own)
        distances[~present] = self.n_features_in_ + 1
        rows[~present] = -1
        return (distances, rows) if return_distance else rows

    @busy("searching near codes")
    def radius_neighbors(
        self,
        X: Any = None,
        radius: int | None = None,
        return_distance: bool = True,
        sort_results: bool = False,
    ) -> Any:
        """Find all rows near each query.

        Parameters
        ----------
        X : array-like of shape (n_queries, n_bits), optional
            The queries. None: every fitted row, which is then not its own neighbour.
        radius : int, optional
            The greatest distance in bits; None: as the parameter of the estimator says.
        return_distance : bool, default=True
            Whether to return the distances too.
        sort_results : bool, default=False
            Whether the neighbours of a query come by distance, then row, or by row alone.

        Returns
        -------
        distances : ndarray of shape (n_queries,), dtype object
            For each query an array of distances in bits, dtype int64; only with
            ``return_distance=True``.
        indices : ndarray of shape (n_queries,), dtype object
            For each query an array of fitted rows, dtype intp.

        Raises
        ------
        TooManyPairsError
            If more than a hundred million pairs of a query and a row are within the radius.
        """
        if sort_results and not return_distance:
            raise ValueError("return_distance must be True if sort_results is True.")
        found, n_queries = self._near(X, radius, sort_results)
        ends = np.bincount(found.left, minlength=n_queries).cumsum()[:-1]
        indices = _object_array(np.split(found.right, ends), n_queries)
        if not return_distance:
            return indices
        return _object_array(np.split(found.distance, ends), n_queries), indices

    def kneighbors_graph(
        self, X: Any = None, n_neighbors: int | None = None, mode: str = "connectivity"
    ) -> csr_matrix:
        """Return the nearest neighbours of each query as a sparse graph.

        Parameters
        ----------
        X : array-like of shape (n_queries, n_bits), optional
            The queries. None: every fitted row, which is then not its own neighbour.
        n_neighbors : int, optional
            How many; None: as the parameter of the estimator says.
        mode : {"connectivity", "distance"}, default="connectivity"
            Whether the edges hold ones or distances.

        Returns
        -------
        csr_matrix of shape (n_queries, n_samples_fit), dtype float64
            The edges of a row are sorted by distance, then by column. A distance of zero is
            stored.
        """
        check_choice(type(self).__name__, "mode", mode, MODES)
        distances, rows = self.kneighbors(X, n_neighbors)
        found = rows >= 0
        left = np.repeat(np.arange(len(rows)), found.sum(axis=1))
        return self._graph(Pairs(left, rows[found], distances[found]), len(rows), mode)

    def radius_neighbors_graph(
        self,
        X: Any = None,
        radius: int | None = None,
        mode: str = "connectivity",
        sort_results: bool = False,
    ) -> csr_matrix:
        """Return all rows near each query as a sparse graph.

        Parameters
        ----------
        X : array-like of shape (n_queries, n_bits), optional
            The queries. None: every fitted row, which is then not its own neighbour.
        radius : int, optional
            The greatest distance in bits; None: as the parameter of the estimator says.
        mode : {"connectivity", "distance"}, default="connectivity"
            Whether the edges hold ones or distances.
        sort_results : bool, default=False
            Whether the edges of a row are sorted by distance, then column, or by column alone.

        Returns
        -------
        csr_matrix of shape (n_queries, n_samples_fit), dtype float64
            A distance of zero is stored.

        Raises
        ------
        TooManyPairsError
            If more than a hundred million pairs of a query and a row are within the radius.
        """
        check_choice(type(self).__name__, "mode", mode, MODES)
        found, n_queries = self._near(X, radius, sort_results)
        return self._graph(found, n_queries, mode)

    @busy("searching near codes")
    def pairs(
        self, radius: int | None = None, *, limit: int | None = MAX_PAIRS, progress: bool = False
    ) -> Pairs:
        """Find every two fitted rows that are near each other.

        Parameters
        ----------
        radius : int, optional
            The greatest distance in bits; None: as the parameter of the estimator says.
        limit : int, default=100_000_000
            How many pairs to return at most; None: as many as there are.
        progress : bool, default=False
            Whether to show a bar.

        Returns
        -------
        Pairs
            ``left``, ``right`` and ``distance``, with ``left < right``, each pair once, ordered by
            left, then right.

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

    def iter_pairs(self, radius: int | None = None, *, progress: bool = False) -> Iterator[Pairs]:
        """Find every two fitted rows that are near each other, block by block.

        However many pairs there are, few are held at a time.

        Parameters
        ----------
        radius : int, optional
            The greatest distance in bits; None: as the parameter of the estimator says.
        progress : bool, default=False
            Whether to show a bar.

        Returns
        -------
        iterator of Pairs
            Blocks of pairs with ``left < right``, each pair once, in no order.
        """
        check_is_fitted(self)
        check_bool(type(self).__name__, "progress", progress)
        return self._index().pairs(self._check_radius(radius), progress)

    @busy("searching near codes")
    def components(self, radius: int | None = None, *, progress: bool = False) -> NDArray[np.intp]:
        """Label the groups that chains of near rows form, without holding their pairs.

        Parameters
        ----------
        radius : int, optional
            The greatest distance in bits; None: as the parameter of the estimator says.
        progress : bool, default=False
            Whether to show a bar.

        Returns
        -------
        ndarray of shape (n_samples_fit,), dtype intp
            Labels from 0 on, in the order in which groups first appear. A missing row has a
            label of its own.
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

    def _pack(self, X: Any, reset: bool) -> tuple[NDArray[np.uint64], NDArray[np.bool_]]:
        return words_from_bits(self._check_bits(X, reset=reset))

    def _index(self) -> HammingIndex:
        """Return the index of all rows, in which pairs are searched."""
        return self._index_of(0, self.n_samples_fit_)

    def _segments(self) -> SegmentedIndex:
        """Return the indexes of the batches of rows, in which queries are."""
        indexes = [self._index_of(*span) for span in pairwise((0, *self._ends))]
        return SegmentedIndex(indexes, self._ends)

    def _index_of(self, start: int, end: int) -> HammingIndex:
        """Return the index of some rows, which stays until they or parameters change."""
        key = (start, end, self.algorithm, self.n_jobs)
        if key not in self._indexes:
            self._indexes[key] = HammingIndex(
                self._words[start:end],
                self._present[start:end],
                self.n_features_in_,
                self.n_jobs,
                self.algorithm,
            )
        return self._indexes[key]

    def _indexes_of(self, spans: Iterable[tuple[int, int]]) -> dict[Any, HammingIndex]:
        """Return the indexes that there are of some rows."""
        wanted = set(spans)
        return {key: index for key, index in self._indexes.items() if key[:2] in wanted}

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        if "_indexes" in state:
            state |= {"_indexes": {}, "_room": state["_words"]}
        return state

    def _queries(self, X: Any) -> tuple[NDArray[np.uint64], NDArray[np.bool_], Any]:
        """Return the queries' words, which are present, and which row each of them is."""
        if X is None:
            return self._words, self._present, np.arange(self.n_samples_fit_)
        return *self._pack(X, reset=False), None

    def _near(self, X: Any, radius: int | None, sort_results: bool) -> tuple[Pairs, int]:
        check_is_fitted(self)
        check_bool(type(self).__name__, "sort_results", sort_results)
        words, present, own = self._queries(X)
        queries = np.flatnonzero(present)
        found = self._segments().radius(
            words[queries], self._check_radius(radius), None if own is None else own[queries]
        )
        found = found._replace(left=queries[found.left])
        if sort_results:
            found = found.by_distance()
        return found, len(words)

    def _graph(self, found: Pairs, n_queries: int, mode: str) -> csr_matrix:
        data = np.ones(len(found.left)) if mode == "connectivity" else found.distance.astype(float)
        ends = np.bincount(found.left, minlength=n_queries).cumsum()
        return csr_matrix(
            (data, found.right, np.concatenate([[0], ends])),
            shape=(n_queries, self.n_samples_fit_),
        )


def _state(
    words: NDArray[np.uint64],
    present: NDArray[np.bool_],
    room: NDArray[np.uint64] | None = None,
) -> dict[str, Any]:
    """Return what is known of fitted rows, of which no index is made yet."""
    return {
        "_words": words,
        "_present": present,
        "_room": words if room is None else room,
        "n_samples_fit_": len(words),
        "_ends": (len(words),),
        "_indexes": {},
    }


def _object_array(arrays: list[NDArray[Any]], length: int) -> NDArray[np.object_]:
    """Return an array that holds arrays, whatever their lengths."""
    result = np.empty(length, dtype=object)
    result[:] = arrays[:length]
    return result
