"""The compiled loops over all codes and all candidates.

They release the interpreter, so that threads run in parallel. Numba caches them on disk, so that
only the first use after an installation compiles them. Loops whose speed depends on the number of
words of a code are compiled for each number separately.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numba import types

from .._utils.compiling import compile_loop, count_ones, inline, read_only, writable
from .._utils.mixing import FACTORS, SHIFTS
from ._lanes import LANES, near_lanes

# For codes of more words, counting stops as soon as the distance is too large.
_WHOLE_WORDS = 4

# So many codes of one bucket are compared with all of another before the next.
_TILE_ROWS = 32

# `join_of` stops when fewer pairs than these fit into its arrays, which must hold more.
SPARE_PAIRS = _TILE_ROWS * LANES

# Inlined functions are defined outside of the loops that use them: numba never finds a function in
# its cache that refers to another compiled one from inside.


@inline
def mix(word: Any) -> Any:
    """Mix the bits of a word; `mixing.mix_words` for compiled loops."""
    word = (word ^ (word >> SHIFTS[0])) * FACTORS[0]
    word = (word ^ (word >> SHIFTS[1])) * FACTORS[1]
    return word ^ (word >> SHIFTS[2])


@compile_loop(
    types.int64(
        read_only(types.uint64, 2), types.uint64,
        writable(types.uint32), writable(types.uint32), writable(types.uint32),
    ),
)  # fmt: skip
def collapse(
    codes: Any, seed: Any, numbers: Any, firsts: Any, table: Any
) -> Any:  # pragma: no cover
    """Give numbers to the unique codes in the order of their first appearance.

    Parameters
    ----------
    codes : ndarray of shape (n_codes, n_words), dtype uint64
        The codes.
    seed : uint64
        Decides where codes stand in the table. A secret seed keeps others from making up codes
        that all collide. The numbers do not depend on it.
    numbers : ndarray of shape (n_codes,), dtype uint32
        Written: the number of each code.
    firsts : ndarray of shape (n_codes,), dtype uint32
        Written: where the code of each number appears first.
    table : ndarray of shape (a power of two above n_codes,), dtype uint32
        Zeros; a hash table afterwards.

    Returns
    -------
    int
        The number of unique codes.
    """
    n_codes, n_words = codes.shape
    last = np.uint64(len(table) - 1)
    n_unique = np.int64(0)
    for code in range(n_codes):
        mixed = seed
        for word in range(n_words):
            mixed = mix(mixed ^ codes[code, word])
        slot = mixed & last
        while True:
            entry = np.int64(table[slot])
            if entry == 0:
                firsts[n_unique] = code
                numbers[code] = n_unique
                n_unique += 1
                table[slot] = n_unique
                break
            other = np.int64(firsts[entry - 1])
            equal = True
            for word in range(n_words):
                equal &= codes[code, word] == codes[other, word]
            if equal:
                numbers[code] = entry - 1
                break
            slot = (slot + np.uint64(1)) & last
    return n_unique


@compile_loop(
    types.void(
        read_only(types.uint8, 2),
        read_only(types.int64),
        read_only(types.uint32, 2),
        writable(types.uint32),
    ),
)
def band_keys(octets: Any, places: Any, table: Any, keys: Any) -> None:  # pragma: no cover
    """Extract the bits of a band from each code.

    Parameters
    ----------
    octets : ndarray of shape (n_codes, n_bytes), dtype uint8
        The codes.
    places : ndarray of shape (n_places,), dtype int64
        The bytes that hold bits of the band.
    table : ndarray of shape (n_places, 256), dtype uint32
        What each value of these bytes contributes to the key.
    keys : ndarray of shape (n_codes,), dtype uint32
        Written: the bits of the band of each code.
    """
    for code in range(len(octets)):
        key = np.uint32(0)
        for place in range(len(places)):
            key |= table[place, octets[code, places[place]]]
        keys[code] = key


@compile_loop(
    types.void(read_only(types.uint32), writable(types.uint32), writable(types.uint32)),
)
def group(keys: Any, starts: Any, order: Any) -> None:  # pragma: no cover
    """Group items by key, by counting sort.

    Parameters
    ----------
    keys : ndarray of shape (n_items,), dtype uint32
        The key of each item.
    starts : ndarray of shape (n_keys + 2,), dtype uint32
        Zeros. Written: where the items of each key start in `order`, and where the last end.
    order : ndarray of shape (n_items,), dtype uint32
        Written: the items sorted by key; items of one key keep their order.
    """
    for key in keys:
        starts[np.int64(key) + 2] += np.uint32(1)
    for place in range(2, len(starts)):
        starts[place] += starts[place - 1]
    for item in range(len(keys)):
        key = np.int64(keys[item]) + 1
        order[starts[key]] = item
        starts[key] += np.uint32(1)


@inline
def _measure(code: Any, other: Any, n_words: Any, radius: Any) -> Any:  # pragma: no cover
    distance = np.uint64(0)
    for word in range(n_words):
        distance += count_ones(code[word] ^ other[word])
        if n_words > _WHOLE_WORDS and word % 4 == 3 and np.int64(distance) > radius:
            break
    return np.int64(distance)


@inline
def _is_earlier(
    code: Any, other: Any, masks: Any, limits: Any, n_words: Any
) -> Any:  # pragma: no cover
    for band in range(len(masks)):
        near = np.uint64(0)
        for word in range(n_words):
            near += count_ones((code[word] ^ other[word]) & masks[band, word])
        if np.int64(near) <= limits[band]:
            return True
    return False


@cache
def join_of(n_words: int) -> Callable[..., int]:
    """Compile the loop over the candidates of a band, for codes of `n_words` words.

    The loop compares the codes of a bucket with those of another as a tile: eight codes at once
    with each of the others, which finds out whether any is near. Only then it measures each.
    """

    @compile_loop(
        types.int64(
            read_only(types.uint64, 2), read_only(types.uint32), read_only(types.uint32),
            types.int64, types.int64,
            read_only(types.uint64, 2), read_only(types.uint32), read_only(types.uint32),
            read_only(types.uint32), types.boolean, types.int64,
            read_only(types.uint64, 2), read_only(types.int64),
            writable(types.uint32), writable(types.uint32),
            writable(types.int32), writable(types.int64),
        ),
    )  # fmt: skip
    def join(
        codes: Any, keys: Any, ids: Any, first: Any, last: Any,
        others: Any, starts: Any, other_ids: Any,
        flips: Any, same: Any, radius: Any,
        masks: Any, limits: Any,
        left: Any, right: Any, distances: Any, state: Any,
    ) -> Any:  # pragma: no cover  # fmt: skip
        n_found = 0
        flip, row, column, n_looked = state
        heads = np.empty(last - first + 1, dtype=np.int64)  # where the codes of each key start
        n_keys, at = 0, 0
        for place in range(first, last):
            if place == first or keys[place] != keys[place - 1]:
                heads[n_keys] = place
                at = n_keys if place <= row else at
                n_keys += 1
        heads[n_keys] = last
        while flip < len(flips):
            while at < n_keys:
                own = keys[heads[at]]
                key = own ^ flips[flip]
                begin, end = np.int64(starts[key]), np.int64(starts[np.int64(key) + 1])
                if same and key < own:
                    end = begin
                row = max(row, heads[at])
                while begin < end and row < heads[at + 1]:
                    until = min(row + _TILE_ROWS, heads[at + 1])
                    start = begin
                    if same and key == own:
                        start = max(begin, row + 1)
                    for other in range(max(start, column), end, LANES):
                        width = min(end - other, np.int64(LANES))
                        apart = not same or key != own or other >= until
                        lanes = (np.uint64(1) << np.uint64(width)) - np.uint64(1)
                        if apart and len(others) >= LANES:
                            place = min(other, len(others) - LANES)
                            near = near_lanes(codes, row, until, others, place, n_words, radius)
                            lanes &= near >> np.uint64(other - place)
                        if lanes and n_found + SPARE_PAIRS > len(left):
                            state[0], state[1], state[2], state[3] = flip, row, other, n_looked
                            return n_found
                        if apart:
                            n_looked += width * (until - row)
                        while lanes:
                            lane = count_ones((lanes & (~lanes + np.uint64(1))) - np.uint64(1))
                            lanes &= lanes - np.uint64(1)
                            two = other + np.int64(lane)
                            stop = until if apart else min(until, two)
                            if not apart:
                                n_looked += stop - row
                            for one in range(row, stop):
                                distance = _measure(codes[one], others[two], n_words, radius)
                                if distance > radius:
                                    continue
                                if _is_earlier(codes[one], others[two], masks, limits, n_words):
                                    continue
                                a, b = ids[one], other_ids[two]
                                if same and a > b:
                                    a, b = b, a
                                left[n_found], right[n_found] = a, b
                                distances[n_found] = np.int32(distance)
                                n_found += 1
                    column = 0
                    row = until
                at += 1
            at, row = 0, first
            flip += 1
        state[0], state[1], state[2], state[3] = flip, row, 0, n_looked
        return n_found

    compiled: Callable[..., int] = join
    return compiled


@cache
def nearest_of(n_words: int) -> Callable[..., None]:
    """Compile the scan for the nearest codes, for codes of `n_words` words."""

    @compile_loop(
        types.void(
            read_only(types.uint64, 2), read_only(types.uint64, 2), types.int64,
            writable(types.int32, 2), writable(types.uint32, 2),
        ),
    )  # fmt: skip
    def nearest(
        queries: Any, codes: Any, first: Any, distances: Any, numbers: Any
    ) -> None:  # pragma: no cover
        k = distances.shape[1]
        for query in range(len(queries)):
            worst = np.int64(distances[query, k - 1])
            for code in range(len(codes)):
                distance = np.uint64(0)
                for word in range(n_words):
                    distance += count_ones(queries[query, word] ^ codes[code, word])
                    if n_words > _WHOLE_WORDS and word % 4 == 3 and np.int64(distance) >= worst:
                        break
                if np.int64(distance) < worst:
                    place = k - 1
                    while place and distances[query, place - 1] > np.int64(distance):
                        distances[query, place] = distances[query, place - 1]
                        numbers[query, place] = numbers[query, place - 1]
                        place -= 1
                    distances[query, place] = np.int32(distance)
                    numbers[query, place] = first + code
                    worst = np.int64(distances[query, k - 1])

    compiled: Callable[..., None] = nearest
    return compiled


@cache
def many_nearest_of(n_words: int) -> Callable[..., None]:
    """Compile the search for many nearest codes by counting sort, for codes of `n_words` words.

    Its time does not depend on the number of neighbors. It takes all codes at once.
    """

    @compile_loop(
        types.void(
            read_only(types.uint64, 2), read_only(types.uint64, 2),
            writable(types.int32, 2), writable(types.uint32, 2),
        )
    )  # fmt: skip
    def many_nearest(
        queries: Any, codes: Any, distances: Any, numbers: Any
    ) -> None:  # pragma: no cover
        k = distances.shape[1]
        apart = np.empty(len(codes), dtype=np.int32)
        place = np.empty(64 * n_words + 2, dtype=np.int64)  # of the next code at each distance
        for query in range(len(queries)):
            place[:] = 0
            for code in range(len(codes)):
                distance = np.uint64(0)
                for word in range(n_words):
                    distance += count_ones(queries[query, word] ^ codes[code, word])
                apart[code] = np.int32(distance)
                place[np.int64(distance) + 1] += 1
            for after in range(1, len(place)):
                place[after] += place[after - 1]
            for code in range(len(codes)):
                at = place[apart[code]]
                if at < k:
                    distances[query, at] = apart[code]
                    numbers[query, at] = code
                    place[apart[code]] = at + 1

    compiled: Callable[..., None] = many_nearest
    return compiled


@compile_loop(types.void(read_only(types.uint64, 2), writable(types.int64)))
def count_distances(codes: Any, counts: Any) -> None:  # pragma: no cover
    """Count the pairs of codes by their distance.

    Parameters
    ----------
    codes : ndarray of shape (n_codes, n_words), dtype uint64
        The codes.
    counts : ndarray of shape (n_bits + 1,), dtype int64
        Added to: the number of pairs at each distance.
    """
    n_codes, n_words = codes.shape
    for code in range(n_codes):
        for other in range(code):
            distance = np.uint64(0)
            for word in range(n_words):
                distance += count_ones(codes[code, word] ^ codes[other, word])
            counts[distance] += 1


@compile_loop(
    types.void(writable(types.uint32), read_only(types.uint32), read_only(types.uint32)),
)
def unite(parents: Any, left: Any, right: Any) -> None:  # pragma: no cover
    """Merge the trees of a forest that pairs connect; the lowest member of a tree is its root."""
    for pair in range(len(left)):
        one, two = left[pair], right[pair]
        while parents[one] != one:
            parents[one] = parents[parents[one]]
            one = parents[one]
        while parents[two] != two:
            parents[two] = parents[parents[two]]
            two = parents[two]
        if one < two:
            parents[two] = one
        else:
            parents[one] = two


@compile_loop(types.void(writable(types.uint32)))
def flatten(parents: Any) -> None:  # pragma: no cover
    """Point every member of a forest of `unite` to its root; no parent is above its child."""
    for member in range(len(parents)):
        parents[member] = parents[parents[member]]
