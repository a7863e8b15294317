"""The compiled loops over the views and segments of images."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types

from ..._utils.compiling import compile_loop, count_ones, read_only, writable


@compile_loop(
    types.void(
        read_only(types.uint64, 3), read_only(types.int64),
        read_only(types.uint64, 3), read_only(types.int64),
        read_only(types.int64), writable(types.int64),
    ),
)  # fmt: skip
def least_distances(
    views: Any, rows: Any, others: Any, other_rows: Any, bases: Any, least: Any
) -> None:  # pragma: no cover
    """Measure the smallest distance between the views of each pair of images.

    Parameters
    ----------
    views, others : ndarray of shape (n_images, n_codes, n_words), dtype uint64
        The codes of the views of the images on the left and on the right.
    rows, other_rows : ndarray of shape (n_pairs,), dtype int64
        The images.
    bases : ndarray of shape (n_bases,), dtype int64
        Which views on the right are compared.
    least : ndarray of shape (n_pairs,), dtype int64
        Written: the smallest distances.
    """
    for pair in range(len(rows)):
        row, other = rows[pair], other_rows[pair]
        best = np.uint64(64 * views.shape[2] + 1)
        for view in range(views.shape[1]):
            for place in range(len(bases)):
                base = bases[place]
                distance = np.uint64(0)
                for word in range(views.shape[2]):
                    distance += count_ones(views[row, view, word] ^ others[other, base, word])
                best = min(best, distance)
        least[pair] = np.int64(best)


@compile_loop(
    types.void(
        read_only(types.uint64, 3), read_only(types.boolean, 2), read_only(types.int64),
        read_only(types.uint64, 3), read_only(types.boolean, 2), read_only(types.int64),
        writable(types.int64),
    ),
)  # fmt: skip
def second_distances(
    codes: Any, shown: Any, rows: Any, others: Any, others_shown: Any, other_rows: Any, least: Any
) -> None:  # pragma: no cover
    """Measure the distance of the second nearest two segments of each pair of images.

    Parameters
    ----------
    codes, others : ndarray of shape (n_images, n_segments, n_words), dtype uint64
        The codes of the segments on the left and on the right.
    shown, others_shown : ndarray of shape (n_images, n_segments), dtype bool
        Which segments exist.
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
                        distance += count_ones(codes[row, one, word] ^ others[other, two, word])
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
        read_only(types.uint64, 3), read_only(types.int64),
        read_only(types.uint64, 3), read_only(types.int64),
        read_only(types.int64), read_only(types.int64, 3), types.int64, writable(types.int64, 2),
    )
)  # fmt: skip
def choose_views(
    views: Any, rows: Any, others: Any, other_rows: Any, bases: Any, ranks: Any, slack: Any,
    chosen: Any,
) -> None:  # pragma: no cover  # fmt: skip
    """Choose the two views that explain why each pair of images is near.

    Parameters
    ----------
    views, others : ndarray of shape (n_images, n_codes, n_words), dtype uint64
        The codes of the views of the images on the left and on the right.
    rows, other_rows : ndarray of shape (n_pairs,), dtype int64
        The images.
    bases : ndarray of shape (n_bases,), dtype int64
        Which views are compared with all views of the other image.
    ranks : ndarray of shape (2, n_codes, n_bases), dtype int64
        The rank of each view on the left with each base view on the right, and the other way
        round. The lowest rank is chosen.
    slack : int
        How many bits farther apart than the nearest two the chosen views may be.
    chosen : ndarray of shape (n_pairs, 3), dtype int64
        Written: the smallest distance, the view on the left and the view on the right.
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
                    there += count_ones(views[row, code, word] ^ others[other, base, word])
                    back += count_ones(others[other, code, word] ^ views[row, base, word])
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
