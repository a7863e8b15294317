"""The loops that touch every code and every candidate, compiled by numba.

They release the interpreter, so that threads run side by side, and are cached on disk, so that
only the first use after an installation compiles. Those whose speed hangs on the number of words
of a code are compiled for each number that is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import intrinsic

from .._utils.compiling import compile_loop

# Distances of codes of more words are given up as soon as they are too far.
_WHOLE_WORDS = 4

# The finalizer of SplitMix64 (Steele, Lea and Flood, "Fast Splittable Pseudorandom Number
# Generators", 2014): each bit of a word decides on every bit of what it is mixed to.
_SHIFTS = (np.uint64(30), np.uint64(27), np.uint64(31))
_FACTORS = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))


@intrinsic
def _count_ones(typing_context: Any, word: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return types.uint64(types.uint64), generate


def _read(dtype: Any, n_dimensions: int = 1) -> Any:
    return types.Array(dtype, n_dimensions, "C", readonly=True)


def _write(dtype: Any, n_dimensions: int = 1) -> Any:
    return types.Array(dtype, n_dimensions, "C")


# What is put into other loops stands outside of them: a function that refers to another compiled
# one from inside would never be found in the cache again.


@njit(inline="always")
def mix(word: Any) -> Any:
    """Mix the bits of a word."""
    word = (word ^ (word >> _SHIFTS[0])) * _FACTORS[0]
    word = (word ^ (word >> _SHIFTS[1])) * _FACTORS[1]
    return word ^ (word >> _SHIFTS[2])


@compile_loop(
    types.int64(
        _read(types.uint64, 2), types.uint64,
        _write(types.uint32), _write(types.uint32), _write(types.uint32),
    ),
)  # fmt: skip
def collapse(
    codes: Any, seed: Any, numbers: Any, firsts: Any, table: Any
) -> Any:  # pragma: no cover
    """Give numbers to the codes that differ, in the order in which they first appear.

    Parameters
    ----------
    codes : ndarray of shape (n_codes, n_words), dtype uint64
        The codes.
    seed : uint64
        Where codes stand in the table, and nothing else, hangs on it: whoever does not know it
        cannot make up codes that all want the same place.
    numbers : ndarray of shape (n_codes,), dtype uint32
        Written: the number of each code.
    firsts : ndarray of shape (n_codes,), dtype uint32
        Written: where the code of each number appears first.
    table : ndarray of shape (a power of two above n_codes,), dtype uint32
        Zeros; a hash table afterwards.

    Returns
    -------
    int
        How many codes differ.
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
        _read(types.uint8, 2),
        _read(types.int64),
        _read(types.uint32, 2),
        types.Array(types.uint32, 1, "C"),
    ),
)
def band_keys(octets: Any, places: Any, table: Any, keys: Any) -> None:  # pragma: no cover
    """Gather the bits of a band.

    Parameters
    ----------
    octets : ndarray of shape (n_codes, n_bytes), dtype uint8
        The codes.
    places : ndarray of shape (n_places,), dtype int64
        The bytes that hold bits of the band.
    table : ndarray of shape (n_places, 256), dtype uint32
        What each value of these bytes adds to the key.
    keys : ndarray of shape (n_codes,), dtype uint32
        Written: the bits of the band, of each code.
    """
    for code in range(len(octets)):
        key = np.uint32(0)
        for place in range(len(places)):
            key |= table[place, octets[code, places[place]]]
        keys[code] = key


@compile_loop(
    types.void(_read(types.uint32), _write(types.uint32), _write(types.uint32)),
)
def group(keys: Any, starts: Any, order: Any) -> None:  # pragma: no cover
    """Sort by counting.

    Parameters
    ----------
    keys : ndarray of shape (n_items,), dtype uint32
        The key of each item.
    starts : ndarray of shape (n_keys + 2,), dtype uint32
        Zeros; afterwards, where the items of each key start in `order`, and where the last end.
    order : ndarray of shape (n_items,), dtype uint32
        Written: the items by key, those of one key in their own order.
    """
    for key in keys:
        starts[np.int64(key) + 2] += np.uint32(1)
    for place in range(2, len(starts)):
        starts[place] += starts[place - 1]
    for item in range(len(keys)):
        key = np.int64(keys[item]) + 1
        order[starts[key]] = item
        starts[key] += np.uint32(1)


