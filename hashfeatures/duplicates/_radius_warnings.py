"""Warnings of a radius within which different pictures match."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..exceptions import RadiusWarning, warn_user
from ..hamming._packing import hamming_distances
from ..hashing._default_radius import PER_MILLION, DefaultRadius
from ..hashing._spec import HashSpec

# A radius that matches a larger share of all pairs does not separate images. Sets of fewer
# different images may be copies of a few pictures, and are not judged.
_CROWD = 0.1
_LEAST_IMAGES = 50
# The images of a sample by which the share is judged: they have 33,000 pairs.
SAMPLED = 256


def warn_of_strangers(specs: Sequence[HashSpec], radius: DefaultRadius, n_images: int) -> None:
    """Warn if hashes match different images of so large a set whatever the radius is."""
    expected = radius.per_million * 1e-6 * n_images * (n_images - 1) / 2
    if radius.bits or radius.per_million <= PER_MILLION or expected < 1:
        return
    named = " and ".join(repr(str(spec)) for spec in specs)
    warn_user(
        f"Among {n_images:,} images some {expected:,.0f} pairs of different pictures are expected "
        f"to match by {named}, even at a radius of 0 bits: {radius.per_million:,.0f} "
        f"in a million pairs of photos did. Use more selective hashes, such as "
        f"hashes=('phash', 'dhash'), or combine these with one of them.",
        RadiusWarning,
    )


def warn_if_codes_are_crowded(codes: NDArray[np.uint64], radius: int, n_bits: int) -> None:
    """Warn if a large part of the pairs of packed hashes, which all differ, is within a radius."""
    sample = np.random.default_rng(0).choice(codes, min(SAMPLED, len(codes)), replace=False)
    distances = hamming_distances(sample[:, None], sample)
    n_near = int(np.triu(distances <= radius, k=1).sum())
    if is_crowded(n_near, len(sample)):
        warn_of_crowd(n_near, len(sample), radius, n_bits)


def is_crowded(n_near: int, n_sampled: int) -> bool:
    """Return whether a large part of the pairs of a sample is near."""
    return n_sampled >= _LEAST_IMAGES and _share(n_near, n_sampled) > _CROWD


def warn_of_crowd(n_near: int, n_sampled: int, radius: int, n_bits: int) -> None:
    """Warn that a large part of the pairs of a sample is within a radius."""
    warn_user(
        f"A radius of {radius} of {n_bits} bits matches {_share(n_near, n_sampled):.0%} of all "
        f"pairs of images (of a sample of {n_sampled} whose hashes differ), so it does not "
        f"separate these images. Use a smaller one, such as the default (radius=None), or find "
        f"one with calibrate(images).",
        RadiusWarning,
    )


def _share(n_near: int, n_sampled: int) -> float:
    return n_near / max(1, n_sampled * (n_sampled - 1) / 2)
