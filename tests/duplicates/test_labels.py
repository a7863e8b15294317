"""Labels of groups are merged to the finest that hold both, and count missing ones as one."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hashfeatures.duplicates._labels import merge_labels, relabel


def same_partition(left, right):
    return (relabel(left) == relabel(right)).all()


@given(st.lists(st.tuples(st.integers(0, 6), st.sampled_from("abcdef")), min_size=1, max_size=30))
def test_merged_groups_are_the_finest_that_hold_both(rows):
    """Two rows are together exactly if a path of shared labels joins them."""
    numbers, letters = zip(*rows, strict=True)
    merged = merge_labels(numbers, letters)
    parent = list(range(len(rows)))
    for _ in rows:
        for i in range(len(rows)):
            for j in range(len(rows)):
                if numbers[i] == numbers[j] or letters[i] == letters[j]:
                    parent[i] = parent[j] = min(parent[i], parent[j])
    assert same_partition(merged, parent)


def test_missing_labels_are_one_label_and_none_is_negative():
    assert relabel(np.array([None, "a", None], dtype=object)).tolist() == [0, 1, 0]
    assert relabel([1.0, np.nan, 2.0, np.nan]).tolist() == [0, 1, 2, 1]
    assert merge_labels([0, 1, 2, 3], [None, "a", None, "b"]).tolist() == [0, 1, 0, 2]
