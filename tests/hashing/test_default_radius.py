"""Every comparison has a radius of its own, by which it matches as few strangers as the others."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashfeatures.hashing._algorithms import ALGORITHMS
from hashfeatures.hashing._default_radius import PER_MILLION, default_radius
from hashfeatures.hashing._spec import HashSpec, parse_hashes
from hashfeatures.hashing.views._modes import VIEWS, compare_by

TWO = parse_hashes(("phash", "dhash"))
LUMA = [name for name, algorithm in ALGORITHMS.items() if not algorithm.color]


def names_for(views):
    """Return the algorithms that can be compared in a kind of views."""
    if views == "identity":
        return list(ALGORITHMS)
    return LUMA if views == "segments" else ["phash", "dhash"]


@st.composite
def comparisons(draw):
    """Return views and hashes of any size."""
    views = draw(st.sampled_from(VIEWS))
    specs = []
    for name in draw(st.sets(st.sampled_from(names_for(views)), min_size=1)):
        algorithm = ALGORITHMS[name]
        low, high = algorithm.min_size, min(algorithm.max_size, 40)
        size = draw(st.sampled_from([4, 8, 16, 32]) if algorithm.power_of_two else
                    st.integers(low, high))  # fmt: skip
        specs.append(HashSpec(name, size))
    return views, tuple(specs)


@pytest.mark.parametrize(
    ("views", "radius"),
    [("identity", 12), ("flips", 12), ("dihedral", 12), ("robust", 9), ("segments", 18)],
)
def test_the_default_hashes_keep_their_radius(views, radius):
    assert default_radius(TWO, views).bits == radius


@given(comparisons())
def test_every_comparison_has_a_radius_within_its_bits(comparison):
    views, specs = comparison
    compare_by(specs, views)
    bits, per_million = default_radius(specs, views)
    assert 0 <= bits <= sum(spec.n_bits for spec in specs) / 3
    assert per_million > 0
    if views != "segments" and bits:
        assert per_million <= PER_MILLION


@given(comparisons(), st.randoms())
def test_more_hashes_and_larger_ones_never_have_a_smaller_radius(comparison, random):
    """Who differs in few bits of all differs in few of each: nothing that matched may be lost."""
    views, specs = comparison
    radius = default_radius(specs, views).bits
    for spec in specs:
        assert default_radius((spec,), views).bits <= radius
    order = random.sample(specs, len(specs))
    assert default_radius(order, views).bits == radius
    doubled = tuple(
        HashSpec(spec.name, 2 * spec.size) for spec in specs
        if 2 * spec.size <= spec.algorithm.max_size
    )  # fmt: skip
    if len(doubled) == len(specs):
        assert default_radius(doubled, views).bits >= radius


@pytest.mark.parametrize("weak", ["ahash", "whash", "colorhash", "phash_simple", "phash:3"])
def test_weak_hashes_are_known_to_be_weak(weak):
    """No radius keeps to the rate, so that 0 is left, and what it matches nevertheless."""
    bits, per_million = default_radius(parse_hashes(weak))
    assert bits == 0
    assert per_million > 10 * PER_MILLION


def test_two_weak_hashes_make_a_better_one():
    assert default_radius(parse_hashes(("ahash", "dhash"))).bits > 0
