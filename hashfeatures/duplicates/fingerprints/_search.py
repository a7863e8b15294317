"""The search for near fingerprints, which yields the graph of near images."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..._utils.progress import busy
from ...hamming._index import HammingIndex
from ...hamming._log_structured import LogStructuredIndex, merge_runs
from ...hamming._pairs import MAX_PAIRS, Pairs
from ...hamming._row_lookup import RowLookup
from .._components import Labels
from .._pair_graph import PairGraph
from ._confirmation import Confirmation
from ._fingerprints import Fingerprints

# Pairs that are confirmed at a time.
_BLOCK = 2**16


@busy("comparing images")
def build_graph(
    fingerprints: Fingerprints,
    radius: int,
    n_jobs: int | None,
    confirmation: Confirmation = Confirmation(),
) -> PairGraph:
    """Find every two images that are near each other.

    Parameters
    ----------
    fingerprints : Fingerprints
        The fingerprints of the images.
    radius : int
        The greatest distance of two hashes, in bits.
    n_jobs : int or None
        The number of threads that search.
    confirmation : Confirmation
        What two images of near hashes must share beside these.

    Returns
    -------
    PairGraph
        The pairs.
    """
    numbers = fingerprints.number()
    search = search_numbered(fingerprints, numbers, radius, n_jobs, confirmation)
    return PairGraph.survey(numbers, int(numbers.max(initial=-1)) + 1, search)


@busy("comparing images")
def extend_graph(graph: PairGraph, more: Fingerprints, n_jobs: int | None) -> PairGraph:
    """Add images to a graph of `build_graph`; only their pairs are searched.

    Parameters
    ----------
    graph : PairGraph
        The graph, which is left as it is.
    more : Fingerprints
        The fingerprints of the images to add.
    n_jobs : int or None
        The number of threads that search.

    Returns
    -------
    PairGraph
        The graph of all images.
    """
    search = graph.search
    assert isinstance(search, FingerprintSearch)
    numbers, search = search.extended(more, n_jobs)
    return graph.extended(numbers, search.n_nodes, search)


def get_confirmation(graph: PairGraph) -> Confirmation:
    """Return what near images share beside their hashes in a graph of `build_graph`."""
    search = graph.search
    assert isinstance(search, FingerprintSearch)
    return search.confirmation


def find_matches(graph: PairGraph, queries: Fingerprints, n_jobs: int | None) -> Pairs:
    """Find the images of a graph of `build_graph` that are near other images.

    Parameters
    ----------
    graph : PairGraph
        The graph.
    queries : Fingerprints
        The fingerprints of the other images.
    n_jobs : int or None
        The number of threads that search.

    Returns
    -------
    Pairs
        Left the query, right the image; ordered by left, then right.
    """
    search = graph.search
    assert isinstance(search, FingerprintSearch)
    search.n_jobs = n_jobs
    return graph.images_of(search.matches(queries))


def search_numbered(
    fingerprints: Fingerprints,
    numbers: Labels,
    radius: int,
    n_jobs: int | None,
    confirmation: Confirmation,
) -> FingerprintSearch:
    """Return the search among the different fingerprints of images, as they are numbered."""
    known = np.flatnonzero(numbers >= 0)[::-1]
    firsts = np.empty(int(numbers.max(initial=-1)) + 1, dtype=np.intp)
    firsts[numbers[known]] = known  # of the images with one number, the first one stays
    all_differ = np.array_equal(firsts, np.arange(len(numbers)))
    different = fingerprints if all_differ else fingerprints.take(firsts)
    return FingerprintSearch(different, radius, n_jobs, confirmation)


class FingerprintSearch:
    """The near pairs of fingerprints that all differ; a `PairSearch`.

    Its indexes stay, and serve the searches that it is extended to.

    Parameters
    ----------
    fingerprints : Fingerprints
        The fingerprints.
    radius, n_jobs, confirmation
        As for `build_graph`; `n_jobs` may be changed.
    """

    def __init__(
        self,
        fingerprints: Fingerprints,
        radius: int,
        n_jobs: int | None,
        confirmation: Confirmation,
    ) -> None:
        self.n_jobs = n_jobs
        self._fingerprints = fingerprints
        self._radius = radius
        self.confirmation = confirmation
        # Where the runs of the index end, see `LogStructuredIndex`, and the indexes built so far.
        self._ends: tuple[int, ...] = (int(fingerprints.comparable.sum()),)
        self._indexes: dict[Any, HammingIndex] = {}

    @property
    def n_nodes(self) -> int:
        """The number of fingerprints."""
        return len(self._fingerprints.words)

    def extended(self, more: Fingerprints, n_jobs: int | None) -> tuple[Labels, FingerprintSearch]:
        """Return the numbers of more images, and a search among their fingerprints too."""
        codes = np.full(len(more.comparable), -1, dtype=np.intp)
        codes[more.comparable] = _find(self._by_hashes, more.take(more.comparable).keys())
        codes[more.low_detail] = _find(self._by_pixels, more.pixel_digests[more.low_detail])
        new = np.flatnonzero((codes < 0) & (more.comparable | more.low_detail))
        different = more.take(new)
        numbers = different.number()
        codes[new] = self.n_nodes + numbers
        added = different.take(np.unique(numbers, return_index=True)[1])
        search = FingerprintSearch(
            Fingerprints.join([self._fingerprints, added]),
            self._radius,
            n_jobs,
            self.confirmation,
        )
        hashed, plain = (
            self.n_nodes + np.flatnonzero(kind) for kind in (added.comparable, added.low_detail)
        )
        for name, keys, numbers in (
            ("_by_hashes", added.take(added.comparable).keys(), hashed),
            ("_by_pixels", added.pixel_digests[added.low_detail], plain),
        ):
            lookup, known = getattr(self, name)
            search.__dict__[name] = lookup.extended(keys), np.concatenate([known, numbers])
        search._ends = (
            merge_runs(self._ends, self._ends[-1] + len(hashed)) if len(hashed) else self._ends
        )
        spans = set(pairwise((0, *search._ends)))
        search._indexes = {key: one for key, one in self._indexes.items() if key[:2] in spans}
        return codes, search

    def blocks(self) -> Iterator[Pairs]:
        """Yield every two fingerprints that are near, each pair once, with ``left < right``."""
        shown, numbers = self._comparable
        if shown.views is not None:
            found = shown.views.blocks(self._radius, self.n_jobs)
        else:
            found = self._index_of(0, self._ends[-1]).pairs(self._radius)
        for block in _join_small(found):
            near = self._confirm(shown, block)
            yield Pairs(numbers[near.left], numbers[near.right], near.distance)

    def neighbors(self, asked: Labels, limit: int | None = None) -> Pairs:
        """Return what is near fingerprints: left the place in `asked`, right the fingerprint."""
        found = self._look_up(self._fingerprints.take(asked), limit)
        return found.take(asked[found.left] != found.right)

    def matches(self, queries: Fingerprints) -> Pairs:
        """Return what is near other images: left the image, right the fingerprint."""
        by_hashes = self._look_up(queries, MAX_PAIRS)
        plain = np.flatnonzero(queries.low_detail)
        equal = _find(self._by_pixels, queries.pixel_digests[plain])
        by_pixels = Pairs(plain, equal, np.zeros(len(plain), dtype=np.int64)).take(equal >= 0)
        return Pairs.concatenate([by_hashes, by_pixels])

    def _look_up(self, queries: Fingerprints, limit: int | None) -> Pairs:
        """Return the fingerprints whose hashes are near those of queries."""
        shown, numbers = self._comparable
        asked = np.flatnonzero(queries.comparable)
        queries = queries.take(asked)
        if shown.views is not None and queries.views is not None:
            found = shown.views.matches(queries.views, self._radius, self.n_jobs, limit)
        else:
            indexes = [self._index_of(*span) for span in pairwise((0, *self._ends))]
            index = LogStructuredIndex(indexes, self._ends)
            found = index.radius(queries.words, self._radius, limit=limit)
        near = self._confirm(queries, found)
        return Pairs(asked[near.left], numbers[near.right], near.distance)

    def _confirm(self, queries: Fingerprints, pairs: Pairs) -> Pairs:
        """Keep the pairs that share all that near images must share beside their hashes."""
        stays = self.confirmation.test(queries, self._comparable[0], pairs, self.n_jobs)
        return pairs if stays.all() else pairs.take(stays)

    @cached_property
    def _comparable(self) -> tuple[Fingerprints, Labels]:
        """The fingerprints that have hashes, and their numbers: different pixels are not near."""
        hashed = np.flatnonzero(self._fingerprints.comparable)
        if len(hashed) == self.n_nodes:
            return self._fingerprints, hashed
        return self._fingerprints.take(hashed), hashed

    @cached_property
    def _by_hashes(self) -> tuple[RowLookup, Labels]:
        """The look-up of fingerprints by their hashes, and their numbers."""
        shown, numbers = self._comparable
        return RowLookup(shown.keys()), numbers

    @cached_property
    def _by_pixels(self) -> tuple[RowLookup, Labels]:
        """The look-up of fingerprints by their pixels, and their numbers."""
        plain = np.flatnonzero(self._fingerprints.low_detail)
        return RowLookup(self._fingerprints.pixel_digests[plain]), plain

    def _index_of(self, start: int, end: int) -> HammingIndex:
        """Return the index of some of the fingerprints that have hashes, which stays."""
        key = (start, end, self.n_jobs)
        if key not in self._indexes:
            words = self._comparable[0].words[start:end]
            everyone = np.ones(len(words), dtype=bool)
            n_bits = self._fingerprints.n_bits
            self._indexes[key] = HammingIndex(words, everyone, n_bits, self.n_jobs)
        return self._indexes[key]

    def __getstate__(self) -> dict[str, Any]:
        made = ("_comparable", "_by_hashes", "_by_pixels")
        state = {name: value for name, value in self.__dict__.items() if name not in made}
        return state | {"_indexes": {}}


def _find(known: tuple[RowLookup, Labels], keys: NDArray[np.uint64]) -> Labels:
    """Return the numbers of the fingerprints that have these keys; -1 for none."""
    lookup, numbers = known
    places = lookup.find(keys)
    found = np.full(len(keys), -1, dtype=np.intp)
    found[places >= 0] = numbers[places[places >= 0]]
    return found


def _join_small(blocks: Iterable[Pairs]) -> Iterator[Pairs]:
    """Join small blocks, so that there are few."""
    held, n_held = [], 0
    for block in blocks:
        held.append(block)
        n_held += len(block.left)
        if n_held >= _BLOCK:
            yield Pairs.concatenate(held)
            held, n_held = [], 0
    yield Pairs.concatenate(held)
