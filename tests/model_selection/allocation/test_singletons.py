"""Single images fill parts exactly, and no class misses its quota by more than necessary."""

from itertools import product

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hashfeatures.model_selection.allocation._singletons import fill_quotas


def distance(filled, low, high, weight):
    outside = np.maximum(np.maximum(low - filled, filled - high), 0)
    return (weight * outside**2).sum()


@st.composite
def problems(draw, n_parts, n_classes, most=4):
    """Draw deficits, some of them negative, with the sizes and the bounds of parts."""
    numbers = st.integers(-2, most)
    cells = [[draw(numbers) for _ in range(n_classes)] for _ in range(n_parts)]
    deficits = np.array(cells, dtype=np.int64)
    deficits[0] += np.maximum(-deficits.sum(axis=0), 0)  # no class has a negative sum
    ways = [[draw(st.integers(0, 1)) for _ in range(n_classes)] for _ in range(2 * n_parts)]
    below, above = np.array(ways[:n_parts]), np.array(ways[n_parts:])
    wanted = deficits.sum(axis=1)
    while wanted.min() < 0:
        wanted[wanted.argmin()] += 1
        wanted[wanted.argmax()] -= 1
    weight = np.array([draw(st.sampled_from([1, 1, 50])) for _ in range(n_classes)])
    return deficits, wanted, deficits - below, deficits + above, weight


@given(st.data(), st.integers(1, 6), st.integers(1, 6), st.sampled_from([None, 0, 1]))
def test_all_sums_hold_and_nothing_is_negative(data, n_parts, n_classes, seed):
    deficits, wanted, *shares = data.draw(problems(n_parts, n_classes))
    rng = None if seed is None else np.random.RandomState(seed)
    filled = fill_quotas(deficits, wanted, *shares, rng)
    assert (filled >= 0).all()
    np.testing.assert_array_equal(filled.sum(axis=0), deficits.sum(axis=0))
    np.testing.assert_array_equal(filled.sum(axis=1), wanted)
    if (deficits >= 0).all():
        np.testing.assert_array_equal(filled, deficits)


@settings(max_examples=40)
@given(st.data(), st.sampled_from([None, 0]))
def test_no_other_filling_is_nearer_to_the_shares(data, seed):
    """Compares with all ways to fill three parts from two classes."""
    deficits, wanted, *shares = data.draw(problems(3, 2, most=2))
    rng = None if seed is None else np.random.RandomState(seed)
    filled = fill_quotas(deficits, wanted, *shares, rng)
    n_first, n_second = deficits.sum(axis=0)
    least = np.inf
    for some in product(range(n_first + 1), repeat=2):
        first = np.array([*some, n_first - sum(some)])
        other = np.stack([first, wanted - first], axis=1)
        if other.min() >= 0:
            assert other[:, 1].sum() == n_second
            least = min(least, distance(other, *shares))
    assert distance(filled, *shares) == least