@njit(inline="always")
def _measure(code: Any, other: Any, n_words: Any, radius: Any) -> Any:  # pragma: no cover
    distance = np.uint64(0)
    for word in range(n_words):
        distance += _count_ones(code[word] ^ other[word])
        if n_words > _WHOLE_WORDS and word % 4 == 3 and np.int64(distance) > radius:
            break
    return np.int64(distance)


@njit(inline="always")
def _is_any_near(
    code: Any, others: Any, begin: Any, end: Any, n_words: Any, radius: Any
) -> Any:  # pragma: no cover
    # Nothing is written here, so that the code stays in registers.
    for other in range(np.uint64(begin), np.uint64(end)):
        if _measure(code, others[other], n_words, radius) <= radius:
            return True
    return False


@njit(inline="always")
def _is_earlier(
    code: Any, other: Any, masks: Any, limits: Any, n_words: Any
) -> Any:  # pragma: no cover
    for band in range(len(masks)):
        near = np.uint64(0)
        for word in range(n_words):
            near += _count_ones((code[word] ^ other[word]) & masks[band, word])
        if np.int64(near) <= limits[band]:
            return True
    return False


@cache
def join_of(n_words: int) -> Callable[..., int]:
    """Compile the loop over the candidates of a band, for codes of `n_words` words."""

    @compile_loop(
        types.int64(
            _read(types.uint64, 2), _read(types.uint32), _read(types.uint32),
            types.int64, types.int64,
            _read(types.uint64, 2), _read(types.uint32), _read(types.uint32),
            _read(types.uint32), types.boolean, types.int64,
            _read(types.uint64, 2), _read(types.int64),
            _write(types.uint32), _write(types.uint32), _write(types.int32), _write(types.int64),
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
        while flip < len(flips):
            while row < last:
                key = keys[row] ^ flips[flip]
                begin, end = np.int64(starts[key]), np.int64(starts[np.int64(key) + 1])
                if same:
                    if key < keys[row]:
                        begin = end
                    elif key == keys[row]:
                        begin = max(begin, row + 1)
                begin = max(begin, column)
                n_looked += max(end - begin, 0)
                if begin < end and _is_any_near(codes[row], others, begin, end, n_words, radius):
                    for other in range(begin, end):
                        distance = _measure(codes[row], others[other], n_words, radius)
                        if distance > radius:
                            continue
                        if _is_earlier(codes[row], others[other], masks, limits, n_words):
                            continue
                        if n_found == len(left):
                            state[0], state[1], state[2] = flip, row, other
                            state[3] = n_looked - (end - other)
                            return n_found
                        one, two = ids[row], other_ids[other]
                        if same and one > two:
                            one, two = two, one
                        left[n_found], right[n_found] = one, two
                        distances[n_found] = np.int32(distance)
                        n_found += 1
                column = 0
                row += 1
            row = first
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
            _read(types.uint64, 2), _read(types.uint64, 2), types.int64,
            _write(types.int32, 2), _write(types.uint32, 2),
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
                    distance += _count_ones(queries[query, word] ^ codes[code, word])
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
    """Compile what finds many nearest codes by counting distances, for codes of `n_words` words.

    It takes the same time for any number of neighbours; all codes are given at once.
    """

    @compile_loop(
        types.void(
            _read(types.uint64, 2), _read(types.uint64, 2),
            _write(types.int32, 2), _write(types.uint32, 2),
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
                    distance += _count_ones(queries[query, word] ^ codes[code, word])
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


@compile_loop(
    types.void(_read(types.uint64, 2), _read(types.uint64, 2), _write(types.int64, 2)),
)
def count_band_distances(codes: Any, masks: Any, counts: Any) -> None:  # pragma: no cover
    """Count the pairs of codes by their distance within each band.

    Parameters
    ----------
    codes : ndarray of shape (n_codes, n_words), dtype uint64
        The codes.
    masks : ndarray of shape (n_bands, n_words), dtype uint64
        The bits of each band.
    counts : ndarray of shape (n_bands, n_distances), dtype int64
        Added to: how many pairs have each distance; the last counts all from there on.
    """
    n_codes, n_words = codes.shape
    last = np.uint64(counts.shape[1] - 1)
    for band in range(len(masks)):
        for code in range(n_codes):
            for other in range(code):
                distance = np.uint64(0)
                for word in range(n_words):
                    mask = masks[band, word]
                    if mask:
                        distance += _count_ones((codes[code, word] ^ codes[other, word]) & mask)
                counts[band, min(distance, last)] += 1


@compile_loop(
    types.void(_write(types.uint32), _read(types.uint32), _read(types.uint32)),
)
def unite(parents: Any, left: Any, right: Any) -> None:  # pragma: no cover
    """Join the trees of a forest that pairs connect; the root of a tree is its lowest member."""
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


@compile_loop(types.void(_write(types.uint32)))
def flatten(parents: Any) -> None:  # pragma: no cover
    """Let every member of a forest of `unite` know its root: no parent is above its child."""
    for member in range(len(parents)):
        parents[member] = parents[parents[member]]


@njit(
    types.void(
        _write(types.uint32), _write(types.int64),
        _read(types.int64), _read(types.int64), _read(types.int64),
    ),
    cache=True,
    nogil=True,
)  # fmt: skip
def note_pairs(
    parents: Any, nearest: Any, left: Any, right: Any, distance: Any
) -> None:  # pragma: no cover
    """Do as `unite` does, and note how near to each member the nearest one is."""
    for pair in range(len(left)):
        one, two = np.int64(left[pair]), np.int64(right[pair])
        nearest[one] = min(nearest[one], distance[pair])
        nearest[two] = min(nearest[two], distance[pair])
        while np.int64(parents[one]) != one:
            parents[one] = parents[parents[one]]
            one = np.int64(parents[one])
        while np.int64(parents[two]) != two:
            parents[two] = parents[parents[two]]
            two = np.int64(parents[two])
        if one < two:
            parents[two] = np.uint32(one)
        else:
            parents[one] = np.uint32(two)


@njit(
    types.void(
        _read(types.uint64, 3), _read(types.int64), _read(types.uint64, 3), _read(types.int64),
        _read(types.int64), _write(types.int64),
    ),
    cache=True,
    nogil=True,
)  # fmt: skip
def least_distances(
    views: Any, rows: Any, others: Any, other_rows: Any, bases: Any, least: Any
) -> None:  # pragma: no cover
    """Measure pairs of images, of several codes each, by the nearest two of their codes.

    Parameters
    ----------
    views, others : ndarray of shape (n_images, n_codes, n_words), dtype uint64
        The codes on the left and on the right.
    rows, other_rows : ndarray of shape (n_pairs,), dtype int64
        The images.
    bases : ndarray of shape (n_bases,), dtype int64
        Which codes on the right count.
    least : ndarray of shape (n_pairs,), dtype int64
        Written: the least distances.
    """
    for pair in range(len(rows)):
        row, other = rows[pair], other_rows[pair]
        best = np.uint64(64 * views.shape[2] + 1)
        for view in range(views.shape[1]):
            for place in range(len(bases)):
                base = bases[place]
                distance = np.uint64(0)
                for word in range(views.shape[2]):
                    distance += _count_ones(views[row, view, word] ^ others[other, base, word])
                best = min(best, distance)
        least[pair] = np.int64(best)


@njit(
    types.void(
        _read(types.uint64, 3), _read(types.boolean, 2), _read(types.int64),
        _read(types.uint64, 3), _read(types.boolean, 2), _read(types.int64),
        _write(types.int64),
    ),
    cache=True,
    nogil=True,
)  # fmt: skip
def second_distances(
    codes: Any, shown: Any, rows: Any, others: Any, others_shown: Any, other_rows: Any, least: Any
) -> None:  # pragma: no cover
    """Measure pairs of images by the second nearest two of their segments.

    Parameters
    ----------
    codes, others : ndarray of shape (n_images, n_segments, n_words), dtype uint64
        The codes of the segments on the left and on the right.
    shown, others_shown : ndarray of shape (n_images, n_segments), dtype bool
        Which segments there are.
    rows, other_rows : ndarray of shape (n_pairs,), dtype int64
        The images.
    least : ndarray of shape (n_pairs,), dtype int64
        Written: the distances, at most the number of bits.
    """
    n_left, n_right, n_words = codes.shape[1], others.shape[1], codes.shape[2]
    n_bits = np.int64(64 * n_words)
    apart = np.empty((n_left, n_right), dtype=np.int64)
    for pair in range(len(rows)):
        row, other = rows[pair], other_rows[pair]
        first, of_left, of_right = n_bits + 1, -1, -1
        for one in range(n_left):
            for two in range(n_right):
                apart[one, two] = n_bits
                if shown[row, one] and others_shown[other, two]:
                    distance = np.uint64(0)
                    for word in range(n_words):
                        distance += _count_ones(codes[row, one, word] ^ others[other, two, word])
                    apart[one, two] = np.int64(distance)
                    if apart[one, two] < first:
                        first, of_left, of_right = apart[one, two], one, two
        beside, below = n_bits, n_bits
        for one in range(n_left):
            for two in range(n_right):
                if one != of_left:
                    beside = min(beside, apart[one, two])
                if two != of_right:
                    below = min(below, apart[one, two])
        least[pair] = min(2 * first, max(beside, below), n_bits)


@compile_loop(
    types.void(
        _read(types.uint64, 3), _read(types.int64), _read(types.uint64, 3), _read(types.int64),
        _read(types.int64), _read(types.int64, 3), types.int64, _write(types.int64, 2),
    )
)  # fmt: skip
def choose_views(
    views: Any, rows: Any, others: Any, other_rows: Any, bases: Any, ranks: Any, slack: Any,
    chosen: Any,
) -> None:  # pragma: no cover  # fmt: skip
    """Choose the two codes by which pairs of images are told to be near.

    Parameters
    ----------
    views, others : ndarray of shape (n_images, n_codes, n_words), dtype uint64
        The codes on the left and on the right.
    rows, other_rows : ndarray of shape (n_pairs,), dtype int64
        The images.
    bases : ndarray of shape (n_bases,), dtype int64
        Which codes are compared with all codes of the other side.
    ranks : ndarray of shape (2, n_codes, n_bases), dtype int64
        How preferable it is to compare a code on the left with a base on the right, and the other
        way round; the lowest is chosen.
    slack : int
        By how many bits what is chosen may be farther apart than the nearest two.
    chosen : ndarray of shape (n_pairs, 3), dtype int64
        Written: the least distance, the code on the left and the code on the right.
    """
    n_codes, n_words, n_bases = views.shape[1], views.shape[2], len(bases)
    apart = np.empty((2, n_codes, n_bases), dtype=np.int64)
    for pair in range(len(rows)):
        row, other = rows[pair], other_rows[pair]
        least = np.int64(64 * n_words + 1)
        for code in range(n_codes):
            for place in range(n_bases):
                base = bases[place]
                there, back = np.uint64(0), np.uint64(0)
                for word in range(n_words):
                    there += _count_ones(views[row, code, word] ^ others[other, base, word])
                    back += _count_ones(others[other, code, word] ^ views[row, base, word])
                apart[0, code, place], apart[1, code, place] = np.int64(there), np.int64(back)
                least = min(least, apart[0, code, place], apart[1, code, place])
        chosen[pair, 0] = least
        best = np.int64(ranks.size)
        for way in range(2):
            for code in range(n_codes):
                for place in range(n_bases):
                    rank = ranks[way, code, place]
                    if rank < best and apart[way, code, place] <= least + slack:
                        best = rank
                        chosen[pair, 1 + way] = code
                        chosen[pair, 2 - way] = bases[place]


@compile_loop(types.void(_read(types.uint64, 2), _read(types.int64), _write(types.int64)))
def widest_distances(codes: Any, ends: Any, widest: Any) -> None:  # pragma: no cover
    """Measure groups of codes by the two that are farthest apart.

    Parameters
    ----------
    codes : ndarray of shape (n_codes, n_words), dtype uint64
        The codes, group after group.
    ends : ndarray of shape (n_groups,), dtype int64
        Where each group ends.
    widest : ndarray of shape (n_groups,), dtype int64
        Written: the greatest distance of two members.
    """
    start = 0
    for group in range(len(ends)):
        most = np.uint64(0)
        for one in range(start, ends[group]):
            for other in range(start, one):
                distance = np.uint64(0)
                for word in range(codes.shape[1]):
                    distance += _count_ones(codes[one, word] ^ codes[other, word])
                most = max(most, distance)
        widest[group] = np.int64(most)
        start = ends[group]
