"""Warnings of a radius by which pictures match that have nothing in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..exceptions import RadiusWarning, warn_user
from ..hamming._packing import hamming_distances
from ..hashing._default_radius import PER_MILLION, DefaultRadius
from ..hashing._spec import HashSpec

if TYPE_CHECKING:  # the stages warn too, and stand on no estimator
    from .fingerprints._fingerprints import Signatures

# A radius that matches a larger share of all pairs than this tells nothing apart. Sets of fewer
# different images may be copies of a few pictures, and are not judged.
_CROWD = 0.1
_LEAST_IMAGES = 50
# The share is that of a sample: so many images have 33,000 pairs.
_SAMPLED = 256


def warn_of_strangers(specs: Sequence[HashSpec], radius: DefaultRadius, n_images: int) -> None:
    """Warn if hashes are too weak for any radius, and match different images of so large a set."""
    expected = radius.per_million * 1e-6 * n_images * (n_images - 1) / 2
    if radius.bits or radius.per_million <= PER_MILLION or expected < 1:
        return
    named = " and ".join(repr(str(spec)) for spec in specs)
    warn_user(
        f"Among {n_images:,} images some {expected:,.0f} pairs of different pictures are expected "
        f"to match by {named}, even at a radius of 0 bits: {radius.per_million:,.0f} "
        f"in a million pairs of photos did. Compare by hashes that tell more, as "
        f"hashes=('phash', 'dhash') does, or by these and one of them together.",
        RadiusWarning,
    )


def warn_of_crowd(
    signatures: Signatures, radius: int, n_jobs: int | None, color_radius: int | None
) -> None:
    """Warn if a large part of all pairs of images is within a radius, by a sample of them."""
    sample = signatures.sample_different(_SAMPLED)
    n_sampled = len(sample.hashed)
    n_near = sample.near(radius, n_jobs, color_radius=color_radius).n_pairs
    _warn_if_crowd(n_near, n_sampled, radius, signatures.n_bits)


def warn_of_crowded_codes(codes: NDArray[np.uint64], radius: int, n_bits: int) -> None:
    """Warn in the same way of packed hashes that all differ, shape (n_codes, n_words)."""
    sample = np.random.default_rng(0).choice(codes, min(_SAMPLED, len(codes)), replace=False)
    distances = hamming_distances(sample[:, None], sample)
    n_near = int(np.triu(distances <= radius, k=1).sum())
    _warn_if_crowd(n_near, len(sample), radius, n_bits)


def _warn_if_crowd(n_near: int, n_sampled: int, radius: int, n_bits: int) -> None:
    share = n_near / max(1, n_sampled * (n_sampled - 1) / 2)
    if share > _CROWD and n_sampled >= _LEAST_IMAGES:
        warn_user(
            f"A radius of {radius} of {n_bits} bits matches {share:.0%} of all pairs "
            f"of images (of a sample of {n_sampled} whose hashes differ): it does not tell these "
            f"images apart. Take a smaller one, such as the default (radius=None), or let "
            f"calibrate(images) find it.",
            RadiusWarning,
        )
