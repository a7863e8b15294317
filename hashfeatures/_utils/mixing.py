"""Mixing of the bits of words, for hashes that are the same in all runs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# The increment of SplitMix64, for sequences of words and of seeds.
GAMMA = 0x9E3779B97F4A7C15
# The constants of its finalizer, for compiled loops too.
SHIFTS = (np.uint64(30), np.uint64(27), np.uint64(31))
FACTORS = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))


def mix_words(words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Mix the bits of words, so that each bit affects all others.

    This is the finalizer of SplitMix64 (Steele, Lea and Flood, "Fast Splittable Pseudorandom
    Number Generators", 2014), a bijection.

    Parameters
    ----------
    words : ndarray, dtype uint64
        The words.

    Returns
    -------
    ndarray, dtype uint64
        The mixed words.

    Examples
    --------
    >>> import numpy as np
    >>> from hashfeatures._utils.mixing import mix_words
    >>> [hex(word) for word in mix_words(np.array([1, 2], dtype=np.uint64))]
    ['0x5692161d100b05e5', '0xdbd238973a2b148a']
    """
    words = multiply_and_shift(words)
    return words ^ (words >> SHIFTS[2])


def multiply_and_shift(words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return words as `mix_words` does, but for its last shift."""
    for shift, factor in zip(SHIFTS, FACTORS, strict=False):
        words = (words ^ (words >> shift)) * factor
    return words
