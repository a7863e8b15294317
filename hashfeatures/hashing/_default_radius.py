"""The default radius of each comparison, all measured at the same rate of false matches.

``python benchmarks/radius.py`` measures the table. The radii of other comparisons are derived by
rules that never raise the rate.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ._spec import HashSpec

# The most false matches in a million pairs of different images at a default radius: the rate of
# "phash" and "dhash" at 12 bits.
PER_MILLION = 4.2


class DefaultRadius(NamedTuple):
    """The default radius of a comparison.

    Parameters
    ----------
    bits : int
        The radius.
    per_million : float
        The false matches in a million pairs of different images, as measured or as an upper bound
        derived from measurements.
    """

    bits: int
    per_million: float


# By views and by hashes: the radius and its false matches in a million pairs. Segments of "phash"
# and "dhash" have a greater radius than the rate allows, because a large crop shares little with
# its original. A radius of 7 bits would keep to the rate and find fewer copies.
_MEASURED: dict[str, dict[str, tuple[int, float]]] = {
    "identity": {
        "ahash:4": (0, 1210),
        "ahash": (0, 84.3),
        "ahash:16": (1, 3.85),
        "phash:4": (0, 788),
        "phash": (5, 3.71),
        "phash:16": (43, 3.89),
        "phash_simple:4": (0, 2470),
        "phash_simple": (0, 184),
        "phash_simple:16": (0, 21.2),
        "dhash:4": (0, 881),
        "dhash": (4, 3.6),
        "dhash:16": (34, 4.08),
        "dhash_vertical:4": (0, 968),
        "dhash_vertical": (4, 4.04),
        "dhash_vertical:16": (34, 4.02),
        "whash:4": (0, 2890),
        "whash": (0, 43.3),
        "whash:16": (5, 3.01),
        "phash:32": (261, 4.12),
        "dhash:32": (147, 4.14),
        "pdq": (43, 3.32),
        "colorgrid": (0, 9320),
        "colorhash:2": (0, 22800),
        "colorhash": (0, 7380),
        "colorhash:4": (0, 2130),
        "colorhash:6": (0, 412),
        "ahash,phash": (6, 3.46),
        "ahash,dhash": (6, 3.71),
        "ahash,whash": (1, 3.4),
        "ahash,colorhash": (0, 0.836),
        "phash,dhash": (12, 4.1),
        "phash,whash": (7, 2.25),
        "phash,colorhash": (7, 3.73),
        "dhash,whash": (6, 3.26),
        "dhash,colorhash": (6, 3.3),
        "whash,colorhash": (1, 2.14),
        "phash:16,dhash:16": (82, 4.08),
        "ahash,phash,dhash,whash,colorhash": (20, 4.12),
    },
    "flips": {
        "phash": (5, 3.77),
        "dhash": (4, 3.56),
        "phash:16": (43, 3.95),
        "dhash:16": (34, 4.06),
        "phash,dhash": (12, 4.1),
        "phash:16,dhash:16": (82, 4.08),
    },
    "dihedral": {
        "phash": (5, 3.81),
        "dhash": (4, 3.96),
        "phash:16": (43, 3.96),
        "dhash:16": (34, 4.18),
        "phash,dhash": (12, 4.12),
        "phash:16,dhash:16": (82, 4.08),
    },
    "robust": {
        "phash": (3, 4.12),
        "dhash": (2, 3.21),
        "phash:16": (37, 3.98),
        "dhash:16": (30, 3.83),
        "phash,dhash": (9, 3.96),
        "phash:16,dhash:16": (76, 3.96),
    },
    "segments": {
        "ahash": (0, 427),
        "ahash:16": (0, 175),
        "phash": (3, 1.98),
        "phash:16": (33, 4.08),
        "phash_simple": (0, 634),
        "phash_simple:16": (0, 63.2),
        "dhash": (0, 68.2),
        "dhash:16": (0, 31.8),
        "dhash_vertical": (0, 6.63),
        "dhash_vertical:16": (13, 4.16),
        "whash": (0, 204),
        "whash:16": (0, 22.6),
        "phash,dhash": (18, 33.2),
        "phash:16,dhash:16": (59, 4.12),
    },
}

# The same at the rates at which hashes nominate pairs, which pixels then confirm: 237 in a million
# pairs, 680 over all turns, and 112 over parts of images. Wider radii find few more copies.
_NOMINATING: dict[str, dict[str, tuple[int, float]]] = {
    "identity": {
        "ahash:4": (0, 1210),
        "ahash": (1, 192),
        "ahash:16": (14, 211),
        "phash:4": (0, 788),
        "phash": (13, 201),
        "phash:16": (85, 214),
        "phash_simple:4": (0, 2470),
        "phash_simple": (0, 184),
        "phash_simple:16": (17, 214),
        "dhash:4": (0, 881),
        "dhash": (11, 195),
        "dhash:16": (66, 204),
        "dhash_vertical:4": (0, 968),
        "dhash_vertical": (11, 195),
        "dhash_vertical:16": (67, 218),
        "whash:4": (0, 2890),
        "whash": (1, 44.8),
        "whash:16": (17, 204),
        "phash:32": (429, 218),
        "dhash:32": (265, 237),
        "pdq": (89, 218),
        "colorgrid": (0, 9320),
        "colorhash:2": (0, 22800),
        "colorhash": (0, 7380),
        "colorhash:4": (0, 2130),
        "colorhash:6": (0, 412),
        "ahash,phash": (18, 213),
        "ahash,dhash": (16, 190),
        "ahash,whash": (6, 224),
        "ahash,colorhash": (6, 219),
        "phash,dhash": (28, 237),
        "phash,whash": (19, 210),
        "phash,colorhash": (17, 231),
        "dhash,whash": (17, 225),
        "dhash,colorhash": (15, 191),
        "whash,colorhash": (6, 186),
        "phash:16,dhash:16": (161, 224),
        "ahash,phash,dhash,whash,colorhash": (44, 233),
    },
    "flips": {
        "phash,dhash": (28, 258),
        "phash": (13, 233),
        "dhash": (11, 252),
        "phash:16,dhash:16": (163, 259),
        "phash:16": (85, 229),
        "dhash:16": (67, 248),
    },
    "dihedral": {
        "phash,dhash": (32, 682),
        "phash": (13, 368),
        "dhash": (11, 556),
        "phash:16,dhash:16": (176, 684),
        "phash:16": (89, 504),
        "dhash:16": (72, 684),
    },
    "robust": {
        "phash,dhash": (20, 112),
        "phash": (7, 68.3),
        "dhash": (6, 88),
        "phash:16,dhash:16": (139, 110),
        "phash:16": (65, 98.7),
        "dhash:16": (55, 101),
    },
    "segments": {
        "ahash": (0, 427),
        "phash": (15, 181),
        "phash_simple": (0, 634),
        "dhash": (8, 222),
        "dhash_vertical": (8, 228),
        "whash": (3, 236),
        "phash,dhash": (28, 218),
        "ahash:16": (3, 219),
        "phash:16": (83, 218),
        "phash_simple:16": (17, 227),
        "dhash:16": (53, 223),
        "dhash_vertical:16": (47, 225),
        "whash:16": (11, 229),
        "phash:16,dhash:16": (150, 234),
    },
}


def default_radius(specs: Sequence[HashSpec], views: str = "identity") -> DefaultRadius:
    """Return the greatest radius at which hashes match at most `PER_MILLION` different images.

    A combination that was not measured has the greatest radius of its parts, since images that
    differ in few bits of all hashes differ in no more bits of some of them. A hash of another size
    has the same share of its bits as the next smaller size that was measured. Larger hashes of
    different images differ in a greater share of their bits. Where even 0 bits match more images,
    the radius is 0.

    Parameters
    ----------
    specs : sequence of HashSpec
        The hashes.
    views : str
        What the hashes describe, one of `hashfeatures.hashing.views._modes.VIEWS`.

    Returns
    -------
    DefaultRadius
        In bits over all hashes.

    Examples
    --------
    >>> from hashfeatures.hashing._default_radius import default_radius
    >>> from hashfeatures.hashing._spec import parse_hashes
    >>> default_radius(parse_hashes(["phash", "dhash"])).bits
    12
    >>> default_radius(parse_hashes("dhash")).bits
    4
    """
    return _look_up(specs, _MEASURED[views])


def _look_up(specs: Sequence[HashSpec], radii: dict[str, tuple[int, float]]) -> DefaultRadius:
    measured = {
        frozenset(names.split(",")): DefaultRadius(*radius) for names, radius in radii.items()
    }
    named = frozenset(map(str, specs))
    if named in measured:
        return measured[named]
    parts = [radius for names, radius in measured.items() if names < named]
    parts += [_scale(spec, measured) for spec in specs]
    return max(parts, key=lambda part: (part.bits, -part.per_million))


def _scale(spec: HashSpec, measured: dict[frozenset[str], DefaultRadius]) -> DefaultRadius:
    """Return the radius of a hash from its next smaller size that was measured."""
    singles = [HashSpec.parse(name) for names in measured if len(names) == 1 for name in names]
    sizes = sorted((each for each in singles if each.name == spec.name), key=lambda s: s.size)
    smaller = [each for each in sizes if each.size <= spec.size]
    if not smaller:  # a smaller hash matches more images than the smallest measured one
        return DefaultRadius(0, measured[frozenset([str(sizes[0])])].per_million)
    radius = measured[frozenset([str(smaller[-1])])]
    return radius._replace(bits=radius.bits * spec.n_bits // smaller[-1].n_bits)


def nomination_radius(specs: Sequence[HashSpec], views: str = "identity") -> int:
    """Return the default radius where the pixels confirm what the hashes nominate.

    Combinations that were not measured are derived as for `default_radius`.

    Parameters
    ----------
    specs : sequence of HashSpec
        The hashes.
    views : str
        What the hashes describe, one of `hashfeatures.hashing.views._modes.VIEWS`.

    Returns
    -------
    int
        In bits over all hashes.

    Examples
    --------
    >>> from hashfeatures.hashing._default_radius import nomination_radius
    >>> from hashfeatures.hashing._spec import parse_hashes
    >>> nomination_radius(parse_hashes(["phash", "dhash"]))
    28
    """
    return _look_up(specs, _NOMINATING[views]).bits
