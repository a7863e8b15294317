"""A limit is exceeded exactly if more was found than it allows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashfeatures import ParameterError
from hashfeatures.model_selection.audit._audit_limits import LIMITS, find_exceeded


def make_summary(found, size):
    """Return the summary of a split in which `found` of `size` images or groups are amiss."""
    leaks = {"total": found, "identical": found}
    part = {"images": size, "unreadable": 0, "leaks": leaks, "within": {"duplicates": 0}}
    return {
        "parts": {
            "train": part,
            "test": part | {"unreadable": found, "within": {"duplicates": found}},
        },
        "conflicts": {"groups": found, "disagreeing": found, "labeled": size},
        "annotations": {"pairs": found, "compared": size},
        "straddling": {"noun": "sequence", "groups": found, "all_groups": size},
    }


@given(st.sampled_from(LIMITS), st.integers(1, 50), st.data())
def test_numbers_and_shares(name, size, data):
    found = data.draw(st.integers(0, size))
    summary = make_summary(found, size)
    number = data.draw(st.integers(0, size))
    assert bool(find_exceeded(summary, {name: number})) == (found > number)
    share = data.draw(st.floats(0, 1, exclude_max=True))
    whole = 2 * size if name == "unreadable" else size
    assert bool(find_exceeded(summary, {name: share})) == (found / whole > share)


def test_what_is_missing_cannot_be_limited():
    summary = make_summary(1, 2) | dict.fromkeys(["conflicts", "annotations", "straddling"])
    missing = {"conflicts": "labels", "annotations": "boxes or masks", "straddling": "groups"}
    for name, what in (missing | {"leek": "keys among"}).items():
        with pytest.raises(ParameterError, match=what):
            find_exceeded(summary, {name: 0})
