"""The compiled loops that answer one query.

They write the codes that they find as keys, ``distance << 32 | row``. The order of these numbers
is that of the answer: by distance, then row. Both loops share the meaning of these arguments:

query : ndarray of shape (n_words,), dtype uint64
    The query.
words : ndarray of shape (n_rows, n_words), dtype uint64
    All codes.
present : ndarray of shape (n_rows,), dtype bool
    False where a row is not searched.
radius, k : int
    The greatest distance, and the greatest number of neighbors. Zero neighbors means all.
found : ndarray of shape (k or more,), dtype int64
    Written: the keys, sorted if `k` is not zero. Keys beyond its end are counted only.
n_found : int
    How many keys it holds at first.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numba import types

from .._utils.compiling import compile_loop, count_ones, inline, read_only, writable

_ROW_BITS = 32
_BLOCK = 64  # codes whose least distance is found first, by vector instructions
_BUCKETS, _HELD = 128, 512  # buckets and rows that are read at a time


@inline
def _distance(query: Any, code: Any, n_words: Any) -> Any:  # pragma: no cover
    distance = np.uint64(0)
    for word in range(n_words):
        distance += count_ones(query[word] ^ code[word])
    return np.int64(distance)


@inline
def _bound(radius: Any, k: Any, found: Any, n_found: Any) -> Any:  # pragma: no cover
    """Return the key that all further ones must be below."""
    if k and n_found == k:
        return found[k - 1]
    return (np.int64(radius) + 1) << _ROW_BITS


@inline
def _keep(key: Any, k: Any, found: Any, n_found: Any) -> Any:  # pragma: no cover
    """Write a key below the bound, and return how many there are now."""
    if not k:
        if n_found < len(found):
            found[n_found] = key
        return n_found + 1
    place = min(n_found, k - 1)
    while place and found[place - 1] > key:
        found[place] = found[place - 1]
        place -= 1
    found[place] = key
    return min(n_found + 1, k)


@cache
def scan_of(n_words: int) -> Callable[..., int]:
    """Compile the comparison with all rows from `first` to `last`, for codes of `n_words` words.

    It returns the number of keys.
    """

    @compile_loop(
        types.int64(
            read_only(types.uint64), read_only(types.uint64, 2), read_only(types.boolean),
            types.int64, types.int64, types.int64, types.int64, writable(types.int64), types.int64,
        ),
    )  # fmt: skip
    def scan(
        query: Any, words: Any, present: Any,
        first: Any, last: Any, radius: Any, k: Any, found: Any, n_found: Any,
    ) -> Any:  # pragma: no cover  # fmt: skip
        bound = _bound(radius, k, found, n_found)
        for start in range(first, last, _BLOCK):
            end = min(start + _BLOCK, last)
            least = np.int64(64 * n_words + 1)
            for row in range(np.uint64(start), np.uint64(end)):
                least = min(least, _distance(query, words[row], n_words))
            if least << _ROW_BITS >= bound:
                continue
            for row in range(start, end):
                key = _distance(query, words[row], n_words) << _ROW_BITS | row
                if key < bound and present[row]:
                    n_found = _keep(key, k, found, n_found)
                    bound = _bound(radius, k, found, n_found)
        return n_found

    compiled: Callable[..., int] = scan
    return compiled


@cache
def look_up_of(n_words: int) -> Callable[..., int]:
    """Compile the look-up in the tables of bands, for codes of `n_words` words.

    It looks up one band after the other, and the buckets nearest to the query first, until no
    code that was not seen can be near enough. Its further arguments are the arrays of
    `QueryTables`, and the number of candidates after which it gives up. It returns the number of
    keys, or -1 if it gave up.
    """

    @compile_loop(
        types.int64(
            read_only(types.uint64), read_only(types.uint64, 2), read_only(types.boolean),
            read_only(types.uint32, 2), read_only(types.uint64, 2),
            read_only(types.uint64, 2), read_only(types.uint64, 2),
            read_only(types.int64, 2), read_only(types.uint32), read_only(types.int64),
            types.int64,
            types.int64, types.int64, writable(types.int64), types.int64,
        ),
    )  # fmt: skip
    def look_up(
        query: Any, words: Any, present: Any,
        starts: Any, entries: Any, masks: Any, places: Any, schedule: Any, flips: Any, levels: Any,
        budget: Any,
        radius: Any, k: Any, found: Any, n_found: Any,
    ) -> Any:  # pragma: no cover  # fmt: skip
        bound = _bound(radius, k, found, n_found)
        limits = np.full(len(masks), -1, dtype=np.int64)
        begins = np.empty(_BUCKETS, dtype=np.uint32)
        ends = np.empty(_BUCKETS, dtype=np.uint32)
        held = np.empty(_HELD, dtype=np.uint64)
        n_looked = np.int64(0)
        n_bands, width = np.uint64(len(masks)), np.uint64(places.shape[1])
        own_keys = np.zeros(len(masks), dtype=np.uint64)
        for number in range(len(masks)):
            for rank in range(places.shape[1]):
                bit = places[number, rank]
                one = (query[bit >> np.uint64(6)] >> (bit & np.uint64(63))) & np.uint64(1)
                own_keys[number] |= one << np.uint64(rank)
        step = 0
        # After n steps, every code within n - 1 bits has been seen.
        while (bound - 1) >> _ROW_BITS >= step:
            if step == len(schedule):
                return -1
            band, level = np.uint64(schedule[step, 0]), schedule[step, 1]
            own = own_keys[band]
            other_bits = own_keys[(band + np.uint64(1)) % n_bands]
            if n_bands > 1:
                other_bits |= own_keys[(band + np.uint64(2)) % n_bands] << width
            other_bits &= np.uint64(0xFFFFFFFF)
            flip, last = levels[level], levels[level + 1]
            bucket: Any = np.int64(0)
            n_buckets: Any = np.int64(0)
            place: Any = np.int64(0)
            while True:
                # Each of these loops reads memory in places that do not depend on each other, so
                # that the processor waits for many of them at once.
                if bucket == n_buckets:
                    if flip == last:
                        break
                    n_buckets = min(last - flip, len(begins))
                    for at in range(n_buckets):
                        key = own ^ np.uint64(flips[flip + at])
                        begins[at] = starts[band, key]
                        ends[at] = starts[band, key + np.uint64(1)]
                    flip += n_buckets
                    bucket, place = 0, np.int64(begins[0])
                n_held = np.int64(0)
                while bucket < n_buckets and n_held < len(held):
                    n_taken = min(np.int64(ends[bucket]) - place, len(held) - n_held)
                    for at in range(n_taken):
                        held[n_held + at] = entries[band, np.uint64(place + at)]
                    n_held += n_taken
                    place += n_taken
                    if place == np.int64(ends[bucket]):
                        bucket += 1
                        if bucket < n_buckets:
                            place = np.int64(begins[bucket])
                n_looked += n_held
                if n_looked > budget:
                    return -1
                # Few are near in the bits that stand beside their row.
                farthest = np.uint64((bound - 1) >> _ROW_BITS)
                n_near = np.int64(0)
                for at in range(n_held):
                    entry = held[at]
                    held[n_near] = entry
                    n_near += count_ones((entry >> np.uint64(32)) ^ other_bits) <= farthest
                for at in range(n_near):
                    row = held[at] & np.uint64(0xFFFFFFFF)
                    key = _distance(query, words[row], n_words) << _ROW_BITS | np.int64(row)
                    if key >= bound or not present[row]:
                        continue
                    # A code that an earlier step has seen is within the limit of its band.
                    seen = False
                    for other in range(len(masks)):
                        if limits[other] >= 0:
                            apart = np.uint64(0)
                            for word in range(n_words):
                                differ = query[word] ^ words[row, word]
                                apart += count_ones(differ & masks[other, word])
                            seen |= np.int64(apart) <= limits[other]
                    if not seen:
                        n_found = _keep(key, k, found, n_found)
                        bound = _bound(radius, k, found, n_found)
            limits[band] = level
            step += 1
        return n_found

    compiled: Callable[..., int] = look_up
    return compiled
