"""Codes laid out in bands to be asked for, as far as the queries pay for it."""

from __future__ import annotations

from functools import cached_property

from ._bands import Band, Buckets, Words
from ._plan import (
    Plan,
    build_cost,
    candidate_cost,
    choose_query_bands,
    measure_shares,
    plan_queries,
    query_bands,
    query_cost,
)


class Layouts:
    """The ways to search codes for the neighbours of queries.

    Bands suit a radius: those of a small one are wide. Codes are laid out in the bands that suit
    best once the time spent without them would have paid for it.

    Parameters
    ----------
    codes : ndarray of shape (n_codes, n_words), dtype uint64
        The codes, which all differ.
    n_bits : int
        How many bits a code has.
    algorithm : {"auto", "brute", "multi_index"}
        Whether to compare everything with everything, to search bands, or what costs less.
    """

    def __init__(self, codes: Words, n_bits: int, algorithm: str) -> None:
        self.codes = codes
        self._n_bits = n_bits
        self._algorithm = algorithm
        self._buckets: dict[Band, Buckets] = {}
        self._bands: dict[int, list[Band]] = {}
        self._plans: dict[tuple[int, int], Plan] = {}
        self._best: dict[int, int] = {}
        self._spent = 0.0

    @cached_property
    def n_bands(self) -> int:
        """How many bands suit a search that does not know its radius."""
        return len(query_bands(len(self.codes), self._n_bits))

    def plan(self, n_queries: int, radius: int, n_bands: int | None = None) -> Plan:
        """Plan a search.

        Parameters
        ----------
        n_queries : int
            How many queries there are.
        radius : int
            The greatest distance, in bits.
        n_bands : int, optional
            Into how many bands codes are laid out; None: whatever suits the radius.

        Returns
        -------
        Plan
            The cheapest way: no bands where comparing all is.
        """
        n_codes, n_words = self.codes.shape
        scan = _of_all(Plan((), (), n_codes * candidate_cost(n_words)), n_queries)
        if self._algorithm == "brute":
            return scan
        radius = min(radius, self._n_bits)
        suited = self._suit(radius) if n_bands is None else n_bands
        wanted = _of_all(self._plan(suited, radius), n_queries)
        missing = [band for band in wanted.bands if band not in self._buckets]
        if self._algorithm == "auto" and missing:
            at_hand = min([scan, *self._laid_out(n_queries, radius)], key=lambda plan: plan.cost)
            self._spent += max(at_hand.cost - wanted.cost, 0.0)
            if self._spent < build_cost(n_codes, missing):
                return at_hand
            self._spent = 0.0
        forced = self._algorithm == "multi_index" and wanted.cost < float("inf")
        return wanted if forced or wanted.cost < scan.cost else scan

    def buckets(self, band: Band) -> Buckets:
        """Return the codes in the order of a band."""
        if band not in self._buckets:
            self._buckets[band] = Buckets.of(self.codes, band)
        return self._buckets[band]

    def _laid_out(self, n_queries: int, radius: int) -> list[Plan]:
        """Return the plans for the bands in which codes are laid out."""
        return [
            _of_all(self._plan(n_bands, radius), n_queries)
            for n_bands, bands in self._bands.copy().items()  # other threads may add some
            if all(band in self._buckets for band in bands)
        ]

    def _suit(self, radius: int) -> int:
        if radius not in self._best:
            self._best[radius] = choose_query_bands(len(self.codes), self._n_bits, radius)
        return self._best[radius]

    def _plan(self, n_bands: int, radius: int) -> Plan:
        """Return what one query costs."""
        key = n_bands, radius
        if key not in self._plans:
            if n_bands not in self._bands:
                self._bands[n_bands] = query_bands(len(self.codes), self._n_bits, n_bands)
            bands = self._bands[n_bands]
            shares = measure_shares(self.codes, bands, self._n_bits)
            self._plans[key] = plan_queries(shares, bands, len(self.codes), 1, radius)
        return self._plans[key]


def _of_all(of_one: Plan, n_queries: int) -> Plan:
    """Return what a plan for one query costs for all."""
    cost = query_cost(of_one.cost, n_queries, len(of_one.bands))
    return Plan(of_one.bands, of_one.limits, cost)
