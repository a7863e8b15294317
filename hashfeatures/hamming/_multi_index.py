"""Multi-index hashing: tables of codes by bands of their bits, built when they pay off.

A table groups codes by the bits of a band, which Norouzi et al. call a substring.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

from ._bands import Band, Buckets, Words
from ._costs import build_cost, nearest_cost, query_cost, sampled_pairs, scan_cost
from ._distances import Shares, sample_distances
from ._plan import Plan, choose_query_bands, plan_queries, query_bands

# Nanoseconds. Queries that compare all codes in less time altogether are not planned.
_PER_PLAN = 2e6


class MultiIndex:
    """Tables of codes by the bits of bands, for the neighbors of queries.

    Which bands are best depends on the radius: a small radius suits wide bands. Bands are planned
    once the queries have spent as much time without them as planning takes, and tables once they
    have spent as much as building them takes. A plan is kept for further queries.

    Parameters
    ----------
    codes : ndarray of shape (n_codes, n_words), dtype uint64
        The unique codes.
    n_bits : int
        How many bits a code has.
    algorithm : {"auto", "brute", "multi_index"}
        "brute" compares all codes, "multi_index" searches bands, "auto" does what is cheaper.
    """

    def __init__(self, codes: Words, n_bits: int, algorithm: str) -> None:
        self.codes = codes
        self._n_bits = n_bits
        self._algorithm = algorithm
        self._buckets: dict[Band, Buckets] = {}
        self._bands: dict[int, Sequence[Band]] = {}
        self._plans: dict[tuple[int, int], Plan] = {}
        self._best: dict[int, int] = {}
        self._unplanned = 0.0
        self._spent = 0.0

    @cached_property
    def n_bands(self) -> int:
        """The number of bands for a search without a fixed radius."""
        return len(query_bands(len(self.codes), self._n_bits))

    def plan(self, n_queries: int, radius: int, n_bands: int | None = None) -> Plan:
        """Plan a search.

        Parameters
        ----------
        n_queries : int
            The number of queries.
        radius : int
            The greatest distance, in bits.
        n_bands : int, optional
            The number of bands, in a search for the nearest. None means the best number for the
            radius.

        Returns
        -------
        Plan
            The cheapest plan. It has no bands if comparing all codes is cheapest.
        """
        n_codes, n_words = self.codes.shape
        for_one = (scan_cost if n_bands is None else nearest_cost)(n_codes, n_words)
        scan = self._for_all(Plan((), (), for_one), n_queries)
        if self._algorithm == "brute":
            return scan
        if self._algorithm == "auto" and self._unplanned < _PER_PLAN:
            self._unplanned += scan.cost
            if self._unplanned < _PER_PLAN:
                return scan
        radius = min(radius, self._n_bits)
        suited = self._best_n_bands(radius) if n_bands is None else n_bands
        wanted = self._for_all(self._plan(suited, radius), n_queries)
        missing = [band for band in wanted.bands if band not in self._buckets]
        if self._algorithm == "auto" and missing:
            at_hand = min([scan, *self._at_hand(n_queries, radius)], key=lambda plan: plan.cost)
            self._spent += max(at_hand.cost - wanted.cost, 0.0)
            if self._spent < build_cost(n_codes, missing):
                return at_hand
            self._spent = 0.0
        forced = self._algorithm == "multi_index" and wanted.cost < float("inf")
        return wanted if forced or wanted.cost < scan.cost else scan

    def buckets(self, band: Band) -> Buckets:
        """Return the codes grouped by the bits of a band."""
        if band not in self._buckets:
            self._buckets[band] = Buckets.of(self.codes, band)
        return self._buckets[band]

    @cached_property
    def _distances(self) -> Shares:
        return sample_distances(self.codes, self._n_bits, sampled_pairs(_PER_PLAN / 4))

    def _at_hand(self, n_queries: int, radius: int) -> list[Plan]:
        """Return the plans that need no further table."""
        return [
            self._for_all(self._plan(n_bands, radius), n_queries)
            for n_bands, bands in self._bands.copy().items()  # other threads may add some
            if all(band in self._buckets for band in bands)
        ]

    def _best_n_bands(self, radius: int) -> int:
        if radius not in self._best:
            self._best[radius] = choose_query_bands(self._distances, len(self.codes), radius)
        return self._best[radius]

    def _plan(self, n_bands: int, radius: int) -> Plan:
        """Return the plan of one query."""
        key = n_bands, radius
        if key not in self._plans:
            if n_bands not in self._bands:
                self._bands[n_bands] = query_bands(len(self.codes), self._n_bits, n_bands)
            bands = self._bands[n_bands]
            self._plans[key] = plan_queries(self._distances, bands, len(self.codes), radius)
        return self._plans[key]

    def _for_all(self, of_one: Plan, n_queries: int) -> Plan:
        """Return the plan of all queries, from that of one."""
        cost = query_cost(of_one.cost, n_queries, len(of_one.bands), len(self.codes))
        return replace(of_one, cost=cost)
